// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/extract/mise.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include "mise_masks.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nir::extract {
namespace {

using geom::Vec3f;
using geom::Vec3i;

// Bits of a coarse sample: the sides of its value, and whether its block is in the list of dirty or of asked blocks.
constexpr std::uint8_t kInside = 1, kOutside = 2, kBoth = 3, kDirty = 4, kAsked = 8;
// What many blocks make at a time, in bytes of values; small enough for malloc to take it from its heap.
constexpr std::size_t kChunkBytes = 1 << 16;
// Blocks that a thread takes at a time.
constexpr std::size_t kGrain = 32;

std::size_t volume(Vec3i s) {
    return static_cast<std::size_t>(s.x) * static_cast<std::size_t>(s.y) * static_cast<std::size_t>(s.z);
}

std::size_t flat(Vec3i p, Vec3i size) {
    return (static_cast<std::size_t>(p.x) * static_cast<std::size_t>(size.y) + static_cast<std::size_t>(p.y)) *
               static_cast<std::size_t>(size.z) +
           static_cast<std::size_t>(p.z);
}

/// A set with no point but, in the one of that name, the first: for blocks that were never made.
alignas(8) constexpr std::uint8_t kNoPoint[8 * detail::Masks<detail::kMaxDepth>::words] = {};
alignas(8) constexpr std::uint8_t kFirstPoint[8 * detail::Masks<detail::kMaxDepth>::words] = {1};

[[noreturn]] void fail_not_a_number(Vec3i p) {
    fail(ErrorKind::numeric, "the field is not a number at lattice point {} {} {}", p.x, p.y, p.z);
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
    const auto layout =
        detail::with_depth(std::max(1, options.depth), []<int D>() { return detail::mask_layout<D>(); });
    set_bytes_ = layout.set_bytes, leaf_bytes_ = layout.leaf_bytes;
    chunk_blocks_ = std::max<std::size_t>(1, kChunkBytes / (block_volume_ * sizeof(T)));
    blocks_ = c + Vec3i{1, 1, 1};
    const std::size_t n = volume(blocks_);
    corner_values_.assign(n, std::numeric_limits<T>::quiet_NaN());
    slot_.assign(n, -1);
    corner_bits_.assign(n, 0);
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

/// The first point of a block.
template <class T>
Vec3i Mise<T>::origin_of(std::size_t block) const {
    const auto ny = static_cast<std::size_t>(blocks_.y), nz = static_cast<std::size_t>(blocks_.z);
    return Vec3i{static_cast<int>(block / (ny * nz)), static_cast<int>(block / nz % ny), static_cast<int>(block % nz)} *
           unit_;
}

template <class T>
const typename Mise<T>::Block* Mise<T>::block_at(std::size_t block) const {
    return slot_[block] < 0 ? nullptr : &block_store_[static_cast<std::size_t>(slot_[block])];
}

template <class T>
typename Mise<T>::Block& Mise<T>::ensure_block(std::size_t block) {
    if (slot_[block] < 0) {
        const detail::MaskLayout layout{set_bytes_, leaf_bytes_};
        const std::size_t at = block_store_.size() % chunk_blocks_;
        if (at == 0) {
            mask_chunks_.push_back(std::make_unique<std::uint8_t[]>(chunk_blocks_ * layout.bytes()));
            value_chunks_.push_back(std::make_unique_for_overwrite<T[]>(chunk_blocks_ * block_volume_));
        }
        slot_[block] = static_cast<std::int32_t>(block_store_.size());
        block_store_.push_back({origin_of(block), mask_chunks_.back().get() + at * layout.bytes(),
                                value_chunks_.back().get() + at * block_volume_});
        const Block& b = block_store_.back();
        b.values[0] = corner_values_[block];
        b.masks[layout.inside()] = corner_bits_[block] & kInside ? 1 : 0;
        b.masks[layout.outside()] = corner_bits_[block] & kOutside ? 1 : 0;
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
    if (started_)
        take_values(values);
    else
        take_corners(values);
    started_ = true;
    const std::size_t asked = pending_.size();
    pending_.clear();
    const auto next = [this]<int D>() { return this->template refine<D>(); };
    rounds_.push_back({asked, options_.depth > 0 ? detail::with_depth(options_.depth, next) : 0});
}

/// Values of the coarse samples; marks the coarse cells that see both sides or have seeds.
template <class T>
void Mise<T>::take_corners(std::span<const T> values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        corner_values_[i] = values[i];
        corner_bits_[i] = sides(values[i]);
    }
    if (const auto bad = std::find(corner_bits_.begin(), corner_bits_.end(), 0); bad != corner_bits_.end())
        fail_not_a_number(pending_[static_cast<std::size_t>(bad - corner_bits_.begin())]);
    if (options_.depth == 0) return;
    const auto nz = static_cast<std::size_t>(blocks_.z), step_x = static_cast<std::size_t>(blocks_.y) * nz;
    std::vector<std::uint8_t> seen(nz);
    for (int x = 0; x < options_.cells.x; ++x)
        for (int y = 0; y < options_.cells.y; ++y) {
            const std::size_t first = flat({x, y, 0}, blocks_);
            const std::uint8_t* at = corner_bits_.data() + first;
            for (std::size_t z = 0; z + 1 < nz; ++z)
                seen[z] = static_cast<std::uint8_t>(at[z] | at[z + 1] | at[z + nz] | at[z + nz + 1] | at[z + step_x] |
                                                    at[z + step_x + 1] | at[z + step_x + nz] | at[z + step_x + nz + 1]);
            for (std::size_t z = 0; z + 1 < nz; ++z) {
                const bool seeded = !seed_begin_.empty() && seed_begin_[first + z] != seed_begin_[first + z + 1];
                if ((seen[z] & kBoth) == kBoth || seeded) dirty_.push_back(first + z);
            }
        }
    for (const std::size_t b : dirty_) corner_bits_[b] |= kDirty;
}

/// Values of the points of the asked blocks; marks the coarse cells that see them.
template <class T>
void Mise<T>::take_values(std::span<const T> values) {
    before_.resize(asked_.size());
    detail::with_depth(options_.depth, [&]<int D>() {
        parallel_for(asked_.size(), kGrain, [&](std::size_t begin, std::size_t end) {
            for (std::size_t i = begin; i < end; ++i) this->template store_values<D>(i, values.data());
        });
    });
    for (std::size_t i = 0; i < asked_.size(); ++i) {
        corner_bits_[asked_[i]] &= static_cast<std::uint8_t>(~kAsked);
        mark_around(i);
    }
    asked_.clear();
}

template <class T>
template <int D>
void Mise<T>::store_values(std::size_t asked, const T* values) {
    const detail::MaskLayout layout{set_bytes_, leaf_bytes_};
    const Block& block = *block_at(asked_[asked]);
    std::uint8_t* pending = block.masks + layout.pending();
    before_[asked] = detail::blocks_before<D>(pending);
    const T* from = values + asked_begin_[asked];
    for (std::size_t word = 0; word < detail::Masks<D>::words; ++word) {
        std::uint64_t inside = 0, outside = 0, left = detail::load_word(pending + 8 * word);
        if (!left) continue;
        const std::uint64_t wanted = left;
        while (left) {
            const T v = *from++;
            const std::uint64_t bit = left & (~left + 1);
            const auto level = static_cast<double>(v);
            block.values[detail::local_of_bit<D>(64 * word + static_cast<std::size_t>(std::countr_zero(left)))] = v;
            inside |= level >= options_.level ? bit : 0;
            outside |= level <= options_.level ? bit : 0;
            left ^= bit;
        }
        if ((inside | outside) != wanted) {
            const auto bad =
                static_cast<std::size_t>(std::find_if(values, from, [](T v) { return std::isnan(v); }) - values);
            fail_not_a_number(pending_[bad]);
        }
        std::uint8_t* to = block.masks + 8 * word;
        detail::store_word(to + layout.inside(), detail::load_word(to + layout.inside()) | inside);
        detail::store_word(to + layout.outside(), detail::load_word(to + layout.outside()) | outside);
        detail::store_word(to + layout.pending(), 0);
    }
}

template <class T>
void Mise<T>::mark(std::size_t block) {
    if (corner_bits_[block] & kDirty) return;
    corner_bits_[block] |= kDirty;
    dirty_.push_back(block);
}

/// Marks the coarse cells whose leaves may see the new points of a block.
template <class T>
void Mise<T>::mark_around(std::size_t asked) {
    const std::size_t block = asked_[asked];
    const Vec3i at = block_at(block)->origin, end = size() - Vec3i{1, 1, 1};
    const unsigned before = before_[asked] | 1u;  // the block itself
    const auto nz = static_cast<std::size_t>(blocks_.z), step_x = static_cast<std::size_t>(blocks_.y) * nz;
    for (unsigned i = 0; i < 8; ++i) {
        const unsigned x = i >> 2, y = i >> 1 & 1, z = i & 1;
        const bool is_cell =
            (x ? at.x > 0 : at.x < end.x) && (y ? at.y > 0 : at.y < end.y) && (z ? at.z > 0 : at.z < end.z);
        if ((before >> i & 1) && is_cell) mark(block - x * step_x - y * nz - z);
    }
}

/// Halves the leaves of dirty cells that see both sides and lists the points that these want. @return how many leaves
template <class T>
template <int D>
std::size_t Mise<T>::refine() {
    const std::size_t n = dirty_.size();
    leaves_.resize(n * leaf_bytes_);
    behind_.assign(n, 0);
    halved_.assign(n, 0);
    parallel_for(n, kGrain, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) this->template choose_leaves<D>(i);
    });
    const auto nz = static_cast<std::size_t>(blocks_.z), step_x = static_cast<std::size_t>(blocks_.y) * nz;
    const auto ask = [&](std::size_t block) {
        ensure_block(block);
        if (corner_bits_[block] & kAsked) return;
        corner_bits_[block] |= kAsked;
        asked_.push_back(block);
    };
    std::size_t halved = 0;
    std::vector<std::size_t> apart[8];  // no two cells of a list want points of one block
    for (std::size_t i = 0; i < n; ++i) {
        const std::size_t block = dirty_[i];
        corner_bits_[block] &= static_cast<std::uint8_t>(~kDirty);
        if (halved_[i] == 0) continue;
        halved += halved_[i];
        ask(block);
        const Vec3i at = block_at(block)->origin;
        if (leaves_[i * leaf_bytes_] & 1)
            block_at(block)->masks[detail::MaskLayout{set_bytes_, leaf_bytes_}.halved()] |= 1;
        for (unsigned k = 1; k < 7; ++k)
            if (behind_[i] >> k & 1) ask(block + (k >> 2) * step_x + (k >> 1 & 1) * nz + (k & 1));
        apart[(at.x >> D & 1) * 4 + (at.y >> D & 1) * 2 + (at.z >> D & 1)].push_back(i);
    }
    for (const auto& list : apart)
        parallel_for(list.size(), kGrain, [&](std::size_t begin, std::size_t end) {
            for (std::size_t i = begin; i < end; ++i) this->template ask_for_points<D>(list[i]);
        });
    dirty_.clear();
    list_points<D>();
    return halved;
}

/// Which leaves of a dirty cell are to be halved; notes them in the cell, unless it has no block yet.
template <class T>
template <int D>
void Mise<T>::choose_leaves(std::size_t dirty) {
    using M = detail::Masks<D>;
    using Row = typename M::Row;
    const detail::MaskLayout layout{set_bytes_, leaf_bytes_};
    const std::size_t block = dirty_[dirty];
    const auto nz = static_cast<std::size_t>(blocks_.z), step_x = static_cast<std::size_t>(blocks_.y) * nz;
    const std::uint8_t *inside[8], *outside[8];
    for (unsigned i = 0; i < 8; ++i) {
        const std::size_t b = block + (i >> 2) * step_x + (i >> 1 & 1) * nz + (i & 1);
        if (const Block* at = block_at(b)) {
            inside[i] = at->masks + layout.inside(), outside[i] = at->masks + layout.outside();
        } else {
            inside[i] = corner_bits_[b] & kInside ? kFirstPoint : kNoPoint;
            outside[i] = corner_bits_[b] & kOutside ? kFirstPoint : kNoPoint;
        }
    }
    typename M::Leaves see_inside, wanted, none{};
    detail::leaves_that_see<D>(inside, see_inside);
    detail::leaves_that_see<D>(outside, wanted);
    for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] = static_cast<Row>(wanted[i] & see_inside[i]);
    if (!seed_begin_.empty()) {
        for (std::uint32_t i = seed_begin_[block]; i < seed_begin_[block + 1]; ++i)
            detail::add_leaves<D>(seeds_[i], wanted);
    }
    const Block* own = block_at(block);
    halved_[dirty] = detail::halve<D>(wanted, own ? detail::rows<Row>(own->masks + layout.halved()) : none.data());
    if (halved_[dirty] == 0) return;
    behind_[dirty] = detail::blocks_behind<D>(wanted);
    std::memcpy(leaves_.data() + dirty * leaf_bytes_, wanted.data(), sizeof wanted);
}

template <class T>
template <int D>
void Mise<T>::ask_for_points(std::size_t dirty) {
    const detail::MaskLayout layout{set_bytes_, leaf_bytes_};
    const std::size_t block = dirty_[dirty];
    const auto nz = static_cast<std::size_t>(blocks_.z), step_x = static_cast<std::size_t>(blocks_.y) * nz;
    typename detail::Masks<D>::Leaves leaves;
    std::memcpy(leaves.data(), leaves_.data() + dirty * leaf_bytes_, sizeof leaves);
    detail::WantedPoints<D> wanted;
    detail::wanted_points<D>(leaves, wanted);
    for (unsigned i = 0; i < 7; ++i) {
        if (i > 0 && !(behind_[dirty] >> i & 1)) continue;
        const Block* at = block_at(block + (i >> 2) * step_x + (i >> 1 & 1) * nz + (i & 1));
        detail::ask_block<D>(wanted, i, layout, at->masks);
    }
}

/// Writes pending_, block after block.
template <class T>
template <int D>
void Mise<T>::list_points() {
    const detail::MaskLayout layout{set_bytes_, leaf_bytes_};
    const auto pending_of = [&](std::size_t i) { return block_at(asked_[i])->masks + layout.pending(); };
    asked_begin_.resize(asked_.size());
    std::size_t n = 0;
    for (std::size_t i = 0; i < asked_.size(); ++i) {
        asked_begin_[i] = n;
        const std::uint8_t* pending = pending_of(i);
        for (std::size_t word = 0; word < detail::Masks<D>::words; ++word)
            n += static_cast<std::size_t>(std::popcount(detail::load_word(pending + 8 * word)));
    }
    pending_.resize(n);
    parallel_for(asked_.size(), kGrain, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            const Vec3i origin = block_at(asked_[i])->origin;
            const std::uint8_t* pending = pending_of(i);
            Vec3i* to = pending_.data() + asked_begin_[i];
            for (std::size_t word = 0; word < detail::Masks<D>::words; ++word) {
                for (std::uint64_t left = detail::load_word(pending + 8 * word); left; left &= left - 1) {
                    const auto local = static_cast<unsigned>(
                        detail::local_of_bit<D>(64 * word + static_cast<std::size_t>(std::countr_zero(left))));
                    constexpr unsigned m = (1u << D) - 1;
                    *to++ = origin + Vec3i{static_cast<int>(local >> 2 * D), static_cast<int>(local >> D & m),
                                           static_cast<int>(local & m)};
                }
            }
        }
    });
}

template <class T>
std::size_t Mise<T>::evaluated_points() const {
    std::size_t sum = 0;
    for (const auto& r : rounds_) sum += r.points;
    return sum;
}

template <class T>
bool Mise<T>::is_known(const Block& block, std::size_t local) const {
    const int d = options_.depth;
    const auto m = static_cast<std::size_t>(unit_ - 1);
    const std::size_t bit = d >= 3 ? local : local >> d << 3 | (local & m);
    return (block.masks[bit / 8] | block.masks[set_bytes_ + bit / 8]) >> bit % 8 & 1;
}

template <class T>
bool Mise<T>::is_evaluated(Vec3i p) const {
    const std::size_t local = local_index(p);
    if (local == 0) return started_;
    const Block* block = block_at(block_index(p));
    return block && is_known(*block, local);
}

template <class T>
T Mise<T>::value_at(Vec3i p) const {
    const std::size_t local = local_index(p), block = block_index(p);
    return local == 0 ? corner_values_[block] : block_at(block)->values[local];
}

/// The level of the leaf that contains a finest cell.
template <class T>
int Mise<T>::level_at(Vec3i cell) const {
    const Block* block = block_at(block_index(cell));
    if (!block) return 0;
    const int d = options_.depth, m = unit_ - 1;
    const std::uint8_t* halved = block->masks + detail::MaskLayout{set_bytes_, leaf_bytes_}.halved();
    const auto row_bytes = static_cast<std::size_t>(std::max(1, unit_ / 8));
    for (int level = 0; level < d; ++level) {
        const auto x = static_cast<std::size_t>((cell.x & m) >> (d - level));
        const auto y = static_cast<std::size_t>((cell.y & m) >> (d - level));
        const auto z = static_cast<std::size_t>(cell.z & m & -(unit_ >> level));
        const std::size_t row = ((std::size_t{1} << 2 * level) - 1) / 3 + (x << level) + y;
        if (!(halved[row * row_bytes + z / 8] >> z % 8 & 1)) return level;
    }
    return d;
}

template <class T>
std::size_t Mise<T>::memory_bytes() const {
    const std::size_t masks = detail::MaskLayout{set_bytes_, leaf_bytes_}.bytes();
    return corner_values_.size() * (sizeof(T) + sizeof(std::int32_t) + 1) +
           mask_chunks_.size() * chunk_blocks_ * (block_volume_ * sizeof(T) + masks) +
           block_store_.capacity() * sizeof(Block) + pending_.capacity() * sizeof(Vec3i) +
           seeds_.size() * sizeof(Vec3i) + leaves_.capacity();
}

template class Mise<float>;
template class Mise<double>;

}  // namespace nir::extract
