// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace nir::kernels {

/// Cells a side of every cascade of an occupancy grid, and the number of 64-bit bricks (4³ cells) of one cascade.
inline constexpr std::uint32_t kOccupancyCells = 128;
inline constexpr std::uint32_t kOccupancyBricks = kOccupancyCells / 4;
inline constexpr std::size_t kBricksPerCascade = std::size_t{kOccupancyBricks} * kOccupancyBricks * kOccupancyBricks;
inline constexpr std::size_t kCellsPerCascade = kBricksPerCascade * 64;
inline constexpr int kMostCascades = 8;

/// Where a cell's bit stands: brick after brick (x fastest), and within the brick x + 4 y + 16 z. One word of zeros
/// says that 64 cells can be skipped. Cells are numbered brick * 64 + bit.
inline std::uint32_t occupancy_cell(std::uint32_t x, std::uint32_t y, std::uint32_t z) {
    const std::uint32_t brick = (x >> 2) + kOccupancyBricks * ((y >> 2) + kOccupancyBricks * (z >> 2));
    return brick * 64 + (x & 3) + 4 * (y & 3) + 16 * (z & 3);
}
/// The lower corner of a cell; the inverse of occupancy_cell.
inline std::array<std::uint32_t, 3> occupancy_position(std::uint32_t cell) {
    const std::uint32_t brick = cell / 64, bit = cell % 64;
    return {(brick % kOccupancyBricks) * 4 + bit % 4, (brick / kOccupancyBricks % kOccupancyBricks) * 4 + bit / 4 % 4,
            brick / (kOccupancyBricks * kOccupancyBricks) * 4 + bit / 16};
}

/// Step lengths that are constant near the eye and then grow with the distance, and the lattice that they span: step
/// number n of distance t and back. cone = 0: constant. Ref: mueller2022, appendix E.1.
class StepRule {
public:
    StepRule() : StepRule(1.7320508f / 1024, 0, 1) {}
    /// @param smallest step @param cone growth per distance, 0 or about 1/256 @param largest step
    StepRule(float smallest, float cone, float largest);

    float smallest() const { return smallest_; }
    /// Length of the step that begins at t.
    float step(float t) const {
        if (cone_ == 0 || t <= near_) return smallest_;
        return t >= far_ ? largest_ : t * cone_;
    }
    float number_of(float t) const;
    float distance_of(float number) const;
    float near_end() const { return near_; }
    float far_begin() const { return far_; }

private:
    float smallest_, cone_, largest_;
    float log_growth_ = 0, near_number_ = 0, far_number_ = 0, near_ = 0, far_ = 0;
};

/// Occupied cells of nested cubes: cascade c covers [0.5 - 2^(c-1), 0.5 + 2^(c-1)]³ with kOccupancyCells³ cells.
struct OccupancyView {
    std::span<const std::uint64_t> bricks;  ///< [cascades * kBricksPerCascade]
    int cascades = 1;
    /// Half the side of the outermost cube.
    float half_side() const { return 0.5f * static_cast<float>(1 << (cascades - 1)); }
};

/// One ray on its way: points origin + t direction in the space of the innermost cube [0, 1]³.
struct MarchingRay {
    std::array<float, 3> origin{}, direction{};  ///< direction of length 1
    float t = 0, end = 0;                        ///< next distance to look at, and where the ray leaves the outer cube
};

/// Distances between which the ray is inside the outermost cube; end <= begin: never.
struct RayInterval {
    float begin = 0, end = 0;
};
RayInterval ray_in_cube(const OccupancyView& grid, const std::array<float, 3>& origin,
                        const std::array<float, 3>& direction);

/// Samples in arrays of their own; x, y, z are relative to the outermost cube, in [0, 1].
struct MarchSamples {
    std::span<float> x, y, z, t, dt;
};

/// Takes up to `most` samples in occupied cells, all on the lattice of the step rule that begins at ray.t; empty bricks
/// and cells are skipped. ray.t moves on; ray.t >= ray.end: the ray has left.
/// @return the number of samples written from index `at` on.
std::size_t march_ray(const OccupancyView& grid, const StepRule& rule, MarchingRay& ray, std::size_t most,
                      const MarchSamples& out, std::size_t at);

}  // namespace nir::kernels
