// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/window_surface.h"

#include "nir/base/error.h"
#include "nir/base/stop.h"
#include "nir/extract/mesh_stitcher.h"
#include "nir/geom/kd_tree.h"
#include "nir/geom/point_parts.h"

#include "pipeline/rank_group.h"
#include "pipeline/window_store.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <utility>

namespace nir::pipeline {
namespace {

using extract::MeshStitcher;
using extract::WindowLattice;
using geom::Vec3d;
using geom::Vec3f;
using geom::Vec3i;

constexpr std::size_t kTogether = 1 << 18;  ///< points read at once

/// Hands on the wish to stop, and nothing else: the windows are counted, not the points in them.
class StopOnly final : public Progress {
public:
    explicit StopOnly(Progress& inner) : inner_(inner) {}
    void begin(std::string_view, std::uint64_t, std::string_view) override {}
    bool advance(std::uint64_t) override { return inner_.advance(0); }
    void end() override {}

private:
    Progress& inner_;
};

/// Windows in tiles: the order of work, and of the pieces in the mesh.
std::vector<std::vector<std::size_t>> tiles_of(const WindowLattice& lattice, int per_tile) {
    const Vec3i n = lattice.windows();
    std::vector<std::vector<std::size_t>> tiles;
    for (int x0 = 0; x0 < n.x; x0 += per_tile)
        for (int y0 = 0; y0 < n.y; y0 += per_tile)
            for (int z0 = 0; z0 < n.z; z0 += per_tile) {
                std::vector<std::size_t> tile;
                for (int x = x0; x < std::min(n.x, x0 + per_tile); ++x)
                    for (int y = y0; y < std::min(n.y, y0 + per_tile); ++y)
                        for (int z = z0; z < std::min(n.z, z0 + per_tile); ++z)
                            tile.push_back(static_cast<std::size_t>((x * n.y + y) * n.z + z));
                tiles.push_back(std::move(tile));
            }
    return tiles;
}

geom::Box3f box_of(const WindowLattice& lattice, const std::vector<std::size_t>& tile) {
    geom::Box3f box;
    for (const auto w : tile) {
        const auto b = lattice.asked_box(w);
        box.extend(b.lo);
        box.extend(b.hi);
    }
    return box;
}

class Worker {
public:
    Worker(models::CascadeField& field, const geom::PointSource& points, const WindowSurfaceOptions& options,
           const WindowLattice& lattice, Progress& progress, PhaseTimer& timer)
        : field_(field), points_(points), options_(options), lattice_(lattice), progress_(progress), timer_(timer) {}

    FinishedWindow make(std::size_t window) {
        const auto seeds = seeds_of(window);
        extract::WindowMeshOptions mesh_options;
        mesh_options.level = options_.level;
        mesh_options.refine_steps = options_.refine_steps;
        mesh_options.slopes = true;
        StopOnly stop(progress_);
        FinishedWindow done;
        auto extracting = timer_.phase("extract");
        done.piece = extract::extract_window(field_, lattice_, window, seeds, mesh_options, stop);
        extract::FaceParts parts = extract::parts_of(done.piece.mesh);
        const std::vector<Vec3d> own = samples_of(window);
        done.support = support_of_parts(done.piece.mesh, parts.of_face, parts.count, own, options_.reach);
        done.part_of_face = std::move(parts.of_face);
        extracting.close();
        const auto looking = timer_.phase("refine");
        look_at_data(done, points_, options_.data);
        return done;
    }

private:
    /// Where the lattice is looked into: one point of each smallest block that is asked whether it holds some.
    std::vector<Vec3f> seeds_of(std::size_t window) const {
        std::vector<Vec3f> seeds;
        std::unordered_set<std::uint64_t> blocks;
        geom::visit_box(points_, lattice_.asked_box(window), kTogether, [&](const geom::PointSource::Found& part) {
            for (const Vec3f& p : part.points) {
                const Vec3d q = lattice_.frame().index_of(Vec3d(p));
                std::uint64_t key = 0;
                for (int a = 0; a < 3; ++a)
                    key =
                        key << 21 |
                        (static_cast<std::uint64_t>((static_cast<int>(std::floor(q[a])) >> 1) + (1 << 20)) & 0x1FFFFF);
                if (blocks.insert(key).second) seeds.push_back(p);
            }
        });
        return seeds;
    }

    /// Every so-manieth point in the window.
    std::vector<Vec3d> samples_of(std::size_t window) const {
        std::vector<std::pair<std::uint32_t, Vec3d>> found;
        geom::visit_box(points_, lattice_.box(window), kTogether, [&](const geom::PointSource::Found& part) {
            for (std::size_t i = 0; i < part.index.size(); ++i)
                if (part.index[i] % options_.sample_step == 0) found.emplace_back(part.index[i], Vec3d(part.points[i]));
        });
        std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        std::vector<Vec3d> out;
        for (std::size_t i = 0; i < found.size(); ++i)
            if (i == 0 || found[i].first != found[i - 1].first) out.push_back(found[i].second);
        return out;
    }

    models::CascadeField& field_;
    const geom::PointSource& points_;
    const WindowSurfaceOptions& options_;
    const WindowLattice& lattice_;
    Progress& progress_;
    PhaseTimer& timer_;
};

/// Makes the windows of this rank that are not there yet; returns how many were.
/// @param notes  of all windows in the order of the tiles; null: not wanted
std::size_t work(Worker& worker, models::CascadeField& field, const WindowLattice& lattice,
                 const std::vector<std::vector<std::size_t>>& tiles, WindowStore& store,
                 const WindowSurfaceOptions& options, WindowPieces::Notes* notes, Progress& progress,
                 PhaseTimer& timer) {
    std::size_t found = 0;
    progress.begin("windows", lattice.count(), "windows");
    const auto make_tile = [&](const std::vector<std::size_t>& tile) {
        bool prepared = false;
        for (const auto w : tile) {
            if (store.has(w)) {
                ++found;
                if (notes) notes->add(*store.get(w));
            } else {
                if (!prepared) {
                    const auto encoding = timer.phase("encode");
                    field.prepare(box_of(lattice, tile));
                    prepared = true;
                }
                FinishedWindow done = worker.make(w);
                if (notes) notes->add(done);
                store.put(w, std::move(done));
            }
            if (!progress.advance()) {
                check_stop();
                fail(ErrorKind::cancelled, "stopped between windows");
            }
        }
    };
    if (options.ranks)
        options.ranks->share(tiles.size(), [&](std::size_t t) { make_tile(tiles[t]); });
    else
        for (const auto& tile : tiles) make_tile(tile);
    progress.end();
    return found;
}

}  // namespace

std::vector<std::size_t> support_of_parts(const geom::TriMesh& mesh, std::span<const std::uint32_t> part_of_face,
                                          std::size_t parts, std::span<const Vec3d> points, double reach) {
    std::vector<std::size_t> support(parts, 0);
    if (points.empty() || parts == 0) return support;
    std::vector<std::uint32_t> part_of_vertex(mesh.vertices.size(), 0);
    for (std::size_t f = 0; f < mesh.faces.size(); ++f)
        for (const auto v : mesh.faces[f]) part_of_vertex[v] = part_of_face[f];
    std::vector<geom::Neighbor> nearest(points.size());
    geom::KdTree(mesh.vertices).nearest(points, nearest);
    for (const auto& n : nearest)
        if (n.squared_distance < reach * reach) ++support[part_of_vertex[n.index]];
    return support;
}

std::size_t needed_support(std::size_t most, std::size_t points) {
    return std::min(most, std::max<std::size_t>(8, points / 500));
}

namespace {

/// Parts that hardly any point supports: bubbles around outliers and voids inside thick solids. Returns how many.
std::size_t drop_unsupported(std::vector<MeshStitcher::Part>& parts, std::size_t points) {
    std::size_t most = 0, dropped = 0;
    for (const auto& p : parts) most = std::max(most, p.support);
    for (auto& p : parts) {
        p.keep = p.support >= needed_support(most, points);
        dropped += !p.keep;
    }
    return dropped;
}

}  // namespace

WindowSurface extract_by_windows(models::CascadeField& field, const geom::PointSource& points,
                                 const WindowSurfaceOptions& options, Progress& progress, PhaseTimer& timer) {
    const geom::Box3f domain = field.domain();
    const WindowLattice lattice(
        {.domain = {Vec3d(domain.lo), Vec3d(domain.hi)}, .cell = options.cell, .window_cells = options.window_cells});
    WindowStore store = options.work_dir.empty() && !options.spill_dir.empty()
                            ? WindowStore::spilled(options.spill_dir, lattice.count())
                            : WindowStore(options.work_dir, lattice.count(), options.fingerprint);
    const auto tiles = tiles_of(lattice, options.windows_per_tile);
    WindowSurface result;
    result.windows = lattice.count();
    result.lattice = lattice.windows();
    result.cell = lattice.cell();
    const Vec3i cells = lattice.frame().cells;
    result.resolution = std::max({cells.x, cells.y, cells.z});
    WindowPieces::Notes notes;
    {
        Worker worker(field, points, options, lattice, progress, timer);
        result.resumed =
            work(worker, field, lattice, tiles, store, options, options.ranks ? nullptr : &notes, progress, timer);
    }
    if (options.ranks && options.ranks->rank() != 0) return result;

    const auto joining = timer.phase("extract");
    std::vector<std::size_t> order;
    std::vector<geom::Box3d> boxes;
    for (const auto& tile : tiles)
        for (const auto w : tile) {
            order.push_back(w);
            const auto box = lattice.box(w);
            boxes.push_back({Vec3d(box.lo), Vec3d(box.hi)});
        }
    result.pieces = options.ranks ? std::make_unique<WindowPieces>(std::move(store), std::move(order), std::move(boxes))
                                  : std::make_unique<WindowPieces>(std::move(store), std::move(order), std::move(boxes),
                                                                   std::move(notes));
    result.queried_points = result.pieces->queried_points();
    if (!options.keep_all_parts && result.pieces->parts().size() > 1)
        result.removed_parts = drop_unsupported(result.pieces->parts(), points.size() / options.sample_step);
    return result;
}

void fit_windows_to_points(const geom::Box3f& domain, const geom::PointSource& points, std::size_t most, double spacing,
                           double fit_cell, WindowSurfaceOptions& options) {
    constexpr int kLeastCells = 16;  ///< what trimming by pieces looks at around a window
    // Around a tile whose points matter to it, about: cells of the mesh, or less where these are far wider than the
    // points are apart. The network's cells, of which there are 0.6 million or more, decide.
    constexpr double kAround = 8, kAroundSpacings = 12, kNetworkCells = 6e5;
    // Where planes are far wider than the points are apart, they see means of points: so many a square cell of surface.
    constexpr double kMeans = 20;
    const double together = std::max(1.0, fit_cell * fit_cell / (spacing * spacing) / kMeans);
    const double wider = std::sqrt(std::max(1.0, static_cast<double>(points.size()) / kNetworkCells));
    const auto around = static_cast<float>(std::min(kAround * std::max(options.cell, together > 1 ? fit_cell : 0.0),
                                                    std::max(kAroundSpacings * wider * spacing, kAround * fit_cell)));
    const double raw = together * static_cast<double>(most);
    while (most > 0) {
        const WindowLattice lattice({.domain = {Vec3d(domain.lo), Vec3d(domain.hi)},
                                     .cell = options.cell,
                                     .window_cells = options.window_cells});
        const auto tiles = tiles_of(lattice, options.windows_per_tile);
        const bool fits = std::ranges::all_of(tiles, [&](const auto& tile) {
            return static_cast<double>(points.most_in_box(box_of(lattice, tile).padded(around))) <= raw;
        });
        if (fits) return;
        if (options.windows_per_tile > 1)
            options.windows_per_tile = (options.windows_per_tile + 1) / 2;
        else if (options.window_cells > kLeastCells)
            options.window_cells = std::max(kLeastCells, options.window_cells / 2);
        else
            return;  // denser places are condensed: what a window takes is bounded by its cells (fit_points.h)
    }
}

}  // namespace nir::pipeline
