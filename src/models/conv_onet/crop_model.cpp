// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/conv_onet/crop_model.h"

#include "nir/base/error.h"
#include "nir/nn/batch.h"

#include "models/conv_onet/crop_field.h"
#include "models/model_parts.h"
#include "models/observation_tensor.h"

#include <cmath>

namespace nir::models {

using torch::Tensor;

void ConvOnetCropConfig::describe(ConfigVisitor& v) {
    v.field("c_dim", c_dim, {.min = 1, .max = 4096}, "channels of the feature maps");
    v.field("threshold", threshold, {.max = 0.999999, .above = 0}, "probability of the surface");
    v.field("unit_size", unit_size, {.max = 1e6, .above = 0, .unit = "units of the observation"},
            "side of a voxel of the feature maps; set it by the scale of the scan");
    v.field("query_cells", query_cells, {.min = 1, .max = 512, .unit = "voxels"},
            "side of the boxes that are asked one after the other");
    v.field("local_coordinates", local_coordinates, "describe points by their position within a voxel");
    v.choice("position_encoding", position_encoding,
             {{"linear", nn::PositionEncoding::linear}, {"sin_cos", nn::PositionEncoding::sin_cos}},
             "of positions within a voxel");
    v.check(local_coordinates || position_encoding == nn::PositionEncoding::linear, "position_encoding",
            "sin_cos encodes local coordinates: set local_coordinates = true");
    v.field("margin", margin, {.min = 0, .max = 1e6, .unit = "units of the observation"},
            "what the boxes cover beyond the points");
    v.field("window", window, {.unit = "units of the observation", .max_count = 3},
            "lower corner of one window to look through, instead of sliding over the scan");
    v.check(window.empty() || window.size() == 3, "window", "a corner has three coordinates");
    v.table("encoder", encoder, "points of a window to feature maps");
    v.table("decoder", decoder, "feature maps and points to logits");
}

nn::LocalDims ConvOnetCropConfig::dims() const {
    nn::LocalDims dims;
    dims.c_dim = c_dim;
    dims.window = {unit_size, query_cells, local_coordinates, position_encoding};
    return dims;
}

ConvOnetCropModuleImpl::ConvOnetCropModuleImpl(const ConvOnetCropConfig& config) {
    encoder = std::dynamic_pointer_cast<nn::PointnetPatchImpl>(nn::make_local_encoder(config.encoder, config.dims()));
    if (!encoder)
        fail(ErrorKind::config, "conv_onet_crop takes the encoder pointnet_patch, not \"{}\"", config.encoder.name());
    decoder = nn::make_local_decoder(config.decoder, config.dims());
    if (decoder->reads() != nn::LocalFeatures::window)
        fail(ErrorKind::config, "conv_onet_crop takes the decoder local_patch, not \"{}\"", config.decoder.name());
    register_module("encoder", encoder);
    register_module("decoder", decoder);
}

ConvOnetCrop::ConvOnetCrop(const ConvOnetCropConfig& config) : config_(config), net_(config) {}

Config ConvOnetCrop::config() const { return named_config(name(), to_config(config_)); }

data::TrainingTargets ConvOnetCrop::targets() const {
    data::TrainingTargets wanted;
    wanted.window = static_cast<double>(config_.query_cells) * config_.unit_size;
    return wanted;
}

at::Tensor ConvOnetCrop::loss(const nn::Batch& batch, const LossLog& log) {
    const Tensor& occupancies = batch.at("window_occupancies");
    const Tensor lower = batch.at("window_center") - net_->encoder->window_side() / 2;
    const nn::FeatureMaps maps = net_->encoder->encode_window(batch.at("observation"), lower);
    const Tensor logits = net_->decoder->decode(batch.at("window_points"), maps);
    const Tensor bce = torch::binary_cross_entropy_with_logits(logits, occupancies, {}, {}, at::Reduction::None);
    if (log) log("iou", batch_iou(logits, occupancies, config_.threshold));
    return bce.sum(1).mean();
}

Shape ConvOnetCrop::infer(const Observation& observation) {
    return std::make_unique<CropField>(net_, config_, observation_tensor(observation, takes(), 0));
}

}  // namespace nir::models
