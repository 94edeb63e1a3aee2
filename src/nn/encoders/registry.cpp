// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/registry.h"

#include "nir/nn/encoders/pointnet2.h"
#include "nir/nn/encoders/pointnet_local.h"
#include "nir/nn/encoders/pointnet_patch.h"
#include "nir/nn/encoders/voxel_local.h"

#include "nn/registry_rows.h"

namespace nir::nn {

namespace {

template <class Impl, class Options>
std::shared_ptr<LocalEncoder> make_encoder(const AnyConfig& config, const LocalDims& dims) {
    return std::make_shared<Impl>(config.get<Options>(), dims);
}

}  // namespace

std::span<const LocalEncoderRow> local_encoder_rows() {
    static const LocalEncoderRow kRows[] = {
        {"convonet2020 §3.1",
         config_alternative<PointnetLocalConfig>("pointnet_local",
                                                 "points to planes or a volume: PointNet with local pooling, U-Nets"),
         make_encoder<PointnetLocalImpl, PointnetLocalConfig>},
        {"convonet2020 §3.4",
         config_alternative<PointnetPatchConfig>("pointnet_patch",
                                                 "pointnet_local for a window, positions within voxels"),
         make_encoder<PointnetPatchImpl, PointnetPatchConfig>},
        {"convonet2020 §4.1",
         config_alternative<VoxelLocalConfig>("voxel_local", "voxels to planes or a volume: a convolution, U-Nets"),
         make_encoder<VoxelLocalImpl, VoxelLocalConfig>},
        {"qi2017b", config_alternative<Pointnet2Config>("pointnet2", "points to features at points: PointNet++"),
         make_encoder<Pointnet2Impl, Pointnet2Config>},
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
