// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/models/registry.h"

#include "nir/base/error.h"
#include "nir/base/rng.h"
#include "nir/nn/checkpoint.h"

#include "support/golden_fill.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <filesystem>
#include <unistd.h>

namespace nir::models {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

geom::PointCloud ball(std::size_t n) {
    geom::PointCloud cloud;
    Rng rng(5);
    for (std::size_t i = 0; i < n; ++i)
        cloud.points.push_back(geom::normalized(geom::Vec3d{rng.normal(), rng.normal(), rng.normal()}) * 0.4);
    return cloud;
}

class ModelSuite : public ::testing::TestWithParam<std::string> {
protected:
    Config config() const { return Config::parse("[model]\nname = \"" + GetParam() + "\"\n", "test.toml"); }
    static std::vector<float> logits(Model& model, const geom::PointCloud& cloud) {
        const auto field = infer_field(model, cloud);
        std::vector<geom::Vec3f> points;
        for (const auto& p : ball(300).points) points.push_back(geom::Vec3f(p));
        std::vector<float> out(points.size());
        field->values(points, out);
        return out;
    }
};

class InferenceSuite : public ModelSuite {};

TEST_P(InferenceSuite, FileKeepsTheBits) {
    const auto a = build_model(config(), 3);
    test::golden_fill(a->module());
    const auto cloud = ball(100);
    const auto path =
        std::filesystem::temp_directory_path() / ("nir_model_" + std::to_string(getpid()) + ".safetensors");
    Config resolved(Config::Table{});
    resolved.put("model", a->config());
    nn::CheckpointInfo info;
    info.model = GetParam(), info.config = resolved.to_toml();
    nn::save_checkpoint(path, a->module(), info);
    const auto loaded = load_model(path);
    std::filesystem::remove(path);
    EXPECT_EQ(logits(*a, cloud), logits(*loaded, cloud));
    EXPECT_EQ(loaded->name(), GetParam());
    EXPECT_EQ(loaded->n_parameters(), a->n_parameters());
}

TEST_P(ModelSuite, SameSeedSameBits) {
    const auto b = build_model(config(), 3), c = build_model(config(), 4);
    const auto pb = b->module().parameters(), pc = c->module().parameters();
    const auto again = build_model(config(), 3);
    bool differs = false;
    for (std::size_t i = 0; i < pb.size(); ++i) {
        EXPECT_TRUE(torch::equal(pb[i], again->module().parameters()[i]));
        differs |= !torch::equal(pb[i], pc[i]);
    }
    EXPECT_TRUE(differs);
}

TEST_P(ModelSuite, BuildingDoesNotDisturbTheGeneratorOfOthers) {
    torch::manual_seed(9);
    const torch::Tensor expected = torch::rand({4});
    torch::manual_seed(9);
    (void)build_model(config(), 1);
    EXPECT_TRUE(torch::equal(torch::rand({4}), expected));
}

TEST_P(ModelSuite, ResolvedConfigurationBuildsTheSameNetwork) {
    const auto a = build_model(config(), 3);
    Config resolved(Config::Table{});
    resolved.put("model", a->config());
    const auto b = build_model(Config::parse(resolved.to_toml()), 3);
    EXPECT_EQ(b->config().to_toml(), a->config().to_toml());
    EXPECT_EQ(a->n_parameters(), b->n_parameters());
}

TEST_P(InferenceSuite, GradientIsThatOfTheValues) {
    const auto model = build_model(config(), 3);
    test::golden_fill(model->module());
    const auto field = infer_field(*model, ball(200));
    ASSERT_TRUE(field->has_gradients());
    Rng rng(8);
    std::vector<geom::Vec3f> at(64), exact(64);
    for (auto& p : at)
        for (int axis = 0; axis < 3; ++axis) p[axis] = static_cast<float>(rng.uniform(-0.45, 0.45));
    field->gradients(at, exact);
    // Fields of ReLUs over interpolated features have kinks; a step of 2e-4 crosses few, the field of random weights is
    // rough.
    constexpr float kStep = 2e-4f;
    std::size_t close = 0;
    for (std::size_t i = 0; i < at.size(); ++i) {
        geom::Vec3f difference;
        for (int axis = 0; axis < 3; ++axis) {
            std::vector<geom::Vec3f> ends{at[i], at[i]};
            std::vector<float> v(2);
            ends[0][axis] += kStep, ends[1][axis] -= kStep;
            field->values(ends, v);
            difference[axis] = (v[0] - v[1]) / (ends[0][axis] - ends[1][axis]);
        }
        close += geom::norm(exact[i] - difference) < 0.1f * geom::norm(exact[i]) + 0.05f;
    }
    EXPECT_GE(close, 54u);
}

TEST_P(InferenceSuite, BadObservationsAreRefusedInASentence) {
    const auto model = build_model(config(), 3);
    geom::PointCloud cloud = ball(5);
    cloud.points[3].y = std::numeric_limits<double>::quiet_NaN();
    EXPECT_THROW((void)model->infer(cloud), Error);
    EXPECT_THROW((void)model->infer(geom::PointCloud{}), Error);
    EXPECT_THROW((void)model->infer(geom::VoxelGrid{}), Error);
}

TEST_P(ModelSuite, UnknownKeyNamesTheLine) {
    try {
        (void)build_model(Config::parse("[model]\nname = \"" + GetParam() + "\"\nno_such_key = 1\n", "my.toml"), 0);
        FAIL() << "accepted";
    } catch (const Error& e) {
        EXPECT_THAT(e.what(), AllOf(HasSubstr("my.toml:3:"), HasSubstr("no_such_key")));
    }
}

std::vector<std::string> names() {
    std::vector<std::string> out;
    for (const auto& row : model_rows()) out.push_back(row.config.name);
    return out;
}
INSTANTIATE_TEST_SUITE_P(Rows, ModelSuite, ::testing::ValuesIn(names()), [](const auto& row) { return row.param; });
// Networks whose field only makes sense after training, or that need more than a handful of points, are inferred in
// tests of their own: the cascade.
INSTANTIATE_TEST_SUITE_P(Rows, InferenceSuite, ::testing::Values("conv_onet", "onet"),
                         [](const auto& row) { return row.param; });

TEST(ModelRegistry, ConfigurationWithoutAModelIsRefused) {
    EXPECT_THROW((void)build_model(Config::parse("[train]\nsteps = 1\n"), 0), Error);
    EXPECT_THROW((void)build_model(Config::parse("[model]\nname = \"conv_onett\"\n"), 0), Error);
}

}  // namespace
}  // namespace nir::models
