// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Folded decoders against the modules they are made of: values, and derivatives against autograd. Finite differences of
// the kernels are in kernels/*_test.cpp.
#include "nir/nn/decoders/conditional.h"
#include "nir/nn/decoders/local.h"
#include "nir/nn/seeded.h"

#include <gtest/gtest.h>

namespace nir::nn {
namespace {

using torch::Tensor;

/// Layers that start at zero become random too.
void randomise(torch::nn::Module& module) {
    const torch::NoGradGuard no_grad;
    for (Tensor& p : module.parameters())
        p.copy_(torch::randn_like(p) * (p.dim() > 1 ? std::sqrt(2.0 / static_cast<double>(p.size(1))) : 0.2));
    for (Tensor& b : module.buffers())
        if (b.is_floating_point()) b.copy_(torch::rand_like(b) + 0.5);
    module.eval();
}

std::span<const float> span_of(const Tensor& t) { return {t.data_ptr<float>(), static_cast<std::size_t>(t.numel())}; }
std::span<float> writable(Tensor& t) { return {t.data_ptr<float>(), static_cast<std::size_t>(t.numel())}; }

FeatureMaps random_maps(std::initializer_list<Representation> which, std::int64_t channels) {
    FeatureMaps maps;
    for (const Representation r : which)
        maps[r] =
            r == Representation::grid ? torch::randn({1, channels, 7, 7, 7}) : torch::randn({1, channels, 16, 16});
    return maps;
}

Tensor logits_of(const PointFunction& f, const Tensor& points) {
    Tensor out = torch::empty({1, points.size(1)});
    f.values(span_of(points), writable(out));
    return out;
}

/// fp32, 15 layers: the largest difference in units of the largest value.
void expect_close(const Tensor& got, const Tensor& want, double tolerance) {
    EXPECT_LE((got - want).abs().max().item<double>(), tolerance * want.abs().max().item<double>());
}

struct LocalCase {
    std::initializer_list<Representation> maps;
    SampleMode mode;
    bool leaky;
    std::int64_t channels, hidden;
};

TEST(FoldedLocalDecoder, AgreesWithTheModuleAndAutograd) {
    using enum Representation;
    const SeededScope seed(1);
    const LocalCase cases[] = {{{xz, xy, yz}, SampleMode::bilinear, false, 32, 32},
                               {{grid}, SampleMode::bilinear, true, 32, 32},
                               {{grid, xz, xy, yz}, SampleMode::bilinear, false, 16, 24},
                               {{grid, yz}, SampleMode::nearest, false, 5, 8}};
    for (const LocalCase& c : cases) {
        LocalMlpConfig config;
        config.hidden_size = c.hidden, config.leaky = c.leaky, config.sample_mode = c.mode;
        LocalMlp decoder(config, LocalDims{.c_dim = c.channels, .padding = 0.1});
        randomise(*decoder);
        const FeatureMaps maps = random_maps(c.maps, c.channels);
        const auto folded = decoder->fold(maps);
        ASSERT_TRUE(folded);
        // Beyond the cube too; more points than one chunk.
        Tensor points = 1.3 * torch::rand({1, 2500, 3}) - 0.65;
        points.requires_grad_(true);
        const Tensor want = decoder->decode(points, maps);
        expect_close(logits_of(*folded, points), want.detach(), 1e-5);
        const Tensor slope = torch::autograd::grad({want.sum()}, {points})[0];
        Tensor got = torch::empty_like(slope);
        folded->gradients(span_of(points), writable(got));
        // A ReLU within rounding of its kink, or a point within rounding of a cell's border, may fall to the other
        // side.
        const Tensor off = (got - slope).norm(2, {2}) > 1e-4 * slope.norm(2, {2}).max();
        EXPECT_LE(off.sum().item<std::int64_t>(), 5) << c.channels;
    }
}

TEST(FoldedLocalDecoder, WindowsAndOtherTypes) {
    const SeededScope seed(2);
    LocalDims dims{.c_dim = 16, .padding = 0.1};
    dims.window.unit_size = 0.02;
    for (const auto encoding : {PositionEncoding::linear, PositionEncoding::sin_cos}) {
        dims.window.encoding = encoding;
        PatchMlp decoder(LocalMlpConfig{}, dims);
        randomise(*decoder);
        FeatureMaps maps = random_maps({Representation::grid, Representation::xz}, 16);
        maps.window_lower = torch::tensor({{3.1, -2.2, 0.4}}, torch::kFloat64);
        maps.window_side = 0.5;
        const Tensor points = (torch::rand({1, 500, 3}, torch::kFloat64) * 0.6 - 0.05 + maps.window_lower.unsqueeze(1))
                                  .to(torch::kFloat32);
        const auto folded = decoder->fold(maps);
        ASSERT_TRUE(folded);
        EXPECT_FALSE(folded->has_gradients());
        expect_close(logits_of(*folded, points), decoder->decode(points, maps).detach(), 2e-5);
    }
    LocalMlp wide(LocalMlpConfig{}, LocalDims{.c_dim = 16, .padding = 0.1});
    wide->to(torch::kFloat64);
    FeatureMaps maps = random_maps({Representation::xz}, 16);
    maps[Representation::xz] = maps[Representation::xz].to(torch::kFloat64);
    EXPECT_EQ(wide->fold(maps), nullptr);
    PointMlp at_points(PointMlpConfig{}, LocalDims{.c_dim = 16, .padding = 0.1});
    EXPECT_EQ(at_points->fold(maps), nullptr);
}

template <class Decoder>
void check_global(Decoder decoder, std::int64_t z_dim, std::int64_t c_dim) {
    randomise(*decoder);
    const Tensor z = torch::randn({1, z_dim}), c = torch::randn({1, c_dim});
    Tensor points = torch::rand({1, 700, 3}) - 0.5;
    points.requires_grad_(true);
    const Tensor want = decoder->decode(points, z, c);
    const Tensor slope = torch::autograd::grad({want.sum()}, {points})[0];
    const auto folded = decoder->fold(z, c);
    const Tensor logits = folded(points);
    expect_close(logits.detach(), want.detach(), 1e-5);
    const Tensor got = torch::autograd::grad({(2 * logits).sum()}, {points})[0] / 2;
    const Tensor off = (got - slope).norm(2, {2}) > 1e-4 * slope.norm(2, {2}).max();
    EXPECT_LE(off.sum().template item<std::int64_t>(), 5);
    const torch::NoGradGuard no_grad;
    EXPECT_TRUE(torch::equal(folded(points.detach()), logits.detach()));
    EXPECT_EQ(folded(points.detach().narrow(1, 0, 0)).numel(), 0);
}

TEST(FoldedGlobalDecoder, AgreesWithTheModuleAndAutograd) {
    const SeededScope seed(3);
    const GlobalDims dims{.c_dim = 9, .z_dim = 4};
    CBatchNormConfig narrow;
    narrow.hidden_size = 40, narrow.leaky = true;
    check_global(CBatchNormDecoder(CBatchNormConfig{}, dims), 4, 9);
    check_global(CBatchNormDecoder(narrow, dims), 4, 9);
    check_global(CBatchNorm2Decoder(CBatchNorm2Config{}, dims), 4, 9);
    check_global(BatchNormDecoder(PlainDecoderConfig{}, dims), 4, 9);
    check_global(SimpleDecoder(SimpleDecoderConfig{}, dims), 4, 9);
}

}  // namespace
}  // namespace nir::nn
