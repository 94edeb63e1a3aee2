// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/kd_tree.h"
#include "nir/geom/spacing.h"

#include "geom/eigen3.h"
#include "geom/grid_cells.h"
#include "geom/scan_access.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

namespace nir::geom {
namespace {

constexpr double kFlat = 1e-5;  // spread of a plane's or line's points across it, relative to their extent

/// Distances to the k-th neighbour, ascending.
std::vector<double> neighbor_distances(const NearestRows& rows, std::size_t k) {
    std::vector<double> out(rows.count());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::sqrt(rows.squared[i * rows.k + std::min(k, rows.k - 1)]);
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
    std::size_t points = 0;
    std::vector<std::uint32_t> cells;  // positions in the list that was grouped
    Box3d box;
};

bool before(Vec3i a, Vec3i b) { return std::tie(a.x, a.y, a.z) < std::tie(b.x, b.y, b.z); }

/// Groups of cells that touch, those of most points first.
std::vector<Group> touching_groups(std::span<const OccupiedCell> cells) {
    std::vector<std::size_t> parent(cells.size());
    std::iota(parent.begin(), parent.end(), std::size_t{0});
    const auto root = [&parent](std::size_t i) {
        while (parent[i] != i) i = parent[i] = parent[parent[i]];
        return i;
    };
    for (std::size_t i = 0; i < cells.size(); ++i)
        for (int n = 14; n < 27; ++n) {  // the 13 neighbours that come later in the order
            const std::size_t at = position_of(cells, cells[i].cell + Vec3i{n / 9 - 1, n / 3 % 3 - 1, n % 3 - 1});
            if (at < cells.size()) parent[root(at)] = root(i);
        }
    std::vector<Group> by_root(cells.size());
    for (std::size_t i = 0; i < cells.size(); ++i) {
        Group& g = by_root[root(i)];
        g.points += cells[i].points;
        g.cells.push_back(static_cast<std::uint32_t>(i));
        g.box.extend(cells[i].box.lo), g.box.extend(cells[i].box.hi);
    }
    std::erase_if(by_root, [](const Group& g) { return g.points == 0; });
    std::stable_sort(by_root.begin(), by_root.end(),
                     [](const Group& a, const Group& b) { return a.points > b.points; });
    return by_root;
}

double gap(const Box3d& a, const Box3d& b) { return norm(max(max(a.lo - b.hi, b.lo - a.hi), Vec3d{})); }
double diagonal(const Box3d& b) { return norm(b.size()); }

class Inspector {
public:
    explicit Inspector(ScanAccess& scan) : scan_(scan) {}

    ScanReport run() {
        count();
        if (scan_.kept() >= 2) {
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
        const std::size_t all = scan_.points, kept = scan_.kept();
        report_.points = all, report_.finite = scan_.finite, report_.box = scan_.box;
        report_.duplicates = report_.finite - kept;
        report_.robust_box = report_.box;
        if (report_.finite == 0) {
            add(ScanProblem::empty, Severity::error,
                all == 0 ? "the scan holds no points" : fmt::format("none of the {} points is finite", all));
            return;
        }
        if (report_.finite < all)
            add(ScanProblem::non_finite, Severity::warning,
                fmt::format("{} of {} points have a coordinate that is not finite and are left out",
                            all - report_.finite, all));
        if (kept == 1) {
            add(ScanProblem::one_point, Severity::error,
                report_.finite == 1 ? "the scan is a single point"
                                    : fmt::format("all {} points are at the same place", report_.finite));
            return;
        }
        if (report_.duplicates > 0)
            add(ScanProblem::duplicates, Severity::note,
                fmt::format("{} of {} points repeat another one exactly and are left out", report_.duplicates,
                            report_.finite));
        if (kept < 50)
            add(ScanProblem::few_points, Severity::warning,
                fmt::format("{} different points are very few for a surface", kept));
    }

    void look_for_scales_and_outliers() {
        rows_ = scan_.nearest(kAreaNeighbors);
        const std::vector<double> d4 = neighbor_distances(rows_, 4), d8 = neighbor_distances(rows_, 8);
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
        const std::vector<OccupiedCell> cells = scan_.occupied_cells(cell);
        split_off_outliers(cell, cells, touching_groups(cells), scan_.kept());
    }

    void split_off_outliers(double cell, std::span<const OccupiedCell> cells, const std::vector<Group>& groups,
                            std::size_t n) {
        const auto is_large = [&](std::size_t g) { return g == 0 || groups[g].points * 50 >= n; };
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
                            groups[0].points, groups[g].points, away, away / size));
            } else {
                n_small += groups[g].points;
            }
        }
        if (n_small * 20 >= n) return;  // scattered points are what this scan consists of
        double farthest = 0.0;
        std::size_t n_out = 0;
        std::vector<std::uint8_t> goes(cells.size(), 0);
        for (std::size_t g = 0; g < groups.size(); ++g) {
            const double away = gap(large, groups[g].box);
            if (is_large(g) || away <= 0.25 * diagonal(large)) continue;
            farthest = std::max(farthest, away);
            n_out += groups[g].points;
            for (const auto c : groups[g].cells) goes[c] = 1;
        }
        if (n_out == 0) return;
        add(ScanProblem::outliers, Severity::warning,
            fmt::format(
                "{} of {} points lie far away from the rest (up to {:.3g}, the rest measures {:.3g}) and are left "
                "out",
                n_out, n, farthest, diagonal(large)));
        scan_.leave_out(cell, cells, goes);
        rows_ = scan_.nearest(kAreaNeighbors);
        report_.robust_box = {};
        scan_.visit([&](std::span<const Vec3d> points) {
            for (const auto& p : points) report_.robust_box.extend(p);
        });
    }

    void measure() {
        report_.spacing = scan_.spacing(rows_);
        const std::size_t n = scan_.kept();
        const auto share = 1.0 / static_cast<double>(n);
        const Vec3d center = report_.robust_box.center();
        Vec3d mean{};
        scan_.visit([&](std::span<const Vec3d> points) {
            for (const auto& p : points) mean += (p - center) * share;
        });
        std::array<Vec3d, 3> moments{};
        scan_.visit([&](std::span<const Vec3d> points) {
            for (const auto& p : points) {
                const Vec3d d = p - center - mean;
                for (int i = 0; i < 3; ++i) moments[static_cast<std::size_t>(i)] += d * (d[i] * share);
            }
        });
        const auto eigen = eigen_symmetric(moments);
        report_.axes = eigen.vectors;
        // The spread from the points themselves: the eigenvalues lose half of the digits.
        std::array<double, 3> square{};
        scan_.visit([&](std::span<const Vec3d> points) {
            for (const auto& p : points)
                for (std::size_t i = 0; i < 3; ++i) {
                    const double t = dot(p - center - mean, eigen.vectors[i]);
                    square[i] += t * t * share;
                }
        });
        for (std::size_t i = 0; i < 3; ++i) report_.spread[i] = std::sqrt(square[i]);
        judge_shape(n);
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

    ScanAccess& scan_;
    NearestRows rows_;  ///< of those kept
    ScanReport report_;
};

/// A scan in memory.
class ScanInMemory final : public ScanAccess {
public:
    explicit ScanInMemory(std::span<const Vec3d> all) : all_(all), kept_(unique_points(all)) {
        points = all.size();
        for (const auto& p : all)
            if (is_usable(p)) ++finite, box.extend(p);
    }

    std::size_t kept() const override { return kept_.size(); }
    NearestRows nearest(std::size_t k) const override {
        std::vector<Vec3d> storage;
        const auto points_kept = kept_points(storage);
        return nearest_rows(KdTree(points_kept), points_kept, k);
    }
    SpacingEstimate spacing(const NearestRows& rows) const override {
        std::vector<Vec3d> storage;
        SpacingEstimate out = spacing_from(kept(), rows);
        out.octaves = count_octaves(kept_points(storage));
        return out;
    }
    std::vector<OccupiedCell> occupied_cells(double side) const override {
        std::vector<Vec3d> storage;
        const auto points_kept = kept_points(storage);
        std::vector<OccupiedCell> cells;
        for (const auto& [cell, point] : sort_into_cells(points_kept, side)) {
            if (cells.empty() || !(cells.back().cell == cell)) cells.push_back({cell, 0, {}});
            ++cells.back().points;
            cells.back().box.extend(points_kept[point]);
        }
        return cells;
    }
    void leave_out(double side, std::span<const OccupiedCell> cells, std::span<const std::uint8_t> goes) override {
        const auto out = [&](std::uint32_t i) { return goes[position_of(cells, cell_of(all_[i], side))] != 0; };
        std::ranges::copy_if(kept_, std::back_inserter(outliers_), out);
        std::erase_if(kept_, out);
    }
    void visit(const std::function<void(std::span<const Vec3d>)>& f) const override {
        std::vector<Vec3d> storage;
        f(kept_points(storage));
    }
    void move_lists(ScanReport& report) {
        report.kept = std::move(kept_);
        report.outliers = std::move(outliers_);
    }

private:
    /// Copied only if some are not kept.
    std::span<const Vec3d> kept_points(std::vector<Vec3d>& storage) const {
        if (kept_.size() == all_.size()) return all_;
        storage.reserve(kept_.size());
        for (const auto i : kept_) storage.push_back(all_[i]);
        return storage;
    }

    std::span<const Vec3d> all_;
    std::vector<std::uint32_t> kept_, outliers_;
};

}  // namespace

std::size_t position_of(std::span<const OccupiedCell> cells, Vec3i cell) {
    const auto at = std::lower_bound(cells.begin(), cells.end(), cell,
                                     [](const OccupiedCell& a, Vec3i c) { return before(a.cell, c); });
    return at != cells.end() && at->cell == cell ? static_cast<std::size_t>(at - cells.begin()) : cells.size();
}

ScanReport inspect(ScanAccess& scan) { return Inspector(scan).run(); }

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

ScanReport inspect_scan(std::span<const Vec3d> points) {
    ScanInMemory scan(points);
    ScanReport report = inspect(scan);
    scan.move_lists(report);
    return report;
}

}  // namespace nir::geom
