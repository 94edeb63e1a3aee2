// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/scan_file.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/base/rng.h"
#include "nir/base/stop.h"
#include "nir/geom/frame.h"
#include "nir/geom/kd_tree.h"
#include "nir/geom/point_tiles.h"
#include "nir/geom/sensors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace nir::geom {
namespace {

const auto kFolder = std::filesystem::temp_directory_path();

/// A sphere far from the origin, in colours, with repetitions, broken points, a few far outliers; two sensors and
/// points without one.
PointCloud messy_scan(std::size_t n, double grid = 0) {
    Rng rng(5);
    PointCloud scan;
    const double nan = std::numeric_limits<double>::quiet_NaN();
    while (scan.size() < n) {
        const std::size_t i = scan.size();
        const double z = rng.uniform(-1, 1), a = rng.uniform(0, 2 * std::numbers::pi), r = std::sqrt(1 - z * z);
        Vec3d p = Vec3d{r * std::cos(a), r * std::sin(a), z} * (1 + 0.001 * rng.normal());
        if (grid > 0) p = {grid * std::round(p.x / grid), grid * std::round(p.y / grid), grid * std::round(p.z / grid)};
        p = p + Vec3d{4321000.5, -765.25, 90};
        if (i % 997 == 5) p.y = nan;
        if (i % 31 == 7) p = scan.points[rng.below(i)];
        if (i % 20011 == 100) p = Vec3d{4321400, 5, 5} + p * 1e-6;
        scan.points.push_back(p);
        scan.colors.push_back({static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i / 256), 3});
        scan.sensors.push_back(i % 3 == 0 ? Vec3d{nan, nan, nan} : Vec3d{4321000, i % 3 == 1 ? 5.0 : -5.0, 200});
    }
    return scan;
}

PointCloud part_of(const PointCloud& scan, std::size_t first, std::size_t n) {
    PointCloud out;
    const auto cut = [&](const auto& from, auto& to) {
        for (std::size_t i = first; i < std::min(from.size(), first + n); ++i) to.push_back(from[i]);
    };
    cut(scan.points, out.points), cut(scan.colors, out.colors), cut(scan.sensors, out.sensors);
    return out;
}

ScanFile filed(const PointCloud& scan, std::size_t block) {
    ScanFile file(kFolder);
    for (std::size_t i = 0; i < scan.size(); i += block) file.add(part_of(scan, i, block));
    file.sort();
    return file;
}

void expect_same_look(const PointCloud& scan, std::size_t block) {
    const ScanReport a = inspect_scan(scan.points);
    ScanFile file = filed(scan, block);
    const ScanReport b = file.inspect();
    EXPECT_EQ(file.points(), scan.size());
    EXPECT_EQ(file.size(), a.kept.size());
    EXPECT_EQ(a.points, b.points);
    EXPECT_EQ(a.finite, b.finite);
    EXPECT_EQ(a.duplicates, b.duplicates);
    EXPECT_TRUE(a.box.lo == b.box.lo && a.box.hi == b.box.hi);
    EXPECT_TRUE(a.robust_box.lo == b.robust_box.lo && a.robust_box.hi == b.robust_box.hi);
    EXPECT_EQ(a.spacing.nearest, b.spacing.nearest);
    EXPECT_EQ(a.spacing.nearest_p10, b.spacing.nearest_p10);
    EXPECT_EQ(a.spacing.nearest_p90, b.spacing.nearest_p90);
    EXPECT_EQ(a.spacing.surface, b.spacing.surface);
    EXPECT_EQ(a.spacing.area, b.spacing.area);
    EXPECT_EQ(a.spacing.noise, b.spacing.noise);
    EXPECT_EQ(a.spacing.points, b.spacing.points);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(a.spread[i], b.spread[i], 1e-9 * a.spread[0]);
    ASSERT_EQ(a.findings.size(), b.findings.size());
    for (std::size_t i = 0; i < a.findings.size(); ++i) EXPECT_EQ(a.findings[i].text, b.findings[i].text);
    if (a.error()) return;

    const Frame frame = fit_frame(a.robust_box);
    std::vector<Vec3f> points;
    std::vector<Rgb8> colors;
    std::vector<Vec3d> stands;
    for (const auto i : a.kept) {
        points.push_back(static_cast<Vec3f>(frame.unit_from_user(scan.points[i])));
        if (!scan.colors.empty()) colors.push_back(scan.colors[i]);
        if (!scan.sensors.empty()) stands.push_back(scan.sensors[i]);
    }
    const Sensors sensors = group_sensors(stands);
    const PointTiles tiles(points, 0.05f, colors, sensors.of_point);
    const auto source = file.source(frame);
    EXPECT_EQ(source->size(), tiles.size());
    EXPECT_TRUE(source->first() == tiles.first());
    EXPECT_TRUE(source->box().lo == tiles.box().lo && source->box().hi == tiles.box().hi);
    EXPECT_EQ(source->has_colors(), tiles.has_colors());
    EXPECT_EQ(source->has_sensors(), tiles.has_sensors());
    Rng rng(8);
    for (int k = 0; k < 30; ++k) {
        const Vec3f c = points[rng.below(points.size())];
        const Box3f box = Box3f{c, c}.padded(k == 0 ? 3.0f : static_cast<float>(rng.uniform(0, 0.2)));
        const auto x = tiles.find(box), y = source->find(box);
        EXPECT_TRUE(x.index == y.index && x.points == y.points);
        EXPECT_TRUE(std::ranges::equal(x.colors, y.colors,
                                       [](Rgb8 p, Rgb8 q) { return p.r == q.r && p.g == q.g && p.b == q.b; }));
        ASSERT_EQ(x.sensors.size(), y.sensors.size());
        for (std::size_t i = 0; i < x.sensors.size(); ++i) {
            const bool known = x.sensors[i] != Sensors::kUnknownSensor;
            ASSERT_EQ(known, y.sensors[i] != Sensors::kUnknownSensor);
            if (known) {
                EXPECT_TRUE(sensors.positions[x.sensors[i]] == file.sensors()[y.sensors[i]]);
            }
        }
        EXPECT_GE(source->most_in_box(box), y.index.size());
    }
    std::size_t seen = 0;
    std::vector<char> each(points.size(), 0);
    source->visit([&](const PointSource::Found& found) {
        for (std::size_t i = 0; i < found.index.size(); ++i, ++seen) {
            each[found.index[i]] = 1;
            ASSERT_TRUE(found.points[i] == points[found.index[i]]);
        }
    });
    EXPECT_EQ(seen, points.size());
    EXPECT_EQ(std::count(each.begin(), each.end(), 1), static_cast<std::ptrdiff_t>(points.size()));
}

TEST(ScanFile, LooksAndFindsAsInMemory) {
    expect_same_look(messy_scan(60000), 7000);
    set_threads(1);
    expect_same_look(messy_scan(3000), 100000);
    set_threads(0);
}

TEST(ScanFile, EqualDistancesAreOrderedAsInMemory) {
    expect_same_look(messy_scan(20000, 1.0 / 64), 20000);
    PointCloud flat;
    for (int i = 0; i < 90 * 90; ++i) flat.points.push_back({i % 90 * 0.5, i / 90 * 0.5, 0.25 * ((i % 7) - (i % 5))});
    expect_same_look(flat, 1000);
}

TEST(ScanFile, SortsMorePointsThanFitIntoOneRun) {
    // Most of them would be in one cell of an octree that holds the outlier.
    Rng rng(2);
    PointCloud scan;
    for (std::size_t i = 0; i < 1050000; ++i)
        scan.points.push_back({rng.uniform(-1, 1), rng.uniform(-1, 1), 0.001 * rng.normal() + (i % 2 ? 0.0 : 1.0)});
    scan.points[77] = {1e12, 5, 5};
    expect_same_look(scan, 65536);
    scan = part_of(scan, 0, 5000);
    scan.points[77] = {1e30, 5, 5};
    expect_same_look(scan, 1000);
}

class StopAtOnce final : public Progress {
public:
    void begin(std::string_view, std::uint64_t, std::string_view) override {}
    bool advance(std::uint64_t) override { return false; }
    void end() override {}
};

template <class F>
void expect_stopped(const F& f) {
    StopAtOnce stop;
    const StopScope scope(stop, "stopped");
    try {
        f();
        ADD_FAILURE();
    } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::cancelled);
    }
}

TEST(ScanFile, EachStepMayBeStopped) {
    const PointCloud scan = messy_scan(5000);
    ScanFile unsorted(kFolder);
    unsorted.add(scan);
    expect_stopped([&] { unsorted.sort(); });
    ScanFile file = filed(scan, 5000);
    expect_stopped([&] { file.inspect(); });
    const Frame frame = fit_frame(file.inspect().robust_box);
    expect_stopped([&] { file.source(frame); });
    expect_stopped([&] { inspect_scan(scan.points); });
    Rng rng(1);
    std::vector<Vec3d> many(200000);
    for (auto& p : many) p = {rng.uniform(), rng.uniform(), rng.uniform()};
    expect_stopped([&] { KdTree tree(many); });
}

TEST(ScanFile, SmallAndBrokenScans) {
    expect_same_look({}, 10);
    const double nan = std::numeric_limits<double>::quiet_NaN();
    PointCloud scan;
    scan.points.assign(20, {nan, 0, 0});
    expect_same_look(scan, 7);
    scan.points.assign(20, {1, 2, 3});
    expect_same_look(scan, 7);
    scan.points.push_back({1, 2, 4});
    expect_same_look(scan, 7);
    scan.points.push_back({1, 3, 4});
    scan.points.push_back({2, 3, 4});
    expect_same_look(scan, 2);
    EXPECT_THROW(ScanFile("/no/such/folder"), Error);
}

}  // namespace
}  // namespace nir::geom
