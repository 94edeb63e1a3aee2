// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/spherical_harmonics.h"

#include "nir/base/rng.h"

#include "kernels/simd_targets_test.h"
#include "kernels/spherical_harmonics_ref.h"

#include <array>
#include <cmath>
#include <numbers>
#include <vector>

namespace nir::kernels {
namespace {

std::array<double, 3> random_direction(Rng& rng) {
    const double z = rng.uniform(-1, 1), a = rng.uniform(0, 2 * std::numbers::pi), r = std::sqrt(1 - z * z);
    return {r * std::cos(a), r * std::sin(a), z};
}

TEST(SphericalHarmonics, GoldenDirection) {
    const std::array<double, 16> want{.282095,  -.209401, .418802, -.139601, .133781, -.401344, .379757,  -.267563,
                                      -.055742, -.015482, .303388, -.523671, .215420, -.349114, -.126412, .079131};
    const auto got = spherical_harmonics_ref(2 / 7.0, 3 / 7.0, 6 / 7.0);
    for (std::size_t k = 0; k < 16; ++k) EXPECT_NEAR(got[k], want[k], 1e-6) << k;
}

TEST(SphericalHarmonics, AreOrthonormal) {
    std::array<std::array<double, 16>, 16> gram{};
    const int rings = 40, around = 40;  // midpoint rule in z and angle: exact in the angle, 1/rings² in z
    for (int i = 0; i < rings; ++i)
        for (int j = 0; j < around; ++j) {
            const double z = -1 + (2 * i + 1.0) / rings, a = 2 * std::numbers::pi * j / around,
                         r = std::sqrt(1 - z * z);
            const auto v = spherical_harmonics_ref(r * std::cos(a), r * std::sin(a), z);
            for (std::size_t p = 0; p < 16; ++p)
                for (std::size_t q = 0; q < 16; ++q)
                    gram[p][q] += v[p] * v[q] * 4 * std::numbers::pi / (rings * around);
        }
    for (std::size_t p = 0; p < 16; ++p)
        for (std::size_t q = 0; q < 16; ++q) EXPECT_NEAR(gram[p][q], p == q ? 1 : 0, 0.02) << p << ' ' << q;
}

class SphericalHarmonicsKernel : public SimdTargetTest {};

TEST_P(SphericalHarmonicsKernel, IsTheReferenceInDouble) {
    Rng rng(5);
    for (const std::size_t n : {0u, 1u, 15u, 16u, 35u}) {
        std::vector<float> x, y, z, out(n * 20, -1.0f);
        for (std::size_t i = 0; i < n; ++i) {
            const auto d = random_direction(rng);
            x.push_back(static_cast<float>(d[0])), y.push_back(static_cast<float>(d[1]));
            z.push_back(static_cast<float>(d[2]));
        }
        spherical_harmonics(x, y, z, out, 20);
        for (std::size_t i = 0; i < n; ++i) {
            const auto want = spherical_harmonics_ref<double>(x[i], y[i], z[i]);
            for (std::size_t k = 0; k < 16; ++k) EXPECT_NEAR(out[i * 20 + k], want[k], 2e-6);
            for (std::size_t k = 16; k < 20; ++k) EXPECT_EQ(out[i * 20 + k], -1.0f);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Targets, SphericalHarmonicsKernel, all_simd_targets(), simd_target_name);

}  // namespace
}  // namespace nir::kernels
