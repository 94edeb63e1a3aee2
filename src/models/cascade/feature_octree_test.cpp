// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/feature_octree.h"

#include "nir/base/error.h"
#include "nir/base/rng.h"

#include "models/cascade/test_bricks.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <vector>

namespace nir::models {
namespace {

using geom::Vec3f;
using geom::Vec3i;

/// Adds an octave with these of all its bricks, x fastest.
void add_octave(FeatureOctree& tree, std::vector<char> active) {
    const int n = tree.bricks(tree.octaves());
    tree.add_octave({{{0, 0, 0}, {n, n, n}}, std::move(active)});
}

std::vector<float> random_volume(std::size_t n, std::uint64_t seed) {
    Rng rng(seed);
    std::vector<float> v(n);
    for (auto& x : v) x = static_cast<float>(rng.uniform(-1, 1));
    return v;
}

/// A linear function of the position, one per channel: trilinear sampling reproduces it away from the border.
float linear(Vec3f p, int channel) { return 0.3f * p.x - 0.7f * p.y + 1.1f * p.z + static_cast<float>(channel); }

std::vector<float> linear_volume(const FeatureOctree& tree, int octave, const CellBox& box) {
    std::vector<float> v;
    for (int c = 0; c < tree.channels(); ++c)
        for (int z = box.lo.z; z < box.hi.z; ++z)
            for (int y = box.lo.y; y < box.hi.y; ++y)
                for (int x = box.lo.x; x < box.hi.x; ++x)
                    v.push_back(linear(tree.origin() + Vec3f{static_cast<float>(x) + 0.5f, static_cast<float>(y) + 0.5f,
                                                             static_cast<float>(z) + 0.5f} *
                                                           tree.cell(octave),
                                       c));
    return v;
}

/// Stores a channel-first volume of the cells from 0 to `size`, whole bricks.
void store(FeatureOctree& tree, int octave, Vec3i size, std::vector<float> volume) {
    std::vector<Vec3i> bricks;
    for (int z = 0; z < size.z / kBrickCells; ++z)
        for (int y = 0; y < size.y / kBrickCells; ++y)
            for (int x = 0; x < size.x / kBrickCells; ++x) bricks.push_back({x, y, z});
    const at::Tensor whole = torch::from_blob(volume.data(), {tree.channels(), size.z, size.y, size.x});
    store_tensor(tree, octave, bricks, cut_bricks(whole, bricks, kBrickCells));
}

FeatureOctree two_octaves() {
    FeatureOctree tree({-1, 2, 0.5f}, 0.25f, 16, 3);
    add_octave(tree, std::vector<char>(8, 1));
    std::vector<char> some(64, 0);
    some[0] = some[1] = 1;  // brick (0,0,0) and its neighbour along x
    add_octave(tree, some);
    return tree;
}

TEST(FeatureOctree, LoadsWhatWasStored) {
    FeatureOctree tree = two_octaves();
    const CellBox whole{{0, 0, 0}, {16, 16, 16}};
    const auto v = random_volume(3 * 4096, 1);
    store(tree, 0, whole.hi, v);
    std::vector<float> back(v.size());
    load_volume(tree, 0, whole, back);
    EXPECT_EQ(back, v);
    EXPECT_EQ(tree.cells(1), 32);
    EXPECT_FLOAT_EQ(tree.cell(1), 0.125f);
    EXPECT_TRUE(tree.has_brick(1, {1, 0, 0}));
    EXPECT_FALSE(tree.has_brick(1, {0, 1, 0}));
}

TEST(FeatureOctree, StoresTheNamedBricksOnly) {
    FeatureOctree tree({0, 0, 0}, 1, 16, 2);
    std::vector<char> active(8, 1);
    active[3] = 0;  // (1,1,0)
    add_octave(tree, active);
    const std::vector<Vec3i> named{{1, 0, 1}, {0, 1, 0}};
    store_tensor(tree, 0, named, torch::full({2, 2, 8, 8, 8}, 5.0f));
    std::vector<float> back(2 * 512);
    for (const Vec3i& b : tree.brick_list(0)) {
        load_volume(tree, 0, {b * 8, b * 8 + Vec3i{8, 8, 8}}, back);
        const float expected = b == named[0] || b == named[1] ? 5.0f : 0.0f;
        EXPECT_EQ(std::count(back.begin(), back.end(), expected), 2 * 512) << b.x << b.y << b.z;
    }
    const std::vector<Vec3i> missing{{1, 1, 0}};
    EXPECT_THROW(store_tensor(tree, 0, missing, torch::zeros({1, 2, 8, 8, 8})), Error);
}

TEST(FeatureOctree, BricksThatCoverAVolumeEqualTheWhole) {
    const auto v = random_volume(2 * 4096, 3);
    FeatureOctree tree({0, 0, 0}, 1, 16, 2);
    add_octave(tree, std::vector<char>(8, 1));
    for (int z = 0; z < 2; ++z)
        for (int y = 0; y < 2; ++y)
            for (int x = 0; x < 2; ++x) {
                std::vector<float> part;
                for (int c = 0; c < 2; ++c)
                    for (int k = 0; k < 8; ++k)
                        for (int j = 0; j < 8; ++j)
                            for (int i = 0; i < 8; ++i)
                                part.push_back(v[static_cast<std::size_t>(((c * 16 + 8 * z + k) * 16 + 8 * y + j) * 16 +
                                                                          8 * x + i)]);
                const std::vector<Vec3i> brick{{x, y, z}};
                store_tensor(tree, 0, brick, torch::from_blob(part.data(), {1, 2, 8, 8, 8}));
            }
    std::vector<float> back(v.size());
    load_volume(tree, 0, {{0, 0, 0}, {16, 16, 16}}, back);
    EXPECT_EQ(back, v);
}

TEST(FeatureOctree, SamplesTheFinestOctaveThatKnows) {
    FeatureOctree tree = two_octaves();
    const CellBox coarse{{0, 0, 0}, {16, 16, 16}}, fine{{0, 0, 0}, {16, 8, 8}};
    store(tree, 0, coarse.hi, linear_volume(tree, 0, coarse));
    auto shifted = linear_volume(tree, 1, fine);
    for (float& x : shifted) x += 100;  // tells the octaves apart
    store(tree, 1, fine.hi, shifted);
    float out[3];
    const Vec3f in_fine = tree.origin() + Vec3f{0.9f, 0.5f, 0.4f}, in_coarse = tree.origin() + Vec3f{2.9f, 2.1f, 3.3f};
    EXPECT_EQ(tree.sample(in_fine, out), 1);
    for (int c = 0; c < 3; ++c) EXPECT_NEAR(out[c], 100 + linear(in_fine, c), 1e-4);
    EXPECT_EQ(tree.sample(in_coarse, out), 0);
    for (int c = 0; c < 3; ++c) EXPECT_NEAR(out[c], linear(in_coarse, c), 1e-5);
    // Half a cell before the end of the bricks one neighbour is missing: the coarser octave speaks.
    EXPECT_EQ(tree.sample(tree.origin() + Vec3f{0.5f, 0.99f, 0.5f}, out), 0);
}

TEST(FeatureOctree, LoadFillsGapsFromTheCoarserOctaveAndRepeatsTheBorder) {
    FeatureOctree tree = two_octaves();
    const CellBox coarse{{0, 0, 0}, {16, 16, 16}}, fine{{0, 0, 0}, {16, 8, 8}};
    store(tree, 0, coarse.hi, linear_volume(tree, 0, coarse));
    store(tree, 1, fine.hi, linear_volume(tree, 1, fine));
    const CellBox box{{4, 4, 4}, {14, 14, 14}};  // partly beyond the two bricks
    std::vector<float> got(3 * 1000);
    load_volume(tree, 1, box, got);
    const auto expected = linear_volume(tree, 1, box);
    for (std::size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], expected[i], 1e-4);
    const CellBox beyond{{-2, 3, 3}, {1, 4, 4}};
    std::vector<float> row(3 * 3);
    load_volume(tree, 1, beyond, row);
    EXPECT_EQ(row[0], row[2]);
    EXPECT_EQ(row[1], row[2]);
}

}  // namespace
}  // namespace nir::models
