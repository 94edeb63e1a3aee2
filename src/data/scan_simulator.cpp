// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/data/scan_simulator.h"

#include "data/room_scan.h"

#include <cmath>

namespace nir::data {
namespace {

/// Marks points that a camera at `eye` sees: facing it within 80 degrees, and nothing in between.
void mark_visible(const Solid& solid, const std::vector<Vec3f>& points, const std::vector<Vec3f>& normal, Vec3f eye,
                  std::vector<char>& seen) {
    const float safety = 1.0f / solid.lipschitz();
    std::vector<Vec3f> origin, direction, q;
    std::vector<float> t, d;
    std::vector<std::size_t> id;
    for (std::size_t i = 0; i < points.size(); ++i) {
        const Vec3f to_eye = normalized(eye - points[i]);
        if (seen[i] || dot(to_eye, normal[i]) < 0.17f) continue;
        id.push_back(i), origin.push_back(points[i]), direction.push_back(to_eye), t.push_back(0.008f);
    }
    for (int step = 0; step < 40 && !id.empty(); ++step) {
        q.resize(id.size()), d.resize(id.size());
        for (std::size_t i = 0; i < id.size(); ++i) q[i] = origin[i] + direction[i] * t[i];
        solid.eval(q.data(), q.size(), d.data());
        std::size_t kept = 0;
        for (std::size_t i = 0; i < id.size(); ++i) {
            if (d[i] < -0.001f) continue;  // behind something
            const float next = t[i] + std::max(d[i] * safety, 0.006f);
            if (next > 1.2f) {
                seen[id[i]] = 1;
                continue;
            }
            id[kept] = id[i], origin[kept] = origin[i], direction[kept] = direction[i], t[kept++] = next;
        }
        id.resize(kept), origin.resize(kept), direction.resize(kept), t.resize(kept);
    }
    for (const auto i : id) seen[i] = 1;  // still travelling in free space
}

std::vector<Vec3f> visible_points(const GeneratedShape& shape, Rng& rng) {
    std::vector<Vec3f> normal(shape.surface.size());
    normals(*shape.solid, shape.surface, 0.002f, normal);
    std::vector<char> seen(shape.surface.size(), 0);
    const int views = 3 + static_cast<int>(rng.below(5));
    const Pose frame = random_rotation(rng);
    for (int v = 0; v < views; ++v) {
        Vec3f direction = random_rotation(rng).axis_x;
        if (v < 6 && views >= 6)
            direction = (v % 3 == 0 ? frame.axis_x : v % 3 == 1 ? frame.axis_y : frame.axis_z) * (v < 3 ? 1.0f : -1.0f);
        mark_visible(*shape.solid, shape.surface, normal, direction * 1.7f, seen);
    }
    std::vector<Vec3f> out;
    for (std::size_t i = 0; i < seen.size(); ++i)
        if (seen[i]) out.push_back(shape.surface[i]);
    return out;
}

void scatter_outliers(SimulatedScan& scan, const geom::Box3f& box, const ScanOptions& o, Rng& rng) {
    if (rng.coin(o.outlier_share)) {
        const auto extra = static_cast<std::size_t>(static_cast<double>(scan.points.size()) * 0.015 * rng.uniform());
        const Vec3f c = box.center(), s = box.size() * 0.55f;
        for (std::size_t i = 0; i < extra; ++i)
            scan.points.push_back(c + Vec3f{static_cast<float>(rng.uniform(-1, 1)) * s.x,
                                            static_cast<float>(rng.uniform(-1, 1)) * s.y,
                                            static_cast<float>(rng.uniform(-1, 1)) * s.z});
    }
}

/// Rooms are mostly seen from inside. The random numbers of other shapes do not pass here.
std::optional<SimulatedScan> seen_from_inside(const GeneratedShape& shape, const ScanOptions& o, std::size_t n,
                                              Rng& rng) {
    const double kind = rng.uniform();
    if (kind >= o.lidar_share + o.depth_share) return {};
    auto scan = scan_room(shape, kind < o.lidar_share ? RoomSensor::lidar : RoomSensor::depth, n, o, rng);
    if (scan) scatter_outliers(*scan, shape.box, o, rng);
    return scan;
}

}  // namespace

SimulatedScan simulate_scan(const GeneratedShape& shape, const ScanOptions& o, Rng& rng) {
    SimulatedScan scan;
    const double lo = static_cast<double>(o.min_points),
                 hi = static_cast<double>(std::min(o.max_points, shape.surface.size()));
    auto n = static_cast<std::size_t>(lo * std::pow(hi / lo, rng.uniform()));
    if (shape.room)
        if (auto inside = seen_from_inside(shape, o, n, rng)) return *std::move(inside);
    std::vector<Vec3f> pool = shape.surface;
    double area = shape.area;
    if (rng.coin(o.views_share)) {
        std::vector<Vec3f> visible = visible_points(shape, rng);
        if (visible.size() >= o.min_points) {
            area *= static_cast<double>(visible.size()) / static_cast<double>(pool.size());
            pool = std::move(visible);
            scan.from_views = true;
        }
    }
    if (rng.coin(o.missing_share)) {
        const Vec3f c = pool[rng.below(pool.size())];
        const float r = static_cast<float>(rng.uniform(0.03, 0.12));
        std::vector<Vec3f> rest;
        for (const auto& p : pool)
            if (norm(p - c) > r) rest.push_back(p);
        if (rest.size() >= o.min_points) pool = std::move(rest);
    }
    const bool uneven = rng.coin(o.uneven_share);
    const Vec3f slope = random_rotation(rng).axis_x * static_cast<float>(rng.uniform(1.0, 2.4));
    n = std::min(n, pool.size());
    // A partial shuffle draws without replacement; uneven density thins one side.
    for (std::size_t i = 0; i < pool.size() && scan.points.size() < n; ++i) {
        std::swap(pool[i], pool[i + rng.below(pool.size() - i)]);
        if (uneven && !rng.coin(std::exp(std::min(0.0f, dot(slope, pool[i]) - 0.5f * norm(slope))))) continue;
        scan.points.push_back(pool[i]);
    }
    scan.spacing = static_cast<float>(std::sqrt(area / static_cast<double>(scan.points.size())));
    if (!rng.coin(o.noise_free_share)) {
        scan.noise = scan.spacing * static_cast<float>(o.max_noise_spacings * std::pow(0.03, rng.uniform()));
        for (auto& p : scan.points)
            p += Vec3f{static_cast<float>(rng.normal()), static_cast<float>(rng.normal()),
                       static_cast<float>(rng.normal())} *
                 scan.noise;
    }
    scatter_outliers(scan, shape.box, o, rng);
    return scan;
}

}  // namespace nir::data
