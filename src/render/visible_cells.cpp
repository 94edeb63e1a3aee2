// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "render/visible_cells.h"

#include "nir/base/parallel.h"
#include "nir/kernels/ray_march.h"

#include <algorithm>
#include <cmath>

namespace nir::render {
namespace {

using geom::Vec3d;
using kernels::kOccupancyCells;

/// Number of pixels that are not transparent in any rectangle of a picture.
class OpaqueCount {
public:
    explicit OpaqueCount(const geom::Image8& image) : width_(image.width), height_(image.height) {
        if (image.channels != 4) return;
        sums_.resize(static_cast<std::size_t>(width_ + 1) * static_cast<std::size_t>(height_ + 1));
        for (int y = 0; y < height_; ++y)
            for (int x = 0; x < width_; ++x)
                sums_[at(x + 1, y + 1)] =
                    sums_[at(x, y + 1)] + sums_[at(x + 1, y)] - sums_[at(x, y)] + (image.pixel(x, y)[3] > 0 ? 1 : 0);
    }
    bool any_transparent() const { return !sums_.empty() && sums_.back() < width_ * height_; }
    /// True if all pixels within `radius` of (x, y) lie in the picture and are transparent.
    bool transparent_around(double x, double y, double radius) const {
        if (sums_.empty()) return false;
        const double x0 = std::floor(x - radius - 1), x1 = std::ceil(x + radius + 1), y0 = std::floor(y - radius - 1),
                     y1 = std::ceil(y + radius + 1);
        if (x0 < 0 || y0 < 0 || x1 > width_ || y1 > height_) return false;
        const int l = static_cast<int>(x0), r = static_cast<int>(x1), t = static_cast<int>(y0),
                  b = static_cast<int>(y1);
        return sums_[at(r, b)] - sums_[at(l, b)] - sums_[at(r, t)] + sums_[at(l, t)] == 0;
    }

private:
    std::size_t at(int x, int y) const {
        return static_cast<std::size_t>(y) * static_cast<std::size_t>(width_ + 1) + static_cast<std::size_t>(x);
    }
    int width_, height_;
    std::vector<int> sums_;
};

/// Decides about spheres of the world.
class SphereTest {
public:
    SphereTest(const std::vector<PosedView>& views, std::size_t fewest) : views_(views), fewest_(fewest) {
        for (const PosedView& view : views) opaque_.emplace_back(view.rgba);
    }
    bool any_transparent() const {
        return std::any_of(opaque_.begin(), opaque_.end(), [](const OpaqueCount& o) { return o.any_transparent(); });
    }
    /// @param first the view to ask first: the one that said no last time; set to the one that says no.
    bool visible(Vec3d center, double radius, std::size_t& first) const {
        std::size_t seen = 0;
        const std::size_t start = first;
        for (std::size_t i = 0; i < views_.size(); ++i) {
            const std::size_t v = (start + i) % views_.size();
            const geom::Camera& camera = views_[v].camera;
            const auto at = geom::project(camera, views_[v].world_from_camera, center);
            // Spheres around the eye or behind it, or beyond the lens model, are left to the other views.
            if (!at || at->depth <= radius) {
                seen += norm(center - views_[v].world_from_camera.position) < 2 * radius ? 1u : 0u;
                continue;
            }
            // A sphere's image is an ellipse, at most this wide within 60 degrees of the axis; 1.5 covers mild lenses.
            const double reach =
                1.5 * radius * std::max(camera.fx, camera.fy) / (at->depth - radius) *
                (1 + (std::pow(at->at.x - camera.cx, 2) + std::pow(at->at.y - camera.cy, 2)) / (camera.fx * camera.fy));
            if (opaque_[v].transparent_around(at->at.x, at->at.y, reach)) {
                first = v;
                return false;
            }
            const bool inside = at->at.x > -reach && at->at.y > -reach && at->at.x < camera.width + reach &&
                                at->at.y < camera.height + reach;
            seen += inside ? 1u : 0u;
        }
        return seen >= fewest_;
    }

private:
    const std::vector<PosedView>& views_;
    std::size_t fewest_;
    std::vector<OpaqueCount> opaque_;
};

/// A block of cells and what becomes of it.
struct Carver {
    const SphereTest& test;
    const FieldFrame& frame;
    std::uint32_t cascade, finest;
    std::vector<std::uint32_t>* out;
    std::size_t last_rejecting = 0;

    void carve(std::uint32_t x, std::uint32_t y, std::uint32_t z, std::uint32_t size) {
        const double side = static_cast<double>(1u << cascade), cell = side / kOccupancyCells;
        const auto middle = [&](std::uint32_t i) { return (i + 0.5 * size) * cell - 0.5 * side + 0.5; };
        const Vec3d center = frame.world_from_field({middle(x), middle(y), middle(z)});
        if (!test.visible(center, 0.8661 * size * cell * frame.side, last_rejecting)) return;
        if (size == finest) {
            for (std::uint32_t i = 0; i < size * size * size; ++i)
                out->push_back(cascade * static_cast<std::uint32_t>(kernels::kCellsPerCascade) +
                               kernels::occupancy_cell(x + i % size, y + i / size % size, z + i / (size * size)));
            return;
        }
        const std::uint32_t half = size / 2;
        for (std::uint32_t c = 0; c < 8; ++c)
            carve(x + (c & 1) * half, y + (c >> 1 & 1) * half, z + (c >> 2) * half, half);
    }
};

}  // namespace

std::vector<std::uint32_t> visible_cells(const std::vector<PosedView>& views, const FieldFrame& frame, int cascades,
                                         std::uint32_t finest, std::size_t fewest) {
    constexpr std::uint32_t kBlock = 8, kBlocks = kOccupancyCells / kBlock;
    const SphereTest test(views, fewest);
    if (!test.any_transparent()) finest = kBlock;  // borders of the views only
    const std::size_t blocks = std::size_t{kBlocks} * kBlocks * kBlocks * static_cast<std::size_t>(cascades);
    std::vector<std::vector<std::uint32_t>> parts((blocks + 63) / 64);
    parallel_for(blocks, 64, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            const auto index = static_cast<std::uint32_t>(i);
            Carver carver{test, frame, index / (kBlocks * kBlocks * kBlocks), finest, &parts[begin / 64]};
            carver.carve(index % kBlocks * kBlock, index / kBlocks % kBlocks * kBlock,
                         index / (kBlocks * kBlocks) % kBlocks * kBlock, kBlock);
        }
    });
    std::vector<std::uint32_t> out;
    for (const auto& part : parts) out.insert(out.end(), part.begin(), part.end());
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace nir::render
