// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The presets are twins of the papers' configurations: sizes known on paper.
#include "nir/models/registry.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <ostream>

namespace nir::models {
namespace {

struct Preset {
    const char* name;
    std::int64_t parameters;
    friend std::ostream& operator<<(std::ostream& out, const Preset& p) { return out << p.name; }
};

class Presets : public ::testing::TestWithParam<Preset> {};

TEST_P(Presets, HaveThePublishedNumberOfParameters) {
    const auto config = Config::load(std::string(NIR_SOURCE_DIR "/configs/conv_onet/") + GetParam().name + ".toml");
    EXPECT_EQ(build_model(config, 0)->n_parameters(), GetParam().parameters);
}

INSTANTIATE_TEST_SUITE_P(ConvOnet, Presets,
                         ::testing::Values(Preset{"shapenet_1plane", 1978209}, Preset{"shapenet_3plane", 1978209},
                                           Preset{"shapenet_grid32", 1068545}, Preset{"room_1plane", 7812705},
                                           Preset{"room_3plane", 7812705}, Preset{"room_grid32", 1068545},
                                           Preset{"room_grid64", 4166657}, Preset{"room_combine", 8838017},
                                           Preset{"shapenet_3plane_partial", 1978209},
                                           Preset{"shapenet_pointconv", 1388641}, Preset{"room_pointconv", 2074081},
                                           Preset{"crop_room_grid64", 4166657}, Preset{"crop_matterport", 4166657},
                                           Preset{"voxel_shapenet_1plane", 1951873},
                                           Preset{"voxel_shapenet_3plane", 1951873},
                                           Preset{"voxel_shapenet_grid32", 1042209}),
                         [](const auto& preset) { return std::string(preset.param.name); });

TEST(Presets, EveryFileIsTested) {
    std::size_t files = 0;
    for (const auto& e : std::filesystem::directory_iterator(NIR_SOURCE_DIR "/configs/conv_onet"))
        files += e.path().extension() == ".toml" && e.path().stem() != "base";
    EXPECT_EQ(files, 16u);
}

}  // namespace
}  // namespace nir::models
