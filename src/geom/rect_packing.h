// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <optional>
#include <vector>

namespace nir::geom {

struct RectSize {
    int width = 0, height = 0;
};
struct Corner {
    int x = 0, y = 0;
};

/// Places of rectangles in a square without overlap, one a rectangle in their order; nothing if they do not fit.
/// Tallest first, each as high up as the skyline allows. Ref: Jylänki 2010 (skyline, bottom-left).
std::optional<std::vector<Corner>> pack_rects(const std::vector<RectSize>& sizes, int side);

}  // namespace nir::geom
