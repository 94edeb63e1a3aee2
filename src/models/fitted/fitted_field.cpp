// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/fitted/fitted_field.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include "models/fitted/moment_grid.h"
#include "models/fitted/offset_correction.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nir::models {
namespace {

using geom::Vec3f;

// Cells of the finest lattice: so many spacings, and so many sqrt(noise x spacing), which balances the noise that is
// left in a plane, about noise x spacing / (2.3 cells), with the detail that the cell rounds off.
constexpr double kSpacings = 1.0, kBlurs = 3.0;
// Large scans do with wider planes, which take less than half the time and memory.
constexpr double kLargeScan = 3e5, kVeryLargeScan = 1e6;
constexpr double kLargeSpacings = 1.5;
constexpr double kMeshCells = 0.75;  ///< of the mesh, that a plane's cell is wide at least
// Weight of a surface that is sampled with one point per spacing^2: kernel in the plane times its height, 0.62.
constexpr double kPeak = 0.62;
constexpr float kWeightFrom = 0.1f, kWeightTo = 0.3f;  ///< shares of that weight between which a fit fades in
constexpr float kThickFrom = 0.45f, kThickTo = 0.25f;  ///< variance ratios between which it fades in
constexpr float kWidthFrom = 0.06f, kWidthTo = 0.15f;  ///< cells squared: three points are no surface
constexpr float kAgreeFrom = 0.2f, kAgreeTo = 0.5f;    ///< share of the orientation along the normal
constexpr float kSite = 0.9f;                          ///< nodes within so many cells of the plane are oriented
constexpr float kFacing = 0.07f;  ///< mean cosine of the views from which on the sensors decide alone
// Lattices are added up to so many cells of the learned field. Sides that were seen have to reach to where free space
// begins (free_space.h): what the learned field believes in between would be a sheet in front of the surface.
constexpr float kReach = 1.5f, kReachOfViews = 3.0f;
constexpr float kOneFrom = 0.4f, kOneTo = 0.7f;  ///< length of the mean view: views of one side are about parallel
constexpr float kSlope = 5;       ///< of the learned logit across a surface, per cell of its finest octave
constexpr float kSupport = 2;     ///< cells between a place and the nodes that speak there, rounding included
constexpr float kTwiceReach = 3;  ///< cells between a place and the points whose heights matter there
constexpr float kPointReach = 3;  ///< cells between a node and the points that matter to its plane, likewise

float fade(float v, float from, float to) {
    const float t = std::clamp((v - from) / (to - from), 0.0f, 1.0f);
    return t * t * (3 - 2 * t);
}

/// Cells of the finest lattice, whatever the mesh.
double usual_cell(const FitOptions& options, std::size_t points) {
    const double spacings = kSpacings + (kLargeSpacings - kSpacings) * largeness(points);
    return std::max(spacings * options.spacing, kBlurs * std::sqrt(options.noise * options.spacing));
}

class FittedField final : public CascadeField {
public:
    FittedField(std::unique_ptr<CascadeField> learned, std::vector<FitPoints> points, const FitOptions& options,
                std::size_t scan_points, Progress& progress)
        : learned_(std::move(learned)) {
        const auto sizes = fit_cells(options, scan_points, learned_->finest_cell());
        NIR_CHECK(points.size() == sizes.size());
        const double per_spacing = usual_cell(options, scan_points) / options.spacing;
        full_weight_ = static_cast<float>(kPeak * per_spacing * per_spacing);
        const Vec3f origin = learned_->domain().lo;
        slope_ = kSlope / learned_->finest_cell();
        progress.begin("fit", 2 * sizes.size(), "lattices");
        const auto tick = [&] {
            if (!progress.advance()) fail(ErrorKind::cancelled, "stopped while fitting the surface");
        };
        const geom::Box3f asked = options.region.value_or(learned_->domain());
        for (std::size_t k = 0; k < sizes.size(); ++k) {
            const FitPoints& p = points[k];
            MomentGrid& level = levels_.emplace_back(p.points, origin, sizes[k], p.views, p.weights);
            tick();
            const float reach = k == 0 ? kSupport + kTwiceReach : kSupport;
            orient(level, asked.padded(reach * level.cell()));
            if (k == 0) twice(level, p, asked.padded(kTwiceReach * level.cell()));
            level.forget_points();
            points[k] = {};
            tick();
        }
        progress.end();
    }

    void values(std::span<const Vec3f> points, std::span<float> out) const override {
        std::vector<float> rest(points.size());
        parallel_for(points.size(), 256, [&](std::size_t begin, std::size_t end) {
            for (std::size_t i = begin; i < end; ++i) {
                const Fit fit = fitted(points[i]);
                rest[i] = fit.rest, out[i] = fit.value;
                for (const auto& o : offsets_) out[i] += o->value(points[i]);
            }
        });
        std::vector<Vec3f> asked;
        std::vector<std::size_t> at;
        for (std::size_t i = 0; i < points.size(); ++i)
            if (rest[i] > 0) asked.push_back(points[i]), at.push_back(i);
        if (asked.empty()) return;
        std::vector<float> logits(asked.size());
        learned_->values(asked, logits);
        for (std::size_t k = 0; k < at.size(); ++k) out[at[k]] += rest[at[k]] * logits[k];
    }
    bool has_gradients() const override { return true; }
    /// Along the planes' normals where they speak alone, central differences elsewhere.
    void gradients(std::span<const Vec3f> points, std::span<Vec3f> out) const override {
        std::vector<float> rest(points.size());
        parallel_for(points.size(), 256, [&](std::size_t begin, std::size_t end) {
            for (std::size_t i = begin; i < end; ++i) {
                const Fit fit = fitted(points[i]);
                rest[i] = fit.rest, out[i] = fit.slope;
                for (const auto& o : offsets_) out[i] += o->gradient(points[i]);
            }
        });
        std::vector<Vec3f> asked;
        std::vector<std::size_t> at;
        for (std::size_t i = 0; i < points.size(); ++i)
            if (rest[i] > 0) asked.push_back(points[i]), at.push_back(i);
        if (asked.empty()) return;
        std::vector<Vec3f> found(asked.size());
        ScalarField::gradients(asked, found);
        for (std::size_t k = 0; k < at.size(); ++k) out[at[k]] = found[k];
    }
    geom::Box3f domain() const override { return learned_->domain(); }
    float gradient_step() const override { return 0.25f * finest_cell(); }
    float iso() const override { return learned_->iso(); }
    int octaves() const override { return learned_->octaves(); }
    float finest_cell() const override { return levels_[0].cell(); }
    bool fitted() const override { return true; }
    std::size_t memory_bytes() const override {
        std::size_t bytes = learned_->memory_bytes();
        for (const auto& level : levels_) bytes += level.memory_bytes();
        for (const auto& o : offsets_) bytes += o->memory_bytes();
        return bytes;
    }
    RefineReport refine(std::span<const Vec3f> points, const RefineOptions& options, Progress& progress) override {
        offsets_.push_back(std::make_unique<OffsetCorrection>(points, learned_->domain().lo, finest_cell()));
        const RefineReport report = refine_surface(*this, *offsets_.back(), points, options, progress);
        if (report.kept == 0) offsets_.pop_back();
        return report;
    }

private:
    /// How far a plane is to be trusted, before its orientation is looked at: 0 to 1.
    float trust(const MomentGrid::Plane& plane) const {
        const float w = plane.weight / full_weight_;
        if (w <= kWeightFrom || plane.thickness >= kThickFrom || plane.width <= kWidthFrom) return 0;
        return fade(w, kWeightFrom, kWeightTo) * (1 - fade(plane.thickness, kThickTo, kThickFrom)) *
               fade(plane.width, kWidthFrom, kWidthTo);
    }

    /// The fitted part of the value and of its gradient, and the share of the learned field, 0 to 1.
    struct Fit {
        float value = 0, rest = 1;
        Vec3f slope{};
    };
    Fit fitted(Vec3f p) const {
        Fit fit;
        for (const auto& level : levels_) {
            const MomentGrid::Plane plane = level.fit(p);
            float share = trust(plane);
            if (share <= 0) continue;
            const float along = dot(plane.outwards, plane.normal);
            share *= fade(std::abs(along), kAgreeFrom, kAgreeTo);
            const Vec3f slope = plane.normal * (along > 0 ? -slope_ : slope_) * (fit.rest * share);
            fit.value += dot(p - plane.center, slope) + plane.residual * slope_ * fit.rest * share;
            fit.slope += slope;
            fit.rest *= 1 - share;
            if (fit.rest < 1e-3f) {
                fit.rest = 0;
                break;
            }
        }
        return fit;
    }

    /// Heights of the points over their planes, averaged like the points: what a plane flattens at a crest is given
    /// back. Only points of a box matter. Ref: Tukey, Exploratory Data Analysis, 1977 (twicing).
    void twice(MomentGrid& level, const FitPoints& from, const geom::Box3f& within) const {
        const std::span<const Vec3f> points = from.points;
        std::vector<float> height(points.size()), share(points.size());
        const float most = level.cell();
        const auto order = level.points_by_place(points);
        parallel_for(order.size(), 256, [&](std::size_t begin, std::size_t end) {
            for (std::size_t k = begin; k < end; ++k) {
                const std::size_t i = order[k];
                if (!within.contains(points[i])) continue;
                const MomentGrid::Plane plane = level.fit(points[i]);
                const float along = dot(plane.outwards, plane.normal);
                share[i] = trust(plane) * fade(std::abs(along), kAgreeFrom, kAgreeTo);
                share[i] *= from.weight(i);
                if (share[i] > 0)
                    height[i] = std::clamp(std::copysign(1.0f, along) * dot(points[i] - plane.center, plane.normal),
                                           -most, most);
            }
        });
        level.add_residuals(points, height, share);
    }

    /// Looks where the sensors are, and asks the learned field on both sides of the plane, at every node near it.
    void orient(MomentGrid& level, const geom::Box3f& within) {
        const float step = std::max(0.75f * learned_->finest_cell(), level.cell());
        struct Site {
            std::size_t node;
            Vec3f normal;
            float seen;  ///< side of the sensors along the normal, -1 to 1; 0: not known
        };
        constexpr std::size_t kChunk = 1 << 16;
        std::vector<MomentGrid::Plane> planes(kChunk);
        std::vector<Site> sites;
        std::vector<float> fall;  // of the logit along the normal, per length
        std::vector<Vec3f> asked;
        std::vector<float> logits;
        for (std::size_t first = 0; first < level.nodes(); first += kChunk) {
            const std::size_t n = std::min(kChunk, level.nodes() - first);
            parallel_for(n, 256, [&](std::size_t begin, std::size_t end) {
                for (std::size_t i = begin; i < end; ++i) {
                    const Vec3f place = level.node_position(first + i);
                    planes[i] = level.next_to_points(first + i) && within.contains(place) ? level.fit(place)
                                                                                          : MomentGrid::Plane{};
                }
            });
            asked.clear();
            for (std::size_t i = 0; i < n; ++i) {
                const MomentGrid::Plane& plane = planes[i];
                const float height = dot(level.node_position(first + i) - plane.center, plane.normal);
                if (trust(plane) < 0.1f || std::abs(height) > kSite * level.cell()) continue;
                const Vec3f views = level.seen_from(first + i);
                const float seen =
                    fade(norm(views), kOneFrom, kOneTo) * std::clamp(dot(views, plane.normal) / kFacing, -1.0f, 1.0f);
                sites.push_back({first + i, plane.normal, seen});
                asked.push_back(plane.center - plane.normal * step);
                asked.push_back(plane.center + plane.normal * step);
            }
            logits.resize(asked.size());
            learned_->values(asked, logits);
            for (std::size_t i = 0; i < logits.size(); i += 2) fall.push_back((logits[i] - logits[i + 1]) / (2 * step));
        }
        for (std::size_t i = 0; i < sites.size(); ++i) {
            const Site& s = sites[i];
            const float side = s.seen + (1 - std::abs(s.seen)) * std::clamp(2 * fall[i] / slope_, -1.0f, 1.0f);
            level.set_outwards(s.node, s.normal * side);
        }
    }

    std::unique_ptr<CascadeField> learned_;
    std::vector<std::unique_ptr<OffsetCorrection>> offsets_;  ///< found by refine(), one for each call
    std::vector<MomentGrid> levels_;                          ///< finest first
    float full_weight_ = 0;
    float slope_ = 0;  ///< of the learned logit across the surface, per length
};

}  // namespace

double share_of_folds(std::span<const Vec3f> points, Vec3f origin, float cell) {
    NIR_CHECK(!points.empty());
    const std::size_t step = points.size() / kMostFoldSamples + 1;
    std::vector<Vec3f> places;
    for (std::size_t i = 0; i < points.size(); i += step) places.push_back(points[i]);
    return static_cast<double>(count_folds(points, places, origin, cell)) / static_cast<double>(places.size());
}

std::size_t count_folds(std::span<const Vec3f> points, std::span<const Vec3f> places, Vec3f origin, float cell) {
    constexpr float kFolded = 0.12f;  // variance ratio; a sheet whose radius of curvature is two cells has 0.05
    if (places.empty()) return 0;
    const MomentGrid grid(points, origin, cell);
    std::vector<char> folded(places.size(), 0);
    parallel_for(places.size(), 256, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) folded[i] = grid.fit(places[i]).thickness > kFolded;
    });
    return static_cast<std::size_t>(std::count(folded.begin(), folded.end(), 1));
}

double largeness(std::size_t points) {
    const double n = std::max(static_cast<double>(points), 1.0);
    return std::clamp(std::log(n / kLargeScan) / std::log(kVeryLargeScan / kLargeScan), 0.0, 1.0);
}

float fit_cell(const FitOptions& options, std::size_t points) {
    return static_cast<float>(std::max(usual_cell(options, points), kMeshCells * options.mesh_cell));
}

std::vector<float> fit_cells(const FitOptions& options, std::size_t points, float learned_cell) {
    std::vector<float> cells;
    const float reach = (options.views ? kReachOfViews : kReach) * learned_cell;
    for (float h = fit_cell(options, points); h < reach || cells.empty(); h *= 2) cells.push_back(h);
    return cells;
}

std::vector<geom::Box3f> fit_boxes(std::span<const float> cells, const geom::Box3f& region) {
    std::vector<geom::Box3f> boxes;
    for (const float h : cells)
        boxes.push_back(
            region.padded((boxes.empty() ? kSupport + kTwiceReach + kPointReach : kSupport + kPointReach) * h));
    return boxes;
}

float fit_reach(const FitOptions& options, std::size_t points, float learned_cell) {
    const auto cells = fit_cells(options, points, learned_cell);
    return std::max((kSupport + kPointReach) * cells.back(), (kSupport + kTwiceReach + kPointReach) * cells.front());
}

std::unique_ptr<CascadeField> fit_surface(std::unique_ptr<CascadeField> learned, std::span<const Vec3f> points,
                                          const FitOptions& options, Progress& progress) {
    NIR_CHECK(learned && options.spacing > 0 && options.noise >= 0);
    NIR_CHECK(!options.views || options.views->size() == points.size());
    const std::size_t scan_points = options.scan_points ? options.scan_points : points.size();
    const auto cells = fit_cells(options, scan_points, learned->finest_cell());
    FitPoints all;
    all.index.resize(points.size());
    std::iota(all.index.begin(), all.index.end(), 0u);
    all.points.assign(points.begin(), points.end());
    if (options.views) all.views.assign(options.views->begin(), options.views->end());
    auto levels = fit_levels(std::move(all), learned->domain().lo, cells,
                             options.region ? fit_boxes(cells, *options.region) : std::vector<geom::Box3f>{});
    return std::make_unique<FittedField>(std::move(learned), std::move(levels), options, scan_points, progress);
}

std::unique_ptr<CascadeField> fit_surface(std::unique_ptr<CascadeField> learned, std::vector<FitPoints> levels,
                                          const FitOptions& options, Progress& progress) {
    NIR_CHECK(learned && options.spacing > 0 && options.noise >= 0 && options.region && options.scan_points > 0);
    return std::make_unique<FittedField>(std::move(learned), std::move(levels), options, options.scan_points, progress);
}

}  // namespace nir::models
