// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <string_view>
#include <vector>

namespace nir::geom {

struct StrokePoint {
    double x, y;
};
using Stroke = std::vector<StrokePoint>;  // a polyline; one point is a dot

/// Strokes in units of a sixth of the height of a capital, y upwards from the baseline.
struct Glyph {
    std::vector<Stroke> strokes;
    double advance = 0.0;
};

/// Glyph of an ASCII character; an empty box for all others.
const Glyph& glyph_of(char c);

}  // namespace nir::geom
