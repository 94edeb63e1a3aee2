// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/nn/encoders/local_encoder.h"

#include <vector>

namespace nir {
class ConfigVisitor;
}

namespace nir::nn {

struct Pointnet2Config {
    std::vector<int> centers = {512, 128};
    std::vector<double> radii = {0.2, 0.4};
    std::vector<int> neighbors = {32, 64};
    std::vector<int> first_centers = {0, 0};
    std::int64_t width = 64;

    void describe(ConfigVisitor& v);
};

/// What happens on the way, for tests.
struct Pointnet2Trace {
    std::vector<torch::Tensor> centers;  // of each level: numbers of its points in the level below, [B,S] int64
};

/// PointNet++ with one radius per level: centres by farthest point sampling, small networks on the neighbours of each,
/// largest value, then back to all points by interpolation between the three nearest. Features live at the points of
/// the observation. Clouds with fewer points than centres repeat some; N = 0 gives no features.
/// State: sa{1,2,3}.mlp_convs.i, sa*.mlp_bns.i, fp{3,2,1}.mlp_convs.i, fp*.mlp_bns.i.
/// Ref: qi2017b; PointNetPlusPlus of convonet2020's code. Deviation: that code draws the first centre of each level
/// anew every time; here it is `first_centers`, so results repeat.
class Pointnet2Impl : public LocalEncoder {
public:
    Pointnet2Impl(const Pointnet2Config& config, const LocalDims& dims);
    ~Pointnet2Impl() override;
    LocalFeatures makes() const override { return LocalFeatures::points; }
    FeatureMaps encode(const torch::Tensor& points) override { return forward(points); }
    /// @param first  numbers of the first centres, [B] int64 for each level; default: the configuration's
    FeatureMaps forward(const torch::Tensor& points, const std::vector<torch::Tensor>& first = {},
                        Pointnet2Trace* trace = nullptr);

private:
    struct Layers;
    Pointnet2Config config_;
    std::int64_t c_dim_;
    std::unique_ptr<Layers> layers_;
};
TORCH_MODULE(Pointnet2);

}  // namespace nir::nn
