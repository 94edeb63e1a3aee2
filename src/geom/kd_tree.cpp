// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/kd_tree.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/base/stop.h"
#include "nir/geom/shapes.h"

#include <nanoflann.hpp>

#include <algorithm>
#include <limits>

namespace nir::geom {
namespace {

constexpr std::size_t kLeafSize = 10;
constexpr std::size_t kGrain = 1024;  // queries per parallel chunk

struct PointSet {
    std::vector<Vec3d> points;  // relative to the origin
    bool building = true;       // in one thread, which may be stopped
    mutable std::size_t looks = 0;

    std::size_t kdtree_get_point_count() const { return points.size(); }
    double kdtree_get_pt(std::size_t i, std::size_t axis) const {
        if (building && (++looks & 0xfffff) == 0) check_stop();
        return points[i][static_cast<int>(axis)];
    }
    template <class Box>
    bool kdtree_get_bbox(Box&) const {
        return false;
    }
};

using Index =
    nanoflann::KDTreeSingleIndexAdaptor<nanoflann::L2_Simple_Adaptor<double, PointSet>, PointSet, 3, std::uint32_t>;

/// The k points with the smallest distances, of equal ones those with the lowest indices: the same whatever the tree.
class Closest {
public:
    using DistanceType = double;

    Closest(std::size_t k, std::uint32_t* ids, double* d2) : k_(k), ids_(ids), d2_(d2) {}
    std::size_t size() const { return n_; }
    bool full() const { return n_ == k_; }
    /// A little more than the worst one, so that equal ones are offered too.
    double worstDist() const {
        return full() ? d2_[k_ - 1] * (1 + 1e-12) + std::numeric_limits<double>::min()
                      : std::numeric_limits<double>::max();
    }
    bool addPoint(double d2, std::uint32_t id) {
        std::size_t i = n_;
        for (; i > 0 && (d2_[i - 1] > d2 || (d2_[i - 1] == d2 && ids_[i - 1] > id)); --i)
            if (i < k_) d2_[i] = d2_[i - 1], ids_[i] = ids_[i - 1];
        if (i < k_) d2_[i] = d2, ids_[i] = id;
        n_ = std::min(n_ + 1, k_);
        return !full() || d2_[k_ - 1] > 0;  // of more points at one place, any will do
    }

private:
    std::size_t k_, n_ = 0;
    std::uint32_t* ids_;
    double* d2_;
};

PointSet relative_to(std::span<const Vec3d> points, Vec3d origin) {
    PointSet set;
    set.points.reserve(points.size());
    for (const auto& p : points) set.points.push_back(p - origin);
    return set;
}

Vec3d checked_center(std::span<const Vec3d> points) {
    if (points.size() >= std::numeric_limits<std::uint32_t>::max())
        fail(ErrorKind::input, "{} points do not fit a neighbour search with 32-bit indices", points.size());
    Box3d box;
    for (std::size_t i = 0; i < points.size(); ++i) {
        if (!is_finite(points[i])) fail(ErrorKind::input, "point {} is not finite", i);
        box.extend(points[i]);
    }
    return points.empty() ? Vec3d{} : box.lo + box.size() * 0.5;
}

}  // namespace

struct KdTree::Impl {
    Vec3d origin;
    PointSet set;
    Index index;

    explicit Impl(std::span<const Vec3d> points)
        : origin(checked_center(points)), set(relative_to(points, origin)), index(3, set, {kLeafSize}) {
        set.building = false;
    }

    /// Scratch of one thread for k answers.
    struct Scratch {
        std::vector<std::uint32_t> ids;
        std::vector<double> d2;
        explicit Scratch(std::size_t k) : ids(k), d2(k) {}
    };

    std::size_t find(Vec3d query, std::size_t k, Scratch& s, Neighbor* out) const {
        if (!is_finite(query)) fail(ErrorKind::input, "the neighbours of a point that is not finite were asked for");
        const Vec3d q = query - origin;
        Closest result(k, s.ids.data(), s.d2.data());
        index.findNeighbors(result, &q.x, nanoflann::SearchParams());
        for (std::size_t i = 0; i < result.size(); ++i) out[i] = {s.ids[i], s.d2[i]};
        return result.size();
    }
};

KdTree::KdTree(std::span<const Vec3d> points) : impl_(std::make_unique<Impl>(points)) {}
KdTree::~KdTree() = default;
KdTree::KdTree(KdTree&&) noexcept = default;
KdTree& KdTree::operator=(KdTree&&) noexcept = default;

std::size_t KdTree::size() const { return impl_->set.points.size(); }

Neighbor KdTree::nearest(Vec3d query) const {
    NIR_CHECK(size() > 0);
    Neighbor out;
    Impl::Scratch scratch(1);
    impl_->find(query, 1, scratch, &out);
    return out;
}

std::vector<Neighbor> KdTree::nearest(Vec3d query, std::size_t k) const {
    k = std::min(k, size());
    std::vector<Neighbor> out(k);
    if (k == 0) return out;
    Impl::Scratch scratch(k);
    out.resize(impl_->find(query, k, scratch, out.data()));
    return out;
}

std::vector<Neighbor> KdTree::within(Vec3d query, double radius) const {
    std::vector<Neighbor> out;
    if (size() == 0 || !(radius >= 0.0)) return out;
    const Vec3d q = query - impl_->origin;
    // nanoflann keeps distances strictly below its bound; one step up makes the ball closed.
    const double bound = std::nextafter(radius * radius, std::numeric_limits<double>::infinity());
    std::vector<std::pair<std::uint32_t, double>> found;
    impl_->index.radiusSearch(&q.x, bound, found, nanoflann::SearchParams(32, 0.0f, false));
    out.reserve(found.size());
    for (const auto& [i, d2] : found) out.push_back({i, d2});
    std::sort(out.begin(), out.end(), [](const Neighbor& a, const Neighbor& b) {
        return a.squared_distance != b.squared_distance ? a.squared_distance < b.squared_distance : a.index < b.index;
    });
    return out;
}

void KdTree::nearest(std::span<const Vec3d> queries, std::span<Neighbor> out) const { nearest(queries, 1, out); }

void KdTree::nearest(std::span<const Vec3d> queries, std::size_t k, std::span<Neighbor> out) const {
    NIR_CHECK(out.size() == queries.size() * k);
    if (queries.empty() || k == 0) return;
    NIR_CHECK(k <= size());
    parallel_for(queries.size(), kGrain, [&](std::size_t begin, std::size_t end) {
        Impl::Scratch scratch(k);
        for (std::size_t i = begin; i < end; ++i) impl_->find(queries[i], k, scratch, &out[i * k]);
    });
}

}  // namespace nir::geom
