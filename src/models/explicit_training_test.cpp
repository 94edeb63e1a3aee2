// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Models that make points, voxels or meshes learn from the stream of generated shapes, all from the same observations.
#include "nir/data/training_data.h"
#include "nir/models/registry.h"
#include "nir/nn/batch.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <map>

namespace nir::models {
namespace {

using torch::Tensor;

const std::map<std::string, std::string>& tiny_models() {
    static const std::string encoder = "[model.encoder]\nname = \"pointnet_simple\"\nhidden_dim = 16\n";
    static const std::map<std::string, std::string> all{
        {"psgn", "[model]\nname = \"psgn\"\nc_dim = 16\nn_points = 64\n" + encoder},
        {"r2n2", "[model]\nname = \"r2n2\"\nc_dim = 8\nresolution = 8\n" + encoder},
        {"atlasnet", "[model]\nname = \"atlasnet\"\nc_dim = 16\nn_patches = 2\nn_points = 64\nhidden = 16\n" + encoder},
    };
    return all;
}

std::unique_ptr<data::TrainingData> shapes(const data::TrainingTargets& targets) {
    data::OccupancyDataConfig config;
    config.points = 100;
    config.queries = 16;
    config.surface = 128;
    AnyConfig any(data::data_alternatives(), "generated");
    any.assign("generated", config);
    return data::data_row("generated").make(any, {.seed = 3, .first = 0, .workers = 0, .targets = targets});
}

class ExplicitTraining : public ::testing::TestWithParam<const char*> {
protected:
    void SetUp() override { torch::set_num_threads(1); }
};

TEST_P(ExplicitTraining, LossFallsOnAFixedBatch) {
    const auto model = build_model(Config::parse(tiny_models().at(GetParam())), 1);
    const auto data = shapes(model->targets());
    const nn::Batch batch = data->next(4);
    model->module().train();
    torch::optim::Adam adam(model->module().parameters(), torch::optim::AdamOptions(2e-3));
    torch::manual_seed(0);
    double first = 0, last = 0;
    for (int step = 0; step < 40; ++step) {
        adam.zero_grad();
        const Tensor loss = model->loss(batch, {});
        loss.backward();
        adam.step();
        (step < 3 ? first : last) = loss.item<double>();
    }
    EXPECT_LT(last, 0.85 * first);
    // In eval mode nothing is drawn: the same batch gives the same loss.
    model->module().eval();
    const torch::NoGradGuard no_grad;
    EXPECT_EQ(model->loss(batch, {}).item<double>(), model->loss(batch, {}).item<double>());
}

INSTANTIATE_TEST_SUITE_P(Models, ExplicitTraining, ::testing::Values("psgn", "r2n2", "atlasnet"),
                         [](const auto& model) { return std::string(model.param); });

TEST(ExplicitTraining, TargetsDoNotChangeTheObservations) {
    const nn::Batch plain = shapes({})->next(2), surface = shapes({.surface = true})->next(2),
                    voxels = shapes({.voxels = 8})->next(2);
    for (const char* name : {"observation", "points", "occupancies"}) {
        EXPECT_TRUE(torch::equal(plain.at(name), surface.at(name))) << name;
        EXPECT_TRUE(torch::equal(plain.at(name), voxels.at(name))) << name;
    }
    EXPECT_EQ(plain.tensors.size(), 3u);
    EXPECT_EQ(surface.at("surface").sizes(), (std::vector<std::int64_t>{2, 128, 3}));
    EXPECT_EQ(voxels.at("voxels").sizes(), (std::vector<std::int64_t>{2, 8, 8, 8}));
}

}  // namespace
}  // namespace nir::models
