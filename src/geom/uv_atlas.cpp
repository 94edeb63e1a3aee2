// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/uv_atlas.h"

#include "nir/base/error.h"

#include "geom/rect_packing.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numbers>

namespace nir::geom {
namespace {

struct Point2 {
    double x = 0, y = 0;
};

double doubled_area(Point2 a, Point2 b, Point2 c) { return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x); }

// Faces of one chart, laid flat; the box starts at 0.
struct Chart {
    std::vector<std::uint32_t> faces, vertices;  // of the mesh
    std::vector<Point2> flat;                    // one a vertex
    double width = 0, height = 0;
};

void turn_to_smallest_box(Chart& chart) {
    double best = 1e300, best_angle = 0;
    for (int i = 0; i < 30; ++i) {
        const double angle = std::numbers::pi / 2 * i / 30, c = std::cos(angle), s = std::sin(angle);
        Box3d box;
        for (const Point2& p : chart.flat) box.extend({c * p.x - s * p.y, s * p.x + c * p.y, 0});
        if (box.size().x * box.size().y < best * (1 - 1e-9)) best = box.size().x * box.size().y, best_angle = angle;
    }
    const double c = std::cos(best_angle), s = std::sin(best_angle);
    Box3d box;
    for (Point2& p : chart.flat) p = {c * p.x - s * p.y, s * p.x + c * p.y}, box.extend({p.x, p.y, 0});
    for (Point2& p : chart.flat) p = {p.x - box.lo.x, p.y - box.lo.y};
    chart.width = box.size().x, chart.height = box.size().y;
    if (chart.height > chart.width) {  // lying, for the packing; a turn, not a mirror
        for (Point2& p : chart.flat) p = {p.y, chart.width - p.x};
        std::swap(chart.width, chart.height);
    }
}

Chart laid_flat(const TriMesh& mesh, std::vector<std::uint32_t> faces) {
    Chart chart;
    Vec3d axis{};
    for (const std::uint32_t f : faces) {
        const Triangle& t = mesh.faces[f];
        axis += cross(mesh.vertices[t[1]] - mesh.vertices[t[0]], mesh.vertices[t[2]] - mesh.vertices[t[0]]);
        chart.vertices.insert(chart.vertices.end(), t.begin(), t.end());
    }
    std::sort(chart.vertices.begin(), chart.vertices.end());
    chart.vertices.erase(std::unique(chart.vertices.begin(), chart.vertices.end()), chart.vertices.end());
    axis = normalized(axis);
    if (axis == Vec3d{}) axis = {0, 0, 1};
    const Vec3d right = normalized(cross(std::abs(axis.y) < 0.9 ? Vec3d{0, 1, 0} : Vec3d{1, 0, 0}, axis)),
                up = cross(axis, right);
    // v runs down: the picture shows the surface from outside, not mirrored.
    for (const std::uint32_t v : chart.vertices)
        chart.flat.push_back({dot(mesh.vertices[v], right), -dot(mesh.vertices[v], up)});
    chart.faces = std::move(faces);
    turn_to_smallest_box(chart);
    return chart;
}

std::size_t place_in(const Chart& chart, std::uint32_t vertex) {
    return static_cast<std::size_t>(std::lower_bound(chart.vertices.begin(), chart.vertices.end(), vertex) -
                                    chart.vertices.begin());
}

std::array<Point2, 3> corners_of(const Chart& chart, const Triangle& t) {
    return {chart.flat[place_in(chart, t[0])], chart.flat[place_in(chart, t[1])], chart.flat[place_in(chart, t[2])]};
}

// Strictly inside, by a share of the area: shared edges are no overlap.
bool overlap(const std::array<Point2, 3>& a, const std::array<Point2, 3>& b, double tolerance) {
    for (const auto* tri : {&a, &b})
        for (std::size_t k = 0; k < 3; ++k) {
            const auto& other = tri == &a ? b : a;
            const Point2 p = (*tri)[k], q = (*tri)[(k + 1) % 3];
            const double sign = doubled_area((*tri)[0], (*tri)[1], (*tri)[2]) < 0 ? -1 : 1;
            if (std::all_of(other.begin(), other.end(),
                            [&](Point2 r) { return sign * doubled_area(p, q, r) <= tolerance; }))
                return false;
        }
    return true;
}

// Connected faces that look one way can still lie over each other (a spiral stair). Takes out what lies on something
// that is there already.
class OverlapTest {
public:
    OverlapTest(const TriMesh& mesh, const Chart& chart)
        : mesh_(mesh),
          chart_(chart),
          n_(static_cast<int>(std::clamp(std::sqrt(static_cast<double>(chart.faces.size())), 1.0, 2048.0))),
          cells_(static_cast<std::size_t>(n_) * static_cast<std::size_t>(n_)) {}

    std::vector<std::uint32_t> overlapping() {
        std::vector<std::uint32_t> out;
        if (chart_.faces.size() == 1) return out;
        for (const std::uint32_t f : chart_.faces)
            if (!add(f)) out.push_back(f);
        return out;
    }

private:
    bool add(std::uint32_t face) {
        const auto tri = corners_of(chart_, mesh_.faces[face]);
        const auto cell = [&](double v, double size) {
            return std::clamp(static_cast<int>(v / std::max(size, 1e-300) * n_), 0, n_ - 1);
        };
        const auto [x0, x1] = std::minmax({tri[0].x, tri[1].x, tri[2].x});
        const auto [y0, y1] = std::minmax({tri[0].y, tri[1].y, tri[2].y});
        const int i0 = cell(x0, chart_.width), i1 = cell(x1, chart_.width), j0 = cell(y0, chart_.height),
                  j1 = cell(y1, chart_.height);
        const double tolerance = 1e-9 * chart_.width * chart_.height;
        const auto at = [&](int i, int j) -> std::vector<std::uint32_t>& {
            return cells_[static_cast<std::size_t>(j) * static_cast<std::size_t>(n_) + static_cast<std::size_t>(i)];
        };
        for (int j = j0; j <= j1; ++j)
            for (int i = i0; i <= i1; ++i)
                for (const std::uint32_t other : at(i, j))
                    if (overlap(tri, corners_of(chart_, mesh_.faces[other]), tolerance)) return false;
        for (int j = j0; j <= j1; ++j)
            for (int i = i0; i <= i1; ++i) at(i, j).push_back(face);
        return true;
    }

    const TriMesh& mesh_;
    const Chart& chart_;
    int n_;
    std::vector<std::vector<std::uint32_t>> cells_;
};

std::vector<Chart> make_charts(const TriMesh& mesh, double most_angle_rad) {
    const std::vector<std::uint32_t> group = group_by_normal(mesh, most_angle_rad);
    std::vector<std::vector<std::uint32_t>> todo(*std::max_element(group.begin(), group.end()) + 1);
    for (std::size_t f = 0; f < group.size(); ++f) todo[group[f]].push_back(static_cast<std::uint32_t>(f));
    std::vector<Chart> charts;
    for (std::size_t i = 0; i < todo.size(); ++i) {
        Chart chart = laid_flat(mesh, std::move(todo[i]));
        std::vector<std::uint32_t> out = OverlapTest(mesh, chart).overlapping(), stays;
        if (!out.empty()) {
            std::set_difference(chart.faces.begin(), chart.faces.end(), out.begin(), out.end(),
                                std::back_inserter(stays));
            chart = laid_flat(mesh, std::move(stays));
            todo.push_back(std::move(out));
        }
        charts.push_back(std::move(chart));
    }
    return charts;
}

struct Packing {
    double scale = 0;  // texels per unit
    std::vector<Corner> corners;
};

// The largest scale at which all charts fit, to one per mille.
Packing pack(const std::vector<Chart>& charts, const UvAtlasOptions& o) {
    double area = 0, longest = 0;
    for (const Chart& c : charts) area += c.width * c.height, longest = std::max(longest, c.width);
    const auto attempt = [&](double scale) {
        std::vector<RectSize> sizes;
        for (const Chart& c : charts)
            sizes.push_back({static_cast<int>(std::ceil(c.width * scale)) + 1 + 2 * o.gutter,
                             static_cast<int>(std::ceil(c.height * scale)) + 1 + 2 * o.gutter});
        return pack_rects(sizes, o.side);
    };
    Packing best;
    double lo = 0, hi = o.side / std::max(longest, 1e-300);
    if (area > 0) hi = std::min(hi, o.side / std::sqrt(area));
    if (auto corners = attempt(0))
        best.corners = std::move(*corners);
    else
        fail(ErrorKind::input, "{} charts with a border of {} texels do not fit into a picture of {} x {}",
             charts.size(), o.gutter, o.side, o.side);
    while (hi - lo > 1e-3 * hi) {
        const double scale = (lo + hi) / 2;
        if (auto corners = attempt(scale))
            lo = best.scale = scale, best.corners = std::move(*corners);
        else
            hi = scale;
    }
    return best;
}

Point2 closest_on_segment(Point2 p, Point2 a, Point2 b) {
    const double dx = b.x - a.x, dy = b.y - a.y, length = dx * dx + dy * dy;
    const double t = length > 0 ? std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / length, 0.0, 1.0) : 0;
    return {a.x + t * dx, a.y + t * dy};
}

struct Nearest {
    double squared_distance = 1e300;
    double b1 = 0, b2 = 0;
};

// The place of a triangle next to p; degenerate triangles are their edges.
Nearest nearest_place(Point2 p, const std::array<Point2, 3>& t) {
    const double whole = doubled_area(t[0], t[1], t[2]);
    Nearest out;
    if (std::abs(whole) > 1e-12) {
        out = {0, doubled_area(t[0], p, t[2]) / whole, doubled_area(t[0], t[1], p) / whole};
        if (out.b1 >= 0 && out.b2 >= 0 && out.b1 + out.b2 <= 1) return out;
    }
    out = {};
    for (std::size_t k = 0; k < 3; ++k) {
        const Point2 a = t[k], b = t[(k + 1) % 3], q = closest_on_segment(p, a, b);
        const double d = (p.x - q.x) * (p.x - q.x) + (p.y - q.y) * (p.y - q.y);
        if (d >= out.squared_distance) continue;
        const double length = std::hypot(b.x - a.x, b.y - a.y);
        const double s = length > 0 ? std::hypot(q.x - a.x, q.y - a.y) / length : 0;
        std::array<double, 3> weight{};
        weight[k] = 1 - s, weight[(k + 1) % 3] = s;
        out = {d, weight[1], weight[2]};
    }
    return out;
}

}  // namespace

UvAtlas make_uv_atlas(const TriMesh& mesh, const UvAtlasOptions& o) {
    if (mesh.faces.empty()) fail(ErrorKind::input, "the mesh has no faces");
    NIR_CHECK(o.side >= 16 && o.side <= 32768 && o.gutter >= 0);
    const std::vector<Chart> charts = make_charts(mesh, o.most_angle_rad);
    const Packing packing = pack(charts, o);
    UvAtlas out;
    out.side = o.side, out.charts = charts.size(), out.texels_per_unit = packing.scale;
    out.faces.resize(mesh.faces.size()), out.chart.resize(mesh.faces.size());
    for (std::size_t c = 0; c < charts.size(); ++c) {
        const auto first = static_cast<std::uint32_t>(out.vertex.size());
        for (std::size_t i = 0; i < charts[c].vertices.size(); ++i) {
            out.vertex.push_back(charts[c].vertices[i]);
            const double x = packing.corners[c].x + o.gutter + 0.5 + charts[c].flat[i].x * packing.scale,
                         y = packing.corners[c].y + o.gutter + 0.5 + charts[c].flat[i].y * packing.scale;
            out.uv.push_back({static_cast<float>(x / o.side), static_cast<float>(y / o.side)});
        }
        for (const std::uint32_t f : charts[c].faces) {
            out.chart[f] = static_cast<std::uint32_t>(c);
            for (std::size_t k = 0; k < 3; ++k)
                out.faces[f][k] = first + static_cast<std::uint32_t>(place_in(charts[c], mesh.faces[f][k]));
        }
    }
    return out;
}

std::vector<Texel> texels_of(const UvAtlas& atlas, double reach) {
    const auto side = static_cast<std::size_t>(atlas.side);
    std::vector<Texel> out(side * side);
    std::vector<float> distance(side * side, 1e30f);
    for (std::size_t f = 0; f < atlas.faces.size(); ++f) {
        std::array<Point2, 3> t;
        for (std::size_t k = 0; k < 3; ++k) {
            const Uv& uv = atlas.uv[atlas.faces[f][k]];
            t[k] = {static_cast<double>(uv[0]) * atlas.side, static_cast<double>(uv[1]) * atlas.side};
        }
        const auto [x0, x1] = std::minmax({t[0].x, t[1].x, t[2].x});
        const auto [y0, y1] = std::minmax({t[0].y, t[1].y, t[2].y});
        const auto lowest = [&](double v) { return std::max(0, static_cast<int>(std::floor(v - reach))); };
        const auto highest = [&](double v) {
            return std::min(atlas.side - 1, static_cast<int>(std::floor(v + reach)));
        };
        for (int y = lowest(y0); y <= highest(y1); ++y)
            for (int x = lowest(x0); x <= highest(x1); ++x) {
                const Nearest n = nearest_place({x + 0.5, y + 0.5}, t);
                const std::size_t at = static_cast<std::size_t>(y) * side + static_cast<std::size_t>(x);
                if (n.squared_distance > reach * reach || static_cast<float>(n.squared_distance) >= distance[at])
                    continue;
                distance[at] = static_cast<float>(n.squared_distance);
                out[at] = {static_cast<std::uint32_t>(f), static_cast<float>(n.b1), static_cast<float>(n.b2)};
            }
    }
    return out;
}

TexturedMesh unfolded(const TriMesh& mesh, const UvAtlas& atlas) {
    TexturedMesh out;
    out.mesh.faces = atlas.faces, out.uv = atlas.uv;
    for (const std::uint32_t v : atlas.vertex) {
        out.mesh.vertices.push_back(mesh.vertices[v]);
        if (!mesh.normals.empty()) out.mesh.normals.push_back(mesh.normals[v]);
        if (!mesh.colors.empty()) out.mesh.colors.push_back(mesh.colors[v]);
        if (!mesh.confidence.empty()) out.mesh.confidence.push_back(mesh.confidence[v]);
    }
    return out;
}

}  // namespace nir::geom
