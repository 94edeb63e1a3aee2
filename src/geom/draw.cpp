// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/draw.h"

#include "nir/base/error.h"

#include "geom/stroke_font.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace nir::geom {
namespace {

void blend(Image8& image, int x, int y, Rgb8 color, double opacity) {
    if (x < 0 || y < 0 || x >= image.width || y >= image.height || opacity <= 0.0) return;
    std::uint8_t* p = image.pixel(x, y);
    const std::uint8_t c[3] = {color.r, color.g, color.b};
    for (int i = 0; i < 3; ++i)
        p[i] = static_cast<std::uint8_t>(std::lround(p[i] + (c[i] - p[i]) * std::min(opacity, 1.0)));
}

/// Distance of (x, y) to a segment.
double distance_to_segment(double x, double y, StrokePoint a, StrokePoint b) {
    const double dx = b.x - a.x, dy = b.y - a.y, length2 = dx * dx + dy * dy;
    const double t = length2 > 0.0 ? std::clamp(((x - a.x) * dx + (y - a.y) * dy) / length2, 0.0, 1.0) : 0.0;
    return std::hypot(x - a.x - t * dx, y - a.y - t * dy);
}

/// A whole stroke at once, so that joints are not blended twice.
void draw_stroke(Image8& image, const Stroke& s, double thickness, Rgb8 color) {
    if (s.empty()) return;
    double x0 = s[0].x, x1 = s[0].x, y0 = s[0].y, y1 = s[0].y;
    for (const auto& p : s)
        x0 = std::min(x0, p.x), x1 = std::max(x1, p.x), y0 = std::min(y0, p.y), y1 = std::max(y1, p.y);
    const double r = 0.5 * thickness, reach = r + 1.0;
    const auto clip = [](double v, int n) { return static_cast<int>(std::clamp(v, 0.0, static_cast<double>(n))); };
    for (int y = clip(std::floor(y0 - reach), image.height); y < clip(std::ceil(y1 + reach), image.height); ++y)
        for (int x = clip(std::floor(x0 - reach), image.width); x < clip(std::ceil(x1 + reach), image.width); ++x) {
            double d = distance_to_segment(x + 0.5, y + 0.5, s[0], s[0]);
            for (std::size_t i = 1; i < s.size(); ++i)
                d = std::min(d, distance_to_segment(x + 0.5, y + 0.5, s[i - 1], s[i]));
            blend(image, x, y, color, std::clamp(r + 0.5 - d, 0.0, 1.0));
        }
}

}  // namespace

void draw_line(Image8& image, double x0, double y0, double x1, double y1, double thickness, Rgb8 color) {
    NIR_CHECK(image.channels >= 3);
    draw_stroke(image, {{x0, y0}, {x1, y1}}, thickness, color);
}

void draw_text(Image8& image, double x, double y, double size, std::string_view text, Rgb8 color) {
    NIR_CHECK(image.channels >= 3);
    const double unit = size / 6.0, thickness = std::max(1.0, 0.75 * unit);
    for (const char c : text) {
        const Glyph& g = glyph_of(c);
        for (Stroke s : g.strokes) {
            for (auto& p : s) p = {x + p.x * unit, y - p.y * unit};
            draw_stroke(image, s, s.size() == 1 ? 1.5 * thickness : thickness, color);
        }
        x += g.advance * unit;
    }
}

double text_width(double size, std::string_view text) {
    double width = 0.0;
    for (const char c : text) width += glyph_of(c).advance * size / 6.0;
    return width;
}

void draw_rectangle(Image8& image, int x, int y, int width, int height, Rgb8 color, double opacity) {
    NIR_CHECK(image.channels >= 3);
    for (int j = std::max(y, 0); j < std::min(y + height, image.height); ++j)
        for (int i = std::max(x, 0); i < std::min(x + width, image.width); ++i) blend(image, i, j, color, opacity);
}

std::string with_thousands(std::size_t n) {
    std::string s = fmt::format("{}", n);
    for (std::size_t i = s.size(); i > 3; i -= 3) s.insert(i - 3, 1, ',');
    return s;
}

}  // namespace nir::geom
