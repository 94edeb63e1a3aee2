// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/fitted/moment_grid.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <utility>

namespace nir::models {

using geom::Vec3d;
using geom::Vec3f;
using geom::Vec3i;

namespace {

constexpr Vec3f kMiddle{1.5f, 1.5f, 1.5f};  ///< of a brick, in cells from its first node
constexpr int kBias = 1 << 20;              ///< bricks are numbered from -2^20 to 2^20 - 1 along each axis

int floor_to_int(float v) { return static_cast<int>(std::floor(v)); }

Vec3i floored(Vec3f q) { return {floor_to_int(q.x), floor_to_int(q.y), floor_to_int(q.z)}; }

std::uint64_t key_of(Vec3i b) {
    const auto part = [](int v) { return static_cast<std::uint64_t>(v + kBias); };
    return part(b.z) << 42 | part(b.y) << 21 | part(b.x);
}

Vec3i brick_of(std::uint64_t key) {
    const auto part = [&](int shift) { return static_cast<int>(key >> shift & 0x1FFFFF) - kBias; };
    return {part(0), part(21), part(42)};
}

std::size_t hash(std::uint64_t key) {
    key ^= key >> 31;
    key *= 0x9E3779B97F4A7C15u;
    return static_cast<std::size_t>(key ^ key >> 29);
}

/// Smallest eigenvalue with its unit vector, and the middle one, of a symmetric matrix xx yy zz xy xz yz, in closed
/// form (roots of the characteristic polynomial by cosines; the vector from the largest cross product of two rows).
struct Thinnest {
    double smallest = 0, middle = 0;
    Vec3d axis{};
};
Thinnest thinnest_axis(const std::array<double, 6>& s) {
    const auto [xx, yy, zz, xy, xz, yz] = s;
    const double off = xy * xy + xz * xz + yz * yz, mean = (xx + yy + zz) / 3;
    const double p2 = ((xx - mean) * (xx - mean) + (yy - mean) * (yy - mean) + (zz - mean) * (zz - mean) + 2 * off) / 6;
    if (!(p2 > 0)) return {mean, mean, {}};
    const double p = std::sqrt(p2), bx = (xx - mean) / p, by = (yy - mean) / p, bz = (zz - mean) / p;
    const double cxy = xy / p, cxz = xz / p, cyz = yz / p;
    const double half = (bx * (by * bz - cyz * cyz) - cxy * (cxy * bz - cyz * cxz) + cxz * (cxy * cyz - by * cxz)) / 2;
    const double angle = std::acos(std::clamp(half, -1.0, 1.0)) / 3;
    const double largest = mean + 2 * p * std::cos(angle);
    const double smallest = mean + 2 * p * std::cos(angle + 2 * std::numbers::pi / 3);
    const Vec3d r0{xx - smallest, xy, xz}, r1{xy, yy - smallest, yz}, r2{xz, yz, zz - smallest};
    Vec3d axis = cross(r0, r1);
    for (const Vec3d other : {cross(r0, r2), cross(r1, r2)})
        if (squared_norm(other) > squared_norm(axis)) axis = other;
    return {smallest, 3 * mean - largest - smallest, normalized(axis)};
}

}  // namespace

MomentGrid::MomentGrid(std::span<const Vec3f> points, Vec3f origin, float cell, std::span<const Vec3f> directions,
                       std::span<const float> weights)
    : origin_(origin), cell_(cell) {
    NIR_CHECK(cell > 0 && (directions.empty() || directions.size() == points.size()));
    NIR_CHECK(weights.empty() || weights.size() == points.size());
    // Every point goes to each brick that holds one of its eight nodes.
    std::vector<std::pair<std::uint64_t, std::uint32_t>> visits;
    visits.reserve(2 * points.size());
    for (std::size_t i = 0; i < points.size(); ++i) {
        const Vec3i lo = floored((points[i] - origin_) / cell_);
        if (std::max({std::abs(lo.x), std::abs(lo.y), std::abs(lo.z)}) >= kBias * kSide / 2)
            fail(ErrorKind::numeric, "the cells of a fit ({:.3g}) are too small for the extent of the points", cell_);
        const Vec3i first{lo.x >> 2, lo.y >> 2, lo.z >> 2};
        const Vec3i last{(lo.x + 1) >> 2, (lo.y + 1) >> 2, (lo.z + 1) >> 2};
        for (int z = first.z; z <= last.z; ++z)
            for (int y = first.y; y <= last.y; ++y)
                for (int x = first.x; x <= last.x; ++x)
                    visits.emplace_back(key_of({x, y, z}), static_cast<std::uint32_t>(i));
    }
    std::sort(visits.begin(), visits.end());
    order_.reserve(visits.size());
    for (std::size_t i = 0; i < visits.size(); ++i) {
        order_.push_back(visits[i].second);
        if (i > 0 && visits[i].first == visits[i - 1].first) continue;
        begin_.push_back(i);
        bricks_.push_back(brick_of(visits[i].first));
    }
    begin_.push_back(visits.size());
    visits = {};
    insert_bricks();
    find_neighbours();
    data_.resize(bricks_.size());
    if (!directions.empty()) seen_.resize(bricks_.size());
    spread(points, [&](Vec3f d, std::size_t brick, std::size_t at, float hat, std::size_t point) {
        Node& node = data_[brick][at];
        const float w = weights.empty() ? hat : hat * weights[point];
        if (!directions.empty()) seen_[brick][at] += w * directions[point];
        node.weight += w;
        node.first += d * w;
        auto& s = node.second;
        s[0] += w * d.x * d.x, s[1] += w * d.y * d.y, s[2] += w * d.z * d.z;
        s[3] += w * d.x * d.y, s[4] += w * d.x * d.z, s[5] += w * d.y * d.z;
    });
}

template <class F>
void MomentGrid::spread(std::span<const Vec3f> points, const F& f) {
    parallel_for(bricks_.size(), 64, [&](std::size_t from, std::size_t to) {
        for (std::size_t b = from; b < to; ++b) {
            const Vec3i corner = bricks_[b] * kSide;
            const Vec3f middle = static_cast<Vec3f>(corner) + kMiddle;
            for (std::size_t v = begin_[b]; v < begin_[b + 1]; ++v) {
                const Vec3f q = (points[order_[v]] - origin_) / cell_, d = q - middle;
                const Vec3i lo = floored(q);
                for (int k = 0; k < 8; ++k) {
                    const Vec3i n = lo + Vec3i{k & 1, k >> 1 & 1, k >> 2}, local = n - corner;
                    if (std::min({local.x, local.y, local.z}) < 0 || std::max({local.x, local.y, local.z}) >= kSide)
                        continue;
                    const Vec3f r = q - static_cast<Vec3f>(n);
                    const float w = (1 - std::abs(r.x)) * (1 - std::abs(r.y)) * (1 - std::abs(r.z));
                    f(d, b, static_cast<std::size_t>((local.z * kSide + local.y) * kSide + local.x), w, order_[v]);
                }
            }
        }
    });
}

std::vector<std::uint32_t> MomentGrid::points_by_place(std::span<const Vec3f> points) const {
    NIR_CHECK(!begin_.empty());
    std::vector<std::uint32_t> order;
    order.reserve(points.size());
    for (std::size_t b = 0; b < bricks_.size(); ++b)
        for (std::size_t v = begin_[b]; v < begin_[b + 1]; ++v) {
            const Vec3i lo = floored((points[order_[v]] - origin_) / cell_);
            if (Vec3i{lo.x >> 2, lo.y >> 2, lo.z >> 2} == bricks_[b]) order.push_back(order_[v]);
        }
    return order;
}

void MomentGrid::add_residuals(std::span<const Vec3f> points, std::span<const float> residuals,
                               std::span<const float> trust) {
    NIR_CHECK(!begin_.empty() && residuals.size() == points.size() && trust.size() == points.size());
    spread(points, [&](Vec3f, std::size_t brick, std::size_t at, float w, std::size_t point) {
        Node& node = data_[brick][at];
        node.residual += w * trust[point] * residuals[point];
        node.trusted += w * trust[point];
    });
}

void MomentGrid::insert_bricks() {
    table_.assign(std::bit_ceil(2 * bricks_.size() + 1), -1);
    const std::size_t mask = table_.size() - 1;
    for (std::size_t b = 0; b < bricks_.size(); ++b) {
        std::size_t at = hash(key_of(bricks_[b])) & mask;
        while (table_[at] >= 0) at = (at + 1) & mask;
        table_[at] = static_cast<std::int32_t>(b);
    }
}

void MomentGrid::find_neighbours() {
    around_.resize(bricks_.size());
    parallel_for(bricks_.size(), 256, [&](std::size_t from, std::size_t to) {
        for (std::size_t b = from; b < to; ++b)
            for (int k = 0; k < 27; ++k)
                around_[b][static_cast<std::size_t>(k)] =
                    k == 13 ? static_cast<std::int32_t>(b)
                            : find(bricks_[b] + Vec3i{k % 3 - 1, k / 3 % 3 - 1, k / 9 - 1});
    });
}

std::int32_t MomentGrid::find(Vec3i brick) const {
    const std::size_t mask = table_.size() - 1;
    std::size_t at = hash(key_of(brick)) & mask;
    while (table_[at] >= 0 && bricks_[static_cast<std::size_t>(table_[at])] != brick) at = (at + 1) & mask;
    return table_[at];
}

/// The nodes lo .. lo + 2 as far as they lie in a brick, summed with the products of the weights along the axes.
MomentGrid::Node MomentGrid::weighted_nodes(const std::array<Node, kNodes>& nodes, Vec3i corner, Vec3i lo,
                                            const std::array<std::array<float, 3>, 3>& weights) {
    using Four [[gnu::vector_size(16)]] =
        float;  // one register of any processor; left alone, GCC takes floats one by one
    using Floats = std::array<Four, sizeof(Node) / sizeof(Four)>;
    Four a{}, b{}, c{}, d{};
    const Vec3i offset = lo - corner, from = geom::max(Vec3i{} - offset, Vec3i{});
    const Vec3i to = geom::min(Vec3i{kSide, kSide, kSide} - offset, Vec3i{3, 3, 3});
    for (int z = from.z; z < to.z; ++z)
        for (int y = from.y; y < to.y; ++y) {
            const float yz = weights[1][static_cast<std::size_t>(y)] * weights[2][static_cast<std::size_t>(z)];
            const Node* row = nodes.data() + ((z + offset.z) * kSide + y + offset.y) * kSide + offset.x;
            for (int x = from.x; x < to.x; ++x) {
                const float w = yz * weights[0][static_cast<std::size_t>(x)];
                const auto node = std::bit_cast<Floats>(row[x]);
                a += w * node[0], b += w * node[1], c += w * node[2], d += w * node[3];
            }
        }
    return std::bit_cast<Node>(Floats{a, b, c, d});
}

MomentGrid::Plane MomentGrid::fit(Vec3f place) const {
    const Vec3f q = (place - origin_) / cell_;
    if (!(std::max({std::abs(q.x), std::abs(q.y), std::abs(q.z)}) < kBias * kSide / 2)) return {};
    const Vec3i mid = floored(q + Vec3f{0.5f, 0.5f, 0.5f}), lo = mid - Vec3i{1, 1, 1}, hi = mid + Vec3i{1, 1, 1};
    std::array<std::array<float, 3>, 3> spline;
    for (int a = 0; a < 3; ++a) {
        const float t = q[a] - static_cast<float>(mid[a]);
        spline[static_cast<std::size_t>(a)] = {0.5f * (0.5f - t) * (0.5f - t), 0.75f - t * t,
                                               0.5f * (0.5f + t) * (0.5f + t)};
    }
    float weight = 0, known = 0, residual = 0, trusted = 0;
    Vec3f first{}, outwards{};
    std::array<float, 6> s{};
    const Vec3i first_brick{lo.x >> 2, lo.y >> 2, lo.z >> 2}, last_brick{hi.x >> 2, hi.y >> 2, hi.z >> 2};
    const Vec3i home{mid.x >> 2, mid.y >> 2, mid.z >> 2};
    const std::int32_t home_slot = find(home);
    const auto slot_of = [&](Vec3i brick) {
        if (home_slot < 0) return find(brick);
        const Vec3i o = brick - home + Vec3i{1, 1, 1};
        return around_[static_cast<std::size_t>(home_slot)][static_cast<std::size_t>((o.z * 3 + o.y) * 3 + o.x)];
    };
    for (Vec3i brick = first_brick; brick.z <= last_brick.z; ++brick.z)
        for (brick.y = first_brick.y; brick.y <= last_brick.y; ++brick.y)
            for (brick.x = first_brick.x; brick.x <= last_brick.x; ++brick.x) {
                const std::int32_t slot = slot_of(brick);
                if (slot < 0) continue;
                const Node sum = weighted_nodes(data_[static_cast<std::size_t>(slot)], brick * kSide, lo, spline);
                const Vec3f f = sum.first,
                            r = static_cast<Vec3f>(brick * kSide) + kMiddle - q;  // d + r: about the place
                const float w = sum.weight;
                weight += w;
                first += f + w * r;
                s[0] += sum.second[0] + (2 * f.x + w * r.x) * r.x;
                s[1] += sum.second[1] + (2 * f.y + w * r.y) * r.y;
                s[2] += sum.second[2] + (2 * f.z + w * r.z) * r.z;
                s[3] += sum.second[3] + f.x * r.y + (f.y + w * r.y) * r.x;
                s[4] += sum.second[4] + f.x * r.z + (f.z + w * r.z) * r.x;
                s[5] += sum.second[5] + f.y * r.z + (f.z + w * r.z) * r.y;
                outwards += sum.outwards;
                known += sum.known;
                residual += sum.residual, trusted += sum.trusted;
            }
    if (!(weight > 1e-6f)) return {};
    const double inv = 1.0 / static_cast<double>(weight);
    const Vec3d mean = static_cast<Vec3d>(first) * inv;
    const auto cov = [&](std::size_t k, double a, double b) { return static_cast<double>(s[k]) * inv - a * b; };
    const Thinnest t = thinnest_axis({cov(0, mean.x, mean.x), cov(1, mean.y, mean.y), cov(2, mean.z, mean.z),
                                      cov(3, mean.x, mean.y), cov(4, mean.x, mean.z), cov(5, mean.y, mean.z)});
    Plane plane;
    plane.weight = weight;
    plane.center = place + static_cast<Vec3f>(mean) * cell_;
    plane.normal = static_cast<Vec3f>(t.axis);
    plane.thickness = t.middle > 0 ? static_cast<float>(std::max(0.0, t.smallest) / t.middle) : 1.0f;
    plane.width = static_cast<float>(std::max(0.0, t.middle));
    if (known > 0) plane.outwards = outwards / known;
    if (trusted > 0) plane.residual = residual / trusted;
    return plane;
}

Vec3i MomentGrid::node_index(std::size_t node) const {
    const auto local = static_cast<int>(node % kNodes);
    return bricks_[node / kNodes] * kSide + Vec3i{local % kSide, local / kSide % kSide, local / (kSide * kSide)};
}

Vec3f MomentGrid::node_position(std::size_t node) const {
    return origin_ + static_cast<Vec3f>(node_index(node)) * cell_;
}

Vec3f MomentGrid::seen_from(std::size_t node) const {
    if (seen_.empty()) return {};
    const Vec3i middle = node_index(node);
    constexpr float kSpline[3] = {0.125f, 0.75f, 0.125f};
    float weight = 0;
    Vec3f sum{};
    for (int z = -1; z <= 1; ++z)
        for (int y = -1; y <= 1; ++y)
            for (int x = -1; x <= 1; ++x) {
                const Vec3i n = middle + Vec3i{x, y, z};
                const std::int32_t slot = find({n.x >> 2, n.y >> 2, n.z >> 2});
                if (slot < 0) continue;
                const auto b = static_cast<std::size_t>(slot);
                const auto at = static_cast<std::size_t>(((n.z & 3) * kSide + (n.y & 3)) * kSide + (n.x & 3));
                const float w = kSpline[x + 1] * kSpline[y + 1] * kSpline[z + 1];
                weight += w * data_[b][at].weight;
                sum += w * seen_[b][at];
            }
    return weight > 0 ? sum / weight : Vec3f{};
}

void MomentGrid::set_outwards(std::size_t node, Vec3f direction) {
    Node& n = data_[node / kNodes][node % kNodes];
    if (n.weight == 0) return;
    n.outwards = direction;
    n.known = 1;
}

std::size_t MomentGrid::memory_bytes() const {
    return data_.size() * sizeof(data_[0]) + seen_.size() * sizeof(seen_[0]) + table_.size() * sizeof(table_[0]) +
           bricks_.size() * (sizeof(bricks_[0]) + sizeof(around_[0])) + order_.size() * sizeof(order_[0]) +
           begin_.size() * sizeof(begin_[0]);
}

}  // namespace nir::models
