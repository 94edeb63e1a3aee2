// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/base/rng.h"
#include "nir/io/array.h"
#include "nir/render/light_field.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <numbers>

namespace nir::render {
namespace {

using geom::Vec3d;
using geom::Vec3f;

geom::TriMesh ball(double radius, Vec3d center, int n) {
    geom::TriMesh mesh;
    for (int i = 0; i <= n; ++i)
        for (int j = 0; j < 2 * n; ++j) {
            const double a = std::numbers::pi * i / n, b = std::numbers::pi * j / n;
            const Vec3d d{std::sin(a) * std::cos(b), std::sin(a) * std::sin(b), std::cos(a)};
            mesh.vertices.push_back(center + d * radius), mesh.normals.push_back(static_cast<Vec3f>(d));
        }
    const auto at = [n](int i, int j) { return static_cast<std::uint32_t>(i * 2 * n + j % (2 * n)); };
    for (int i = 0; i < n; ++i)
        for (int j = 0; j < 2 * n; ++j) {
            if (i > 0) mesh.faces.push_back({at(i, j), at(i + 1, j), at(i, j + 1)});
            if (i + 1 < n) mesh.faces.push_back({at(i, j + 1), at(i + 1, j), at(i + 1, j + 1)});
        }
    return mesh;
}

// A small ball before a large one: its shadow falls on it.
geom::TriMesh two_balls() {
    geom::TriMesh mesh = ball(1, {}, 24);
    const geom::TriMesh small = ball(0.3, {0, 0, 1.6}, 16);
    const auto first = static_cast<std::uint32_t>(mesh.vertices.size());
    mesh.vertices.insert(mesh.vertices.end(), small.vertices.begin(), small.vertices.end());
    mesh.normals.insert(mesh.normals.end(), small.normals.begin(), small.normals.end());
    for (const geom::Triangle& t : small.faces) mesh.faces.push_back({first + t[0], first + t[1], first + t[2]});
    return mesh;
}

TEST(Lighting, RoughWhiteReflectsAllThatComes) {
    // Lambert without a mirror part: the closed form.
    Material m;
    m.base = {1, 0.5f, 0}, m.specular = 0;
    const Vec3f n{0, 0, 1}, v = normalized(Vec3f{0.1f, 0.2f, 1}), l = normalized(Vec3f{0.5f, 0, 1});
    const auto out = reflected(m, n, v, l);
    const double graze = std::pow(1 - static_cast<double>(dot(v, normalized(v + l))), 5);
    EXPECT_NEAR(static_cast<double>(out[0]), (1 - graze) * static_cast<double>(l.z) / std::numbers::pi, 0.01);
    EXPECT_EQ(reflected(m, n, v, {0, 0.6f, -0.8f})[0], 0);
    EXPECT_EQ(reflected(m, n, {0, 0.6f, -0.8f}, l)[0], 0);
}

TEST(Lighting, MirrorPartIsReciprocalAndLosesNoMoreThanItGets) {
    Rng rng(2);
    const Vec3f n{0, 0, 1};
    const auto direction = [&] {
        const double z = rng.uniform(0.05, 1), a = rng.uniform(0, 2 * std::numbers::pi), r = std::sqrt(1 - z * z);
        return static_cast<Vec3f>(Vec3d{r * std::cos(a), r * std::sin(a), z});
    };
    for (const float roughness : {0.2f, 0.5f, 1.0f}) {
        Material m;
        m.base = {1, 1, 1}, m.metallic = 1, m.roughness = roughness;
        const Vec3f v = direction();
        const auto nv = static_cast<double>(v.z);
        double sum = 0;
        constexpr int kDraws = 200000;
        for (int i = 0; i < kDraws; ++i) {
            const double z = rng.uniform(), a = rng.uniform(0, 2 * std::numbers::pi), r = std::sqrt(1 - z * z);
            const Vec3f l = static_cast<Vec3f>(Vec3d{r * std::cos(a), r * std::sin(a), z});
            sum += static_cast<double>(reflected(m, n, v, l)[0]) * 2 * std::numbers::pi / kDraws;
        }
        EXPECT_LT(sum, 1.05) << roughness;
        if (roughness < 0.3f) {
            EXPECT_GT(sum, 0.85);
        }
        if (roughness == 1) {  // the integral in closed form
            EXPECT_NEAR(sum, 1 - nv * std::log((1 + nv) / nv), 0.01);
        }
        for (int i = 0; i < 50; ++i) {
            const Vec3f a = direction(), b = direction();
            const double ab = static_cast<double>(reflected(m, n, a, b)[1] / b.z),
                         ba = static_cast<double>(reflected(m, n, b, a)[1] / a.z);
            EXPECT_NEAR(ab, ba, 1e-4 * std::max(1.0, ab));
        }
    }
}

TEST(Lighting, ShadowsLieWhereTheyMustAndSoftenWithTheLamp) {
    const Surface surface(two_balls());
    LightSource lamp;
    lamp.position = {0, 0, 6};
    const auto at = [&](double x) {
        const double z = std::sqrt(1 - x * x);
        SurfacePoint p = *surface.cast({x, 0, 1.25}, normalized(Vec3d{0, 0, -1}));
        EXPECT_NEAR(p.position.z, z, 0.01);
        return p;
    };
    EXPECT_EQ(visible_share(surface, at(0.1), lamp, 8, 1), 0);
    EXPECT_EQ(visible_share(surface, at(0.7), lamp, 8, 1), 1);
    lamp.radius = 1.5;
    const float half = visible_share(surface, at(0.33), lamp, 256, 1);
    EXPECT_GT(half, 0.2f);
    EXPECT_LT(half, 0.8f);
    // Twice as far, a quarter of the light; a distant lamp has no distance.
    lamp.radius = 0;
    EXPECT_DOUBLE_EQ(lamp.falloff_at({0, 0, 4}) / lamp.falloff_at({0, 0, 2}), 4);
    lamp.distant = true;
    EXPECT_EQ(lamp.falloff_at({0, 0, 4}), 1);
}

Material glossy() {
    Material m;
    m.base = {0.7f, 0.4f, 0.2f}, m.roughness = 0.35f;
    return m;
}

// Photos of the balls, drawn with the formulas of the shading.
LitView lit_photo(const Surface& surface, Vec3d eye, const LightSource& lamp, int side) {
    LitView out{{geom::pinhole_camera(side, side, 0.75), geom::look_at(eye, {0, 0, 0.4}, {0, 1, 0.1}), {}, {}}, lamp};
    const ViewSamples samples = view_samples(surface, out.view.camera, out.view.world_from_camera, 2);
    LightSource strong = lamp;
    for (float& c : strong.color) c *= 24;  // about 1 at distance 3
    LitOptions how;
    how.ambient = 0.05f;
    out.view.rgba = resolve_rgba(samples, lit_colors(surface, samples.points, eye, {&strong, 1}, glossy(), {}, how));
    return out;
}

std::vector<LitView> photos(const Surface& surface, int n, int side, double turn) {
    std::vector<LitView> out;
    for (int i = 0; i < n; ++i) {
        const double a = i * 2.399963 + turn, b = i * 1.17 + turn;
        LightSource lamp;
        lamp.position = normalized(Vec3d{std::cos(b), std::sin(b), 0.5 + 0.5 * std::sin(2.1 * b)}) * 4.0;
        out.push_back(
            lit_photo(surface, normalized(Vec3d{std::cos(a), std::sin(a), std::sin(1.7 * a)}) * 4.5, lamp, side));
    }
    return out;
}

LightFieldConfig small_field(bool traced) {
    LightFieldConfig c;
    c.grid = {4, 4, 12, 4, 24};
    c.hidden = 32, c.traced_shadows = traced, c.shadow_rays = 1;
    return c;
}

LightField field_on(const Surface& surface, bool traced) {
    LightField field(small_field(traced), frame_of(geom::bounds(surface.mesh().vertices)), 1);
    field.reference_distance = 4;
    return field;
}

TEST(LightField, GradientsAreThoseOfDifferences) {
    const Surface surface(two_balls());
    for (const bool traced : {true, false}) {
        LightField field = field_on(surface, traced);
        LightTrainer trainer(field, surface, photos(surface, 2, 16, 0), {});
        const std::size_t n = trainer.samples();
        const std::vector<float> gradient = trainer.gradient_of(n, nullptr);
        ASSERT_EQ(gradient.size(), field.parameters());
        const auto loss = [&] {
            double out = 0;
            field.pack_networks();
            trainer.gradient_of(n, &out);
            return out;
        };
        Rng rng(4);
        double difference = 0, size = 0;
        for (int i = 0; i < 60; ++i) {
            std::vector<float>& weights = i % 2 == 0 ? field.trunk_weights : field.head_weights;
            const std::size_t at = rng.below(weights.size()),
                              in_all = i % 2 == 0 ? at : field.trunk_weights.size() + at;
            const float before = weights[at], eps = 1e-3f;
            weights[at] = before + eps;
            const double above = loss();
            weights[at] = before - eps;
            const double slope = (above - loss()) / (2 * static_cast<double>(eps));
            weights[at] = before;
            difference += std::pow(slope - static_cast<double>(gradient[in_all]), 2), size += slope * slope;
        }
        // Absolute values have kinks: a few samples cross theirs within the step.
        EXPECT_LT(std::sqrt(difference / size), 0.05) << traced;
    }
}

TEST(LightField, LinearInColourAndAdditiveOverLamps) {
    const Surface surface(two_balls());
    const LightField field = field_on(surface, true);
    std::vector<SurfacePoint> points;
    for (std::uint32_t f = 0; f < surface.mesh().faces.size(); f += 7) points.push_back(surface.at(f, 0.3f, 0.3f));
    LightSource a, b;
    a.position = {2, 1, 3}, b.position = {-3, 0, 1}, b.distant = true;
    const Vec3d eye{0, -4, 2};
    const auto dark = field.colors(surface, points, eye, {}), with_a = field.colors(surface, points, eye, {&a, 1}),
               with_b = field.colors(surface, points, eye, {&b, 1});
    a.color = {2, 0.5f, 0};
    const LightSource both[] = {a, b};
    const auto together = field.colors(surface, points, eye, both);
    for (std::size_t i = 0; i < together.size(); ++i)
        EXPECT_NEAR(together[i], dark[i] + a.color[i % 3] * (with_a[i] - dark[i]) + (with_b[i] - dark[i]), 1e-4f);
}

TEST(LightField, LearnsShadingAndDrawsItUnderAnotherLamp) {
    const Surface surface(two_balls());
    LightField field = field_on(surface, true);
    LightTrainerOptions how;
    how.batch = 2048;
    LightTrainer trainer(field, surface, photos(surface, 30, 40, 0), how);
    double trained = 0;
    for (int i = 0; i < 300; ++i) trained = trainer.step(i / 300.0).mse;
    EXPECT_LT(trained, 1e-3);
    double db = 0;
    const std::vector<LitView> held_out = photos(surface, 4, 40, 0.77);
    for (const LitView& v : held_out) {
        const ViewSamples samples = view_samples(surface, v.view.camera, v.view.world_from_camera, 2);
        const auto colors = field.colors(surface, samples.points, v.view.world_from_camera.position, {&v.lamp, 1});
        db += psnr(resolve(samples, colors, {1, 1, 1}).rgb, on_background(v.view, {1, 1, 1})) / 4;
    }
    EXPECT_GT(db, 30);
}

TEST(LightField, SameBitsForAnyThreadsAndAfterRestoring) {
    const Surface surface(two_balls());
    const auto views = photos(surface, 3, 24, 0);
    LightTrainerOptions how;
    how.batch = 512;
    const int before = threads();
    const auto trained = [&](int n_threads, bool restored) {
        set_threads(n_threads);
        LightField field = field_on(surface, true);
        auto trainer = std::make_unique<LightTrainer>(field, surface, views, how);
        for (int i = 0; i < 5; ++i) trainer->step(0);
        if (restored) {
            io::TensorFile state;
            trainer->save(state);
            field = field_on(surface, true);
            trainer = std::make_unique<LightTrainer>(field, surface, views, how);
            trainer->restore(state);
        }
        for (int i = 0; i < 5; ++i) trainer->step(0.5);
        return std::pair(field.table, field.head_weights);
    };
    const auto one = trained(1, false);
    EXPECT_EQ(one, trained(2, false));
    EXPECT_EQ(one, trained(1, true));
    set_threads(before);
}

TEST(LightField, FilesHoldAllAndDamagedOnesAreRefused) {
    const Surface surface(two_balls());
    const auto views = photos(surface, 1, 16, 0);
    const LightModel model{field_on(surface, false),
                           surface.mesh(),
                           {{1, 2, 3}},
                           views[0].view.camera,
                           views[0].view.world_from_camera,
                           4.5,
                           {{"info.step", "7"}}};
    const auto path = std::filesystem::temp_directory_path() / "nir_light_field_test.safetensors";
    save_light_field(path, model);
    const LightModel back = load_light_field(path);
    EXPECT_EQ(back.field.table, model.field.table);
    EXPECT_EQ(back.field.head_weights, model.field.head_weights);
    EXPECT_EQ(back.field.config.traced_shadows, false);
    EXPECT_EQ(back.field.reference_distance, 4);
    EXPECT_EQ(back.mesh.faces, model.mesh.faces);
    EXPECT_EQ(back.lamps, model.lamps);
    EXPECT_EQ(back.first, model.first);
    EXPECT_EQ(back.info, model.info);
    std::filesystem::resize_file(path, std::filesystem::file_size(path) - 8);
    EXPECT_THROW(load_light_field(path), Error);
    std::filesystem::remove(path);
}

TEST(LightField, OddSizesAreRefused) {
    LightFieldConfig c = small_field(true);
    c.hidden = 20;
    EXPECT_THROW(LightField(c, {}), Error);
    c = small_field(true), c.grid.levels = 3;
    EXPECT_THROW(LightField(c, {}), Error);
}

}  // namespace
}  // namespace nir::render
