// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/feature_octree.h"

#include "nir/base/rng.h"

#include <gtest/gtest.h>

#include <vector>

namespace nir::models {
namespace {

using geom::Vec3f;
using geom::Vec3i;

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

FeatureOctree two_octaves() {
    FeatureOctree tree({-1, 2, 0.5f}, 0.25f, 16, 3);
    tree.add_octave(std::vector<char>(8, 1));
    std::vector<char> some(64, 0);
    some[tree.bricks(0) > 0 ? 0 : 0] = 1;  // brick (0,0,0) ...
    some[1] = 1;                           // ... and its neighbour along x
    tree.add_octave(some);
    return tree;
}

TEST(FeatureOctree, LoadsWhatWasStored) {
    FeatureOctree tree = two_octaves();
    const CellBox whole{{0, 0, 0}, {16, 16, 16}};
    const auto v = random_volume(3 * 4096, 1);
    tree.store(0, whole, whole, v);
    std::vector<float> back(v.size());
    tree.load(0, whole, back);
    EXPECT_EQ(back, v);
    EXPECT_EQ(tree.cells(1), 32);
    EXPECT_FLOAT_EQ(tree.cell(1), 0.125f);
    EXPECT_TRUE(tree.has_brick(1, {1, 0, 0}));
    EXPECT_FALSE(tree.has_brick(1, {0, 1, 0}));
}

TEST(FeatureOctree, StoresTheCoreOnly) {
    FeatureOctree tree({0, 0, 0}, 1, 16, 2);
    tree.add_octave(std::vector<char>(8, 1));
    const CellBox box{{2, 2, 2}, {12, 12, 12}}, core{{4, 4, 4}, {10, 10, 10}};
    tree.store(0, box, core, std::vector<float>(2 * 1000, 5.0f));
    std::vector<float> back(2 * 4096);
    tree.load(0, {{0, 0, 0}, {16, 16, 16}}, back);
    EXPECT_EQ(std::count(back.begin(), back.end(), 5.0f), 2 * 216);
    EXPECT_EQ(std::count(back.begin(), back.end(), 0.0f), 2 * (4096 - 216));
}

TEST(FeatureOctree, WindowsThatCoverAVolumeEqualTheWhole) {
    const CellBox whole{{0, 0, 0}, {16, 16, 16}};
    const auto v = random_volume(2 * 4096, 3);
    FeatureOctree tree({0, 0, 0}, 1, 16, 2);
    tree.add_octave(std::vector<char>(8, 1));
    for (int z = 0; z < 16; z += 8)
        for (int y = 0; y < 16; y += 8)
            for (int x = 0; x < 16; x += 8) {
                const CellBox core{{x, y, z}, {x + 8, y + 8, z + 8}};
                const CellBox box{max(core.lo - Vec3i{3, 3, 3}, Vec3i{0, 0, 0}),
                                  min(core.hi + Vec3i{3, 3, 3}, whole.hi)};
                const Vec3i s = box.size();
                std::vector<float> part;
                for (int c = 0; c < 2; ++c)
                    for (int k = 0; k < s.z; ++k)
                        for (int j = 0; j < s.y; ++j)
                            for (int i = 0; i < s.x; ++i)
                                part.push_back(v[static_cast<std::size_t>(
                                    ((c * 16 + box.lo.z + k) * 16 + box.lo.y + j) * 16 + box.lo.x + i)]);
                tree.store(0, box, core, part);
            }
    std::vector<float> back(v.size());
    tree.load(0, whole, back);
    EXPECT_EQ(back, v);
}

TEST(FeatureOctree, SamplesTheFinestOctaveThatKnows) {
    FeatureOctree tree = two_octaves();
    const CellBox coarse{{0, 0, 0}, {16, 16, 16}}, fine{{0, 0, 0}, {16, 8, 8}};
    tree.store(0, coarse, coarse, linear_volume(tree, 0, coarse));
    auto shifted = linear_volume(tree, 1, fine);
    for (float& x : shifted) x += 100;  // tells the octaves apart
    tree.store(1, fine, fine, shifted);
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
    tree.store(0, coarse, coarse, linear_volume(tree, 0, coarse));
    tree.store(1, fine, fine, linear_volume(tree, 1, fine));
    const CellBox box{{4, 4, 4}, {14, 14, 14}};  // partly beyond the two bricks
    std::vector<float> got(3 * 1000);
    tree.load(1, box, got);
    const auto expected = linear_volume(tree, 1, box);
    for (std::size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], expected[i], 1e-4);
    const CellBox beyond{{-2, 3, 3}, {1, 4, 4}};
    std::vector<float> row(3 * 3);
    tree.load(1, beyond, row);
    EXPECT_EQ(row[0], row[2]);
    EXPECT_EQ(row[1], row[2]);
}

}  // namespace
}  // namespace nir::models
