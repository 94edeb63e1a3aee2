// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/data/occupancy_samples.h"

#include "nir/data/room_generator.h"

#include <algorithm>

namespace nir::data {

void OccupancyDataConfig::describe(ConfigVisitor& v) {
    v.field("points", points, {.min = 1, .max = 1000000, .unit = "points"}, "size of the observed cloud");
    v.field("noise", noise, {.min = 0, .max = 1, .unit = "relative to the longest side"},
            "standard deviation added to each coordinate of the cloud");
    v.field("queries", queries, {.min = 1, .max = 1000000, .unit = "points"}, "labelled points per shape");
    v.field("padding", padding, {.min = 0, .max = 10, .unit = "relative to the unit cube"},
            "labelled points fill the cube of side 1 + padding");
    v.field("surface", surface, {.min = 1, .max = 1000000, .unit = "points"},
            "points of the true surface per shape, for models that compare with them");
}

namespace {

Vec3f uniform_point(const geom::Box3f& box, Rng& rng) {
    Vec3f p;
    for (int a = 0; a < 3; ++a) p[a] = static_cast<float>(rng.uniform(box.lo[a], box.hi[a]));
    return p;
}

Vec3f normal_point(Rng& rng, double sigma) {
    Vec3f p;
    for (int a = 0; a < 3; ++a) p[a] = static_cast<float>(sigma * rng.normal());
    return p;
}

std::vector<std::uint8_t> inside_labels(const Solid& solid, const std::vector<Vec3f>& points) {
    std::vector<float> d(points.size());
    solid.eval(points.data(), points.size(), d.data());
    std::vector<std::uint8_t> inside(points.size());
    std::transform(d.begin(), d.end(), inside.begin(), [](float x) { return static_cast<std::uint8_t>(x < 0); });
    return inside;
}

void append(std::vector<float>& out, Vec3f p) { out.insert(out.end(), {p.x, p.y, p.z}); }

/// A fresh sample of n points; the pool that observations are drawn from may hold fewer.
std::vector<float> surface_target(const GeneratedShape& shape, std::size_t n, Rng rng) {
    const float radius = 0.52f * norm(shape.box.size()) + 0.05f;  // as the generator looks for it
    std::vector<Vec3f> points = sample_surface(*shape.solid, radius, n, rng);
    if (points.size() < n) {  // an almost empty surface: repeat what there is
        if (points.empty()) points = shape.surface;
        const std::size_t found = points.size();
        while (points.size() < n) points.push_back(points[rng.below(found)]);
    }
    std::vector<float> out;
    out.reserve(3 * n);
    for (std::size_t i = 0; i < n; ++i) append(out, points[i]);
    return out;
}

std::vector<float> voxel_target(const Solid& solid, int cells) {
    std::vector<Vec3f> centers;
    centers.reserve(static_cast<std::size_t>(cells) * static_cast<std::size_t>(cells) *
                    static_cast<std::size_t>(cells));
    const auto center = [cells](int i) { return (static_cast<float>(i) + 0.5f) / static_cast<float>(cells) - 0.5f; };
    for (int x = 0; x < cells; ++x)
        for (int y = 0; y < cells; ++y)
            for (int z = 0; z < cells; ++z) centers.push_back({center(x), center(y), center(z)});
    const auto inside = inside_labels(solid, centers);
    return {inside.begin(), inside.end()};
}

}  // namespace

GeneratedShape fit_unit_cube(GeneratedShape shape) {
    const Vec3f center = shape.box.center();
    const float scale = 1.0f / shape.box.longest_side();
    Pose fit;
    fit.translation = -(center * scale);
    fit.scale = scale;
    shape.solid = move(shape.solid, fit);
    shape.box = {};
    for (auto& p : shape.surface) {
        p = (p - center) * scale;
        shape.box.extend(p);
    }
    shape.area *= scale * scale;
    if (shape.room) shape.room = shape.room->moved(fit.translation, scale);
    return shape;
}

OccupancySample make_occupancy_sample(const OccupancyDataConfig& config, Rng rng, const TrainingTargets& targets) {
    const auto n = static_cast<std::size_t>(config.points), q = static_cast<std::size_t>(config.queries);
    const GeneratedShape shape = fit_unit_cube(generate_shape(rng, std::max<std::size_t>(2 * n, 2000)));
    OccupancySample out;
    out.family = shape.family;
    for (std::size_t i = 0; i < n; ++i)
        append(out.observation, shape.surface[rng.below(shape.surface.size())] + normal_point(rng, config.noise));
    const auto half = static_cast<float>((1 + config.padding) / 2);
    std::vector<Vec3f> points(q);
    for (auto& p : points) {
        p = uniform_point({{-half, -half, -half}, {half, half, half}}, rng);
        append(out.queries, p);
    }
    const auto inside = inside_labels(*shape.solid, points);
    out.occupancies.assign(inside.begin(), inside.end());
    if (targets.surface) out.surface = surface_target(shape, static_cast<std::size_t>(config.surface), rng.split());
    if (targets.voxels > 0) out.voxels = voxel_target(*shape.solid, targets.voxels);
    if (targets.window > 0) {
        Rng own = rng.split();
        const auto inside_of = [&](const std::vector<Vec3f>& p) { return inside_labels(*shape.solid, p); };
        out.window = draw_window(shape.box, targets.window, q, inside_of, own);
    }
    return out;
}

void add_labels(LabelledScan& scan, const GeneratedShape& shape, std::size_t n, Rng& rng) {
    const float side = shape.box.longest_side();
    const geom::Box3f box = shape.box.padded(0.1f * side);
    scan.uniform.resize(n), scan.near.resize(n);
    for (auto& p : scan.uniform) p = uniform_point(box, rng);
    for (auto& p : scan.near) p = shape.surface[rng.below(shape.surface.size())] + normal_point(rng, 0.01 * side);
    scan.uniform_inside = inside_labels(*shape.solid, scan.uniform);
    scan.near_inside = inside_labels(*shape.solid, scan.near);
    const std::size_t n_surface = std::min(n, shape.surface.size());
    scan.surface.assign(shape.surface.begin(), shape.surface.begin() + static_cast<std::ptrdiff_t>(n_surface));
    scan.family = shape.family;
}

}  // namespace nir::data
