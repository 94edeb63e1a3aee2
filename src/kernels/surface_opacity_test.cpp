// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/surface_opacity.h"

#include "nir/base/rng.h"

#include "kernels/surface_opacity_ref.h"

#include <gtest/gtest.h>

#include <cmath>

namespace nir::kernels {
namespace {

std::vector<float> floats(const std::vector<double>& v) { return {v.begin(), v.end()}; }

/// sum_i g_i w_i with w_i = alpha_i T_i: some function of the opacities, in double.
double value_of(const std::vector<double>& alpha, const std::vector<double>& g) {
    double through = 1, sum = 0;
    for (std::size_t i = 0; i < alpha.size(); ++i) sum += g[i] * through * alpha[i], through *= 1 - alpha[i];
    return sum;
}
/// Its derivative with respect to the thickness of sample i: (1 - alpha_i) d/dalpha_i.
std::vector<float> slopes_of(const std::vector<double>& alpha, const std::vector<double>& g) {
    std::vector<float> out;
    double through = 1, behind = value_of(alpha, g);
    for (std::size_t i = 0; i < alpha.size(); ++i) {
        const double w = through * alpha[i];
        behind -= g[i] * w;
        through *= 1 - alpha[i];
        out.push_back(static_cast<float>(through * g[i] - behind));
    }
    return out;
}

TEST(SurfaceOpacity, GoldenNumberOfNeuS) {
    // s = 64, f = 0.01 and -0.005: alpha = 0.3575 (the reference code adds 1e-5 above and below).
    float before = log_sigmoid(64 * 0.01f);
    const std::vector<float> f{-0.005f};
    std::vector<float> alpha(1);
    distance_to_alpha(f, 64, before, alpha);
    EXPECT_NEAR(alpha[0], 0.3575149, 1e-5);
    EXPECT_FLOAT_EQ(before, log_sigmoid(64 * -0.005f));
}

TEST(SurfaceOpacity, LogSigmoidHoldsAtBothEnds) {
    EXPECT_FLOAT_EQ(log_sigmoid(0), -std::log(2.0f));
    EXPECT_FLOAT_EQ(log_sigmoid(-1000), -1000);
    EXPECT_EQ(log_sigmoid(1000), 0);
    EXPECT_NEAR(log_sigmoid(30), -std::exp(-30.0), 1e-18);
}

TEST(SurfaceOpacity, EqualsThePaperInDouble) {
    Rng rng(3);
    for (const double s : {5.0, 64.0, 900.0}) {
        std::vector<double> f;
        for (int i = 0; i < 40; ++i) f.push_back(0.1 - 0.004 * i + rng.uniform(-0.01, 0.01));
        const auto expected = distance_to_alpha_ref(f, s);
        std::vector<float> alpha(f.size());
        float before = 0;
        // In two stretches, as waves of samples come.
        const auto given = floats(f);
        distance_to_alpha(std::span(given).first(17), static_cast<float>(s), before, std::span(alpha).first(17));
        distance_to_alpha(std::span(given).subspan(17), static_cast<float>(s), before, std::span(alpha).subspan(17));
        for (std::size_t i = 0; i < f.size(); ++i) EXPECT_NEAR(alpha[i], expected[i], 2e-5) << s << " " << i;
    }
}

TEST(SurfaceOpacity, WhatIsSkippedIsNotLost) {
    // Transmittance behind a descent is Phi at its end, however few samples it has.
    for (const std::size_t n : {2u, 5u, 50u}) {
        std::vector<float> f, alpha(n);
        for (std::size_t i = 0; i < n; ++i)
            f.push_back(0.2f - 0.25f * static_cast<float>(i + 1) / static_cast<float>(n));
        float before = 0, through = 1;
        distance_to_alpha(f, 30, before, alpha);
        for (const float a : alpha) through *= 1 - a;
        EXPECT_NEAR(through, sigmoid_ref(30 * -0.05), 1e-5);
    }
}

TEST(SurfaceOpacity, GradientsOfDistancesAreFiniteDifferences) {
    Rng rng(5);
    const double s = 40;
    std::vector<double> all, g;
    std::vector<std::uint32_t> first{0};
    for (const std::size_t n : {12u, 1u, 30u}) {
        for (std::size_t i = 0; i < n; ++i)
            all.push_back(0.08 - 0.006 * static_cast<double>(i) + rng.uniform(-0.02, 0.02)),
                g.push_back(rng.uniform(-1, 1));
        first.push_back(static_cast<std::uint32_t>(all.size()));
    }
    std::vector<float> thickness, ours(all.size());
    const auto ray = [&](const std::vector<double>& from, std::size_t r) {
        return std::vector<double>(from.begin() + first[r], from.begin() + first[r + 1]);
    };
    const auto loss = [&](const std::vector<double>& f) {
        double sum = 0;
        for (std::size_t r = 0; r < 3; ++r) sum += value_of(distance_to_alpha_ref(ray(f, r), s), ray(g, r));
        return sum;
    };
    for (std::size_t r = 0; r < 3; ++r)
        for (const float v : slopes_of(distance_to_alpha_ref(ray(all, r), s), ray(g, r))) thickness.push_back(v);
    distance_backward(first, floats(all), static_cast<float>(s), thickness, ours);
    for (std::size_t i = 0; i < all.size(); ++i) {
        auto up = all, down = all;
        up[i] += 1e-6, down[i] -= 1e-6;
        EXPECT_NEAR(ours[i], (loss(up) - loss(down)) / 2e-6, 2e-4) << i;
    }
    // In place.
    distance_backward(first, floats(all), static_cast<float>(s), thickness, thickness);
    EXPECT_EQ(thickness, ours);
}

TEST(SurfaceOpacity, GradientsOfOccupanciesAreFiniteDifferences) {
    Rng rng(6);
    std::vector<double> logit, g, alpha;
    for (int i = 0; i < 25; ++i) logit.push_back(-6 + 0.4 * i + rng.uniform(-1, 1)), g.push_back(rng.uniform(-1, 1));
    const auto loss = [&](const std::vector<double>& x) {
        std::vector<double> a;
        for (const double v : x) a.push_back(sigmoid_ref(v));
        return value_of(a, g);
    };
    for (const double v : logit) alpha.push_back(sigmoid_ref(v));
    std::vector<float> ours(logit.size()), opacity(logit.size());
    occupancy_to_alpha(floats(logit), opacity);
    occupancy_backward(floats(logit), slopes_of(alpha, g), ours);
    for (std::size_t i = 0; i < logit.size(); ++i) {
        EXPECT_NEAR(opacity[i], alpha[i], 1e-6);
        auto up = logit, down = logit;
        up[i] += 1e-5, down[i] -= 1e-5;
        EXPECT_NEAR(ours[i], (loss(up) - loss(down)) / 2e-5, 1e-5) << i;
    }
}

}  // namespace
}  // namespace nir::kernels
