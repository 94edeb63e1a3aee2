// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/models/cascade.h"

#include "nir/base/parallel.h"
#include "nir/kernels/splat.h"

#include "models/cascade/cascade_encode.h"
#include "models/cascade/cascade_file.h"
#include "models/cascade/cascade_net.h"
#include "models/cascade/feature_octree.h"

#include <cmath>

namespace nir::models {
namespace {

using geom::Vec3f;
using geom::Vec3i;

constexpr int kBrick = FeatureOctree::kBrick;
constexpr int kWholeCells = 136;  ///< an octave whose active box has at most this many cells per side is one window
constexpr int kCoreCells = 64;    ///< otherwise: cells per side of a window's core ...
constexpr int kHaloCells = 16;    ///< ... and around it, about the receptive field of the fine U-Net

torch::Tensor wrap(std::vector<float>& v, std::int64_t channels, Vec3i s) {
    return torch::from_blob(v.data(), {1, channels, s.z, s.y, s.x});
}

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

private:
    FeatureOctree tree_;
    CascadeNet net_;
    geom::Box3f domain_;
};

/// Builds the octaves of one scan, coarse to fine.
class Encoder {
public:
    Encoder(CascadeNet net, std::span<const Vec3f> points, Progress& progress)
        : net_(std::move(net)), config_(net_->config()), points_(points), progress_(progress), tree_(make_tree()) {}

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

    std::vector<float> moments(int octave, const CellBox& box) const {
        const float inv = 1.0f / tree_.cell(octave);
        const Vec3i s = box.size();
        std::vector<float> local;
        for (const auto& p : points_) {
            const Vec3f q = (p - tree_.origin()) * inv - static_cast<Vec3f>(box.lo);
            if (q.x > -1 && q.y > -1 && q.z > -1 && q.x < static_cast<float>(s.x + 1) &&
                q.y < static_cast<float>(s.y + 1) && q.z < static_cast<float>(s.z + 1))
                local.insert(local.end(), {q.x, q.y, q.z});
        }
        const kernels::GridSize size{s.x, s.y, s.z};
        std::vector<float> out(static_cast<std::size_t>(size.cells()) * kernels::kSplatChannels);
        kernels::splat_moments(local, size, out);
        return out;
    }

    void coarse() {
        const int n = config_.coarse_cells;
        const CellBox whole{{0, 0, 0}, {n, n, n}};
        std::vector<float> m = moments(0, whole);
        const kernels::GridSize size{n, n, n};
        const auto cells = static_cast<std::size_t>(size.cells());
        std::vector<float> weight(cells), scratch(2 * cells), open(kernels::kOpennessChannels * cells);
        for (std::size_t i = 0; i < cells; ++i) weight[i] = std::expm1(m[i]);
        kernels::openness(weight, size, scratch, open);
        const torch::Tensor f = net_->coarse(wrap(m, kernels::kSplatChannels, whole.size()),
                                             wrap(open, kernels::kOpennessChannels, whole.size()))
                                    .contiguous();
        const auto bricks = static_cast<std::size_t>(n / kBrick);
        tree_.add_octave(std::vector<char>(bricks * bricks * bricks, 1));
        tree_.store(0, whole, whole, {f.data_ptr<float>(), static_cast<std::size_t>(f.numel())});
    }

    /// Bricks of an octave within one brick of a point of the scan, or where the coarser octave is undecided.
    std::vector<char> active_bricks(int octave) {
        const int n = tree_.cells(octave) / kBrick;
        std::vector<char> active(
            static_cast<std::size_t>(n) * static_cast<std::size_t>(n) * static_cast<std::size_t>(n), 0);
        const auto mark = [&](Vec3f cell, float reach) {
            Vec3i lo, hi;
            for (int a = 0; a < 3; ++a) {
                lo[a] = std::clamp(static_cast<int>(std::floor((cell[a] - reach) / kBrick)), 0, n - 1);
                hi[a] = std::clamp(static_cast<int>(std::floor((cell[a] + reach) / kBrick)), 0, n - 1);
            }
            for (int z = lo.z; z <= hi.z; ++z)
                for (int y = lo.y; y <= hi.y; ++y)
                    for (int x = lo.x; x <= hi.x; ++x)
                        active[(static_cast<std::size_t>(z) * static_cast<std::size_t>(n) +
                                static_cast<std::size_t>(y)) *
                                   static_cast<std::size_t>(n) +
                               static_cast<std::size_t>(x)] = 1;
        };
        const float inv = 1.0f / tree_.cell(octave);
        for (const auto& p : points_) mark((p - tree_.origin()) * inv, 6.0f);
        // The surface of the coarser octave, also where the scan has holes.
        const int bricks = tree_.bricks(octave - 1);
        std::vector<float> f(static_cast<std::size_t>(kBrick) * kBrick * kBrick *
                             static_cast<std::size_t>(config_.features));
        for (int z = 0; z < bricks; ++z)
            for (int y = 0; y < bricks; ++y)
                for (int x = 0; x < bricks; ++x) {
                    if (!tree_.has_brick(octave - 1, {x, y, z})) continue;
                    const Vec3i lo{x * kBrick, y * kBrick, z * kBrick};
                    tree_.load(octave - 1, {lo, lo + Vec3i{kBrick, kBrick, kBrick}}, f);
                    const torch::Tensor c =
                        torch::from_blob(f.data(), {config_.features, kBrick * kBrick * kBrick}).t();
                    const torch::Tensor logits = net_->decode_features(c).contiguous();
                    const float* v = logits.data_ptr<float>();
                    for (int i = 0; i < kBrick * kBrick * kBrick; ++i)
                        if (std::abs(v[i]) < 2.0f)
                            mark(Vec3f{static_cast<float>(lo.x + i % kBrick) + 0.5f,
                                       static_cast<float>(lo.y + i / kBrick % kBrick) + 0.5f,
                                       static_cast<float>(lo.z + i / (kBrick * kBrick)) + 0.5f} *
                                     2.0f,
                                 3.0f);
                }
        return active;
    }

    void refine(int octave) {
        const std::vector<char> active = active_bricks(octave);
        tree_.add_octave(active);
        const int n = tree_.cells(octave), bricks = tree_.bricks(octave);
        const auto active_box = [&](const CellBox& in) {
            CellBox box{in.hi, in.lo};
            for (int z = in.lo.z / kBrick; z < in.hi.z / kBrick; ++z)
                for (int y = in.lo.y / kBrick; y < in.hi.y / kBrick; ++y)
                    for (int x = in.lo.x / kBrick; x < in.hi.x / kBrick; ++x)
                        if (active[(static_cast<std::size_t>(z) * static_cast<std::size_t>(bricks) +
                                    static_cast<std::size_t>(y)) *
                                       static_cast<std::size_t>(bricks) +
                                   static_cast<std::size_t>(x)]) {
                            box.lo = min(box.lo, Vec3i{x * kBrick, y * kBrick, z * kBrick});
                            box.hi = max(box.hi, Vec3i{(x + 1) * kBrick, (y + 1) * kBrick, (z + 1) * kBrick});
                        }
            return box;
        };
        const CellBox whole = active_box({{0, 0, 0}, {n, n, n}});
        if (whole.empty()) return;
        const Vec3i s = whole.size();
        if (std::max({s.x, s.y, s.z}) <= kWholeCells) {
            window(octave, whole);
            return;
        }
        for (int z = whole.lo.z; z < whole.hi.z; z += kCoreCells)
            for (int y = whole.lo.y; y < whole.hi.y; y += kCoreCells)
                for (int x = whole.lo.x; x < whole.hi.x; x += kCoreCells) {
                    const CellBox core = active_box(
                        {{x, y, z}, min(Vec3i{x, y, z} + Vec3i{kCoreCells, kCoreCells, kCoreCells}, whole.hi)});
                    if (!core.empty()) window(octave, core);
                }
    }

    /// Runs the fine U-Net on a core and its halo and keeps the core.
    void window(int octave, const CellBox& core) {
        const int n = tree_.cells(octave);
        const Vec3i halo{kHaloCells, kHaloCells, kHaloCells};
        const CellBox box{max(core.lo - halo, Vec3i{0, 0, 0}), min(core.hi + halo, Vec3i{n, n, n})};
        const CellBox parent{{box.lo.x / 2 - 1, box.lo.y / 2 - 1, box.lo.z / 2 - 1},
                             {box.hi.x / 2 + 1, box.hi.y / 2 + 1, box.hi.z / 2 + 1}};
        const Vec3i ps = parent.size();
        std::vector<float> context(static_cast<std::size_t>(config_.features) * static_cast<std::size_t>(ps.x) *
                                   static_cast<std::size_t>(ps.y) * static_cast<std::size_t>(ps.z));
        tree_.load(octave - 1, parent, context);
        torch::Tensor up = upsample_octave(wrap(context, config_.features, ps));
        for (std::int64_t axis = 2; axis < 5; ++axis) up = up.narrow(axis, 2, up.size(axis) - 4);
        std::vector<float> m = moments(octave, box);
        const torch::Tensor f = net_->fine(wrap(m, kernels::kSplatChannels, box.size()), up).contiguous();
        tree_.store(octave, box, core, {f.data_ptr<float>(), static_cast<std::size_t>(f.numel())});
    }

    CascadeNet net_;
    CascadeConfig config_;
    std::span<const Vec3f> points_;
    Progress& progress_;
    geom::Box3f box_;
    FeatureOctree tree_;
};

}  // namespace

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

std::unique_ptr<CascadeField> encode_cascade(const CascadeNet& net, std::span<const Vec3f> points,
                                             const Cascade::EncodeOptions& options, Progress& progress) {
    if (points.empty()) fail(ErrorKind::input, "no points to encode");
    NIR_CHECK(options.spacing > 0);
    const torch::InferenceMode guard;
    Encoder encoder(net, points, progress);
    const CascadeConfig& config = net->config();
    const double side = encoder.box().longest_side();
    if (!(side > 0) || !std::isfinite(side)) fail(ErrorKind::input, "the points have no extent");
    double cell = side / (config.coarse_cells - 2 * config.coarse_margin);
    int octaves = 0;
    const int most = options.max_octaves < 0 ? config.max_octaves : std::min(options.max_octaves, config.max_octaves);
    while (octaves < most && options.spacing <= config.max_spacing_cells * cell / 2) cell /= 2, ++octaves;
    FeatureOctree tree = encoder.run(octaves);
    const geom::Box3f domain = encoder.box().padded(static_cast<float>(0.9 * config.coarse_margin) * tree.cell(0));
    return std::make_unique<Field>(std::move(tree), net, domain);
}

}  // namespace nir::models
