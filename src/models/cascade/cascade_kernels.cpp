// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/cascade_kernels.h"

#include <fmt/format.h>

namespace nir::models {
namespace {

kernels::ResidualMlp decoder_of(const CascadeConfig& config, const WeightSource& weights) {
    kernels::ResidualNetwork<float> out;
    out.inputs = 0;
    out.hidden = static_cast<std::size_t>(config.decoder_hidden);
    out.features = static_cast<std::size_t>(config.features);
    out.first_feature_weight = weights("decoder.first.weight"), out.first_bias = weights("decoder.first.bias");
    for (int i = 0; i < config.decoder_blocks; ++i) {
        const auto of = [&](const char* layer, const char* what) {
            return weights(fmt::format("decoder.{}.{}.{}", layer, i, what));
        };
        out.blocks.push_back(
            {{}, {}, {}, {}, of("fc_0", "weight"), of("fc_0", "bias"), of("fc_1", "weight"), of("fc_1", "bias")});
    }
    out.out_weight = weights("decoder.last.weight"), out.out_bias = weights("decoder.last.bias");
    return kernels::ResidualMlp(out);
}

}  // namespace

CascadeKernels::CascadeKernels(const CascadeConfig& c, const WeightSource& weights)
    : config(c),
      coarse("coarse", coarse_inputs(), c.coarse.widths, c.features, weights),
      fine("fine", fine_inputs(c), c.fine.widths, c.features, weights),
      decoder(decoder_of(c, weights)) {}

}  // namespace nir::models
