// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/trim_mesh.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/geom/mesh_clean.h"

#include "geom/mesh_edges.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <tuple>
#include <utility>

namespace nir::geom {
namespace {

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

/// The vertices joined to each vertex, each once, as rows of one list.
struct Rings {
    std::vector<std::uint32_t> begin, of;
    explicit Rings(const TriMesh& mesh) : begin(mesh.vertices.size() + 1, 0) {
        std::vector<std::pair<std::uint32_t, std::uint32_t>> edges;
        edges.reserve(mesh.faces.size() * 3 / 2);
        for_each_edge(mesh.faces, mesh.vertices.size(), [&](std::uint32_t lo, std::span<const EdgeUse> uses) {
            edges.emplace_back(lo, uses[0].hi);
            ++begin[lo + 1], ++begin[uses[0].hi + 1];
        });
        std::partial_sum(begin.begin(), begin.end(), begin.begin());
        of.resize(begin.back());
        std::vector<std::uint32_t> at(begin.begin(), begin.end() - 1);
        for (const auto& [a, b] : edges) of[at[a]++] = b, of[at[b]++] = a;
    }
};

bool before(const Vec3d& a, const Vec3d& b) { return std::tie(a.x, a.y, a.z) < std::tie(b.x, b.y, b.z); }

/// Place on an edge: (1 - t) of vertex `in` and t of vertex `out`.
struct Place {
    std::uint32_t in = kNone, out = kNone;
    double t = 0;
};

/// keep_faces(), with what is known of their origins.
void keep_with_origins(TriMesh& mesh, const std::vector<std::uint8_t>& keep, CutOrigins& origins) {
    std::vector<std::uint8_t> used(mesh.vertices.size(), 0);
    for (std::size_t f = 0; f < keep.size(); ++f)
        if (keep[f])
            for (const auto v : mesh.faces[f]) used[v] = 1;
    keep_faces(mesh, keep);
    const auto only = [](auto& list, const std::vector<std::uint8_t>& which) {
        std::size_t n = 0;
        for (std::size_t i = 0; i < list.size(); ++i)
            if (which[i]) list[n++] = list[i];
        list.resize(n);
    };
    only(origins.vertices, used), only(origins.faces, keep);
}

/// Cuts one mesh; see cut_mesh.
class Cutter {
public:
    Cutter(TriMesh& mesh, std::span<const float> support, const CutOptions& options, CutOrigins& origins)
        : mesh_(mesh),
          support_(support),
          options_(options),
          origins_(origins),
          side_(support.size()),
          moved_(support.size()) {}

    bool run() {
        bool outside = false;
        for (std::size_t v = 0; v < side_.size(); ++v) {
            side_[v] = support_[v] < 1 ? kIn : support_[v] == 1 ? kOn : kOut;
            outside |= side_[v] == kOut;
        }
        if (!outside) return false;
        snap();
        unmove_where_faces_would_flip();
        for (std::uint32_t v = 0; v < moved_.size(); ++v)
            if (moved_[v].in != kNone) targets_.emplace_back(v, moved_[v]);
        find_cuts();
        rebuild();
        return true;
    }

private:
    static constexpr signed char kIn = -1, kOn = 0, kOut = 1;

    double crossing(std::uint32_t in, std::uint32_t out) const {
        const auto a = static_cast<double>(support_[in]), b = static_cast<double>(support_[out]);
        return (1 - a) / (b - a);
    }
    Vec3d position(const Place& p) const {
        const Vec3d a = mesh_.vertices[p.in], b = mesh_.vertices[p.out];
        return a + (b - a) * p.t;
    }
    Vec3d position(std::uint32_t v) const { return moved_[v].in == kNone ? mesh_.vertices[v] : position(moved_[v]); }

    /// Vertices next to a crossing come to lie on the line, at the nearest crossing of their edges.
    void snap() {
        std::vector<double> share(side_.size(), 1);
        const auto offer = [&](std::uint32_t v, double s, const Place& place) {
            if (s > options_.snap || s > share[v]) return;
            if (s == share[v] && !before(position(place), position(moved_[v]))) return;
            share[v] = s, moved_[v] = place;
        };
        for_each_edge(mesh_.faces, side_.size(), [&](std::uint32_t lo, std::span<const EdgeUse> uses) {
            std::uint32_t in = lo, out = uses[0].hi;
            if (side_[in] * side_[out] >= 0) return;
            if (side_[in] == kOut) std::swap(in, out);
            const double t = crossing(in, out);
            offer(in, t, {in, out, t});
            offer(out, 1 - t, {in, out, t});
        });
        for (std::size_t v = 0; v < side_.size(); ++v)
            if (moved_[v].in != kNone) side_[v] = kOn;
    }

    bool stays(const Triangle& f) const {
        const int lowest = std::min({side_[f[0]], side_[f[1]], side_[f[2]]});
        const int highest = std::max({side_[f[0]], side_[f[1]], side_[f[2]]});
        if (highest == kOut) return false;
        return lowest == kIn || support_[f[0]] + support_[f[1]] + support_[f[2]] <= 3;
    }

    /// Gives vertices their old place where a face that stays would turn over or be squeezed flat. (Those faces that
    /// are cut through only get smaller.)
    void unmove_where_faces_would_flip() {
        for (bool again = true; again;) {
            again = false;
            std::vector<std::uint32_t> back;
            for (const auto& f : mesh_.faces) {
                if (names_a_vertex_twice(f)) continue;
                const bool any = std::ranges::any_of(f, [&](std::uint32_t v) { return moved_[v].in != kNone; });
                if (!any || std::ranges::any_of(f, [&](std::uint32_t v) { return side_[v] == kOut; })) continue;
                const Vec3d a = mesh_.vertices[f[0]], b = mesh_.vertices[f[1]], c = mesh_.vertices[f[2]];
                const Vec3d p = position(f[0]), q = position(f[1]), r = position(f[2]);
                const Vec3d old = cross(b - a, c - a), now = cross(q - p, r - p);
                if (dot(old, now) >= 0.1 * squared_norm(old)) continue;
                for (const auto v : f)
                    if (moved_[v].in != kNone) back.push_back(v);
            }
            for (const auto v : back) moved_[v] = {}, again = true;
        }
    }

    void find_cuts() {
        for_each_edge(mesh_.faces, side_.size(), [&](std::uint32_t lo, std::span<const EdgeUse> uses) {
            std::uint32_t in = lo, out = uses[0].hi;
            if (side_[in] * side_[out] >= 0) return;
            if (side_[in] == kOut) std::swap(in, out);
            const auto vertex = static_cast<std::uint32_t>(side_.size() + cuts_.size());
            cuts_.push_back({in, out, crossing(in, out)});
            for (const auto& use : uses) {
                if (cut_at_.empty()) cut_at_.assign(mesh_.faces.size(), {kNone, kNone, kNone});
                cut_at_[use.face()][use.k()] = vertex;
            }
        });
        if (cut_at_.empty()) cut_at_.assign(mesh_.faces.size(), {kNone, kNone, kNone});
    }

    /// The part of a face that stays, as a fan of triangles.
    void add_part(std::vector<Triangle>& faces, const Triangle& f, const std::array<std::uint32_t, 3>& cut) const {
        std::array<std::uint32_t, 4> corner{};
        std::size_t n = 0;
        for (std::size_t k = 0; k < 3; ++k) {
            if (side_[f[k]] != kOut) corner[n++] = f[k];
            if (cut[k] != kNone) corner[n++] = cut[k];
        }
        NIR_CHECK(n >= 3);
        if (n == 3) {
            faces.push_back({corner[0], corner[1], corner[2]});
            return;
        }
        const auto place = [&](std::size_t i) { return place_of(corner[i]); };
        const double one = squared_norm(place(0) - place(2)), two = squared_norm(place(1) - place(3));
        // Ties by position, so that the numbering does not matter.
        const auto first = [&](std::size_t i, std::size_t j) {
            return before(place(i), place(j)) ? place(i) : place(j);
        };
        const bool through_0 = one != two ? one < two : before(first(0, 2), first(1, 3));
        const std::size_t s = through_0 ? 0 : 1;
        faces.push_back({corner[s], corner[s + 1], corner[s + 2]});
        faces.push_back({corner[s], corner[s + 2], corner[(s + 3) % 4]});
    }
    Vec3d place_of(std::uint32_t v) const { return v < side_.size() ? position(v) : position(cuts_[v - side_.size()]); }

    void rebuild() {
        std::vector<Triangle> faces;
        faces.reserve(mesh_.faces.size());
        for (std::size_t i = 0; i < mesh_.faces.size(); ++i) {
            const Triangle& f = mesh_.faces[i];
            const int lowest = std::min({side_[f[0]], side_[f[1]], side_[f[2]]});
            const int highest = std::max({side_[f[0]], side_[f[1]], side_[f[2]]});
            if (stays(f))
                faces.push_back(f);
            else if (lowest == kIn && highest == kOut && !names_a_vertex_twice(f))
                add_part(faces, f, cut_at_[i]);
            origins_.faces.resize(faces.size(), static_cast<std::uint32_t>(i));
        }
        for (std::uint32_t v = 0; v < side_.size(); ++v) origins_.vertices.push_back({v, v, 0});
        for (const auto& c : cuts_) origins_.vertices.push_back({std::min(c.in, c.out), std::max(c.in, c.out), 0});
        const std::size_t n = side_.size();
        append_blends(mesh_.vertices, [](Vec3d a, Vec3d b, double t) { return a + (b - a) * t; });
        append_blends(mesh_.normals,
                      [](Vec3f a, Vec3f b, double t) { return normalized(a + (b - a) * static_cast<float>(t)); });
        append_blends(mesh_.colors, [](Rgb8 a, Rgb8 b, double t) {
            const auto mix = [t](std::uint8_t x, std::uint8_t y) {
                return static_cast<std::uint8_t>(std::lround(x + (y - x) * t));
            };
            return Rgb8{mix(a.r, b.r), mix(a.g, b.g), mix(a.b, b.b)};
        });
        append_blends(mesh_.confidence, [](float a, float b, double t) {
            return static_cast<float>(a + (b - a) * static_cast<double>(t));
        });
        mesh_.faces = std::move(faces);
        part_fans(n);
        keep_with_origins(mesh_, std::vector<std::uint8_t>(mesh_.faces.size(), 1), origins_);
    }

    /// Sets the moved vertices of a column and adds those of the cuts.
    template <class T, class Mix>
    void append_blends(std::vector<T>& column, Mix&& mix) const {
        if (column.empty()) return;
        const auto blend = [&](const Place& p) { return mix(column[p.in], column[p.out], p.t); };
        std::vector<T> moved;
        for (const auto& [v, place] : targets_) moved.push_back(blend(place));
        std::vector<T> added;
        for (const auto& place : cuts_) added.push_back(blend(place));
        for (std::size_t i = 0; i < moved.size(); ++i) column[targets_[i].first] = moved[i];
        column.insert(column.end(), added.begin(), added.end());
    }

    /// Doubles vertices on the line whose faces form more than one fan.
    void part_fans(std::size_t n) {
        // Corners of each vertex on the line; two are of one fan if their faces share an edge at the vertex.
        std::vector<std::pair<std::uint32_t, std::uint32_t>> corners;  // vertex, 3 * face + k
        for (std::uint32_t f = 0; f < mesh_.faces.size(); ++f)
            for (std::uint32_t k = 0; k < 3; ++k)
                if (mesh_.faces[f][k] < n && side_[mesh_.faces[f][k]] == kOn)
                    corners.emplace_back(mesh_.faces[f][k], 3 * f + k);
        std::sort(corners.begin(), corners.end());
        for (std::size_t i = 0; i < corners.size();) {
            std::size_t j = i + 1;
            while (j < corners.size() && corners[j].first == corners[i].first) ++j;
            part_fans_of({corners.data() + i, j - i});
            i = j;
        }
    }
    void part_fans_of(std::span<const std::pair<std::uint32_t, std::uint32_t>> corners) {
        DisjointSets fans(corners.size());
        const auto face = [&](std::size_t i) -> Triangle& { return mesh_.faces[corners[i].second / 3]; };
        const auto next = [&](std::size_t i) { return face(i)[(corners[i].second % 3 + 1) % 3]; };
        const auto last = [&](std::size_t i) { return face(i)[(corners[i].second % 3 + 2) % 3]; };
        for (std::size_t i = 1; i < corners.size(); ++i)
            for (std::size_t j = 0; j < i; ++j)
                if (next(i) == last(j) || last(i) == next(j) || next(i) == next(j) || last(i) == last(j))
                    fans.join(static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j));
        std::vector<std::uint32_t> copy(corners.size(), kNone);
        copy[fans.find(0)] = corners[0].first;
        std::uint32_t copies = 0;
        for (std::size_t i = 1; i < corners.size(); ++i) {
            std::uint32_t& vertex = copy[fans.find(static_cast<std::uint32_t>(i))];
            if (vertex == kNone) {
                vertex = double_vertex(corners[0].first);
                origins_.vertices.push_back({corners[0].first, corners[0].first, ++copies});
            }
            face(i)[corners[i].second % 3] = vertex;
        }
    }
    std::uint32_t double_vertex(std::uint32_t v) {
        const auto again = [v](auto& column) {
            if (!column.empty()) column.push_back(typename std::decay_t<decltype(column)>::value_type(column[v]));
        };
        again(mesh_.vertices), again(mesh_.normals), again(mesh_.colors), again(mesh_.confidence);
        return static_cast<std::uint32_t>(mesh_.vertices.size() - 1);
    }

    TriMesh& mesh_;
    std::span<const float> support_;
    const CutOptions& options_;
    CutOrigins& origins_;
    std::vector<signed char> side_;
    std::vector<Place> moved_;  ///< of vertices that are moved to the line
    std::vector<std::pair<std::uint32_t, Place>> targets_;
    std::vector<Place> cuts_;  ///< new vertices
    std::vector<std::array<std::uint32_t, 3>> cut_at_;
};

/// Drops faces with two boundary edges and a sharp tip between them; true if there were any.
bool drop_spikes(TriMesh& mesh, double most_angle, CutOrigins& origins) {
    std::vector<std::uint8_t> open(mesh.faces.size(), 0);  // bit k: side k is a boundary
    for_each_edge(mesh.faces, mesh.vertices.size(), [&](std::uint32_t, std::span<const EdgeUse> uses) {
        if (uses.size() == 1) open[uses[0].face()] |= static_cast<std::uint8_t>(1 << uses[0].k());
    });
    const double sharpest = std::cos(most_angle * std::numbers::pi / 180);
    std::vector<std::uint8_t> keep(mesh.faces.size(), 1);
    bool any = false;
    for (std::size_t f = 0; f < open.size(); ++f) {
        if (open[f] != 3 && open[f] != 5 && open[f] != 6) continue;
        const std::size_t tip = open[f] == 3 ? 1 : open[f] == 6 ? 2 : 0;  // between sides 0|1, 1|2, 2|0
        const Vec3d p = mesh.vertices[mesh.faces[f][tip]];
        const Vec3d u = normalized(mesh.vertices[mesh.faces[f][(tip + 1) % 3]] - p);
        const Vec3d v = normalized(mesh.vertices[mesh.faces[f][(tip + 2) % 3]] - p);
        if (dot(u, v) > sharpest) keep[f] = 0, any = true;
    }
    if (any) keep_with_origins(mesh, keep, origins);
    return any;
}

}  // namespace

std::vector<float> smooth_support(const TriMesh& mesh, std::span<const float> support, int rounds) {
    NIR_CHECK(support.size() == mesh.vertices.size() && rounds >= 0);
    std::vector<float> least(support.size());
    for (std::size_t v = 0; v < least.size(); ++v) {
        NIR_CHECK(!std::isnan(support[v]));
        least[v] = std::clamp(support[v], 0.0f, kMostSupport);
    }
    if (rounds == 0) return least;
    const Rings rings(mesh);
    std::vector<float> now = least, next(now.size());
    for (int round = 0; round < rounds; ++round) {
        parallel_for(now.size(), 4096, [&](std::size_t begin, std::size_t end) {
            for (std::size_t v = begin; v < end; ++v) {
                const std::uint32_t n = rings.begin[v + 1] - rings.begin[v];
                std::int64_t sum = 0;  // of whole multiples of 2^-32: exact in any order
                for (std::uint32_t i = rings.begin[v]; i < rings.begin[v + 1]; ++i)
                    sum += static_cast<std::int64_t>(static_cast<double>(now[rings.of[i]]) * 0x1p32);
                const double mean = n > 0 ? static_cast<double>(sum) * 0x1p-32 / n : static_cast<double>(now[v]);
                next[v] = std::max(least[v], static_cast<float>(0.5 * (static_cast<double>(now[v]) + mean)));
            }
        });
        now.swap(next);
    }
    return now;
}

bool cut_mesh(TriMesh& mesh, std::span<const float> support, const CutOptions& options, CutOrigins* origins) {
    NIR_CHECK(support.size() == mesh.vertices.size());
    NIR_CHECK(options.snap >= 0 && options.snap <= 0.4);
    for (const float s : support) NIR_CHECK(!std::isnan(s));
    CutOrigins found;
    if (!Cutter(mesh, support, options, found).run()) return false;
    for (int round = 0; round < options.spike_rounds && drop_spikes(mesh, options.spike_angle, found); ++round) {
    }
    if (origins) *origins = std::move(found);
    return true;
}

std::size_t remove_islands(TriMesh& mesh, double area) {
    const MeshComponents found = find_components(mesh);
    if (found.components.size() < 2) return 0;
    const auto largest =
        std::max_element(found.components.begin(), found.components.end(),
                         [](const MeshComponent& a, const MeshComponent& b) { return a.area < b.area; });
    const auto goes = [&](std::size_t c) {
        return found.components[c].area < area && c != static_cast<std::size_t>(largest - found.components.begin());
    };
    std::size_t removed = 0;
    for (std::size_t c = 0; c < found.components.size(); ++c) removed += goes(c);
    if (removed == 0) return 0;
    std::vector<std::uint8_t> keep(mesh.faces.size());
    for (std::size_t f = 0; f < keep.size(); ++f) keep[f] = !goes(found.of_face[f]);
    keep_faces(mesh, keep);
    return removed;
}

std::size_t trim_mesh(TriMesh& mesh, std::span<const float> support, const TrimOptions& options) {
    if (!cut_mesh(mesh, smooth_support(mesh, support, options.smoothing_rounds), options.cut)) return 0;
    return options.island_area > 0 ? remove_islands(mesh, options.island_area) : 0;
}

}  // namespace nir::geom
