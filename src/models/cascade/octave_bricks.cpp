// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/octave_bricks.h"

#include "nir/base/parallel.h"
#include "nir/kernels/splat.h"

#include "models/cascade/cascade_net.h"

#include <array>
#include <cmath>
#include <map>

namespace nir::models {
namespace {

using geom::Vec3f;
using geom::Vec3i;

constexpr int kCells = kBrickCells * kBrickCells * kBrickCells;
constexpr int kBlock = 4;  ///< bricks along a block of points that are splatted together

int floor_div(int a, int b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

/// The lower of the two cells along each axis that a point contributes to.
Vec3i first_cell(Vec3f q) {
    return {static_cast<int>(std::floor(q.x - 0.5f)), static_cast<int>(std::floor(q.y - 0.5f)),
            static_cast<int>(std::floor(q.z - 0.5f))};
}

/// Calls f(place) for all places in lo..hi.
template <class F>
void for_each_in(Vec3i lo, Vec3i hi, const F& f) {
    for (int z = lo.z; z <= hi.z; ++z)
        for (int y = lo.y; y <= hi.y; ++y)
            for (int x = lo.x; x <= hi.x; ++x) f(Vec3i{x, y, z});
}

/// The parent's cells [6^3] around a brick -> the brick's [8^3], separable linear weights 3/4, 1/4. One channel.
void upsample_brick(const float* parent, float* out) {
    constexpr int kParent = kBrickCells / 2 + 2;
    const auto lower = [](int j) { return (j + 1) / 2; };
    const auto weight = [](int j) { return j % 2 == 0 ? 0.75f : 0.25f; };
    std::array<float, kParent * kParent * kBrickCells> along_x;
    std::array<float, kParent * kBrickCells * kBrickCells> along_y;
    for (int i = 0; i < kParent * kParent; ++i)
        for (int x = 0; x < kBrickCells; ++x) {
            const float* p = parent + i * kParent + lower(x);
            along_x[static_cast<std::size_t>(i * kBrickCells + x)] = p[0] + weight(x) * (p[1] - p[0]);
        }
    for (int z = 0; z < kParent; ++z)
        for (int y = 0; y < kBrickCells; ++y)
            for (int x = 0; x < kBrickCells; ++x) {
                const float* p = along_x.data() + (z * kParent + lower(y)) * kBrickCells + x;
                along_y[static_cast<std::size_t>((z * kBrickCells + y) * kBrickCells + x)] =
                    p[0] + weight(y) * (p[kBrickCells] - p[0]);
            }
    for (int z = 0; z < kBrickCells; ++z)
        for (int i = 0; i < kBrickCells * kBrickCells; ++i) {
            const float* p = along_y.data() + lower(z) * kBrickCells * kBrickCells + i;
            out[z * kBrickCells * kBrickCells + i] = p[0] + weight(z) * (p[kBrickCells * kBrickCells] - p[0]);
        }
}

}  // namespace

namespace {

/// The bricks that the points and the octave before can reach: no larger than needed, so that a flat scene has a flat
/// table.
BrickBox reachable_bricks(const FeatureOctree& tree, std::span<const Vec3f> points, int octave,
                          const BrickBox& within) {
    constexpr int kFar = 1 << 28;
    BrickBox box{{kFar, kFar, kFar}, {-kFar, -kFar, -kFar}};
    const auto extend = [&](Vec3i lo, Vec3i hi) {
        for (int a = 0; a < 3; ++a) box.lo[a] = std::min(box.lo[a], lo[a]), box.hi[a] = std::max(box.hi[a], hi[a]);
    };
    geom::Box3f of_points;
    for (const auto& p : points) of_points.extend(p);
    if (!of_points.empty()) {
        const float inv = 1.0f / tree.cell(octave);
        const Vec3i lo = first_cell((of_points.lo - tree.origin()) * inv);
        const Vec3i hi = first_cell((of_points.hi - tree.origin()) * inv);
        constexpr int r = kPointReach + 1;
        for (int a = 0; a < 3; ++a) {
            box.lo[a] = floor_div(lo[a] - r, kBrickCells);
            box.hi[a] = floor_div(hi[a] + r + 1, kBrickCells) + 1;
        }
    }
    for (const Vec3i& b : tree.brick_list(octave - 1)) extend(b * 2 - Vec3i{1, 1, 1}, b * 2 + Vec3i{3, 3, 3});
    return box.clipped(within).clipped(tree.whole(octave));
}

}  // namespace

ActiveBricks active_bricks(const FeatureOctree& tree, std::span<const Vec3f> points, int octave,
                           const std::function<at::Tensor(const at::Tensor&)>& decode, const BrickBox& within) {
    ActiveBricks wanted{reachable_bricks(tree, points, octave, within), {}};
    wanted.active.assign(wanted.box.count(), 0);
    if (wanted.active.empty()) return wanted;
    const auto mark = [&](Vec3i first, Vec3i last) {
        for (int a = 0; a < 3; ++a) {
            // What lies beyond the grid counts for its border bricks.
            first[a] = std::clamp(floor_div(first[a], kBrickCells), 0, tree.bricks(octave) - 1);
            last[a] = std::clamp(floor_div(last[a], kBrickCells), 0, tree.bricks(octave) - 1);
            first[a] = std::max(first[a], wanted.box.lo[a]);
            last[a] = std::min(last[a], wanted.box.hi[a] - 1);
        }
        for_each_in(first, last, [&](Vec3i b) { wanted.active[wanted.box.index(b)] = 1; });
    };
    const float inv = 1.0f / tree.cell(octave);
    for (const auto& p : points) {
        const Vec3i c = first_cell((p - tree.origin()) * inv);
        constexpr int r = kPointReach;
        mark(c - Vec3i{r, r, r}, c + Vec3i{r + 1, r + 1, r + 1});
    }
    // The surface of the coarser octave, also where the scan has holes.
    const auto& parents = tree.brick_list(octave - 1);
    constexpr std::size_t kStep = 64;
    for (std::size_t first = 0; first < parents.size(); first += kStep) {
        const std::size_t count = std::min(kStep, parents.size() - first);
        const auto cells = static_cast<std::int64_t>(count) * kCells;
        const std::span<const float> f = tree.brick_data(octave - 1, first, count);
        const torch::Tensor logits =
            decode(torch::from_blob(const_cast<float*>(f.data()), {cells, tree.channels()})).contiguous();
        const float* v = logits.data_ptr<float>();
        for (std::int64_t i = 0; i < cells; ++i) {
            if (!(std::abs(v[i]) < kUndecided)) continue;
            const auto local = static_cast<int>(i % kCells);
            const Vec3i brick = parents[first + static_cast<std::size_t>(i / kCells)];
            const Vec3i cell{brick.x * kBrickCells + local % kBrickCells,
                             brick.y * kBrickCells + local / kBrickCells % kBrickCells,
                             brick.z * kBrickCells + local / (kBrickCells * kBrickCells)};
            constexpr int r = kUndecidedReach;
            mark(cell * 2 - Vec3i{r, r, r}, cell * 2 + Vec3i{r + 1, r + 1, r + 1});
        }
    }
    return wanted;
}

namespace {

/// Fills the first kSplatChannels of rows of `stride` floats.
void fill_moments(const FeatureOctree& tree, std::span<const Vec3f> points, int octave, std::span<const Vec3i> bricks,
                  float* to, std::size_t stride) {
    constexpr int kSide = kBlock * kBrickCells;
    struct Block {
        std::vector<float> points;  // in cells of the block
        std::vector<std::size_t> brick_rows;
    };
    const auto by_place = [](Vec3i a, Vec3i b) { return std::array{a.z, a.y, a.x} < std::array{b.z, b.y, b.x}; };
    std::map<Vec3i, Block, decltype(by_place)> blocks(by_place);
    for (std::size_t i = 0; i < bricks.size(); ++i)
        blocks[{bricks[i].x / kBlock, bricks[i].y / kBlock, bricks[i].z / kBlock}].brick_rows.push_back(i);
    const float inv = 1.0f / tree.cell(octave);
    for (const auto& p : points) {
        const Vec3f q = (p - tree.origin()) * inv;
        const Vec3i c = first_cell(q);
        const Vec3i lo{floor_div(c.x, kSide), floor_div(c.y, kSide), floor_div(c.z, kSide)};
        const Vec3i hi{floor_div(c.x + 1, kSide), floor_div(c.y + 1, kSide), floor_div(c.z + 1, kSide)};
        for_each_in(lo, hi, [&](Vec3i b) {
            const auto at = blocks.find(b);
            if (at == blocks.end()) return;
            const Vec3f r = q - static_cast<Vec3f>(b * kSide);
            at->second.points.insert(at->second.points.end(), {r.x, r.y, r.z});
        });
    }
    std::vector<std::pair<Vec3i, const Block*>> work;
    for (const auto& [place, block] : blocks) work.emplace_back(place, &block);

    parallel_for(work.size(), 1, [&](std::size_t begin, std::size_t end) {
        const kernels::GridSize size{kSide, kSide, kSide};
        std::vector<float> m(static_cast<std::size_t>(kernels::kSplatChannels * size.cells()));
        for (std::size_t w = begin; w < end; ++w) {
            kernels::splat_moments(work[w].second->points, size, m);
            for (const std::size_t row : work[w].second->brick_rows) {
                const Vec3i cell = (bricks[row] - work[w].first * kBlock) * kBrickCells;
                float* cells = to + row * stride;
                for (int k = 0; k < kernels::kSplatChannels; ++k)
                    for (int z = 0; z < kBrickCells; ++z)
                        for (int y = 0; y < kBrickCells; ++y, cells += kBrickCells)
                            std::copy_n(m.data() + ((k * kSide + cell.z + z) * kSide + cell.y + y) * kSide + cell.x,
                                        kBrickCells, cells);
            }
        }
    });
}

/// Fills `channels` of rows of `stride` floats.
void fill_context(const FeatureOctree& tree, int octave, std::span<const Vec3i> bricks, float* to, std::size_t stride) {
    constexpr int kParent = kBrickCells / 2 + 2;
    const auto channels = static_cast<std::size_t>(tree.channels());
    parallel_for(bricks.size(), 8, [&](std::size_t begin, std::size_t end) {
        constexpr std::size_t kParentCells = kParent * kParent * kParent;
        std::vector<float> parent(channels * kParentCells);
        for (std::size_t i = begin; i < end; ++i) {
            const Vec3i lo = bricks[i] * (kBrickCells / 2) - Vec3i{1, 1, 1};
            tree.load(octave - 1, {lo, lo + Vec3i{kParent, kParent, kParent}}, parent);
            for (std::size_t k = 0; k < channels; ++k)
                upsample_brick(parent.data() + k * kParentCells, to + i * stride + k * kCells);
        }
    });
}

at::Tensor empty_bricks(std::size_t n, std::int64_t channels) {
    return torch::empty({static_cast<std::int64_t>(n), channels, kBrickCells, kBrickCells, kBrickCells},
                        torch::kFloat32);
}

}  // namespace

at::Tensor brick_inputs(const FeatureOctree& tree, std::span<const Vec3f> points, int octave,
                        std::span<const Vec3i> bricks) {
    at::Tensor out = empty_bricks(bricks.size(), kernels::kSplatChannels + tree.channels());
    const auto stride = static_cast<std::size_t>(out.stride(0));
    fill_moments(tree, points, octave, bricks, out.data_ptr<float>(), stride);
    fill_context(tree, octave, bricks, out.data_ptr<float>() + kernels::kSplatChannels * kCells, stride);
    return out;
}

at::Tensor brick_context(const FeatureOctree& tree, int octave, std::span<const Vec3i> bricks) {
    at::Tensor out = empty_bricks(bricks.size(), tree.channels());
    fill_context(tree, octave, bricks, out.data_ptr<float>(), static_cast<std::size_t>(out.stride(0)));
    return out;
}

std::vector<BrickGroup> group_bricks(const FeatureOctree& tree, int octave, std::size_t most, const BrickBox& cores) {
    std::vector<BrickGroup> groups;
    const auto inside = [](Vec3i b, Vec3i lo, Vec3i hi) {
        return b.x >= lo.x && b.y >= lo.y && b.z >= lo.z && b.x < hi.x && b.y < hi.y && b.z < hi.z;
    };
    constexpr Vec3i kHalo{kHaloBricks, kHaloBricks, kHaloBricks};
    // Splits the block [lo, lo + side)^3; `near` holds the bricks of the block and of its halo.
    const std::function<void(Vec3i, int, const std::vector<Vec3i>&)> split = [&](Vec3i lo, int side,
                                                                                 const std::vector<Vec3i>& near) {
        const Vec3i hi = lo + Vec3i{side, side, side};
        BrickGroup group;
        for (const Vec3i b : near)
            if (inside(b, lo, hi) && cores.contains(b)) group.bricks.push_back(b);
        if (group.bricks.empty()) return;
        group.n_core = group.bricks.size();
        for (const Vec3i b : near)
            if (!(inside(b, lo, hi) && cores.contains(b)) && inside(b, lo - kHalo, hi + kHalo))
                group.bricks.push_back(b);
        if (group.bricks.size() <= most || side <= 8) {
            groups.push_back(std::move(group));
            return;
        }
        for_each_in({0, 0, 0}, {1, 1, 1}, [&](Vec3i k) { split(lo + k * (side / 2), side / 2, group.bricks); });
    };
    int side = 8;
    while (side < tree.bricks(octave)) side *= 2;
    split({0, 0, 0}, side, tree.brick_list(octave));
    return groups;
}

}  // namespace nir::models
