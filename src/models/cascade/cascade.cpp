// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/models/cascade.h"

#include "nir/base/parallel.h"
#include "nir/geom/sampling.h"
#include "nir/geom/spacing.h"
#include "nir/kernels/splat.h"

#include "models/cascade/cascade_encode.h"
#include "models/cascade/cascade_file.h"
#include "models/cascade/cascade_net.h"
#include "models/cascade/cascade_refine.h"
#include "models/cascade/feature_octree.h"
#include "models/cascade/octave_bricks.h"
#include "models/fitted/fitted_field.h"

#include <cmath>

namespace nir::models {
namespace {

using geom::Vec3f;

constexpr std::size_t kMostBricks = 10000;   ///< computed together; each takes about 130 KB of memory meanwhile
constexpr double kCellsAcross = 13;          ///< cells of an octave along the normal of the surface, with whole bricks
constexpr double kMostLearnedCells = 2.5e6;  ///< of the finest octave; where it would have more, the surface is fitted
constexpr double kCellsUnderFit = 6e5;       ///< of the finest octave then
constexpr float kThinning = 2.5f;            ///< points along a cell that the network sees then, at most

class Field final : public CascadeField {
public:
    Field(FeatureOctree tree, CascadeNet net, geom::Box3f domain)
        : tree_(std::move(tree)), net_(std::move(net)), domain_(domain) {}

    void values(std::span<const Vec3f> points, std::span<float> out) const override {
        const torch::InferenceMode guard;
        constexpr std::size_t kChunk = 32768;
        const auto channels = static_cast<std::size_t>(tree_.channels());
        std::vector<float> c(std::min(kChunk, points.size()) * channels);
        for (std::size_t b = 0; b < points.size(); b += kChunk) {
            const std::size_t n = std::min(kChunk, points.size() - b);
            parallel_for(n, 512, [&](std::size_t begin, std::size_t end) {
                for (std::size_t i = begin; i < end; ++i) tree_.sample(points[b + i], c.data() + i * channels);
            });
            auto net = net_;
            const torch::Tensor logits =
                net->decode_features(torch::from_blob(c.data(), {static_cast<std::int64_t>(n), tree_.channels()}))
                    .contiguous();
            std::copy_n(logits.data_ptr<float>(), n, out.begin() + static_cast<std::ptrdiff_t>(b));
        }
    }
    geom::Box3f domain() const override { return domain_; }
    float gradient_step() const override { return 0.25f * finest_cell(); }
    int octaves() const override { return tree_.octaves() - 1; }
    float finest_cell() const override { return tree_.cell(tree_.octaves() - 1); }
    std::size_t memory_bytes() const override { return tree_.memory_bytes(); }
    RefineReport refine(std::span<const Vec3f> points, const RefineOptions& options, Progress& progress) override {
        FeatureCorrection correction(tree_, net_, options.spacing);
        return refine_surface(*this, correction, points, options, progress);
    }

private:
    FeatureOctree tree_;
    CascadeNet net_;
    geom::Box3f domain_;
};

/// Builds the octaves of one scan, coarse to fine.
class Encoder {
public:
    /// @param thin  show each octave no more points than its cells have seen in training
    Encoder(CascadeNet net, std::span<const Vec3f> points, bool thin, Progress& progress)
        : net_(std::move(net)), config_(net_->config()), points_(points), progress_(progress), tree_(make_tree()) {
        if (thin)
            for (const auto& p : points) exact_.push_back(static_cast<geom::Vec3d>(p));
    }

    FeatureOctree run(int octaves) {
        progress_.begin("encode", static_cast<std::uint64_t>(octaves) + 1, "octaves");
        coarse();
        tick();
        for (int octave = 1; octave <= octaves; ++octave) {
            refine(octave);
            tick();
        }
        progress_.end();
        return std::move(tree_);
    }

    geom::Box3f box() const { return box_; }

private:
    FeatureOctree make_tree() {
        for (const auto& p : points_) box_.extend(p);
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
        const auto volume = [n](std::vector<float>& v, std::int64_t channels) {
            return torch::from_blob(v.data(), {channels, n, n, n});
        };
        const auto bricks = static_cast<std::size_t>(n / kBrickCells);
        tree_.add_octave(std::vector<char>(bricks * bricks * bricks, 1));
        const auto& all = tree_.brick_list(0);
        const torch::Tensor x =
            torch::cat({volume(m, kernels::kSplatChannels), volume(open, kernels::kOpennessChannels)});
        tree_.store_bricks(0, all, net_->coarse_on_bricks(BrickSet(all), cut_bricks(x, all, kBrickCells)));
    }

    void refine(int octave) {
        const auto points = points_of(octave);
        tree_.add_octave(
            active_bricks(tree_, points, octave, [this](const torch::Tensor& c) { return net_->decode_features(c); }));
        for (const BrickGroup& group : group_bricks(tree_, octave, kMostBricks)) {
            const std::span core(group.bricks.data(), group.n_core);
            const torch::Tensor f =
                net_->fine_on_bricks(BrickSet(group.bricks), brick_inputs(tree_, points, octave, group.bricks));
            const auto n = static_cast<std::int64_t>(core.size());
            tree_.store_bricks(octave, core, f.narrow(0, 0, n).add_(brick_context(tree_, octave, core)));
        }
    }

    std::span<const Vec3f> points_of(int octave) {
        if (exact_.empty()) return points_;
        const auto side = static_cast<double>(tree_.cell(octave) / kThinning);
        std::vector<Vec3f> chosen;
        for (const auto i : geom::voxel_subset(exact_, side)) chosen.push_back(points_[i]);
        thinned_ = std::move(chosen);
        return thinned_;
    }

    CascadeNet net_;
    CascadeConfig config_;
    std::span<const Vec3f> points_;
    std::vector<geom::Vec3d> exact_;  ///< the points if they are to be thinned
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
    CascadeNet net{nullptr};
    std::map<std::string, std::string> metadata;
};

Cascade::Cascade(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Cascade::~Cascade() = default;
Cascade::Cascade(Cascade&&) noexcept = default;
Cascade& Cascade::operator=(Cascade&&) noexcept = default;

Cascade Cascade::load(const std::filesystem::path& file) {
    auto impl = std::make_unique<Impl>();
    impl->net = load_cascade(file, &impl->metadata);
    impl->net->eval();
    return Cascade(std::move(impl));
}

const std::map<std::string, std::string>& Cascade::metadata() const { return impl_->metadata; }

std::unique_ptr<CascadeField> Cascade::encode(std::span<const Vec3f> points, const EncodeOptions& options,
                                              Progress& progress) const {
    return encode_cascade(impl_->net, points, options, progress);
}

std::unique_ptr<CascadeField> Cascade::encode(const geom::PointCloud& cloud, Progress& progress) const {
    return encode_cascade(impl_->net, cloud, progress);
}

std::unique_ptr<CascadeField> encode_cascade(const CascadeNet& net, const geom::PointCloud& cloud, Progress& progress) {
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

}  // namespace

std::unique_ptr<CascadeField> encode_cascade(const CascadeNet& net, std::span<const Vec3f> points,
                                             const Cascade::EncodeOptions& options, Progress& progress) {
    if (points.empty()) fail(ErrorKind::input, "no points to encode");
    NIR_CHECK(options.spacing > 0);
    const torch::InferenceMode guard;
    const CascadeConfig& config = net->config();
    geom::Box3f box;
    for (const auto& p : points) box.extend(p);
    const double side = box.longest_side();
    if (!(side > 0) || !std::isfinite(side)) fail(ErrorKind::input, "the points have no extent");
    const double coarse_cell = side / (config.coarse_cells - 2 * config.coarse_margin);
    const double area = static_cast<double>(points.size()) * options.spacing * options.spacing;
    const auto cells = [&](int octaves) { return kCellsAcross * area / std::pow(coarse_cell / (1 << octaves), 2); };
    const int full = octaves_for(config, options, coarse_cell, 0);
    const bool fit = options.detail == Cascade::Detail::fitted ||
                     (options.detail == Cascade::Detail::automatic && cells(full) > kMostLearnedCells);
    const double smallest = std::max(options.spacing, std::sqrt(kCellsAcross * area / kCellsUnderFit));
    const int few = octaves_for(config, options, coarse_cell, smallest);
    Encoder encoder(net, points, fit, progress);
    FeatureOctree tree = encoder.run(fit ? few : full);
    const geom::Box3f domain = encoder.box().padded(static_cast<float>(0.9 * config.coarse_margin) * tree.cell(0));
    std::unique_ptr<CascadeField> learned = std::make_unique<Field>(std::move(tree), net, domain);
    if (!fit) return learned;
    return fit_surface(std::move(learned), points, {.spacing = options.spacing, .noise = options.noise}, progress);
}

}  // namespace nir::models
