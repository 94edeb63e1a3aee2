// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/parallel.h"
#include "nir/base/rng.h"
#include "nir/geom/point_tiles.h"

#include "models/fitted/fitted_field.h"
#include "models/fitted/free_space.h"
#include "models/fitted/moment_grid.h"

#include <gtest/gtest.h>

#include <cmath>

namespace nir::models {
namespace {

using geom::Vec3d;
using geom::Vec3f;

Vec3f on_sphere(Rng& rng, float radius) {
    const Vec3d d{rng.normal(), rng.normal(), rng.normal()};
    return static_cast<Vec3f>(normalized(d)) * radius;
}

/// The kernel of MomentGrid written down directly: hat weights to the nodes times B-spline weights from them.
double kernel(Vec3f place, Vec3f point, float cell) {
    double product = 1;
    for (int a = 0; a < 3; ++a) {
        double sum = 0;
        const double q = static_cast<double>(place[a] / cell), p = static_cast<double>(point[a] / cell);
        for (int n = static_cast<int>(std::floor(p)); n <= static_cast<int>(std::floor(p)) + 1; ++n) {
            const double hat = std::max(0.0, 1 - std::abs(p - n)), t = std::abs(q - n);
            const double spline = t < 0.5 ? 0.75 - t * t : t < 1.5 ? 0.5 * (1.5 - t) * (1.5 - t) : 0.0;
            sum += hat * spline;
        }
        product *= sum;
    }
    return product;
}

TEST(MomentGrid, MeanAndWeightAreThoseOfTheKernel) {
    Rng rng(1);
    std::vector<Vec3f> points;
    for (int i = 0; i < 500; ++i)
        points.push_back(static_cast<Vec3f>(Vec3d{rng.uniform(-1, 1), rng.uniform(-1, 1), rng.uniform(-1, 1)}));
    const float cell = 0.21f;
    const MomentGrid grid(points, {}, cell);
    for (int i = 0; i < 50; ++i) {
        const Vec3f q = static_cast<Vec3f>(Vec3d{rng.uniform(-1, 1), rng.uniform(-1, 1), rng.uniform(-1, 1)});
        double weight = 0;
        Vec3d mean{};
        for (const auto& p : points) {
            const double w = kernel(q, p, cell);
            weight += w, mean += static_cast<Vec3d>(p) * w;
        }
        const MomentGrid::Plane plane = grid.fit(q);
        EXPECT_NEAR(plane.weight, weight, 1e-4 * std::max(1.0, weight));
        if (weight < 0.1) continue;
        EXPECT_LT(norm(static_cast<Vec3d>(plane.center) - mean / weight), 2e-5);
    }
    EXPECT_EQ(grid.fit({9, 9, 9}).weight, 0);
}

TEST(MomentGrid, FindsAnyPlane) {
    Rng rng(2);
    for (int k = 0; k < 20; ++k) {
        const Vec3f normal = on_sphere(rng, 1), u = normalized(cross(normal, on_sphere(rng, 1))), v = cross(normal, u);
        const Vec3f middle{0.1f, -0.2f, 0.3f};
        std::vector<Vec3f> points;
        for (int i = 0; i < 4000; ++i)
            points.push_back(middle + u * static_cast<float>(rng.uniform(-1, 1)) +
                             v * static_cast<float>(rng.uniform(-1, 1)));
        const MomentGrid grid(points, {}, 0.05f);
        for (const float height : {0.0f, 0.03f, -0.05f}) {
            const auto plane = grid.fit(middle + normal * height);
            EXPECT_NEAR(std::abs(dot(plane.normal, normal)), 1, 1e-5);
            EXPECT_NEAR(dot(plane.center - middle, normal), 0, 1e-5);
            EXPECT_LT(plane.thickness, 1e-3);
            EXPECT_GT(plane.width, 0.15);  // what the constants of the field build on
            EXPECT_LT(plane.width, 0.8);
        }
    }
}

TEST(MomentGrid, DoesNotDependOnThreads) {
    Rng rng(3);
    std::vector<Vec3f> points;
    for (int i = 0; i < 20000; ++i) points.push_back(on_sphere(rng, 0.5f));
    const int before = threads();
    std::vector<float> seen[2];
    for (const int n : {1, 3}) {
        set_threads(n);
        const MomentGrid grid(points, {-1, -1, -1}, 0.02f);
        for (std::size_t i = 0; i < grid.nodes(); i += 17) {
            const auto plane = grid.fit(grid.node_position(i));
            for (const float v : {plane.weight, plane.center.x, plane.normal.y}) seen[n == 3].push_back(v);
        }
    }
    set_threads(before);
    EXPECT_EQ(seen[0], seen[1]);
}

/// A learned field as coarse as one makes them: a sphere of a radius that is a little wrong.
class RoughSphere final : public CascadeField {
public:
    explicit RoughSphere(float radius) : radius_(radius) {}
    void values(std::span<const Vec3f> points, std::span<float> out) const override {
        for (std::size_t i = 0; i < points.size(); ++i) out[i] = 50 * (radius_ - norm(points[i]));
    }
    geom::Box3f domain() const override { return {{-1, -1, -1}, {1, 1, 1}}; }
    int octaves() const override { return 1; }
    float finest_cell() const override { return 0.08f; }
    std::size_t memory_bytes() const override { return 0; }

private:
    float radius_;
};

/// 20,000 points of a sphere of radius 0.5, but none beyond `z_max`.
std::vector<Vec3f> sphere_points(float z_max, float noise = 0) {
    Rng rng(4);
    std::vector<Vec3f> points;
    while (points.size() < 20000) {
        const Vec3f p = on_sphere(rng, 0.5f + noise * static_cast<float>(rng.normal()));
        if (p.z <= z_max) points.push_back(p);
    }
    return points;
}
const double kSpacing = std::sqrt(3.14159 / 20000);

/// Zero of the field along a ray from the centre, or -1.
float radius_along(const extract::ScalarField& field, Vec3f direction) {
    float lo = 0.3f, hi = 0.7f;
    for (int i = 0; i < 30; ++i) {
        const float mid = (lo + hi) / 2;
        const Vec3f at[1] = {direction * mid};
        float value[1];
        field.values(at, value);
        (value[0] > 0 ? lo : hi) = mid;
    }
    return lo > 0.31f && hi < 0.69f ? lo : -1;
}

TEST(FittedField, CurvatureThatPlanesFlattenIsGivenBack) {
    NoProgress quiet;
    // Many points under a kernel: those at which heights are taken hardly pull the planes themselves.
    const FitOptions wide{.spacing = 3 * kSpacing};
    const auto field = fit_surface(std::make_unique<RoughSphere>(0.52f), sphere_points(1), wide, quiet);
    // A plane through points of a sphere lies inside it by the mean curvature times the variance of the kernel.
    const double sigma = 0.65 * static_cast<double>(field->finest_cell()), flattened = sigma * sigma / 0.5;
    Rng rng(15);
    double mean = 0;
    for (int i = 0; i < 500; ++i) mean += static_cast<double>(radius_along(*field, on_sphere(rng, 1)) - 0.5f) / 500;
    EXPECT_LT(std::abs(mean), 0.2 * flattened);
}

TEST(FittedField, PassesThroughThePointsWhereTheLearnedFieldDoesNot) {
    NoProgress quiet;
    const auto points = sphere_points(1);
    const auto field = fit_surface(std::make_unique<RoughSphere>(0.52f), points, {.spacing = kSpacing}, quiet);
    EXPECT_TRUE(field->fitted());
    Rng rng(5);
    double worst = 0;
    for (int i = 0; i < 300; ++i)
        worst = std::max(worst, std::abs(static_cast<double>(radius_along(*field, on_sphere(rng, 1))) - 0.5));
    EXPECT_LT(worst, 0.0015);  // the learned one is 0.02 away; the plane's own bias is 0.42 cell^2 / R
    // Far from the surface the learned field speaks alone.
    const Vec3f far[2] = {{0, 0, 0}, {0.9f, 0, 0}};
    float values[2];
    field->values(far, values);
    EXPECT_FLOAT_EQ(values[0], 50 * 0.52f);
    EXPECT_FLOAT_EQ(values[1], 50 * (0.52f - 0.9f));
}

TEST(FittedField, GradientsPointInwards) {
    NoProgress quiet;
    const auto points = sphere_points(0.3f);
    const auto field = fit_surface(std::make_unique<RoughSphere>(0.52f), points, {.spacing = kSpacing}, quiet);
    ASSERT_TRUE(field->has_gradients());
    Rng rng(8);
    std::vector<Vec3f> at(300), found(300), differences(300);
    for (auto& p : at) p = on_sphere(rng, 0.5f);  // in the hole as well
    field->gradients(at, found);
    field->ScalarField::gradients(at, differences);
    for (std::size_t i = 0; i < at.size(); ++i) {
        EXPECT_GT(dot(normalized(found[i]), normalized(differences[i])), 0.95);
        EXPECT_LT(dot(normalized(found[i]), normalized(at[i])), -0.5);  // the transition is a slope
    }
}

TEST(FittedField, NoiseIsAveraged) {
    NoProgress quiet;
    const float noise = 0.005f;
    const auto points = sphere_points(1, noise);
    const FitOptions options{.spacing = kSpacing, .noise = static_cast<double>(noise)};
    const auto field = fit_surface(std::make_unique<RoughSphere>(0.51f), points, options, quiet);
    Rng rng(5);
    double sum = 0;
    for (int i = 0; i < 300; ++i)
        sum += std::pow(static_cast<double>(radius_along(*field, on_sphere(rng, 1))) - 0.5, 2) / 300;
    EXPECT_LT(std::sqrt(sum), 0.4 * static_cast<double>(noise));
}

TEST(FittedField, HolesAreFilledByTheLearnedField) {
    NoProgress quiet;
    const auto points = sphere_points(0.3f);
    const auto field = fit_surface(std::make_unique<RoughSphere>(0.52f), points, {.spacing = kSpacing}, quiet);
    EXPECT_NEAR(radius_along(*field, {0, 0, 1}), 0.52, 1e-4);
    EXPECT_NEAR(radius_along(*field, {0, 0, -1}), 0.5, 1.5e-3);
    Rng rng(6);
    for (int i = 0; i < 300; ++i) {  // and between the two there is one surface, somewhere in between
        const float r = radius_along(*field, on_sphere(rng, 1));
        EXPECT_GT(r, 0.495);
        EXPECT_LT(r, 0.525);
    }
}

/// A learned field that has not seen the surface at all: the same value everywhere.
class Blind final : public CascadeField {
public:
    explicit Blind(float value) : value_(value) {}
    void values(std::span<const Vec3f> points, std::span<float> out) const override {
        std::fill_n(out.begin(), points.size(), value_);
    }
    geom::Box3f domain() const override { return {{-1, -1, -1}, {1, 1, 1}}; }
    int octaves() const override { return 1; }
    float finest_cell() const override { return 0.08f; }
    std::size_t memory_bytes() const override { return 0; }

private:
    float value_;
};

/// All points seen from one place.
geom::Sensors one_sensor(Vec3d place, std::size_t n) { return {{place}, std::vector<std::uint32_t>(n, 0)}; }

float value_at(const extract::ScalarField& field, Vec3f p) {
    const Vec3f at[1] = {p};
    float value[1];
    field.values(at, value);
    return value[0];
}

TEST(MomentGrid, RemembersFromWhereItWasSeen) {
    Rng rng(12);
    std::vector<Vec3f> points, directions;
    for (int i = 0; i < 4000; ++i) {
        const auto x = static_cast<float>(rng.uniform(-1, 1)), y = static_cast<float>(rng.uniform(-1, 1));
        points.push_back({x, y, 0});
        directions.push_back(x < 0 ? Vec3f{0, 0, 1} : i % 2 ? Vec3f{0.6f, 0, 0.8f} : Vec3f{0.6f, 0, -0.8f});
    }
    MomentGrid grid(points, {}, 0.1f, directions);
    std::size_t looked = 0;
    for (std::size_t i = 0; i < grid.nodes(); ++i) {
        const Vec3f p = grid.node_position(i);
        if (std::abs(p.z) > 0.05f || std::abs(p.x) < 0.25f || std::max(std::abs(p.x), std::abs(p.y)) > 0.8f) continue;
        const Vec3f seen = grid.seen_from(i);
        ++looked;
        EXPECT_LT(norm(seen - (p.x < 0 ? Vec3f{0, 0, 1} : Vec3f{0.6f, 0, 0})), p.x < 0 ? 1e-5f : 0.4f);
    }
    EXPECT_GT(looked, 100u);
    grid.forget_points();
    EXPECT_EQ(grid.seen_from(0), Vec3f{});
}

TEST(FittedField, SensorsSayWhatIsOutside) {
    // A learned field that knows nothing, and points of a sphere that were seen from its middle, or from all around.
    NoProgress quiet;
    const auto points = sphere_points(1);
    const geom::Sensors inside = one_sensor({0.05, 0, 0}, points.size());
    geom::Sensors around;
    for (std::size_t i = 0; i < points.size(); ++i) {
        around.positions.push_back(static_cast<Vec3d>(points[i]) * 3.0);
        around.of_point.push_back(static_cast<std::uint32_t>(i));
    }
    for (const auto* sensors : {&inside, static_cast<const geom::Sensors*>(&around)}) {
        const std::vector<Vec3f> views = sensors->directions(points);
        const auto field =
            fit_surface(std::make_unique<Blind>(0.0f), points, {.spacing = kSpacing, .views = views}, quiet);
        const float sign = sensors == &inside ? 1.0f : -1.0f;  // of the value outside the sphere
        Rng rng(9);
        for (int i = 0; i < 200; ++i) {
            const Vec3f d = on_sphere(rng, 1);
            EXPECT_GT(sign * value_at(*field, d * 0.504f), 0);
            EXPECT_LT(sign * value_at(*field, d * 0.496f), 0);
        }
    }
}

TEST(FittedField, ViewsFromBothSidesLeaveTheWordToTheLearnedField) {
    NoProgress quiet;
    const auto points = sphere_points(1);
    geom::Sensors sensors;
    for (std::size_t i = 0; i < points.size(); ++i) {  // every other point from inside
        sensors.positions.push_back(static_cast<Vec3d>(points[i]) * (i % 2 ? 0.1 : 1.9));
        sensors.of_point.push_back(static_cast<std::uint32_t>(i));
    }
    const std::vector<Vec3f> views = sensors.directions(points);
    const auto field =
        fit_surface(std::make_unique<RoughSphere>(0.52f), points, {.spacing = kSpacing, .views = views}, quiet);
    Rng rng(10);
    int right = 0;
    for (int i = 0; i < 200; ++i) right += std::abs(radius_along(*field, on_sphere(rng, 1)) - 0.5f) < 0.003f;
    EXPECT_GT(right, 170);
}

/// A square of points at z = 0.5, 1 x 1, a point every centimetre.
std::vector<Vec3f> wall() {
    std::vector<Vec3f> points;
    for (int i = -50; i <= 50; ++i)
        for (int j = -50; j <= 50; ++j)
            points.push_back({0.01f * static_cast<float>(i), 0.01f * static_cast<float>(j), 0.5f});
    return points;
}
constexpr geom::Box3f kCube{{-1, -1, -1}, {1, 1, 1}};

TEST(FreeSpace, IsWhatWasLookedThrough) {
    const auto points = wall();
    const geom::Sensors sensors = one_sensor({0, 0, -0.9}, points.size());
    const FreeSpace space(points, sensors, kCube, 0.05f);
    EXPECT_LT(space.evidence({0, 0, -0.3f}), -0.9f);
    EXPECT_LT(space.evidence({0.1f, 0.1f, 0.2f}), -0.9f);
    EXPECT_GE(space.evidence({0, 0, 0.5f}), 0);         // at the points
    EXPECT_GT(space.evidence({0, 0, 0.6f}), 0.5f);      // behind them
    EXPECT_EQ(space.evidence({0, 0, 0.9f}), 0);         // far behind
    EXPECT_EQ(space.evidence({0.8f, 0, -0.5f}), 0);     // beside the cone of rays
    EXPECT_GT(space.evidence({0, 0, -0.999f}), -0.5f);  // behind the sensor
    for (const float z : {-1.5f, 1.5f, 1e30f, -1e30f}) EXPECT_EQ(space.evidence({0, 0, z}), 0) << z;  // outside the box
    // The cone from the sensor to the square: a third of base times height, in cells, but for its ends; averaging makes
    // it a cell wider.
    const double cone = 1.0 * 1.0 * 1.4 / 3, cells = cone / std::pow(0.05, 3);
    EXPECT_GT(static_cast<double>(space.free_cells()), 0.7 * cells);
    EXPECT_LT(static_cast<double>(space.free_cells()), 2.1 * cells);
    // A sensor outside the box is as good.
    const FreeSpace far(points, one_sensor({0, 0, -5}, points.size()), kCube, 0.05f);
    EXPECT_LT(far.evidence({0, 0, -0.8f}), -0.9f);

    const auto carve = [&](float value, Vec3f at) {
        return value_at(*carve_free_space(std::make_unique<Blind>(value), std::make_shared<FreeSpace>(space)), at);
    };
    EXPECT_LT(carve(2, {0, 0, 0}), -2.5f);
    EXPECT_GT(carve(-2, {0, 0, 0.6f}), 0.5f);
    EXPECT_FLOAT_EQ(carve(2, {0, 0, 0.95f}), 2);
    EXPECT_FLOAT_EQ(carve(-7, {0, 0, 0}), -7);
}

TEST(FreeSpace, PointsByPlacesSayTheSame) {
    Rng rng(31);
    std::vector<Vec3f> points;
    geom::Sensors sensors{.positions = {{0, 0, -5}, {3, 0.2, 0.1}}, .of_point = {}};
    for (int i = 0; i < 600000; ++i) {  // more than are looked at together, and more rays than a cell counts
        points.push_back({static_cast<float>(rng.uniform(-0.9, 0.9)), static_cast<float>(rng.uniform(-0.9, 0.9)),
                          static_cast<float>(0.01 * rng.normal())});
        sensors.of_point.push_back(i % 7 == 0 ? geom::Sensors::kUnknownSensor : static_cast<std::uint32_t>(i % 2));
    }
    const geom::PointTiles tiles(points, 0.02f, {}, sensors.of_point);
    const FreeSpace one(points, sensors, kCube, 0.03f), other(tiles, sensors.positions, kCube, 0.03f);
    for (int i = 0; i < 20000; ++i) {
        const Vec3f p{static_cast<float>(rng.uniform(-1, 1)), static_cast<float>(rng.uniform(-1, 1)),
                      static_cast<float>(rng.uniform(-1, 1))};
        ASSERT_EQ(one.evidence(p), other.evidence(p));
    }
    EXPECT_GT(one.free_cells(), 1000u);
}

TEST(FreeSpace, GrazingRaysDoNotEatTheSurface) {
    // A floor at z = 0 seen from a hand above it: nothing at it or below it is free.
    std::vector<Vec3f> points;
    for (int i = 0; i <= 180; ++i)
        for (int j = -20; j <= 20; ++j)
            points.push_back({-0.9f + 0.01f * static_cast<float>(i), 0.01f * static_cast<float>(j), 0});
    const FreeSpace space(points, one_sensor({-0.9, 0, 0.06}, points.size()), kCube, 0.04f);
    for (const auto& p : points) {
        EXPECT_GE(space.evidence(p), 0);
        EXPECT_GE(space.evidence(p - Vec3f{0, 0, 0.05f}), 0);
    }
    const FreeSpace unknown(points,
                            {{{0, 0, 0.5}}, std::vector<std::uint32_t>(points.size(), geom::Sensors::kUnknownSensor)},
                            kCube, 0.04f);
    EXPECT_EQ(unknown.free_cells(), 0u);
    EXPECT_EQ(unknown.evidence({0.1f, 0, -0.05f}), 0);
}

TEST(FreeSpace, GapsBetweenRaysCloseAndSingleRaysSayLittle) {
    // Points 0.1 apart, rays from far away, cells of 0.025: three of four cells see no ray.
    std::vector<Vec3f> points;
    for (int i = -8; i <= 8; ++i)
        for (int j = -8; j <= 8; ++j)
            points.push_back({0.1f * static_cast<float>(i), 0.1f * static_cast<float>(j), 0.7f});
    const FreeSpace space(points, one_sensor({0, 0, -300}, points.size()), kCube, 0.025f);
    Rng rng(3);
    for (int i = 0; i < 500; ++i) {
        const auto u = [&](double r) { return static_cast<float>(rng.uniform(-r, r)); };
        EXPECT_LT(space.evidence({u(0.7), u(0.7), u(0.5)}), 0);
    }
    const std::vector<Vec3f> one{{0.01f, 0.01f, 0.7f}};
    EXPECT_GT(FreeSpace(one, one_sensor({0, 0, -300}, 1), kCube, 0.025f).evidence({0.01f, 0.01f, 0}), -0.5f);
    // Rays from both sides: what one saw is stronger than what the other guesses.
    auto both = wall();
    const std::size_t n = both.size();
    for (std::size_t i = 0; i < n; ++i) both.push_back(both[i] + Vec3f{0, 0, 0.1f});
    geom::Sensors sensors{{{0, 0, -300}, {0, 0, 300}}, std::vector<std::uint32_t>(n, 0)};
    sensors.of_point.resize(2 * n, 1);
    const FreeSpace thin(both, sensors, kCube, 0.05f);
    EXPECT_LT(thin.evidence({0, 0, 0.3f}), -0.8f);
    EXPECT_LT(thin.evidence({0, 0, 0.8f}), -0.8f);
    EXPECT_GE(thin.evidence({0, 0, 0.55f}), 0);
}

TEST(FittedField, WhereTheLearnedFieldSeesNoSidesItStays) {
    NoProgress quiet;
    const auto points = sphere_points(1);
    const auto field = fit_surface(std::make_unique<Blind>(-3.0f), points, {.spacing = kSpacing}, quiet);
    Rng rng(7);
    for (int i = 0; i < 200; ++i) {
        const Vec3f at[1] = {on_sphere(rng, static_cast<float>(rng.uniform(0.4, 0.6)))};
        float value[1];
        field->values(at, value);
        EXPECT_FLOAT_EQ(value[0], -3.0f);
    }
}

}  // namespace
}  // namespace nir::models
