// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/cascade_refine.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include "models/cascade/sparse_lattice.h"

#include <algorithm>
#include <cmath>

namespace nir::models {
namespace {

using geom::Vec3f;
using geom::Vec3i;

constexpr int kMostScales = 5;
constexpr float kWidest = 2;      ///< spacings along a cell of the widest lattice, at least
constexpr float kDamping = 0.1f;  ///< of the median of |g|^2: where the decoder is flat, features hardly change
constexpr std::size_t kChunk = 480;

/// Averages vectors at places on the nodes of a lattice. @return [nodes, channels]
std::vector<float> averages(const SparseLattice& lattice, std::span<const Vec3f> places, std::span<const float> vectors,
                            std::size_t channels, float prior) {
    std::vector<float> sum(lattice.nodes() * channels, 0.0f), weight(lattice.nodes(), prior);
    for (std::size_t i = 0; i < places.size(); ++i) {
        const SparseLattice::Corners c = lattice.corners(places[i]);
        for (std::size_t k = 0; k < 8; ++k) {
            const auto node = static_cast<std::size_t>(c.node[k]);
            weight[node] += c.weight[k];
            for (std::size_t f = 0; f < channels; ++f)
                sum[node * channels + f] += c.weight[k] * vectors[i * channels + f];
        }
    }
    for (std::size_t n = 0; n < weight.size(); ++n)
        for (std::size_t f = 0; f < channels; ++f) sum[n * channels + f] /= std::max(weight[n], 1e-6f);
    return sum;
}

/// The nodes of a lattice around a brick, which is all that its cells need.
class NodeBlock {
public:
    /// Cell c of the octave lies at (c + 0.5) / ratio - 0.5 of the lattice.
    NodeBlock(const SparseLattice& lattice, Vec3i brick, int ratio) : ratio_(static_cast<float>(ratio)) {
        for (int a = 0; a < 3; ++a) {
            lo_[a] = static_cast<std::int32_t>(std::floor(at(brick[a] * kBrickCells)));
            size_[a] = static_cast<std::int32_t>(std::floor(at(brick[a] * kBrickCells + kBrickCells - 1))) + 2 - lo_[a];
        }
        for (int z = 0; z < size_.z; ++z)
            for (int y = 0; y < size_.y; ++y)
                for (int x = 0; x < size_.x; ++x) {
                    nodes_.push_back(lattice.find(lo_ + Vec3i{x, y, z}));
                    any_ = any_ || nodes_.back() >= 0;
                }
    }
    bool any() const { return any_; }

    /// Adds the interpolated vectors to the features of cell c. @param values [nodes, channels]
    void add(Vec3i c, std::span<const float> values, std::span<float> features) const {
        Vec3i lo;
        Vec3f t;
        for (int a = 0; a < 3; ++a) {
            const float q = at(c[a]), f = std::floor(q);
            lo[a] = static_cast<std::int32_t>(f) - lo_[a];
            t[a] = q - f;
        }
        for (int k = 0; k < 8; ++k) {
            const float w = (k & 1 ? t.x : 1 - t.x) * (k & 2 ? t.y : 1 - t.y) * (k & 4 ? t.z : 1 - t.z);
            const Vec3i n = lo + Vec3i{k & 1, k >> 1 & 1, k >> 2};
            const std::int32_t node = nodes_[static_cast<std::size_t>((n.z * size_.y + n.y) * size_.x + n.x)];
            if (node < 0 || w == 0) continue;
            const float* v = values.data() + static_cast<std::size_t>(node) * features.size();
            for (std::size_t f = 0; f < features.size(); ++f) features[f] += w * v[f];
        }
    }

private:
    float at(int cell) const { return (static_cast<float>(cell) + 0.5f) / ratio_ - 0.5f; }
    float ratio_;
    Vec3i lo_{}, size_{};
    std::vector<std::int32_t> nodes_;
    bool any_ = false;
};

}  // namespace

FeatureCorrection::FeatureCorrection(FeatureOctree& tree, kernels::ResidualMlp decoder, double spacing)
    : tree_(tree), decoder_(std::move(decoder)), octave_(tree.octaves() - 1) {
    for (double cell = tree.cell(octave_); cell < kWidest * spacing && scales_ < kMostScales; cell *= 2) ++scales_;
}

std::vector<float> FeatureCorrection::changes(std::span<const Vec3f> places, std::span<const float> wanted) {
    const auto channels = static_cast<std::size_t>(tree_.channels());
    std::vector<float> c(places.size() * channels);
    std::vector<char> known(places.size());
    parallel_for(places.size(), kChunk, [&](std::size_t begin, std::size_t end) {
        const std::size_t n = end - begin;
        std::vector<float> features(n * channels), logits(n);
        for (std::size_t i = 0; i < n; ++i)
            known[begin + i] = tree_.sample(places[begin + i], features.data() + i * channels) == octave_;
        decoder_.gradients({}, features, 0, logits, {}, std::span(c).subspan(begin * channels, n * channels));
    });
    std::vector<float> squared(places.size());
    for (std::size_t i = 0; i < places.size(); ++i)
        for (std::size_t f = 0; f < channels; ++f) squared[i] += c[i * channels + f] * c[i * channels + f];
    std::vector<float> sorted = squared;
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    const float damping = std::max(kDamping * *middle, 1e-12f);
    for (std::size_t i = 0; i < places.size(); ++i) {
        const float scale = known[i] ? wanted[i] / (squared[i] + damping) : 0.0f;
        for (std::size_t f = 0; f < channels; ++f) c[i * channels + f] *= scale;
    }
    return c;
}

void FeatureCorrection::apply(int scale, std::span<const Vec3f> places, std::span<const float> wanted, float prior) {
    NIR_CHECK(scale >= 0 && scale < scales_ && places.size() == wanted.size());
    saved_.clear();
    if (places.empty()) return;
    const auto channels = static_cast<std::size_t>(tree_.channels());
    const int ratio = 1 << (scales_ - 1 - scale);
    const float cell = tree_.cell(octave_) * static_cast<float>(ratio);
    const SparseLattice lattice(places, tree_.origin() + Vec3f{0.5f, 0.5f, 0.5f} * cell, cell);
    const std::vector<float> mean = averages(lattice, places, changes(places, wanted), channels, prior);

    const auto& bricks = tree_.brick_list(octave_);
    std::vector<Saved> saved(bricks.size());
    parallel_for(bricks.size(), 8, [&](std::size_t begin, std::size_t end) {
        for (std::size_t b = begin; b < end; ++b) {
            const NodeBlock block(lattice, bricks[b], ratio);
            if (!block.any()) continue;
            const std::span<float> data = tree_.brick_data(octave_, b, 1);
            saved[b] = {b, {data.begin(), data.end()}};
            for (int i = 0; i < kBrickCells * kBrickCells * kBrickCells; ++i) {
                const Vec3i local{i % kBrickCells, i / kBrickCells % kBrickCells, i / (kBrickCells * kBrickCells)};
                block.add(bricks[b] * kBrickCells + local, mean,
                          data.subspan(static_cast<std::size_t>(i) * channels, channels));
            }
        }
    });
    for (auto& s : saved)
        if (!s.data.empty()) saved_.push_back(std::move(s));
}

void FeatureCorrection::undo() {
    for (const Saved& s : saved_) std::ranges::copy(s.data, tree_.brick_data(octave_, s.brick, 1).begin());
    saved_.clear();
}

}  // namespace nir::models
