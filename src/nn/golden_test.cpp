// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Golden vectors of the papers' classes, weights filled by rule (support/golden_fill.h): torch 1.13, CPU, eval mode.
#include "nir/nn/decoders/local.h"
#include "nir/nn/encoders/pointnet_local.h"

#include "support/golden_fill.h"
#include "support/golden_row.h"

#include <gtest/gtest.h>

namespace nir::nn {
namespace {

using test::expect_row;
using test::golden_fill;
using test::golden_tensor;
using torch::Tensor;

class Golden : public ::testing::Test {
protected:
    Tensor p_ = golden_tensor(11, {2, 300, 3}, -.54, .54);
    Tensor q_ = golden_tensor(12, {2, 40, 3}, -.56, .56);
    torch::NoGradGuard no_grad_;

    PointnetLocal encoder(PointnetLocalConfig config) {
        PointnetLocal e(config, LocalDims{});
        golden_fill(*e);
        e->eval();
        return e;
    }
    Tensor decode(const FeatureMaps& maps) {
        LocalMlp d(LocalMlpConfig{}, LocalDims{});
        golden_fill(*d);
        d->eval();
        return d(q_, maps);
    }
    static PointnetLocalConfig plain(std::vector<std::string> features) {
        PointnetLocalConfig c;
        c.features = std::move(features);
        c.plane_resolution = c.grid_resolution = 16;
        c.use_unet = c.use_unet3d = false;
        return c;
    }
};

TEST_F(Golden, GeneratorMatches) {
    EXPECT_DOUBLE_EQ(test::golden_uniform(1, 0) - 0.5, -0.14843256932754623);
    EXPECT_DOUBLE_EQ(test::golden_uniform(1, 1) - 0.5, -0.2672066250541685);
    expect_row(p_, {1800, {0.015118, -0.497903, -0.297151, -0.478345}, -0.386858, 1.9238, 173.6254});
    expect_row(q_, {240, {0.361985, 0.382923, -0.103024, 0.426414}, 0.530604, 2.4797, 24.2280});
}

TEST_F(Golden, UNet2d) {
    const Tensor x = golden_tensor(13, {1, 32, 16, 16}, -.5, .5);
    expect_row(x, {8192, {0.016850, 0.172121, -0.381637, -0.471781}, 0.478503, -2.6609, 681.3992});
    UNet2d d4(UNet2dConfig{.depth = 4});
    golden_fill(*d4);
    expect_row(d4(x), {8192, {0.120022, 0.107511, 0.142096, 0.139332}, -0.085807, 114.9350, 84.0752});
    UNet2d d5(UNet2dConfig{.depth = 5});
    golden_fill(*d5);
    expect_row(d5(x), {8192, {0.049435, 0.039477, -0.011133, -0.015482}, -0.127161, -167.4612, 83.0891});
}

TEST_F(Golden, UNet3d) {
    const Tensor x = golden_tensor(14, {1, 32, 8, 8, 8}, -.5, .5);
    expect_row(x, {16384, {0.432220, -0.005375, 0.054724, 0.399504}, -0.315392, -33.0864, 1378.3397});
    UNet3d l3(UNet3dConfig{.num_levels = 3});
    golden_fill(*l3);
    expect_row(l3(x), {16384, {0.004876, 0.155733, 0.318210, 0.373181}, 0.295322, 646.4776, 5523.9058});
    UNet3d l4(UNet3dConfig{.num_levels = 4});
    golden_fill(*l4);
    expect_row(l4(x), {16384, {0.259243, 0.353290, 0.091684, 0.037958}, 0.297855, 1556.5923, 6083.9105});
}

TEST_F(Golden, OnePlane) {
    const FeatureMaps maps = encoder(plain({"xz"}))->encode(p_);
    expect_row(maps[Representation::xz], {16384, {0.228829, 0, 0, -0.078208}, 0.123263, 610.8012, 3908.9639});
    PointnetLocalConfig mean = plain({"xz"});
    mean.scatter = Scatter::mean;
    expect_row(encoder(mean)->encode(p_)[Representation::xz],
               {16384, {-0.038298, 0, 0, -0.202199}, 0.123263, 562.7354, 3574.6065});
}

TEST_F(Golden, ThreePlanes) {
    const FeatureMaps maps = encoder(plain({"xz", "xy", "yz"}))->encode(p_);
    expect_row(maps[Representation::xz], {16384, {-6.633954, 0, 0, -9.952793}, 2.152196, 18307.4971, 2303822.1703});
    expect_row(maps[Representation::xy],
               {16384, {0, -8.585537, -6.277802, -20.931313}, 4.386175, 17725.8855, 2267974.5342});
    expect_row(maps[Representation::yz], {16384, {0, 0, 0, -8.819561}, 0, 17185.0765, 2160081.1806});
    expect_row(decode(maps),
               {80, {-72.329597, -39.678226, -41.498550, -133.418549}, -149.329895, -5679.9246, 519889.1385});
}

TEST_F(Golden, Grid) {
    const FeatureMaps maps = encoder(plain({"grid"}))->encode(p_);
    expect_row(maps[Representation::grid], {262144, {0, 0, 0, 0}, 0, 926.5490, 5897.6913});
    expect_row(decode(maps), {80, {-1.365887, -1.671985, -0.528296, -0.577205}, -1.070706, -60.2456, 57.8979});
}

TEST_F(Golden, Shapenet3Plane) {
    const FeatureMaps maps = encoder(PointnetLocalConfig{})->encode(p_);
    expect_row(maps[Representation::xz],
               {262144, {0.000644, 0.074881, 0.706538, 0.309622}, -0.324727, -53805.9305, 82115.6502});
    expect_row(decode(maps), {80, {-6.870735, -5.879261, -5.202569, -8.220037}, -10.253104, -503.4731, 3519.4622});
}

TEST_F(Golden, Grid32) {
    PointnetLocalConfig config;
    config.features = {"grid"};
    const FeatureMaps maps = encoder(config)->encode(p_);
    expect_row(maps[Representation::grid],
               {2097152, {0.079429, 0.104152, 0.029786, -0.080870}, -0.013015, -20578.0473, 943257.8180});
    expect_row(decode(maps), {80, {-2.312110, -1.482791, -2.011652, -3.386685}, -2.630822, -198.9147, 637.6804});
}

TEST_F(Golden, Combined) {
    PointnetLocalConfig config;
    config.features = {"grid", "xz", "xy", "yz"};
    config.plane_resolution = 32;
    config.grid_resolution = 16;
    expect_row(decode(encoder(config)->encode(p_)),
               {80, {-27.591743, -35.239498, -25.844271, -42.588390}, -34.012661, -2420.2091, 78140.7158});
}

}  // namespace
}  // namespace nir::nn
