// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The sparse path of the cascade against dense volumes: same bricks, same statistics, same network.
#include "models/cascade/brick_set.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/base/rng.h"
#include "nir/kernels/splat.h"
#include "nir/nn/seeded.h"

#include "models/cascade/cascade_net.h"
#include "models/cascade/octave_bricks.h"
#include "models/cascade/test_bricks.h"

#include <gtest/gtest.h>

#include <atomic>

namespace nir::models {
namespace {

using geom::Vec3f;
using geom::Vec3i;
using torch::Tensor;

/// Adds an octave with these of all its bricks, x fastest.
void add_octave(FeatureOctree& tree, std::vector<char> active) {
    const int n = tree.bricks(tree.octaves());
    tree.add_octave({{{0, 0, 0}, {n, n, n}}, std::move(active)});
}

Tensor cut(const Tensor& volume, const std::vector<Vec3i>& bricks, std::int64_t b) {
    return cut_bricks(volume[0], bricks, b);
}

/// A mask [1, 1, n*8, n*8, n*8] of randomly chosen bricks, and these bricks.
std::pair<Tensor, std::vector<Vec3i>> random_bricks(int n, double share, std::uint64_t seed) {
    Rng rng(seed);
    std::vector<Vec3i> bricks;
    Tensor mask = torch::zeros({1, 1, n * kBrickCells, n * kBrickCells, n * kBrickCells});
    for (int z = 0; z < n; ++z)
        for (int y = 0; y < n; ++y)
            for (int x = 0; x < n; ++x) {
                if (!rng.coin(share)) continue;
                bricks.push_back({x, y, z});
                mask[0][0]
                    .narrow(0, z * kBrickCells, kBrickCells)
                    .narrow(1, y * kBrickCells, kBrickCells)
                    .narrow(2, x * kBrickCells, kBrickCells)
                    .fill_(1);
            }
    return {mask, bricks};
}

TEST(BrickSet, HaloIsThatOfThePaddedVolume) {
    const auto [mask, bricks] = random_bricks(4, 0.5, 1);
    torch::manual_seed(1);
    for (const std::int64_t b : {1, 2, 8}) {
        Tensor volume = torch::randn({1, 3, 4 * b, 4 * b, 4 * b});
        volume = volume * torch::max_pool3d(mask, kBrickCells / b);
        const BrickSet set(bricks);
        const Tensor padded = torch::constant_pad_nd(volume, {1, 1, 1, 1, 1, 1});
        const Tensor tiles = halo_tensor(set, cut(volume, bricks, b), 2, 5);
        for (std::int64_t i = 0; i < 5; ++i) {
            const Vec3i at = bricks[static_cast<std::size_t>(i + 2)];
            const Tensor expected =
                padded[0].narrow(1, at.z * b, b + 2).narrow(2, at.y * b, b + 2).narrow(3, at.x * b, b + 2);
            EXPECT_TRUE(torch::equal(tiles[i], expected)) << "b = " << b << ", brick " << i;
        }
    }
    EXPECT_THROW(BrickSet({{1, 2, 3}, {1, 2, 3}}), Error);
}

TEST(BrickSet, UnetOnBricksEqualsTheMaskedUnet) {
    const nn::SeededScope seeded(7);
    CascadeUnet net(5, std::vector<int>{8, 12, 16}, 4);
    {
        const torch::NoGradGuard no_grad;  // biases, so that places outside the mask would show
        for (auto& p : net->named_parameters())
            if (p.key().ends_with("bias")) p.value().uniform_(-0.5, 0.5);
    }
    const torch::NoGradGuard no_grad;
    for (const double share : {0.1, 0.6, 1.0}) {
        const auto [mask, bricks] = random_bricks(4, share, 3);
        ASSERT_FALSE(bricks.empty());
        const Tensor x = torch::randn({1, 5, 32, 32, 32});
        const Tensor dense = net->whole(x, mask);
        const Tensor sparse =
            run_on_bricks(unet_of(*net, 5, {8, 12, 16}, 4), BrickSet(bricks), cut(x, bricks, kBrickCells));
        const Tensor expected = cut(dense, bricks, kBrickCells);
        EXPECT_TRUE(torch::allclose(sparse, expected, 1e-4, 1e-5 * expected.abs().max().item<double>())) << share;
        EXPECT_EQ((dense * (1 - mask)).abs().max().item<float>(), 0);
        if (share == 1.0) {
            EXPECT_TRUE(torch::allclose(net->whole(x), dense, 1e-5, 1e-5));
        }
    }
}

TEST(BrickSet, BitsDoNotDependOnTheNumberOfThreads) {
    const nn::SeededScope seeded(7);
    CascadeUnet net(15, std::vector<int>{32, 32, 32, 32}, 16);
    const BrickUnet unet = unet_of(*net, 15, {32, 32, 32, 32}, 16);
    const int before = threads();
    for (const int n : {1, 4}) {
        const auto bricks = random_bricks(n, 1.0, 3).second;
        const Tensor x =
            torch::randn({static_cast<std::int64_t>(bricks.size()), 15, kBrickCells, kBrickCells, kBrickCells});
        set_threads(1);
        const Tensor one = run_on_bricks(unet, BrickSet(bricks), x);
        set_threads(3);
        EXPECT_TRUE(torch::equal(run_on_bricks(unet, BrickSet(bricks), x), one)) << n;
        if (n == 4) {
            const torch::NoGradGuard no_grad;
            const Tensor dense =
                net->whole(x.view({4, 4, 4, 15, 8, 8, 8}).permute({3, 0, 4, 1, 5, 2, 6}).reshape({1, 15, 32, 32, 32}));
            EXPECT_TRUE(torch::allclose(cut(dense, bricks, kBrickCells), one, 1e-4, 1e-4));
        }
    }
    set_threads(before);
}

/// Two octaves over a cube of 32 cells, features that are a linear function of the place.
FeatureOctree linear_octree(const std::vector<char>& active) {
    FeatureOctree tree({-1, 2, 0.5f}, 0.25f, 32, 3);
    add_octave(tree, std::vector<char>(64, 1));
    std::vector<float> v;
    for (int c = 0; c < 3; ++c)
        for (int i = 0; i < 32 * 32 * 32; ++i)
            v.push_back(static_cast<float>(c) + 0.1f * static_cast<float>(i % 32) -
                        0.2f * static_cast<float>(i / 32 % 32) + 0.05f * static_cast<float>(i / 1024));
    const auto& all = tree.brick_list(0);
    store_tensor(tree, 0, all, cut_bricks(torch::from_blob(v.data(), {3, 32, 32, 32}), all, kBrickCells));
    add_octave(tree, active);
    return tree;
}

TEST(OctaveBricks, ContextIsTheUpsampledOctaveBefore) {
    std::vector<char> active(512, 0);
    for (std::size_t i = 0; i < active.size(); i += 7) active[i] = 1;
    const FeatureOctree tree = linear_octree(active);
    std::vector<float> volume(3 * 34 * 34 * 34);
    load_volume(tree, 0, {{-1, -1, -1}, {33, 33, 33}}, volume);
    Tensor up = upsample_octave(torch::from_blob(volume.data(), {1, 3, 34, 34, 34}));
    for (std::int64_t axis = 2; axis < 5; ++axis) up = up.narrow(axis, 2, 64);
    std::vector<float> context(tree.brick_list(1).size() * 512 * 3);
    brick_context(tree, 1, tree.brick_list(1), context);
    const Tensor got = channels_first(context, kBrickCells, 3);
    EXPECT_TRUE(torch::allclose(got, cut(up, tree.brick_list(1), kBrickCells), 1e-5, 1e-5));
}

std::vector<Vec3f> random_points(std::size_t n, std::uint64_t seed) {
    Rng rng(seed);
    std::vector<Vec3f> points;
    for (std::size_t i = 0; i < n; ++i)  // a blob, so that most bricks stay empty; some at the border of the grid
        points.push_back(Vec3f{-1, 2, 0.5f} + Vec3f{static_cast<float>(rng.uniform(0, 3)),
                                                    static_cast<float>(rng.uniform(4, 8)),
                                                    static_cast<float>(rng.uniform(2, 5))});
    return points;
}

TEST(OctaveBricks, MomentsAndMaskAreThoseOfTheDenseVolumes) {
    FeatureOctree tree = linear_octree(std::vector<char>(512, 0));
    const auto points = random_points(400, 5);
    std::vector<float> in_cells, dense(kernels::kSplatChannels * 64 * 64 * 64);
    for (const auto& p : points) {
        const Vec3f q = (p - tree.origin()) / 0.125f;
        in_cells.insert(in_cells.end(), {q.x, q.y, q.z});
    }
    kernels::splat_moments(in_cells, {64, 64, 64}, dense);
    const Tensor volume = torch::from_blob(dense.data(), {1, kernels::kSplatChannels, 64, 64, 64});

    // Decides by the first feature: undecided where it is small.
    const auto decode = [](std::span<const float> c, std::span<float> logits) {
        for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = 10 * c[3 * i];
    };
    const ActiveBricks wanted = active_bricks(tree, points, 1, decode, tree.whole(1));
    std::vector<char> active(512, 0);
    for (std::size_t i = 0; i < active.size(); ++i) {
        const auto k = static_cast<int>(i);
        const Vec3i b{k % 8, k / 8 % 8, k / 64};
        active[i] = wanted.box.contains(b) && wanted.active[wanted.box.index(b)];
    }
    std::vector<float> coarse(3 * 32 * 32 * 32);
    load_volume(tree, 0, {{0, 0, 0}, {32, 32, 32}}, coarse);
    const Tensor logits = torch::from_blob(coarse.data(), {1, 3, 32, 32, 32}).select(1, 0) * 10;
    const Tensor mask = active_mask(volume, logits);
    int n = 0;
    for (int i = 0; i < 512; ++i) {
        const float m = mask[0][0][i / 64 * kBrickCells][i / 8 % 8 * kBrickCells][i % 8 * kBrickCells].item<float>();
        EXPECT_EQ(m > 0, active[static_cast<std::size_t>(i)] != 0) << "brick " << i;
        n += active[static_cast<std::size_t>(i)];
    }
    EXPECT_GT(n, 20);
    EXPECT_LT(n, 400);

    tree = linear_octree(active);
    const auto& bricks = tree.brick_list(1);
    const BrickSet set(bricks);
    const BrickInputs inputs(tree, points, 1, set);
    constexpr std::int64_t channels = kernels::kSplatChannels + 3;
    std::vector<float> rows(static_cast<std::size_t>(n - 2) * 1000 * channels), inner(bricks.size() * 512 * 3);
    inputs(2, n - 2, rows.data());
    brick_context(tree, 1, bricks, inner);
    const Tensor got = channels_first(rows, 10, channels);
    const Tensor moments = halo_tensor(set, cut(volume, bricks, kBrickCells), 2, n - 2);
    const Tensor context = halo_tensor(set, channels_first(inner, kBrickCells, 3), 2, n - 2);
    EXPECT_TRUE(torch::allclose(got.narrow(1, 0, kernels::kSplatChannels), moments, 1e-5, 1e-6));
    EXPECT_TRUE(torch::allclose(got.narrow(1, kernels::kSplatChannels, 3), context, 1e-6, 1e-6));
    const Tensor features = torch::randn({n, 3, kBrickCells, kBrickCells, kBrickCells});
    store_tensor(tree, 1, bricks, features);
    const auto data = tree.brick_data(1, 3, 1);
    EXPECT_EQ(data[(static_cast<std::size_t>(1 * 64 + 2 * 8 + 5)) * 3 + 2], features[3][2][1][2][5].item<float>());
}

TEST(OctaveBricks, GroupsComputeWhatTheWholeSetComputes) {
    std::vector<char> active(16 * 16 * 16, 0);
    Rng rng(4);
    for (auto& a : active) a = rng.coin(0.4);
    FeatureOctree tree({0, 0, 0}, 1, 64, 2);
    add_octave(tree, std::vector<char>(512, 1));
    add_octave(tree, active);
    const auto& bricks = tree.brick_list(1);
    const nn::SeededScope seeded(7);
    CascadeUnet net(4, std::vector<int>{8, 8, 8}, 3);
    const Tensor x = torch::randn({static_cast<std::int64_t>(bricks.size()), 4, kBrickCells, kBrickCells, kBrickCells});
    const BrickUnet unet = unet_of(*net, 4, {8, 8, 8}, 3);
    const Tensor whole = run_on_bricks(unet, BrickSet(bricks), x);
    const auto groups = group_bricks(tree, 1, 500, tree.whole(1));
    ASSERT_GT(groups.size(), 3u);
    std::vector<int> seen(bricks.size(), 0);
    for (const auto& g : groups) {
        std::vector<std::int64_t> rows;
        for (const Vec3i b : g.bricks) rows.push_back(std::find(bricks.begin(), bricks.end(), b) - bricks.begin());
        const Tensor at = torch::tensor(rows), given = x.index_select(0, at);
        const BrickSet set(g.bricks);
        EXPECT_LE(group_bricks_in_memory(g), 500);
        ASSERT_EQ(g.within[kHaloBricks], set.size());
        std::atomic<std::int64_t> asked = 0;
        const auto given_rows = channels_last(given);
        std::vector<float> out(static_cast<std::size_t>(g.within[0]) * 512 * 3);
        unet.run(
            set, g.within,
            [&](std::int64_t first, std::int64_t count, float* to) {
                std::int64_t most = asked;
                while (most < first + count && !asked.compare_exchange_weak(most, first + count)) {
                }
                gather_with_halo(set, {given_rows.data(), set.size(), kBrickCells, 4}, first, count, to, 4);
            },
            [&](std::int64_t first, std::int64_t count, const float* y) {
                std::copy_n(y, count * 512 * 3, out.data() + first * 512 * 3);
            });
        EXPECT_TRUE(
            torch::equal(channels_first(out, kBrickCells, 3), whole.index_select(0, at.narrow(0, 0, g.within[0]))));
        EXPECT_EQ(asked, g.within[2]);  // 16 cells of the finest level; their inputs reach one further
        for (std::int64_t i = 0; i < g.within[0]; ++i)
            ++seen[static_cast<std::size_t>(rows[static_cast<std::size_t>(i)])];
    }
    EXPECT_TRUE(std::ranges::all_of(seen, [](int k) { return k == 1; }));
}

}  // namespace
}  // namespace nir::models
