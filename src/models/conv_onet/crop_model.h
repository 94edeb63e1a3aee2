// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/models/model.h"
#include "nir/nn/encoders/pointnet_patch.h"
#include "nir/nn/registry.h"

#include <vector>

namespace nir::models {

struct ConvOnetCropConfig {
    std::int64_t c_dim = 32;
    double threshold = 0.2;
    double unit_size = 0.005;
    std::int64_t query_cells = 25;
    bool local_coordinates = true;
    nn::PositionEncoding position_encoding = nn::PositionEncoding::linear;
    double margin = 0.01;
    std::vector<double> window;
    AnyConfig encoder{nn::local_encoder_alternatives(), "pointnet_patch"};
    AnyConfig decoder{nn::local_decoder_alternatives(), "local_patch"};

    void describe(ConfigVisitor& v);
    nn::LocalDims dims() const;
};

/// Holds encoder and decoder under the names of the papers' checkpoints.
class ConvOnetCropModuleImpl : public torch::nn::Module {
public:
    /// @throws nir::Error (config) for an encoder or a decoder that is not of a window.
    explicit ConvOnetCropModuleImpl(const ConvOnetCropConfig& config);
    std::shared_ptr<nn::PointnetPatchImpl> encoder;
    std::shared_ptr<nn::LocalDecoder> decoder;
};
TORCH_MODULE(ConvOnetCropModule);

/// Convolutional Occupancy Network for scenes of any size: trained on crops, it slides over the scan box by box and
/// looks at a window around each. Positions are told to it within voxels of side unit_size only, so that scenes of
/// another scale need another unit_size and no other weights. Frame: that of the observation.
/// Batches: "observation" [B,N,3], "window_center" [B,3] f64, "window_points" [B,T,3] in the box of side
/// query_cells * unit_size around the centre, "window_occupancies" [B,T] in 0..1.
/// Ref: convonet2020 §3.4.
class ConvOnetCrop final : public Model {
public:
    explicit ConvOnetCrop(const ConvOnetCropConfig& config);

    std::string_view name() const override { return "conv_onet_crop"; }
    Config config() const override;
    /// Binary cross entropy of logits, summed over points, mean over the batch; logs "iou" at the threshold.
    at::Tensor loss(const nn::Batch& batch, const LossLog& log) override;
    data::TrainingTargets targets() const override;
    /// A CropField. @throws nir::Error (input) for a scan that is too large for boxes of this size.
    Shape infer(const Observation& observation) override;
    torch::nn::Module& module() override { return *net_; }

private:
    ConvOnetCropConfig config_;
    ConvOnetCropModule net_;
};

}  // namespace nir::models
