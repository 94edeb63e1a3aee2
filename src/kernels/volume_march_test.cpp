// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/volume_march.h"

#include "nir/base/rng.h"

#include "kernels/simd_targets_test.h"

#include <cmath>

namespace nir::kernels {
namespace {

struct Case {
    std::array<int, 3> size;
    std::vector<float> grid;
    BrickVolume volume;
    VolumeLook look;
    VolumeRays rays;
};

/// Blobs in an otherwise empty volume, rays from all around.
Case make_case(std::array<int, 3> size, int channels, std::size_t n_rays, bool shade) {
    Rng rng(17);
    Case c;
    c.size = size;
    for (int x = 0; x < size[0]; ++x)
        for (int y = 0; y < size[1]; ++y)
            for (int z = 0; z < size[2]; ++z) {
                const double dx = x - 0.4 * size[0], dy = y - 0.5 * size[1], dz = z - 0.6 * size[2];
                const double v = std::exp(-(dx * dx + dy * dy + dz * dz) / 20.0);
                if (channels == 4) {
                    const double a = v < 0.05 ? 0.0 : 0.9 * v;
                    for (const double k : {0.9, 0.5 + 0.02 * x, 0.2}) c.grid.push_back(static_cast<float>(a * k));
                    c.grid.push_back(static_cast<float>(a));
                } else {
                    c.grid.push_back(static_cast<float>(v));
                }
            }
    c.volume = make_brick_volume(size, channels);
    fill_bricks(c.volume, c.grid, 0, c.volume.brick_count());
    for (int i = 0; i < 64; ++i) {
        const float u = static_cast<float>(i) / 63.0f;
        for (const float v : {u, 0.5f, 1.0f - u, u < 0.2f ? 0.0f : 0.7f * u}) c.look.lut.push_back(v);
    }
    c.look.shade = shade;
    c.look.spacing = {1.0f, 1.5f, 0.7f};
    c.look.light = {0.6f, 0.0f, 0.8f};
    c.rays.resize(n_rays);
    for (std::size_t i = 0; i < n_rays; ++i) {
        double d[3], o[3], length = 0;
        for (double& v : d) v = rng.uniform(-1, 1), length += v * v;
        for (int a = 0; a < 3; ++a) {
            const auto k = static_cast<std::size_t>(a);
            d[a] /= std::sqrt(length);
            o[a] = size[k] * rng.uniform(0.2, 0.8) - 40 * d[a];
        }
        c.rays.ox[i] = static_cast<float>(o[0]), c.rays.oy[i] = static_cast<float>(o[1]);
        c.rays.oz[i] = static_cast<float>(o[2]);
        c.rays.dx[i] = static_cast<float>(d[0]), c.rays.dy[i] = static_cast<float>(d[1]);
        c.rays.dz[i] = static_cast<float>(d[2]);
        c.rays.begin[i] = 25, c.rays.dt[i] = 0.4f, c.rays.steps[i] = static_cast<float>(30 + i % 50);
    }
    return c;
}

double worst(const VolumeSums& a, const VolumeSums& b) {
    double w = 0;
    for (std::size_t i = 0; i < a.r.size(); ++i) {
        for (const auto& [x, y] : {std::pair(a.r[i], b.r[i]), std::pair(a.g[i], b.g[i]), std::pair(a.b[i], b.b[i]),
                                   std::pair(a.a[i], b.a[i])})
            w = std::max(w, std::abs(static_cast<double>(x) - static_cast<double>(y)));
        w = std::max(w, std::abs(static_cast<double>(a.t[i] - b.t[i])) / 50);
    }
    return w;
}

class VolumeMarch : public SimdTargetTest {};

TEST_P(VolumeMarch, AgreesWithThePlainLoops) {
    for (const int channels : {1, 4})
        for (const bool shade : {false, true})
            for (const std::size_t n : {1u, 7u, 8u, 9u, 301u}) {
                const Case c = make_case({21, 17, 30}, channels, n, shade);
                VolumeSums want, plain, leapt;
                march_volume_ref(c.grid, c.size, channels, c.look, c.rays, want);
                march_volume(c.volume, c.look, {}, c.rays, plain);
                // Float rays 40 samples from their origin: positions are good to 4e-6, blobs have slopes below 1.
                EXPECT_LT(worst(want, plain), shade ? 2e-3 : 1e-4) << channels << " channels, " << n << " rays";
                double most = 0;
                for (const float a : want.a) most = std::max(most, static_cast<double>(a));
                EXPECT_TRUE(n < 100 || most > 0.9) << "the rays must see something";
                const auto leaps = leap_distances(c.volume, c.look);
                march_volume(c.volume, c.look, leaps, c.rays, leapt);
                EXPECT_EQ(worst(plain, leapt), 0.0) << "leaping must not change a bit";
            }
}

TEST_P(VolumeMarch, EveryOddSizeOfGridIsSampledInside) {
    for (const std::array<int, 3> size :
         {std::array{1, 1, 1}, std::array{2, 1, 9}, std::array{8, 9, 10}, std::array{17, 3, 1}}) {
        const Case c = make_case(size, 1, 65, true);
        VolumeSums want, got;
        march_volume_ref(c.grid, size, 1, c.look, c.rays, want);
        march_volume(c.volume, c.look, leap_distances(c.volume, c.look), c.rays, got);
        EXPECT_LT(worst(want, got), 2e-3);
    }
}

INSTANTIATE_TEST_SUITE_P(Targets, VolumeMarch, all_simd_targets(), simd_target_name);

TEST(VolumeMarch, LeapsAreChessboardDistances) {
    BrickVolume v = make_brick_volume({81, 65, 49}, 1);  // 10 x 8 x 6 bricks
    VolumeLook look;
    for (int i = 0; i < 16; ++i) look.lut.insert(look.lut.end(), {1, 1, 1, i < 12 ? 0.0f : 1.0f});
    std::vector<float> grid(81 * 65 * 49, -1.0f);
    grid[(20 * 65 + 44) * 49 + 12] = 1.0f;  // inside brick (2, 5, 1)
    fill_bricks(v, grid, 0, v.brick_count());
    const auto d = leap_distances(v, look);
    for (int x = 0; x < 10; ++x)
        for (int y = 0; y < 8; ++y)
            for (int z = 0; z < 6; ++z)
                EXPECT_EQ(d[static_cast<std::size_t>((x * 8 + y) * 6 + z)],
                          std::max({std::abs(x - 2), std::abs(y - 5), std::abs(z - 1)}));
}

}  // namespace
}  // namespace nir::kernels
