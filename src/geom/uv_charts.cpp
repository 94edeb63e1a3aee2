// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "geom/uv_charts.h"

#include "nir/base/error.h"
#include "nir/geom/uv_atlas.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

namespace nir::geom {
namespace {

constexpr std::uint32_t kNone = 0xffffffff;
constexpr double kMoreAngle = 0.2618;  // 15 degrees: what a small group may bend more to join a large one

// Vertices at the same place get the number of the first of them.
std::vector<std::uint32_t> welded(const std::vector<Vec3d>& vertices) {
    std::vector<std::uint32_t> order(vertices.size()), out(vertices.size());
    std::iota(order.begin(), order.end(), 0u);
    const auto key = [&](std::uint32_t i) { return std::tuple(vertices[i].x, vertices[i].y, vertices[i].z, i); };
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return key(a) < key(b); });
    for (std::size_t i = 0; i < order.size(); ++i) {
        const bool same = i > 0 && vertices[order[i]] == vertices[order[i - 1]];
        out[order[i]] = same ? out[order[i - 1]] : order[i];
    }
    return out;
}

class Grouping {
public:
    Grouping(const TriMesh& mesh, double most_angle)
        : neighbors_(face_neighbors(mesh)), cos_(std::cos(most_angle)), group_(mesh.faces.size(), kNone) {
        for (const Triangle& t : mesh.faces)
            area_normal_.push_back(
                cross(mesh.vertices[t[1]] - mesh.vertices[t[0]], mesh.vertices[t[2]] - mesh.vertices[t[0]]));
    }

    std::vector<std::uint32_t> run(double loose_cos) {
        std::vector<std::uint32_t> seeds(group_.size());
        std::iota(seeds.begin(), seeds.end(), 0u);
        std::stable_sort(seeds.begin(), seeds.end(), [&](std::uint32_t a, std::uint32_t b) {
            return squared_norm(area_normal_[a]) > squared_norm(area_normal_[b]);
        });
        for (const std::uint32_t seed : seeds)
            if (group_[seed] == kNone) grow_around(seed);
        join_small(loose_cos);
        return numbered();
    }

private:
    bool fits(std::uint32_t face, Vec3d axis, double least_cos) const {
        const double size = norm(area_normal_[face]);
        return !(size > 0) || dot(area_normal_[face], axis) >= least_cos * size;
    }

    std::vector<std::uint32_t> grown(std::uint32_t seed, Vec3d axis, std::uint32_t mark) {
        std::vector<std::uint32_t> faces{seed};
        group_[seed] = mark;
        for (std::size_t i = 0; i < faces.size(); ++i)
            for (const std::uint32_t n : neighbors_[faces[i]])
                if (n != kNone && group_[n] == kNone && fits(n, axis, cos_)) group_[n] = mark, faces.push_back(n);
        return faces;
    }

    void grow_around(std::uint32_t seed) {
        const auto mark = static_cast<std::uint32_t>(axes_.size());
        Vec3d axis = normalized(area_normal_[seed]);
        std::vector<std::uint32_t> faces;
        for (int round = 0; round < 3; ++round) {
            faces = grown(seed, axis, mark);
            Vec3d sum{};
            for (const std::uint32_t f : faces) sum += area_normal_[f];
            const Vec3d next = normalized(sum);
            if (round == 2 || !fits(seed, next, cos_) || next == axis) break;
            axis = next;
            for (const std::uint32_t f : faces) group_[f] = kNone;
        }
        axes_.push_back(axis), members_.push_back(std::move(faces));
    }

    // A group moves as a whole into the neighbour that most of its edges touch, if all its faces look that way.
    void join_small(double loose_cos) {
        std::vector<std::uint32_t> order(members_.size());
        std::iota(order.begin(), order.end(), 0u);
        std::stable_sort(order.begin(), order.end(),
                         [&](std::uint32_t a, std::uint32_t b) { return members_[a].size() < members_[b].size(); });
        for (const std::uint32_t g : order) {
            std::vector<std::uint32_t> around;
            for (const std::uint32_t f : members_[g])
                for (const std::uint32_t n : neighbors_[f])
                    if (n != kNone && group_[n] != g && members_[group_[n]].size() >= 4 * members_[g].size())
                        around.push_back(group_[n]);
            std::sort(around.begin(), around.end());
            std::uint32_t best = kNone;
            std::size_t most = 0;
            for (std::size_t i = 0, j = 0; i < around.size(); i = j) {
                while (j < around.size() && around[j] == around[i]) ++j;
                if (j - i > most && std::all_of(members_[g].begin(), members_[g].end(),
                                                [&](std::uint32_t f) { return fits(f, axes_[around[i]], loose_cos); }))
                    most = j - i, best = around[i];
            }
            if (best == kNone) continue;
            for (const std::uint32_t f : members_[g]) group_[f] = best;
            members_[best].insert(members_[best].end(), members_[g].begin(), members_[g].end());
            members_[g].clear();
        }
    }

    std::vector<std::uint32_t> numbered() const {
        std::vector<std::uint32_t> number(members_.size(), kNone), out;
        std::uint32_t n = 0;
        for (const std::uint32_t g : group_) {
            if (number[g] == kNone) number[g] = n++;
            out.push_back(number[g]);
        }
        return out;
    }

    std::vector<std::array<std::uint32_t, 3>> neighbors_;
    double cos_;
    std::vector<std::uint32_t> group_;
    std::vector<Vec3d> area_normal_, axes_;
    std::vector<std::vector<std::uint32_t>> members_;
};

}  // namespace

std::vector<std::array<std::uint32_t, 3>> face_neighbors(const TriMesh& mesh) {
    const std::vector<std::uint32_t> place = welded(mesh.vertices);
    struct Edge {
        std::uint32_t a, b, face, corner;
    };
    std::vector<Edge> edges;
    edges.reserve(3 * mesh.faces.size());
    for (std::size_t f = 0; f < mesh.faces.size(); ++f)
        for (std::uint32_t k = 0; k < 3; ++k) {
            const std::uint32_t a = place[mesh.faces[f][k]], b = place[mesh.faces[f][(k + 1) % 3]];
            edges.push_back({std::min(a, b), std::max(a, b), static_cast<std::uint32_t>(f), k});
        }
    std::sort(edges.begin(), edges.end(), [](const Edge& x, const Edge& y) {
        return std::tuple(x.a, x.b, x.face, x.corner) < std::tuple(y.a, y.b, y.face, y.corner);
    });
    std::vector<std::array<std::uint32_t, 3>> out(mesh.faces.size(), {kNone, kNone, kNone});
    for (std::size_t i = 0, j = 0; i < edges.size(); i = j) {
        while (j < edges.size() && edges[j].a == edges[i].a && edges[j].b == edges[i].b) ++j;
        if (j - i != 2 || edges[i].face == edges[i + 1].face) continue;
        out[edges[i].face][edges[i].corner] = edges[i + 1].face;
        out[edges[i + 1].face][edges[i + 1].corner] = edges[i].face;
    }
    return out;
}

std::vector<std::uint32_t> group_by_normal(const TriMesh& mesh, double most_angle_rad) {
    for (const Triangle& t : mesh.faces)
        for (const std::uint32_t v : t) {
            if (v >= mesh.vertices.size())
                fail(ErrorKind::input, "a face names vertex {} of {}", v, mesh.vertices.size());
            if (!is_finite(mesh.vertices[v])) fail(ErrorKind::input, "vertex {}: a coordinate is not a number", v);
        }
    return Grouping(mesh, most_angle_rad).run(std::cos(most_angle_rad + kMoreAngle));
}

}  // namespace nir::geom
