// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/registry.h"

#include "nir/nn/encoders/pointnet_local.h"

#include "nn/registry_rows.h"

namespace nir::nn {

std::span<const LocalEncoderRow> local_encoder_rows() {
    static const LocalEncoderRow kRows[] = {
        {"convonet2020 §3.1",
         config_alternative<PointnetLocalConfig>("pointnet_local",
                                                 "points to planes or a volume: PointNet with local pooling, U-Nets"),
         [](const AnyConfig& config, const LocalDims& dims) -> std::shared_ptr<LocalEncoder> {
             return std::make_shared<PointnetLocalImpl>(config.get<PointnetLocalConfig>(), dims);
         }},
    };
    return kRows;
}

std::span<const ConfigAlternative> local_encoder_alternatives() {
    static const auto all = alternatives_of(local_encoder_rows());
    return all;
}

std::vector<Component> local_encoder_components() { return components_of(local_encoder_rows(), "encoder"); }

std::shared_ptr<LocalEncoder> make_local_encoder(const AnyConfig& config, const LocalDims& dims) {
    return row_of(local_encoder_rows(), config.name(), "encoder").make(config, dims);
}

}  // namespace nir::nn
