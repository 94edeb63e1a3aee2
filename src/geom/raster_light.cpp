// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Shadow maps: each light draws the scene's depths once; a surfel is lit by the lights that see it. Many lights spread
// over the sky give ambient occlusion, a cluster of lights a lamp with soft shadows.
#include "geom/raster.h"

#include <numbers>

namespace nir::geom::raster {
namespace {

constexpr int kMapSize = 512;
constexpr std::size_t kBatch = 8;  // maps in memory
constexpr std::size_t kGrain = 4096;

struct Lamp {
    Vec3d direction;  // towards the light
    bool sky;
    double weight;
};

/// Unit vectors at right angles to `axis` and to each other.
std::pair<Vec3d, Vec3d> frame_around(Vec3d axis) {
    const Vec3d other = std::abs(axis.x) < 0.6 ? Vec3d{1, 0, 0} : Vec3d{0, 1, 0};
    const Vec3d u = normalized(cross(other, axis));
    return {u, cross(axis, u)};
}

/// Evenly spread directions (golden angle) with cosine to the axis between `from` and `to`.
std::vector<Vec3d> spiral(Vec3d axis, int n, double from, double to) {
    const auto [u, v] = frame_around(axis);
    std::vector<Vec3d> out;
    for (int i = 0; i < n; ++i) {
        const double z = from + (to - from) * (i + 0.5) / n, r = std::sqrt(std::max(0.0, 1.0 - z * z));
        const double a = i * std::numbers::pi * (3.0 - std::sqrt(5.0));
        out.push_back(u * (r * std::cos(a)) + v * (r * std::sin(a)) + axis * z);
    }
    return out;
}

std::vector<Lamp> make_lamps(const View& view, Vec3d up, int n) {
    const Vec3d key = key_direction(view, up);
    const int n_key = std::max(1, 2 * n / 5), n_sky = std::max(1, n - n_key);
    std::vector<Lamp> lamps;
    for (const auto& d : spiral(up, n_sky, 1.0, -0.25))
        lamps.push_back({d, true, 0.35 + 0.65 * std::max(0.0, dot(d, up))});
    for (const auto& d : spiral(key, n_key, 1.0, std::cos(0.16))) lamps.push_back({d, false, 1.0});
    return lamps;
}

class Accumulator {
public:
    Accumulator(const Scene& scene, std::vector<Lamp> lamps, std::span<Receiver> receivers)
        : scene_(scene), lamps_(std::move(lamps)), receivers_(receivers) {
        center_ = scene.box.center();
        radius_ = std::max(0.5 * norm(scene.box.size()), 1e-300);
        for (const auto& l : lamps_) n_key_ += l.sky ? 0 : 1;
        for (auto& r : receivers_) r.light.ambient.assign(r.surfels->size(), 0.0f), r.light.lamp = r.light.ambient;
    }

    void run(bool shadows) {
        for (std::size_t begin = 0; begin < lamps_.size(); begin += kBatch) {
            const std::size_t end = std::min(begin + kBatch, lamps_.size());
            std::vector<View> views(end - begin);
            std::vector<std::vector<float>> maps(end - begin);
            parallel_for(end - begin, 1, [&](std::size_t b, std::size_t e) {
                for (std::size_t i = b; i < e; ++i) {
                    views[i] = make_light_view(lamps_[begin + i].direction, center_, radius_, kMapSize);
                    if (shadows)
                        maps[i] = scene_.maps ? scene_.maps->depths[begin + i] : light_depths(scene_, views[i]);
                }
            });
            for (auto& r : receivers_)
                parallel_for(r.surfels->size(), kGrain, [&](std::size_t b, std::size_t e) {
                    for (std::size_t i = b; i < e; ++i)
                        if ((*r.surfels)[i].seen()) gather(r, i, begin, views, maps);
                });
        }
        for (auto& r : receivers_) normalize_ambient(r);
    }

private:
    void gather(Receiver& r, std::size_t i, std::size_t first, const std::vector<View>& views,
                const std::vector<std::vector<float>>& maps) const {
        const auto w = static_cast<std::size_t>(r.view->width);
        const Surfel& s = (*r.surfels)[i];
        const Vec3d n(s.normal);
        const double texel = 2.0 * radius_ / kMapSize;
        // Off the surface along its normal, so that it does not shade itself.
        const Vec3d p =
            r.view->point_at(static_cast<int>(i % w), static_cast<int>(i / w), static_cast<double>(s.depth)) +
            n * (1.5 * texel);
        for (std::size_t k = 0; k < views.size(); ++k) {
            const Lamp& lamp = lamps_[first + k];
            const double cosine = dot(n, lamp.direction);
            if (cosine <= 0.0 || (!maps[k].empty() && !visible(p, views[k], maps[k], texel))) continue;
            float& sum = lamp.sky ? r.light.ambient[i] : r.light.lamp[i];
            sum += static_cast<float>(lamp.sky ? cosine * lamp.weight : cosine / n_key_);
        }
    }

    /// Divides by what an unshaded surfel of the same normal would get.
    void normalize_ambient(Receiver& r) const {
        parallel_for(r.surfels->size(), kGrain, [&](std::size_t b, std::size_t e) {
            for (std::size_t i = b; i < e; ++i) {
                const Surfel& s = (*r.surfels)[i];
                if (!s.seen()) continue;
                double sum = 0.0;
                for (const auto& l : lamps_)
                    if (l.sky) sum += l.weight * std::max(0.0, dot(Vec3d(s.normal), l.direction));
                if (sum > 0.0) r.light.ambient[i] = static_cast<float>(static_cast<double>(r.light.ambient[i]) / sum);
            }
        });
    }

    static bool visible(Vec3d p, const View& light, const std::vector<float>& map, double bias) {
        const Vec3d d = p - light.origin;
        const double x = 0.5 * light.width + light.focal * dot(d, light.right);
        const double y = 0.5 * light.height - light.focal * dot(d, light.up);
        if (x < 0.0 || y < 0.0 || x >= light.width || y >= light.height) return true;
        const auto at =
            static_cast<std::size_t>(y) * static_cast<std::size_t>(light.width) + static_cast<std::size_t>(x);
        return -dot(d, light.back) <= static_cast<double>(map[at]) + bias;
    }

    const Scene& scene_;
    std::vector<Lamp> lamps_;
    std::span<Receiver> receivers_;
    Vec3d center_{};
    double radius_ = 1.0;
    int n_key_ = 0;
};

}  // namespace

Vec3d key_direction(const View& view, Vec3d up) { return normalized(view.back * 0.55 - view.right * 0.6 + up * 0.95); }

namespace {

std::vector<float> far_away(const View& light) {
    return std::vector<float>(static_cast<std::size_t>(light.width) * static_cast<std::size_t>(light.height),
                              std::numeric_limits<float>::infinity());
}

/// Hands out the pixels of a map: f(x, y, depth) keeps the smallest depth.
auto keep_nearest(const View& light, std::vector<float>& map) {
    return [&](int x, int y, double depth, double, double, double) {
        float& d =
            map[static_cast<std::size_t>(y) * static_cast<std::size_t>(light.width) + static_cast<std::size_t>(x)];
        d = std::min(d, static_cast<float>(depth));
    };
}

void draw_triangles(std::span<const Vec3d> points, std::span<const Triangle> faces, const View& light,
                    std::vector<float>& map) {
    const auto screen = project(light, points);
    for (const auto& f : faces)
        visit_triangle(light, screen[f[0]], screen[f[1]], screen[f[2]], 0, light.height, keep_nearest(light, map));
}

std::size_t lights_for(std::size_t size, int n_lights) {
    constexpr std::size_t kLarge = 100000, kFewest = 24;
    const auto n = static_cast<std::size_t>(n_lights > 0 ? n_lights : 32);
    return size > kLarge ? std::min(n, std::max(kFewest, n * kLarge / size)) : n;
}

}  // namespace

std::vector<float> light_depths(const Scene& scene, const View& light) {
    std::vector<float> map = far_away(light);
    if (!scene.faces.empty()) {
        draw_triangles(scene.points, scene.faces, light, map);
        return map;
    }
    for (const auto& p : project(light, scene.points))
        visit_ball(light, p, scene.radius, 0, light.height, keep_nearest(light, map));
    return map;
}

LightMaps make_light_maps(const Box3d& box, std::size_t faces, const View& camera, Vec3d up, int n_lights) {
    LightMaps maps;
    maps.n_lights = lights_for(faces, n_lights);
    if (n_lights == 0) return maps;
    const double radius = std::max(0.5 * norm(box.size()), 1e-300);
    for (const auto& lamp : make_lamps(camera, up, static_cast<int>(maps.n_lights))) {
        maps.views.push_back(make_light_view(lamp.direction, box.center(), radius, kMapSize));
        maps.depths.push_back(far_away(maps.views.back()));
    }
    return maps;
}

void LightMaps::add(std::span<const Vec3d> points, std::span<const Triangle> faces) {
    parallel_for(views.size(), 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) draw_triangles(points, faces, views[i], depths[i]);
    });
}

void light_scene(const Scene& scene, const View& camera, Vec3d up, int n_lights, std::span<Receiver> receivers) {
    const std::size_t size = std::max(scene.faces.size(), scene.faces.empty() ? scene.points.size() : 0);
    const std::size_t n = scene.maps ? scene.maps->n_lights : lights_for(size, n_lights);
    Accumulator(scene, make_lamps(camera, up, static_cast<int>(n)), receivers).run(n_lights > 0);
}

}  // namespace nir::geom::raster
