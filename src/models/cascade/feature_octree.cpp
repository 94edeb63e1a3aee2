// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/feature_octree.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace nir::models {

using geom::Vec3f;
using geom::Vec3i;

FeatureOctree::FeatureOctree(Vec3f origin, float coarse_cell, int coarse_cells, int channels)
    : origin_(origin), coarse_cell_(coarse_cell), coarse_cells_(coarse_cells), channels_(channels) {}

std::size_t FeatureOctree::memory_bytes() const {
    std::size_t bytes = 0;
    for (const auto& l : levels_) bytes += l->data.size() * sizeof(float) + l->slot.size() * sizeof(std::int32_t);
    return bytes;
}

BrickBox BrickBox::clipped(const BrickBox& b) const {
    BrickBox out;
    for (int a = 0; a < 3; ++a) {
        out.lo[a] = std::max(lo[a], b.lo[a]);
        out.hi[a] = std::max(out.lo[a], std::min(hi[a], b.hi[a]));
    }
    return out;
}

FeatureOctree FeatureOctree::first_octaves(int count) const {
    NIR_CHECK(count >= 0 && count <= octaves());
    FeatureOctree tree(origin_, coarse_cell_, coarse_cells_, channels_);
    tree.levels_.assign(levels_.begin(), levels_.begin() + count);
    return tree;
}

void FeatureOctree::add_octave(const ActiveBricks& wanted) {
    NIR_CHECK(wanted.active.size() == wanted.box.count());
    auto level = std::make_shared<Level>();
    level->box = wanted.box;
    level->slot.assign(wanted.active.size(), -1);
    std::size_t i = 0;
    for (int z = wanted.box.lo.z; z < wanted.box.hi.z; ++z)
        for (int y = wanted.box.lo.y; y < wanted.box.hi.y; ++y)
            for (int x = wanted.box.lo.x; x < wanted.box.hi.x; ++x, ++i) {
                if (!wanted.active[i]) continue;
                level->slot[i] = static_cast<std::int32_t>(level->bricks.size());
                level->bricks.push_back({x, y, z});
            }
    level->data.assign(
        level->bricks.size() * kBrickCells * kBrickCells * kBrickCells * static_cast<std::size_t>(channels_), 0.0f);
    levels_.push_back(std::move(level));
}

const float* FeatureOctree::cell_features(int octave, Vec3i c) const {
    const std::int32_t slot = slot_of(octave, {c.x / kBrickCells, c.y / kBrickCells, c.z / kBrickCells});
    if (slot < 0) return nullptr;
    const int local = ((c.z % kBrickCells) * kBrickCells + c.y % kBrickCells) * kBrickCells + c.x % kBrickCells;
    return level(octave).data.data() + (static_cast<std::size_t>(slot) * kBrickCells * kBrickCells * kBrickCells +
                                        static_cast<std::size_t>(local)) *
                                           static_cast<std::size_t>(channels_);
}

std::span<const float> FeatureOctree::brick_data(int octave, std::size_t first, std::size_t count) const {
    const std::size_t floats = static_cast<std::size_t>(kBrickCells * kBrickCells * kBrickCells * channels_);
    return std::span(level(octave).data).subspan(first * floats, count * floats);
}

std::span<float> FeatureOctree::brick_data(int octave, std::size_t first, std::size_t count) {
    const auto data = std::as_const(*this).brick_data(octave, first, count);
    return {const_cast<float*>(data.data()), data.size()};  // the object is not const
}

void FeatureOctree::store_bricks(int octave, std::span<const Vec3i> bricks, const at::Tensor& features) {
    Level& to = *levels_[static_cast<std::size_t>(octave)];
    NIR_CHECK(features.is_contiguous() && features.size(0) == static_cast<std::int64_t>(bricks.size()) &&
              features.size(1) == channels_);
    for (const Vec3i& b : bricks) NIR_CHECK(has_brick(octave, b));
    const float* from = features.data_ptr<float>();
    const auto channels = static_cast<std::size_t>(channels_);
    constexpr std::size_t kCells = kBrickCells * kBrickCells * kBrickCells;
    parallel_for(bricks.size(), 16, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            const auto slot = static_cast<std::size_t>(slot_of(octave, bricks[i]));
            for (std::size_t k = 0; k < channels; ++k)
                for (std::size_t c = 0; c < kCells; ++c)
                    to.data[(slot * kCells + c) * channels + k] = from[(i * channels + k) * kCells + c];
        }
    });
}

void FeatureOctree::load(int octave, const CellBox& box, std::span<float> volume) const {
    const Vec3i s = box.size();
    const std::size_t plane =
        static_cast<std::size_t>(s.x) * static_cast<std::size_t>(s.y) * static_cast<std::size_t>(s.z);
    const int last = cells(octave) - 1;
    parallel_for(static_cast<std::size_t>(s.z), 4, [&](std::size_t begin, std::size_t end) {
        std::vector<float> coarser(static_cast<std::size_t>(channels_));
        for (std::size_t z = begin; z < end; ++z)
            for (int y = 0; y < s.y; ++y)
                for (int x = 0; x < s.x; ++x) {
                    const Vec3i c{std::clamp(box.lo.x + x, 0, last), std::clamp(box.lo.y + y, 0, last),
                                  std::clamp(box.lo.z + static_cast<int>(z), 0, last)};
                    const float* f = cell_features(octave, c);
                    if (!f) {
                        const float h = cell(octave);
                        sample(origin_ + Vec3f{static_cast<float>(c.x) + 0.5f, static_cast<float>(c.y) + 0.5f,
                                               static_cast<float>(c.z) + 0.5f} *
                                             h,
                               coarser.data());
                        f = coarser.data();
                    }
                    const std::size_t to = (z * static_cast<std::size_t>(s.y) + static_cast<std::size_t>(y)) *
                                               static_cast<std::size_t>(s.x) +
                                           static_cast<std::size_t>(x);
                    for (std::size_t k = 0; k < static_cast<std::size_t>(channels_); ++k) volume[k * plane + to] = f[k];
                }
    });
}

bool FeatureOctree::sample_octave(int octave, Vec3f p, float* out) const {
    const float inv = 1.0f / cell(octave), last = static_cast<float>(cells(octave) - 1);
    int lo[3], hi[3];
    float t[3];
    for (int a = 0; a < 3; ++a) {
        const float u = std::clamp((p[a] - origin_[a]) * inv - 0.5f, 0.0f, last);
        const float f = std::floor(u);
        lo[a] = static_cast<int>(f);
        hi[a] = std::min(lo[a] + 1, cells(octave) - 1);
        t[a] = u - f;
    }
    const float* corner[8];
    for (int k = 0; k < 8; ++k) {
        corner[k] = cell_features(octave, {k & 1 ? hi[0] : lo[0], k & 2 ? hi[1] : lo[1], k & 4 ? hi[2] : lo[2]});
        if (!corner[k]) return false;
    }
    for (int c = 0; c < channels_; ++c) out[c] = 0;
    for (int k = 0; k < 8; ++k) {
        const float w = (k & 1 ? t[0] : 1 - t[0]) * (k & 2 ? t[1] : 1 - t[1]) * (k & 4 ? t[2] : 1 - t[2]);
        for (int c = 0; c < channels_; ++c) out[c] += w * corner[k][c];
    }
    return true;
}

int FeatureOctree::sample(Vec3f p, float* out) const {
    for (int octave = octaves() - 1; octave > 0; --octave)
        if (sample_octave(octave, p, out)) return octave;
    sample_octave(0, p, out);  // the coarse octave is whole
    return 0;
}

}  // namespace nir::models
