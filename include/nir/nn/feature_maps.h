// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <string_view>

namespace nir::nn {

/// Where local features live: a volume over the cube or a plane spanned by two axes. Sums run in this order.
enum class Representation : std::uint8_t { grid, xz, xy, yz };
inline constexpr std::array kRepresentations{Representation::grid, Representation::xz, Representation::xy,
                                             Representation::yz};
std::string_view name_of(Representation representation);

/// Feature maps of a batch of clouds; an undefined tensor = not used. Planes are [B,C,R,R], rows = second coordinate,
/// columns = first (xz: row z, column x); the volume is [B,C,R,R,R] = [z][y][x].
/// Encoders that see a window say where the maps lie: in the cube of side window_side above window_lower, first and
/// last value of a map on its faces. Others keep features at the points themselves.
struct FeatureMaps {
    std::array<torch::Tensor, kRepresentations.size()> maps;
    torch::Tensor window_lower;  // [B,3] f64, undefined = maps of the cube of side 1 + padding
    double window_side = 0;
    torch::Tensor points, point_features;  // [B,N,3] and [B,N,C], undefined = not used
    torch::Tensor& operator[](Representation r) { return maps[static_cast<std::size_t>(r)]; }
    const torch::Tensor& operator[](Representation r) const { return maps[static_cast<std::size_t>(r)]; }
};

/// Maps points to [0,1) in the coordinates of a plane or of the volume.
/// u = v / (1 + padding + e) + 0.5 with e = 1e-5 (planes) or 1e-3 (volume); u >= 1 becomes 1 - e, u < 0 becomes 0.
/// @param points [B,T,3], cube of side 1 + padding around 0; outside values land on the border (gradient 0 there).
/// @return [B,T,2] in the order of the plane's name, or [B,T,3].
/// Ref: convonet2020, normalize_coordinate and normalize_3d_coordinate of the papers' code; equal in every bit.
torch::Tensor unit_coordinates(const torch::Tensor& points, Representation representation, double padding);

/// Cell numbers of unit coordinates: floor(u R); the first coordinate runs fastest.
/// @param unit [B,T,2 or 3] in [0,1).  @return [B,T] int64 in [0, R^2) or [0, R^3).
torch::Tensor cell_index(const torch::Tensor& unit, std::int64_t resolution);

/// Number of cells of a map of this resolution.
std::int64_t n_cells(Representation representation, std::int64_t resolution);

enum class SampleMode : std::uint8_t { bilinear, nearest };

/// Reads features at points: positions u (R - 1) between cell values (align_corners), border values outside.
/// @param map [B,C,R,R] or [B,C,R,R,R].  @param unit [B,T,2 or 3] as from unit_coordinates.  @return [B,T,C]
/// Deviation from the scatter's floor(u R): half a cell, part of every trained model.
torch::Tensor sample_map(const torch::Tensor& map, const torch::Tensor& unit, SampleMode mode);

}  // namespace nir::nn
