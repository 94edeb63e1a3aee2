// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/mesh_clean.h"

#include "nir/base/error.h"

#include "geom/mesh_edges.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace nir::geom {
namespace {

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

template <class T>
void compact(std::vector<T>& values, const std::vector<std::uint32_t>& new_index) {
    if (values.empty()) return;
    std::size_t n = 0;
    for (std::size_t i = 0; i < new_index.size(); ++i) {
        if (new_index[i] != kNone) values[n++] = values[i];
    }
    values.resize(n);
}

}  // namespace

MeshComponents find_components(const TriMesh& mesh) {
    const auto& faces = mesh.faces;
    NIR_CHECK(faces.size() < kNone / 3);
    for (const auto& f : faces) NIR_CHECK(std::max({f[0], f[1], f[2]}) < mesh.vertices.size());
    DisjointSets sets(faces.size());
    for_each_edge(faces, mesh.vertices.size(), [&](std::uint32_t, std::span<const EdgeUse> uses) {
        for (std::size_t i = 1; i < uses.size(); ++i) sets.join(uses[0].face(), uses[i].face());
    });
    MeshComponents result;
    result.of_face.resize(faces.size());
    const Vec3d origin = mesh.vertices.empty() ? Vec3d{} : bounds(mesh.vertices).center();
    for (std::uint32_t f = 0; f < faces.size(); ++f) {
        const std::uint32_t root = sets.find(f);  // the first face of the set, so it has its number already
        if (root == f) {
            result.of_face[f] = static_cast<std::uint32_t>(result.components.size());
            result.components.emplace_back();
        } else {
            result.of_face[f] = result.of_face[root];
        }
        auto& c = result.components[result.of_face[f]];
        const Vec3d p = mesh.vertices[faces[f][0]], q = mesh.vertices[faces[f][1]], r = mesh.vertices[faces[f][2]];
        ++c.faces;
        c.area += norm(cross(q - p, r - p)) / 2;
        c.signed_volume += dot(p - origin, cross(q - origin, r - origin)) / 6;
        c.box.extend(p), c.box.extend(q), c.box.extend(r);
    }
    return result;
}

std::size_t remove_small_components(TriMesh& mesh, const RemoveComponentsOptions& options) {
    const auto found = find_components(mesh);
    const auto& components = found.components;
    if (components.size() < 2) return 0;
    std::vector<std::size_t> by_area(components.size());
    std::iota(by_area.begin(), by_area.end(), std::size_t{0});
    std::stable_sort(by_area.begin(), by_area.end(),
                     [&](std::size_t a, std::size_t b) { return components[a].area > components[b].area; });
    Box3d box;
    for (const auto& c : components) box.extend(c.box.lo), box.extend(c.box.hi);
    const double min_area = options.min_area_share * components[by_area[0]].area;
    const double min_diagonal = options.min_diagonal_share * norm(box.size());
    std::vector<std::uint8_t> stays(components.size(), 0);
    std::size_t removed = 0;
    for (std::size_t rank = 0; rank < by_area.size(); ++rank) {
        const auto& c = components[by_area[rank]];
        const bool large = c.area >= min_area && c.diagonal() >= min_diagonal &&
                           (options.keep_largest == 0 || rank < options.keep_largest);
        stays[by_area[rank]] = rank == 0 || large;
        removed += !stays[by_area[rank]];
    }
    if (removed == 0) return 0;
    std::vector<std::uint8_t> keep(mesh.faces.size());
    for (std::size_t f = 0; f < keep.size(); ++f) keep[f] = stays[found.of_face[f]];
    keep_faces(mesh, keep);
    return removed;
}

std::size_t remove_degenerate_faces(TriMesh& mesh) {
    std::vector<std::uint8_t> drop(mesh.faces.size(), 0);
    for (std::size_t f = 0; f < drop.size(); ++f) drop[f] = names_a_vertex_twice(mesh.faces[f]);
    // Faces with the same vertices share their lowest edge.
    for_each_edge(mesh.faces, mesh.vertices.size(), [&](std::uint32_t, std::span<const EdgeUse> uses) {
        const auto third = [&](const EdgeUse& u) { return mesh.faces[u.face()][(u.k() + 2) % 3]; };
        for (std::size_t i = 1; i < uses.size(); ++i) {
            for (std::size_t j = 0; j < i; ++j) {
                if (third(uses[i]) > uses[i].hi && third(uses[i]) == third(uses[j])) drop[uses[i].face()] = 1;
            }
        }
    });
    std::size_t n = 0;
    for (std::size_t f = 0; f < drop.size(); ++f) {
        if (!drop[f]) mesh.faces[n++] = mesh.faces[f];
    }
    const std::size_t removed = mesh.faces.size() - n;
    mesh.faces.resize(n);
    return removed;
}

void keep_faces(TriMesh& mesh, const std::vector<std::uint8_t>& keep) {
    NIR_CHECK(keep.size() == mesh.faces.size());
    std::vector<std::uint32_t> new_index(mesh.vertices.size(), kNone);
    std::size_t n_faces = 0;
    for (std::size_t f = 0; f < keep.size(); ++f) {
        if (!keep[f]) continue;
        for (const auto v : mesh.faces[f]) new_index[v] = 0;
        mesh.faces[n_faces++] = mesh.faces[f];
    }
    mesh.faces.resize(n_faces);
    std::uint32_t n = 0;
    for (auto& i : new_index) {
        if (i != kNone) i = n++;
    }
    compact(mesh.vertices, new_index);
    compact(mesh.normals, new_index);
    compact(mesh.colors, new_index);
    compact(mesh.confidence, new_index);
    for (auto& f : mesh.faces) {
        for (auto& v : f) v = new_index[v];
    }
}

}  // namespace nir::geom
