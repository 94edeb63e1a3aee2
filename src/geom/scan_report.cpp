// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/kd_tree.h"
#include "nir/geom/spacing.h"

#include "geom/eigen3.h"
#include "geom/grid_cells.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

namespace nir::geom {
namespace {

constexpr std::size_t kMaxQueries = 20000;
constexpr double kFlat = 1e-5;  // spread of a plane's or line's points across it, relative to their extent

/// Distances to the k-th neighbour of at most kMaxQueries points, ascending.
std::vector<double> neighbor_distances(const KdTree& tree, std::span<const Vec3d> points, std::size_t k) {
    k = std::min(k + 1, points.size());
    const std::size_t step = (points.size() + kMaxQueries - 1) / kMaxQueries;
    std::vector<Vec3d> queries;
    for (std::size_t i = 0; i < points.size(); i += step) queries.push_back(points[i]);
    std::vector<Neighbor> found(queries.size() * k);
    tree.nearest(queries, k, found);
    std::vector<double> out(queries.size());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::sqrt(found[i * k + k - 1].squared_distance);
    std::sort(out.begin(), out.end());
    return out;
}

/// Two classes of spacing, far apart from each other and narrow in themselves.
struct ScaleClasses {
    double fine = 0.0, coarse = 0.0;  // geometric means
    double fine_share = 0.0;
};

/// Best split of sorted positive values into two classes of their logarithms (Otsu 1979).
std::optional<ScaleClasses> find_scale_classes(const std::vector<double>& sorted) {
    constexpr double kMinShare = 0.05, kMinFactor = 20.0;
    std::vector<double> sum(sorted.size() + 1), square(sorted.size() + 1);
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        const double l = std::log10(std::max(sorted[i], 1e-300));
        sum[i + 1] = sum[i] + l, square[i + 1] = square[i] + l * l;
    }
    const auto n = static_cast<double>(sorted.size());
    double best = -1.0;
    std::size_t split = 0;
    for (std::size_t i = 1; i < sorted.size(); ++i) {
        const double a = static_cast<double>(i), b = n - a;
        const double gap = (sum.back() - sum[i]) / b - sum[i] / a;
        if (a * b * gap * gap > best) best = a * b * gap * gap, split = i;
    }
    const double a = static_cast<double>(split), b = n - a;
    if (a < kMinShare * n || b < kMinShare * n || a < 5 || b < 5) return std::nullopt;
    const double mean_a = sum[split] / a, mean_b = (sum.back() - sum[split]) / b;
    const double std_a = std::sqrt(std::max(0.0, square[split] / a - mean_a * mean_a));
    const double std_b = std::sqrt(std::max(0.0, (square.back() - square[split]) / b - mean_b * mean_b));
    const double gap = mean_b - mean_a;
    if (gap < std::log10(kMinFactor) || std::max(std_a, std_b) > gap / 4.0) return std::nullopt;
    return ScaleClasses{std::pow(10.0, mean_a), std::pow(10.0, mean_b), a / n};
}

struct Group {
    std::vector<std::uint32_t> points;  // positions in the list that was grouped
    Box3d box;
};

/// Groups of points whose grid cells touch, largest first.
std::vector<Group> touching_groups(std::span<const Vec3d> points, double cell) {
    const auto sorted = sort_into_cells(points, cell);
    std::vector<std::size_t> start;  // of each occupied cell
    for (std::size_t i = 0; i < sorted.size(); ++i)
        if (i == 0 || !(sorted[i].cell == sorted[i - 1].cell)) start.push_back(i);
    std::vector<std::size_t> parent(start.size());
    std::iota(parent.begin(), parent.end(), std::size_t{0});
    const auto root = [&parent](std::size_t i) {
        while (parent[i] != i) i = parent[i] = parent[parent[i]];
        return i;
    };
    const auto before = [&](std::size_t s, Vec3i c) {
        const Vec3i& d = sorted[s].cell;
        return std::tie(d.x, d.y, d.z) < std::tie(c.x, c.y, c.z);
    };
    for (std::size_t i = 0; i < start.size(); ++i)
        for (int n = 14; n < 27; ++n) {  // the 13 neighbours that come later in the order
            const Vec3i c = sorted[start[i]].cell + Vec3i{n / 9 - 1, n / 3 % 3 - 1, n % 3 - 1};
            const auto at = std::lower_bound(start.begin(), start.end(), c, before);
            if (at != start.end() && sorted[*at].cell == c)
                parent[root(static_cast<std::size_t>(at - start.begin()))] = root(i);
        }
    std::vector<Group> by_root(start.size());
    for (std::size_t i = 0; i < start.size(); ++i) {
        Group& g = by_root[root(i)];
        const std::size_t end = i + 1 < start.size() ? start[i + 1] : sorted.size();
        for (std::size_t s = start[i]; s < end; ++s)
            g.points.push_back(sorted[s].point), g.box.extend(points[sorted[s].point]);
    }
    std::erase_if(by_root, [](const Group& g) { return g.points.empty(); });
    std::stable_sort(by_root.begin(), by_root.end(),
                     [](const Group& a, const Group& b) { return a.points.size() > b.points.size(); });
    return by_root;
}

double gap(const Box3d& a, const Box3d& b) { return norm(max(max(a.lo - b.hi, b.lo - a.hi), Vec3d{})); }
double diagonal(const Box3d& b) { return norm(b.size()); }

class Inspector {
public:
    explicit Inspector(std::span<const Vec3d> points) : all_(points) {}

    ScanReport run() {
        count();
        if (report_.kept.size() >= 2) {
            look_for_scales_and_outliers();
            measure();
        }
        std::stable_sort(report_.findings.begin(), report_.findings.end(),
                         [](const ScanFinding& a, const ScanFinding& b) { return a.problem < b.problem; });
        return std::move(report_);
    }

private:
    void add(ScanProblem problem, Severity severity, std::string text) {
        report_.findings.push_back({problem, severity, std::move(text)});
    }

    void count() {
        report_.points = all_.size();
        for (const auto& p : all_)
            if (is_usable(p)) ++report_.finite, report_.box.extend(p);
        report_.kept = unique_points(all_);
        report_.duplicates = report_.finite - report_.kept.size();
        report_.robust_box = report_.box;
        if (report_.finite == 0) {
            add(ScanProblem::empty, Severity::error,
                all_.empty() ? "the scan holds no points"
                             : fmt::format("none of the {} points is finite", all_.size()));
            return;
        }
        if (report_.finite < all_.size())
            add(ScanProblem::non_finite, Severity::warning,
                fmt::format("{} of {} points have a coordinate that is not finite and are left out",
                            all_.size() - report_.finite, all_.size()));
        if (report_.kept.size() == 1) {
            add(ScanProblem::one_point, Severity::error,
                report_.finite == 1 ? "the scan is a single point"
                                    : fmt::format("all {} points are at the same place", report_.finite));
            return;
        }
        if (report_.duplicates > 0)
            add(ScanProblem::duplicates, Severity::note,
                fmt::format("{} of {} points repeat another one exactly and are left out", report_.duplicates,
                            report_.finite));
        if (report_.kept.size() < 50)
            add(ScanProblem::few_points, Severity::warning,
                fmt::format("{} different points are very few for a surface", report_.kept.size()));
    }

    /// The points that are kept; copied only if some are not.
    std::span<const Vec3d> kept_points(std::vector<Vec3d>& storage) const {
        if (report_.kept.size() == all_.size()) return all_;
        storage.reserve(report_.kept.size());
        for (const auto i : report_.kept) storage.push_back(all_[i]);
        return storage;
    }

    void look_for_scales_and_outliers() {
        std::vector<Vec3d> storage;
        const auto points = kept_points(storage);
        std::vector<double> d4, d8;
        {
            const KdTree tree(points);
            d4 = neighbor_distances(tree, points, 4), d8 = neighbor_distances(tree, points, 8);
        }
        if (const auto classes = find_scale_classes(d4)) {
            add(ScanProblem::mixed_scales, Severity::warning,
                fmt::format(
                    "{:.0f} % of the points are about {:.3g} apart and the others about {:.3g}, {:.0f} times as "
                    "far: two scans in different units?",
                    100.0 * classes->fine_share, classes->fine, classes->coarse, classes->coarse / classes->fine));
            return;  // which of the two is the outlier is not ours to say
        }
        const double reach = 10.0 * d8[(d8.size() - 1) * 9 / 10];
        const double cell = std::max(reach, report_.box.longest_side() * 1e-9);
        if (!(cell > 0.0) || !std::isfinite(cell)) return;
        split_off_outliers(touching_groups(points, cell), points.size());
    }

    void split_off_outliers(const std::vector<Group>& groups, std::size_t n) {
        const auto is_large = [&](std::size_t g) { return g == 0 || groups[g].points.size() * 50 >= n; };
        Box3d large;
        std::size_t n_small = 0;
        for (std::size_t g = 0; g < groups.size(); ++g) {
            if (is_large(g)) {
                large.extend(groups[g].box.lo), large.extend(groups[g].box.hi);
                const double away = gap(groups[0].box, groups[g].box);
                const double size = std::max(diagonal(groups[0].box), diagonal(groups[g].box));
                if (away > 100.0 * size && !report_.find(ScanProblem::far_apart))
                    add(ScanProblem::far_apart, Severity::warning,
                        fmt::format(
                            "{} and {} points form groups {:.3g} apart, {:.0f} times their own size: are they in "
                            "the same coordinate system?",
                            groups[0].points.size(), groups[g].points.size(), away, away / size));
            } else {
                n_small += groups[g].points.size();
            }
        }
        if (n_small * 20 >= n) return;  // scattered points are what this scan consists of
        double farthest = 0.0;
        std::vector<std::uint32_t> out;
        for (std::size_t g = 0; g < groups.size(); ++g) {
            const double away = gap(large, groups[g].box);
            if (is_large(g) || away <= 0.25 * diagonal(large)) continue;
            farthest = std::max(farthest, away);
            for (const auto p : groups[g].points) out.push_back(report_.kept[p]);
        }
        if (out.empty()) return;
        std::sort(out.begin(), out.end());
        add(ScanProblem::outliers, Severity::warning,
            fmt::format(
                "{} of {} points lie far away from the rest (up to {:.3g}, the rest measures {:.3g}) and are left "
                "out",
                out.size(), n, farthest, diagonal(large)));
        std::vector<std::uint32_t> kept;
        std::set_difference(report_.kept.begin(), report_.kept.end(), out.begin(), out.end(), std::back_inserter(kept));
        report_.kept = std::move(kept), report_.outliers = std::move(out);
        report_.robust_box = {};
        for (const auto i : report_.kept) report_.robust_box.extend(all_[i]);
    }

    void measure() {
        std::vector<Vec3d> storage;
        const auto points = kept_points(storage);
        report_.spacing = estimate_spacing(points);
        const Vec3d center = report_.robust_box.center();
        Vec3d mean{};
        for (const auto& p : points) mean += (p - center) / static_cast<double>(points.size());
        std::array<Vec3d, 3> moments{};
        for (const auto& p : points) {
            const Vec3d d = p - center - mean;
            for (int i = 0; i < 3; ++i)
                moments[static_cast<std::size_t>(i)] += d * (d[i] / static_cast<double>(points.size()));
        }
        const auto eigen = eigen_symmetric(moments);
        report_.axes = eigen.vectors;
        // The spread from the points themselves: the eigenvalues lose half of the digits.
        std::array<double, 3> square{};
        for (const auto& p : points)
            for (std::size_t i = 0; i < 3; ++i) {
                const double t = dot(p - center - mean, eigen.vectors[i]);
                square[i] += t * t / static_cast<double>(points.size());
            }
        for (std::size_t i = 0; i < 3; ++i) report_.spread[i] = std::sqrt(square[i]);
        judge_shape(points.size());
    }

    void judge_shape(std::size_t n) {
        const auto& s = report_.spread;
        const auto& spacing = report_.spacing;
        if (s[1] <= kFlat * s[0])
            add(ScanProblem::collinear, Severity::error, fmt::format("all {} points lie on one line", n));
        else if (s[2] <= kFlat * s[0])
            add(ScanProblem::coplanar, Severity::error, fmt::format("all {} points lie in one plane", n));
        else if (s[2] < 0.5 * spacing.nearest)
            add(ScanProblem::thin, Severity::warning,
                fmt::format("the points are nearly flat: {:.3g} thick, {:.3g} apart", s[2], spacing.nearest));
        if (spacing.nearest_p90 > 20.0 * spacing.nearest_p10)
            add(ScanProblem::uneven, Severity::note,
                fmt::format(
                    "the density varies: a tenth of the points are closer than {:.3g}, a tenth farther than {:.3g} "
                    "from their neighbour",
                    spacing.nearest_p10, spacing.nearest_p90));
        const double size = report_.robust_box.longest_side(), away = norm(report_.robust_box.center());
        if (away > 1e4 * size)
            add(ScanProblem::offset, Severity::note,
                fmt::format(
                    "the scan of size {:.3g} lies {:.3g} from the origin: floats would lose {:.1g}, doubles are kept",
                    size, away, away * 6e-8));
    }

    std::span<const Vec3d> all_;
    ScanReport report_;
};

}  // namespace

const ScanFinding* ScanReport::find(ScanProblem problem) const {
    for (const auto& f : findings)
        if (f.problem == problem) return &f;
    return nullptr;
}

const ScanFinding* ScanReport::error() const {
    for (const auto& f : findings)
        if (f.severity == Severity::error) return &f;
    return nullptr;
}

ScanReport inspect_scan(std::span<const Vec3d> points) { return Inspector(points).run(); }

}  // namespace nir::geom
