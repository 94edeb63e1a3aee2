// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The presets of models that make points, voxels or meshes build, and have the sizes that follow from the papers.
#include "nir/models/registry.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <filesystem>

namespace nir::models {
namespace {

std::int64_t parameters(const std::string& preset) {
    Config config = Config::load(std::string(NIR_SOURCE_DIR "/configs/") + preset + ".toml");
    return build_model(config, 0)->n_parameters();
}

std::int64_t linear(std::int64_t in, std::int64_t out) { return in * out + out; }

/// ResnetPointnet with code and hidden size 512, published: 6,825,472.
constexpr std::int64_t kPointnet = 6825472;

TEST(ExplicitPresets, SizesOnPaper) {
    const std::int64_t psgn = linear(512, 512) * 3 + linear(512, 3 * 1024);
    EXPECT_EQ(parameters("psgn/pointcloud"), kPointnet + psgn);
    const std::int64_t voxels =
        linear(512, 256 * 64) + (256 * 128 * 27 + 128) + (128 * 64 * 27 + 64) + (64 * 32 * 27 + 32) + 33;
    EXPECT_EQ(parameters("r2n2/pointcloud"), kPointnet + voxels);
    const auto patch = [](std::int64_t d, std::int64_t code) {
        return linear(d, code) + linear(code, 512) + 2 * linear(512, 512) + linear(512, 3) + 2 * code + 6 * 512;
    };
    const std::int64_t encoder =
        linear(3, 64) + linear(64, 128) + linear(128, 1024) + 2 * linear(1024, 1024) + 2 * (64 + 128 + 3 * 1024);
    EXPECT_EQ(parameters("atlasnet/autoencoder_25_squares"), encoder + 25 * patch(2, 1024));
    EXPECT_EQ(parameters("atlasnet/autoencoder_sphere"), encoder + patch(3, 1024));
    EXPECT_EQ(parameters("atlasnet/pointcloud"), kPointnet + 25 * patch(2, 512));
}

TEST(ExplicitPresets, EveryFileBuilds) {
    std::size_t files = 0;
    for (const char* folder : {"psgn", "r2n2", "atlasnet"})
        for (const auto& e : std::filesystem::directory_iterator(std::string(NIR_SOURCE_DIR "/configs/") + folder)) {
            const auto model = build_model(Config::load(e.path()), 0);
            EXPECT_EQ(model->name(), folder);
            EXPECT_EQ(model->takes() == ObservationKind::image, e.path().stem().string().starts_with("img"));
            ++files;
        }
    EXPECT_EQ(files, 11u);
}

}  // namespace
}  // namespace nir::models
