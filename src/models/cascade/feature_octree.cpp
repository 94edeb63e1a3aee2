// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/feature_octree.h"

#include "nir/base/error.h"

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
    return std::span(level(octave).data).subspan(first * brick_floats(), count * brick_floats());
}

std::span<float> FeatureOctree::brick_data(int octave, std::size_t first, std::size_t count) {
    const auto data = std::as_const(*this).brick_data(octave, first, count);
    return {const_cast<float*>(data.data()), data.size()};  // the object is not const
}

void FeatureOctree::store_bricks(int octave, std::span<const Vec3i> bricks, std::span<const float> features) {
    Level& to = *levels_[static_cast<std::size_t>(octave)];
    const std::size_t floats = brick_floats();
    NIR_CHECK(features.size() == bricks.size() * floats);
    for (const Vec3i& b : bricks) NIR_CHECK(has_brick(octave, b));
    for (std::size_t i = 0; i < bricks.size(); ++i)
        std::copy_n(features.data() + i * floats, floats,
                    to.data.data() + static_cast<std::size_t>(slot_of(octave, bricks[i])) * floats);
}

void FeatureOctree::load(int octave, const CellBox& box, std::span<float> volume) const {
    const Vec3i s = box.size();
    const int last = cells(octave) - 1;
    const auto channels = static_cast<std::size_t>(channels_);
    float* to = volume.data();
    for (int z = box.lo.z; z < box.lo.z + s.z; ++z)
        for (int y = box.lo.y; y < box.lo.y + s.y; ++y)
            for (int x = box.lo.x; x < box.lo.x + s.x;) {
                const Vec3i c{std::clamp(x, 0, last), std::clamp(y, 0, last), std::clamp(z, 0, last)};
                if (const float* f = cell_features(octave, c)) {
                    // The cells of a brick along x lie one after the other; beyond the grid the border is repeated.
                    const int run = x == c.x ? std::min(kBrickCells - c.x % kBrickCells, box.lo.x + s.x - x) : 1;
                    to = std::copy_n(f, static_cast<std::size_t>(run) * channels, to);
                    x += run;
                    continue;
                }
                const Vec3f centre = static_cast<Vec3f>(c) + Vec3f{0.5f, 0.5f, 0.5f};
                sample(origin_ + centre * cell(octave), to);
                to += channels;
                ++x;
            }
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
    corner[0] = cell_features(octave, {lo[0], lo[1], lo[2]});
    if (!corner[0]) return false;
    const bool one_brick = lo[0] / kBrickCells == hi[0] / kBrickCells && lo[1] / kBrickCells == hi[1] / kBrickCells &&
                           lo[2] / kBrickCells == hi[2] / kBrickCells;
    for (int k = 1; k < 8; ++k) {
        const Vec3i c{k & 1 ? hi[0] : lo[0], k & 2 ? hi[1] : lo[1], k & 4 ? hi[2] : lo[2]};
        if (one_brick)
            corner[k] = corner[0] + (((c.z - lo[2]) * kBrickCells + (c.y - lo[1])) * kBrickCells + (c.x - lo[0])) *
                                        static_cast<std::ptrdiff_t>(channels_);
        else if (!(corner[k] = cell_features(octave, c)))
            return false;
    }
    for (int c = 0; c < channels_; ++c) out[c] = 0;
    for (int k = 0; k < 8; ++k) {
        const float w = (k & 1 ? t[0] : 1 - t[0]) * (k & 2 ? t[1] : 1 - t[1]) * (k & 4 ? t[2] : 1 - t[2]);
        const float* f = corner[k];
        for (int c = 0; c < channels_; ++c) out[c] += w * f[c];
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
