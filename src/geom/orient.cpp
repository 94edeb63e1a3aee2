// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/orient.h"

#include "nir/base/error.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>

namespace nir::geom {
namespace {

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

/// A neighbour across an edge of exactly two faces, and whether both run along it in the same direction.
struct Neighbour {
    std::uint32_t face = kNone;
    bool disagrees = false;
};
using Neighbours = std::vector<std::array<Neighbour, 3>>;

struct HalfEdge {
    std::uint32_t lo, hi, face, side;
    bool forward;
    auto key() const { return std::tuple(lo, hi, face, side); }
};

Neighbours find_neighbours(const TriMesh& mesh) {
    std::vector<HalfEdge> edges;
    edges.reserve(3 * mesh.faces.size());
    for (std::uint32_t f = 0; f < mesh.faces.size(); ++f)
        for (std::uint32_t k = 0; k < 3; ++k) {
            const std::uint32_t a = mesh.faces[f][k], b = mesh.faces[f][(k + 1) % 3];
            if (a != b) edges.push_back({std::min(a, b), std::max(a, b), f, k, a < b});
        }
    std::sort(edges.begin(), edges.end(), [](const auto& x, const auto& y) { return x.key() < y.key(); });
    Neighbours out(mesh.faces.size());
    for (std::size_t i = 0; i < edges.size();) {
        std::size_t end = i + 1;
        while (end < edges.size() && edges[end].lo == edges[i].lo && edges[end].hi == edges[i].hi) ++end;
        if (end - i == 2 && edges[i].face != edges[i + 1].face) {
            const bool disagrees = edges[i].forward == edges[i + 1].forward;
            out[edges[i].face][edges[i].side] = {edges[i + 1].face, disagrees};
            out[edges[i + 1].face][edges[i + 1].side] = {edges[i].face, disagrees};
        }
        i = end;
    }
    return out;
}

double volume_around_middle(const TriMesh& mesh, const std::vector<std::uint32_t>& faces,
                            const std::vector<std::uint8_t>& turn) {
    Vec3d middle{};
    for (const auto f : faces)
        for (const auto v : mesh.faces[f]) middle += mesh.vertices[v] / (3.0 * static_cast<double>(faces.size()));
    double sum = 0;
    for (const auto f : faces) {
        const auto& t = mesh.faces[f];
        const Vec3d a = mesh.vertices[t[0]] - middle, b = mesh.vertices[t[1]] - middle,
                    c = mesh.vertices[t[2]] - middle;
        sum += (turn[f] ? -1.0 : 1.0) * dot(a, cross(b, c));
    }
    return sum;
}

}  // namespace

TriMesh weld_vertices(const TriMesh& mesh) {
    const auto& v = mesh.vertices;
    std::vector<std::uint32_t> order(v.size()), number(v.size());
    std::iota(order.begin(), order.end(), 0u);
    // NaN has no order: such vertices are kept apart, at the end.
    const auto key = [&](std::uint32_t i) {
        const bool finite = is_finite(v[i]);
        const Vec3d p = finite ? v[i] + Vec3d{0, 0, 0} : Vec3d{};
        return std::tuple(!finite, p.x, p.y, p.z, i);
    };
    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return key(a) < key(b); });
    std::vector<std::uint32_t> first(v.size());  // smallest number at the same position
    for (std::size_t i = 0; i < order.size(); ++i) {
        const bool same = i > 0 && is_finite(v[order[i]]) && v[order[i]] == v[order[i - 1]];
        first[order[i]] = same ? first[order[i - 1]] : order[i];
    }
    TriMesh out;
    for (std::uint32_t i = 0; i < v.size(); ++i) {
        if (first[i] == i) {
            number[i] = static_cast<std::uint32_t>(out.vertices.size());
            out.vertices.push_back(v[i]);
            if (mesh.colors.size() == v.size()) out.colors.push_back(mesh.colors[i]);
        }
    }
    out.faces.reserve(mesh.faces.size());
    for (std::size_t f = 0; f < mesh.faces.size(); ++f) {
        Triangle t{};
        for (std::size_t k = 0; k < 3; ++k) {
            if (mesh.faces[f][k] >= v.size())
                fail(ErrorKind::input, "face {} names vertex {}, but there are only {}", f, mesh.faces[f][k], v.size());
            t[k] = number[first[mesh.faces[f][k]]];
        }
        out.faces.push_back(t);
    }
    return out;
}

void flip_faces(TriMesh& mesh) {
    for (auto& f : mesh.faces) std::swap(f[1], f[2]);
}

OrientReport orient_faces(TriMesh& mesh) {
    const Neighbours neighbours = find_neighbours(mesh);
    const std::size_t n = mesh.faces.size();
    std::vector<std::uint8_t> seen(n, 0), turn(n, 0);
    OrientReport report;
    std::vector<std::uint32_t> component;
    for (std::uint32_t start = 0; start < n; ++start) {
        if (seen[start]) continue;
        component.assign(1, start);
        seen[start] = 1;
        bool disagrees = false, torn = false;
        for (std::size_t i = 0; i < component.size(); ++i) {
            const std::uint32_t f = component[i];
            for (const Neighbour& g : neighbours[f]) {
                if (g.face == kNone) continue;
                disagrees |= g.disagrees;
                const auto wanted = static_cast<std::uint8_t>(turn[f] ^ (g.disagrees ? 1 : 0));
                if (seen[g.face]) {
                    torn |= turn[g.face] != wanted;
                    continue;
                }
                seen[g.face] = 1, turn[g.face] = wanted;
                component.push_back(g.face);
            }
        }
        if (!disagrees) continue;
        ++report.components;
        report.not_orientable += torn;
        const bool inwards = volume_around_middle(mesh, component, turn) < 0;
        for (const auto f : component) turn[f] = static_cast<std::uint8_t>(turn[f] ^ (inwards ? 1 : 0));
    }
    for (std::size_t f = 0; f < n; ++f) {
        if (!turn[f]) continue;
        std::swap(mesh.faces[f][1], mesh.faces[f][2]);
        ++report.turned;
    }
    return report;
}

}  // namespace nir::geom
