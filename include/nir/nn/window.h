// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/nn/feature_maps.h"

#include <torch/torch.h>

#include <cstdint>

namespace nir::nn {

/// How positions inside a voxel are told to the network: as they are, or as sines and cosines of ten frequencies.
enum class PositionEncoding : std::uint8_t { linear, sin_cos };

/// Models that look through a window: what encoder and decoder must agree on.
struct WindowDims {
    double unit_size = 0.005;                              ///< side of a voxel, in the units of the observation
    std::int64_t query_cells = 25;                         ///< voxels per side of the box that is asked
    bool local_coordinates = true;                         ///< positions within a voxel instead of absolute ones
    PositionEncoding encoding = PositionEncoding::linear;  ///< of local coordinates
};

/// Numbers that describe a point: 3, or 60 with sin_cos.
std::int64_t point_channels(const WindowDims& dims);

/// What the networks are told of a point: its position, or with local_coordinates the position within its voxel,
/// (p mod unit_size) / unit_size in [0,1), always positive; with sin_cos x = 2 u - 1 becomes sin(2^l pi x),
/// cos(2^l pi x) for l = 0..9.
/// @param points [B,T,3]  @return [B,T,point_channels]
/// Ref: map2local and positional_encoding of convonet2020's code.
torch::Tensor describe_points(const torch::Tensor& points, const WindowDims& dims);

/// Positions in a window, (p - lower) / side, without clamping; in double on the way.
/// @param lower [B,3] f64.  @return [B,T,2 or 3] in the order of the representation's name, dtype of the points
torch::Tensor window_coordinates(const torch::Tensor& points, const torch::Tensor& lower, double side,
                                 Representation representation);

/// Cell numbers of points in a window; points outside [0,1) along any axis get the number n_cells.
/// @param points [B,T,3]  @param lower [B,3] f64.  @return [B,T] int64 in [0, n_cells]
torch::Tensor window_cell_index(const torch::Tensor& points, const torch::Tensor& lower, double side,
                                Representation representation, std::int64_t resolution);

}  // namespace nir::nn
