// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/nn/encoders/local_encoder.h"
#include "nir/nn/resnet_fc.h"

namespace nir {
class ConfigVisitor;
}

namespace nir::nn {

struct LocalMlpConfig {
    std::int64_t hidden_size = 32;
    std::int64_t n_blocks = 5;
    bool leaky = false;
    SampleMode sample_mode = SampleMode::bilinear;

    void describe(ConfigVisitor& v);
};

/// Local decoder: features read at the query point from all maps, summed, are added before each residual block of a
/// small network on the point itself. `leaky` changes only the last activation (slope 0.2).
/// State: fc_c.i, fc_p, blocks.i, fc_out. Ref: convonet2020 §3.2; LocalDecoder of the papers' code.
class LocalMlpImpl : public LocalDecoder {
public:
    LocalMlpImpl(const LocalMlpConfig& config, const LocalDims& dims);
    torch::Tensor decode(const torch::Tensor& points, const FeatureMaps& features) override {
        return forward(points, features);
    }
    torch::Tensor forward(const torch::Tensor& points, const FeatureMaps& features);

private:
    LocalMlpConfig config_;
    LocalDims dims_;
    torch::nn::Linear fc_p_{nullptr}, fc_out_{nullptr};
    torch::nn::ModuleList fc_c_, blocks_;
};
TORCH_MODULE(LocalMlp);

}  // namespace nir::nn
