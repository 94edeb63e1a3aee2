// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/extract/extract_mesh.h"

#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/base/timer.h"
#include "nir/extract/marching_cubes.h"

#include "extract/vertex_refine.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace nir::extract {

using geom::Vec3d;
using geom::Vec3f;
using geom::Vec3i;

namespace {

void check_options(const ExtractOptions& o) {
    const auto in_range = [](const char* name, auto value, auto lo, auto hi) {
        if (!(value >= lo && value <= hi)) fail(ErrorKind::config, "{} = {} is outside {}..{}", name, value, lo, hi);
    };
    in_range("resolution_0", o.resolution_0, 1, 4096);
    in_range("upsampling", o.upsampling, 0, 6);
    in_range("refine_steps", o.refine_steps, 0, 100);
    in_range("clamp", o.clamp, 0.0, 0.49);
    in_range("batch", o.batch, std::size_t{1}, std::size_t{1} << 30);
    if (static_cast<long long>(o.resolution_0) << o.upsampling > 4096) {
        fail(ErrorKind::config, "{} cells halved {} times are more than 4096 along a side", o.resolution_0,
             o.upsampling);
    }
}

/// Coarse cells per axis: cubes as large as the longest side asks, or a little flatter where a side is no multiple.
Vec3i coarse_cells(const geom::Box3d& domain, int resolution_0) {
    const Vec3d size = domain.size();
    if (domain.empty() || !(std::min({size.x, size.y, size.z}) > 0) || !geom::is_finite(size)) {
        fail(ErrorKind::config, "the domain of the field is empty");
    }
    const double cell = domain.longest_side() / resolution_0;
    Vec3i cells;
    for (int a = 0; a < 3; ++a) cells[a] = std::max(1, static_cast<int>(std::ceil(size[a] / cell - 1e-6)));
    return cells;
}

std::size_t samples(Vec3i cells) {
    return (static_cast<std::size_t>(cells.x) + 1) * (static_cast<std::size_t>(cells.y) + 1) *
           (static_cast<std::size_t>(cells.z) + 1);
}

}  // namespace

Vec3d LatticeFrame::position(Vec3d index) const {
    const Vec3d side = domain.size(), center = domain.center();
    return {center.x + side.x * (index.x / cells.x - 0.5), center.y + side.y * (index.y / cells.y - 0.5),
            center.z + side.z * (index.z / cells.z - 0.5)};
}

Vec3d LatticeFrame::index_of(Vec3d p) const {
    const Vec3d side = domain.size(), center = domain.center();
    return {((p.x - center.x) / side.x + 0.5) * cells.x, ((p.y - center.y) / side.y + 0.5) * cells.y,
            ((p.z - center.z) / side.z + 0.5) * cells.z};
}

Vec3d LatticeFrame::spacing() const {
    const Vec3d side = domain.size();
    return {side.x / cells.x, side.y / cells.y, side.z / cells.z};
}

struct MeshExtractor::State {
    ScalarField& field;
    ExtractOptions options;
    LatticeFrame frame;
    Vec3i coarse;
    std::vector<float> dense;           // all samples, if dense
    std::unique_ptr<Mise<float>> mise;  // otherwise
    double mise_level = 0;
    ExtractResult sampling;  // rounds, counts and seconds of the sampling

    Vec3i size() const { return frame.cells + Vec3i{1, 1, 1}; }

    Vec3f point(Vec3i index) const {
        if (!options.float32_points) return Vec3f(frame.position(Vec3d(index)));
        const Vec3f side(frame.domain.size()), center(frame.domain.center());
        Vec3f p;
        for (int a = 0; a < 3; ++a) {
            p[a] = center[a] + side[a] * (static_cast<float>(index[a]) / static_cast<float>(frame.cells[a]) - 0.5f);
        }
        return p;
    }

    void note_range(std::span<const float> values) {
        for (const float v : values)
            sampling.lowest = std::min(sampling.lowest, v), sampling.highest = std::max(sampling.highest, v);
    }

    void start() {
        sampling = {};
        sampling.lowest = std::numeric_limits<float>::infinity();
        sampling.highest = -std::numeric_limits<float>::infinity();
        field.prepare({Vec3f(frame.domain.lo), Vec3f(frame.domain.hi)});
    }

    void sample_dense(Progress& progress, PhaseTimer* phases) {
        start();
        const Vec3i n = size();
        const auto plane = static_cast<std::size_t>(n.y) * static_cast<std::size_t>(n.z);
        std::vector<float> values(plane * static_cast<std::size_t>(n.x));
        progress.begin("query", values.size(), "points");
        FieldQuery query(field, options.batch, progress, phases, "query");
        query.values(
            values.size(),
            [&](std::size_t i) {
                return point({static_cast<int>(i / plane), static_cast<int>(i % plane / static_cast<std::size_t>(n.z)),
                              static_cast<int>(i % static_cast<std::size_t>(n.z))});
            },
            values.data());
        progress.end();
        note_range(values);
        dense = std::move(values);
        sampling.rounds = {{dense.size(), 0}};
        sampling.queried_points = dense.size();
        sampling.query_s = query.seconds();
        sampling.lattice_bytes = dense.capacity() * sizeof(float);
    }

    void sample_near_surface(double level, Progress& progress, PhaseTimer* phases) {
        start();
        const Timer timer;
        auto tree = std::make_unique<Mise<float>>(MiseOptions{coarse, options.upsampling, level});
        if (!options.seeds.empty()) {
            std::vector<Vec3f> seeds;
            for (const auto& s : options.seeds) seeds.push_back(Vec3f(frame.index_of(Vec3d(s))));
            tree->seed(seeds);
        }
        progress.begin("query", 0, "points");
        FieldQuery query(field, options.batch, progress, phases, "query");
        std::vector<float> values;
        while (!tree->done()) {
            const auto points = tree->query();
            values.resize(points.size());
            query.values(
                points.size(), [&](std::size_t i) { return point(points[i]); }, values.data());
            note_range(values);
            tree->update(values);
        }
        progress.end();
        mise = std::move(tree);
        mise_level = level;
        sampling.rounds = mise->rounds();
        sampling.queried_points = mise->evaluated_points();
        sampling.lattice_bytes = mise->memory_bytes();
        sampling.query_s = query.seconds();
        sampling.extract_s = timer.seconds() - query.seconds();
    }

    void polygonise(ExtractResult& result) const {
        const Timer timer;
        MarchingCubesOptions mc;
        mc.level = result.level;
        if (options.close_border) mc.pad_value = pad_below(result.level);
        mc.clamp = options.clamp;
        mc.keep_edges = true;
        auto surface =
            mise ? marching_cubes<float>(*mise, mc) : marching_cubes(std::span<const float>(dense), size(), mc);
        result.mesh = std::move(surface.mesh);
        for (auto& p : result.mesh.vertices) p = frame.position(p);
        edges = std::move(surface.edges);
        result.extract_s += timer.seconds();
    }

    void refine(ExtractResult& result, Progress& progress, PhaseTimer* phases) const {
        if (result.mesh.empty() || (options.refine_steps == 0 && !options.normals)) return;
        const Timer timer;
        const auto refining = phase_of(phases, "refine");
        progress.begin("refine", 0, "points");
        FieldQuery query(field, options.batch, progress, phases, "refine");
        result.refine_points =
            move_to_level(result.mesh, edges, frame, result.level, options.refine_steps, options.clamp, query);
        if (options.normals) set_normals(result.mesh, edges, frame, query, options.slopes);
        progress.end();
        result.refine_s = timer.seconds();
    }

    mutable std::vector<LatticeEdge> edges;  // of the mesh in work
};

MeshExtractor::MeshExtractor(ScalarField& field, ExtractOptions options) {
    check_options(options);
    const geom::Box3f own = field.domain();
    LatticeFrame frame;
    frame.domain = options.domain ? *options.domain : geom::Box3d{Vec3d(own.lo), Vec3d(own.hi)};
    const Vec3i coarse = coarse_cells(frame.domain, options.resolution_0);
    const int unit = 1 << options.upsampling;
    frame.cells = {coarse.x * unit, coarse.y * unit, coarse.z * unit};
    state_ = std::unique_ptr<State>(new State{field, std::move(options), frame, coarse, {}, nullptr, 0, {}, {}});
}

MeshExtractor::~MeshExtractor() = default;
MeshExtractor::MeshExtractor(MeshExtractor&&) noexcept = default;

const LatticeFrame& MeshExtractor::lattice() const { return state_->frame; }

std::size_t MeshExtractor::estimated_bytes() const {
    const auto& s = *state_;
    if (s.options.dense) return samples(s.frame.cells) * sizeof(float);
    const auto area = 2 * (static_cast<std::size_t>(s.coarse.x) * static_cast<std::size_t>(s.coarse.y) +
                           static_cast<std::size_t>(s.coarse.y) * static_cast<std::size_t>(s.coarse.z) +
                           static_cast<std::size_t>(s.coarse.z) * static_cast<std::size_t>(s.coarse.x));
    return samples(s.coarse) * 21 + 2 * area * (std::size_t{5} << (3 * s.options.upsampling));
}

ExtractResult MeshExtractor::extract(Progress& progress, PhaseTimer* timer) {
    return extract_at(state_->options.level.value_or(static_cast<double>(state_->field.iso())), progress, timer);
}

ExtractResult MeshExtractor::extract_at(double level, Progress& progress, PhaseTimer* timer) {
    State& s = *state_;
    const auto extracting = phase_of(timer, "extract");
    if (!std::isfinite(level)) fail(ErrorKind::config, "the level of a surface must be finite, not {}", level);
    if (s.options.dense) {
        if (s.dense.empty()) s.sample_dense(progress, timer);
    } else if (!s.mise || s.mise_level != level) {
        s.sample_near_surface(level, progress, timer);
    }
    ExtractResult result = s.sampling;
    s.sampling.query_s = s.sampling.extract_s = 0;  // further levels of the same samples are free
    result.lattice = s.frame;
    result.level = level;
    s.polygonise(result);
    s.refine(result, progress, timer);
    const Timer checking;
    result.report = geom::check_mesh(result.mesh);
    result.extract_s += checking.seconds();
    log_debug("extracted level {} on {} x {} x {} cells: {} of {} samples asked, {} bytes", level, s.frame.cells.x,
              s.frame.cells.y, s.frame.cells.z, result.queried_points, samples(s.frame.cells), result.lattice_bytes);
    return result;
}

geom::VoxelGrid MeshExtractor::values() const {
    const State& s = *state_;
    if (!s.mise && s.dense.empty()) fail(ErrorKind::internal, "no lattice was sampled yet");
    return {s.size(), s.frame.position({0, 0, 0}), s.frame.spacing(), s.mise ? s.mise->to_dense() : s.dense};
}

ExtractResult extract_mesh(ScalarField& field, const ExtractOptions& options, Progress& progress, PhaseTimer* timer) {
    return MeshExtractor(field, options).extract(progress, timer);
}

ExtractResult extract_mesh(ScalarField& field, const ExtractOptions& options) {
    NoProgress quiet;
    return extract_mesh(field, options, quiet);
}

}  // namespace nir::extract
