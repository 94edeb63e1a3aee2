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
        const auto querying = phase_of(timer_, phase_);
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
        const auto querying = phase_of(timer_, phase_);
        const Timer timer;
        field_.gradients(points.subspan(begin, count), {result.data() + begin, count});
        seconds_ += timer.seconds();
        advance(count);
    }
    return result;
}

namespace {

/// The root of one vertex lies between a and b. Guesses are those of the Illinois method (regula falsi that halves the
/// weight of an end that has stayed twice), kept within the middle 40 % of the bracket: with three or four queries that
/// beats Illinois, bisection and Chandrupatla's method alike on smooth, saturated and kinked fields
/// (docs/methods/extraction.md).
struct Bracket {
    static constexpr double kMargin = 0.3;
    std::uint32_t vertex;
    double a, b, f_a, f_b, weight_a, weight_b;
    int last;  // the end that moved last: -1 a, 1 b, 0 none

    double guess() const {
        const double t = a - weight_a * (b - a) / (weight_b - weight_a);
        if (!std::isfinite(t)) return 0.5 * (a + b);
        return std::clamp(t, a + kMargin * (b - a), b - kMargin * (b - a));
    }

    void put(double t, double f) {
        const bool moves_a = (f > 0) == (f_a > 0);
        (moves_a ? a : b) = t;
        (moves_a ? f_a : f_b) = f;
        (moves_a ? weight_a : weight_b) = f;
        if (last == (moves_a ? -1 : 1)) (moves_a ? weight_b : weight_a) *= 0.5;
        last = moves_a ? -1 : 1;
    }

    /// Where the straight line through both ends meets the level.
    double crossing() const {
        const double t = a - f_a * (b - a) / (f_b - f_a);
        return std::isfinite(t) ? std::clamp(t, a, b) : 0.5 * (a + b);
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
        open.push_back({static_cast<std::uint32_t>(v), 0, 1, f_a, f_b, f_a, f_b, 0});
    }
    std::size_t asked = 0;
    std::vector<float> values;
    const auto place = [&](const Bracket& b, double t) {
        mesh.vertices[b.vertex] = on_edge(edges[b.vertex], std::clamp(t, clamp, 1 - clamp), frame);
    };
    for (int step = 0; step < steps && !open.empty(); ++step) {
        values.resize(open.size());
        query.values(
            open.size(), [&](std::size_t i) { return Vec3f(on_edge(edges[open[i].vertex], open[i].guess(), frame)); },
            values.data());
        asked += open.size();
        std::size_t kept = 0;
        for (std::size_t i = 0; i < open.size(); ++i) {
            Bracket b = open[i];
            const double f = static_cast<double>(values[i]) - level;
            const double t = b.guess(), range = std::abs(b.f_a) + std::abs(b.f_b);
            if (std::abs(f) < 1e-6 * range) {
                place(b, t);
                continue;
            }
            b.put(t, f);
            if (step + 1 == steps) {
                place(b, b.crossing());
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

void set_normals(geom::TriMesh& mesh, std::span<const LatticeEdge> edges, const LatticeFrame& frame, FieldQuery& query,
                 bool slopes) {
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
    if (!slopes) return;
    mesh.confidence.resize(points.size());
    for (std::size_t v = 0; v < points.size(); ++v) {
        const bool known = !edges[v].is_border(size) && geom::is_finite(gradients[v]);
        mesh.confidence[v] = known ? geom::norm(gradients[v]) : 0.0f;
    }
}

}  // namespace nir::extract
