// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// What the parity cases do not show: observations of every kind, latent codes, sizes of images, presets.
#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/base/rng.h"
#include "nir/models/registry.h"
#include "nir/nn/batch.h"

#include "support/golden_fill.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <filesystem>
#include <ostream>

namespace nir::models {
namespace {

using ::testing::HasSubstr;
using torch::Tensor;

struct Preset {
    const char* name;
    std::int64_t parameters;
    friend std::ostream& operator<<(std::ostream& out, const Preset& p) { return out << p.name; }
};

class OnetPresets : public ::testing::TestWithParam<Preset> {};

TEST_P(OnetPresets, HaveThePublishedNumberOfParameters) {
    const auto config = Config::load(std::string(NIR_SOURCE_DIR "/configs/onet/") + GetParam().name + ".toml");
    EXPECT_EQ(build_model(config, 0)->n_parameters(), GetParam().parameters);
}

// Totals of the papers' classes. Ablations and repr_power by hand from the same layers: 11,307,840 of the image encoder
// plus the decoder; 4746 * 512 codes plus the decoder.
INSTANTIATE_TEST_SUITE_P(
    Onet, OnetPresets,
    ::testing::Values(Preset{"pointcloud", 10373889}, Preset{"img", 13414465}, Preset{"img_legacy", 13414465},
                      Preset{"voxels", 7857473}, Preset{"unconditional", 298369},
                      Preset{"repr_power", 4746 * 512 + 3548417}, Preset{"ablation_sampling_equal", 13414465},
                      Preset{"ablation_sampling_few", 13414465}, Preset{"ablation_sampling_surface", 13414465},
                      // fc_p 1024, fc_c 65792, 5 blocks of 2 norms (512) and 2 layers (65792), last norm 512, out 257
                      Preset{"ablation_nocbn", 11307840 + 1024 + 65792 + 5 * 2 * (512 + 65792) + 512 + 257},
                      // fc_p 1024, 5 layers, 6 conditional norms of 2 * 65792, out 257
                      Preset{"ablation_noresnet", 11307840 + 1024 + 5 * 65792 + 6 * 2 * 65792 + 257}),
    [](const auto& preset) { return std::string(preset.param.name); });

TEST(OnetPresetFiles, EveryFileIsTestedAndBuilds) {
    std::size_t files = 0;
    for (const auto& e : std::filesystem::directory_iterator(NIR_SOURCE_DIR "/configs/onet"))
        files += e.path().extension() == ".toml" && e.path().stem() != "base";
    EXPECT_EQ(files, 13u);
    for (const char* name : {"pointcloud_small", "img_small"})  // not of the papers
        EXPECT_GT(
            build_model(Config::load(fmt::format(NIR_SOURCE_DIR "/configs/onet/{}.toml", name)), 0)->n_parameters(), 0);
}

std::unique_ptr<Model> tiny(const std::string& encoder, const std::string& rest = "c_dim = 8\n",
                            const std::string& decoder = "name = \"cbatchnorm\"\nhidden_size = 8\n") {
    auto model = build_model(Config::parse("[model]\nname = \"onet\"\nimage_size = 64\n" + rest + "[model.encoder]\n" +
                                               encoder + "[model.decoder]\n" + decoder,
                                           "tiny.toml"),
                             1);
    test::golden_fill(model->module());
    return model;
}

std::vector<float> values_of(const extract::ScalarField& field, std::uint64_t seed = 4) {
    Rng rng(seed);
    std::vector<geom::Vec3f> points(50);
    for (auto& p : points)
        for (int a = 0; a < 3; ++a) p[a] = static_cast<float>(rng.uniform(-.5, .5));
    std::vector<float> out(points.size());
    field.values(points, out);
    return out;
}

geom::RgbImage picture(int width, int height) {
    geom::RgbImage out{width, height, {}};
    for (int c = 0; c < 3; ++c)
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x)
                out.data.push_back(
                    static_cast<float>(0.5 + 0.4 * std::sin(9.0 * x / width + c) * std::cos(7.0 * y / height)));
    return out;
}

template <class F>
std::string message_of(const F& f) {
    try {
        f();
    } catch (const Error& e) {
        return e.what();
    }
    return "no error";
}

TEST(Onet, TakesWhatItsEncoderTakes) {
    const auto points = tiny("name = \"pointnet_simple\"\nhidden_dim = 8\n");
    const auto voxels = tiny("name = \"voxel_simple\"\nresolution = 16\n");
    const auto image = tiny("name = \"simple_conv\"\n");
    const auto index = tiny("name = \"idx\"\nshapes = 3\n");
    EXPECT_EQ(points->takes(), ObservationKind::points);
    EXPECT_EQ(voxels->takes(), ObservationKind::voxels);
    EXPECT_EQ(image->takes(), ObservationKind::image);
    EXPECT_EQ(index->takes(), ObservationKind::index);
    geom::PointCloud cloud;
    cloud.points.push_back({0.1, 0.2, 0.3});
    geom::VoxelGrid grid;
    grid.size = {16, 16, 16};
    grid.values.assign(4096, 1.0f);
    EXPECT_EQ(values_of(*infer_field(*voxels, grid)).size(), 50u);
    EXPECT_THAT(message_of([&] { (void)points->infer(grid); }), HasSubstr("takes a point cloud, not a voxel grid"));
    EXPECT_THAT(message_of([&] { (void)voxels->infer(picture(64, 64)); }), HasSubstr("an image"));
    EXPECT_THAT(message_of([&] { (void)image->infer(Observation{}); }), HasSubstr("no observation"));
    EXPECT_THAT(message_of([&] { (void)image->infer(geom::RgbImage{}); }), HasSubstr("empty"));
    EXPECT_THAT(message_of([&] { (void)index->infer(ShapeIndex{3}); }), HasSubstr("0 to 2"));
    EXPECT_NE(values_of(*infer_field(*index, ShapeIndex{0})), values_of(*infer_field(*index, ShapeIndex{1})));
    grid.values[7] = NAN;
    EXPECT_THAT(message_of([&] { (void)voxels->infer(grid); }), HasSubstr("finite"));
    EXPECT_THAT(message_of([&] { (void)points->sample({cloud, 3}); }), HasSubstr("z_dim"));
}

TEST(Onet, ImagesOfOtherSizesAreResizedAndCropped) {
    const auto model = tiny("name = \"simple_conv\"\n");
    const auto former = set_log_sink([](LogLevel, std::string_view) {});
    const auto exact = values_of(*infer_field(*model, picture(64, 64)));
    const auto finer = values_of(*infer_field(*model, picture(256, 256)));
    // The middle of a wide picture with the same middle.
    geom::RgbImage wide{96, 64, {}};
    const geom::RgbImage middle = picture(64, 64);
    for (int c = 0; c < 3; ++c)
        for (int y = 0; y < 64; ++y)
            for (int x = 0; x < 96; ++x)
                wide.data.push_back(
                    x < 16 || x >= 80 ? 0.0f : middle.data[static_cast<std::size_t>((c * 64 + y) * 64 + x - 16)]);
    EXPECT_EQ(values_of(*infer_field(*model, wide)), exact);
    set_log_sink(former);
    double scale = 0, difference = 0;
    for (std::size_t i = 0; i < exact.size(); ++i) {
        scale = std::max(scale, std::abs(static_cast<double>(exact[i])));
        difference = std::max(difference, std::abs(static_cast<double>(exact[i]) - static_cast<double>(finer[i])));
    }
    EXPECT_LT(difference, 0.05 * scale);  // the same picture in finer pixels
    EXPECT_GT(difference, 0);
}

const std::string kUnconditional = "c_dim = 0\nz_dim = 5\n", kSimple = "name = \"simple\"\nhidden_size = 8\n";

TEST(Onet, UnconditionalShapesFollowTheSeed) {
    const auto model = tiny("name = \"null\"\n", kUnconditional, kSimple);
    EXPECT_TRUE(model->generative());
    EXPECT_EQ(model->takes(), ObservationKind::none);
    const auto field = [&](std::optional<std::uint64_t> seed) {
        return values_of(*sample_field(*model, {Observation{}, seed}));
    };
    EXPECT_EQ(field(1), field(1));
    EXPECT_NE(field(1), field(2));
    EXPECT_EQ(field({}), values_of(*infer_field(*model, Observation{})));
    const auto between = [&](double t) {
        Shape s = model->interpolate({Observation{}, 1}, {Observation{}, 2}, t);
        return values_of(*std::get<std::unique_ptr<extract::ScalarField>>(s));
    };
    EXPECT_EQ(between(0), field(1));
    EXPECT_EQ(between(1), field(2));
    EXPECT_NE(between(0.5), field(1));
    const auto plain = tiny("name = \"pointnet_simple\"\nhidden_dim = 8\n");
    EXPECT_FALSE(plain->generative());
}

nn::Batch batch_of(std::int64_t b) {
    nn::Batch batch;
    batch["observation"] = test::golden_tensor(61, {b, 30, 3}, -.5, .5);
    batch["points"] = test::golden_tensor(62, {b, 40, 3}, -.5, .5);
    batch["occupancies"] = (test::golden_tensor(63, {b, 40}, -1, 1) > 0).to(torch::kFloat32);
    return batch;
}

TEST(Onet, LossOfTheGenerativeVariant) {
    const auto model = tiny("name = \"pointnet_resnet\"\nhidden_dim = 8\n", "c_dim = 8\nz_dim = 5\n");
    const nn::Batch batch = batch_of(3);
    model->module().eval();
    double kl = -1;
    const LossLog log = [&](std::string_view key, double v) { kl = key == "kl" ? v : kl; };
    const double a = model->loss(batch, log).item<double>(), b = model->loss(batch, {}).item<double>();
    EXPECT_EQ(a, b);  // evaluation draws the same code every time
    EXPECT_GT(kl, 0);
    EXPECT_GT(a, kl);
    model->module().train();
    torch::manual_seed(1);
    const double c = model->loss(batch, {}).item<double>(), d = model->loss(batch, {}).item<double>();
    EXPECT_NE(c, d);
    model->loss(batch, {}).backward();
    for (const auto& p : model->module().named_parameters()) {
        ASSERT_TRUE(p.value().grad().defined()) << p.key();
        // A normalisation behind it takes a bias out again: its gradient is 0.
        const std::string& key = p.key();
        const bool idle = key.starts_with("decoder.") &&
                          (key == "decoder.fc_p.bias" || key.ends_with("fc_0.bias") || key.ends_with("fc_1.bias"));
        EXPECT_EQ(p.value().grad().abs().max().item<float>() > 0, !idle) << key;
    }
}

TEST(Onet, TrainingDataOfAnotherKindIsRefused) {
    const auto model = tiny("name = \"simple_conv\"\n");
    EXPECT_THAT(message_of([&] { (void)model->loss(batch_of(2), {}); }),
                AllOf(HasSubstr("an image"), HasSubstr("[data]")));
}

TEST(Onet, InconsistentConfigurationsAreRefused) {
    const auto message = [](const std::string& rest, const std::string& encoder, const std::string& decoder) {
        return message_of([&] { (void)tiny("name = \"" + encoder + "\"\n", rest, "name = \"" + decoder + "\"\n"); });
    };
    EXPECT_THAT(message("c_dim = 0\n", "null", "cbatchnorm"), HasSubstr("simple"));
    EXPECT_THAT(message("c_dim = 0\n", "resnet18", "simple"), HasSubstr("null"));
    EXPECT_THAT(message("c_dim = 4\n", "null", "simple"), HasSubstr("must be 0"));
    EXPECT_THAT(message("c_dim = 4\n", "resnet18", "cbatchnrm"), HasSubstr("cbatchnorm"));
}

}  // namespace
}  // namespace nir::models
