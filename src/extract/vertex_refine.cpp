// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "extract/vertex_refine.h"

#include "nir/base/error.h"
#include "nir/base/timer.h"

#include <algorithm>
#include <cmath>

namespace nir::extract {

using geom::Vec3d;
using geom::Vec3f;
using geom::Vec3i;

void FieldQuery::advance(std::size_t n) {
    if (!progress_.advance(n)) fail(ErrorKind::cancelled, "stopped while querying the field");
}

void FieldQuery::values(std::size_t n, const std::function<Vec3f(std::size_t)>& point, float* values) {
    for (std::size_t begin = 0; begin < n; begin += batch_) {
        const std::size_t count = std::min(batch_, n - begin);
        points_.resize(count);
        for (std::size_t i = 0; i < count; ++i) points_[i] = point(begin + i);
        const Timer timer;
        field_.values(points_, {values + begin, count});
        seconds_ += timer.seconds();
        for (std::size_t i = 0; i < count; ++i) {
            if (std::isnan(values[begin + i])) {
                fail(ErrorKind::numeric, "the field is not a number at ({}, {}, {})", points_[i].x, points_[i].y,
                     points_[i].z);
            }
        }
        advance(count);
    }
}

std::vector<Vec3f> FieldQuery::gradients(std::span<const Vec3f> points) {
    std::vector<Vec3f> result(points.size());
    for (std::size_t begin = 0; begin < points.size(); begin += batch_) {
        const std::size_t count = std::min(batch_, points.size() - begin);
        const Timer timer;
        field_.gradients(points.subspan(begin, count), {result.data() + begin, count});
        seconds_ += timer.seconds();
        advance(count);
    }
    return result;
}

namespace {

/// Chandrupatla's method for one vertex: the root lies between the latest point t1 and t2; t3 is the point before.
/// Steps by inverse quadratic interpolation where the three values allow it, else by bisection, so that a field like a
/// step loses no time and a smooth one converges at once. Ref: chandrupatla1997.
struct Bracket {
    std::uint32_t vertex;
    double t1, t2, t3, f1, f2, f3, t;

    double width() const { return std::abs(t2 - t1); }

    /// Moves to the point t, whose value is f.
    void put(double f) {
        t3 = t1, f3 = f1;
        if ((f > 0) != (f1 > 0)) t3 = t2, f3 = f2, t2 = t1, f2 = f1;
        t1 = t, f1 = f;
        const double xi = (t1 - t2) / (t3 - t2), phi = (f1 - f2) / (f3 - f2);
        double step = 0.5;
        if (phi * phi < xi && (1 - phi) * (1 - phi) < 1 - xi) {
            step = f1 / (f2 - f1) * f3 / (f2 - f3) + (t3 - t1) / (t2 - t1) * f1 / (f3 - f1) * f2 / (f3 - f2);
        }
        t = t1 + std::clamp(step, 0.0, 1.0) * (t2 - t1);
    }
};

Vec3d on_edge(const LatticeEdge& e, double t, const LatticeFrame& frame) {
    Vec3d index(e.lo);
    index[e.axis] += t;
    return frame.position(index);
}

}  // namespace

std::size_t move_to_level(geom::TriMesh& mesh, std::span<const LatticeEdge> edges, const LatticeFrame& frame,
                          double level, int steps, double clamp, FieldQuery& query) {
    NIR_CHECK(edges.size() == mesh.vertices.size());
    const Vec3i size = frame.cells + Vec3i{1, 1, 1};
    std::vector<Bracket> open;
    for (std::size_t v = 0; v < edges.size() && steps > 0; ++v) {
        const auto& e = edges[v];
        const double f_a = e.value_lo - level, f_b = e.value_hi - level;
        if (e.is_border(size) || !((f_a < 0 && f_b > 0) || (f_a > 0 && f_b < 0))) continue;
        open.push_back({static_cast<std::uint32_t>(v), 0, 1, 0, f_a, f_b, 0, f_a / (f_a - f_b)});
    }
    std::size_t asked = 0;
    std::vector<float> values;
    const auto place = [&](const Bracket& b, double t) {
        mesh.vertices[b.vertex] = on_edge(edges[b.vertex], std::clamp(t, clamp, 1 - clamp), frame);
    };
    for (int step = 0; step < steps && !open.empty(); ++step) {
        values.resize(open.size());
        query.values(
            open.size(), [&](std::size_t i) { return Vec3f(on_edge(edges[open[i].vertex], open[i].t, frame)); },
            values.data());
        asked += open.size();
        std::size_t kept = 0;
        for (std::size_t i = 0; i < open.size(); ++i) {
            Bracket b = open[i];
            const double f = static_cast<double>(values[i]) - level;
            if (f == 0) {
                place(b, b.t);
                continue;
            }
            const double range = std::abs(b.f1) + std::abs(b.f2);
            b.put(f);
            if (step + 1 == steps || std::abs(f) < 1e-6 * range || b.width() < 1e-5) {
                place(b, b.t);
            } else {
                open[kept++] = b;
            }
        }
        open.resize(kept);
    }
    return asked;
}

std::vector<Vec3f> mean_face_normals(const geom::TriMesh& mesh) {
    std::vector<Vec3d> sum(mesh.vertices.size());
    for (const auto& f : mesh.faces) {
        const Vec3d a = mesh.vertices[f[0]];
        const Vec3d n = geom::cross(mesh.vertices[f[1]] - a, mesh.vertices[f[2]] - a);
        for (const auto v : f) sum[v] += n;
    }
    std::vector<Vec3f> normals(sum.size());
    for (std::size_t v = 0; v < sum.size(); ++v) normals[v] = Vec3f(geom::normalized(sum[v]));
    return normals;
}

void set_normals(geom::TriMesh& mesh, std::span<const LatticeEdge> edges, const LatticeFrame& frame,
                 FieldQuery& query) {
    const Vec3i size = frame.cells + Vec3i{1, 1, 1};
    std::vector<Vec3f> points(mesh.vertices.size());
    for (std::size_t v = 0; v < points.size(); ++v) points[v] = Vec3f(mesh.vertices[v]);
    const auto gradients = query.gradients(points);
    std::vector<Vec3f> fallback;
    mesh.normals.resize(points.size());
    for (std::size_t v = 0; v < points.size(); ++v) {
        Vec3f n{};
        if (edges[v].is_border(size)) {
            n[edges[v].axis] = edges[v].lo[edges[v].axis] < 0 ? -1.0f : 1.0f;
        } else if (geom::is_finite(gradients[v])) {
            n = Vec3f(-geom::normalized(geom::Vec3d(gradients[v])));
        }
        if (n == Vec3f{}) {
            if (fallback.empty()) fallback = mean_face_normals(mesh);
            n = fallback[v];
        }
        mesh.normals[v] = n;
    }
}

}  // namespace nir::extract
