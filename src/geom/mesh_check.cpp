// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/mesh_check.h"

#include "nir/base/error.h"

#include "geom/mesh_edges.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nir::geom {
namespace {

/// Faces with the same vertices share the edge between the two lower ones: each is counted there once.
std::size_t count_duplicates(std::span<const Triangle> faces, std::span<const EdgeUse> uses) {
    std::size_t duplicates = 0;
    const auto third = [&](const EdgeUse& u) { return faces[u.face()][(u.k() + 2) % 3]; };
    for (std::size_t i = 1; i < uses.size(); ++i) {
        const std::uint32_t v = third(uses[i]);
        if (v < uses[i].hi) continue;
        for (std::size_t j = 0; j < i; ++j) {
            if (third(uses[j]) == v) {
                ++duplicates;
                break;
            }
        }
    }
    return duplicates;
}

void measure(const TriMesh& mesh, MeshReport& report) {
    const Vec3d origin = mesh.vertices.empty() ? Vec3d{} : bounds(mesh.vertices).center();
    for (const auto& f : mesh.faces) {
        const Vec3d a = mesh.vertices[f[0]] - origin, b = mesh.vertices[f[1]] - origin,
                    c = mesh.vertices[f[2]] - origin;
        const Vec3d normal = cross(b - a, c - a);
        const double twice_area = norm(normal);
        const double longest = std::max({squared_norm(b - a), squared_norm(c - b), squared_norm(a - c)});
        if (names_a_vertex_twice(f) || !(twice_area > 1e-12 * longest)) ++report.degenerate_faces;
        report.area += twice_area / 2;
        report.signed_volume += dot(a, cross(b, c)) / 6;
    }
}

std::string count(std::size_t n, const char* one) { return fmt::format("{} {}{}", n, one, n == 1 ? "" : "s"); }

}  // namespace

MeshReport check_mesh(const TriMesh& mesh) {
    const auto& faces = mesh.faces;
    const std::size_t nv = mesh.vertices.size(), nf = faces.size();
    if (nf > std::numeric_limits<std::uint32_t>::max() / 3)
        fail(ErrorKind::input, "{} faces are more than can be checked", nf);
    for (std::size_t f = 0; f < nf; ++f) {
        for (const std::uint32_t v : faces[f]) {
            if (v >= nv) fail(ErrorKind::input, "face {} names vertex {}, but there are {}", f, v, nv);
        }
    }
    MeshReport report;
    report.vertices = nv, report.faces = nf;
    DisjointSets face_sets(nf), corner_sets(3 * nf);
    for_each_edge(faces, nv, [&](std::uint32_t lo, std::span<const EdgeUse> uses) {
        ++report.edges;
        if (uses.size() == 1) ++report.boundary_edges;
        if (uses.size() > 2) ++report.non_manifold_edges;
        const auto forward = [&](const EdgeUse& u) { return faces[u.face()][u.k()] == lo; };
        if (uses.size() == 2 && forward(uses[0]) == forward(uses[1])) ++report.misoriented_edges;
        if (uses.size() > 1) report.duplicate_faces += count_duplicates(faces, uses);
        const auto corner_of = [&](const EdgeUse& u, bool low) {
            return low == forward(u) ? u.corner : 3 * u.face() + (u.k() + 1) % 3;
        };
        for (std::size_t i = 1; i < uses.size(); ++i) {
            face_sets.join(uses[0].face(), uses[i].face());
            corner_sets.join(corner_of(uses[0], true), corner_of(uses[i], true));
            corner_sets.join(corner_of(uses[0], false), corner_of(uses[i], false));
        }
    });
    std::vector<std::uint8_t> fans(nv, 0);
    std::vector<bool> used(nv, false);
    for (std::uint32_t f = 0; f < nf; ++f) {
        for (const std::uint32_t v : faces[f]) used[v] = true;
        if (names_a_vertex_twice(faces[f])) continue;
        report.components += face_sets.find(f) == f;
        for (std::uint32_t k = 0; k < 3; ++k) {
            const std::uint32_t v = faces[f][k];
            if (corner_sets.find(3 * f + k) == 3 * f + k && fans[v] < 2 && ++fans[v] == 2)
                ++report.non_manifold_vertices;
        }
    }
    report.unused_vertices = static_cast<std::size_t>(std::count(used.begin(), used.end(), false));
    std::size_t proper = 0;
    for (const auto& f : faces) proper += !names_a_vertex_twice(f);
    report.euler_characteristic = static_cast<std::int64_t>(nv - report.unused_vertices) -
                                  static_cast<std::int64_t>(report.edges) + static_cast<std::int64_t>(proper);
    measure(mesh, report);
    report.closed = proper > 0 && report.boundary_edges == 0 && report.non_manifold_edges == 0;
    report.oriented = report.misoriented_edges == 0 && report.non_manifold_edges == 0;
    report.outward = report.closed && report.oriented && report.signed_volume > 0;
    return report;
}

std::int64_t MeshReport::genus() const {
    if (!closed || !oriented || !manifold()) return -1;
    return static_cast<std::int64_t>(components) - euler_characteristic / 2;
}

std::string MeshReport::summary() const {
    if (faces == 0) return "no faces";
    std::string text = closed ? "closed" : "open";
    const auto add = [&](bool when, const std::string& what) {
        if (when) text += ", " + what;
    };
    add(closed && oriented && !outward, "inside out");
    add(boundary_edges > 0, count(boundary_edges, "boundary edge"));
    add(misoriented_edges > 0, count(misoriented_edges, "misoriented edge"));
    add(non_manifold_edges > 0, count(non_manifold_edges, "non-manifold edge"));
    add(non_manifold_vertices > 0,
        fmt::format("{} non-manifold {}", non_manifold_vertices, non_manifold_vertices == 1 ? "vertex" : "vertices"));
    add(degenerate_faces > 0, count(degenerate_faces, "degenerate face"));
    add(duplicate_faces > 0, count(duplicate_faces, "duplicate face"));
    add(true, count(components, "component"));
    add(genus() >= 0, fmt::format("genus {}", genus()));
    return text;
}

}  // namespace nir::geom
