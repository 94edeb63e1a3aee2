// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/prepare_photos.h"

#include "nir/io/camera_frames.h"
#include "nir/io/exr.h"
#include "nir/io/npy.h"
#include "nir/io/png.h"
#include "nir/render/bake.h"
#include "nir/render/surface.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;
using geom::Vec3d;
using geom::Vec3f;

constexpr double kDistance = 2.2, kFieldOfView = 0.7, kLampDistance = 2;
constexpr double kGolden = 2.399963229728653;
constexpr int kRays = 3;  // a side of a pixel
constexpr float kSky = 0.4f, kSun = 0.6f, kAmbient = 0.08f;
constexpr float kLampPower = 4 * std::numbers::pi_v<float>;  // white that faces a lamp at its distance is white

/// The i-th of n directions spread evenly over heights `lowest` to `highest` of the ball, y up.
Vec3d spread(int i, int n, double lowest, double highest, double turn) {
    const double y = lowest + (highest - lowest) * (i + 0.5) / n, r = std::sqrt(1 - y * y), a = i * kGolden + turn;
    return {r * std::cos(a), y, r * std::sin(a)};
}

std::uint8_t byte_of(float v) { return static_cast<std::uint8_t>(std::lround(255 * std::clamp(v, 0.0f, 1.0f))); }

/// Linear colours of points below the sun: they do not depend on where one looks from.
std::vector<float> sunlit(std::span<const render::SurfacePoint> points, std::span<const float> base) {
    const Vec3f sun = static_cast<Vec3f>(normalized(Vec3d{0.5, 0.8, 0.35}));
    std::vector<float> out(base.begin(), base.end());
    for (std::size_t i = 0; i < points.size(); ++i) {
        const float light = kSky + kSun * std::max(dot(points[i].normal, sun), 0.0f);
        for (std::size_t k = 0; k < 3; ++k) out[3 * i + k] *= light;
    }
    return out;
}

std::vector<float> base_colors(const render::Surface& surface, std::span<const render::SurfacePoint> points) {
    if (!surface.mesh().colors.empty()) return render::vertex_colors(surface.mesh(), points);
    return std::vector<float>(3 * points.size(), 0.6f);
}

/// The picture on white, and its mask.
void split_alpha(const geom::Image8& rgba, PreparedPhoto& photo) {
    photo.rgb = geom::Image8(rgba.width, rgba.height, 3, 255);
    photo.mask = geom::Image8(rgba.width, rgba.height, 1);
    for (int y = 0; y < rgba.height; ++y)
        for (int x = 0; x < rgba.width; ++x) {
            const std::uint8_t* from = rgba.pixel(x, y);
            if (from[3] < 128) continue;
            *photo.mask.pixel(x, y) = 255;
            std::copy(from, from + 3, photo.rgb.pixel(x, y));
        }
}

/// Depth, normal and shadow of the middles of the pixels.
void look_once(const render::Surface& surface, bool lit, PreparedPhoto& photo) {
    const int side = photo.camera.width;
    const auto pixels = static_cast<std::size_t>(side) * static_cast<std::size_t>(photo.camera.height);
    photo.depth.assign(pixels, std::numeric_limits<float>::infinity());
    photo.normals = geom::Image8(side, photo.camera.height, 3);
    if (lit) photo.shadow = geom::Image8(side, photo.camera.height, 1);
    const render::ViewSamples one = render::view_samples(surface, photo.camera, photo.pose, 1);
    for (std::size_t i = 0; i < one.points.size(); ++i) {
        const render::SurfacePoint& p = one.points[i];
        photo.depth[one.pixel[i]] = p.t * one.depth_scale[one.pixel[i]];
        for (int k = 0; k < 3; ++k)
            photo.normals.data[3 * one.pixel[i] + static_cast<std::size_t>(k)] = byte_of((p.normal[k] + 1) / 2);
        if (lit) photo.shadow.data[one.pixel[i]] = byte_of(render::visible_share(surface, p, photo.lamp, 1, 0));
    }
}

io::NamedArray matrix_array(const std::string& name, const io::Matrix4& m) {
    return io::NamedArray::from(name, {4, 4}, std::vector<double>(m.begin(), m.end()));
}

}  // namespace

std::vector<PreparedPhoto> take_photos(const geom::TriMesh& unit, int count, int side, bool lit, Rng& rng) {
    const render::Surface surface(unit);
    const double turn = rng.uniform(0, 2 * std::numbers::pi), lamp_turn = rng.uniform(0, 2 * std::numbers::pi);
    render::Material gloss;
    gloss.roughness = 0.35f;
    render::LitOptions how;
    how.ambient = kAmbient;
    std::vector<PreparedPhoto> out;
    for (int i = 0; i < count; ++i) {
        PreparedPhoto photo;
        photo.camera = geom::pinhole_camera(side, side, kFieldOfView);
        photo.pose = geom::look_at(spread(i, count, -0.3, 0.9, turn) * kDistance, {});
        // Lamps in another order than the photos, so that height of eye and of lamp are independent.
        photo.lamp.position = spread((i * 5 + 2) % count, count, 0.05, 0.95, lamp_turn) * kLampDistance;
        photo.lamp.color = {kLampPower, kLampPower, kLampPower};
        const render::ViewSamples samples = render::view_samples(surface, photo.camera, photo.pose, kRays);
        const std::vector<float> base = base_colors(surface, samples.points);
        split_alpha(render::resolve_rgba(samples, lit ? render::lit_colors(surface, samples.points, photo.pose.position,
                                                                           {&photo.lamp, 1}, gloss, base, how)
                                                      : sunlit(samples.points, base)),
                    photo);
        look_once(surface, lit, photo);
        out.push_back(std::move(photo));
    }
    return out;
}

void write_photos(const fs::path& folder, const std::vector<PreparedPhoto>& photos, bool lit) {
    for (const char* kind : {"image", "mask", "depth", "normal"}) fs::create_directories(folder / kind);
    if (lit) fs::create_directories(folder / "shadow");
    io::TensorFile cameras;
    std::vector<double> lamps;
    const std::array<std::string, 1> depth_channel{"Z"};
    for (std::size_t i = 0; i < photos.size(); ++i) {
        const PreparedPhoto& p = photos[i];
        const std::string name = fmt::format("{:04}", i);
        io::write_png(folder / "image" / (name + ".png"), p.rgb);
        io::write_png(folder / "mask" / (name + ".png"), p.mask);
        io::write_png(folder / "normal" / (name + ".png"), p.normals);
        if (lit) io::write_png(folder / "shadow" / (name + ".png"), p.shadow);
        io::write_exr(folder / "depth" / (name + ".exr"), {p.camera.width, p.camera.height, depth_channel, p.depth});
        const io::DvrMatrices m = io::dvr_from_camera(p.camera, p.pose);
        const io::Matrix4 unit{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
        cameras.arrays.push_back(matrix_array(fmt::format("world_mat_{}", i), m.world_mat));
        cameras.arrays.push_back(matrix_array(fmt::format("camera_mat_{}", i), m.camera_mat));
        cameras.arrays.push_back(matrix_array(fmt::format("scale_mat_{}", i), unit));
        for (int k = 0; k < 3; ++k) lamps.push_back(p.lamp.position[k]);
    }
    io::write_npz(folder / "cameras.npz", cameras, false);
    if (!lit) return;
    io::TensorFile lights;
    lights.arrays.push_back(io::NamedArray::from("position", {static_cast<std::int64_t>(photos.size()), 3}, lamps));
    io::write_npz(folder / "lights.npz", lights, false);
}

}  // namespace nir::pipeline
