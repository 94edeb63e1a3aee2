// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/render/volume.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace nir::render {
namespace {

using geom::Vec3d;

constexpr int kTile = 32;            // pixels a side; one task of the pool
constexpr std::size_t kRows = 4096;  // of the table of the transfer function
constexpr double kOpaque = 0.9999;   // an opacity of 1 would absorb within no length

std::size_t count_of(const geom::Vec3i& n) {
    return static_cast<std::size_t>(n.x) * static_cast<std::size_t>(n.y) * static_cast<std::size_t>(n.z);
}
double smallest(Vec3d s) { return std::min({s.x, s.y, s.z}); }
float f32(double v) { return static_cast<float>(v); }

/// Pixels of a tile in blocks of 4 x 2, so that the lanes of a packet see alike.
std::pair<int, int> pixel_of(int i) {
    const int block = i / 8, in = i % 8;
    return {block % (kTile / 4) * 4 + in % 4, block / (kTile / 4) * 2 + in / 4};
}

}  // namespace

struct VolumeRenderer::Tile {
    const geom::Camera& camera;
    const geom::Pose& pose;
    const kernels::VolumeLook& look;
    int x0, y0;
};

VolumeRenderer::VolumeRenderer(const geom::VoxelGrid& grid, const TransferFunction& look, const VolumeOptions& options)
    : options_(options), origin_(grid.origin), spacing_(grid.spacing) {
    prepare(grid.size, grid.values, 1);
    set_transfer(look);
}

VolumeRenderer::VolumeRenderer(const RgbaGrid& grid, const VolumeOptions& options)
    : options_(options), origin_(grid.origin), spacing_(grid.spacing) {
    if (grid.premultiplied) {
        prepare(grid.size, grid.values, 4);
    } else {
        std::vector<float> values = grid.values;
        for (std::size_t i = 0; i + 3 < values.size(); i += 4)
            for (std::size_t c = 0; c < 3; ++c) values[i + c] *= values[i + 3];
        prepare(grid.size, values, 4);
    }
    look_.reference_length = f32(smallest(spacing_));
    find_empty();
}

void VolumeRenderer::prepare(const geom::Vec3i& size, std::span<const float> values, int channels) {
    if (size.x <= 0 || size.y <= 0 || size.z <= 0 || !(smallest(spacing_) > 0) || !geom::is_finite(spacing_) ||
        !geom::is_finite(origin_) || !(options_.step > 0))
        fail(ErrorKind::input, "a volume of {} x {} x {} samples with spacing {:g} {:g} {:g} cannot be rendered",
             size.x, size.y, size.z, spacing_.x, spacing_.y, spacing_.z);
    NIR_CHECK(values.size() == count_of(size) * static_cast<std::size_t>(channels));
    const auto bad = std::find_if(values.begin(), values.end(), [](float v) { return !std::isfinite(v); });
    if (bad != values.end())
        fail(ErrorKind::input, "value number {} of the volume is not finite", bad - values.begin());
    volume_ = kernels::make_brick_volume({size.x, size.y, size.z}, channels);
    parallel_for(volume_.brick_count(), 64,
                 [&](std::size_t begin, std::size_t end) { kernels::fill_bricks(volume_, values, begin, end); });
    const Vec3d last{static_cast<double>(size.x - 1), static_cast<double>(size.y - 1), static_cast<double>(size.z - 1)};
    box_ = {origin_ - spacing_ / 2, origin_ + last * spacing_ + spacing_ / 2};
    look_.stop = f32(options_.stop);
    look_.shade = options_.shade;
    look_.ambient = f32(options_.ambient), look_.diffuse = f32(options_.diffuse);
    look_.specular = f32(options_.specular);
    look_.spacing = {f32(spacing_.x), f32(spacing_.y), f32(spacing_.z)};
}

void VolumeRenderer::find_empty() {
    if (options_.skip_empty) leaps_ = kernels::leap_distances(volume_, look_);
}

void VolumeRenderer::set_transfer(const TransferFunction& look) {
    NIR_CHECK(volume_.channels == 1);
    const auto& points = look.points;
    if (points.empty()) fail(ErrorKind::input, "the transfer function has no points");
    const double lo = points.front().value, unit = smallest(spacing_);
    const double hi = points.back().value > lo ? points.back().value : lo + 1;
    look_.lo = f32(lo), look_.hi = f32(hi);
    look_.lut.assign(4 * kRows, 0.0f);
    for (std::size_t i = 0, k = 0; i < kRows; ++i) {
        const double v = lo + (hi - lo) * static_cast<double>(i) / (kRows - 1);
        while (k + 2 < points.size() && points[k + 1].value <= v) ++k;
        const auto& a = points[k];
        const auto& b = points[std::min(k + 1, points.size() - 1)];
        const double f = b.value > a.value ? std::clamp((v - a.value) / (b.value - a.value), 0.0, 1.0) : 0.0;
        const auto mix = [f](double x, double y) { return x + f * (y - x); };
        float* row = look_.lut.data() + 4 * i;
        row[0] = f32(mix(a.r, b.r)), row[1] = f32(mix(a.g, b.g)), row[2] = f32(mix(a.b, b.b));
        row[3] = f32(-std::log1p(-std::clamp(mix(a.opacity, b.opacity), 0.0, kOpaque)) / unit);
    }
    find_empty();
}

std::size_t VolumeRenderer::memory_bytes() const {
    return volume_.samples.size() * sizeof(float) + leaps_.size() * sizeof(std::int32_t);
}

/// The part of a ray inside the box in equal steps, in sample coordinates. @return where it enters.
double VolumeRenderer::add_ray(kernels::VolumeRays& rays, std::size_t i, const std::optional<geom::Ray>& ray) const {
    if (!ray) return 0;
    double near = 0, far = std::numeric_limits<double>::infinity();
    for (int a = 0; a < 3; ++a) {
        const double o = ray->origin[a], d = ray->direction[a];
        if (d == 0) {
            if (!(o >= box_.lo[a] && o <= box_.hi[a])) return 0;
            continue;
        }
        const double t0 = (box_.lo[a] - o) / d, t1 = (box_.hi[a] - o) / d;
        near = std::max(near, std::min(t0, t1)), far = std::min(far, std::max(t0, t1));
    }
    if (!(far > near)) return 0;
    const double steps = std::ceil((far - near) / (options_.step * smallest(spacing_)));
    const Vec3d o = (ray->origin - origin_) + ray->direction * near;
    rays.ox[i] = f32(o.x / spacing_.x), rays.oy[i] = f32(o.y / spacing_.y), rays.oz[i] = f32(o.z / spacing_.z);
    rays.dx[i] = f32(ray->direction.x / spacing_.x), rays.dy[i] = f32(ray->direction.y / spacing_.y);
    rays.dz[i] = f32(ray->direction.z / spacing_.z);
    rays.dt[i] = f32((far - near) / steps), rays.steps[i] = f32(steps);
    return near;
}

kernels::VolumeLook VolumeRenderer::look(const geom::Pose& pose) const {
    kernels::VolumeLook look = look_;
    // The light stands above the camera's left shoulder.
    const Vec3d l = normalized(pose.back + pose.up * 0.6 - pose.right * 0.5);
    look.light = {f32(l.x), f32(l.y), f32(l.z)};
    return look;
}

kernels::VolumeRays VolumeRenderer::rays(const geom::Camera& camera, const geom::Pose& pose) const {
    kernels::VolumeRays rays;
    const auto width = static_cast<std::size_t>(camera.width), height = static_cast<std::size_t>(camera.height);
    rays.resize(width * height);
    for (std::size_t i = 0; i < rays.size(); ++i)
        add_ray(rays, i,
                geom::ray_through(camera, pose,
                                  {static_cast<double>(i % width) + 0.5, static_cast<double>(i / width) + 0.5}));
    return rays;
}

void VolumeRenderer::render_tile(const Tile& tile, VolumeView& out) const {
    constexpr std::size_t kRays = static_cast<std::size_t>(kTile) * kTile;
    kernels::VolumeRays rays;
    rays.resize(kRays);
    std::vector<double> near(kRays), slant(kRays);
    bool any = false;
    for (std::size_t k = 0; k < kRays; ++k) {
        const auto [dx, dy] = pixel_of(static_cast<int>(k));
        const int x = tile.x0 + dx, y = tile.y0 + dy;
        if (x >= tile.camera.width || y >= tile.camera.height) continue;
        const auto ray = geom::ray_through(tile.camera, tile.pose, {x + 0.5, y + 0.5});
        near[k] = add_ray(rays, k, ray);
        slant[k] = ray ? ray->depth_per_length : 1;
        any = any || rays.steps[k] > 0;
    }
    if (!any) return;
    kernels::VolumeSums sums;
    kernels::march_volume(volume_, tile.look, leaps_, rays, sums);
    for (std::size_t k = 0; k < kRays; ++k) {
        const auto [dx, dy] = pixel_of(static_cast<int>(k));
        const int x = tile.x0 + dx, y = tile.y0 + dy;
        if (x >= tile.camera.width || y >= tile.camera.height || !(sums.a[k] > 0)) continue;
        const auto at =
            static_cast<std::size_t>(y) * static_cast<std::size_t>(tile.camera.width) + static_cast<std::size_t>(x);
        float* to = out.rgba.data() + 4 * at;
        to[0] = sums.r[k], to[1] = sums.g[k], to[2] = sums.b[k], to[3] = sums.a[k];
        out.depth[at] = f32((near[k] + static_cast<double>(sums.t[k] / sums.a[k])) * slant[k]);
    }
}

VolumeView VolumeRenderer::render(const geom::Camera& camera, const geom::Pose& pose) const {
    NIR_CHECK(camera.width > 0 && camera.height > 0);
    VolumeView out{camera.width, camera.height, {}, {}};
    const auto n = static_cast<std::size_t>(camera.width) * static_cast<std::size_t>(camera.height);
    out.rgba.assign(4 * n, 0.0f);
    out.depth.assign(n, 0.0f);
    const kernels::VolumeLook seen = look(pose);
    const int tiles_x = (camera.width + kTile - 1) / kTile, tiles_y = (camera.height + kTile - 1) / kTile;
    parallel_for(static_cast<std::size_t>(tiles_x) * static_cast<std::size_t>(tiles_y), 1,
                 [&](std::size_t begin, std::size_t end) {
                     for (std::size_t t = begin; t < end; ++t) {
                         const int i = static_cast<int>(t);
                         render_tile({camera, pose, seen, i % tiles_x * kTile, i / tiles_x * kTile}, out);
                     }
                 });
    return out;
}

geom::Image8 to_image(const VolumeView& view, std::optional<geom::Rgb8> background) {
    geom::Image8 out(view.width, view.height, background ? 3 : 4);
    const std::size_t n = view.depth.size(), channels = background ? 3 : 4;
    const auto byte = [](double v) { return static_cast<std::uint8_t>(std::lround(std::clamp(v, 0.0, 1.0) * 255)); };
    for (std::size_t i = 0; i < n; ++i) {
        const float* from = view.rgba.data() + 4 * i;
        std::uint8_t* to = out.data.data() + channels * i;
        const double a = static_cast<double>(from[3]);
        const std::uint8_t behind[3] = {background ? background->r : std::uint8_t{0},
                                        background ? background->g : std::uint8_t{0},
                                        background ? background->b : std::uint8_t{0}};
        for (std::size_t c = 0; c < 3; ++c) {
            const double v = static_cast<double>(from[c]);
            to[c] = background ? byte(v + (1 - a) * behind[c] / 255.0) : byte(a > 0 ? v / a : 0);
        }
        if (!background) to[3] = byte(a);
    }
    return out;
}

std::pair<double, double> value_range(const geom::VoxelGrid& grid) {
    if (grid.values.empty()) return {0, 1};
    const auto [lowest, highest] = std::minmax_element(grid.values.begin(), grid.values.end());
    const double lo_all = static_cast<double>(*lowest), hi_all = static_cast<double>(*highest);
    std::vector<float> some;
    const std::size_t stride = std::max<std::size_t>(1, grid.values.size() / 1000000);
    for (std::size_t i = 0; i < grid.values.size(); i += stride) some.push_back(grid.values[i]);
    const auto at = [&some](double share) {
        const auto k = static_cast<std::ptrdiff_t>(share * static_cast<double>(some.size() - 1));
        std::nth_element(some.begin(), some.begin() + k, some.end());
        return static_cast<double>(some[static_cast<std::size_t>(k)]);
    };
    const double lo = at(0.005), hi = at(0.995);
    // Less than half of the whole range is no range of most, but of what lies around the object.
    if (hi - lo > 0.5 * (hi_all - lo_all)) return {lo, hi};
    return hi_all > lo_all ? std::pair(lo_all, hi_all) : std::pair(lo_all, lo_all + 1);
}

std::vector<geom::Pose> orbit(const geom::Box3d& box, const geom::Camera& camera, int n, Vec3d up, double elevation_rad,
                              double start_rad) {
    NIR_CHECK(!box.empty() && n > 0);
    up = normalized(up);
    const Vec3d front = normalized(std::abs(up.z) > 0.9 ? Vec3d{0, -1, 0} - up * -up.y : Vec3d{0, 0, 1} - up * up.z);
    const Vec3d side = cross(up, front);
    // How far to go back along `back` until all corners are in the picture, with 4 % of it free at the borders.
    const double right = 0.96 * std::min(camera.cx, camera.width - camera.cx) / camera.fx,
                 top = 0.96 * std::min(camera.cy, camera.height - camera.cy) / camera.fy;
    const Vec3d half = box.size() / 2;
    const auto needed = [&](const geom::Pose& axes) {
        double distance = 0;
        for (int k = 0; k < 8; ++k) {
            const Vec3d corner{k & 1 ? half.x : -half.x, k & 2 ? half.y : -half.y, k & 4 ? half.z : -half.z};
            const Vec3d p = axes.rotate_to_camera(corner);
            distance = std::max(distance, p.z + std::max(std::abs(p.x) / right, std::abs(p.y) / top));
        }
        return distance;
    };
    std::vector<geom::Pose> out;
    double distance = 0;
    for (int i = 0; i < n; ++i) {
        const double azimuth = start_rad + 2 * std::numbers::pi * i / n;
        const Vec3d level = front * std::cos(azimuth) + side * std::sin(azimuth);
        out.push_back(geom::look_at(level * std::cos(elevation_rad) + up * std::sin(elevation_rad), {}, up));
        distance = std::max(distance, needed(out.back()));
    }
    for (geom::Pose& pose : out) pose.position = box.center() + pose.back * distance;
    return out;
}

}  // namespace nir::render
