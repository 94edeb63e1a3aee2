// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The kernels against plain loops in double, written from the definitions in splat.h.
#include "nir/kernels/splat.h"

#include "nir/base/rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace nir::kernels {
namespace {

std::size_t at(GridSize s, std::int64_t x, std::int64_t y, std::int64_t z) {
    return static_cast<std::size_t>((z * s.ny + y) * s.nx + x);
}

/// Every cell asks every point.
std::vector<double> moments_reference(const std::vector<float>& points, GridSize s) {
    const auto n = static_cast<std::size_t>(s.cells());
    std::vector<double> out(kSplatChannels * n, 0.0);
    for (std::int64_t z = 0; z < s.nz; ++z)
        for (std::int64_t y = 0; y < s.ny; ++y)
            for (std::int64_t x = 0; x < s.nx; ++x) {
                double sum = 0;
                std::array<double, 3> mean{};
                std::array<std::array<double, 3>, 3> second{};
                for (std::size_t i = 0; i + 2 < points.size(); i += 3) {
                    const std::array<double, 3> d{points[i] - (static_cast<double>(x) + 0.5),
                                                  points[i + 1] - (static_cast<double>(y) + 0.5),
                                                  points[i + 2] - (static_cast<double>(z) + 0.5)};
                    double w = 1;
                    for (const double v : d) w *= std::isfinite(v) ? std::max(0.0, 1 - std::abs(v)) : 0.0;
                    if (!(w > 0)) continue;
                    sum += w;
                    for (std::size_t a = 0; a < 3; ++a) {
                        mean[a] += w * d[a];
                        for (std::size_t b = 0; b < 3; ++b) second[a][b] += w * d[a] * d[b];
                    }
                }
                if (!(sum > 0)) continue;
                const std::size_t c = at(s, x, y, z);
                const double g = sum / (sum + 0.1);
                out[c] = std::log(1 + sum);
                out[c + n] = g;
                for (std::size_t a = 0; a < 3; ++a) out[c + (2 + a) * n] = g * mean[a] / sum;
                static constexpr std::array<std::array<std::size_t, 2>, 6> kPairs{
                    {{0, 0}, {1, 1}, {2, 2}, {0, 1}, {0, 2}, {1, 2}}};
                for (std::size_t k = 0; k < 6; ++k) {
                    const auto [a, b] = kPairs[k];
                    out[c + (5 + k) * n] = 3 * g * (second[a][b] / sum - mean[a] * mean[b] / (sum * sum));
                }
            }
    return out;
}

std::vector<float> random_points(std::size_t n, GridSize s, std::uint64_t seed) {
    Rng rng(seed);
    std::vector<float> p;
    for (std::size_t i = 0; i < n; ++i)
        for (const auto side : {s.nx, s.ny, s.nz})
            p.push_back(static_cast<float>(rng.uniform(-1.5, static_cast<double>(side) + 1.5)));  // also outside
    return p;
}

void expect_moments(const std::vector<float>& points, GridSize s) {
    const auto n = static_cast<std::size_t>(s.cells());
    std::vector<float> out(kSplatChannels * n, std::numeric_limits<float>::quiet_NaN());
    splat_moments(points, s, out);
    const auto reference = moments_reference(points, s);
    // Covariances of a cell with little weight are differences of nearly equal numbers: the bound is absolute.
    for (std::size_t i = 0; i < out.size(); ++i) ASSERT_NEAR(out[i], reference[i], 2e-4) << "channel " << i / n;
}

TEST(SplatMoments, AgreesWithTheDefinition) {
    const GridSize size{7, 5, 6};
    for (const std::size_t n : {0u, 1u, 3u, 257u, 2000u}) expect_moments(random_points(n, size, n), size);
    expect_moments(random_points(50, {1, 1, 1}, 9), {1, 1, 1});
}

TEST(SplatMoments, IgnoresWhatIsNotFinite) {
    const GridSize size{4, 4, 4};
    std::vector<float> p = random_points(20, size, 1), with_bad = p;
    const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    with_bad.insert(with_bad.end(), {nan, 1, 1, 1, inf, 1, 1, 1, -inf, 1e30f, 1, 1});
    std::vector<float> a(kSplatChannels * 64), b(kSplatChannels * 64);
    splat_moments(p, size, a);
    splat_moments(with_bad, size, b);
    EXPECT_EQ(a, b);
}

TEST(SplatMoments, WeightsOfInnerPointsSumToTheirNumber) {
    const GridSize size{8, 8, 8};
    Rng rng(4);
    std::vector<float> p;
    for (int i = 0; i < 300 * 3; ++i) p.push_back(static_cast<float>(rng.uniform(0.5, 7.5)));
    std::vector<float> out(kSplatChannels * 512);
    splat_moments(p, size, out);
    double sum = 0;
    for (std::size_t i = 0; i < 512; ++i) sum += std::expm1(static_cast<double>(out[i]));
    EXPECT_NEAR(sum, 300, 1e-2);
}

/// Walks from each cell to the border, once per direction.
std::vector<double> openness_reference(const std::vector<float>& weight, GridSize s) {
    const auto n = static_cast<std::size_t>(s.cells());
    std::vector<double> out(kOpennessChannels * n, 0.0);
    const auto inside = [&](std::int64_t x, std::int64_t y, std::int64_t z) {
        return x >= 0 && y >= 0 && z >= 0 && x < s.nx && y < s.ny && z < s.nz;
    };
    for (std::int64_t scale = 0; scale < 2; ++scale) {
        const auto opacity = [&](std::int64_t x, std::int64_t y, std::int64_t z) {
            double w = 0;
            for (std::int64_t c = z - scale; c <= z + scale; ++c)
                for (std::int64_t b = y - scale; b <= y + scale; ++b)
                    for (std::int64_t a = x - scale; a <= x + scale; ++a)
                        if (inside(a, b, c)) w = std::max(w, static_cast<double>(weight[at(s, a, b, c)]));
            return 1 - std::exp(-1.5 * w);
        };
        for (std::int64_t z = 0; z < s.nz; ++z)
            for (std::int64_t y = 0; y < s.ny; ++y)
                for (std::int64_t x = 0; x < s.nx; ++x) {
                    double sum = 0, most = 0;
                    for (int d = 0; d < 27; ++d) {
                        const int dx = d % 3 - 1, dy = d / 3 % 3 - 1, dz = d / 9 - 1;
                        if (dx == 0 && dy == 0 && dz == 0) continue;
                        double t = 1;
                        for (std::int64_t a = x + dx, b = y + dy, c = z + dz; inside(a, b, c);
                             a += dx, b += dy, c += dz)
                            t *= 1 - opacity(a, b, c);
                        sum += t, most = std::max(most, t);
                    }
                    const std::size_t i = at(s, x, y, z), k = 2 * static_cast<std::size_t>(scale) * n;
                    out[k + i] = sum / 26;
                    out[k + n + i] = most;
                }
    }
    return out;
}

TEST(Openness, AgreesWithRaysInDouble) {
    const GridSize size{6, 5, 7};
    const auto n = static_cast<std::size_t>(size.cells());
    Rng rng(8);
    std::vector<float> weight(n, 0.0f);
    for (auto& w : weight)
        if (rng.coin(0.2)) w = static_cast<float>(rng.uniform(0, 3));
    std::vector<float> scratch(2 * n), out(kOpennessChannels * n, -1.0f);
    openness(weight, size, scratch, out);
    const auto reference = openness_reference(weight, size);
    for (std::size_t i = 0; i < out.size(); ++i) ASSERT_NEAR(out[i], reference[i], 2e-5) << "channel " << i / n;
}

TEST(Openness, EmptySpaceIsOpenAndAClosedBoxIsNot) {
    const GridSize size{9, 9, 9};
    std::vector<float> weight(729, 0.0f), scratch(2 * 729), out(kOpennessChannels * 729);
    openness(weight, size, scratch, out);
    for (const float v : out) ASSERT_FLOAT_EQ(v, 1.0f);
    for (std::int64_t z = 2; z <= 6; ++z)
        for (std::int64_t y = 2; y <= 6; ++y)
            for (std::int64_t x = 2; x <= 6; ++x)
                if (std::max({std::abs(x - 4), std::abs(y - 4), std::abs(z - 4)}) == 2) weight[at(size, x, y, z)] = 10;
    openness(weight, size, scratch, out);
    for (std::size_t channel = 0; channel < 4; ++channel) EXPECT_LT(out[channel * 729 + at(size, 4, 4, 4)], 1e-3f);
    EXPECT_FLOAT_EQ(out[729 + at(size, 0, 0, 0)], 1.0f);  // the corner still sees the border
}

}  // namespace
}  // namespace nir::kernels
