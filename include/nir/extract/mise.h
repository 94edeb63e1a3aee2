// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/extract/lattice.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace nir::extract {

struct MiseOptions {
    /// Coarse cells per axis (the papers' resolution_0 on each).
    geom::Vec3i cells{32, 32, 32};
    /// How often a coarse cell may be halved; the finest lattice has cells * 2^depth + 1 samples per axis.
    int depth = 2;
    /// The level of the surface, in the field's units (networks: the logit of the probability threshold).
    double level = 0.0;
};

/// What one round asked and did.
struct MiseRound {
    std::size_t points = 0;  ///< Points that got their value in this round.
    std::size_t splits = 0;  ///< Cells that were halved afterwards.
};

/// Multiresolution isosurface extraction: an octree over a coarse lattice that asks for values only where the surface
/// passes. Rules are exactly those of the papers' code: a leaf is split when, among ALL known points on its boundary
/// (hanging nodes of finer neighbours included), one is >= level and one is <= level. Rounds:
///
///     Mise<float> mise(options);
///     while (!mise.done()) { values = field(mise.query()); mise.update(values); }
///
/// Work per round is proportional to the new points; a round asks block after block, with nir's pool. Memory: about 10
/// bytes a coarse sample, and (sizeof(T) + 0.5) * 8^depth bytes for every coarse cell near the surface. T is float or
/// double. As a LatticeSource it hands out the finest lattice; samples that were never asked carry a value of the right
/// side.
/// Ref: mescheder2019 §3.3 (occupancy networks). Limit: what touches no coarse sample is not found; see seed().
template <class T>
class Mise final : public LatticeSource<T> {
public:
    /// @throws Error(config) unless cells are >= 1, depth is 0..6 and the finest lattice stays below 2^15 per axis.
    explicit Mise(const MiseOptions& options);

    /// Refines the leaves that contain these points down to the finest level whatever the values say, so that parts
    /// thinner than a coarse cell are found. Points are in finest-lattice units; those outside are ignored.
    /// Only before the first update().
    void seed(std::span<const geom::Vec3f> points);

    /// The points that wait for a value, in finest-lattice units, x slowest in the first round.
    std::span<const geom::Vec3i> query() const { return pending_; }
    bool done() const { return pending_.empty(); }
    /// Values of the points of query(), in that order; splits leaves and finds the next points.
    /// @throws Error(numeric) for a NaN, naming the point.
    void update(std::span<const T> values);

    const std::vector<MiseRound>& rounds() const { return rounds_; }
    std::size_t evaluated_points() const;
    bool is_evaluated(geom::Vec3i point) const;
    /// The value of an evaluated point.
    T value_at(geom::Vec3i point) const;
    /// The whole finest lattice, x slowest, filled as by the papers' code: a sample without value copies its
    /// predecessor along x, what then remains along y, then along z. Only the sign of filled samples means something.
    std::vector<T> to_dense() const;
    /// Bytes held by the tree.
    std::size_t memory_bytes() const;

    geom::Vec3i size() const override;
    const T* plane(int x, std::vector<T>& scratch) const override;

private:
    /// The points owned by a coarse cell (lower faces included) and its octree; see src/extract/mise_masks.h.
    struct Block {
        geom::Vec3i origin;
        std::uint8_t* masks;
        T* values;
    };

    std::size_t block_index(geom::Vec3i point) const;
    std::size_t local_index(geom::Vec3i point) const;
    geom::Vec3i origin_of(std::size_t block) const;
    const Block* block_at(std::size_t block) const;
    Block& ensure_block(std::size_t block);
    std::uint8_t sides(T value) const;
    void take_corners(std::span<const T> values);
    void take_values(std::span<const T> values);
    template <int D>
    void store_values(std::size_t asked, const T* values);
    void mark(std::size_t block);
    void mark_around(std::size_t asked);
    template <int D>
    std::size_t refine();
    template <int D>
    void choose_leaves(std::size_t dirty);
    template <int D>
    void ask_for_points(std::size_t dirty);
    template <int D>
    void list_points();
    bool is_known(const Block& block, std::size_t local) const;
    int level_at(geom::Vec3i cell) const;
    T fill_run(const Block& block, std::size_t first, T before, int n, T* out) const;

    MiseOptions options_;
    int unit_;                               // finest cells along a coarse cell
    std::size_t block_volume_;               // points in a block
    std::size_t set_bytes_, leaf_bytes_;     // of the masks of a block
    std::size_t chunk_blocks_;               // blocks that are made at a time
    geom::Vec3i blocks_;                     // coarse samples per axis
    std::vector<T> corner_values_;           // of the coarse samples
    std::vector<std::uint8_t> corner_bits_;  // of the coarse samples: sides, and whether their block is in a list below
    std::vector<std::int32_t> slot_;         // of each coarse sample: its block, or -1
    std::vector<Block> block_store_;
    std::vector<std::unique_ptr<std::uint8_t[]>> mask_chunks_;
    std::vector<std::unique_ptr<T[]>> value_chunks_;
    std::vector<geom::Vec3i> pending_;
    std::vector<std::size_t> asked_, asked_begin_;  // blocks of the points in pending_, and the first of each
    std::vector<std::uint8_t> before_;              // of these: blocks whose leaves see the points too
    std::vector<std::size_t> dirty_;                // coarse cells with new points in them or on their sides
    std::vector<std::uint8_t> leaves_, behind_;     // of these: leaves to halve, and blocks whose points that wants
    std::vector<std::size_t> halved_;               // of these: how many leaves
    std::vector<MiseRound> rounds_;
    std::vector<geom::Vec3i> seeds_;         // finest cells, grouped by coarse cell
    std::vector<std::uint32_t> seed_begin_;  // first seed of each coarse cell; empty without seeds
    bool started_ = false;
};

}  // namespace nir::extract
