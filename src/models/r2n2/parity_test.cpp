// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Numerical parity of the voxel network with the papers' code, and the frame of its voxels.
#include "support/parity.h"

#include "nir/base/error.h"
#include "nir/models/registry.h"
#include "nir/nn/batch.h"

#include "models/r2n2/r2n2.h"

#include <gtest/gtest.h>

namespace nir::models {
namespace {

using torch::Tensor;

TEST(R2n2Parity, VoxelsLossAndGradientsAgree) {
    torch::set_num_threads(1);
    const std::string name = "r2n2_small";
    const auto path = test::find_fixture("explicit", name + ".io.npz");
    const auto weights = test::read_parity_weights("explicit", name);
    if (path.empty() || weights.arrays.empty()) GTEST_SKIP() << "no larger fixtures beside the source tree";
    const auto file = io::read_npz(path);
    const auto model = test::build_parity_model(name, weights);
    const Tensor inputs = nn::tensor_from(file.at("inputs")), expected = nn::tensor_from(file.at("occ_logits"));
    for (std::int64_t b = 0; b < inputs.size(0); ++b) {
        const Shape shape = model->infer(test::cloud_of(inputs[b]));
        const auto& grid = std::get<geom::VoxelGrid>(shape);
        ASSERT_EQ(grid.size, (geom::Vec3i{32, 32, 32}));
        const Tensor ours = torch::tensor(grid.values).view({1, 32, 32, 32});
        test::expect_parity(name, "probabilities", ours, torch::sigmoid(expected[b]));
    }
    const auto& module = dynamic_cast<R2n2ModuleImpl&>(model->module());
    const Tensor code = module.encoder->encode(inputs);
    test::expect_parity(name, "code", code, nn::tensor_from(file.at("c")));
    nn::VoxelDecoder decoder = module.decoder;
    test::expect_parity(name, "logits", decoder(code), expected);

    nn::Batch batch;
    batch["observation"] = inputs;
    batch["voxels"] = nn::tensor_from(file.at("voxels_target")).to(torch::kFloat32);
    double iou = -1;
    const Tensor loss = model->loss(batch, [&](std::string_view, double v) { iou = v; });
    EXPECT_TRUE(iou >= 0 && iou <= 1);
    test::expect_parity(name, "loss", loss, nn::tensor_from(file.at("bce_loss")));
    const auto gradients = [&](int which) {
        const auto rounded = test::build_parity_model(name, weights);
        test::round_differently(rounded->module(), which);
        rounded->loss(batch, {}).backward();
        return test::gradients_of(rounded->module());
    };
    const test::NamedTensors theirs = test::reference_gradients(file);
    EXPECT_EQ(theirs.size(), 35u);
    test::expect_parity_up_to_kinks(name, "gradients", theirs, gradients);
}

TEST(R2n2, CellsFillTheUnitCube) {
    const auto config = Config::parse(
        "[model]\nname = \"r2n2\"\nresolution = 16\nc_dim = 4\n[model.encoder]\nname = \"pointnet_simple\"\n"
        "hidden_dim = 4\n");
    const auto model = build_model(config, 0);
    EXPECT_EQ(model->targets().voxels, 16);
    geom::PointCloud cloud;
    cloud.points = {{0.1, 0.2, 0.3}, {-0.1, 0, 0}};
    const Shape shape = model->infer(cloud);
    const auto& grid = std::get<geom::VoxelGrid>(shape);
    EXPECT_EQ(grid.size, (geom::Vec3i{16, 16, 16}));
    EXPECT_DOUBLE_EQ(grid.origin.x, -0.5 + 1.0 / 32);
    EXPECT_DOUBLE_EQ(grid.origin.z + 15 * grid.spacing.z, 0.5 - 1.0 / 32);
    EXPECT_THROW((void)build_model(Config::parse("[model]\nname = \"r2n2\"\nresolution = 24\n"), 0), Error);
}

}  // namespace
}  // namespace nir::models
