// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/kernels/residual_mlp.h"

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace nir::kernels {

/// Features on a plane (dims = 2) or in a volume (dims = 3) that are read between cells. Along dimension i runs
/// coordinate axis[i] of the point: u = (p - lower) / side, u >= 1 becomes `cap`, u < 0 becomes 0, and u (size - 1) is
/// the position between cell values (align_corners).
struct FeatureMap {
    std::vector<float> values;  ///< [size[2]] [size[1]] [size[0]] [channels]: channels fastest, then size[0]
    std::size_t dims = 2;       ///< 2 or 3
    std::array<std::size_t, 3> size{1, 1, 1};  ///< size[2] = 1 for a plane
    std::array<int, 3> axis{0, 1, 2};
    std::array<double, 3> lower{0, 0, 0};  ///< of the point's coordinates axis[i]
    double side = 1;                       ///< > 0
    float cap = 1;                         ///< in [0, 1]
    bool nearest = false;                  ///< the nearest cell (half to even) instead of linear interpolation
};

/// Features of all maps, read at a point and summed, through a network of residual blocks: the decoder of
/// convolutional occupancy networks, fused. Features of 48 points go into the cache and from there through all layers;
/// nothing per point is written to memory but the result.
/// fp32. Thread-safe, calls are single-threaded and allocate a few dozen KB; callers split the points. A point that is
/// not a number gives NaN (if the network is told the point). Ref: convonet2020 §3.2.
class LocalDecoder {
public:
    /// @param mlp   features = channels of the maps
    /// @param maps  at least one, any mixture; moved in and padded
    /// @throws Error internal: sizes that do not fit, more than 2^31 values in a map.
    LocalDecoder(ResidualMlp mlp, std::vector<FeatureMap> maps);

    /// @param points [N,3]  @param inputs [N, mlp.inputs()] what the network is told of a point; empty = the point
    /// itself (mlp.inputs() = 3) or nothing (0).  @param out [N, mlp.outputs()], overwritten
    void values(std::span<const float> points, std::span<const float> inputs, std::span<float> out) const;

    /// Values and the derivatives of output 0 with respect to the point: through the features, and through the inputs
    /// if these are the point itself. Coordinates beyond a map contribute 0 to the derivative along them.
    /// @param out [N, mlp.outputs()]  @param d_points [N,3]
    void gradients(std::span<const float> points, std::span<float> out, std::span<float> d_points) const;

    const ResidualMlp& mlp() const { return mlp_; }
    const std::vector<FeatureMap>& maps() const { return *maps_; }
    /// Multiplications and additions of one point, with those of the interpolation.
    double flops() const;

private:
    ResidualMlp mlp_;
    std::shared_ptr<const std::vector<FeatureMap>> maps_;
};

}  // namespace nir::kernels
