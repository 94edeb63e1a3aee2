// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/subdivide.h"

#include "nir/base/error.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>

namespace nir::geom {
namespace {

constexpr std::uint32_t kNone = 0xffffffff;

class Halving {
public:
    Halving(TriMesh& mesh, double longest) : mesh_(mesh), longest_(longest) {}

    // The vertex in the middle of a long edge; kNone if it is short enough.
    std::uint32_t middle(std::uint32_t a, std::uint32_t b) {
        if (!(squared_norm(mesh_.vertices[a] - mesh_.vertices[b]) > longest_ * longest_)) return kNone;
        const std::uint64_t key = std::uint64_t{std::min(a, b)} << 32 | std::max(a, b);
        const auto [at, added] = middles_.try_emplace(key, static_cast<std::uint32_t>(mesh_.vertices.size()));
        if (added) add_between(std::min(a, b), std::max(a, b));
        return at->second;
    }

private:
    void add_between(std::uint32_t a, std::uint32_t b) {
        mesh_.vertices.push_back((mesh_.vertices[a] + mesh_.vertices[b]) / 2.0);
        if (!mesh_.normals.empty()) mesh_.normals.push_back(normalized(mesh_.normals[a] + mesh_.normals[b]));
        if (!mesh_.confidence.empty()) mesh_.confidence.push_back((mesh_.confidence[a] + mesh_.confidence[b]) / 2);
        if (mesh_.colors.empty()) return;
        const auto mean = [](std::uint8_t x, std::uint8_t y) { return static_cast<std::uint8_t>((x + y + 1) / 2); };
        const Rgb8 x = mesh_.colors[a], y = mesh_.colors[b];
        mesh_.colors.push_back({mean(x.r, y.r), mean(x.g, y.g), mean(x.b, y.b)});
    }

    TriMesh& mesh_;
    double longest_;
    std::unordered_map<std::uint64_t, std::uint32_t> middles_;
};

// A face with the middles of its edges 0-1, 1-2, 2-0, as two, three or four faces.
void split(Triangle t, std::array<std::uint32_t, 3> m, std::vector<Triangle>& out) {
    const auto n = std::count_if(m.begin(), m.end(), [](std::uint32_t v) { return v != kNone; });
    if (n == 0) {
        out.push_back(t);
    } else if (n == 3) {
        out.insert(out.end(), {{t[0], m[0], m[2]}, {m[0], t[1], m[1]}, {m[2], m[1], t[2]}, {m[0], m[1], m[2]}});
    } else {
        // Turn the face until edge 0-1 is split and, of two, 1-2 as well.
        while (m[0] == kNone || (n == 2 && m[1] == kNone))
            std::rotate(t.begin(), t.begin() + 1, t.end()), std::rotate(m.begin(), m.begin() + 1, m.end());
        if (n == 1)
            out.insert(out.end(), {{t[0], m[0], t[2]}, {m[0], t[1], t[2]}});
        else
            out.insert(out.end(), {{m[0], t[1], m[1]}, {t[0], m[0], m[1]}, {t[0], m[1], t[2]}});
    }
}

}  // namespace

TriMesh split_long_edges(const TriMesh& mesh, double longest, std::size_t most_faces) {
    NIR_CHECK(longest > 0);
    TriMesh out = mesh;
    for (bool changed = true; changed;) {
        Halving halving(out, longest);
        std::vector<Triangle> faces;
        for (const Triangle& t : out.faces)
            split(t, {halving.middle(t[0], t[1]), halving.middle(t[1], t[2]), halving.middle(t[2], t[0])}, faces);
        if (faces.size() > most_faces)
            fail(ErrorKind::input, "edges of at most {} would take more than {} faces", longest, most_faces);
        changed = faces.size() > out.faces.size();
        out.faces = std::move(faces);
    }
    return out;
}

}  // namespace nir::geom
