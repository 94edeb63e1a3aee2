// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/render/bake.h"

#include "nir/base/error.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numbers>

namespace nir::render {
namespace {

using geom::Vec3d;
using Color = std::function<std::array<float, 3>(const Vec3d&)>;

geom::TriMesh ball(double radius, Vec3d center, int n) {
    geom::TriMesh mesh;
    for (int i = 0; i <= n; ++i)
        for (int j = 0; j < 2 * n; ++j) {
            const double a = std::numbers::pi * i / n, b = std::numbers::pi * j / n;
            mesh.vertices.push_back(center +
                                    Vec3d{std::sin(a) * std::cos(b), std::sin(a) * std::sin(b), std::cos(a)} * radius);
        }
    const auto at = [n](int i, int j) { return static_cast<std::uint32_t>(i * 2 * n + j % (2 * n)); };
    for (int i = 0; i < n; ++i)
        for (int j = 0; j < 2 * n; ++j) {
            if (i > 0) mesh.faces.push_back({at(i, j), at(i + 1, j), at(i, j + 1)});
            if (i + 1 < n) mesh.faces.push_back({at(i, j + 1), at(i + 1, j), at(i + 1, j + 1)});
        }
    return mesh;
}

void append(geom::TriMesh& to, const geom::TriMesh& part) {
    const auto first = static_cast<std::uint32_t>(to.vertices.size());
    to.vertices.insert(to.vertices.end(), part.vertices.begin(), part.vertices.end());
    for (const geom::Triangle& t : part.faces) to.faces.push_back({first + t[0], first + t[1], first + t[2]});
}

std::vector<float> colors_of(std::span<const SurfacePoint> points, const Color& color) {
    std::vector<float> out;
    for (const SurfacePoint& p : points)
        for (const float v : color(p.position)) out.push_back(linear_from_srgb(v));
    return out;
}

PosedView photo_of(const Surface& surface, const Color& color, Vec3d eye, int side) {
    PosedView out{geom::pinhole_camera(side, side, 0.7), geom::look_at(eye, {}, {0, 0, 1}), {}, {}};
    const ViewSamples samples = view_samples(surface, out.camera, out.world_from_camera, 3);
    out.rgba = resolve_rgba(samples, colors_of(samples.points, color));
    return out;
}

std::vector<PosedView> ring(const Surface& surface, const Color& color, int n, int side) {
    std::vector<PosedView> out;
    for (int i = 0; i < n; ++i) {
        const double turn = i * 2.399963, z = (i + 0.5) / n * 1.8 - 0.9, r = std::sqrt(1 - z * z);
        out.push_back(photo_of(surface, color, Vec3d{r * std::cos(turn), r * std::sin(turn), z} * 4.0, side));
    }
    return out;
}

std::array<float, 3> waves(const Vec3d& p) {
    const auto wave = [](double v) { return static_cast<float>(0.5 + 0.35 * std::sin(5 * v)); };
    return {wave(p.x), wave(p.y + 0.4), wave(p.z - 0.3)};
}

double rms(std::span<const SurfacePoint> points, const BakedColors& colors, const Color& color) {
    double sum = 0;
    std::size_t n = 0;
    for (std::size_t i = 0; i < points.size(); ++i) {
        if (colors.photos[i] == 0) continue;
        const auto truth = color(points[i].position);
        for (std::size_t k = 0; k < 3; ++k, ++n)
            sum += std::pow(static_cast<double>(colors.rgb[3 * i + k] - truth[k]), 2);
    }
    return std::sqrt(sum / static_cast<double>(n));
}

// Share of the points that are off by a tenth.
double wrong(std::span<const SurfacePoint> points, const BakedColors& colors, const Color& color) {
    double n = 0;
    for (std::size_t i = 0; i < points.size(); ++i) {
        const auto truth = color(points[i].position);
        float off = 0;
        for (std::size_t k = 0; k < 3; ++k) off = std::max(off, std::abs(colors.rgb[3 * i + k] - truth[k]));
        n += off > 0.1f ? 1 : 0;
    }
    return n / static_cast<double>(points.size());
}

std::vector<SurfacePoint> centres(const Surface& surface) {
    std::vector<SurfacePoint> out;
    for (std::size_t f = 0; f < surface.mesh().faces.size(); ++f)
        out.push_back(surface.at(static_cast<std::uint32_t>(f), 1 / 3.f, 1 / 3.f));
    return out;
}

TEST(Surface, RaysMeetTheBallWhereTheyShould) {
    const Surface surface(ball(1, {}, 40));
    const auto hit = surface.cast({0.3, 0.2, 5}, {0, 0, -1});
    ASSERT_TRUE(hit);
    EXPECT_NEAR(hit->position.z, std::sqrt(1 - 0.13), 3e-3);
    EXPECT_NEAR(norm(static_cast<Vec3d>(hit->normal) - hit->position), 0, 0.02);
    EXPECT_LT(norm(surface.at(hit->face, hit->b1, hit->b2).position - hit->position), 1e-6);
    EXPECT_FALSE(surface.cast({1.1, 0, 5}, {0, 0, -1}));
    EXPECT_FALSE(surface.blocked(*hit, {0, 0, 5}));
    EXPECT_TRUE(surface.blocked(*hit, {0, 0, -5}));
}

TEST(Surface, DepthsRunAlongTheAxisAndAlphaIsTheShareOfRays) {
    const Surface surface(ball(1, {}, 40));
    const geom::Camera camera = geom::pinhole_camera(40, 40, 0.7);
    const geom::Pose pose = geom::look_at({0, 0, 4}, {});
    const ViewSamples samples = view_samples(surface, camera, pose, 2);
    const RenderedView view = resolve(samples, std::vector<float>(3 * samples.points.size(), 0.25f), {1, 0, 1});
    for (int y = 0; y < 40; ++y)
        for (int x = 0; x < 40; ++x) {
            const auto p = static_cast<std::size_t>(y * 40 + x);
            if (view.alpha[p] == 1) {
                EXPECT_NEAR(view.rgb[3 * p + 1], srgb_from_linear(0.25f), 1e-5f);
                const auto seen = geom::ray_through(camera, pose, {x + 0.5, y + 0.5});
                const auto hit = surface.cast(seen->origin, seen->direction);
                ASSERT_TRUE(hit);
                EXPECT_NEAR(static_cast<double>(view.depth[p]), 4 - hit->position.z, 0.05);
            }
            if (view.alpha[p] == 0) {
                EXPECT_EQ(view.rgb[3 * p + 1], 0);
            }
        }
}

TEST(Bake, ColoursComeBackAndOutliersDoNot) {
    const Surface surface(ball(1, {}, 30));
    std::vector<PosedView> photos = ring(surface, waves, 24, 64);
    const std::vector<SurfacePoint> points = centres(surface);
    const BakedColors clean = PhotoBaker(surface, photos).bake(points);
    EXPECT_EQ(clean.unseen(), 0u);
    EXPECT_LT(rms(points, clean, waves), 0.02);
    // One photo in five shows something else.
    for (std::size_t i = 0; i < photos.size(); i += 5)
        photos[i] = photo_of(
            surface,
            [](const Vec3d&) {
                return std::array<float, 3>{1, 0, 1};
            },
            photos[i].world_from_camera.position, 64);
    const BakedColors robust = PhotoBaker(surface, photos).bake(points);
    BakeOptions plain;
    plain.outlier = 100;
    const BakedColors mean = PhotoBaker(surface, photos, plain).bake(points);
    // Where most of the photos that see a place are wrong nothing helps.
    EXPECT_LT(wrong(points, robust, waves), 0.12);
    EXPECT_GT(wrong(points, mean, waves), 0.4);
}

TEST(Bake, WhatIsHiddenTakesNoColour) {
    geom::TriMesh both = ball(1, {}, 24);
    append(both, ball(0.4, {0, 0, 2}, 24));  // between the camera above and the large ball
    const Surface surface(both);
    const Color color = [](const Vec3d& p) {
        return p.z > 1.3 ? std::array<float, 3>{1, 0, 0} : std::array<float, 3>{0, 0, 1};
    };
    const PhotoBaker baker(surface, {photo_of(surface, color, {0, 0, 6}, 128)});
    const std::vector<SurfacePoint> points = centres(surface);
    const BakedColors colors = baker.bake(points);
    std::size_t seen = 0;
    for (std::size_t i = 0; i < points.size(); ++i) {
        if (colors.photos[i] == 0) continue;
        ++seen;
        EXPECT_LT(std::abs(colors.rgb[3 * i] - color(points[i].position)[0]), 0.5f) << i;
        EXPECT_GT(points[i].position.z, -0.1);
        if (points[i].position.z < 1.3) {
            EXPECT_GT(std::hypot(points[i].position.x, points[i].position.y), 0.3) << "in the shadow";
        }
    }
    EXPECT_GT(seen, points.size() / 8);
    EXPECT_LT(seen, points.size() / 2);
}

TEST(Bake, GainsOfPhotosAreFound) {
    const Surface surface(ball(1, {}, 24));
    std::vector<PosedView> photos = ring(surface, waves, 12, 80);
    for (std::size_t i = 0; i < photos.size(); ++i)
        for (std::size_t p = 0; p < photos[i].rgba.data.size(); ++p)
            if (p % 4 < 3)
                photos[i].rgba.data[p] = static_cast<std::uint8_t>(photos[i].rgba.data[p] * (i % 2 == 0 ? 0.8 : 1.0));
    BakeOptions options;
    options.exposure = true;
    const PhotoBaker baker(surface, photos, options);
    for (std::size_t i = 0; i < photos.size(); ++i)
        for (const float g : baker.gains()[i]) EXPECT_NEAR(g, i % 2 == 0 ? 0.8 / 0.9 : 1 / 0.9, 0.025) << i;
}

TEST(Bake, TheTextureOnTheMeshShowsWhatPhotosShow) {
    const Surface surface(ball(1, {}, 24));
    const PhotoBaker baker(surface, ring(surface, waves, 16, 64));
    const PosedView held_out = photo_of(surface, waves, {2, -3, 1.5}, 64);
    double last = 0;
    for (const int rounds : {0, 4}) {
        const TextureBake baked = bake_texture(baker, surface, {.side = 128}, rounds);
        EXPECT_EQ(baked.unseen, 0u);
        const Surface textured(baked.mesh.mesh);
        const ViewSamples samples = view_samples(textured, held_out.camera, held_out.world_from_camera, 3);
        const RenderedView drawn = resolve(samples, texture_colors(baked.mesh, samples.points), {1, 1, 1});
        const double db = psnr(drawn.rgb, on_background(held_out, {1, 1, 1}));
        EXPECT_GT(db, rounds == 0 ? 28 : 34);
        EXPECT_GT(db, last);
        last = db;
    }
}

TEST(Bake, UnseenPointsTakeTheNearestColoursAndAllUnseenIsAnError) {
    const Surface surface(ball(1, {}, 24));
    const Color red = [](const Vec3d&) { return std::array<float, 3>{0.8f, 0.2f, 0.1f}; };
    const PhotoBaker baker(surface, {photo_of(surface, red, {0, 0, 4}, 64)});
    const std::vector<SurfacePoint> points = centres(surface);
    BakedColors colors = baker.bake(points);
    EXPECT_GT(fill_unseen(points, colors), points.size() / 3);
    for (std::size_t i = 0; i < points.size(); ++i) EXPECT_NEAR(colors.rgb[3 * i], 0.8f, 0.02f);
    BakedColors nothing{std::vector<float>(3 * points.size()), std::vector<std::uint16_t>(points.size())};
    EXPECT_THROW(fill_unseen(points, nothing), Error);
    EXPECT_THROW(PhotoBaker(surface, {}), Error);
}

}  // namespace
}  // namespace nir::render
