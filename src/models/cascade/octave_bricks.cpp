// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/octave_bricks.h"

#include "nir/base/parallel.h"
#include "nir/kernels/splat.h"

#include "models/cascade/cascade_net.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

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

constexpr int kParent = kBrickCells / 2 + 2;  ///< cells of the octave before that a brick's context depends on

/// The parent's cells [6^3] around a brick -> the brick's [8^3] and `halo` (0 or 1) cells around, separable linear
/// weights 3/4, 1/4. One channel.
void upsample_brick(const float* parent, int halo, float* out) {
    constexpr int kMost = kBrickCells + 2;
    const int n = kBrickCells + 2 * halo;
    const auto lower = [](int j) { return (j + 1) / 2; };
    const auto weight = [](int j) { return j % 2 == 0 ? 0.75f : 0.25f; };
    std::array<float, kParent * kParent * kMost> along_x;
    std::array<float, kParent * kMost * kMost> along_y;
    for (int i = 0; i < kParent * kParent; ++i)
        for (int x = 0; x < n; ++x) {
            const float* p = parent + i * kParent + lower(x - halo);
            along_x[static_cast<std::size_t>(i * n + x)] = p[0] + weight(x - halo) * (p[1] - p[0]);
        }
    for (int z = 0; z < kParent; ++z)
        for (int y = 0; y < n; ++y)
            for (int x = 0; x < n; ++x) {
                const float* p = along_x.data() + (z * kParent + lower(y - halo)) * n + x;
                along_y[static_cast<std::size_t>((z * n + y) * n + x)] = p[0] + weight(y - halo) * (p[n] - p[0]);
            }
    for (int z = 0; z < n; ++z)
        for (int i = 0; i < n * n; ++i) {
            const float* p = along_y.data() + lower(z - halo) * n * n + i;
            out[z * n * n + i] = p[0] + weight(z - halo) * (p[n * n] - p[0]);
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

/// Fills `channels` volumes of 8 + 2 halo cells of rows of `stride` floats.
void fill_context(const FeatureOctree& tree, int octave, std::span<const Vec3i> bricks, int halo, float* to,
                  std::size_t stride) {
    const auto channels = static_cast<std::size_t>(tree.channels());
    const auto side = static_cast<std::size_t>(kBrickCells + 2 * halo);
    parallel_for(bricks.size(), 8, [&](std::size_t begin, std::size_t end) {
        constexpr std::size_t kParentCells = kParent * kParent * kParent;
        std::vector<float> parent(channels * kParentCells);
        for (std::size_t i = begin; i < end; ++i) {
            const Vec3i lo = bricks[i] * (kBrickCells / 2) - Vec3i{1, 1, 1};
            tree.load(octave - 1, {lo, lo + Vec3i{kParent, kParent, kParent}}, parent);
            for (std::size_t k = 0; k < channels; ++k)
                upsample_brick(parent.data() + k * kParentCells, halo, to + i * stride + k * side * side * side);
        }
    });
}

/// Zeros in the cells around a brick that belong to no brick of the set. @param volumes [channels, 10, 10, 10]
void clear_missing(const BrickSet& bricks, std::int64_t row, int channels, float* volumes) {
    constexpr int t = kBrickCells + 2;
    const auto near = bricks.neighbors(row);
    const auto range = [t = kBrickCells + 2](int d) {
        return d == 0 ? std::pair{0, 1} : d == 1 ? std::pair{1, t - 1} : std::pair{t - 1, t};
    };
    for (int k = 0; k < 27; ++k) {
        if (near[static_cast<std::size_t>(k)] >= 0) continue;
        const auto [x0, x1] = range(k % 3);
        const auto [y0, y1] = range(k / 3 % 3);
        const auto [z0, z1] = range(k / 9);
        for (int c = 0; c < channels; ++c)
            for (int z = z0; z < z1; ++z)
                for (int y = y0; y < y1; ++y) {
                    float* cells = volumes + ((c * t + z) * t + y) * t;
                    std::fill(cells + x0, cells + x1, 0.0f);
                }
    }
}

at::Tensor empty_bricks(std::size_t n, std::int64_t channels) {
    return torch::empty({static_cast<std::int64_t>(n), channels, kBrickCells, kBrickCells, kBrickCells},
                        torch::kFloat32);
}

}  // namespace

BrickInputs::BrickInputs(const FeatureOctree& tree, std::span<const Vec3f> points, int octave, const BrickSet& bricks)
    : tree_(tree), bricks_(bricks), octave_(octave) {
    moments_ = empty_bricks(bricks.bricks().size(), kernels::kSplatChannels);
    fill_moments(tree, points, octave, bricks.bricks(), moments_.data_ptr<float>(),
                 static_cast<std::size_t>(moments_.stride(0)));
}

at::Tensor BrickInputs::operator()(std::int64_t first, std::int64_t count) const {
    constexpr std::int64_t t = kBrickCells + 2;
    at::Tensor out = torch::empty({count, kernels::kSplatChannels + tree_.channels(), t, t, t}, torch::kFloat32);
    const std::int64_t stride = out.stride(0);
    float* moments = out.data_ptr<float>();
    float* context = moments + kernels::kSplatChannels * t * t * t;
    gather_with_halo(bricks_, moments_, first, count, moments, stride);
    fill_context(tree_, octave_,
                 std::span(bricks_.bricks()).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)),
                 1, context, static_cast<std::size_t>(stride));
    for (std::int64_t i = 0; i < count; ++i) clear_missing(bricks_, first + i, tree_.channels(), context + i * stride);
    return out;
}

at::Tensor brick_context(const FeatureOctree& tree, int octave, std::span<const Vec3i> bricks) {
    at::Tensor out = empty_bricks(bricks.size(), tree.channels());
    fill_context(tree, octave, bricks, 0, out.data_ptr<float>(), static_cast<std::size_t>(out.stride(0)));
    return out;
}

double group_bricks_in_memory(const BrickGroup& group) {
    // Per brick: its moments; the volumes of the second level; the finest one, which is kept for the way up.
    constexpr double kMoments = 23e3, kSecond = 42e3, kFinest = 66e3;
    const auto& n = group.within;
    return (kMoments * static_cast<double>(n[3]) + kSecond * static_cast<double>(n[2]) +
            kFinest * static_cast<double>(n[1])) /
           kBytesPerBrick;
}

namespace {

/// Bricks by their distance from a box, as far as kHaloBricks.
BrickGroup group_around(const BrickBox& box, std::span<const Vec3i> near) {
    BrickGroup group;
    for (int ring = 0; ring <= kHaloBricks; ++ring) {
        for (const Vec3i b : near) {
            const Vec3i beyond = geom::max(geom::max(box.lo - b, b - box.hi + Vec3i{1, 1, 1}), Vec3i{0, 0, 0});
            if (std::max({beyond.x, beyond.y, beyond.z}) == ring) group.bricks.push_back(b);
        }
        group.within[static_cast<std::size_t>(ring)] = static_cast<std::int64_t>(group.bricks.size());
    }
    return group;
}

/// The box of the kept bricks of a group.
BrickBox box_of_kept(const BrickGroup& group) {
    BrickBox box{group.bricks[0], group.bricks[0] + Vec3i{1, 1, 1}};
    for (const Vec3i b : std::span(group.bricks).first(static_cast<std::size_t>(group.within[0]))) {
        box.lo = geom::min(box.lo, b);
        box.hi = geom::max(box.hi, b + Vec3i{1, 1, 1});
    }
    return box;
}

/// Where to cut a group: the longest side of its box, half of the kept bricks on either side.
std::pair<int, int> cut_of(const BrickGroup& group, const BrickBox& box) {
    const Vec3i size = box.size();
    const int axis = size.x >= size.y && size.x >= size.z ? 0 : size.y >= size.z ? 1 : 2;
    std::vector<int> places;
    for (const Vec3i b : std::span(group.bricks).first(static_cast<std::size_t>(group.within[0])))
        places.push_back(b[axis]);
    std::nth_element(places.begin(), places.begin() + static_cast<std::ptrdiff_t>(places.size() / 2), places.end());
    return {axis, std::clamp(places[places.size() / 2], box.lo[axis] + 1, box.hi[axis] - 1)};
}

}  // namespace

std::vector<BrickGroup> group_bricks(const FeatureOctree& tree, int octave, std::size_t most, const BrickBox& cores) {
    std::vector<BrickGroup> groups;
    const std::function<void(const BrickBox&, const std::vector<Vec3i>&)> split = [&](const BrickBox& within,
                                                                                      const std::vector<Vec3i>& near) {
        BrickGroup group = group_around(within, near);
        if (group.within[0] == 0) return;
        const BrickBox box = box_of_kept(group);
        const Vec3i size = box.size();
        if (!(box.size() == within.size())) group = group_around(box, near);
        if (group_bricks_in_memory(group) <= static_cast<double>(most) || std::max({size.x, size.y, size.z}) <= 4) {
            groups.push_back(std::move(group));
            return;
        }
        const auto [axis, at] = cut_of(group, box);
        BrickBox low = box, high = box;
        low.hi[axis] = high.lo[axis] = at;
        split(low, group.bricks);
        split(high, group.bricks);
    };
    split(cores.clipped(tree.whole(octave)), tree.brick_list(octave));
    return groups;
}

}  // namespace nir::models
