// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/error.h"

#include "geom/bvh_tree.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nir::geom {
namespace {

constexpr int kBins = 16;
constexpr std::uint32_t kLeafSize = 4;
constexpr int kMaxSahDepth = 48;  // below, split in the middle: at most 32 levels more

struct Item {
    Box3f box;
    Vec3f center;
    std::uint32_t face = 0;
};

float down(double v) {
    const float f = static_cast<float>(v);
    return static_cast<double>(f) > v ? std::nextafter(f, std::numeric_limits<float>::lowest()) : f;
}
float up(double v) {
    const float f = static_cast<float>(v);
    return static_cast<double>(f) < v ? std::nextafter(f, std::numeric_limits<float>::max()) : f;
}

void merge(Box3f& a, const Box3f& b) { a.lo = min(a.lo, b.lo), a.hi = max(a.hi, b.hi); }

float half_area(const Box3f& b) {
    if (b.empty()) return 0.0f;
    const Vec3f s = b.size();
    return s.x * s.y + s.y * s.z + s.z * s.x;
}

/// Splits [begin, end) of items by the surface area heuristic; returns the border, or `begin` if a leaf is cheaper.
class Splitter {
public:
    explicit Splitter(std::vector<Item>& items) : items_(items) {}

    std::uint32_t split(std::uint32_t begin, std::uint32_t end, const Box3f& node_box, int depth) {
        Box3f centers;
        for (std::uint32_t i = begin; i < end; ++i) centers.extend(items_[i].center);
        const Vec3f size = centers.size();
        const int axis = size.x >= size.y && size.x >= size.z ? 0 : size.y >= size.z ? 1 : 2;
        if (!(size[axis] > 0.0f) || depth >= kMaxSahDepth) return middle(begin, end, axis);
        return binned(begin, end, axis, centers, half_area(node_box));
    }

private:
    std::uint32_t middle(std::uint32_t begin, std::uint32_t end, int axis) {
        if (end - begin <= kLeafSize) return begin;
        const std::uint32_t mid = begin + (end - begin) / 2;
        std::nth_element(
            items_.begin() + begin, items_.begin() + mid, items_.begin() + end, [axis](const Item& a, const Item& b) {
                return a.center[axis] != b.center[axis] ? a.center[axis] < b.center[axis] : a.face < b.face;
            });
        return mid;
    }

    std::uint32_t binned(std::uint32_t begin, std::uint32_t end, int axis, const Box3f& centers, float node_area) {
        std::array<Box3f, kBins> box;
        std::array<std::uint32_t, kBins> count{};
        const float lo = centers.lo[axis], to_bin = kBins * 0.9999f / centers.size()[axis];
        const auto bin_of = [&](const Item& t) {
            return std::clamp(static_cast<int>((t.center[axis] - lo) * to_bin), 0, kBins - 1);
        };
        if (!std::isfinite(to_bin)) return middle(begin, end, axis);
        for (std::uint32_t i = begin; i < end; ++i) {
            const auto b = static_cast<std::size_t>(bin_of(items_[i]));
            merge(box[b], items_[i].box), ++count[b];
        }
        std::array<float, kBins> cost_right{};
        Box3f right;
        std::uint32_t n = 0;
        for (std::size_t b = kBins - 1; b > 0; --b) {
            merge(right, box[b]), n += count[b];
            cost_right[b] = half_area(right) * static_cast<float>(n);
        }
        Box3f left;
        n = 0;
        float best = std::numeric_limits<float>::max();
        std::size_t best_bin = 0;
        for (std::size_t b = 1; b < kBins; ++b) {
            merge(left, box[b - 1]), n += count[b - 1];
            const float cost = half_area(left) * static_cast<float>(n) + cost_right[b];
            if (n > 0 && n < end - begin && cost < best) best = cost, best_bin = b;
        }
        if (best_bin == 0) return middle(begin, end, axis);
        const std::uint32_t size = end - begin;
        if (size <= kLeafSize && best + node_area >= node_area * static_cast<float>(size)) return begin;
        const auto mid = std::partition(items_.begin() + begin, items_.begin() + end,
                                        [&](const Item& t) { return bin_of(t) < static_cast<int>(best_bin); });
        return static_cast<std::uint32_t>(mid - items_.begin());
    }

    std::vector<Item>& items_;
};

void build_nodes(std::vector<Item>& items, std::vector<BvhNode>& nodes) {
    struct Range {
        std::uint32_t node, begin, end;
        int depth;
    };
    Splitter splitter(items);
    nodes.reserve(items.size());
    nodes.emplace_back();
    std::vector<Range> todo = {{0, 0, static_cast<std::uint32_t>(items.size()), 0}};
    while (!todo.empty()) {
        const Range r = todo.back();
        todo.pop_back();
        Box3f box;
        for (std::uint32_t i = r.begin; i < r.end; ++i) merge(box, items[i].box);
        const std::uint32_t mid = r.end - r.begin > 1 ? splitter.split(r.begin, r.end, box, r.depth) : r.begin;
        BvhNode& node = nodes[r.node];
        node.lo = {box.lo.x, box.lo.y, box.lo.z}, node.hi = {box.hi.x, box.hi.y, box.hi.z};
        if (mid == r.begin) {
            node.first = r.begin, node.count = r.end - r.begin;
            continue;
        }
        const auto child = static_cast<std::uint32_t>(nodes.size());
        node.first = child, node.count = 0;
        nodes.resize(nodes.size() + 2);
        todo.push_back({child + 1, mid, r.end, r.depth + 1});
        todo.push_back({child, r.begin, mid, r.depth + 1});
    }
}

void check_mesh(const TriMesh& mesh) {
    if (mesh.faces.size() >= std::numeric_limits<std::uint32_t>::max())
        fail(ErrorKind::input, "{} faces do not fit 32-bit indices", mesh.faces.size());
    for (std::size_t f = 0; f < mesh.faces.size(); ++f)
        for (const auto v : mesh.faces[f]) {
            if (v >= mesh.vertices.size())
                fail(ErrorKind::input, "face {} names vertex {}, but there are only {}", f, v, mesh.vertices.size());
            if (!is_finite(mesh.vertices[v])) fail(ErrorKind::input, "vertex {} of face {} is not finite", v, f);
        }
}

}  // namespace

TriangleBvh::TriangleBvh(const TriMesh& mesh) : tree_(std::make_unique<Tree>()) {
    check_mesh(mesh);
    if (mesh.faces.empty()) return;
    Box3d box;
    for (const auto& f : mesh.faces)
        for (const auto v : f) box.extend(mesh.vertices[v]);
    tree_->origin = box.lo + box.size() * 0.5;

    std::vector<Item> items(mesh.faces.size());
    for (std::uint32_t i = 0; i < items.size(); ++i) {
        Box3d b;
        for (const auto v : mesh.faces[i]) b.extend(mesh.vertices[v] - tree_->origin);
        items[i].box = {{down(b.lo.x), down(b.lo.y), down(b.lo.z)}, {up(b.hi.x), up(b.hi.y), up(b.hi.z)}};
        items[i].center = (items[i].box.lo + items[i].box.hi) * 0.5f;
        items[i].face = i;
    }
    build_nodes(items, tree_->nodes);
    tree_->triangles.reserve(items.size());
    tree_->faces.reserve(items.size());
    for (const auto& item : items) {
        const auto& f = mesh.faces[item.face];
        tree_->triangles.push_back({mesh.vertices[f[0]] - tree_->origin, mesh.vertices[f[1]] - tree_->origin,
                                    mesh.vertices[f[2]] - tree_->origin});
        tree_->faces.push_back(item.face);
    }
}

TriangleBvh::~TriangleBvh() = default;
TriangleBvh::TriangleBvh(TriangleBvh&&) noexcept = default;
TriangleBvh& TriangleBvh::operator=(TriangleBvh&&) noexcept = default;

std::size_t TriangleBvh::size() const { return tree_->triangles.size(); }

}  // namespace nir::geom
