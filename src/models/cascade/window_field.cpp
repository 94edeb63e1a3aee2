// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/window_field.h"

#include "nir/base/error.h"

#include "models/cascade/cell_blocks.h"
#include "models/cascade/octave_bricks.h"
#include "models/cascade/octave_encoder.h"
#include "models/cascade/thin_source.h"
#include "models/fitted/fitted_field.h"

#include <cmath>

namespace nir::models {
namespace {

using geom::Box3f;
using geom::Vec3f;
using geom::Vec3i;

constexpr int kParentBricks = 4;  ///< an octave's bricks depend on the octave before within so many of its own bricks

/// Bricks of an octave that hold the cells whose centres surround the places of a box.
BrickBox bricks_around(const FeatureOctree& tree, int octave, const Box3f& box) {
    BrickBox out;
    const float inv = 1.0f / tree.cell(octave);
    for (int a = 0; a < 3; ++a) {
        const float last = static_cast<float>(tree.cells(octave) - 1);
        const float lo = std::clamp((box.lo[a] - tree.origin()[a]) * inv - 1.5f, 0.0f, last);
        const float hi = std::clamp((box.hi[a] - tree.origin()[a]) * inv + 1.5f, 0.0f, last);
        out.lo[a] = static_cast<int>(lo) / kBrickCells;
        out.hi[a] = static_cast<int>(hi) / kBrickCells + 1;
    }
    return out;
}

Box3f box_of(const FeatureOctree& tree, int octave, const BrickBox& bricks) {
    const float side = tree.cell(octave) * kBrickCells;
    return {tree.origin() + static_cast<Vec3f>(bricks.lo) * side, tree.origin() + static_cast<Vec3f>(bricks.hi) * side};
}

/// The bricks of the octave before that the features of these depend on.
BrickBox parents(const FeatureOctree& tree, int octave, const BrickBox& bricks) {
    const BrickBox g = bricks.grown(kParentBricks);
    BrickBox out;
    for (int a = 0; a < 3; ++a) {
        out.lo[a] = g.lo[a] >> 1;
        out.hi[a] = (g.hi[a] + 1) >> 1;
    }
    return out.clipped(tree.whole(octave - 1));
}

class WindowField final : public CascadeField {
public:
    WindowField(CascadeKernelsPtr net, std::shared_ptr<const geom::PointSource> points, WindowPlan plan)
        : net_(std::move(net)), points_(std::move(points)), plan_(std::move(plan)) {
        NIR_CHECK(plan_.octaves >= plan_.whole.octaves() - 1 && plan_.whole.octaves() > 0);
    }

    void prepare(const Box3f& region) override {
        if (window_ && region_.contains(region.lo) && region_.contains(region.hi)) return;
        window_.reset();
        const float learned_cell = plan_.whole.cell(plan_.octaves);
        FitOptions fit = fit_options();
        fit.region = region;
        if (!plan_.sensors.empty()) fit.views.emplace();  // matters to the reach
        const float reach = plan_.fit ? fit_reach(fit, points_->size(), learned_cell) : 0;
        const Box3f around = region.padded(reach);
        auto learned = learned_field(octaves_near(around), net_, plan_.domain);
        if (plan_.free_space) learned = carve_free_space(std::move(learned), plan_.free_space);
        window_ = plan_.fit ? with_planes(std::move(learned), fit) : std::move(learned);
        region_ = region;
    }

    void values(std::span<const Vec3f> points, std::span<float> out) const override { window().values(points, out); }
    bool has_gradients() const override { return plan_.fit; }
    void gradients(std::span<const Vec3f> points, std::span<Vec3f> out) const override {
        window().gradients(points, out);
    }
    Box3f domain() const override { return plan_.domain; }
    float gradient_step() const override { return 0.25f * finest_cell(); }
    int octaves() const override { return plan_.octaves; }
    float finest_cell() const override {
        const float learned = plan_.whole.cell(plan_.octaves);
        return plan_.fit ? fit_cell(fit_options(), points_->size()) : learned;
    }
    bool fitted() const override { return plan_.fit; }
    std::size_t memory_bytes() const override { return window_ ? window_->memory_bytes() : plan_.whole.memory_bytes(); }

private:
    const CascadeField& window() const {
        if (!window_) fail(ErrorKind::internal, "a field that is made by windows was asked before prepare()");
        return *window_;
    }

    FitOptions fit_options() const {
        return {.spacing = plan_.spacing,
                .noise = plan_.noise,
                .mesh_cell = plan_.mesh_cell,
                .region = {},
                .scan_points = points_->size(),
                .views = {}};
    }

    /// Planes on the points around a box, which are read block by block.
    std::unique_ptr<CascadeField> with_planes(std::unique_ptr<CascadeField> learned, const FitOptions& fit) {
        const auto cells = fit_cells(fit, points_->size(), learned->finest_cell());
        const auto boxes = fit_boxes(cells, *fit.region);
        Box3f all;
        for (const auto& b : boxes) all.extend(b.lo), all.extend(b.hi);
        std::vector<FitPoints> levels(cells.size());
        const Vec3f origin = plan_.domain.lo;
        for_cell_blocks(*points_, all, origin, cells.back(), 0, [&](const CellBlock& block) {
            FitPoints here{.index = block.found.index, .points = block.found.points, .weights = {}, .views = {}};
            if (!plan_.sensors.empty()) {
                plan_.sensors.of_point = block.found.sensors;
                here.views = plan_.sensors.directions(here.points);
            }
            const auto parts = fit_levels(std::move(here), origin, cells, boxes);
            for (std::size_t k = 0; k < cells.size(); ++k) append(levels[k], parts[k]);
        });
        for (auto& level : levels) sort_by_index(level);
        NoProgress quiet;
        return fit_surface(std::move(learned), std::move(levels), fit, quiet);
    }

    /// All octaves, the local ones exact near the places of a box.
    FeatureOctree octaves_near(const Box3f& box) {
        const int first = plan_.whole.octaves();
        FeatureOctree tree = plan_.whole.first_octaves(first);
        std::vector<BrickBox> cores(static_cast<std::size_t>(plan_.octaves + 1));
        for (int octave = plan_.octaves; octave >= first; --octave) {
            const auto at = static_cast<std::size_t>(octave);
            cores[at] =
                octave == plan_.octaves ? bricks_around(tree, octave, box) : parents(tree, octave + 1, cores[at + 1]);
        }
        for (int octave = first; octave <= plan_.octaves; ++octave) {
            const BrickBox& core = cores[static_cast<std::size_t>(octave)];
            const float cell = tree.cell(octave);
            const Box3f near_box =
                box_of(tree, octave, core.grown(kHaloBricks)).padded(static_cast<float>(kBrickCells) * cell);
            const auto near = plan_.thinning > 0 ? thin_source(*points_, near_box, tree.origin(), cell / plan_.thinning)
                                                 : points_->points_in_box(near_box);
            add_fine_octave(*net_, tree, near, core, plan_.most_bricks);
        }
        return tree;
    }

    CascadeKernelsPtr net_;
    std::shared_ptr<const geom::PointSource> points_;
    WindowPlan plan_;
    std::unique_ptr<CascadeField> window_;
    Box3f region_;
};

}  // namespace

std::unique_ptr<CascadeField> window_field(CascadeKernelsPtr net, std::shared_ptr<const geom::PointSource> points,
                                           WindowPlan plan) {
    return std::make_unique<WindowField>(std::move(net), std::move(points), std::move(plan));
}

}  // namespace nir::models
