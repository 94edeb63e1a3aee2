// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/octave_encoder.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include "models/cascade/cascade_refine.h"
#include "models/cascade/octave_bricks.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace nir::models {
namespace {

using geom::Vec3f;
using geom::Vec3i;

class Field final : public CascadeField {
public:
    Field(FeatureOctree tree, CascadeKernelsPtr net, geom::Box3f domain)
        : tree_(std::move(tree)), net_(std::move(net)), domain_(domain) {}

    void values(std::span<const Vec3f> points, std::span<float> out) const override {
        NIR_CHECK(points.size() == out.size());
        const auto channels = static_cast<std::size_t>(tree_.channels());
        parallel_for(points.size(), 480, [&](std::size_t begin, std::size_t end) {
            std::vector<float> c((end - begin) * channels);
            for (std::size_t i = begin; i < end; ++i) tree_.sample(points[i], c.data() + (i - begin) * channels);
            net_->decoder.values({}, c, out.subspan(begin, end - begin));
        });
    }
    geom::Box3f domain() const override { return domain_; }
    float gradient_step() const override { return 0.25f * finest_cell(); }
    int octaves() const override { return tree_.octaves() - 1; }
    float finest_cell() const override { return tree_.cell(tree_.octaves() - 1); }
    std::size_t memory_bytes() const override { return tree_.memory_bytes(); }
    RefineReport refine(std::span<const Vec3f> points, const RefineOptions& options, Progress& progress) override {
        FeatureCorrection correction(tree_, net_->decoder, options.spacing);
        return refine_surface(*this, correction, points, options, progress);
    }

private:
    FeatureOctree tree_;
    CascadeKernelsPtr net_;
    geom::Box3f domain_;
};

struct Placed {
    Vec3i cell;
    std::uint32_t point;
};

}  // namespace

std::vector<Vec3f> thin_points(std::span<const Vec3f> points, Vec3f origin, float cell) {
    NIR_CHECK(cell > 0);
    std::vector<Placed> placed(points.size());
    parallel_for(points.size(), 4096, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            const Vec3f q = (points[i] - origin) / cell;
            placed[i] = {{static_cast<int>(std::floor(q.x)), static_cast<int>(std::floor(q.y)),
                          static_cast<int>(std::floor(q.z))},
                         static_cast<std::uint32_t>(i)};
        }
    });
    const auto key = [](const Placed& p) { return std::tuple(p.cell.x, p.cell.y, p.cell.z, p.point); };
    std::sort(placed.begin(), placed.end(), [&](const Placed& a, const Placed& b) { return key(a) < key(b); });
    std::vector<std::uint32_t> kept;
    for (std::size_t begin = 0, end = 0; begin < placed.size(); begin = end) {
        const Vec3f o = points[placed[begin].point];
        Vec3f mean{};
        for (end = begin; end < placed.size() && placed[end].cell == placed[begin].cell; ++end)
            mean += points[placed[end].point] - o;
        mean = o + mean / static_cast<float>(end - begin);
        std::uint32_t best = placed[begin].point;
        for (std::size_t i = begin + 1; i < end; ++i)
            if (geom::squared_norm(points[placed[i].point] - mean) < geom::squared_norm(points[best] - mean))
                best = placed[i].point;
        kept.push_back(best);
    }
    std::sort(kept.begin(), kept.end());
    std::vector<Vec3f> out;
    out.reserve(kept.size());
    for (const auto i : kept) out.push_back(points[i]);
    return out;
}

void add_fine_octave(const CascadeKernels& net, FeatureOctree& tree, std::span<const Vec3f> points,
                     const BrickBox& cores, std::size_t most_bricks) {
    const int octave = tree.octaves();
    NIR_CHECK(octave > 0);
    const auto decode = [&](std::span<const float> features, std::span<float> logits) {
        net.decoder.values({}, features, logits);
    };
    tree.add_octave(active_bricks(tree, points, octave, decode, cores.grown(kHaloBricks)));
    for (BrickGroup& group : group_bricks(tree, octave, most_bricks, cores)) {
        const BrickSet set(std::move(group.bricks));
        const BrickInputs inputs(tree, points, octave, set);
        net.fine.run(set, group.within, std::cref(inputs), [&](std::int64_t first, std::int64_t count, const float* y) {
            const auto done =
                std::span(set.bricks()).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
            std::vector<float> sum(done.size() * kBrickCells * kBrickCells * kBrickCells *
                                   static_cast<std::size_t>(tree.channels()));
            brick_context(tree, octave, done, sum);
            for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += y[i];
            tree.store_bricks(octave, done, sum);
        });
    }
}

std::unique_ptr<CascadeField> learned_field(FeatureOctree tree, CascadeKernelsPtr net, const geom::Box3f& domain) {
    return std::make_unique<Field>(std::move(tree), std::move(net), domain);
}

}  // namespace nir::models
