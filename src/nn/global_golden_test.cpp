// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Golden vectors of the classes of Occupancy Networks, as golden_test.cpp: weights filled by rule, eval mode.
#include "nir/nn/decoders/conditional.h"
#include "nir/nn/encoders/image_conv.h"
#include "nir/nn/encoders/latent.h"
#include "nir/nn/encoders/pointnet_global.h"
#include "nir/nn/encoders/resnet.h"
#include "nir/nn/encoders/voxels.h"
#include "nir/nn/registry.h"

#include "support/golden_fill.h"
#include "support/golden_row.h"

#include <gmock/gmock.h>

#include <set>

namespace nir::nn {
namespace {

using test::expect_row;
using test::golden_fill;
using test::golden_tensor;
using torch::Tensor;

class GlobalGolden : public ::testing::Test {
protected:
    Tensor p_ = golden_tensor(1, {2, 50, 3}, -.5, .5), q_ = golden_tensor(2, {2, 40, 3}, -.5, .5);
    Tensor c_ = golden_tensor(3, {2, 32}, -1, 1), z_ = golden_tensor(4, {2, 16}, -1, 1);
    Tensor image_ = golden_tensor(5, {1, 3, 224, 224}, 0, 1);
    Tensor voxels_ = (golden_tensor(6, {1, 32, 32, 32}, -.5, .5) > 0).to(torch::kFloat32);
    Tensor occupancies_ = (golden_tensor(7, {2, 40}, -.5, .5) > 0).to(torch::kFloat32);
    torch::NoGradGuard no_grad_;

    template <class Holder>
    static Holder filled(Holder module) {
        golden_fill(*module);
        module->eval();
        return module;
    }
    /// decode(), and fold() of each item, must both give the row.
    template <class Holder>
    void expect_decoder(Holder module, std::int64_t z_dim, const test::GoldenRow& row) {
        filled(module);
        const Tensor z = z_dim ? z_ : torch::empty({2, 0});
        expect_row(module->decode(q_, z, c_), row);
        std::vector<Tensor> items;
        for (std::int64_t b = 0; b < 2; ++b)
            items.push_back(module->fold(z.narrow(0, b, 1), c_.narrow(0, b, 1))(q_.narrow(0, b, 1)));
        expect_row(torch::cat(items), row);
    }
    static constexpr GlobalDims kWithZ{32, 16}, kWithoutZ{32, 0};
};

TEST_F(GlobalGolden, Inputs) {
    expect_row(p_, {300, {-0.148433, -0.267207, 0.080423, -0.073962}, 0.116012, -0.0072, 24.4291});
    expect_row(q_, {240, {-0.384663, -0.212702, -0.239758, 0.408188}, 0.055162, 1.5965, 19.7189});
    expect_row(c_, {64, {-0.952540, -0.067241, 0.228246, -0.113100}, -0.721030, 4.0768, 21.9197});
    expect_row(z_, {32, {0.285977, 0.219179, 0.420131, -0.069577}, -0.937871, -2.8271, 11.9810});
    expect_row(image_, {150528, {0.590078, 0.419794, 0.648767, 0.746735}, 0.030067, 75523.9694, 50402.5380});
    expect_row(voxels_, {32768, {0, 1, 0, 0}, 0, 16264, 16264});
    expect_row(occupancies_, {80, {1, 0, 1, 1}, 0, 36, 36});
}

TEST_F(GlobalGolden, PointEncoders) {
    PointnetConfig config;
    config.hidden_dim = 32;
    expect_row(filled(PointnetSimple(config, kWithoutZ))->encode(p_),
               {64, {-0.022541, 0.050208, 0.058510, -0.047460}, -0.044630, 0.4240, 0.5889});
    expect_row(filled(PointnetResnet(config, kWithoutZ))->encode(p_),
               {64, {1.103818, 1.111640, 1.967224, 1.002558}, 1.997513, 7.1835, 75.5006});
}

TEST_F(GlobalGolden, VoxelEncoders) {
    expect_row(filled(VoxelEncoder(VoxelEncoderConfig{}, kWithoutZ, false))->encode(voxels_),
               {32, {-0.088923, 0.052551, -0.118765, 0.214676}, 0.099595, -0.0987, 0.3516});
    expect_row(filled(VoxelEncoder(VoxelEncoderConfig{}, kWithoutZ, true))->encode(voxels_),
               {32, {-0.080772, 0.054271, -0.141877, 0.222885}, 0.139698, 0.2994, 0.3952});
}

TEST_F(GlobalGolden, ImageEncoders) {
    expect_row(filled(SimpleConv(SimpleConvConfig{}, kWithoutZ))->encode(image_),
               {32, {-0.072668, -0.017198, -0.106850, 0.205394}, 0.115701, -1.1266, 0.5176});
    expect_row(filled(Resnet(ResnetDepth::r18, ResnetConfig{}, kWithoutZ))->encode(image_),
               {32, {-2.611704, -5.308552, -0.226354, -0.157998}, 5.043381, 8.0224, 829.6405});
    expect_row(filled(Resnet(ResnetDepth::r34, ResnetConfig{}, kWithoutZ))->encode(image_),
               {32, {3.766409, -15.263458, -0.018928, 17.601280}, 4.539297, 15.2995, 4221.2872});
    expect_row(filled(Resnet(ResnetDepth::r50, ResnetConfig{}, kWithoutZ))->encode(image_),
               {32, {-4.269815, -1.132049, 5.308057, 8.851690}, -6.213048, -0.4898, 820.2464});
}

TEST_F(GlobalGolden, Decoders) {
    SimpleDecoderConfig simple;
    simple.hidden_size = 64;
    expect_decoder(SimpleDecoder(simple, kWithZ), 16,
                   {80, {0.300924, -0.251392, -0.215343, 0.058634}, -0.408609, -22.4882, 14.4052});
    const test::GoldenRow plain{80, {-0.474804, -0.509004, -0.852784, -0.654007}, -0.268530, -33.9818, 18.8071};
    CBatchNormConfig config;
    expect_decoder(CBatchNormDecoder(config, kWithoutZ), 0, plain);
    expect_decoder(CBatchNormDecoder(config, kWithZ), 16,
                   {80, {-0.633957, -0.551474, -1.062622, -0.841763}, 0.305468, -18.6051, 30.9404});
    config.leaky = true;
    expect_decoder(CBatchNormDecoder(config, kWithoutZ), 0,
                   {80, {-0.312219, -0.321711, -0.721023, -0.531974}, -0.104565, -23.1000, 10.7668});
    config.leaky = false, config.legacy = true;
    expect_decoder(CBatchNormDecoder(config, kWithoutZ), 0, plain);
    expect_decoder(CBatchNorm2Decoder(CBatchNorm2Config{}, kWithZ), 16,
                   {80, {-2.277531, -2.162834, -2.780610, -2.536807}, -2.739654, -203.8363, 523.2128});
    expect_decoder(CBatchNormPlainDecoder(PlainDecoderConfig{}, kWithoutZ), 0,
                   {80, {-0.071201, -0.073028, -0.068817, -0.070815}, 0.183545, 4.4853, 1.5408});
    expect_decoder(BatchNormDecoder(PlainDecoderConfig{}, kWithoutZ), 0,
                   {80, {0.847739, 1.420530, 0.994906, 1.915855}, 2.219666, 118.9302, 200.7480});
}

TEST_F(GlobalGolden, LatentEncoder) {
    const auto q = filled(LatentEncoder(LatentEncoderConfig{}, 16, 32))(q_, occupancies_, c_);
    expect_row(q.mean, {32, {0.064987, -0.289460, -0.325156, -0.734627}, -0.196430, -5.4295, 6.9865});
    expect_row(q.logstd, {32, {0.526718, 0.031870, -0.098062, 0.467999}, -0.349029, 6.5525, 4.8492});
    const auto leaky = filled(LatentEncoder(LatentEncoderConfig{true}, 16, 0))(q_, occupancies_, torch::empty({2, 0}));
    expect_row(leaky.mean, {32, {0.167930, -0.109597, 0.231078, 0.330325}, -0.074476, 2.7767, 1.2129});
    expect_row(leaky.logstd, {32, {0.210697, 0.189220, 0.034309, 0.142352}, -0.310067, -0.5164, 1.8396});
}

TEST(LatentDistribution, DivergenceAndSamples) {
    const LatentDistribution same{torch::zeros({2, 3}), torch::zeros({2, 3})};
    EXPECT_EQ(same.kl().abs().max().item<float>(), 0);
    // KL(N(1, 4) || N(0, 1)) = (4 + 1 - 1) / 2 - log 2 per dimension.
    const LatentDistribution other{torch::ones({1, 2}), torch::full({1, 2}, std::log(2.0))};
    EXPECT_NEAR(other.kl().item<double>(), 2 * (2 - std::log(2.0)), 1e-5);
    torch::manual_seed(1);
    const LatentDistribution many{torch::full({1, 20000}, 3.0), torch::full({1, 20000}, std::log(0.5))};
    EXPECT_NEAR(many.sample().mean().item<double>(), 3, 0.02);
    EXPECT_NEAR(many.sample().std().item<double>(), 0.5, 0.02);
}

/// fold() is decode() in eval mode, in values and in gradients with respect to the points; training does not reach it.
TEST(GlobalDecoders, FoldEqualsDecode) {
    const GlobalDims dims{.c_dim = 5, .z_dim = 4};
    const Tensor z = golden_tensor(41, {1, 4}, -1, 1), c = golden_tensor(42, {1, 5}, -1, 1);
    for (const auto& row : global_decoder_rows()) {
        SCOPED_TRACE(row.config.name);
        const auto decoder = make_global_decoder(AnyConfig(global_decoder_alternatives(), row.config.name), dims);
        golden_fill(*decoder);
        decoder->eval();
        const auto folded = decoder->fold(z, c);
        for (const std::int64_t n : {0, 1, 2500}) {  // more than one tile
            const Tensor p = golden_tensor(43, {1, n, 3}, -.5, .5).requires_grad_(true);
            const Tensor direct = decoder->decode(p, z, c), fast = folded(p);
            ASSERT_EQ(direct.sizes(), fast.sizes());
            if (n == 0) continue;
            EXPECT_TRUE(torch::allclose(direct, fast, 1e-4, 1e-5)) << (direct - fast).abs().max();
            const Tensor a = torch::autograd::grad({direct.sum()}, {p})[0];
            const Tensor b = torch::autograd::grad({fast.sum()}, {p})[0];
            EXPECT_LE((~torch::isclose(a, b, 1e-3, 1e-4)).sum().item<int>(), 6);  // a kink within rounding
        }
        const Tensor p = golden_tensor(44, {1, 50, 3}, -.5, .5), before = folded(p);
        const torch::NoGradGuard no_grad;
        for (auto& parameter : decoder->parameters()) parameter.add_(0.1);
        for (auto& buffer : decoder->buffers())
            if (buffer.is_floating_point()) buffer.add_(0.1);
        EXPECT_TRUE(torch::equal(before, folded(p)));
    }
}

/// Batch normalisation in rows is torch's BatchNorm1d, running statistics and gradients included.
TEST(PointLayers, BatchNormInRowsIsBatchNorm1d) {
    torch::nn::BatchNorm1d ours(6), theirs(6);
    golden_fill(*ours), golden_fill(*theirs);
    for (int step = 0; step < 2; ++step) {
        const Tensor x = golden_tensor(51 + static_cast<std::uint64_t>(step), {3, 20, 6}, -2, 3);
        const Tensor w = golden_tensor(53, {3, 20, 6}, -1, 1);
        Tensor a = x.clone().requires_grad_(true), b = x.clone().requires_grad_(true);
        const Tensor ya = batch_norm_points(*ours, a), yb = theirs(b.transpose(1, 2)).transpose(1, 2);
        EXPECT_TRUE(torch::allclose(ya, yb, 1e-5, 1e-6));
        (ya * w).sum().backward(), (yb * w).sum().backward();
        EXPECT_TRUE(torch::allclose(a.grad(), b.grad(), 1e-4, 1e-6));
        EXPECT_TRUE(torch::allclose(ours->weight.grad(), theirs->weight.grad(), 1e-4, 1e-5));
    }
    EXPECT_TRUE(torch::allclose(ours->running_mean, theirs->running_mean, 1e-6, 1e-7));
    EXPECT_TRUE(torch::allclose(ours->running_var, theirs->running_var, 1e-6, 1e-7));
    EXPECT_EQ(ours->num_batches_tracked.item<int>(), 2);
    ours->eval(), theirs->eval();
    const Tensor x = golden_tensor(54, {2, 9, 6}, -2, 3);
    EXPECT_TRUE(torch::allclose(batch_norm_points(*ours, x), theirs(x.transpose(1, 2)).transpose(1, 2), 1e-5, 1e-6));
}

/// First weights as the papers' code: blocks start as the identity, conditional layers as plain normalisation.
TEST(GlobalDecoders, FirstWeights) {
    const auto decoder = make_global_decoder(AnyConfig(global_decoder_alternatives(), "cbatchnorm"), {7, 0});
    std::set<std::string> seen;
    for (const auto& p : decoder->named_parameters()) {
        const bool zero = p.key().ends_with("fc_1.weight") || p.key().ends_with("gamma.weight") ||
                          p.key().ends_with("beta.weight") || p.key().ends_with("beta.bias");
        if (zero) {
            EXPECT_EQ(p.value().abs().max().item<float>(), 0) << p.key();
        }
        if (p.key().ends_with("gamma.bias")) {
            EXPECT_TRUE((p.value() == 1).all().item<bool>()) << p.key();
        }
        if (p.key() == "block2.fc_0.weight") {
            EXPECT_LE(p.value().abs().max().item<double>(), 1.0 / 16);
            EXPECT_GE(p.value().abs().max().item<double>(), 0.99 / 16);
        }
        if (p.key() == "block2.fc_1.bias") {
            EXPECT_GT(p.value().abs().max().item<float>(), 0);
        }
        seen.insert(p.key());
    }
    for (const char* key : {"fc_p.weight", "block4.bn_1.conv_beta.weight", "bn.conv_gamma.bias", "fc_out.bias"})
        EXPECT_TRUE(seen.contains(key)) << key;
}

TEST(GlobalDecoders, GroupNormIsRefusedInASentence) {
    struct Holder {
        AnyConfig part{global_decoder_alternatives(), ""};
        void describe(ConfigVisitor& v) { v.table("part", part, "under test"); }
    };
    try {
        (void)parse_config<Holder>(Config::parse("[part]\nname = \"cbatchnorm\"\nnorm_method = \"group_norm\"\n"));
        FAIL() << "accepted";
    } catch (const Error& e) {
        EXPECT_THAT(e.what(), ::testing::HasSubstr("instance_norm"));
    }
}

}  // namespace
}  // namespace nir::nn
