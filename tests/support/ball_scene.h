// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/camera.h"
#include "nir/geom/image.h"
#include "nir/io/png.h"
#include "nir/io/scene.h"

#include <cmath>
#include <filesystem>
#include <optional>
#include <string>

namespace nir::test {

inline constexpr double kBallRadius = 0.6;

/// A ball around 0 whose colour is its normal, seen from `eye`; what is not the ball is transparent.
inline geom::Image8 ball_picture(const geom::Camera& camera, const geom::Pose& pose, double brightness = 1) {
    geom::Image8 out(camera.width, camera.height, 4);
    for (int y = 0; y < camera.height; ++y)
        for (int x = 0; x < camera.width; ++x) {
            const auto ray = geom::ray_through(camera, pose, {x + 0.5, y + 0.5});
            const double b = dot(ray->origin, ray->direction);
            const double root = b * b - squared_norm(ray->origin) + kBallRadius * kBallRadius;
            if (root < 0) continue;
            const geom::Vec3d normal = (ray->origin + ray->direction * (-b - std::sqrt(root))) / kBallRadius;
            std::uint8_t* p = out.pixel(x, y);
            for (int k = 0; k < 3; ++k)
                p[k] = static_cast<std::uint8_t>(std::lround(brightness * (127.5 + 100 * normal[k])));
            p[3] = 255;
        }
    return out;
}

/// Writes photos of the ball from all sides and their transforms_train.json, transforms_test.json into a folder.
inline io::Scene write_ball_scene(const std::filesystem::path& folder, int train = 24, int test = 4, int size = 40) {
    io::Scene scene;
    scene.folder = folder;
    scene.cameras = {geom::pinhole_camera(size, size, 0.6)};
    scene.box = geom::Box3d{{-1, -1, -1}, {1, 1, 1}};
    std::filesystem::create_directories(folder);
    for (int i = 0; i < train + test; ++i) {
        const bool is_test = i >= train;
        const int n = is_test ? test : train, k = is_test ? i - train : i;
        const double z = -0.9 + 1.8 * (k + 0.5) / n, a = 2.4 * k + (is_test ? 1.0 : 0.0), r = std::sqrt(1 - z * z);
        io::SceneView view;
        view.name = (is_test ? "test_" : "train_") + std::to_string(k) + ".png";
        view.image = folder / view.name;
        view.world_from_camera =
            geom::look_at(geom::Vec3d{r * std::cos(a), r * std::sin(a), z} * 4.0, {0, 0, 0}, {0, 0, 1});
        view.split = is_test ? io::Split::test : io::Split::train;
        io::write_png(view.image, ball_picture(scene.cameras[0], view.world_from_camera));
        scene.views.push_back(view);
    }
    io::write_transforms(folder, scene);
    return scene;
}

/// Options of `nir train` that make a field of the ball in a few seconds.
inline std::vector<std::string> small_ball_field() {
    return {"model.features=2",          "model.log2_entries=13",      "model.base_resolution=8",
            "model.hidden=32",           "model.finest_resolution=96", "model.steps_across=160",
            "train.log2_first_batch=12", "train.log2_batch=14",        "train.double_every=50"};
}

}  // namespace nir::test
