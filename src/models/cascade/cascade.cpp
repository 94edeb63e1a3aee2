// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/models/cascade.h"

#include "nir/base/log.h"
#include "nir/geom/point_tiles.h"
#include "nir/geom/sampling.h"
#include "nir/geom/spacing.h"
#include "nir/kernels/splat.h"

#include "models/cascade/cascade_encode.h"
#include "models/cascade/cascade_read.h"
#include "models/cascade/feature_octree.h"
#include "models/cascade/octave_encoder.h"
#include "models/cascade/thin_source.h"
#include "models/cascade/window_field.h"
#include "models/fitted/fitted_field.h"
#include "models/fitted/free_space.h"

#include <cmath>

namespace nir::models {
namespace {

using geom::Vec3f;

constexpr std::size_t kMostBricks = 10000;   ///< computed together; each takes about 130 KB of memory meanwhile
constexpr double kCellsAcross = 13;          ///< cells of an octave along the normal of the surface, with whole bricks
constexpr double kMostLearnedCells = 2.5e6;  ///< of the finest octave; where it would have more, the surface is fitted
constexpr double kCellsUnderFit = 6e5;       ///< of the finest octave then
constexpr double kFolds = 0.15;              ///< share of the points in folds that makes a fit ask for another octave
constexpr std::size_t kCellsOfBrick = kBrickCells * kBrickCells * kBrickCells;
constexpr float kThinning = 2.5f;  ///< points along a cell that the network sees then, at most

geom::Box3f box_of(std::span<const Vec3f> points) {
    geom::Box3f box;
    for (const auto& p : points) box.extend(p);
    return box;
}

/// Builds the octaves of one scan, coarse to fine.
class Encoder {
public:
    /// @param thin  show each octave no more points than its cells have seen in training
    /// @param most_bricks  computed together
    Encoder(CascadeKernelsPtr net, std::span<const Vec3f> points, bool thin, std::size_t most_bricks,
            Progress& progress)
        : Encoder(std::move(net), box_of(points), thin, most_bricks, progress) {
        points_ = points;
    }
    Encoder(CascadeKernelsPtr net, const geom::PointSource& points, bool thin, std::size_t most_bricks,
            Progress& progress)
        : Encoder(std::move(net), points.box(), thin, most_bricks, progress) {
        source_ = &points;
    }

    FeatureOctree run(int octaves) {
        progress_.begin("encode", static_cast<std::uint64_t>(octaves) + 1, "octaves");
        coarse();
        tick();
        for (int octave = 1; octave <= octaves; ++octave) {
            add_fine_octave(*net_, tree_, points_of(octave), tree_.whole(octave), most_bricks_);
            tick();
        }
        progress_.end();
        return std::move(tree_);
    }

    geom::Box3f box() const { return box_; }

private:
    Encoder(CascadeKernelsPtr net, geom::Box3f box, bool thin, std::size_t most_bricks, Progress& progress)
        : net_(std::move(net)),
          config_(net_->config),
          thin_(thin),
          most_bricks_(most_bricks),
          progress_(progress),
          box_(box),
          tree_(make_tree()) {}

    FeatureOctree make_tree() const {
        const float cell = box_.longest_side() / static_cast<float>(config_.coarse_cells - 2 * config_.coarse_margin);
        const float half = 0.5f * static_cast<float>(config_.coarse_cells) * cell;
        return {box_.center() - Vec3f{half, half, half}, cell, config_.coarse_cells, config_.features};
    }

    void tick() {
        if (!progress_.advance()) fail(ErrorKind::cancelled, "stopped while encoding the scan");
    }

    void coarse() {
        const int n = config_.coarse_cells;
        const kernels::GridSize size{n, n, n};
        const auto cells = static_cast<std::size_t>(size.cells());
        std::vector<float> local, m(kernels::kSplatChannels * cells);
        for (const auto& p : points_of(0)) {
            const Vec3f q = (p - tree_.origin()) / tree_.cell(0);
            local.insert(local.end(), {q.x, q.y, q.z});
        }
        kernels::splat_moments(local, size, m);
        std::vector<float> weight(cells), scratch(2 * cells), open(kernels::kOpennessChannels * cells);
        for (std::size_t i = 0; i < cells; ++i) weight[i] = std::expm1(m[i]);
        kernels::openness(weight, size, scratch, open);
        tree_.add_octave({tree_.whole(0), std::vector<char>(tree_.whole(0).count(), 1)});
        const BrickSet bricks(tree_.brick_list(0));
        const std::int64_t all = bricks.size(), channels = net_->coarse.in();
        std::vector<float> x(static_cast<std::size_t>(channels) * cells);
        cut(m, kernels::kSplatChannels, bricks, x.data(), channels);
        cut(open, kernels::kOpennessChannels, bricks, x.data() + kernels::kSplatChannels, channels);
        net_->coarse.run(
            bricks, std::span(&all, 1),
            [&](std::int64_t first, std::int64_t count, float* to) {
                gather_with_halo(bricks, {x.data(), all, kBrickCells, channels}, first, count, to, channels);
            },
            [&](std::int64_t first, std::int64_t count, const float* y) {
                const auto done = std::span(bricks.bricks())
                                      .subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
                tree_.store_bricks(0, done,
                                   {y, done.size() * kCellsOfBrick * static_cast<std::size_t>(config_.features)});
            });
    }

    /// A channel-first volume of the whole grid into the first channels of places of `stride` floats, brick by brick.
    void cut(std::span<const float> volume, std::int64_t channels, const BrickSet& bricks, float* to,
             std::int64_t stride) const {
        const std::int64_t n = config_.coarse_cells;
        for (const auto& b : bricks.bricks())
            for (std::int64_t i = 0; i < static_cast<std::int64_t>(kCellsOfBrick); ++i, to += stride) {
                const std::int64_t cx = b.x * kBrickCells + i % kBrickCells,
                                   cy = b.y * kBrickCells + i / kBrickCells % kBrickCells,
                                   cz = b.z * kBrickCells + i / (kBrickCells * kBrickCells);
                for (std::int64_t k = 0; k < channels; ++k)
                    to[k] = volume[static_cast<std::size_t>(((k * n + cz) * n + cy) * n + cx)];
            }
    }

    std::span<const Vec3f> points_of(int octave) {
        if (!thin_ && !source_) return points_;
        const float cell = tree_.cell(octave) / kThinning;
        if (!source_)
            thinned_ = thin_points(points_, tree_.origin(), cell);
        else
            thinned_ = thin_ ? thin_source(*source_, tree_.origin(), cell) : source_->points_in_box(box_);
        return thinned_;
    }

    CascadeKernelsPtr net_;
    CascadeConfig config_;
    std::span<const Vec3f> points_;
    const geom::PointSource* source_ = nullptr;  ///< instead of points_
    bool thin_;
    std::size_t most_bricks_;
    std::vector<Vec3f> thinned_;
    Progress& progress_;
    geom::Box3f box_;
    FeatureOctree tree_;
};

}  // namespace

std::string_view to_string(RefineReport::Stop stop) {
    switch (stop) {
        case RefineReport::Stop::nothing_to_gain:
            return "nothing to gain";
        case RefineReport::Stop::noise_reached:
            return "noise reached";
        case RefineReport::Stop::no_more_gain:
            return "no more gain";
        case RefineReport::Stop::steps:
            return "steps";
        case RefineReport::Stop::seconds:
            return "seconds";
    }
    return "";
}

RefineReport CascadeField::refine(std::span<const Vec3f>, const RefineOptions&, Progress&) {
    fail(ErrorKind::usage, "this kind of field cannot be refined");
}

struct Cascade::Impl {
    CascadeKernelsPtr net;
    std::map<std::string, std::string> metadata;
};

Cascade::Cascade(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Cascade::~Cascade() = default;
Cascade::Cascade(Cascade&&) noexcept = default;
Cascade& Cascade::operator=(Cascade&&) noexcept = default;

Cascade Cascade::load(const std::filesystem::path& file) {
    auto impl = std::make_unique<Impl>();
    impl->net = load_cascade_kernels(file, &impl->metadata);
    return Cascade(std::move(impl));
}

const std::map<std::string, std::string>& Cascade::metadata() const { return impl_->metadata; }

std::unique_ptr<CascadeField> Cascade::encode(std::span<const Vec3f> points, const EncodeOptions& options,
                                              Progress& progress) const {
    return encode_cascade(impl_->net, points, options, progress);
}

std::unique_ptr<CascadeField> Cascade::encode_windows(std::span<const Vec3f> points, const EncodeOptions& options,
                                                      const WindowOptions& windows, Progress& progress) const {
    const float side = box_of(points).longest_side();
    const auto spacing = static_cast<float>(options.spacing);
    const float tile = std::max({32 * spacing, 1e-5f * side, 1e-30f});
    const bool seen = options.sensors && !options.sensors->empty();
    return encode_windows(
        geom::tiled_copy(points, tile, seen ? std::span(options.sensors->of_point) : std::span<const std::uint32_t>{}),
        options, windows, progress);
}

std::unique_ptr<CascadeField> Cascade::encode_windows(std::shared_ptr<const geom::PointSource> points,
                                                      const EncodeOptions& options, const WindowOptions& windows,
                                                      Progress& progress) const {
    return encode_cascade_windows(impl_->net, std::move(points), options, windows, progress);
}

std::unique_ptr<CascadeField> Cascade::encode(const geom::PointCloud& cloud, Progress& progress) const {
    return encode_cascade(impl_->net, cloud, progress);
}

std::unique_ptr<CascadeField> encode_cascade(const CascadeKernelsPtr& net, const geom::PointCloud& cloud,
                                             Progress& progress) {
    std::vector<Vec3f> points;
    points.reserve(cloud.size());
    for (std::size_t i = 0; i < cloud.size(); ++i) {
        if (!geom::is_finite(cloud.points[i])) fail(ErrorKind::input, "point {} of the observation is not finite", i);
        points.push_back(static_cast<Vec3f>(cloud.points[i]));
    }
    const auto unique = geom::unique_points(cloud.points);
    if (unique.size() < 4) fail(ErrorKind::input, "{} different points are too few for a surface", unique.size());
    std::vector<geom::Vec3d> distinct;
    for (const auto i : unique) distinct.push_back(cloud.points[i]);
    const geom::SpacingEstimate scan = geom::estimate_spacing(distinct);
    if (!(scan.surface > 0)) fail(ErrorKind::input, "the points of the observation span no surface");
    return encode_cascade(net, points, {.spacing = scan.surface, .noise = scan.noise}, progress);
}

namespace {

/// Octaves that the point spacing and the noise allow, none with cells below `smallest`.
int octaves_for(const CascadeConfig& config, const Cascade::EncodeOptions& options, double cell, double smallest) {
    // Noise is averaged over the points of a cell: the fewer there are, the larger a cell must be to show shape
    // instead.
    const double blur = std::sqrt(options.noise * options.spacing);
    int octaves = 0;
    while (octaves < config.max_octaves && options.spacing <= config.max_spacing_cells * cell / 2 &&
           blur <= config.max_noise_cells * cell / 2 && cell / 2 >= smallest)
        cell /= 2, ++octaves;
    return octaves;
}

/// The octaves of a scan by their sizes.
struct Sizes {
    double coarse_cell, area;

    /// Cells of an octave near the surface.
    double cells(int octave) const { return kCellsAcross * area / std::pow(coarse_cell / (1 << octave), 2); }
    /// Side of a cell of which there are so many near the surface.
    double side(double cells) const { return std::sqrt(kCellsAcross * area / cells); }
};
Sizes sizes_of(const CascadeConfig& config, const geom::Box3f& box, std::size_t points, double spacing) {
    if (points == 0) fail(ErrorKind::input, "no points to encode");
    NIR_CHECK(spacing > 0);
    const double side = box.longest_side();
    if (!(side > 0) || !std::isfinite(side)) fail(ErrorKind::input, "the points have no extent");
    return {side / (config.coarse_cells - 2 * config.coarse_margin), static_cast<double>(points) * spacing * spacing};
}

/// Octaves under a fit: as many as cost little, and further ones as long as their cells still hold both sides of
/// something in many places.
int octaves_under_fit(const CascadeConfig& config, const geom::PointSource& points,
                      const Cascade::EncodeOptions& options, const Sizes& sizes, int most) {
    const double cheap = std::max(options.spacing, sizes.side(kCellsUnderFit));
    int octaves = std::min(most, octaves_for(config, options, sizes.coarse_cell, cheap));
    for (; octaves < most; ++octaves) {
        const auto cell = static_cast<float>(sizes.coarse_cell / (1 << octaves));
        const double share = share_of_folds(points, points.first(), cell, kThinning);
        log_debug("cells of {:.4g}: {:.1f} % of the points lie in folds", cell, 100 * share);
        if (share < kFolds) break;
    }
    return octaves;
}

geom::Box3f domain_of(const Encoder& encoder, const CascadeConfig& config, const FeatureOctree& tree) {
    return encoder.box().padded(static_cast<float>(0.9 * config.coarse_margin) * tree.cell(0));
}

}  // namespace

std::unique_ptr<CascadeField> encode_cascade(const CascadeKernelsPtr& net, std::span<const Vec3f> points,
                                             const Cascade::EncodeOptions& options, Progress& progress) {
    const CascadeConfig& config = net->config;
    const Sizes sizes = sizes_of(config, box_of(points), points.size(), options.spacing);
    const int full = octaves_for(config, options, sizes.coarse_cell, 0);
    const bool fit = options.detail == Cascade::Detail::fitted ||
                     (options.detail == Cascade::Detail::automatic && sizes.cells(full) > kMostLearnedCells);
    const int few =
        octaves_for(config, options, sizes.coarse_cell, std::max(options.spacing, sizes.side(kCellsUnderFit)));
    Encoder encoder(net, points, fit, kMostBricks, progress);
    FeatureOctree tree = encoder.run(fit ? few : full);
    const geom::Box3f domain = domain_of(encoder, config, tree);
    auto learned = learned_field(std::move(tree), net, domain);
    const bool seen = options.sensors && !options.sensors->empty();
    if (seen)
        learned =
            carve_free_space(std::move(learned),
                             std::make_shared<FreeSpace>(points, *options.sensors, domain,
                                                         FreeSpace::cell_for(learned->finest_cell(), options.spacing)));
    if (!fit) return learned;
    FitOptions fitting{.spacing = options.spacing, .noise = options.noise};
    std::vector<Vec3f> views;
    if (seen) fitting.views = views = options.sensors->directions(points);
    return fit_surface(std::move(learned), points, fitting, progress);
}

std::unique_ptr<CascadeField> encode_cascade_windows(const CascadeKernelsPtr& net,
                                                     std::shared_ptr<const geom::PointSource> points,
                                                     const Cascade::EncodeOptions& options,
                                                     const Cascade::WindowOptions& windows, Progress& progress) {
    const CascadeConfig& config = net->config;
    const Sizes sizes = sizes_of(config, points->box(), points->size(), options.spacing);
    const bool fit = options.detail != Cascade::Detail::learned;
    double smallest = sizes.side(windows.finest_cells);
    if (fit) smallest = std::max(smallest, options.spacing);
    int octaves = octaves_for(config, options, sizes.coarse_cell, smallest);
    if (fit) octaves = octaves_under_fit(config, *points, options, sizes, octaves);
    WindowPlan plan{.whole = {{}, 1, kBrickCells, config.features},
                    .octaves = octaves,
                    .fit = fit,
                    .thinning = fit ? kThinning : 0,
                    .most_bricks = windows.most_bricks,
                    .spacing = options.spacing,
                    .noise = options.noise,
                    .mesh_cell = windows.mesh_cell,
                    .domain = {}};
    int resident = 0;
    while (resident < plan.octaves && sizes.cells(resident + 1) <= windows.resident_cells) ++resident;
    Encoder encoder(net, *points, fit, windows.most_bricks, progress);
    plan.whole = encoder.run(resident);
    plan.domain = domain_of(encoder, config, plan.whole);
    if (options.sensors && !options.sensors->empty()) {
        NIR_CHECK(points->has_sensors());
        plan.sensors.positions = options.sensors->positions;
        plan.free_space =
            std::make_shared<FreeSpace>(*points, plan.sensors.positions, plan.domain,
                                        FreeSpace::cell_for(plan.whole.cell(plan.octaves), options.spacing));
    }
    return window_field(net, std::move(points), std::move(plan));
}

}  // namespace nir::models
