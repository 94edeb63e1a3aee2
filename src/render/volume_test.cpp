// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/render/volume.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace nir::render {
namespace {

using geom::Vec3d;

geom::VoxelGrid grid_of(int n, double side, auto&& value) {
    geom::VoxelGrid g;
    g.size = {n, n, n};
    g.spacing = Vec3d{1, 1, 1} * (side / n);
    g.origin = Vec3d{1, 1, 1} * (-0.5 * side + 0.5 * side / n);
    g.values.resize(static_cast<std::size_t>(n) * static_cast<std::size_t>(n) * static_cast<std::size_t>(n));
    for (int i = 0; i < n; ++i)
        for (int j = 0; j < n; ++j)
            for (int k = 0; k < n; ++k)
                g.values[g.index(i, j, k)] = static_cast<float>(
                    value(g.origin +
                          Vec3d{static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)} * g.spacing.x));
    return g;
}

TEST(Volume, ConstantSlabHasTheTransmittanceOfBeerAndLambert) {
    const int n = 20;
    const double side = 2.0, opacity = 0.03;
    const auto grid = grid_of(n, side, [](Vec3d) { return 1.0; });
    const TransferFunction look{{{0, 0.2, 0.4, 0.6, opacity}, {2, 0.2, 0.4, 0.6, opacity}}};
    VolumeOptions options;
    options.shade = false, options.stop = 0;
    // Up to 400 steps, each rounded in float.
    const double tau = -std::log1p(-opacity) / (side / n);
    for (const double step : {0.1, 0.5, 1.7}) {
        options.step = step;
        const VolumeRenderer volume(grid, look, options);
        const geom::Camera camera = geom::pinhole_camera(64, 48, 0.8);
        const geom::Pose pose = geom::look_at({0.3, 0.4, 3}, {0.1, 0, 0});
        const VolumeView view = volume.render(camera, pose);
        for (int y = 0; y < 48; y += 5)
            for (int x = 0; x < 64; x += 5) {
                const geom::Ray ray = *geom::ray_through(camera, pose, {x + 0.5, y + 0.5});
                double near = 0, far = 1e9;
                for (int a = 0; a < 3; ++a) {
                    const double t0 = (-1 - ray.origin[a]) / ray.direction[a],
                                 t1 = (1 - ray.origin[a]) / ray.direction[a];
                    near = std::max(near, std::min(t0, t1)), far = std::min(far, std::max(t0, t1));
                }
                const double length = std::max(0.0, far - near), want = 1 - std::exp(-tau * length);
                const float* got = view.rgba.data() + 4 * (y * 64 + x);
                EXPECT_NEAR(static_cast<double>(got[3]), want, 2e-5);
                EXPECT_NEAR(static_cast<double>(got[1]), 0.4 * want, 2e-5);
                if (length > 0) {
                    // Mean depth of an exponential: 1 / tau - L e^{-tau L} / (1 - e^{-tau L}) behind the entry.
                    const double mean = 1 / tau - length * std::exp(-tau * length) / want;
                    EXPECT_NEAR(static_cast<double>(view.depth[static_cast<std::size_t>(y * 64 + x)]),
                                (near + mean) * ray.depth_per_length, step == 1.7 ? 2e-2 : 1e-3);
                }
            }
    }
}

TEST(Volume, SphereHasTheSilhouetteOfASphere) {
    const double radius = 0.6;
    const auto grid = grid_of(64, 2.0, [&](Vec3d p) { return radius - norm(p); });
    const TransferFunction look{{{-1e-3, 1, 1, 1, 0}, {1e-3, 1, 1, 1, 0.999}}};
    VolumeOptions options;
    options.step = 0.25;
    const geom::Camera camera = geom::pinhole_camera(128, 128, 0.7);
    const geom::Pose pose = geom::look_at({1, 2, 3}, {});
    const VolumeRenderer volume(grid, look, options);
    const VolumeView view = volume.render(camera, pose);
    const double distance = norm(pose.position), limb = std::asin(radius / distance);
    int inside = 0, outside = 0;
    for (int y = 0; y < 128; ++y)
        for (int x = 0; x < 128; ++x) {
            const geom::Ray ray = *geom::ray_through(camera, pose, {x + 0.5, y + 0.5});
            const double angle = std::acos(dot(ray.direction, -normalized(pose.position)));
            const auto at = static_cast<std::size_t>(y * 128 + x);
            const double alpha = static_cast<double>(view.rgba[4 * at + 3]);
            if (angle > limb * 1.01) {
                EXPECT_EQ(alpha, 0.0) << x << " " << y;
                ++outside;
            }
            if (angle < limb * 0.99) {
                EXPECT_EQ(alpha, 1.0) << "rays that are cut off are made opaque";
                ++inside;
                const double b = dot(pose.position, ray.direction);
                const double hit = -b - std::sqrt(b * b - distance * distance + radius * radius);
                if (angle < limb * 0.9) {
                    EXPECT_NEAR(static_cast<double>(view.depth[at]), hit * ray.depth_per_length, 0.02);
                }
            }
        }
    EXPECT_GT(inside, 1000);
    EXPECT_GT(outside, 1000);
}

TEST(Volume, ThreadsSkippingAndTerminationChangeNothingThatIsSeen) {
    const auto grid = grid_of(48, 2.0, [](Vec3d p) { return std::exp(-8 * std::pow(norm(p) - 0.6, 2)) * (p.x > 0.2); });
    const auto look = TransferFunction::preset("tissue", 0, 1);
    const geom::Camera camera = geom::pinhole_camera(70, 50, 0.7);
    const geom::Pose pose = orbit({{-1, -1, -1}, {1, 1, 1}}, camera, 1)[0];
    VolumeOptions options;
    const int before = threads();
    set_threads(1);
    const VolumeView one = VolumeRenderer(grid, look, options).render(camera, pose);
    set_threads(3);
    const VolumeView three = VolumeRenderer(grid, look, options).render(camera, pose);
    set_threads(before);
    EXPECT_EQ(one.rgba, three.rgba);
    options.skip_empty = false;
    EXPECT_EQ(one.rgba, VolumeRenderer(grid, look, options).render(camera, pose).rgba);
    options.stop = 0;
    const VolumeView whole = VolumeRenderer(grid, look, options).render(camera, pose);
    for (std::size_t i = 0; i < whole.rgba.size(); ++i) EXPECT_NEAR(one.rgba[i], whole.rgba[i], 2e-3);
}

TEST(Volume, ColoursDoNotBleedFromEmptyCells) {
    // Straight red beside empty cells of green: interpolated premultiplied, no green shows.
    RgbaGrid grid;
    grid.size = {8, 8, 8};
    grid.origin = {-3.5, -3.5, -3.5};
    for (int x = 0; x < 8; ++x)
        for (int i = 0; i < 64; ++i)
            for (const float v : x < 4 ? std::array{1.f, 0.f, 0.f, 0.5f} : std::array{0.f, 1.f, 0.f, 0.f})
                grid.values.push_back(v);
    VolumeOptions options;
    options.shade = false, options.stop = 0;
    const geom::Camera camera = geom::pinhole_camera(32, 32, 0.6);
    const geom::Pose pose = geom::look_at({0, 0, 20}, {});
    const VolumeView view = VolumeRenderer(grid, options).render(camera, pose);
    double red = 0, green = 0;
    for (std::size_t i = 0; i < view.depth.size(); ++i)
        red += static_cast<double>(view.rgba[4 * i]), green += static_cast<double>(view.rgba[4 * i + 1]);
    EXPECT_GT(red, 50);
    EXPECT_EQ(green, 0);
    // Through 8 cells of opacity 0.5: 1 - 0.5^8.
    const geom::Pose side = geom::look_at({-2, 0, 20}, {-2, 0, 0});
    const VolumeView centre = VolumeRenderer(grid, options).render(geom::pinhole_camera(1, 1, 0.001), side);
    EXPECT_NEAR(static_cast<double>(centre.rgba[3]), 1 - std::pow(0.5, 8), 1e-5);
}

TEST(Volume, OrbitKeepsTheBoxInThePicture) {
    const geom::Box3d box{{1, 2, 3}, {4, 4, 4}};
    const geom::Camera camera = geom::pinhole_camera(160, 90, 0.9);
    double nearest = 1e9;
    for (const Vec3d up : {Vec3d{0, 1, 0}, Vec3d{0, 0, 1}})
        for (const geom::Pose& pose : orbit(box, camera, 7, up)) {
            EXPECT_GT(dot(pose.up, up), 0.5);
            for (int k = 0; k < 8; ++k) {
                const Vec3d p{k & 1 ? 4.0 : 1.0, k & 2 ? 4.0 : 2.0, k & 4 ? 4.0 : 3.0};
                const auto at = geom::project(camera, pose, p);
                ASSERT_TRUE(at);
                EXPECT_TRUE(at->at.x > 0 && at->at.x < 160 && at->at.y > 0 && at->at.y < 90);
                nearest = std::min({nearest, at->at.x, 160 - at->at.x, at->at.y, 90 - at->at.y});
            }
        }
    EXPECT_LT(nearest, 3) << "the picture is used";
}

TEST(Volume, TransferFunctionsAreReadAndRefused) {
    const auto t = TransferFunction::parse("# value r g b opacity\n0 0 0 0 0\n\n0.5, 1, 0.5, 0, 0.2 # comment\n");
    ASSERT_EQ(t.points.size(), 2u);
    EXPECT_EQ(t.points[1].g, 0.5);
    for (const char* bad : {"", "0 1 1 1", "0 1 1 1 2", "1 0 0 0 0\n0 0 0 0 0", "a b c d e"})
        EXPECT_THROW((void)TransferFunction::parse(bad), Error) << bad;
    EXPECT_THROW((void)TransferFunction::preset("nothing", 0, 1), Error);
    geom::VoxelGrid grid = grid_of(2, 1.0, [](Vec3d) { return 1.0; });
    grid.values[3] = std::nanf("");
    EXPECT_THROW(VolumeRenderer(grid, t), Error);
}

TEST(Volume, RangesLeaveTailsOutButNotSmallObjects) {
    EXPECT_EQ(value_range(grid_of(20, 2.0, [](Vec3d p) { return norm(p) < 0.1 ? 1.0 : 0.0; })), std::pair(0.0, 1.0));
    geom::VoxelGrid noisy = grid_of(30, 2.0, [](Vec3d p) { return p.x; });
    noisy.values[7] = 50;
    noisy.values[8] = -50;
    // An outlier widens the whole range so much that the bulk is less than half of it; the bulk is then not taken.
    EXPECT_EQ(value_range(noisy), std::pair(-50.0, 50.0));
}

}  // namespace
}  // namespace nir::render
