// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Emission and absorption along rays through a grid of samples: a packet of rays in SIMD lanes, empty bricks leapt
// over, early termination. Ref: Max 1995 (optical models); Levoy 1990 (empty space, termination).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace nir::kernels {

/// Cells along the side of a brick, and its samples: bricks overlap by one sample, so that a cell lies in one brick.
inline constexpr int kVolumeBrick = 8, kVolumeBrickSide = kVolumeBrick + 1;
inline constexpr int kVolumeBrickSamples = kVolumeBrickSide * kVolumeBrickSide * kVolumeBrickSide;

/// Samples in bricks. Coordinates count samples: sample (i, j, k) is at (i, j, k); between samples values are
/// trilinear, outside they are those of the border.
struct BrickVolume {
    std::array<int, 3> size{};    ///< samples along x, y, z
    std::array<int, 3> bricks{};  ///< along x, y, z
    int channels = 1;             ///< 1: values to classify; 4: r, g, b, opacity of a reference length, premultiplied
    std::vector<float> samples;   ///< ((brick * 9 + x) * 9 + y) * 9 + z, times channels

    std::size_t brick_count() const {
        return static_cast<std::size_t>(bricks[0]) * static_cast<std::size_t>(bricks[1]) *
               static_cast<std::size_t>(bricks[2]);
    }
};
/// The part of the bricks numbered [begin, end), from a plain grid [x][y][z][channels], x slowest. The volume must have
/// size, bricks, channels and samples of the right length.
void fill_bricks(BrickVolume& volume, std::span<const float> grid, std::size_t begin, std::size_t end);
/// The sizes of a volume with the samples still to fill. @throws Error{input} if it has more bricks than an index
/// holds.
BrickVolume make_brick_volume(std::array<int, 3> size, int channels);

/// How samples look.
struct VolumeLook {
    /// Channels 1: `lut` has n rows r, g, b, extinction (per unit of t) for values from lo to hi at equal distances,
    /// linear in between.
    std::vector<float> lut;
    float lo = 0, hi = 1;
    /// Channels 4: the length (in t) that an opacity stands for.
    float reference_length = 1;
    bool shade = false;
    /// World units of a sample step along x, y, z: gradients are taken in world units.
    std::array<float, 3> spacing{1, 1, 1};
    /// Unit vector towards the light, world axes; the surface is lit from both sides.
    std::array<float, 3> light{0, 0, 1};
    float ambient = 0.3f, diffuse = 0.7f, specular = 0.2f;
    float stop = 1e-3f;  ///< a ray ends where less than this gets through, and is made opaque; 0: never
};

/// For every brick how far one may leap: 0 if something in it can be seen; d: all bricks within d - 1 (in the maximum
/// norm) of it are empty.
std::vector<std::int32_t> leap_distances(const BrickVolume& volume, const VolumeLook& look);

/// Rays in sample coordinates: position = origin + t * direction. Ray i takes steps[i] samples in the middles of
/// intervals of length dt[i] from begin[i] on.
struct VolumeRays {
    std::vector<float> ox, oy, oz, dx, dy, dz, begin, dt, steps;

    std::size_t size() const { return ox.size(); }
    void resize(std::size_t n);
};
/// Premultiplied colour, opacity, and the opacity-weighted sum of t.
struct VolumeSums {
    std::vector<float> r, g, b, a, t;

    void resize(std::size_t n);
};

/// March all rays in the calling thread; neighbours should see alike. The result does not depend on `leaps` beyond
/// rounding.
/// @param leaps of leap_distances, or empty: no space is skipped.
void march_volume(const BrickVolume& volume, const VolumeLook& look, std::span<const std::int32_t> leaps,
                  const VolumeRays& rays, VolumeSums& out);

/// The same without SIMD, bricks and skipping, on the plain grid, in double: for tests and benchmarks.
void march_volume_ref(std::span<const float> grid, std::array<int, 3> size, int channels, const VolumeLook& look,
                      const VolumeRays& rays, VolumeSums& out);

}  // namespace nir::kernels
