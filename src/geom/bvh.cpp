// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/bvh.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include "geom/bvh_tree.h"

#include <algorithm>
#include <cmath>

namespace nir::geom {
namespace {

constexpr std::size_t kGrain = 512;

double squared_distance(const BvhNode& n, Vec3d q) {
    double sum = 0.0;
    for (int a = 0; a < 3; ++a) {
        const auto i = static_cast<std::size_t>(a);
        const double d = std::max({static_cast<double>(n.lo[i]) - q[a], q[a] - static_cast<double>(n.hi[i]), 0.0});
        sum += d * d;
    }
    return sum;
}

Vec3d closest_on_segment(Vec3d a, Vec3d b, Vec3d q) {
    const Vec3d d = b - a;
    const double length2 = dot(d, d);
    const double t = length2 > 0.0 ? std::clamp(dot(q - a, d) / length2, 0.0, 1.0) : 0.0;
    return a + d * t;
}

/// Inside the three edges seen along the normal: the foot point; else the best of the three edges.
Vec3d closest_on_triangle(const BvhTriangle& t, Vec3d q) {
    const Vec3d ab = t.b - t.a, ac = t.c - t.a, aq = q - t.a;
    const Vec3d n = cross(ab, ac);
    const double n2 = dot(n, n);
    if (n2 > 0.0) {
        const double v = dot(cross(aq, ac), n), w = dot(cross(ab, aq), n);
        if (v >= 0.0 && w >= 0.0 && v + w <= n2) return t.a + ab * (v / n2) + ac * (w / n2);
    }
    Vec3d best = closest_on_segment(t.a, t.b, q);
    double best2 = squared_norm(best - q);
    for (const Vec3d p : {closest_on_segment(t.b, t.c, q), closest_on_segment(t.c, t.a, q)})
        if (const double d2 = squared_norm(p - q); d2 < best2) best = p, best2 = d2;
    return best;
}

/// A ray in the sheared space of Woop, Benthin and Wald 2013: the largest component of the direction becomes z.
class Ray {
public:
    Ray(Vec3d origin, Vec3d direction) : o_(origin) {
        const Vec3d m{std::abs(direction.x), std::abs(direction.y), std::abs(direction.z)};
        z_ = m.x >= m.y && m.x >= m.z ? 0 : m.y >= m.z ? 1 : 2;
        x_ = (z_ + 1) % 3, y_ = (z_ + 2) % 3;
        shear_x_ = direction[x_] / direction[z_], shear_y_ = direction[y_] / direction[z_];
        shear_z_ = 1.0 / direction[z_];
        // A tiny number instead of zero: 0 * inf at a touching border would be NaN.
        for (int a = 0; a < 3; ++a) inverse_[a] = 1.0 / (std::abs(direction[a]) < 1e-300 ? 1e-300 : direction[a]);
    }

    /// Parameter of the hit, or infinity.
    double hit(const BvhTriangle& t) const {
        constexpr double kMiss = std::numeric_limits<double>::infinity();
        const Vec3d a = t.a - o_, b = t.b - o_, c = t.c - o_;
        const double ax = a[x_] - shear_x_ * a[z_], ay = a[y_] - shear_y_ * a[z_];
        const double bx = b[x_] - shear_x_ * b[z_], by = b[y_] - shear_y_ * b[z_];
        const double cx = c[x_] - shear_x_ * c[z_], cy = c[y_] - shear_y_ * c[z_];
        const double u = cx * by - cy * bx, v = ax * cy - ay * cx, w = bx * ay - by * ax;
        if ((u < 0 || v < 0 || w < 0) && (u > 0 || v > 0 || w > 0)) return kMiss;
        const double det = u + v + w;
        if (det == 0.0) return kMiss;
        const double s = (u * a[z_] + v * b[z_] + w * c[z_]) * shear_z_ / det;
        return s > 0.0 ? s : kMiss;
    }

    /// Entry into the box before t_max, or infinity. The factor covers the rounding of three operations.
    double enter(const BvhNode& n, double t_max) const {
        constexpr double kSlack = 1.0 + 8.0 * std::numeric_limits<double>::epsilon();
        double t0 = 0.0, t1 = t_max;
        for (int a = 0; a < 3; ++a) {
            const auto i = static_cast<std::size_t>(a);
            const double p = (static_cast<double>(n.lo[i]) - o_[a]) * inverse_[a];
            const double q = (static_cast<double>(n.hi[i]) - o_[a]) * inverse_[a];
            const double near = p < q ? p : q, far = p < q ? q : p;
            if (near > t0) t0 = near;
            if (far * kSlack < t1) t1 = far * kSlack;
        }
        return t0 <= t1 ? t0 : std::numeric_limits<double>::infinity();
    }

private:
    Vec3d o_, inverse_{};
    int x_ = 0, y_ = 1, z_ = 2;
    double shear_x_ = 0, shear_y_ = 0, shear_z_ = 0;
};

void check_direction(Vec3d d) {
    if (!is_finite(d) || !(squared_norm(d) > 0.0))
        fail(ErrorKind::internal, "a ray needs a finite, non-zero direction");
}

}  // namespace

ClosestPoint TriangleBvh::closest(Vec3d query, double max_distance) const {
    ClosestPoint best;
    if (tree_->nodes.empty()) return best;
    const Vec3d q = query - tree_->origin;
    double limit = max_distance * max_distance;
    struct Entry {
        std::uint32_t node;
        double d2;
    };
    std::array<Entry, kBvhStack> stack;
    std::size_t top = 0;
    stack[top++] = {0, squared_distance(tree_->nodes[0], q)};
    while (top > 0) {
        const Entry e = stack[--top];
        if (e.d2 > limit) continue;
        const BvhNode& n = tree_->nodes[e.node];
        for (std::uint32_t i = n.first; i < n.first + n.count; ++i) {
            const Vec3d p = closest_on_triangle(tree_->triangles[i], q);
            const double d2 = squared_norm(p - q);
            if (d2 <= limit && d2 < best.squared_distance) best = {d2, tree_->faces[i], p}, limit = d2;
        }
        if (n.count > 0) continue;
        Entry near{n.first, squared_distance(tree_->nodes[n.first], q)};
        Entry far{n.first + 1, squared_distance(tree_->nodes[n.first + 1], q)};
        if (far.d2 < near.d2) std::swap(near, far);
        if (far.d2 <= limit) stack[top++] = far;
        if (near.d2 <= limit) stack[top++] = near;
    }
    best.point += tree_->origin;
    return best;
}

void TriangleBvh::distances(std::span<const Vec3d> queries, std::span<double> out) const {
    NIR_CHECK(out.size() == queries.size());
    parallel_for(queries.size(), kGrain, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) out[i] = std::sqrt(closest(queries[i]).squared_distance);
    });
}

RayHit TriangleBvh::cast(Vec3d origin, Vec3d direction, double t_max) const {
    check_direction(direction);
    RayHit best;
    if (tree_->nodes.empty()) return best;
    const Ray ray(origin - tree_->origin, direction);
    constexpr double kMiss = std::numeric_limits<double>::infinity();
    struct Entry {
        std::uint32_t node;
        double t;
    };
    std::array<Entry, kBvhStack> stack;
    std::size_t top = 0;
    stack[top++] = {0, 0.0};
    best.t = t_max;
    bool found = false;
    while (top > 0) {
        const Entry e = stack[--top];
        if (e.t > best.t) continue;
        const BvhNode& n = tree_->nodes[e.node];
        for (std::uint32_t i = n.first; i < n.first + n.count; ++i)
            if (const double t = ray.hit(tree_->triangles[i]); t < best.t) best = {t, tree_->faces[i]}, found = true;
        if (n.count > 0) continue;
        Entry near{n.first, ray.enter(tree_->nodes[n.first], best.t)};
        Entry far{n.first + 1, ray.enter(tree_->nodes[n.first + 1], best.t)};
        if (far.t < near.t) std::swap(near, far);
        if (far.t < kMiss) stack[top++] = far;
        if (near.t < kMiss) stack[top++] = near;
    }
    return found ? best : RayHit{};
}

std::size_t TriangleBvh::count_hits(Vec3d origin, Vec3d direction) const {
    check_direction(direction);
    if (tree_->nodes.empty()) return 0;
    constexpr double kFar = std::numeric_limits<double>::infinity();
    const Ray ray(origin - tree_->origin, direction);
    std::size_t hits = 0, top = 0;
    std::array<std::uint32_t, kBvhStack> stack;
    stack[top++] = 0;
    while (top > 0) {
        const BvhNode& n = tree_->nodes[stack[--top]];
        if (!(ray.enter(n, kFar) < kFar)) continue;
        for (std::uint32_t i = n.first; i < n.first + n.count; ++i)
            if (ray.hit(tree_->triangles[i]) < kFar) ++hits;
        if (n.count == 0) stack[top++] = n.first + 1, stack[top++] = n.first;
    }
    return hits;
}

}  // namespace nir::geom
