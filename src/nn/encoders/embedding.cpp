// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/encoders/embedding.h"

#include "nir/base/config.h"
#include "nir/base/error.h"

namespace nir::nn {

void IndexEmbeddingConfig::describe(ConfigVisitor& v) {
    v.field("shapes", shapes, {.min = 1, .max = 10000000}, "training shapes, one code for each");
}

IndexEmbeddingImpl::IndexEmbeddingImpl(const IndexEmbeddingConfig& config, const GlobalDims& dims) {
    weight_ = register_parameter("weight", torch::randn({config.shapes, dims.c_dim}));
}

torch::Tensor IndexEmbeddingImpl::forward(const torch::Tensor& index) {
    if (index.numel() > 0) {
        const auto lo = index.min().item<std::int64_t>(), hi = index.max().item<std::int64_t>();
        if (lo < 0 || hi >= weight_.size(0))
            fail(ErrorKind::input, "there is no shape number {}; the model knows 0 to {}", lo < 0 ? lo : hi,
                 weight_.size(0) - 1);
    }
    return torch::embedding(weight_, index);
}

NullEncoderImpl::NullEncoderImpl(const NullEncoderConfig&, const GlobalDims& dims) {
    if (dims.c_dim != 0) fail(ErrorKind::config, "encoder \"null\" makes no code; set c_dim = 0, not {}", dims.c_dim);
}

}  // namespace nir::nn
