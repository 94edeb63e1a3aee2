// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/spill_file.h"

#include "nir/base/error.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <unistd.h>
#include <vector>

namespace nir {
namespace {

TEST(SpillFile, GivesBackWhatItWasGivenAndLeavesNothing) {
    const auto folder = std::filesystem::temp_directory_path() / ("nir_spill_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    {
        SpillFile file(folder);
        std::vector<std::uint32_t> numbers(100000);
        std::iota(numbers.begin(), numbers.end(), 7u);
        EXPECT_EQ(file.append(std::as_bytes(std::span(numbers))), 0u);
        EXPECT_EQ(file.append(std::as_bytes(std::span(numbers).first(3))), 400000u);
        EXPECT_EQ(file.size(), 400012u);
        EXPECT_TRUE(std::filesystem::is_empty(folder));
        const SpillFile moved = std::move(file);
        std::vector<std::uint32_t> back(50);
        moved.read(4 * 99980, std::as_writable_bytes(std::span(back).first(23)));
        EXPECT_EQ(back[0], 99987u);
        EXPECT_EQ(back[19], 100006u);
        EXPECT_EQ(back[22], 9u);
        EXPECT_THROW(moved.read(400000, std::as_writable_bytes(std::span(back))), Error);
    }
    EXPECT_TRUE(std::filesystem::is_empty(folder));
    std::filesystem::remove_all(folder);
    EXPECT_THROW(SpillFile{folder}, Error);
}

}  // namespace
}  // namespace nir
