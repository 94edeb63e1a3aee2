// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/decoders/conditional.h"
#include "nir/nn/registry.h"

#include "nn/registry_rows.h"

namespace nir::nn {
namespace {

template <class Impl, class Options>
std::shared_ptr<GlobalDecoder> make_decoder(const AnyConfig& config, const GlobalDims& dims) {
    return std::make_shared<Impl>(config.get<Options>(), dims);
}

}  // namespace

std::span<const GlobalDecoderRow> global_decoder_rows() {
    static const GlobalDecoderRow kRows[] = {
        {"onet2019", config_alternative<SimpleDecoderConfig>("simple", "codes added to the point, residual blocks"),
         make_decoder<SimpleDecoderImpl, SimpleDecoderConfig>},
        {"onet2019",
         config_alternative<CBatchNormConfig>("cbatchnorm", "residual blocks, batch normalisation set by the code"),
         make_decoder<CBatchNormDecoderImpl, CBatchNormConfig>},
        {"onet2019",
         config_alternative<CBatchNorm2Config>("cbatchnorm2", "cbatchnorm with any number of blocks, z joins the code"),
         make_decoder<CBatchNorm2DecoderImpl, CBatchNorm2Config>},
        {"onet2019 (ablation)",
         config_alternative<PlainDecoderConfig>("batchnorm", "code added to the point, plain batch normalisation"),
         make_decoder<BatchNormDecoderImpl, PlainDecoderConfig>},
        {"onet2019 (ablation)",
         config_alternative<PlainDecoderConfig>("cbatchnorm_noresnet", "cbatchnorm of single layers"),
         make_decoder<CBatchNormPlainDecoderImpl, PlainDecoderConfig>},
    };
    return kRows;
}

std::span<const ConfigAlternative> global_decoder_alternatives() {
    static const auto all = alternatives_of(global_decoder_rows());
    return all;
}

std::vector<Component> global_decoder_components() { return components_of(global_decoder_rows(), "decoder"); }

std::shared_ptr<GlobalDecoder> make_global_decoder(const AnyConfig& config, const GlobalDims& dims) {
    return row_of(global_decoder_rows(), config.name(), "decoder").make(config, dims);
}

}  // namespace nir::nn
