// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/octave_bricks.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/kernels/splat.h"

#include "models/cascade/cascade_config.h"

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

/// One axis of upsampling by 2, weights 3/4 and 1/4: n places of `floats` floats each from kParent places of the octave
/// before.
void upsample_axis(const float* from, int halo, std::size_t floats, float* to, std::size_t stride) {
    const int n = kBrickCells + 2 * halo;
    for (int i = 0; i < n; ++i) {
        const int j = i - halo, lower = (j + 1) / 2;
        const float w = j % 2 == 0 ? 0.75f : 0.25f;
        const float *p = from + static_cast<std::size_t>(lower) * floats, *q = p + floats;
        float* out = to + static_cast<std::size_t>(i) * stride;
        for (std::size_t k = 0; k < floats; ++k) out[k] = p[k] + w * (q[k] - p[k]);
    }
}

/// The parent's cells [6^3, channels] around a brick -> the brick's [8^3] and `halo` (0 or 1) cells around, the first
/// `channels` floats of places of `stride` floats. @param scratch  at least 6 * 10 * (6 + 10) * channels floats
void upsample_brick(const float* parent, int halo, std::size_t channels, float* scratch, float* out,
                    std::size_t stride) {
    constexpr std::size_t p = kParent;
    const auto n = static_cast<std::size_t>(kBrickCells + 2 * halo);
    float *const along_x = scratch, *const along_y = scratch + p * p * n * channels;
    for (std::size_t i = 0; i < p * p; ++i)
        upsample_axis(parent + i * p * channels, halo, channels, along_x + i * n * channels, channels);
    for (std::size_t z = 0; z < p; ++z)
        upsample_axis(along_x + z * p * n * channels, halo, n * channels, along_y + z * n * n * channels, n * channels);
    if (stride == channels) return upsample_axis(along_y, halo, n * n * channels, out, n * n * channels);
    for (int i = 0; i < kBrickCells + 2 * halo; ++i) {
        const int j = i - halo, lower = (j + 1) / 2;
        const float w = j % 2 == 0 ? 0.75f : 0.25f;
        const float* a = along_y + static_cast<std::size_t>(lower) * n * n * channels;
        const float* b = a + n * n * channels;
        for (std::size_t c = 0; c < n * n; ++c, a += channels, b += channels, out += stride)
            for (std::size_t k = 0; k < channels; ++k) out[k] = a[k] + w * (b[k] - a[k]);
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
                           const FeatureDecoder& decode, const BrickBox& within) {
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
    std::vector<float> logits(parents.size() * kCells);
    parallel_for(parents.size(), 1, [&](std::size_t begin, std::size_t end) {
        decode(tree.brick_data(octave - 1, begin, end - begin),
               std::span(logits).subspan(begin * kCells, (end - begin) * kCells));
    });
    for (std::size_t i = 0; i < logits.size(); ++i) {
        if (!(std::abs(logits[i]) < kUndecided)) continue;
        const auto local = static_cast<int>(i % kCells);
        const Vec3i brick = parents[i / kCells];
        const Vec3i cell{brick.x * kBrickCells + local % kBrickCells,
                         brick.y * kBrickCells + local / kBrickCells % kBrickCells,
                         brick.z * kBrickCells + local / (kBrickCells * kBrickCells)};
        constexpr int r = kUndecidedReach;
        mark(cell * 2 - Vec3i{r, r, r}, cell * 2 + Vec3i{r + 1, r + 1, r + 1});
    }
    return wanted;
}

namespace {

/// Local statistics of the points, [N, 8, 8, 8, kSplatChannels].
void fill_moments(const FeatureOctree& tree, std::span<const Vec3f> points, int octave, std::span<const Vec3i> bricks,
                  float* to) {
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
                float* cells = to + row * kCells * kernels::kSplatChannels;
                for (int z = 0; z < kBrickCells; ++z)
                    for (int y = 0; y < kBrickCells; ++y)
                        for (int x = 0; x < kBrickCells; ++x, cells += kernels::kSplatChannels)
                            for (int k = 0; k < kernels::kSplatChannels; ++k)
                                cells[k] = m[static_cast<std::size_t>(
                                    ((k * kSide + cell.z + z) * kSide + cell.y + y) * kSide + cell.x + x)];
            }
        }
    });
}

/// Bricks' features of the octave before, upsampled, into the first channels of places of `stride` floats.
void fill_context(const FeatureOctree& tree, int octave, std::span<const Vec3i> bricks, int halo, float* to,
                  std::size_t stride) {
    const auto channels = static_cast<std::size_t>(tree.channels());
    const auto side = static_cast<std::size_t>(kBrickCells + 2 * halo);
    parallel_for(bricks.size(), 8, [&](std::size_t begin, std::size_t end) {
        constexpr std::size_t kParentCells = kParent * kParent * kParent, kMost = kBrickCells + 2;
        std::vector<float> parent(channels * kParentCells), scratch(channels * kParent * kMost * (kParent + kMost));
        for (std::size_t i = begin; i < end; ++i) {
            const Vec3i lo = bricks[i] * (kBrickCells / 2) - Vec3i{1, 1, 1};
            tree.load(octave - 1, {lo, lo + Vec3i{kParent, kParent, kParent}}, parent);
            upsample_brick(parent.data(), halo, channels, scratch.data(), to + i * side * side * side * stride, stride);
        }
    });
}

/// Zeros in the cells around a brick that belong to no brick of the set.
/// @param cells [10, 10, 10] places of `stride` floats, of which the first `channels` count
void clear_missing(const BrickSet& bricks, std::int64_t row, int channels, float* cells, std::int64_t stride) {
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
        for (int z = z0; z < z1; ++z)
            for (int y = y0; y < y1; ++y)
                for (int x = x0; x < x1; ++x) std::fill_n(cells + ((z * t + y) * t + x) * stride, channels, 0.0f);
    }
}

}  // namespace

BrickInputs::BrickInputs(const FeatureOctree& tree, std::span<const Vec3f> points, int octave, const BrickSet& bricks)
    : tree_(tree), bricks_(bricks), octave_(octave) {
    moments_ = std::make_unique_for_overwrite<float[]>(bricks.bricks().size() * kCells * kernels::kSplatChannels);
    fill_moments(tree, points, octave, bricks.bricks(), moments_.get());
}

void BrickInputs::operator()(std::int64_t first, std::int64_t count, float* to) const {
    constexpr std::int64_t t = kBrickCells + 2;
    const std::int64_t channels = kernels::kSplatChannels + tree_.channels();
    gather_with_halo(bricks_, {moments_.get(), bricks_.size(), kBrickCells, kernels::kSplatChannels}, first, count, to,
                     channels);
    float* context = to + kernels::kSplatChannels;
    fill_context(tree_, octave_,
                 std::span(bricks_.bricks()).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)),
                 1, context, static_cast<std::size_t>(channels));
    for (std::int64_t i = 0; i < count; ++i)
        clear_missing(bricks_, first + i, tree_.channels(), context + i * t * t * t * channels, channels);
}

void brick_context(const FeatureOctree& tree, int octave, std::span<const Vec3i> bricks, std::span<float> to) {
    const auto channels = static_cast<std::size_t>(tree.channels());
    NIR_CHECK(to.size() == bricks.size() * kCells * channels);
    fill_context(tree, octave, bricks, 0, to.data(), channels);
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
