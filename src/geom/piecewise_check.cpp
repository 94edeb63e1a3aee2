// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/piecewise_check.h"

#include "nir/base/error.h"

#include "geom/mesh_edges.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <unordered_map>
#include <vector>

namespace nir::geom {
namespace {

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

/// Disjoint sets that grow.
class GrowingSets {
public:
    std::uint32_t add() {
        parent_.push_back(static_cast<std::uint32_t>(parent_.size()));
        return parent_.back();
    }
    std::uint32_t find(std::uint32_t i) {
        while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
        return i;
    }
    void join(std::uint32_t a, std::uint32_t b) {
        a = find(a), b = find(b);
        parent_[std::max(a, b)] = std::min(a, b);
    }
    std::size_t size() const { return parent_.size(); }

private:
    std::vector<std::uint32_t> parent_;
};

/// A face at an edge, by the numbers of the joined mesh.
struct Use {
    std::uint32_t third;   ///< corner across the edge
    std::uint32_t part;    ///< component
    std::uint32_t fan[2];  ///< at the lower and the higher end
    bool forward;          ///< runs from the lower to the higher end
};
/// An edge and one of its faces.
struct OpenUse {
    std::uint32_t lo, hi;
    Use use;
};

/// Faces with the same three vertices, counted at the edge between the two lower ones.
std::size_t count_duplicates(std::uint32_t hi, std::span<const Use> uses) {
    std::size_t duplicates = 0;
    for (std::size_t i = 1; i < uses.size(); ++i) {
        if (uses[i].third < hi) continue;
        duplicates += std::any_of(uses.begin(), uses.begin() + static_cast<std::ptrdiff_t>(i),
                                  [&](const Use& u) { return u.third == uses[i].third; });
    }
    return duplicates;
}

void count_edge(std::uint32_t hi, std::span<const Use> uses, MeshReport& report) {
    ++report.edges;
    if (uses.size() == 1) ++report.boundary_edges;
    if (uses.size() > 2) ++report.non_manifold_edges;
    if (uses.size() == 2 && uses[0].forward == uses[1].forward) ++report.misoriented_edges;
    if (uses.size() > 1) report.duplicate_faces += count_duplicates(hi, uses);
}

}  // namespace

struct PiecewiseCheck::Impl {
    MeshReport report;
    std::size_t used = 0, proper = 0;
    GrowingSets parts, fans;  ///< those that reach open vertices
    std::vector<OpenUse> open_uses;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> open_fans;  ///< open vertex, fan
    bool any = false;
    Vec3d origin{}, twice_area_vector{};
    Box3d box;

    void measure(const Piece& piece);
    void connect(const Piece& piece);
    void finish_open();
};

void PiecewiseCheck::Impl::measure(const Piece& piece) {
    for (const auto& f : piece.faces) {
        const Vec3d &p = piece.vertices[f[0]], &q = piece.vertices[f[1]], &r = piece.vertices[f[2]];
        if (!any) origin = p, any = true;
        box.extend(p), box.extend(q), box.extend(r);
        const Vec3d a = p - origin, b = q - origin, c = r - origin;
        const Vec3d normal = cross(b - a, c - a);
        const double twice_area = norm(normal);
        const double longest = std::max({squared_norm(b - a), squared_norm(c - b), squared_norm(a - c)});
        if (names_a_vertex_twice(f) || !(twice_area > 1e-12 * longest)) ++report.degenerate_faces;
        report.area += twice_area / 2;
        report.signed_volume += dot(a, cross(b, c)) / 6;
        twice_area_vector += normal;
    }
}

void PiecewiseCheck::Impl::connect(const Piece& piece) {
    const auto& faces = piece.faces;
    const std::size_t nf = faces.size(), nv = piece.vertices.size();
    DisjointSets face_sets(nf), corner_sets(3 * nf);
    const auto is_open_edge = [&](std::uint32_t a, std::uint32_t b) { return piece.open[a] && piece.open[b]; };
    const auto start_of = [&](const EdgeUse& u) { return faces[u.face()][u.k()]; };
    // The corner of a use at one of its two vertices.
    const auto corner_at = [&](const EdgeUse& u, std::uint32_t v) {
        return start_of(u) == v ? u.corner : 3 * u.face() + (u.k() + 1) % 3;
    };
    // All faces of an edge that is not open are here. First they are joined ...
    for_each_edge(faces, nv, [&](std::uint32_t a, std::span<const EdgeUse> uses) {
        for (std::size_t i = 1; i < uses.size(); ++i) {
            face_sets.join(uses[0].face(), uses[i].face());
            for (const std::uint32_t v : {a, uses[0].hi})
                corner_sets.join(corner_at(uses[0], v), corner_at(uses[i], v));
        }
    });
    // ... then those that reach open vertices get a number of the whole.
    std::vector<std::uint32_t> part_of(nf, kNone), fan_of(3 * nf, kNone);
    const auto number_of = [](GrowingSets& sets, std::uint32_t& number) {
        if (number == kNone) number = sets.add();
        return number;
    };
    std::vector<Use> row;
    for_each_edge(faces, nv, [&](std::uint32_t a, std::span<const EdgeUse> uses) {
        std::uint32_t lo = a, hi = uses[0].hi;
        if (piece.number[lo] > piece.number[hi]) std::swap(lo, hi);
        const bool open = is_open_edge(lo, hi);
        row.clear();
        for (const EdgeUse& u : uses) {
            Use use{piece.number[faces[u.face()][(u.k() + 2) % 3]], kNone, {kNone, kNone}, start_of(u) == lo};
            if (open) {
                use.part = number_of(parts, part_of[face_sets.find(u.face())]);
                use.fan[0] = number_of(fans, fan_of[corner_sets.find(corner_at(u, lo))]);
                use.fan[1] = number_of(fans, fan_of[corner_sets.find(corner_at(u, hi))]);
                open_uses.push_back({piece.number[lo], piece.number[hi], use});
            }
            row.push_back(use);
        }
        if (!open) count_edge(piece.number[hi], row, report);
    });
    std::vector<std::uint8_t> n_fans(nv, 0), seen(nv, 0);
    for (std::uint32_t f = 0; f < nf; ++f) {
        for (const auto v : faces[f]) {
            used += !seen[v] && !piece.open[v];
            seen[v] = 1;
        }
        if (names_a_vertex_twice(faces[f])) continue;
        ++proper;
        report.components += face_sets.find(f) == f && part_of[f] == kNone;
        for (std::uint32_t k = 0; k < 3; ++k) {
            const std::uint32_t corner = 3 * f + k, v = faces[f][k];
            if (corner_sets.find(corner) != corner) continue;
            if (piece.open[v])
                open_fans.push_back({piece.number[v], number_of(fans, fan_of[corner])});
            else if (n_fans[v] < 2 && ++n_fans[v] == 2)
                ++report.non_manifold_vertices;
        }
    }
    // Open vertices that only faces without a proper edge name are vertices too.
    for (std::uint32_t v = 0; v < nv; ++v)
        if (seen[v] && piece.open[v]) open_fans.push_back({piece.number[v], kNone});
}

void PiecewiseCheck::Impl::finish_open() {
    const auto before = [](const OpenUse& a, const OpenUse& b) { return a.lo != b.lo ? a.lo < b.lo : a.hi < b.hi; };
    std::stable_sort(open_uses.begin(), open_uses.end(), before);
    std::vector<Use> row;
    for (std::size_t i = 0; i < open_uses.size();) {
        row.clear();
        const OpenUse first = open_uses[i];
        for (; i < open_uses.size() && open_uses[i].lo == first.lo && open_uses[i].hi == first.hi; ++i) {
            const Use& use = open_uses[i].use;
            parts.join(first.use.part, use.part);
            for (const std::size_t end : {0u, 1u}) fans.join(first.use.fan[end], use.fan[end]);
            row.push_back(use);
        }
        count_edge(first.hi, row, report);
    }
    for (std::uint32_t i = 0; i < parts.size(); ++i) report.components += parts.find(i) == i;
    for (auto& [vertex, fan] : open_fans)
        if (fan != kNone) fan = fans.find(fan);
    std::sort(open_fans.begin(), open_fans.end());
    open_fans.erase(std::unique(open_fans.begin(), open_fans.end()), open_fans.end());
    for (std::size_t i = 0; i < open_fans.size();) {
        std::size_t n = 0;
        const std::uint32_t vertex = open_fans[i].first;
        for (; i < open_fans.size() && open_fans[i].first == vertex; ++i) n += open_fans[i].second != kNone;
        ++used;
        report.non_manifold_vertices += n > 1;
    }
}

PiecewiseCheck::PiecewiseCheck() : impl_(std::make_unique<Impl>()) {}
PiecewiseCheck::~PiecewiseCheck() = default;

void PiecewiseCheck::add(const Piece& piece) {
    const std::size_t nv = piece.vertices.size(), nf = piece.faces.size();
    NIR_CHECK(piece.number.size() == nv && piece.open.size() == nv && nf <= kNone / 3);
    for (std::size_t f = 0; f < nf; ++f)
        for (const std::uint32_t v : piece.faces[f])
            if (v >= nv) fail(ErrorKind::input, "face {} names vertex {}, but there are {}", f, v, nv);
    impl_->report.faces += nf;
    impl_->measure(piece);
    impl_->connect(piece);
}

MeshReport PiecewiseCheck::finish(std::size_t vertices) {
    Impl& m = *impl_;
    m.finish_open();
    MeshReport& report = m.report;
    report.vertices = vertices;
    report.unused_vertices = vertices - m.used;
    report.euler_characteristic = static_cast<std::int64_t>(m.used) - static_cast<std::int64_t>(report.edges) +
                                  static_cast<std::int64_t>(m.proper);
    // check_mesh() measures from the middle of the box; matters for open meshes only.
    if (m.any) report.signed_volume -= dot(m.box.center() - m.origin, m.twice_area_vector) / 6;
    report.closed = m.proper > 0 && report.boundary_edges == 0 && report.non_manifold_edges == 0;
    report.oriented = report.misoriented_edges == 0 && report.non_manifold_edges == 0;
    report.outward = report.closed && report.oriented && report.signed_volume > 0;
    return report;
}

}  // namespace nir::geom
