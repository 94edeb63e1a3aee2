// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/registry.h"

#include "nir/nn/decoders/local.h"

#include "nn/registry_rows.h"

namespace nir::nn {

namespace {

template <class Impl, class Options>
std::shared_ptr<LocalDecoder> make_decoder(const AnyConfig& config, const LocalDims& dims) {
    return std::make_shared<Impl>(config.get<Options>(), dims);
}

}  // namespace

std::span<const LocalDecoderRow> local_decoder_rows() {
    static const LocalDecoderRow kRows[] = {
        {"convonet2020 §3.2",
         config_alternative<LocalMlpConfig>("local", "features read at the point feed a small residual network"),
         make_decoder<LocalMlpImpl, LocalMlpConfig>},
        {"convonet2020 §3.4",
         config_alternative<LocalMlpConfig>("local_patch", "local for a window, positions within voxels"),
         make_decoder<PatchMlpImpl, LocalMlpConfig>},
        {"convonet2020 §4",
         config_alternative<PointMlpConfig>("local_point", "features at points, weighted by distance, feed the same"),
         make_decoder<PointMlpImpl, PointMlpConfig>},
    };
    return kRows;
}

std::span<const ConfigAlternative> local_decoder_alternatives() {
    static const auto all = alternatives_of(local_decoder_rows());
    return all;
}

std::vector<Component> local_decoder_components() { return components_of(local_decoder_rows(), "decoder"); }

std::shared_ptr<LocalDecoder> make_local_decoder(const AnyConfig& config, const LocalDims& dims) {
    return row_of(local_decoder_rows(), config.name(), "decoder").make(config, dims);
}

}  // namespace nir::nn
