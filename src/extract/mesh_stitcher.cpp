// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/extract/mesh_stitcher.h"

#include "nir/base/error.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace nir::extract {
namespace {

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

std::uint32_t find_root(std::vector<std::uint32_t>& parent, std::uint32_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
}

}  // namespace

FaceParts parts_of(const geom::TriMesh& mesh) {
    std::vector<std::uint32_t> parent(mesh.vertices.size());
    std::iota(parent.begin(), parent.end(), 0u);
    for (const auto& f : mesh.faces)
        for (std::size_t k = 1; k < 3; ++k) {
            const auto a = find_root(parent, f[0]), b = find_root(parent, f[k]);
            parent[std::max(a, b)] = std::min(a, b);
        }
    FaceParts parts;
    parts.of_face.resize(mesh.faces.size());
    std::vector<std::uint32_t> number(mesh.vertices.size(), kNone);
    for (std::size_t f = 0; f < mesh.faces.size(); ++f) {
        std::uint32_t& n = number[find_root(parent, mesh.faces[f][0])];
        if (n == kNone) n = static_cast<std::uint32_t>(parts.count++);
        parts.of_face[f] = n;
    }
    return parts;
}

std::uint32_t MeshStitcher::root(std::uint32_t node) { return find_root(parent_, node); }

void MeshStitcher::join(std::uint32_t a, std::uint32_t b) {
    a = root(a), b = root(b);
    parent_[std::max(a, b)] = std::min(a, b);
}

void MeshStitcher::measure(const MeshPiece& piece, std::span<const std::uint32_t> part_of_face,
                           std::span<const std::size_t> support) {
    NIR_CHECK(part_of_face.size() == piece.mesh.faces.size() && parts_.empty());
    const auto first = static_cast<std::uint32_t>(parent_.size());
    first_node_.push_back(first);
    for (std::size_t k = 0; k < support.size(); ++k) {
        parent_.push_back(first + static_cast<std::uint32_t>(k));
        by_node_.push_back({0, support[k], true});
    }
    std::vector<std::uint32_t> part_of_vertex(piece.mesh.vertices.size(), kNone);
    for (std::size_t f = 0; f < part_of_face.size(); ++f) {
        NIR_CHECK(part_of_face[f] < support.size());
        ++by_node_[first + part_of_face[f]].faces;
        for (const auto v : piece.mesh.faces[f]) part_of_vertex[v] = part_of_face[f];
    }
    for (const auto& s : piece.shared) {
        if (part_of_vertex[s.vertex] == kNone) continue;
        const std::uint32_t node = first + part_of_vertex[s.vertex];
        const auto [at, is_new] = nodes_.emplace(s.key, node);
        if (!is_new) join(at->second, node);
    }
}

std::vector<MeshStitcher::Part>& MeshStitcher::decide() {
    if (!whole_part_.empty()) return parts_;
    nodes_ = {};
    whole_part_.assign(parent_.size(), kNone);
    for (std::uint32_t i = 0; i < parent_.size(); ++i) {
        std::uint32_t& whole = whole_part_[root(i)];
        if (whole == kNone) {
            whole = static_cast<std::uint32_t>(parts_.size());
            parts_.push_back({});
        }
        whole_part_[i] = whole;
        parts_[whole].faces += by_node_[i].faces;
        parts_[whole].support += by_node_[i].support;
    }
    return parts_;
}

MeshStitcher::Placement MeshStitcher::place(const MeshPiece& piece, std::span<const std::uint32_t> part_of_face) {
    NIR_CHECK(next_piece_ < first_node_.size() && part_of_face.size() == piece.mesh.faces.size());
    const std::uint32_t first_node = first_node_[next_piece_++];
    const geom::TriMesh& from = piece.mesh;
    Placement placed;
    std::vector<char> used(from.vertices.size(), 0), open(from.vertices.size(), 0);
    for (std::size_t f = 0; f < from.faces.size(); ++f) {
        if (!parts_[whole_part_[first_node + part_of_face[f]]].keep) continue;
        placed.kept.push_back(static_cast<std::uint32_t>(f));
        for (const auto v : from.faces[f]) used[v] = 1;
    }
    placed.number.assign(from.vertices.size(), kNone);
    for (const auto& s : piece.shared) {
        if (!used[s.vertex]) continue;
        const auto at = vertices_.find(s.key);
        if (at != vertices_.end())
            placed.number[s.vertex] = at->second;
        else
            open[s.vertex] = 1;
    }
    placed.first = static_cast<std::uint32_t>(next_vertex_);
    for (std::size_t v = 0; v < used.size(); ++v) {
        if (!used[v] || placed.number[v] != kNone) continue;
        if (next_vertex_ >= kNone) fail(ErrorKind::numeric, "the surface has more than 2^32 vertices");
        placed.number[v] = static_cast<std::uint32_t>(next_vertex_++);
        placed.fresh.push_back(static_cast<std::uint32_t>(v));
    }
    for (const auto& s : piece.shared)
        if (open[s.vertex]) vertices_.emplace(s.key, placed.number[s.vertex]);
    placed.faces.reserve(placed.kept.size());
    for (const auto f : placed.kept) {
        const auto& t = from.faces[f];
        placed.faces.push_back({placed.number[t[0]], placed.number[t[1]], placed.number[t[2]]});
    }
    return placed;
}

void MeshStitcher::append(const MeshPiece& piece, std::span<const std::uint32_t> part_of_face, geom::TriMesh& mesh) {
    NIR_CHECK(mesh.vertices.size() == next_vertex_);
    const Placement placed = place(piece, part_of_face);
    const auto take = [&](const auto& from, auto& to) {
        if (from.empty()) return;
        for (const auto v : placed.fresh) to.push_back(from[v]);
    };
    take(piece.mesh.vertices, mesh.vertices);
    take(piece.mesh.normals, mesh.normals);
    take(piece.mesh.colors, mesh.colors);
    take(piece.mesh.confidence, mesh.confidence);
    mesh.faces.insert(mesh.faces.end(), placed.faces.begin(), placed.faces.end());
}

void MeshStitcher::rewind() {
    next_piece_ = next_vertex_ = 0;
    vertices_.clear();
}

}  // namespace nir::extract
