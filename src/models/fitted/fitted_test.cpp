// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/parallel.h"
#include "nir/base/rng.h"

#include "models/fitted/fitted_field.h"
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

TEST(FittedField, WhereTheLearnedFieldSeesNoSidesItStays) {
    // A learned field that has not seen the surface at all: no side is inside.
    class Outside final : public CascadeField {
    public:
        void values(std::span<const Vec3f> points, std::span<float> out) const override {
            std::fill_n(out.begin(), points.size(), -3.0f);
        }
        geom::Box3f domain() const override { return {{-1, -1, -1}, {1, 1, 1}}; }
        int octaves() const override { return 1; }
        float finest_cell() const override { return 0.08f; }
        std::size_t memory_bytes() const override { return 0; }
    };
    NoProgress quiet;
    const auto points = sphere_points(1);
    const auto field = fit_surface(std::make_unique<Outside>(), points, {.spacing = kSpacing}, quiet);
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
