// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/shared_files.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <random>

namespace nir {
namespace {

namespace fs = std::filesystem;

TEST(SharedFiles, EnvironmentComesFirstThenTheSourceTree) {
    const fs::path folder = fs::temp_directory_path() / ("nir_share_" + std::to_string(std::random_device{}()));
    fs::create_directories(folder / "docs");
    std::ofstream(folder / "docs" / "layers.toml") << "x";
    EXPECT_EQ(find_shared_file("docs/layers.toml"), fs::path(NIR_SOURCE_DIR) / "docs/layers.toml");
    ::setenv("NIR_SHARE", folder.c_str(), 1);
    EXPECT_EQ(find_shared_file("docs/layers.toml"), folder / "docs/layers.toml");
    ::unsetenv("NIR_SHARE");
    EXPECT_EQ(find_shared_file("models/none.safetensors"), std::nullopt);
    fs::remove_all(folder);
}

}  // namespace
}  // namespace nir
