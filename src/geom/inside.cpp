// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/inside.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include "geom/bvh_tree.h"

#include <cmath>
#include <numbers>

namespace nir::geom {
namespace {

constexpr std::size_t kGrain = 256;

// Skew to each other and to the axes, so that walls of boxes and grids are not grazed.
constexpr std::array<Vec3d, 3> kParityDirections = {
    {{0.4313, 0.7121, 0.5540}, {-0.6241, 0.3517, 0.6977}, {0.2391, -0.5743, -0.7829}}};

/// Solid angle of a triangle seen from the origin. Ref: Van Oosterom and Strackee 1983, eq. 8.
double solid_angle(Vec3d a, Vec3d b, Vec3d c) {
    const double la = norm(a), lb = norm(b), lc = norm(c);
    const double det = dot(a, cross(b, c));
    const double den = la * lb * lc + dot(a, b) * lc + dot(b, c) * la + dot(c, a) * lb;
    return 2.0 * std::atan2(det, den);
}

/// Symmetric tensors with n vectors, packed: matrices xx yy zz xy yz zx, rank 3 in the order of kTriples.
using Sym2 = std::array<double, 6>;
using Sym3 = std::array<double, 10>;
constexpr std::array<std::array<int, 3>, 10> kTriples = {
    {{0, 0, 0}, {1, 1, 1}, {2, 2, 2}, {0, 0, 1}, {0, 0, 2}, {1, 1, 0}, {1, 1, 2}, {2, 2, 0}, {2, 2, 1}, {0, 1, 2}}};

double at(const Sym2& m, int i, int j) {
    constexpr std::size_t kPlace[3][3] = {{0, 3, 5}, {3, 1, 4}, {5, 4, 2}};
    return m[kPlace[i][j]];
}

/// m += w * sym(a (x) b)
void add(Sym2& m, Vec3d a, Vec3d b, double w) {
    for (int i = 0; i < 3; ++i) m[static_cast<std::size_t>(i)] += w * a[i] * b[i];
    m[3] += 0.5 * w * (a.x * b.y + a.y * b.x);
    m[4] += 0.5 * w * (a.y * b.z + a.z * b.y);
    m[5] += 0.5 * w * (a.z * b.x + a.x * b.z);
}

/// s += w * sym(m (x) v)
void add(Sym3& s, const Sym2& m, Vec3d v, double w) {
    for (std::size_t n = 0; n < 10; ++n) {
        const auto [i, j, k] = kTriples[n];
        s[n] += w * (at(m, i, j) * v[k] + at(m, j, k) * v[i] + at(m, k, i) * v[j]) / 3.0;
    }
}

/// Sums over the triangles below a node; x is the offset from the centre, n the normal.
struct Moments {
    double area = 0.0;
    Vec3d center{};  // area-weighted
    Vec3d dipole{};  // integral of n
    Sym2 first{};    // integral of sym(x (x) n)
    Sym3 second{};   // integral of sym(x (x) x (x) n)

    void add_triangle(const BvhTriangle& t) {
        const Vec3d n = cross(t.b - t.a, t.c - t.a) * 0.5;
        const Vec3d a = t.a - center, b = t.b - center, c = t.c - center;
        dipole += n;
        add(first, (a + b + c) / 3.0, n, 1.0);
        Sym2 xx{};  // integral of x (x) x per area: (sum v v^T + (sum v)(sum v)^T) / 12
        for (const Vec3d v : {a, b, c, a + b + c}) add(xx, v, v, 1.0 / 12.0);
        add(second, xx, n, 1.0);
    }

    void add_child(const Moments& m) {
        const Vec3d s = m.center - center;  // x = x_child + s
        Sym2 ss{};
        add(ss, s, s, 1.0);
        dipole += m.dipole;
        add(first, s, m.dipole, 1.0);
        for (std::size_t i = 0; i < 6; ++i) first[i] += m.first[i];
        add(second, ss, m.dipole, 1.0);
        add(second, m.first, s, 2.0);
        for (std::size_t i = 0; i < 10; ++i) second[i] += m.second[i];
    }
};

}  // namespace

/// What a query reads, in float: the expansion itself is less exact than that.
struct WindingNumber::Node {
    Vec3f center;
    float reach2;  // squared distance from which on the expansion may be used
    Vec3f dipole;
    std::array<float, 6> first;
    std::array<float, 10> second;

    /// Terms up to second order of the integral of n . (d + x) / |d + x|^3, d = center - query.
    double expansion(Vec3d d, double r2) const {
        const double inv2 = 1.0 / r2, inv3 = inv2 / std::sqrt(r2);
        const double order0 = dot(Vec3d(dipole), d);
        const auto m = [this](std::size_t i) { return static_cast<double>(first[i]); };
        const double order1 = m(0) + m(1) + m(2) -
                              3.0 * inv2 *
                                  (m(0) * d.x * d.x + m(1) * d.y * d.y + m(2) * d.z * d.z +
                                   2.0 * (m(3) * d.x * d.y + m(4) * d.y * d.z + m(5) * d.z * d.x));
        const auto s = [this](std::size_t i) { return static_cast<double>(second[i]); };
        const Vec3d trace{s(0) + s(5) + s(7), s(1) + s(3) + s(8), s(2) + s(4) + s(6)};
        const double cubic = s(0) * d.x * d.x * d.x + s(1) * d.y * d.y * d.y + s(2) * d.z * d.z * d.z +
                             3.0 * (s(3) * d.x * d.x * d.y + s(4) * d.x * d.x * d.z + s(5) * d.y * d.y * d.x +
                                    s(6) * d.y * d.y * d.z + s(7) * d.z * d.z * d.x + s(8) * d.z * d.z * d.y) +
                             6.0 * s(9) * d.x * d.y * d.z;
        const double order2 = inv2 * (7.5 * inv2 * cubic - 4.5 * dot(trace, d));
        return (order0 + order1 + order2) * inv3;
    }
};

WindingNumber::~WindingNumber() = default;
WindingNumber::WindingNumber(WindingNumber&&) noexcept = default;
WindingNumber& WindingNumber::operator=(WindingNumber&&) noexcept = default;

WindingNumber::WindingNumber(const TriangleBvh& bvh, double accuracy) : bvh_(&bvh), accuracy_(accuracy) {
    const auto& tree = bvh.tree();
    nodes_.resize(tree.nodes.size());
    std::vector<Moments> moments(tree.nodes.size());
    // Children follow their parents, so walking backwards meets children first.
    for (std::size_t i = tree.nodes.size(); i-- > 0;) {
        const BvhNode& n = tree.nodes[i];
        Moments& m = moments[i];
        Vec3d weighted{};
        const auto weigh = [&](Vec3d center, double area) { m.area += area, weighted += center * area; };
        for (std::uint32_t t = n.first; t < n.first + n.count; ++t) {
            const auto& tri = tree.triangles[t];
            weigh((tri.a + tri.b + tri.c) / 3.0, 0.5 * norm(cross(tri.b - tri.a, tri.c - tri.a)));
        }
        if (n.count == 0)
            for (std::size_t c = n.first; c < n.first + std::size_t{2}; ++c) weigh(moments[c].center, moments[c].area);
        const Vec3d lo{n.lo[0], n.lo[1], n.lo[2]}, hi{n.hi[0], n.hi[1], n.hi[2]};
        m.center = m.area > 0.0 ? weighted / m.area : (lo + hi) * 0.5;
        for (std::uint32_t t = n.first; t < n.first + n.count; ++t) m.add_triangle(tree.triangles[t]);
        if (n.count == 0) m.add_child(moments[n.first]), m.add_child(moments[n.first + 1]);

        Node& out = nodes_[i];
        const double radius = norm(max(hi - m.center, m.center - lo)), reach = accuracy_ * radius;
        out.center = Vec3f(m.center), out.dipole = Vec3f(m.dipole);
        out.reach2 =
            std::isfinite(accuracy_) ? static_cast<float>(reach * reach) : std::numeric_limits<float>::infinity();
        for (std::size_t k = 0; k < 6; ++k) out.first[k] = static_cast<float>(m.first[k]);
        for (std::size_t k = 0; k < 10; ++k) out.second[k] = static_cast<float>(m.second[k]);
    }
}

double WindingNumber::operator()(Vec3d query) const {
    const auto& tree = bvh_->tree();
    if (tree.nodes.empty()) return 0.0;
    const Vec3d q = query - tree.origin;
    double sum = 0.0;
    std::array<std::uint32_t, kBvhStack> stack;
    std::size_t top = 0;
    stack[top++] = 0;
    while (top > 0) {
        const std::uint32_t index = stack[--top];
        const Node& node = nodes_[index];
        const Vec3d d = Vec3d(node.center) - q;
        if (const double r2 = dot(d, d); r2 > static_cast<double>(node.reach2)) {
            sum += node.expansion(d, r2);
            continue;
        }
        const BvhNode& n = tree.nodes[index];
        for (std::uint32_t t = n.first; t < n.first + n.count; ++t) {
            const auto& tri = tree.triangles[t];
            sum += solid_angle(tri.a - q, tri.b - q, tri.c - q);
        }
        if (n.count == 0) stack[top++] = n.first + 1, stack[top++] = n.first;
    }
    return sum / (4.0 * std::numbers::pi);
}

template <class T>
void WindingNumber::batch(std::span<const Vec3<T>> queries, std::span<float> out) const {
    NIR_CHECK(out.size() == queries.size());
    parallel_for(queries.size(), kGrain, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) out[i] = static_cast<float>((*this)(Vec3d(queries[i])));
    });
}

void WindingNumber::evaluate(std::span<const Vec3d> queries, std::span<float> out) const { batch(queries, out); }
void WindingNumber::evaluate(std::span<const Vec3f> queries, std::span<float> out) const { batch(queries, out); }

InsideTest::InsideTest(const TriMesh& mesh, InsideMethod method, double accuracy)
    : InsideTest(std::make_shared<const TriangleBvh>(mesh), method, accuracy) {}

InsideTest::InsideTest(std::shared_ptr<const TriangleBvh> bvh, InsideMethod method, double accuracy)
    : bvh_(std::move(bvh)), method_(method) {
    NIR_CHECK(bvh_ != nullptr);
    if (method_ == InsideMethod::winding) winding_.emplace(*bvh_, accuracy);
}

bool InsideTest::contains(Vec3d query) const {
    if (!is_finite(query)) return false;
    if (method_ == InsideMethod::winding) return std::abs((*winding_)(query)) > 0.5;
    if (method_ == InsideMethod::vertical_parity)
        return bvh_->count_hits(query, {0, 0, 1}) % 2 == 1 && bvh_->count_hits(query, {0, 0, -1}) % 2 == 1;
    std::size_t odd = 0;
    for (std::size_t i = 0; i < kParityDirections.size(); ++i) {
        odd += bvh_->count_hits(query, kParityDirections[i]) % 2;
        if (i == 1 && odd != 1) break;  // two agree
    }
    return odd >= 2;
}

void InsideTest::contains(std::span<const Vec3d> queries, std::span<std::uint8_t> out) const {
    NIR_CHECK(out.size() == queries.size());
    parallel_for(queries.size(), kGrain, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) out[i] = contains(queries[i]) ? 1 : 0;
    });
}

void InsideTest::contains(std::span<const Vec3f> queries, std::span<std::uint8_t> out) const {
    NIR_CHECK(out.size() == queries.size());
    parallel_for(queries.size(), kGrain, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) out[i] = contains(Vec3d(queries[i])) ? 1 : 0;
    });
}

}  // namespace nir::geom
