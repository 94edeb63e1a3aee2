// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/image.h"
#include "nir/geom/shapes.h"

#include <string>
#include <string_view>

namespace nir::geom {

/// Smooth line of the given thickness with round ends, pixels (pixel centres at + 0.5). Parts outside are cut off.
void draw_line(Image8& image, double x0, double y0, double x1, double y1, double thickness, Rgb8 color);

/// Draws ASCII text in a built-in stroke font; (x, y) is the left end of the baseline, `size` the height of capitals,
/// pixels. Other characters are drawn as an empty box.
void draw_text(Image8& image, double x, double y, double size, std::string_view text, Rgb8 color);
/// Width of the text, pixels.
double text_width(double size, std::string_view text);

/// Filled axis-aligned rectangle, clipped; opacity 0..1.
void draw_rectangle(Image8& image, int x, int y, int width, int height, Rgb8 color, double opacity = 1.0);

/// 41000 -> "41,000".
std::string with_thousands(std::size_t n);

}  // namespace nir::geom
