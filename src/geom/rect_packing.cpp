// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "geom/rect_packing.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace nir::geom {
namespace {

// The skyline: from x on, everything above y is taken.
struct Step {
    int x = 0, y = 0, width = 0;
};

// The y at which a rectangle of this width can stand from step i on; -1 if it would leave the square.
int height_at(const std::vector<Step>& skyline, std::size_t i, int width, int side) {
    if (skyline[i].x + width > side) return -1;
    int y = 0;
    for (int left = width; left > 0; left -= skyline[i++].width) y = std::max(y, skyline[i].y);
    return y;
}

void raise(std::vector<Step>& skyline, std::size_t i, const Step& top) {
    skyline.insert(skyline.begin() + static_cast<std::ptrdiff_t>(i), top);
    const int end = top.x + top.width;
    while (i + 1 < skyline.size() && skyline[i + 1].x < end) {
        Step& next = skyline[i + 1];
        const int cut = std::min(end - next.x, next.width);
        next.x += cut, next.width -= cut;
        if (next.width > 0) break;
        skyline.erase(skyline.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    }
}

}  // namespace

std::optional<std::vector<Corner>> pack_rects(const std::vector<RectSize>& sizes, int side) {
    std::vector<std::size_t> order(sizes.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return sizes[a].height != sizes[b].height ? sizes[a].height > sizes[b].height : sizes[a].width > sizes[b].width;
    });
    std::vector<Corner> out(sizes.size());
    std::vector<Step> skyline{{0, 0, side}};
    for (const std::size_t r : order) {
        std::size_t best = skyline.size();
        int best_y = side + 1;
        for (std::size_t i = 0; i < skyline.size(); ++i) {
            const int y = height_at(skyline, i, sizes[r].width, side);
            if (y >= 0 && y < best_y) best_y = y, best = i;
        }
        if (best == skyline.size() || best_y + sizes[r].height > side) return std::nullopt;
        out[r] = {skyline[best].x, best_y};
        raise(skyline, best, {skyline[best].x, best_y + sizes[r].height, sizes[r].width});
    }
    return out;
}

}  // namespace nir::geom
