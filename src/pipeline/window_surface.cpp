// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/window_surface.h"

#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/extract/mesh_stitcher.h"
#include "nir/geom/kd_tree.h"

#include "pipeline/rank_group.h"
#include "pipeline/window_store.h"

#include <algorithm>
#include <cmath>

namespace nir::pipeline {
namespace {

using extract::MeshStitcher;
using extract::WindowLattice;
using geom::Vec3d;
using geom::Vec3f;
using geom::Vec3i;

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
        const auto seeds = points_.points_in_box(lattice_.asked_box(window));
        extract::WindowMeshOptions mesh_options;
        mesh_options.level = options_.level;
        mesh_options.refine_steps = options_.refine_steps;
        mesh_options.slopes = true;
        StopOnly stop(progress_);
        FinishedWindow done;
        auto extracting = timer_.phase("extract");
        done.piece = extract::extract_window(field_, lattice_, window, seeds, mesh_options, stop);
        extract::FaceParts parts = extract::parts_of(done.piece.mesh);
        std::vector<Vec3d> own;
        const auto here = points_.find(lattice_.box(window));
        for (std::size_t i = 0; i < here.index.size(); ++i)
            if (here.index[i] % options_.sample_step == 0) own.push_back(Vec3d(here.points[i]));
        done.support = support_of_parts(done.piece.mesh, parts.of_face, parts.count, own, options_.reach);
        done.part_of_face = std::move(parts.of_face);
        extracting.close();
        const auto looking = timer_.phase("refine");
        look_at_data(done, points_, options_.data);
        return done;
    }

private:
    models::CascadeField& field_;
    const geom::PointSource& points_;
    const WindowSurfaceOptions& options_;
    const WindowLattice& lattice_;
    Progress& progress_;
    PhaseTimer& timer_;
};

/// Makes the windows of this rank that are not there yet; returns how many were.
std::size_t work(Worker& worker, models::CascadeField& field, const WindowLattice& lattice,
                 const std::vector<std::vector<std::size_t>>& tiles, WindowStore& store,
                 const WindowSurfaceOptions& options, Progress& progress, PhaseTimer& timer) {
    std::size_t found = 0;
    progress.begin("windows", lattice.count(), "windows");
    const auto make_tile = [&](const std::vector<std::size_t>& tile) {
        bool prepared = false;
        for (const auto w : tile) {
            if (store.has(w)) {
                ++found;
            } else {
                if (!prepared) {
                    const auto encoding = timer.phase("encode");
                    field.prepare(box_of(lattice, tile));
                    prepared = true;
                }
                store.put(w, worker.make(w));
            }
            if (!progress.advance())
                fail(ErrorKind::cancelled, "stopped; finished windows are kept in the work folder");
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

geom::PointSource::Found every_kth(std::span<const Vec3f> points, std::span<const geom::Rgb8> colors,
                                   std::size_t step) {
    geom::PointSource::Found out;
    for (std::size_t i = 0; i < points.size(); i += step) {
        out.index.push_back(static_cast<std::uint32_t>(i));
        out.points.push_back(points[i]);
        if (!colors.empty()) out.colors.push_back(colors[i]);
    }
    return out;
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
    const Vec3i cells = lattice.frame().cells;
    result.resolution = std::max({cells.x, cells.y, cells.z});
    {
        Worker worker(field, points, options, lattice, progress, timer);
        result.resumed = work(worker, field, lattice, tiles, store, options, progress, timer);
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
    result.pieces = std::make_unique<WindowPieces>(std::move(store), std::move(order), std::move(boxes));
    result.queried_points = result.pieces->queried_points();
    if (!options.keep_all_parts && result.pieces->parts().size() > 1)
        result.removed_parts = drop_unsupported(result.pieces->parts(), points.size() / options.sample_step);
    return result;
}

MemoryPlan plan_memory(const MemoryNeeds& n) {
    // Upper bounds, measured (docs/methods/large_scans.md). First the scan is looked at, with a tree over all points.
    // Then there are the program with its libraries and the network, the points in tiles, and of the mesh, per square
    // cell of surface, all with its tree and its check, or only what its pieces have in common.
    constexpr double kLooking = 160e6, kLookingPerPoint = 90;
    constexpr double kProgram = 330e6, kPerPoint = 40, kPerSquare = 420, kPerSquareOnDisk = 8, kPicture = 150e6;
    const double bytes = static_cast<double>(n.bytes), points = static_cast<double>(n.points);
    const double squares = 1.5 * n.area / (n.mesh_cell * n.mesh_cell);
    const double fixed = kProgram + kPerPoint * points + (n.mesh_in_memory ? kPerSquare : kPerSquareOnDisk) * squares +
                         (n.picture ? kPicture : 0);
    constexpr double kLeast = 150e6, kUsual = 1.2e9;  // for the windows
    const double least = std::max(kLooking + kLookingPerPoint * points, fixed + kLeast);
    if (bytes > 0 && bytes < least)
        fail(ErrorKind::usage, "--max-memory {:.2f} GB is too little: a scan of {} points takes about {:.2f} GB{}",
             bytes / 1e9, n.points, least / 1e9,
             n.mesh_in_memory ? " with its mesh, which is in memory as a whole when it is trimmed or not PLY or OBJ"
                              : "");
    const double rest = bytes > 0 ? bytes - fixed : kUsual;
    MemoryPlan plan;
    constexpr double kPerBrick = 130e3, kPerCell = 64;
    const auto share = [&](double part, double unit, double lo, double hi) {
        return std::clamp(part * rest / unit, lo, hi);
    };
    plan.encode.most_bricks = static_cast<std::size_t>(share(0.4, kPerBrick, 400, 10000));
    plan.encode.resident_cells = share(0.2, kPerCell * 4 / 3, 1e5, 2.5e6);
    // A tile's features: a few sheets of surface, 13 cells across, and the halo.
    plan.windows_per_tile =
        std::clamp(static_cast<int>(std::sqrt(0.3 * rest / kPerCell / 40) / plan.window_cells), 1, 4);
    return plan;
}

}  // namespace nir::pipeline
