// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/local_decoder.h"

#include "kernels/local_decoder_ref.h"
#include "kernels/test_networks.h"

#include <limits>

namespace nir::kernels {
namespace {

class LocalDecoderTest : public EveryTarget {};

FeatureMap random_map(std::size_t dims, std::array<std::size_t, 3> size, std::array<int, 3> axis, std::size_t channels,
                      Rng& rng) {
    FeatureMap map;
    map.dims = dims, map.size = size, map.axis = axis;
    map.values = random_floats(size[0] * size[1] * size[2] * channels, rng);
    map.lower = {-0.55, -0.5, -0.45};
    map.side = 1.1;
    map.cap = 0.99999f;
    return map;
}

/// Planes and a volume, sides that differ, one cell only; the last is read without interpolation.
std::vector<FeatureMap> random_maps(std::size_t channels, std::size_t kind, std::uint64_t seed) {
    Rng rng(seed);
    std::vector<FeatureMap> maps;
    if (kind == 0 || kind == 2) {
        maps.push_back(random_map(2, {9, 9, 1}, {0, 2, 0}, channels, rng));
        maps.push_back(random_map(2, {7, 12, 1}, {0, 1, 0}, channels, rng));
        maps.push_back(random_map(2, {1, 8, 1}, {1, 2, 0}, channels, rng));
    }
    if (kind == 1 || kind == 2) maps.push_back(random_map(3, {6, 5, 8}, {0, 1, 2}, channels, rng));
    if (kind == 3) {
        maps.push_back(random_map(2, {9, 9, 1}, {0, 2, 0}, channels, rng));
        maps.push_back(random_map(3, {6, 5, 8}, {2, 1, 0}, channels, rng));
        for (FeatureMap& map : maps) map.nearest = true;
    }
    return maps;
}

constexpr NetworkCase kCases[] = {
    {3, 32, 32, 1, 3}, {3, 16, 32, 1, 2}, {3, 8, 24, 1, 1, false, 0.2f}, {0, 5, 16, 2, 1}, {3, 40, 16, 1, 1}};

/// Outside the maps too.
std::vector<float> random_points(std::size_t n, std::uint64_t seed) {
    Rng rng(seed);
    return random_floats(3 * n, rng, 0.65);
}

TEST_P(LocalDecoderTest, ValuesAgreeWithThePlainLoopsInDouble) {
    for (const NetworkCase& net : kCases)
        for (std::size_t kind = 0; kind < 4; ++kind) {
            const auto network = random_network(net, 1);
            const auto exact = in_double(network);
            const auto maps = random_maps(net.features, kind, 2);
            const LocalDecoder decoder{ResidualMlp(network), maps};
            for (const std::size_t n : {0u, 1u, 47u, 49u, 120u}) {
                const auto points = random_points(n, n + 3);
                const auto p = doubles(points);
                std::vector<float> out(n * net.outputs + 2, -7.0f);
                decoder.values(points, {}, std::span(out).subspan(1, n * net.outputs));
                std::vector<double> want(net.outputs);
                for (std::size_t i = 0; i < n; ++i) {
                    local_decoder_ref<double>(exact, maps, std::span(p).subspan(3 * i, 3), want);
                    for (std::size_t o = 0; o < net.outputs; ++o)
                        ASSERT_NEAR(out[1 + i * net.outputs + o], want[o], 3e-5 * (1 + std::abs(want[o])))
                            << "channels " << net.features << ", maps " << kind << ", point " << i;
                }
                EXPECT_TRUE(out.front() == -7.0f && out.back() == -7.0f);
            }
        }
}

TEST_P(LocalDecoderTest, GradientsAgreeWithFiniteDifferences) {
    for (const NetworkCase& net : kCases)
        for (std::size_t kind = 0; kind < 4; ++kind) {
            const auto network = random_network(net, 4);
            const auto exact = in_double(network);
            const auto maps = random_maps(net.features, kind, 5);
            const LocalDecoder decoder{ResidualMlp(network), maps};
            const std::size_t n = 100;
            const auto points = random_points(n, 6);
            std::vector<float> out(n * net.outputs), values(out.size()), got(3 * n);
            decoder.gradients(points, out, got);
            decoder.values(points, {}, values);
            EXPECT_EQ(out, values);
            auto p = doubles(points);
            std::size_t off = 0;
            for (std::size_t k = 0; k < 3 * n; ++k) {
                constexpr double kStep = 1e-6;
                std::vector<double> up(net.outputs), down(net.outputs);
                const double was = p[k];
                const auto point = std::span(p).subspan(k / 3 * 3, 3);
                p[k] = was + kStep;
                local_decoder_ref<double>(exact, maps, point, up);
                p[k] = was - kStep;
                local_decoder_ref<double>(exact, maps, point, down);
                p[k] = was;
                const double want = (up[0] - down[0]) / (2 * kStep);
                off += std::abs(got[k] - want) > 3e-4 * (1 + std::abs(want)) ? 1u : 0u;
            }
            EXPECT_LE(off, 6u) << "channels " << net.features << ", maps " << kind;  // kinks and cell borders
        }
}

TEST_P(LocalDecoderTest, OddPointsReadNothingOutsideTheMaps) {
    const NetworkCase net{3, 16, 16, 1, 1};
    const LocalDecoder decoder{ResidualMlp(random_network(net, 1)), random_maps(16, 2, 2)};
    constexpr float kInf = std::numeric_limits<float>::infinity();
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> points{nan, 0, 0, 0, nan, 0, kInf, 0, 0, 0, 0, -kInf, 1e30f, -1e30f, 0, 0.1f, 0.2f, 0.3f};
    std::vector<float> out(6), alone(1);
    decoder.values(points, {}, out);
    EXPECT_TRUE(std::isnan(out[0]) && std::isnan(out[1]));
    decoder.values(std::span(points).subspan(15), {}, alone);
    EXPECT_EQ(out[5], alone[0]);
}

TEST_P(LocalDecoderTest, InputsOfTheCallerTakeThePlaceOfThePoint) {
    const NetworkCase net{3, 16, 16, 1, 1};
    const LocalDecoder decoder{ResidualMlp(random_network(net, 1)), random_maps(16, 2, 2)};
    const auto points = random_points(60, 1);
    auto inputs = points;
    std::vector<float> a(60), b(60);
    decoder.values(points, {}, a);
    decoder.values(points, inputs, b);
    EXPECT_EQ(a, b);
    inputs[3 * 5] += 0.5f;
    decoder.values(points, inputs, b);
    for (std::size_t i = 0; i < 60; ++i) EXPECT_EQ(a[i] == b[i], i != 5);
}

INSTANTIATE_TEST_SUITE_P(Targets, LocalDecoderTest, ::testing::ValuesIn(hwy::SupportedAndGeneratedTargets()),
                         [](const auto& target) { return std::string(hwy::TargetName(target.param)); });

}  // namespace
}  // namespace nir::kernels
