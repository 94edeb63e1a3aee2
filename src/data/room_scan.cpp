// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// LiDAR stations and depth cameras inside rooms. Lengths in metres, in the frame of the room.
#include "data/room_scan.h"

#include "nir/data/room_generator.h"
#include "nir/geom/kd_tree.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace nir::data {
namespace {

constexpr float kPi = std::numbers::pi_v<float>;
constexpr float kLeastStep = 0.01f;  // thinner than any board
constexpr float kNearest = 0.3f;     // of what sensors see

float uni(Rng& rng, double lo, double hi) { return static_cast<float>(rng.uniform(lo, hi)); }
float log_uni(Rng& rng, double lo, double hi) { return static_cast<float>(lo * std::pow(hi / lo, rng.uniform())); }

struct Seen {
    std::vector<Vec3f> points, sensors;
    std::vector<float> range, cosine;  ///< distance, and the angle at which the ray meets the surface

    void append(const Seen& b, std::size_t i) {
        points.push_back(b.points[i]), sensors.push_back(b.sensors[i]);
        range.push_back(b.range[i]), cosine.push_back(b.cosine[i]);
    }
    void append(const Seen& b) {
        for (std::size_t i = 0; i < b.points.size(); ++i) append(b, i);
    }
};

/// Where the rays from `eye` end; rays that meet nothing have an infinite range.
Seen look(const Room& room, Vec3f eye, const std::vector<Vec3f>& rays, float t_max) {
    Seen out;
    out.range.resize(rays.size()), out.cosine.resize(rays.size(), 0);
    out.sensors.assign(rays.size(), eye), out.points.resize(rays.size());
    trace_rays(*room.solid(), out.sensors, rays, t_max, kLeastStep, out.range);
    std::vector<Vec3f> normal(rays.size());
    for (std::size_t i = 0; i < rays.size(); ++i)
        out.points[i] = std::isfinite(out.range[i]) ? eye + rays[i] * out.range[i] : eye;
    normals(*room.solid(), out.points, 0.003f, normal);
    for (std::size_t i = 0; i < rays.size(); ++i) out.cosine[i] = std::max(0.0f, -dot(rays[i], normal[i]));
    return out;
}

/// A place in the air of some room, this high above the floor, with nothing near it.
std::optional<Vec3f> draw_station(const Room& room, float low, float high, float clearance, Rng& rng) {
    const auto& interiors = room.plan().interiors;
    for (int i = 0; i < 50; ++i) {
        const geom::Box3f& air = interiors[rng.below(interiors.size())];
        const float y = air.lo.y + std::min(uni(rng, low, high), 0.8f * air.size().y);
        const float margin = std::min(0.4f, 0.25f * std::min(air.size().x, air.size().z));
        const Vec3f p{uni(rng, air.lo.x + margin, air.hi.x - margin), y,
                      uni(rng, air.lo.z + margin, air.hi.z - margin)};
        float d = 0;
        room.solid()->eval(&p, 1, &d);
        if (d > clearance) return p;
    }
    return {};
}

/// Rays of a scanner: rows of constant elevation, equal steps of azimuth.
std::vector<Vec3f> scanner_rays(std::size_t n, int rings, float low, float high, float start) {
    const auto count = static_cast<float>(n);
    // Without rings: squares in azimuth and elevation.
    const int rows = rings > 0 ? rings : std::max(2, static_cast<int>(std::sqrt(count * (high - low) / (2 * kPi))));
    const int columns = std::max(8, static_cast<int>(count) / rows);
    std::vector<Vec3f> rays;
    rays.reserve(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns));
    for (int r = 0; r < rows; ++r) {
        const float e = low + (high - low) * static_cast<float>(r) / static_cast<float>(rows - 1);
        for (int c = 0; c < columns; ++c) {
            const float a = start + 2 * kPi * static_cast<float>(c) / static_cast<float>(columns);
            rays.push_back({std::cos(e) * std::cos(a), std::sin(e), std::cos(e) * std::sin(a)});
        }
    }
    return rays;
}

Seen lidar(const Room& room, std::size_t n, Rng& rng) {
    const int stations = 1 + static_cast<int>(rng.below(4));
    static constexpr int kRings[6] = {0, 0, 0, 16, 32, 64};
    const int rings = kRings[rng.below(6)];
    const float low = rings > 0 ? -uni(rng, 0.25, 0.8) : -uni(rng, 0.9, 1.2);
    const float high = rings > 0 ? uni(rng, 0.2, 0.8) : uni(rng, 0.6, 1.45);
    const float t_max = norm(room.box().size());
    const std::size_t share = n / static_cast<std::size_t>(stations) + 1;
    Seen all;
    for (int s = 0; s < stations; ++s) {
        const auto eye = draw_station(room, 0.9f, 1.9f, 0.25f, rng);
        if (!eye) continue;
        const float start = uni(rng, 0, 2 * kPi);
        const auto returned = [](const Seen& seen, Rng& dice) {
            Seen kept;
            for (std::size_t i = 0; i < seen.points.size(); ++i)
                if (std::isfinite(seen.range[i]) && seen.range[i] > kNearest && seen.cosine[i] > 0.03f &&
                    dice.coin(seen.cosine[i] / 0.2))
                    kept.append(seen, i);
            return kept;
        };
        // Rays into the sky bring nothing: a coarse look tells how many are needed.
        Rng pilot_rng = rng.split();
        const std::vector<Vec3f> pilot = scanner_rays(600, rings, low, high, start);
        const Seen first = returned(look(room, *eye, pilot, t_max), pilot_rng);
        const double yield =
            std::max(0.15, static_cast<double>(first.points.size()) / static_cast<double>(pilot.size()));
        const auto rays = static_cast<std::size_t>(static_cast<double>(share) / yield);
        all.append(returned(look(room, *eye, scanner_rays(rays, rings, low, high, start), t_max), rng));
    }
    return all;
}

/// Material that depth cameras do not see: patches of the room with soft limits.
class Holes {
public:
    explicit Holes(Rng& rng) : limit_(uni(rng, 0.9, 2.2)) {
        for (auto& w : waves_) {
            w.k = random_rotation(rng).axis_x * (2 * kPi / log_uni(rng, 0.25, 1.6));
            w.phase = uni(rng, 0, 2 * kPi);
        }
    }
    bool lose(Vec3f p, Rng& rng) const {
        float sum = 0;
        for (const auto& w : waves_) sum += std::sin(dot(w.k, p) + w.phase);
        return sum + 0.35f * static_cast<float>(rng.normal()) > limit_;
    }

private:
    struct Wave {
        Vec3f k;
        float phase;
    };
    std::array<Wave, 4> waves_;
    float limit_;
};

Seen depth_cameras(const Room& room, std::size_t n, Rng& rng) {
    const int views = 4 + static_cast<int>(rng.below(21));
    const float reach = uni(rng, 3.5, 8);
    const Holes holes(rng);
    // Rims, holes and what is out of reach are lost: more pixels than points.
    const double pixels = 2.5 * static_cast<double>(n) / views;
    const int columns = std::max(8, static_cast<int>(std::sqrt(pixels * 4 / 3))), rows = std::max(6, columns * 3 / 4);
    Seen all;
    std::vector<Vec3f> rays(static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows));
    for (int v = 0; v < views; ++v) {
        const auto eye = draw_station(room, 0.8f, 1.9f, 0.3f, rng);
        const float yaw = uni(rng, 0, 2 * kPi), pitch = uni(rng, -0.6, 0.25);
        if (!eye) continue;
        const Vec3f forward{std::cos(pitch) * std::cos(yaw), std::sin(pitch), std::cos(pitch) * std::sin(yaw)};
        const Vec3f right = normalized(cross(forward, Vec3f{0, 1, 0})), up = cross(right, forward);
        for (int r = 0; r < rows; ++r)
            for (int c = 0; c < columns; ++c) {
                const float x = (2 * (static_cast<float>(c) + 0.5f) / static_cast<float>(columns) - 1) * 0.55f;
                const float y = (1 - 2 * (static_cast<float>(r) + 0.5f) / static_cast<float>(rows)) * 0.41f;
                rays[static_cast<std::size_t>(r * columns + c)] = normalized(forward + right * x + up * y);
            }
        const Seen seen = look(room, *eye, rays, reach);
        for (int r = 0; r < rows; ++r)
            for (int c = 0; c < columns; ++c) {
                const auto i = static_cast<std::size_t>(r * columns + c);
                if (!std::isfinite(seen.range[i]) || seen.range[i] < kNearest || seen.cosine[i] < 0.12f) continue;
                const std::size_t next = c + 1 < columns ? i + 1 : i,
                                  below = r + 1 < rows ? i + rays.size() / static_cast<std::size_t>(rows) : i;
                const bool rim = std::abs(seen.range[next] - seen.range[i]) > 0.08f * seen.range[i] ||
                                 std::abs(seen.range[below] - seen.range[i]) > 0.08f * seen.range[i];
                if ((rim && rng.coin(0.7)) || holes.lose(seen.points[i], rng)) continue;
                all.append(seen, i);
            }
    }
    return all;
}

/// Median over some points of the spacing that their 16 nearest neighbours tell.
float measure_spacing(const std::vector<Vec3f>& points) {
    std::vector<geom::Vec3d> p;
    p.reserve(points.size());
    for (const auto& q : points) p.push_back(geom::Vec3d(q));
    const geom::KdTree tree(p);
    constexpr std::size_t kNeighbors = 16;
    std::vector<double> area;
    for (std::size_t i = 0; i < p.size(); i += 1 + p.size() / 400)
        area.push_back(tree.nearest(p[i], kNeighbors + 1).back().squared_distance * std::numbers::pi / kNeighbors);
    const auto middle = area.begin() + static_cast<std::ptrdiff_t>(area.size() / 2);
    std::nth_element(area.begin(), middle, area.end());
    return static_cast<float>(std::sqrt(*middle));
}

}  // namespace

std::optional<SimulatedScan> scan_room(const GeneratedShape& shape, RoomSensor sensor, std::size_t n,
                                       const ScanOptions& options, Rng& rng) {
    const Room& room = *shape.room;
    Seen seen = sensor == RoomSensor::lidar ? lidar(room, n, rng) : depth_cameras(room, n, rng);
    if (seen.points.size() < std::max<std::size_t>(options.min_points, 32)) return {};
    Seen kept;  // a partial shuffle keeps n of them
    std::vector<std::size_t> order(seen.points.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    for (std::size_t i = 0; i < std::min(n, order.size()); ++i) {
        std::swap(order[i], order[i + rng.below(order.size() - i)]);
        kept.append(seen, order[i]);
    }
    const float spacing = measure_spacing(kept.points);
    const float most = static_cast<float>(options.max_noise_spacings) * spacing;
    const bool clean = rng.coin(options.noise_free_share);
    const float lidar_sigma = log_uni(rng, 0.001, 0.02), depth_factor = uni(rng, 0.3, 1.5);
    SimulatedScan scan;
    scan.sensor = sensor;
    double sum = 0;
    for (std::size_t i = 0; i < kept.points.size(); ++i) {
        const float beyond = std::max(kept.range[i] - 0.4f, 0.0f);
        const float sigma =
            clean ? 0.0f
                  : std::min(most, sensor == RoomSensor::lidar ? lidar_sigma
                                                               : depth_factor * (0.0012f + 0.0019f * beyond * beyond));
        const Vec3f ray = normalized(kept.points[i] - kept.sensors[i]);
        const Vec3f p = kept.points[i] + ray * (sigma * static_cast<float>(clean ? 0.0 : rng.normal()));
        scan.points.push_back(room.to_shape(p));
        scan.sensors.push_back(room.to_shape(kept.sensors[i]));
        sum += static_cast<double>(sigma) * sigma;
    }
    const float scale = room.shape_from_room().scale;
    scan.spacing = spacing * scale;
    scan.noise = scale * static_cast<float>(std::sqrt(sum / static_cast<double>(kept.points.size())));
    return scan;
}

}  // namespace nir::data
