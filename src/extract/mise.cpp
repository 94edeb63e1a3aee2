// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/extract/mise.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nir::extract {
namespace {

using geom::Vec3f;
using geom::Vec3i;

// Info byte of a block: bits 0-1 state of the point, bits 2-3 sides seen by the leaf that starts at this cell,
// bits 4-6 level of the leaf that contains this cell.
constexpr std::uint8_t kPending = 1, kKnown = 2, kStateMask = 3;
constexpr std::uint8_t kInside = 1, kOutside = 2, kBoth = 3;
constexpr int kSidesShift = 2, kLevelShift = 4;
constexpr std::uint8_t kSidesMask = kBoth << kSidesShift, kLevelMask = 7 << kLevelShift;
// Root byte of a coarse cell: the sides in bits 0-1, and:
constexpr std::uint8_t kSplit = 4;

std::size_t volume(Vec3i s) {
    return static_cast<std::size_t>(s.x) * static_cast<std::size_t>(s.y) * static_cast<std::size_t>(s.z);
}

std::size_t flat(Vec3i p, Vec3i size) {
    return (static_cast<std::size_t>(p.x) * static_cast<std::size_t>(size.y) + static_cast<std::size_t>(p.y)) *
               static_cast<std::size_t>(size.z) +
           static_cast<std::size_t>(p.z);
}

/// Calls f(dx, dy, dz) for all of {0..n-1}^3, x slowest.
template <class F>
void for_cube(int n, F&& f) {
    for (int x = 0; x < n; ++x) {
        for (int y = 0; y < n; ++y) {
            for (int z = 0; z < n; ++z) f(x, y, z);
        }
    }
}

}  // namespace

template <class T>
Mise<T>::Mise(const MiseOptions& options) : options_(options) {
    const auto& c = options.cells;
    if (std::min({c.x, c.y, c.z}) < 1)
        fail(ErrorKind::config, "MISE needs at least one cell per axis, not {} {} {}", c.x, c.y, c.z);
    if (options.depth < 0 || options.depth > 6)
        fail(ErrorKind::config, "MISE halves cells 0 to 6 times, not {}", options.depth);
    if (static_cast<long long>(std::max({c.x, c.y, c.z})) << options.depth >= 1 << 15) {
        fail(ErrorKind::config, "{} cells halved {} times are more than 32767 along an axis", std::max({c.x, c.y, c.z}),
             options.depth);
    }
    if (!std::isfinite(options.level))
        fail(ErrorKind::config, "the level of a surface must be finite, not {}", options.level);
    unit_ = 1 << options.depth;
    block_volume_ = std::size_t{1} << (3 * options.depth);
    for (int level = 0; level <= options.depth; ++level) {
        const auto along = static_cast<std::size_t>((unit_ - 1) & -(unit_ >> level));
        first_cell_[level] = along | along << options.depth | along << 2 * options.depth;
    }
    blocks_ = c + Vec3i{1, 1, 1};
    const std::size_t n = volume(blocks_);
    corner_values_.assign(n, std::numeric_limits<T>::quiet_NaN());
    slot_.assign(n, -1);
    root_.assign(n, 0);
    pending_.reserve(n);
    for (int x = 0; x < blocks_.x; ++x) {
        for (int y = 0; y < blocks_.y; ++y) {
            for (int z = 0; z < blocks_.z; ++z) pending_.push_back({x * unit_, y * unit_, z * unit_});
        }
    }
}

template <class T>
Vec3i Mise<T>::size() const {
    return {options_.cells.x * unit_ + 1, options_.cells.y * unit_ + 1, options_.cells.z * unit_ + 1};
}

template <class T>
std::size_t Mise<T>::block_index(Vec3i p) const {
    const int d = options_.depth;
    return flat({p.x >> d, p.y >> d, p.z >> d}, blocks_);
}

template <class T>
std::size_t Mise<T>::local_index(Vec3i p) const {
    const int d = options_.depth, m = unit_ - 1;
    return static_cast<std::size_t>((((p.x & m) << d | (p.y & m)) << d) | (p.z & m));
}

template <class T>
Vec3i Mise<T>::point_of(std::size_t block, std::size_t local) const {
    const auto ny = static_cast<std::size_t>(blocks_.y), nz = static_cast<std::size_t>(blocks_.z);
    const int d = options_.depth, m = unit_ - 1;
    const auto part = [&](int axis) { return static_cast<int>(local >> (d * (2 - axis))) & m; };
    return Vec3i{static_cast<int>(block / (ny * nz)), static_cast<int>(block / nz % ny), static_cast<int>(block % nz)} *
               unit_ +
           Vec3i{part(0), part(1), part(2)};
}

template <class T>
typename Mise<T>::Block& Mise<T>::ensure_block(std::size_t block) {
    if (slot_[block] < 0) {
        slot_[block] = static_cast<std::int32_t>(block_store_.size());
        block_store_.push_back(
            {std::make_unique_for_overwrite<T[]>(block_volume_), std::make_unique<std::uint8_t[]>(block_volume_)});
    }
    return block_store_[static_cast<std::size_t>(slot_[block])];
}

template <class T>
std::uint8_t Mise<T>::sides(T value) const {
    const auto v = static_cast<double>(value);
    return static_cast<std::uint8_t>((v >= options_.level ? kInside : 0) | (v <= options_.level ? kOutside : 0));
}

template <class T>
void Mise<T>::seed(std::span<const Vec3f> points) {
    NIR_CHECK(!started_);
    const Vec3i n = size();
    seeds_.clear();
    std::vector<Vec3i> cells;
    cells.reserve(points.size());
    for (const auto& p : points) {
        if (!(p.x >= 0 && p.y >= 0 && p.z >= 0 && p.x <= static_cast<float>(n.x - 1) &&
              p.y <= static_cast<float>(n.y - 1) && p.z <= static_cast<float>(n.z - 1))) {
            continue;
        }
        cells.push_back({std::min(static_cast<int>(p.x), n.x - 2), std::min(static_cast<int>(p.y), n.y - 2),
                         std::min(static_cast<int>(p.z), n.z - 2)});
    }
    const auto key = [&](Vec3i c) { return std::pair(block_index(c), local_index(c)); };
    std::sort(cells.begin(), cells.end(), [&](Vec3i a, Vec3i b) { return key(a) < key(b); });
    cells.erase(std::unique(cells.begin(), cells.end()), cells.end());
    seeds_ = std::move(cells);
    seed_begin_.assign(slot_.size() + 1, 0);
    for (const auto& c : seeds_) ++seed_begin_[block_index(c) + 1];
    for (std::size_t i = 1; i < seed_begin_.size(); ++i) seed_begin_[i] += seed_begin_[i - 1];
}

template <class T>
void Mise<T>::update(std::span<const T> values) {
    NIR_CHECK(values.size() == pending_.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        const Vec3i p = pending_[i];
        if (std::isnan(values[i]))
            fail(ErrorKind::numeric, "the field is not a number at lattice point {} {} {}", p.x, p.y, p.z);
        const std::size_t local = local_index(p), block = block_index(p);
        if (local == 0) {
            corner_values_[block] = values[i];
        } else {
            Block& b = block_store_[static_cast<std::size_t>(slot_[block])];
            b.values[local] = values[i];
            b.info[local] = static_cast<std::uint8_t>((b.info[local] & ~kStateMask) | kKnown);
            if (is_among_finest(b, local)) continue;  // nothing left to split: most points of the last rounds
        }
        if (options_.depth > 0) touch(p, block, local, values[i]);
    }
    if (!started_ && !seeds_.empty()) activate_seeded({}, true);
    started_ = true;
    const std::size_t asked = pending_.size();
    pending_.clear();
    const std::vector<Leaf> leaves = std::move(active_);
    active_.clear();
    for (const auto& leaf : leaves) split(leaf);
    rounds_.push_back({asked, leaves.size()});
}

/// True if all eight cells around a point belong to one block and are leaves of the finest level.
template <class T>
bool Mise<T>::is_among_finest(const Block& block, std::size_t local) const {
    const auto y = static_cast<std::size_t>(unit_), x = y * y;
    const std::size_t m = y - 1;
    if (!(local & m) || !(local & m * y) || !(local & m * x)) return false;
    const std::uint8_t* at = block.info.get() + local;
    // No level has all the bits of the finest but the finest itself.
    const std::uint8_t all =
        at[0] & *(at - 1) & *(at - y) & *(at - y - 1) & *(at - x) & *(at - x - 1) & *(at - x - y) & *(at - x - y - 1);
    return (all & kLevelMask) == options_.depth << kLevelShift;
}

namespace {

/// The cells that meet at a point along one axis, by the blocks they lie in: both in the point's block or, if it lies
/// on the lower face, one in the block before.
struct AxisCells {
    int blocks = 0;
    std::size_t before[2];    // from the point's block back to this one
    int n[2] = {};            // cells in it
    std::size_t cells[2][2];  // what they add to the number of a cell in its block
};

AxisCells axis_cells(std::size_t at, std::size_t last, std::size_t step, int shift, bool lowest, bool highest) {
    AxisCells out;
    const auto add = [&](std::size_t before, std::size_t cell) {
        if (out.blocks == 0 || out.before[out.blocks - 1] != before) out.before[out.blocks++] = before;
        const int b = out.blocks - 1;
        out.cells[b][out.n[b]++] = cell << shift;
    };
    if (!highest) add(0, at);
    if (at > 0)
        add(0, at - 1);
    else if (!lowest)
        add(step, last);
    return out;
}

}  // namespace

/// Shows a value to the (up to eight) leaves around a point.
template <class T>
void Mise<T>::touch(Vec3i point, std::size_t block, std::size_t local, T value) {
    const std::uint8_t s = sides(value);
    const int d = options_.depth;
    const auto m = static_cast<std::size_t>(unit_ - 1), nz = static_cast<std::size_t>(blocks_.z);
    const Vec3i end = size() - Vec3i{1, 1, 1};
    const auto axis = [&](int a, std::size_t step) {
        const int shift = d * (2 - a);
        return axis_cells(local >> shift & m, m, step, shift, point[a] == 0, point[a] == end[a]);
    };
    const AxisCells x = axis(0, static_cast<std::size_t>(blocks_.y) * nz), y = axis(1, nz), z = axis(2, 1);
    for (int bx = 0; bx < x.blocks; ++bx)
        for (int by = 0; by < y.blocks; ++by)
            for (int bz = 0; bz < z.blocks; ++bz) {
                const std::size_t b = block - x.before[bx] - y.before[by] - z.before[bz];
                if (!(root_[b] & kSplit)) {
                    touch_root(b, s);
                    continue;
                }
                std::uint8_t* info = block_store_[static_cast<std::size_t>(slot_[b])].info.get();
                for (int i = 0; i < x.n[bx]; ++i)
                    for (int j = 0; j < y.n[by]; ++j)
                        for (int k = 0; k < z.n[bz]; ++k)
                            touch_leaf(b, info, x.cells[bx][i] | y.cells[by][j] | z.cells[bz][k], s);
            }
}

/// Adds sides to a coarse cell that is not split; if it now has both it becomes active.
template <class T>
void Mise<T>::touch_root(std::size_t block, std::uint8_t s) {
    std::uint8_t& root = root_[block];
    if ((root & kBoth) == kBoth) return;
    root |= s;
    if ((root & kBoth) == kBoth) active_.push_back({point_of(block, 0), 0});
}

/// The same for the leaf that contains a finest cell of a block that is split. @param info  of the block
template <class T>
inline void Mise<T>::touch_leaf(std::size_t block, std::uint8_t* info, std::size_t local, std::uint8_t s) {
    const int level = (info[local] & kLevelMask) >> kLevelShift;
    if (level >= options_.depth) return;
    const std::size_t first = local & first_cell_[level];
    std::uint8_t& at = info[first];
    if ((at & kSidesMask) == kSidesMask) return;
    at = static_cast<std::uint8_t>(at | s << kSidesShift);
    if ((at & kSidesMask) == kSidesMask) active_.push_back({point_of(block, first), level});
}

template <class T>
void Mise<T>::touch_leaf(std::size_t block, std::size_t local, std::uint8_t s) {
    if (root_[block] & kSplit)
        touch_leaf(block, block_store_[static_cast<std::size_t>(slot_[block])].info.get(), local, s);
    else
        touch_root(block, s);
}

/// Activates the children of `parent` (or all coarse cells) that contain a seed.
template <class T>
void Mise<T>::activate_seeded(const Leaf& parent, bool root) {
    if (root) {
        for (const auto& s : seeds_) {
            if (options_.depth > 0) touch_leaf(block_index(s), local_index(s), kBoth);
        }
        return;
    }
    if (seed_begin_.empty() || parent.level + 1 >= options_.depth) return;
    const std::size_t block = block_index(parent.origin);
    const int extent = unit_ >> parent.level;
    for (std::uint32_t i = seed_begin_[block]; i < seed_begin_[block + 1]; ++i) {
        const Vec3i d = seeds_[i] - parent.origin;
        if (d.x >= 0 && d.y >= 0 && d.z >= 0 && d.x < extent && d.y < extent && d.z < extent)
            touch_leaf(block, local_index(seeds_[i]), kBoth);
    }
}

template <class T>
void Mise<T>::split(const Leaf& leaf) {
    create_children(leaf);
    if (leaf.level + 1 < options_.depth) inherit_sides(leaf);
    activate_seeded(leaf, false);
    add_points(leaf);
}

template <class T>
void Mise<T>::create_children(const Leaf& leaf) {
    const std::size_t block = block_index(leaf.origin);
    std::uint8_t* info = ensure_block(block).info.get();
    root_[block] |= kSplit;
    const auto level = static_cast<std::uint8_t>((leaf.level + 1) << kLevelShift);
    const int extent = unit_ >> leaf.level;
    for (int x = 0; x < extent; ++x) {
        for (int y = 0; y < extent; ++y) {
            std::uint8_t* row = info + local_index(leaf.origin + Vec3i{x, y, 0});
            for (int z = 0; z < extent; ++z) row[z] = static_cast<std::uint8_t>((row[z] & kStateMask) | level);
        }
    }
}

/// Shows the points that are known already, hanging nodes included, to the children of a leaf just split. All of them
/// lie on its surface: its corners; those of an edge if a leaf there was split, which made the middle of the edge
/// known; those within a face if the leaf behind it was split, which made the middle of the face known.
template <class T>
void Mise<T>::inherit_sides(const Leaf& leaf) {
    const int extent = unit_ >> leaf.level, half = extent / 2;
    const std::size_t block = block_index(leaf.origin);
    const auto show = [&](Vec3i d) {
        const Vec3i p = leaf.origin + d;
        if (!is_evaluated(p)) return;
        const std::uint8_t s = sides(value_at(p));
        for_cube(2, [&](int dx, int dy, int dz) {
            const Vec3i c = d - Vec3i{dx, dy, dz};
            if (std::min({c.x, c.y, c.z}) >= 0 && std::max({c.x, c.y, c.z}) < extent)
                touch_leaf(block, local_index(leaf.origin + c), s);
        });
    };
    for_cube(2, [&](int x, int y, int z) { show(Vec3i{x, y, z} * extent); });
    for (int axis = 0; axis < 3; ++axis) {
        const int u = (axis + 1) % 3, v = (axis + 2) % 3;
        for (int k = 0; k < 4; ++k) {
            Vec3i d;
            d[axis] = half, d[u] = k % 2 * extent, d[v] = k / 2 * extent;
            if (!is_evaluated(leaf.origin + d)) continue;
            for (d[axis] = 1; d[axis] < extent; ++d[axis]) show(d);
        }
        for (int k = 0; k < 2; ++k) {
            Vec3i d;
            d[axis] = k * extent, d[u] = half, d[v] = half;
            if (!is_evaluated(leaf.origin + d)) continue;
            for (d[u] = 1; d[u] < extent; ++d[u])
                for (d[v] = 1; d[v] < extent; ++d[v]) show(d);
        }
    }
}

/// Asks for the points of a split leaf that are not there yet. Its far faces may belong to the blocks behind.
template <class T>
void Mise<T>::add_points(const Leaf& leaf) {
    const int half = unit_ >> (leaf.level + 1), m = unit_ - 1;
    const std::size_t first = block_index(leaf.origin);
    const std::size_t step[3] = {static_cast<std::size_t>(blocks_.y) * static_cast<std::size_t>(blocks_.z),
                                 static_cast<std::size_t>(blocks_.z), 1};
    std::uint8_t* infos[8] = {};
    for_cube(3, [&](int x, int y, int z) {
        if ((x | y | z) % 2 == 0) return;  // corners are known
        const Vec3i d{x * half, y * half, z * half}, p = leaf.origin + d;
        unsigned behind = 0;
        for (int a = 0; a < 3; ++a) behind |= static_cast<unsigned>((leaf.origin[a] & m) + d[a] == unit_) << a;
        std::uint8_t*& info = infos[behind];
        if (!info)
            info =
                ensure_block(first + (behind & 1u) * step[0] + (behind >> 1 & 1u) * step[1] + (behind >> 2) * step[2])
                    .info.get();
        std::uint8_t& at = info[local_index(p)];
        if (at & kStateMask) return;
        at |= kPending;
        pending_.push_back(p);
    });
}

template <class T>
std::size_t Mise<T>::evaluated_points() const {
    std::size_t sum = 0;
    for (const auto& r : rounds_) sum += r.points;
    return sum;
}

template <class T>
bool Mise<T>::is_evaluated(Vec3i p) const {
    const std::size_t local = local_index(p), block = block_index(p);
    if (local == 0) return started_ || !std::isnan(corner_values_[block]);
    const std::int32_t slot = slot_[block];
    return slot >= 0 && (block_store_[static_cast<std::size_t>(slot)].info[local] & kStateMask) == kKnown;
}

template <class T>
T Mise<T>::value_at(Vec3i p) const {
    const std::size_t local = local_index(p), block = block_index(p);
    if (local == 0) return corner_values_[block];
    return block_store_[static_cast<std::size_t>(slot_[block])].values[local];
}

template <class T>
std::size_t Mise<T>::memory_bytes() const {
    return corner_values_.size() * (sizeof(T) + sizeof(std::int32_t) + 1) +
           block_store_.size() * (block_volume_ * (sizeof(T) + 1) + sizeof(Block)) +
           pending_.capacity() * sizeof(Vec3i) + seeds_.size() * sizeof(Vec3i);
}

template <class T>
std::vector<T> Mise<T>::to_dense() const {
    const Vec3i n = size();
    const auto ny = static_cast<std::size_t>(n.y), nz = static_cast<std::size_t>(n.z), plane_size = ny * nz;
    std::vector<T> dense(volume(n), std::numeric_limits<T>::quiet_NaN());
    parallel_for(static_cast<std::size_t>(n.x), 4, [&](std::size_t begin, std::size_t end) {
        for (std::size_t x = begin; x < end; ++x) {
            T* out = dense.data() + x * plane_size;
            for (int y = 0; y < n.y; ++y) {
                for (int z = 0; z < n.z; ++z, ++out) {
                    const Vec3i p{static_cast<int>(x), y, z};
                    if (is_evaluated(p)) *out = value_at(p);
                }
            }
        }
    });
    for (std::size_t i = plane_size; i < dense.size(); ++i) {
        if (std::isnan(dense[i])) dense[i] = dense[i - plane_size];
    }
    for (std::size_t i = 0; i < dense.size(); ++i) {
        if (std::isnan(dense[i]) && i % plane_size >= nz) dense[i] = dense[i - nz];
    }
    for (std::size_t i = 0; i < dense.size(); ++i) {
        if (std::isnan(dense[i]) && i % nz != 0) dense[i] = dense[i - 1];
    }
    return dense;
}

/// A sample that was never asked lies on the boundary of unsplit leaves only, all of one side; it takes the value of
/// the first corner of one of them.
template <class T>
const T* Mise<T>::plane(int x, std::vector<T>& scratch) const {
    const Vec3i n = size();
    scratch.resize(static_cast<std::size_t>(n.y) * static_cast<std::size_t>(n.z));
    for (int y = 0; y < n.y; ++y) {
        T* out = scratch.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(n.z);
        const Vec3i last = options_.cells - Vec3i{1, 1, 1};
        const int bx = x >> options_.depth, by = y >> options_.depth;
        const std::size_t row = flat({bx, by, 0}, blocks_);
        const std::size_t cell_row = flat({std::min(bx, last.x), std::min(by, last.y), 0}, blocks_);
        const bool on_corners = local_index({x, y, 0}) == 0;
        for (int bz = 0; bz < blocks_.z; ++bz) {
            const std::size_t block = row + static_cast<std::size_t>(bz);
            const std::size_t cell = cell_row + static_cast<std::size_t>(std::min(bz, last.z));
            const int z = bz * unit_, end = std::min(z + unit_, n.z);
            if (slot_[block] < 0 && !(root_[cell] & kSplit)) {
                std::fill(out + z, out + end, corner_values_[cell]);
            } else {
                fill_run({x, y, z}, end, out);
            }
            if (on_corners) out[z] = corner_values_[block];
        }
    }
    return scratch.data();
}

/// Writes out[p.z..end), the samples of one block along z; the coarse sample itself is the caller's.
template <class T>
void Mise<T>::fill_run(Vec3i p, int end, T* out) const {
    const Vec3i n = size();
    const std::size_t block = block_index(p), first = local_index(p);
    const Block* own = slot_[block] < 0 ? nullptr : &block_store_[static_cast<std::size_t>(slot_[block])];
    const auto known = [&](int z) {
        return own && (own->info[first + static_cast<std::size_t>(z - p.z)] & kStateMask) == kKnown;
    };
    for (int z = p.z; z < end;) {
        if (known(z)) {
            out[z] = own->values[first + static_cast<std::size_t>(z - p.z)];
            ++z;
            continue;
        }
        const Vec3i cell{std::min(p.x, n.x - 2), std::min(p.y, n.y - 2), std::min(z, n.z - 2)};
        const std::size_t leaf_block = block_index(cell);
        int level = 0;
        if (root_[leaf_block] & kSplit) {
            const auto& info = block_store_[static_cast<std::size_t>(slot_[leaf_block])].info;
            level = (info[local_index(cell)] & kLevelMask) >> kLevelShift;
        }
        const int extent = unit_ >> level, stop = std::min(end, (z & -extent) + extent);
        const T fill = value_at({cell.x & -extent, cell.y & -extent, cell.z & -extent});
        do {
            out[z++] = fill;
        } while (z < stop && !known(z));
    }
}

template class Mise<float>;
template class Mise<double>;

}  // namespace nir::extract
