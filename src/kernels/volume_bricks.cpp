// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/error.h"
#include "nir/kernels/volume_march.h"

#include <algorithm>
#include <limits>

namespace nir::kernels {
namespace {

std::array<int, 3> brick_of(const BrickVolume& v, std::size_t b) {
    const auto ny = static_cast<std::size_t>(v.bricks[1]), nz = static_cast<std::size_t>(v.bricks[2]);
    return {static_cast<int>(b / (ny * nz)), static_cast<int>(b / nz % ny), static_cast<int>(b % nz)};
}

/// True if a value between lo and hi has any extinction.
bool visible(const VolumeLook& look, float lo, float hi) {
    const auto n = static_cast<int>(look.lut.size() / 4);
    const double scale = (n - 1) / (static_cast<double>(look.hi) - static_cast<double>(look.lo));
    const auto index = [&](float v) {
        return std::clamp((static_cast<double>(v) - static_cast<double>(look.lo)) * scale, 0.0,
                          static_cast<double>(n - 1));
    };
    // One row more at both ends: the kernel rounds in float.
    const int first = std::max(static_cast<int>(index(lo)) - 1, 0),
              last = std::min(static_cast<int>(index(hi)) + 2, n - 1);
    for (int i = first; i <= last; ++i)
        if (look.lut[static_cast<std::size_t>(4 * i + 3)] > 0.0f) return true;
    return false;
}

bool brick_visible(const BrickVolume& v, const VolumeLook& look, std::size_t b) {
    const auto channels = static_cast<std::size_t>(v.channels);
    const float* from = v.samples.data() + b * kVolumeBrickSamples * channels;
    float lo = std::numeric_limits<float>::max(), hi = std::numeric_limits<float>::lowest();
    for (std::size_t i = channels - 1; i < kVolumeBrickSamples * channels; i += channels)
        lo = std::min(lo, from[i]), hi = std::max(hi, from[i]);
    return v.channels == 4 ? hi > 1e-6f : visible(look, lo, hi);
}

}  // namespace

BrickVolume make_brick_volume(std::array<int, 3> size, int channels) {
    NIR_CHECK(channels == 1 || channels == 4);
    BrickVolume v;
    v.size = size, v.channels = channels;
    std::uint64_t count = 1;
    for (std::size_t a = 0; a < 3; ++a) {
        NIR_CHECK(size[a] > 0);
        v.bricks[a] = (std::max(size[a] - 1, 1) + kVolumeBrick - 1) / kVolumeBrick;
        count *= static_cast<std::uint64_t>(v.bricks[a]);
    }
    const std::uint64_t values = count * kVolumeBrickSamples * static_cast<std::uint64_t>(channels);
    if (values > static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max()))
        fail(ErrorKind::input,
             "a volume of {} x {} x {} samples is too large to render (about 1100 a side at most, 700 "
             "with colours)",
             size[0], size[1], size[2]);
    v.samples.resize(static_cast<std::size_t>(values));
    return v;
}

void fill_bricks(BrickVolume& v, std::span<const float> grid, std::size_t begin, std::size_t end) {
    const auto channels = static_cast<std::size_t>(v.channels);
    const auto ny = static_cast<std::size_t>(v.size[1]), nz = static_cast<std::size_t>(v.size[2]);
    NIR_CHECK(grid.size() == static_cast<std::size_t>(v.size[0]) * ny * nz * channels);
    for (std::size_t b = begin; b < end; ++b) {
        float* to = v.samples.data() + b * kVolumeBrickSamples * channels;
        const std::array<int, 3> brick = brick_of(v, b);
        const auto place = [&](std::size_t axis, int i) {
            return static_cast<std::size_t>(std::min(brick[axis] * kVolumeBrick + i, v.size[axis] - 1));
        };
        for (int x = 0; x < kVolumeBrickSide; ++x)
            for (int y = 0; y < kVolumeBrickSide; ++y) {
                const float* row = grid.data() + (place(0, x) * ny + place(1, y)) * nz * channels;
                for (int z = 0; z < kVolumeBrickSide; ++z)
                    for (std::size_t c = 0; c < channels; ++c) *to++ = row[place(2, z) * channels + c];
            }
    }
}

std::vector<std::int32_t> leap_distances(const BrickVolume& v, const VolumeLook& look) {
    const std::size_t n = v.brick_count();
    const std::int32_t far = v.bricks[0] + v.bricks[1] + v.bricks[2];
    std::vector<std::int32_t> d(n);
    for (std::size_t b = 0; b < n; ++b) d[b] = brick_visible(v, look, b) ? 0 : far;
    // The distance in the maximum norm: a step to any of the 26 neighbours costs 1, two sweeps are exact (Rosenfeld and
    // Pfaltz 1968).
    const auto at = [&](int x, int y, int z) -> std::int32_t& {
        return d[(static_cast<std::size_t>(x) * static_cast<std::size_t>(v.bricks[1]) + static_cast<std::size_t>(y)) *
                     static_cast<std::size_t>(v.bricks[2]) +
                 static_cast<std::size_t>(z)];
    };
    const auto inside = [&](int x, int y, int z) {
        return x >= 0 && y >= 0 && z >= 0 && x < v.bricks[0] && y < v.bricks[1] && z < v.bricks[2];
    };
    const auto relax = [&](int x, int y, int z, int sign) {
        std::int32_t best = at(x, y, z);
        for (int i = 0; i < 13; ++i) {  // the 13 neighbours that come before in the order of the sweep
            const int dx = i / 9 - 1, dy = i / 3 % 3 - 1, dz = i % 3 - 1;
            if (inside(x + sign * dx, y + sign * dy, z + sign * dz))
                best = std::min(best, at(x + sign * dx, y + sign * dy, z + sign * dz) + 1);
        }
        at(x, y, z) = best;
    };
    for (int x = 0; x < v.bricks[0]; ++x)
        for (int y = 0; y < v.bricks[1]; ++y)
            for (int z = 0; z < v.bricks[2]; ++z) relax(x, y, z, 1);
    for (int x = v.bricks[0] - 1; x >= 0; --x)
        for (int y = v.bricks[1] - 1; y >= 0; --y)
            for (int z = v.bricks[2] - 1; z >= 0; --z) relax(x, y, z, -1);
    return d;
}

void VolumeRays::resize(std::size_t n) {
    for (auto* v : {&ox, &oy, &oz, &dx, &dy, &dz, &begin, &steps}) v->assign(n, 0.0f);
    dt.assign(n, 1.0f);
}
void VolumeSums::resize(std::size_t n) {
    for (auto* v : {&r, &g, &b, &a, &t}) v->resize(n);
}

}  // namespace nir::kernels
