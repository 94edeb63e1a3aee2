// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/encoders/atlasnet.h"
#include "nir/nn/encoders/embedding.h"
#include "nir/nn/encoders/image_conv.h"
#include "nir/nn/encoders/pointnet_global.h"
#include "nir/nn/encoders/r2n2.h"
#include "nir/nn/encoders/resnet.h"
#include "nir/nn/encoders/voxels.h"
#include "nir/nn/registry.h"

#include "nn/registry_rows.h"

namespace nir::nn {
namespace {

using EncoderPtr = std::shared_ptr<GlobalEncoder>;

template <class Impl, class Options>
EncoderPtr make_encoder(const AnyConfig& config, const GlobalDims& dims) {
    return std::make_shared<Impl>(config.get<Options>(), dims);
}

template <ResnetDepth kDepth>
EncoderPtr make_resnet(const AnyConfig& config, const GlobalDims& dims) {
    return std::make_shared<ResnetImpl>(kDepth, config.get<ResnetConfig>(), dims);
}

template <bool kCoordinates>
EncoderPtr make_voxels(const AnyConfig& config, const GlobalDims& dims) {
    return std::make_shared<VoxelEncoderImpl>(config.get<VoxelEncoderConfig>(), dims, kCoordinates);
}

}  // namespace

std::span<const GlobalEncoderRow> global_encoder_rows() {
    static const GlobalEncoderRow kRows[] = {
        {"onet2019", config_alternative<PointnetConfig>("pointnet_simple", "points to a code: PointNet of four layers"),
         make_encoder<PointnetSimpleImpl, PointnetConfig>},
        {"onet2019",
         config_alternative<PointnetConfig>("pointnet_resnet", "points to a code: PointNet of residual blocks"),
         make_encoder<PointnetResnetImpl, PointnetConfig>},
        {"he2016", config_alternative<ResnetConfig>("resnet18", "image to a code: ResNet-18"),
         make_resnet<ResnetDepth::r18>},
        {"he2016", config_alternative<ResnetConfig>("resnet34", "image to a code: ResNet-34"),
         make_resnet<ResnetDepth::r34>},
        {"he2016", config_alternative<ResnetConfig>("resnet50", "image to a code: ResNet-50"),
         make_resnet<ResnetDepth::r50>},
        {"onet2019",
         config_alternative<ResnetConfig>("resnet101",
                                          "image to a code: what the papers' code builds under this name, "
                                          "a ResNet-50"),
         make_resnet<ResnetDepth::r50>},
        {"onet2019", config_alternative<SimpleConvConfig>("simple_conv", "image to a code: five plain convolutions"),
         make_encoder<SimpleConvImpl, SimpleConvConfig>},
        {"choy2016", config_alternative<R2n2EncoderConfig>("r2n2_simple", "image to a code: encoder of 3D-R2N2"),
         make_encoder<R2n2SimpleImpl, R2n2EncoderConfig>},
        {"choy2016",
         config_alternative<R2n2EncoderConfig>("r2n2_resnet", "image to a code: residual encoder of 3D-R2N2"),
         make_encoder<R2n2ResnetImpl, R2n2EncoderConfig>},
        {"onet2019", config_alternative<VoxelEncoderConfig>("voxel_simple", "voxels to a code: five 3-D convolutions"),
         make_voxels<false>},
        {"onet2019",
         config_alternative<VoxelEncoderConfig>("voxel_coord", "voxel_simple that also sees each voxel's position"),
         make_voxels<true>},
        {"groueix2018",
         config_alternative<AtlasnetPointnetConfig>("atlasnet_pointnet", "points to a code: AtlasNet's PointNet"),
         make_encoder<AtlasnetPointnetImpl, AtlasnetPointnetConfig>},
        {"groueix2018",
         config_alternative<AtlasnetResnetConfig>("atlasnet_resnet18",
                                                  "image to a code: AtlasNet's ResNet-18, pictures as they are"),
         make_encoder<AtlasnetResnet18Impl, AtlasnetResnetConfig>},
        {"onet2019 §4.1", config_alternative<IndexEmbeddingConfig>("idx", "number of a training shape to its own code"),
         make_encoder<IndexEmbeddingImpl, IndexEmbeddingConfig>},
        {"onet2019 §4.3", config_alternative<NullEncoderConfig>("null", "no observation, no code (unconditional)"),
         make_encoder<NullEncoderImpl, NullEncoderConfig>},
    };
    return kRows;
}

std::span<const ConfigAlternative> global_encoder_alternatives() {
    static const auto all = alternatives_of(global_encoder_rows());
    return all;
}

std::vector<Component> global_encoder_components() { return components_of(global_encoder_rows(), "encoder"); }

std::shared_ptr<GlobalEncoder> make_global_encoder(const AnyConfig& config, const GlobalDims& dims) {
    if (dims.c_dim < 1 && config.name() != "null")
        fail(ErrorKind::config, "encoder \"{}\" needs c_dim of at least 1, not {}", config.name(), dims.c_dim);
    return row_of(global_encoder_rows(), config.name(), "encoder").make(config, dims);
}

}  // namespace nir::nn
