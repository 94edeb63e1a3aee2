// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/extract/window_mesh.h"

#include "nir/base/error.h"
#include "nir/extract/marching_cubes.h"

#include "extract/vertex_refine.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nir::extract {

using geom::Vec3d;
using geom::Vec3f;
using geom::Vec3i;

namespace {

constexpr int kBlock = WindowLattice::kBlock;

/// A box of lattice indices, x slowest.
struct IndexBox {
    Vec3i lo, size;

    bool contains(Vec3i p) const {
        const Vec3i d = p - lo;
        return std::min({d.x, d.y, d.z}) >= 0 && d.x < size.x && d.y < size.y && d.z < size.z;
    }
    std::size_t index(Vec3i p) const {
        const Vec3i d = p - lo;
        return (static_cast<std::size_t>(d.x) * static_cast<std::size_t>(size.y) + static_cast<std::size_t>(d.y)) *
                   static_cast<std::size_t>(size.z) +
               static_cast<std::size_t>(d.z);
    }
    std::size_t count() const {
        return static_cast<std::size_t>(size.x) * static_cast<std::size_t>(size.y) * static_cast<std::size_t>(size.z);
    }
};

/// Samples of one window, found block by block, half by half.
class Sampler {
public:
    Sampler(ScalarField& field, const WindowLattice& lattice, std::size_t window, const WindowMeshOptions& options,
            Progress& progress)
        : lattice_(lattice), level_(options.level), query_(field, options.batch, progress, nullptr, "query") {
        const auto cells = lattice.cells(window);
        core_ = {cells.lo, cells.hi - cells.lo + Vec3i{1, 1, 1}};
        const Vec3i n = lattice.frame().cells, ring{kBlock, kBlock, kBlock};
        const Vec3i lo = geom::max(cells.lo - ring, Vec3i{0, 0, 0}), hi = geom::min(cells.hi + ring, n);
        all_ = {lo, hi - lo + Vec3i{1, 1, 1}};
        values_.assign(all_.count(), std::numeric_limits<float>::quiet_NaN());
    }

    void seed(std::span<const Vec3f> points) {
        for (int h = 0; h < WindowLattice::kHalvings; ++h) seeded_[h].assign(cell_box(kBlock >> h).count(), 0);
        for (const auto& p : points) {
            const Vec3d q = lattice_.frame().index_of(Vec3d(p));
            const Vec3i at{static_cast<int>(std::floor(q.x)), static_cast<int>(std::floor(q.y)),
                           static_cast<int>(std::floor(q.z))};
            for (int h = 0; h < WindowLattice::kHalvings; ++h) {
                const int shift = WindowLattice::kHalvings - h;
                const IndexBox box = cell_box(1 << shift);
                const Vec3i c{at.x >> shift, at.y >> shift, at.z >> shift};
                if (box.contains(c)) seeded_[h][box.index(c)] = 1;
            }
        }
    }

    /// False if nothing is inside as far as the rule looks: such a window has no surface.
    bool run() {
        ask_corners();
        std::vector<Vec3i> active;
        const IndexBox blocks = cell_box(kBlock);
        bool outside = true;
        for_each({blocks.lo, blocks.size + Vec3i{1, 1, 1}},
                 [&](Vec3i b) { outside = outside && static_cast<double>(value(b * kBlock)) <= level_; });
        for_each(blocks, [&](Vec3i b) {
            if (is_active(b, 0))
                active.push_back(b);
            else
                fill(b * kBlock, kBlock);
        });
        if (active.empty() && outside) return false;
        for (int h = 0; h < WindowLattice::kHalvings; ++h) active = split(active, h);
        return true;
    }

    const IndexBox& core() const { return core_; }
    std::size_t asked() const { return asked_; }
    float value(Vec3i p) const { return values_[all_.index(p)]; }

private:
    /// Cells of side s that lie in the window or its ring.
    IndexBox cell_box(int s) const {
        return {{all_.lo.x / s, all_.lo.y / s, all_.lo.z / s},
                {(all_.size.x - 1) / s, (all_.size.y - 1) / s, (all_.size.z - 1) / s}};
    }

    template <class F>
    static void for_each(const IndexBox& box, const F& f) {
        for (int x = 0; x < box.size.x; ++x)
            for (int y = 0; y < box.size.y; ++y)
                for (int z = 0; z < box.size.z; ++z) f(box.lo + Vec3i{x, y, z});
    }

    /// Asks for the values of points (all unknown, none twice).
    void ask(const std::vector<Vec3i>& points) {
        fresh_.resize(points.size());
        query_.values(
            points.size(), [&](std::size_t i) { return Vec3f(lattice_.frame().position(Vec3d(points[i]))); },
            fresh_.data());
        for (std::size_t i = 0; i < points.size(); ++i) values_[all_.index(points[i])] = fresh_[i];
        asked_ += points.size();
    }

    void ask_corners() {
        std::vector<Vec3i> points;
        const IndexBox blocks = cell_box(kBlock);
        for_each({blocks.lo, blocks.size + Vec3i{1, 1, 1}}, [&](Vec3i b) { points.push_back(b * kBlock); });
        ask(points);
    }

    /// Looked into: corners on different sides, or a seed inside.
    bool is_active(Vec3i cell, int halvings) const {
        const int s = kBlock >> halvings;
        const auto h = static_cast<std::size_t>(halvings);
        if (!seeded_[h].empty() && seeded_[h][cell_box(s).index(cell)]) return true;
        bool above = false, below = false;
        for (int k = 0; k < 8; ++k) {
            const auto v = static_cast<double>(value((cell + Vec3i{k & 1, k >> 1 & 1, k >> 2}) * s));
            (v > level_ ? above : below) = true;
        }
        return above && below;
    }

    /// True if the closed cells of side s around a cell touch the window.
    bool matters(Vec3i origin, int s) const {
        for (int a = 0; a < 3; ++a)
            if (origin[a] + s < core_.lo[a] || origin[a] >= core_.lo[a] + core_.size[a]) return false;
        return true;
    }

    /// Samples that nobody asks for take the value of a corner of the smallest cell around them: all corners of a cell
    /// that is not looked into lie on one side.
    void fill(Vec3i origin, int s) {
        if (!matters(origin, s)) return;
        filled_.push_back({origin, s});
    }

    /// Halves active cells; returns the active ones among their children.
    std::vector<Vec3i> split(const std::vector<Vec3i>& cells, int halvings) {
        const int s = kBlock >> halvings, half = s / 2;
        std::vector<Vec3i> points, next;
        for (const Vec3i& c : cells) {
            if (!matters(c * s, s)) continue;
            for (int k = 0; k < 27; ++k) {
                const Vec3i p = c * s + Vec3i{k % 3, k / 3 % 3, k / 9} * half;
                float& v = values_[all_.index(p)];
                if (!std::isnan(v)) continue;
                v = std::numeric_limits<float>::infinity();  // asked once
                points.push_back(p);
            }
        }
        ask(points);
        if (half == 1) return next;
        for (const Vec3i& c : cells) {
            if (!matters(c * s, s)) continue;
            for (int k = 0; k < 8; ++k) {
                const Vec3i child = c * 2 + Vec3i{k & 1, k >> 1 & 1, k >> 2};
                if (is_active(child, halvings + 1))
                    next.push_back(child);
                else
                    fill(child * half, half);
            }
        }
        return next;
    }

public:
    /// The samples of the window, unasked ones filled.
    std::vector<float> finish() {
        std::vector<float> out(core_.count(), std::numeric_limits<float>::quiet_NaN());
        // Coarse cells first, so that small ones overwrite them.
        for (const auto& f : filled_) {
            const float v = value(f.origin);
            const Vec3i lo = geom::max(f.origin, core_.lo);
            const Vec3i hi =
                geom::min(f.origin + Vec3i{f.side, f.side, f.side}, core_.lo + core_.size - Vec3i{1, 1, 1});
            for (int x = lo.x; x <= hi.x; ++x)
                for (int y = lo.y; y <= hi.y; ++y) {
                    const auto row = out.begin() + static_cast<std::ptrdiff_t>(core_.index({x, y, lo.z}));
                    std::fill(row, row + (hi.z - lo.z + 1), v);
                }
        }
        for_each(core_, [&](Vec3i p) {
            const float v = value(p);
            if (!std::isnan(v)) out[core_.index(p)] = v;
        });
        return out;
    }

private:
    struct Filled {
        Vec3i origin;
        int side;
    };
    const WindowLattice& lattice_;
    double level_;
    FieldQuery query_;
    IndexBox core_, all_;        // samples of the window; those and one block around
    std::vector<float> values_;  // of all_; NaN: not asked
    std::vector<char> seeded_[WindowLattice::kHalvings];
    std::vector<Filled> filled_;
    std::vector<float> fresh_;
    std::size_t asked_ = 0;
};

/// Samples with one layer of `pad` on the sides of the window that lie on the border of the domain.
struct Padded {
    std::vector<float> values;
    Vec3i lo, size;
};
Padded pad_at_border(std::vector<float> values, const IndexBox& core, Vec3i lattice_cells, float pad) {
    Vec3i lo = core.lo, hi = core.lo + core.size;
    for (int a = 0; a < 3; ++a) {
        if (lo[a] == 0) --lo[a];
        if (hi[a] == lattice_cells[a] + 1) ++hi[a];
    }
    const IndexBox box{lo, hi - lo};
    if (box.size == core.size) return {std::move(values), core.lo, core.size};
    Padded out{std::vector<float>(box.count(), pad), box.lo, box.size};
    for (int x = 0; x < core.size.x; ++x)
        for (int y = 0; y < core.size.y; ++y) {
            const Vec3i p = core.lo + Vec3i{x, y, 0};
            std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(core.index(p)), core.size.z,
                        out.values.begin() + static_cast<std::ptrdiff_t>(box.index(p)));
        }
    return out;
}

}  // namespace

WindowLattice::WindowLattice(const WindowLatticeOptions& o) {
    const Vec3d side = o.domain.size();
    if (o.domain.empty() || !(std::min({side.x, side.y, side.z}) > 0) || !geom::is_finite(side))
        fail(ErrorKind::config, "the domain of the field is empty");
    const double blocks = std::ceil(o.domain.longest_side() / (o.cell * kBlock) - 1e-9);
    if (!(o.cell > 0) || !(blocks * kBlock <= 1 << 19))
        fail(ErrorKind::config, "cells of {} are too small for a domain of {}: at most 2^19 fit along a side", o.cell,
             o.domain.longest_side());
    longest_ = std::max(1, static_cast<int>(blocks)) * kBlock;
    window_cells_ = std::max(1, (o.window_cells + kBlock - 1) / kBlock) * kBlock;
    const double cell = o.domain.longest_side() / longest_;
    // Cubes: the other sides of the domain grow to whole blocks, the same on both ends.
    Vec3d half;
    for (int a = 0; a < 3; ++a) {
        frame_.cells[a] = std::max(1, static_cast<int>(std::ceil(side[a] / (cell * kBlock) - 1e-9))) * kBlock;
        half[a] = 0.5 * cell * frame_.cells[a];
        windows_[a] = (frame_.cells[a] + window_cells_ - 1) / window_cells_;
    }
    frame_.domain = {o.domain.center() - half, o.domain.center() + half};
}

std::size_t WindowLattice::count() const {
    return static_cast<std::size_t>(windows_.x) * static_cast<std::size_t>(windows_.y) *
           static_cast<std::size_t>(windows_.z);
}

WindowLattice::Cells WindowLattice::cells(std::size_t window) const {
    NIR_CHECK(window < count());
    const auto w = static_cast<int>(window);
    const Vec3i at{w / (windows_.y * windows_.z), w / windows_.z % windows_.y, w % windows_.z};
    return {at * window_cells_, geom::min((at + Vec3i{1, 1, 1}) * window_cells_, frame_.cells)};
}

geom::Box3f WindowLattice::box(std::size_t window) const {
    const Cells c = cells(window);
    return {Vec3f(frame_.position(Vec3d(c.lo))), Vec3f(frame_.position(Vec3d(c.hi)))};
}

geom::Box3f WindowLattice::asked_box(std::size_t window) const {
    return box(window).padded(static_cast<float>(cell() * (kBlock + 0.01)));
}

MeshPiece extract_window(ScalarField& field, const WindowLattice& lattice, std::size_t window,
                         std::span<const Vec3f> seeds, const WindowMeshOptions& options, Progress& progress) {
    if (!std::isfinite(options.level)) fail(ErrorKind::config, "the level of a surface must be finite");
    field.prepare(lattice.asked_box(window));
    Sampler sampler(field, lattice, window, options, progress);
    sampler.seed(seeds);
    MeshPiece piece;
    if (!sampler.run()) {
        piece.queried_points = sampler.asked();
        return piece;
    }
    const LatticeFrame& frame = lattice.frame();
    const auto pad = static_cast<float>(pad_below(options.level));
    Padded samples = options.close_border ? pad_at_border(sampler.finish(), sampler.core(), frame.cells, pad)
                                          : Padded{sampler.finish(), sampler.core().lo, sampler.core().size};
    MarchingCubesOptions mc;
    mc.level = options.level;
    mc.clamp = options.clamp;
    mc.keep_edges = true;
    auto surface = marching_cubes(std::span<const float>(samples.values), samples.size, mc);
    piece.queried_points = sampler.asked();
    piece.mesh = std::move(surface.mesh);
    if (piece.mesh.empty()) return piece;
    for (auto& e : surface.edges) e.lo = e.lo + samples.lo;
    for (auto& v : piece.mesh.vertices) v = frame.position(v + Vec3d(samples.lo));
    FieldQuery query(field, options.batch, progress, nullptr, "refine");
    piece.queried_points +=
        move_to_level(piece.mesh, surface.edges, frame, options.level, options.refine_steps, options.clamp, query);
    set_normals(piece.mesh, surface.edges, frame, query, options.slopes);

    const auto cells = lattice.cells(window);
    for (std::size_t v = 0; v < surface.edges.size(); ++v) {
        const LatticeEdge& e = surface.edges[v];
        bool shared = false;
        for (int a = 0; a < 3; ++a) {
            if (a == e.axis) continue;
            shared |=
                (e.lo[a] == cells.lo[a] && cells.lo[a] > 0) || (e.lo[a] == cells.hi[a] && cells.hi[a] < frame.cells[a]);
        }
        if (!shared) continue;
        const auto part = [&](int a) { return static_cast<VertexKey>(e.lo[a] + 1); };
        piece.shared.push_back({static_cast<std::uint32_t>(v),
                                ((part(0) << 20 | part(1)) << 20 | part(2)) << 2 | static_cast<VertexKey>(e.axis)});
    }
    return piece;
}

}  // namespace nir::extract
