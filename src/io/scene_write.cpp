// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/error.h"
#include "nir/base/output_file.h"
#include "nir/io/formats.h"
#include "nir/io/scene.h"

#include "io/binary.h"
#include "io/colmap_model.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace nir::io {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

Json list(geom::Vec3d v) { return {v.x, v.y, v.z}; }

/// How the written file names another: relative to its folder where that is possible.
std::string name_from(const fs::path& folder, const fs::path& file) {
    std::error_code failed;
    const fs::path base = fs::weakly_canonical(folder.empty() ? fs::path(".") : folder, failed);
    const fs::path target = fs::weakly_canonical(file, failed);
    const fs::path relative = target.lexically_relative(base);
    return relative.empty() ? target.generic_string() : relative.generic_string();
}

void put_intrinsics(Json& to, const geom::Camera& c, std::set<std::string>& lost) {
    to["w"] = c.width, to["h"] = c.height;
    to["fl_x"] = c.fx, to["fl_y"] = c.fy, to["cx"] = c.cx, to["cy"] = c.cy;
    const geom::Lens& l = c.lens;
    if (l.model == geom::LensModel::pinhole) return;
    to["camera_model"] = name_of(l.model);
    if (l.model == geom::LensModel::opencv_fisheye) to["is_fisheye"] = true;
    constexpr const char* kNames[4] = {"k1", "k2", "k3", "k4"};
    for (std::size_t i = 0; i < 4; ++i)
        if (i < 2 || l.k[i] != 0 || l.model == geom::LensModel::opencv_fisheye) to[kNames[i]] = l.k[i];
    if (l.model == geom::LensModel::opencv) to["p1"] = l.p1, to["p2"] = l.p2;
    if (l.d != std::array<double, 3>{}) lost.insert("the denominator of the lens (k4 to k6 of FULL_OPENCV)");
}

Json matrix(const geom::Pose& pose) {
    const Matrix4 m = opengl_from_pose(pose);
    Json rows = Json::array();
    for (std::size_t r = 0; r < 4; ++r) rows.push_back({m[4 * r], m[4 * r + 1], m[4 * r + 2], m[4 * r + 3]});
    return rows;
}

Json frame_of(const Scene& scene, const SceneView& v, const fs::path& folder, bool own_intrinsics,
              std::set<std::string>& lost) {
    Json f;
    f["file_path"] = v.image.empty() ? v.name : name_from(folder, v.image);
    for (const ViewMask& mask : v.masks) {
        if (f.contains("mask_path")) {
            lost.insert("second masks of a picture");
            continue;
        }
        f["mask_path"] = name_from(folder, mask.file);
        if (mask.meaning != MaskMeaning::valid) f["mask_meaning"] = name_of(mask.meaning);
    }
    if (!v.depth.empty()) f["depth_file_path"] = name_from(folder, v.depth);
    if (own_intrinsics) put_intrinsics(f, scene.cameras[v.camera], lost);
    f["transform_matrix"] = matrix(v.world_from_camera);
    if (v.near > 0) f["near"] = v.near;
    if (v.far > 0) f["far"] = v.far;
    if (v.time) f["time"] = *v.time;
    if (v.sharpness) f["sharpness"] = *v.sharpness;
    if (v.light) {
        f["light"] = {{"type", "point"}, {"position", list(v.light->position)}, {"color", list(v.light->color)}};
        if (v.light->power) f["light"]["intensity"] = *v.light->power;
        if (v.light->radius > 0) f["light"]["radius"] = v.light->radius;
    }
    return f;
}

void put_scene(Json& json, const Scene& scene) {
    if (scene.aabb_scale) json["aabb_scale"] = *scene.aabb_scale;
    const NgpWorld defaults;
    if (scene.box) json["aabb"] = {list(scene.box->lo), list(scene.box->hi)};
    if (!scene.box && (scene.ngp.scale != defaults.scale || !(scene.ngp.offset == defaults.offset))) {
        json["scale"] = scene.ngp.scale;
        json["offset"] = list(scene.ngp.offset);
    }
    if (scene.depth_unit != 1) json["depth_unit_scale_factor"] = scene.depth_unit;
    if (scene.user_frame) {
        const geom::Frame& f = *scene.user_frame;
        const geom::Vec3d t = f.center_user;
        json["scale_mat"] = {{f.scale, 0, 0, t.x}, {0, f.scale, 0, t.y}, {0, 0, f.scale, t.z}, {0, 0, 0, 1}};
    }
}

void write_text(const fs::path& path, const std::string& text) {
    OutputFile file(path);
    file.stream() << text;
    file.commit();
}

void write_one(const fs::path& path, const Scene& scene, std::optional<Split> split, const std::string& points,
               std::set<std::string>& lost) {
    std::set<std::size_t> cameras;
    for (const SceneView& v : scene.views)
        if (!split || v.split == *split) cameras.insert(v.camera);
    Json json;
    if (cameras.size() == 1) put_intrinsics(json, scene.cameras[*cameras.begin()], lost);
    put_scene(json, scene);
    if (!points.empty()) json["ply_file_path"] = points;
    Json frames = Json::array();
    std::map<Split, Json> names;
    for (const SceneView& v : scene.views) {
        if (split && v.split != *split) continue;
        frames.push_back(frame_of(scene, v, path.parent_path(), cameras.size() != 1, lost));
        names[v.split].push_back(frames.back()["file_path"]);
    }
    // One file for all: nerfstudio's lists keep the splits.
    if (!split && (names.size() > 1 || !names.contains(Split::train)))
        for (const auto& [s, list_of] : names) json[std::string(name_of(s)) + "_filenames"] = list_of;
    json["frames"] = std::move(frames);
    write_text(path, json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

fs::path made_folder(const fs::path& folder) {
    std::error_code failed;
    fs::create_directories(folder, failed);
    if (failed) fail(ErrorKind::io, "{}: cannot make this folder: {}", folder.string(), failed.message());
    return folder;
}

}  // namespace

std::vector<std::string> write_transforms(const fs::path& path, const Scene& scene) {
    std::set<std::string> lost;
    const bool one_file = path.extension() == ".json";
    const fs::path folder = one_file ? path.parent_path() : made_folder(path);
    std::string points;
    if (!scene.points.empty()) {
        points = (one_file ? path.stem().string() + "_points" : std::string("sparse_points")) + ".ply";
        write_geometry(folder / points, scene.points);
    }
    if (one_file) {
        write_one(path, scene, std::nullopt, points, lost);
    } else {
        for (const Split split : {Split::train, Split::val, Split::test})
            if (scene.count(split) > 0)
                write_one(folder / fmt::format("transforms_{}.json", name_of(split)), scene, split, points, lost);
    }
    return {lost.begin(), lost.end()};
}

std::vector<std::string> write_colmap_text(const fs::path& folder, const Scene& scene) {
    made_folder(folder);
    std::set<std::string> lost;
    std::string cameras = "# CAMERA_ID, MODEL, WIDTH, HEIGHT, PARAMS[]\n";
    for (std::size_t i = 0; i < scene.cameras.size(); ++i) {
        const ColmapCamera c = colmap_from_camera(scene.cameras[i]);
        const geom::Lens& l = scene.cameras[i].lens;
        if (l.model == geom::LensModel::opencv && l.k[3] != 0) lost.insert("r^8 of the lens (nerfstudio's k4)");
        cameras += fmt::format("{} {} {} {}", i + 1, c.model, c.width, c.height);
        for (const double p : c.params) cameras += fmt::format(" {}", p);
        cameras += "\n";
    }
    std::string images =
        "# IMAGE_ID, QW, QX, QY, QZ, TX, TY, TZ, CAMERA_ID, NAME\n# POINTS2D[] as (X, Y, POINT3D_ID)\n";
    std::set<std::string> names;
    for (std::size_t i = 0; i < scene.views.size(); ++i) {
        const SceneView& v = scene.views[i];
        const ColmapPose p = colmap_from_pose(v.world_from_camera);
        // COLMAP names pictures from its image folder: the part below images/ or input/, or the scene's folder.
        std::string name = v.image.empty() ? v.name : name_from(scene.folder, v.image);
        for (const char* prefix : {"images/", "input/"})
            if (name.starts_with(prefix)) name = name.substr(std::string_view(prefix).size());
        if (!names.insert(name).second) fail(ErrorKind::input, "two pictures are named {}", name);
        images += fmt::format("{} {} {} {} {} {} {} {} {} {}\n\n", i + 1, p.qvec[0], p.qvec[1], p.qvec[2], p.qvec[3],
                              p.tvec[0], p.tvec[1], p.tvec[2], v.camera + 1, name);
        if (!v.masks.empty()) lost.insert("masks");
        if (v.split != Split::train) lost.insert("splits");
        if (v.near > 0 || v.far > 0) lost.insert("depth ranges");
    }
    std::string points = "# POINT3D_ID, X, Y, Z, R, G, B, ERROR, TRACK[] as (IMAGE_ID, POINT2D_IDX)\n";
    for (std::size_t i = 0; i < scene.points.size(); ++i) {
        const geom::Vec3d& p = scene.points.points[i];
        const geom::Rgb8 c = scene.points.colors.empty() ? geom::Rgb8{128, 128, 128} : scene.points.colors[i];
        points += fmt::format("{} {} {} {} {} {} {} 0\n", i + 1, p.x, p.y, p.z, c.r, c.g, c.b);
    }
    if (scene.box || scene.aabb_scale) lost.insert("the scene's box");
    write_text(folder / "cameras.txt", cameras);
    write_text(folder / "images.txt", images);
    write_text(folder / "points3D.txt", points);
    return {lost.begin(), lost.end()};
}

}  // namespace nir::io
