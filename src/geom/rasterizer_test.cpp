// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/rasterizer.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/base/rng.h"
#include "nir/geom/draw.h"
#include "nir/geom/sampling.h"

#include "support/meshes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace nir::geom {
namespace {

RenderOptions small(int width = 120, int height = 120) {
    RenderOptions o;
    o.width = width, o.height = height, o.lights = 8;
    o.background_top = o.background_bottom = {0, 0, 255};
    o.ground_shadow = false;
    return o;
}

bool is_background(const Image8& image, int x, int y) {
    const auto* p = image.pixel(x, y);
    return p[0] == 0 && p[1] == 0 && p[2] == 255;
}

/// Share of the pixels that are not plain background.
double coverage(const Image8& image) {
    int n = 0;
    for (int y = 0; y < image.height; ++y)
        for (int x = 0; x < image.width; ++x) n += is_background(image, x, y) ? 0 : 1;
    return static_cast<double>(n) / (image.width * image.height);
}

int brightness(const Image8& image, int x, int y) {
    const auto* p = image.pixel(x, y);
    return p[0] + p[1] + p[2];
}

TEST(Rasterizer, SphereCoversTheDiscThatTheCameraSees) {
    ViewCamera camera;
    camera.eye = {0, 0, 3};
    camera.fov_y_rad = 0.5;
    const auto image = render_mesh(testing::make_sphere(0.5, 60), camera, small(200, 200));
    // The silhouette of a sphere of radius r at distance d has the half angle asin(r / d).
    const double radius_px = 100.0 * std::tan(std::asin(0.5 / 3.0)) / std::tan(0.25);
    EXPECT_NEAR(coverage(image), M_PI * radius_px * radius_px / 40000.0, 0.012);
    EXPECT_TRUE(is_background(image, 2, 2));
    EXPECT_FALSE(is_background(image, 100, 100));
    EXPECT_GT(brightness(image, 75, 75), brightness(image, 130, 140));  // the lamp stands to the upper left
}

TEST(Rasterizer, NearFacesHideFarOnesInAnyOrder) {
    auto red = testing::make_box({-1, -1, 0.5}, {1, 1, 0.6}), green = testing::make_box({-1, -1, -0.6}, {1, 1, -0.5});
    red.colors.assign(8, Rgb8{200, 0, 0}), green.colors.assign(8, Rgb8{0, 200, 0});
    ViewCamera camera;
    camera.eye = {0, 0, 4};
    for (const bool red_first : {true, false}) {
        TriMesh both = red_first ? red : green;
        const auto& second = red_first ? green : red;
        testing::append(both, second);
        both.colors.insert(both.colors.end(), second.colors.begin(), second.colors.end());
        const auto image = render_mesh(both, camera, small());
        const auto* p = image.pixel(60, 60);
        EXPECT_GT(p[0], 100);
        EXPECT_LT(p[1], 90);
    }
}

TEST(Rasterizer, FacesSeenFromInsideStandOut) {
    auto mesh = testing::make_sphere(0.5, 20);
    for (auto& f : mesh.faces) std::swap(f[1], f[2]);
    ViewCamera camera;
    camera.eye = {0, 0, 3};
    const auto image = render_mesh(mesh, camera, small());
    const auto* p = image.pixel(60, 60);
    EXPECT_GT(p[0], p[1] + 30);
    EXPECT_GT(p[0], p[2] + 30);
}

TEST(Rasterizer, ShadowFallsOnWhatLiesBehindTheLamp) {
    auto floor = testing::make_box({-2, -2, -0.1}, {2, 2, 0.0});
    const auto ball = testing::make_sphere(0.4, 20, {0, 0, 0.6});
    ViewCamera camera;
    camera.eye = {0, 0, 8}, camera.up = {0, 1, 0};
    auto options = small();
    options.lights = 20;
    const auto bare = render_mesh(floor, camera, options);
    testing::append(floor, ball);
    const auto shaded = render_mesh(floor, camera, options);
    int darker = 0;
    for (int y = 0; y < 120; ++y)
        for (int x = 0; x < 120; ++x) darker += brightness(shaded, x, y) < brightness(bare, x, y) - 40 ? 1 : 0;
    EXPECT_GT(darker, 50);
    options.lights = 0;
    EXPECT_NEAR(brightness(render_mesh(floor, camera, options), 10, 60), brightness(bare, 10, 60), 60);
}

TEST(Rasterizer, GroundShadowDarkensTheBackgroundBelow) {
    auto options = small();
    options.ground_shadow = true;
    const auto mesh = testing::make_sphere(0.5, 30);
    const auto image = render_mesh(mesh, frame_view(bounds(mesh.vertices)), options);
    int darkest = 255;
    for (int x = 0; x < 120; ++x)
        for (int y = 60; y < 120; ++y)
            if (image.pixel(x, y)[0] == 0 && image.pixel(x, y)[1] == 0)
                darkest = std::min<int>(darkest, image.pixel(x, y)[2]);
    EXPECT_LT(darkest, 230);
    EXPECT_TRUE(is_background(image, 60, 2));
}

TEST(Rasterizer, FramedViewShowsEverythingAndFillsThePicture) {
    Rng rng(1);
    for (const Vec3d offset : {Vec3d{}, Vec3d{4.5e6, 5.2e6, 300}}) {
        const auto mesh = testing::make_box(offset - Vec3d{0.5, 0.1, 0.2}, offset + Vec3d{0.5, 0.1, 0.2});
        for (const Vec3d up : {Vec3d{0, 1, 0}, Vec3d{0, 0, 1}}) {
            const auto image = render_mesh(mesh, frame_view(mesh.vertices, 1.5, up), small(180, 120));
            int x0 = 180, x1 = 0, y0 = 120, y1 = 0;
            for (int y = 0; y < 120; ++y)
                for (int x = 0; x < 180; ++x)
                    if (!is_background(image, x, y))
                        x0 = std::min(x0, x), x1 = std::max(x1, x), y0 = std::min(y0, y), y1 = std::max(y1, y);
            EXPECT_GE(std::min({x0, y0, 179 - x1, 119 - y1}), 6);
            EXPECT_TRUE(x1 - x0 > 140 || y1 - y0 > 92) << x1 - x0 << ' ' << y1 - y0;
            EXPECT_NEAR(x0, 179 - x1, 3);
            EXPECT_NEAR(y0, 119 - y1, 3);
        }
    }
    EXPECT_EQ(guess_up(Box3d{{0, 0, 0}, {10, 8, 3}}), (Vec3d{0, 0, 1}));
    EXPECT_EQ(guess_up(Box3d{{0, 0, 0}, {1, 1, 1}}), (Vec3d{0, 1, 0}));
}

TEST(Rasterizer, PointsAreDrawnInTheirColors) {
    PointCloud cloud{{{0, 0, 0}}, {}, {{10, 220, 10}}, {}};
    auto options = small();
    options.point_radius = 0.2;
    ViewCamera camera;
    camera.eye = {0, 0, 3};
    const auto image = render_points(cloud, camera, options);
    EXPECT_GT(image.pixel(58, 58)[1], image.pixel(58, 58)[0] + 60);
    EXPECT_NEAR(coverage(image), M_PI * std::pow(60.0 * 0.2 / 3.0 / std::tan(0.25), 2) / 14400.0, 0.02);
    EXPECT_EQ(coverage(render_points(PointCloud{}, camera, options)), 0.0);
    EXPECT_EQ(coverage(render_mesh(TriMesh{}, camera, options)), 0.0);
}

TEST(Rasterizer, ThreadsDoNotChangeThePicture) {
    const auto mesh = testing::make_torus(0.35, 0.12, 40, 20);
    Rng rng(1);
    const PointCloud scan{sample_surface(mesh, 500, rng).points, {}, {}, {}};
    const int before = threads();
    set_threads(1);
    const auto one = preview(scan, mesh, small());
    set_threads(3);
    const auto many = preview(scan, mesh, small());
    set_threads(before);
    EXPECT_EQ(one.data, many.data);
    EXPECT_EQ(one.width, 240);
    EXPECT_EQ(one.height, 120);
}

TEST(Rasterizer, BadInputIsRefused) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    EXPECT_THROW(render_mesh(TriMesh{{{nan, 0, 0}}, {{0, 0, 0}}, {}, {}, {}}, {}, small()), Error);
    EXPECT_THROW(render_mesh(TriMesh{{{0, 0, 0}}, {{0, 0, 1}}, {}, {}, {}}, {}, small()), Error);
    EXPECT_THROW(render_points(PointCloud{{{0, nan, 0}}, {}, {}, {}}, {}, small()), Error);
    ViewCamera bad;
    bad.eye = bad.target;
    EXPECT_THROW(render_mesh({}, bad, small()), Error);
    EXPECT_THROW(compose_panels({}), Error);
    EXPECT_NO_THROW(preview(PointCloud{}, TriMesh{}, small()));
}

TEST(Draw, LinesTextAndRectanglesStayInside) {
    Image8 image(60, 40, 3, 255);
    draw_line(image, -20, 20, 100, 20, 3, {0, 0, 0});
    EXPECT_EQ(image.pixel(30, 20)[0], 0);
    EXPECT_EQ(image.pixel(30, 30)[0], 255);
    draw_rectangle(image, 50, 30, 100, 100, {255, 0, 0});
    EXPECT_EQ(image.pixel(59, 39)[1], 0);
    EXPECT_NO_THROW(draw_text(image, 40, 39, 30, "wide \xc3\xa9 text", {0, 0, 0}));
    EXPECT_EQ(with_thousands(0), "0");
    EXPECT_EQ(with_thousands(999), "999");
    EXPECT_EQ(with_thousands(41000), "41,000");
    EXPECT_EQ(with_thousands(1234567), "1,234,567");
}

TEST(Draw, EveryPrintableCharacterHasItsOwnShapeWithinItsWidth) {
    std::vector<std::vector<std::uint8_t>> pictures;
    for (char c = 33; c < 127; ++c) {
        Image8 image(60, 60, 3, 255);
        draw_text(image, 10, 40, 24, std::string(1, c), {0, 0, 0});
        const double width = text_width(24, std::string(1, c));
        bool ink = false;
        for (int y = 0; y < 60; ++y)
            for (int x = 0; x < 60; ++x) {
                if (image.pixel(x, y)[0] > 200) continue;
                ink = true;
                EXPECT_TRUE(x >= 5 && x < 10 + width) << c << " at " << x << ", width " << width;
            }
        EXPECT_TRUE(ink) << c;
        const std::string known =
            "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.,:;-+=/%()[]<>_'\"!?#*|~";
        if (known.find(c) == std::string::npos) continue;
        for (const auto& other : pictures) EXPECT_NE(other, image.data) << c;
        pictures.push_back(image.data);
    }
    EXPECT_DOUBLE_EQ(text_width(12, "ab"), text_width(12, "a") + text_width(12, "b"));
}

}  // namespace
}  // namespace nir::geom
