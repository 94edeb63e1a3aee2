// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/composite.h"

#include "nir/base/rng.h"

#include "kernels/composite_ref.h"
#include "kernels/simd_targets_test.h"

#include <cmath>
#include <vector>

namespace nir::kernels {
namespace {

double logit(double p) { return std::log(p / (1 - p)); }

TEST(Composite, GoldenRay) {
    const std::vector<double> density{std::log(1.0), std::log(4.0), std::log(10.0)}, dt{0.1, 0.1, 0.1};
    std::vector<std::array<double, 3>> raw;
    for (const double c : {.2, .6, .9}) raw.push_back({logit(c), logit(c), logit(c)});
    const auto ray = composite_ref(density, dt, raw, {1, 1, 1});
    EXPECT_NEAR(ray.weights[0], .0951626, 1e-7);
    EXPECT_NEAR(ray.weights[1], .2983068, 1e-7);
    EXPECT_NEAR(ray.weights[2], .3834005, 1e-7);
    EXPECT_NEAR(ray.transmittance, .2231302, 1e-7);
    EXPECT_NEAR(ray.color[0], .7662072, 1e-7);
    const double g = static_cast<double>(huber(static_cast<float>(ray.color[0]) - 0.5f).slope);
    EXPECT_NEAR(g, .2, 1e-7);
    const auto back = composite_backward_ref(ray, density, dt, {g, 0, 0});
    const double by_color[] = {.0190325, .0596614, .0766801}, by_sigma[] = {-.01132414, -.00408544, -.00044626};
    for (std::size_t i = 0; i < 3; ++i) {
        const double c = ray.rgb[i][0];
        EXPECT_NEAR(back.rgb_raw[i][0] / (c * (1 - c)), by_color[i], 1e-6);
        EXPECT_NEAR(back.log_density[i] / std::exp(density[i]), by_sigma[i], 1e-7);
    }
}

TEST(Composite, GoldenHuber) {
    EXPECT_NEAR(huber(.05f).loss, .0025f, 1e-7f);
    EXPECT_NEAR(huber(.05f).slope, .1f, 1e-6f);
    EXPECT_NEAR(huber(.1f).loss, .01f, 1e-7f);
    EXPECT_NEAR(huber(.1f).slope, .2f, 1e-6f);
    EXPECT_NEAR(huber(-.3f).loss, .05f, 1e-7f);
    EXPECT_NEAR(huber(-.3f).slope, -.2f, 1e-6f);
}

/// Rays of 0, 1, 7, 16, 40 samples with random network outputs.
struct Rays {
    std::vector<std::uint32_t> first{0};
    std::vector<float> density, dt, rgb_raw, background, g;

    Rays() {
        Rng rng(11);
        for (const std::uint32_t n : {0u, 1u, 7u, 16u, 40u}) {
            first.push_back(first.back() + n);
            for (std::uint32_t i = 0; i < n; ++i) {
                density.push_back(static_cast<float>(rng.uniform(-4, 3)));
                dt.push_back(static_cast<float>(rng.uniform(0.01, 0.1)));
                for (int k = 0; k < 3; ++k) rgb_raw.push_back(static_cast<float>(rng.uniform(-3, 3)));
            }
            for (int k = 0; k < 3; ++k) {
                background.push_back(static_cast<float>(rng.uniform()));
                g.push_back(static_cast<float>(rng.uniform(-1, 1)));
            }
        }
    }
    std::size_t rays() const { return first.size() - 1; }
    std::array<double, 3> triple(const std::vector<float>& v, std::size_t i) const {
        return {static_cast<double>(v[3 * i]), static_cast<double>(v[3 * i + 1]), static_cast<double>(v[3 * i + 2])};
    }
    void ray(std::size_t r, std::vector<double>& d, std::vector<double>& step,
             std::vector<std::array<double, 3>>& raw) const {
        d.assign(density.begin() + first[r], density.begin() + first[r + 1]);
        step.assign(dt.begin() + first[r], dt.begin() + first[r + 1]);
        raw.clear();
        for (std::size_t i = first[r]; i < first[r + 1]; ++i) raw.push_back(triple(rgb_raw, i));
    }
};

TEST(Composite, ReferenceGradientsAreFiniteDifferences) {
    const Rays rays;
    std::vector<double> d, dt;
    std::vector<std::array<double, 3>> raw;
    for (std::size_t r = 0; r < rays.rays(); ++r) {
        rays.ray(r, d, dt, raw);
        const auto g = rays.triple(rays.g, r), background = rays.triple(rays.background, r);
        const auto loss = [&] {
            const auto out = composite_ref(d, dt, raw, background);
            return g[0] * out.color[0] + g[1] * out.color[1] + g[2] * out.color[2];
        };
        const auto slope = [&](double& at) {
            const double before = at, h = 1e-6;
            at = before + h;
            const double up = loss();
            at = before - h;
            const double down = loss();
            at = before;
            return (up - down) / (2 * h);
        };
        const auto back = composite_backward_ref(composite_ref(d, dt, raw, background), d, dt, g);
        for (std::size_t i = 0; i < d.size(); ++i) {
            EXPECT_NEAR(back.log_density[i], slope(d[i]), 1e-8);
            for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(back.rgb_raw[i][k], slope(raw[i][k]), 1e-8);
        }
    }
}

class CompositeKernel : public SimdTargetTest {};

TEST_P(CompositeKernel, BothPassesAreTheReferenceInDouble) {
    const Rays rays;
    const std::size_t n = rays.dt.size(), m = rays.rays();
    std::vector<float> alpha(n), rgb(3 * n), weights(n), color(3 * m), through(m), d_rgb(16 * n, 5.0f), d_density(n);
    density_to_alpha(rays.density, 1, rays.dt, alpha);
    logistic(rays.rgb_raw, rgb);
    composite_forward(rays.first, alpha, rgb, rays.background, weights, color, through);
    composite_backward(rays.first,
                       {rays.density, 1, rays.dt, weights, alpha, rgb, color, rays.g, d_rgb, 16, d_density});
    std::vector<double> d, dt;
    std::vector<std::array<double, 3>> raw;
    for (std::size_t r = 0; r < m; ++r) {
        rays.ray(r, d, dt, raw);
        const auto want = composite_ref(d, dt, raw, rays.triple(rays.background, r));
        const auto back = composite_backward_ref(want, d, dt, rays.triple(rays.g, r));
        EXPECT_NEAR(through[r], want.transmittance, 1e-6);
        for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(color[3 * r + k], want.color[k], 1e-6);
        for (std::size_t i = 0; i < d.size(); ++i) {
            const std::size_t at = rays.first[r] + i;
            EXPECT_NEAR(weights[at], want.weights[i], 1e-6);
            EXPECT_NEAR(d_density[at], back.log_density[i], 3e-6);
            for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(d_rgb[16 * at + k], back.rgb_raw[i][k], 1e-6);
            EXPECT_EQ(d_rgb[16 * at + 3], 5.0f);
        }
    }
}

TEST_P(CompositeKernel, ExtremeValuesStayFinite) {
    const std::vector<float> density{-1000, -100, 0, 15, 100, 1000}, dt(6, 0.01f);
    std::vector<float> alpha(6), y(6);
    density_to_alpha(density, 1, dt, alpha);
    logistic(density, y);
    for (std::size_t i = 0; i < 6; ++i) {
        EXPECT_TRUE(alpha[i] >= 0 && alpha[i] <= 1) << i;
        EXPECT_TRUE(y[i] >= 0 && y[i] <= 1) << i;
    }
    EXPECT_EQ(alpha[0], 0.0f);
    EXPECT_EQ(alpha[5], 1.0f);
}

INSTANTIATE_TEST_SUITE_P(Targets, CompositeKernel, all_simd_targets(), simd_target_name);

}  // namespace
}  // namespace nir::kernels
