// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Numerical parity of the point set network with the papers' code: tests/parity/NAME.toml with the weights of NAME.
#include "support/parity.h"

#include "nir/base/error.h"
#include "nir/models/registry.h"
#include "nir/nn/batch.h"

#include "models/psgn/psgn.h"

#include <gtest/gtest.h>

namespace nir::models {
namespace {

using torch::Tensor;

Tensor points_of(const Shape& shape) {
    const auto& cloud = std::get<geom::PointCloud>(shape);
    Tensor t = torch::empty({static_cast<std::int64_t>(cloud.size()), 3}, torch::kFloat64);
    for (std::size_t i = 0; i < cloud.size(); ++i)
        for (int k = 0; k < 3; ++k) t[static_cast<std::int64_t>(i)][k] = cloud.points[i][k];
    return t;
}

class PsgnParity : public ::testing::TestWithParam<const char*> {
protected:
    void SetUp() override { torch::set_num_threads(1); }
};

TEST_P(PsgnParity, PointsLossAndGradientsAgree) {
    const std::string name = GetParam();
    const auto path = test::find_fixture("explicit", name + ".io.npz");
    const auto weights = test::read_parity_weights("explicit", name);
    if (path.empty() || weights.arrays.empty()) GTEST_SKIP() << "no larger fixtures beside the source tree";
    const auto file = io::read_npz(path);
    const auto model = test::build_parity_model(name, weights);
    const Tensor inputs = nn::tensor_from(file.at("inputs")), expected = nn::tensor_from(file.at("points"));
    for (std::int64_t b = 0; b < inputs.size(0); ++b) {
        Observation observation;
        if (model->takes() == ObservationKind::image)
            observation = test::image_of(inputs[b]);
        else
            observation = test::cloud_of(inputs[b]);
        test::expect_parity(name, "points", points_of(model->infer(observation)), expected[b]);
    }
    if (!file.find("target")) return;
    nn::Batch batch;
    batch["observation"] = inputs;
    batch["surface"] = nn::tensor_from(file.at("target"));
    test::expect_parity(name, "loss", model->loss(batch, {}), nn::tensor_from(file.at("chamfer_loss")));
    const auto gradients = [&](int which) {
        const auto rounded = test::build_parity_model(name, weights);
        test::round_differently(rounded->module(), which);
        rounded->loss(batch, {}).backward();
        return test::gradients_of(rounded->module());
    };
    const test::NamedTensors theirs = test::reference_gradients(file);
    EXPECT_EQ(theirs.size(), 32u);
    test::expect_parity_up_to_kinks(name, "gradients", theirs, gradients);
}

INSTANTIATE_TEST_SUITE_P(Psgn, PsgnParity, ::testing::Values("psgn_small", "psgn_2branch_small"));

TEST(PsgnParity, CodeAndMapsOfTheTwoBranchNetworkAgree) {
    torch::set_num_threads(1);
    const std::string name = "psgn_2branch_small";
    const auto file = io::read_npz(test::find_fixture("explicit", name + ".io.npz"));
    const auto model = test::build_parity_model(name, test::read_parity_weights("explicit", name));
    const auto encoder = std::dynamic_pointer_cast<nn::PsgnCondImpl>(model->module().named_children()["encoder"]);
    ASSERT_TRUE(encoder);
    const torch::NoGradGuard no_grad;
    const nn::PsgnFeatures features = encoder->forward(nn::tensor_from(file.at("inputs")));
    test::expect_parity(name, "code", features.code, nn::tensor_from(file.at("c")));
    for (std::size_t i = 0; i < 3; ++i)
        test::expect_parity(name, "maps", features.maps[i], nn::tensor_from(file.at(fmt::format("fm{}", i))));
}

TEST(Psgn, ImagesOfAnotherSizeAndBadPairsAreRefused) {
    const auto model = build_model(Config::load(NIR_SOURCE_DIR "/tests/parity/psgn_2branch_small.toml"), 0);
    geom::RgbImage image{32, 32, std::vector<float>(3 * 32 * 32, 0.5f)};
    EXPECT_THROW((void)model->infer(image), Error);
    EXPECT_THROW((void)model->infer(geom::PointCloud{}), Error);
    const char* const kBad[] = {"decoder = \"psgn_2branch\"\n", "[model.encoder]\nname = \"psgn_cond\"\n",
                                "n_points = 700\ndecoder = \"psgn_2branch\"\n[model.encoder]\nname = \"psgn_cond\"\n"};
    for (const char* toml : kBad)
        EXPECT_THROW((void)build_model(Config::parse("[model]\nname = \"psgn\"\n" + std::string(toml)), 0), Error);
}

}  // namespace
}  // namespace nir::models
