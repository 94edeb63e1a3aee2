// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/geom/rasterizer.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace nir::geom::raster {

/// A projection onto a pixel grid: perspective from origin, or parallel along -back. Depth is the distance along -back.
struct View {
    Vec3d origin{}, right{1, 0, 0}, up{0, 1, 0}, back{0, 0, 1};
    bool perspective = true;
    double focal = 1.0;  // pixels per unit at depth 1 (perspective) or everywhere (parallel)
    int width = 0, height = 0;
    double shift_x = 0.0, shift_y = 0.0;  // of the principal point from the middle, pixels

    double center_x() const { return 0.5 * width + shift_x; }
    double center_y() const { return 0.5 * height + shift_y; }
    double scale_at(double depth) const { return perspective ? focal / depth : focal; }
    double depth_of(Vec3d p) const { return -dot(p - origin, back); }
    /// Point seen at the middle of pixel (x, y) at a depth.
    Vec3d point_at(int x, int y, double depth) const {
        const double s = 1.0 / scale_at(depth);
        return origin - back * depth + right * ((x + 0.5 - center_x()) * s) - up * ((y + 0.5 - center_y()) * s);
    }
};

View make_view(const ViewCamera& camera, int width, int height);
/// Parallel view from far along `direction` (towards the light) that holds a ball.
View make_light_view(Vec3d direction, Vec3d center, double radius, int size);

struct ScreenPoint {
    float x = 0, y = 0, depth = -1;  // pixels; depth <= 0: behind the eye
};
std::vector<ScreenPoint> project(const View& view, std::span<const Vec3d> points);

constexpr int kBandRows = 64;

/// Calls f(begin_row, end_row) for bands of rows in parallel.
template <class F>
void for_bands(int height, F f) {
    const auto n = static_cast<std::size_t>((height + kBandRows - 1) / kBandRows);
    parallel_for(n, 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t b = begin; b < end; ++b) {
            const int y = static_cast<int>(b) * kBandRows;
            f(y, std::min(height, y + kBandRows));
        }
    });
}

/// Visits the pixels of rows [y0, y1) whose centres lie in the triangle: f(x, y, depth, b0, b1, b2) with
/// perspective-correct weights of the corners.
template <class F>
void visit_triangle(const View& view, ScreenPoint a, ScreenPoint b, ScreenPoint c, int y0, int y1, F f) {
    if (a.depth <= 0 || b.depth <= 0 || c.depth <= 0) return;
    const float top = std::min({a.y, b.y, c.y}), bottom = std::max({a.y, b.y, c.y});
    if (!(bottom >= static_cast<float>(y0) && top <= static_cast<float>(y1))) return;
    const float left = std::min({a.x, b.x, c.x}), right = std::max({a.x, b.x, c.x});
    if (!(right >= 0.0f && left <= static_cast<float>(view.width))) return;
    const double area = (static_cast<double>(b.x) - a.x) * (static_cast<double>(c.y) - a.y) -
                        (static_cast<double>(c.x) - a.x) * (static_cast<double>(b.y) - a.y);
    if (area == 0.0) return;
    const auto first = [](float v) { return static_cast<int>(std::max(std::floor(v - 0.5f), 0.0f)); };
    const auto end = [](float v, int n) {
        return static_cast<int>(std::min(std::ceil(v + 0.5f), static_cast<float>(n)));
    };
    const int x_begin = first(left), x_end = end(right, view.width);
    const int y_begin = std::max(y0, first(top)), y_end = end(bottom, y1);
    const double inv = 1.0 / area, ia = 1.0 / a.depth, ib = 1.0 / b.depth, ic = 1.0 / c.depth;
    const double du_dx = (static_cast<double>(b.y) - c.y) * inv, dv_dx = (static_cast<double>(c.y) - a.y) * inv;
    for (int y = y_begin; y < y_end; ++y) {
        const double py = y + 0.5, px = x_begin + 0.5;
        double u = ((b.x - px) * (c.y - py) - (c.x - px) * (b.y - py)) * inv;
        double v = ((c.x - px) * (a.y - py) - (a.x - px) * (c.y - py)) * inv;
        for (int x = x_begin; x < x_end; ++x, u += du_dx, v += dv_dx) {
            const double w = 1.0 - u - v;
            if (u < 0.0 || v < 0.0 || w < 0.0) continue;
            if (view.perspective) {
                const double depth = 1.0 / (u * ia + v * ib + w * ic);
                f(x, y, depth, u * ia * depth, v * ib * depth, w * ic * depth);
            } else {
                f(x, y, u * a.depth + v * b.depth + w * c.depth, u, v, w);
            }
        }
    }
}

/// Visits the pixels of rows [y0, y1) covered by a ball: f(x, y, depth, dx, dy, dz), the last three the unit normal in
/// view axes (right, up, back).
template <class F>
void visit_ball(const View& view, ScreenPoint p, double radius, int y0, int y1, F f) {
    if (p.depth <= 0) return;
    const double r = std::max(radius * view.scale_at(p.depth), 0.71);  // at least the pixel it is in
    if (p.y + r < y0 || p.y - r > y1 || p.x + r < 0 || p.x - r > view.width) return;
    const auto clip = [](double v, int n) { return static_cast<int>(std::clamp(v, 0.0, static_cast<double>(n))); };
    const int x_begin = clip(std::floor(p.x - r), view.width), x_end = clip(std::ceil(p.x + r), view.width);
    const int y_begin = std::max(y0, clip(std::floor(p.y - r), y1)), y_end = clip(std::ceil(p.y + r), y1);
    for (int y = y_begin; y < y_end; ++y)
        for (int x = x_begin; x < x_end; ++x) {
            const double dx = (x + 0.5 - static_cast<double>(p.x)) / r, dy = (static_cast<double>(p.y) - y - 0.5) / r;
            const double rest = 1.0 - dx * dx - dy * dy;
            if (rest < 0.0) continue;
            const double dz = std::sqrt(rest);
            f(x, y, p.depth - radius * dz, dx, dy, dz);
        }
}

/// What the eye sees in each (supersampled) pixel.
struct Surfel {
    float depth = std::numeric_limits<float>::infinity();
    Vec3f normal{};  // towards the eye
    Vec3f albedo{};  // linear
    bool seen() const { return depth < std::numeric_limits<float>::infinity(); }
};

/// What each light sees of a scene of triangles that comes in pieces.
struct LightMaps {
    std::size_t n_lights = 0;  // as light_scene() counts them
    std::vector<View> views;
    std::vector<std::vector<float>> depths;

    void add(std::span<const Vec3d> points, std::span<const Triangle> faces);
};

/// A scene that can be drawn from anywhere: triangles or balls.
struct Scene {
    std::span<const Vec3d> points;    // vertices or centres of balls
    std::span<const Triangle> faces;  // empty: balls
    double radius = 0.0;              // of balls
    Box3d box;                        // with the balls
    const LightMaps* maps = nullptr;  // instead of points and faces
};

/// Depths of the scene from a light, infinity where nothing is.
std::vector<float> light_depths(const Scene& scene, const View& light);

/// No light has seen anything yet. @param faces of the whole scene
LightMaps make_light_maps(const Box3d& box, std::size_t faces, const View& camera, Vec3d up, int n_lights);

/// Shares of the sky and of the main lamp that reach each surfel, and how they light it.
struct Light {
    std::vector<float> ambient, lamp;  // one per surfel; lamp includes the cosine
};

/// Direction of the main lamp: upper left behind the viewer.
Vec3d key_direction(const View& view, Vec3d up);
/// A picture's surfels, lit in place by light_scene.
struct Receiver {
    const View* view;
    const std::vector<Surfel>* surfels;
    Light light{};
};
/// Lights all receivers by the same lamps, placed with respect to `camera`.
/// @param n_lights shadow maps (fewer for scenes of more than 100,000 faces or points); 0: no shadows.
void light_scene(const Scene& scene, const View& camera, Vec3d up, int n_lights, std::span<Receiver> receivers);

float linear_from_srgb(std::uint8_t v);
std::uint8_t srgb_from_linear(double v);
Vec3f linear(Rgb8 c);

/// Shades, adds background and ground shadow, and averages the samples of each pixel.
Image8 resolve(const Scene& scene, const View& view, const std::vector<Surfel>& surfels, Vec3d up,
               const RenderOptions& options);

}  // namespace nir::geom::raster
