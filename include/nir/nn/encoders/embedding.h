// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/nn/encoders/global_encoder.h"

namespace nir {
class ConfigVisitor;
}

namespace nir::nn {

struct IndexEmbeddingConfig {
    std::int64_t shapes = 1;

    void describe(ConfigVisitor& v);
};

/// One learned code for each training shape, first drawn from N(0,1). State: weight [shapes, c_dim].
/// Ref: onet2019 §4.1 (representation power); encoder `idx` of the papers' code.
class IndexEmbeddingImpl : public GlobalEncoder {
public:
    IndexEmbeddingImpl(const IndexEmbeddingConfig& config, const GlobalDims& dims);
    ObservationKind takes() const override { return ObservationKind::index; }
    torch::Tensor encode(const torch::Tensor& index) override { return forward(index); }
    /// @param index [B] int64. @throws nir::Error (input) for a number that is no shape.
    torch::Tensor forward(const torch::Tensor& index);

private:
    torch::Tensor weight_;
};
TORCH_MODULE(IndexEmbedding);

struct NullEncoderConfig {
    void describe(ConfigVisitor&) {}
};

/// No observation, no code: [B,0]. Ref: onet2019 §4.3 (unconditional); encoder `null` of the papers' code.
class NullEncoderImpl : public GlobalEncoder {
public:
    NullEncoderImpl(const NullEncoderConfig& config, const GlobalDims& dims);
    ObservationKind takes() const override { return ObservationKind::none; }
    torch::Tensor encode(const torch::Tensor& batch) override {
        return torch::empty({batch.size(0), 0}, torch::kFloat32);
    }
};
TORCH_MODULE(NullEncoder);

}  // namespace nir::nn
