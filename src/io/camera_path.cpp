// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/camera_path.h"

#include "nir/base/error.h"
#include "nir/io/camera_frames.h"
#include "nir/io/file_bytes.h"
#include "nir/io/scene.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace nir::io {
namespace {

using Json = nlohmann::json;
using Quaternion = std::array<double, 4>;

constexpr std::size_t kMostKeys = 1'000'000;

double number(const Json& object, const char* key, const std::string& place, double otherwise) {
    if (!object.contains(key)) return otherwise;
    const Json& j = object[key];
    if (!j.is_number() || !std::isfinite(j.get<double>()))
        fail(ErrorKind::format, "{}{} is no finite number", place, key);
    return j.get<double>();
}

void flatten(const Json& j, std::vector<double>& out, int depth) {
    if (j.is_number()) out.push_back(j.get<double>());
    if (j.is_array() && depth < 3)
        for (const Json& e : j) flatten(e, out, depth + 1);
}
std::vector<double> numbers(const Json& object, const char* key, const std::string& place,
                            std::initializer_list<std::size_t> counts) {
    std::vector<double> out;
    if (!object.contains(key)) fail(ErrorKind::format, "{}{} is missing", place, key);
    flatten(object[key], out, 0);
    // Curves through larger ones are not finite.
    const bool finite = std::all_of(out.begin(), out.end(), [](double v) { return std::abs(v) <= 1e15; });
    if (!finite || std::find(counts.begin(), counts.end(), out.size()) == counts.end())
        fail(ErrorKind::format, "{}{} is no list of {} numbers up to 1e15", place, key, *counts.begin());
    return out;
}
geom::Vec3d vector(const Json& object, const char* key, const std::string& place) {
    const auto v = numbers(object, key, place, {3});
    return {v[0], v[1], v[2]};
}
int pixels(const Json& object, const char* key) {
    const double n = number(object, key, "", 0);
    if (!(n >= 1 && n <= 16384) || n != std::floor(n))
        fail(ErrorKind::format, "{} = {} is no size of 1 to 16384 pixels", key, n);
    return static_cast<int>(n);
}
double radians(double degrees, const std::string& place) {
    if (!(degrees > 0.1 && degrees < 175))
        fail(ErrorKind::format, "{}fov = {} is not 0.1 to 175 degrees", place, degrees);
    return degrees * std::numbers::pi / 180;
}

const Json& list_of(const Json& object, const char* key) {
    const Json& list = object[key];
    if (!list.is_array() || list.empty() || list.size() > kMostKeys)
        fail(ErrorKind::format, "{} is no list of key frames", key);
    return list;
}

PathKey own_key(const Json& j, const std::string& place) {
    if (!j.is_object()) fail(ErrorKind::format, "{} is no object", place.substr(0, place.size() - 1));
    PathKey out;
    if (j.contains("eye")) {
        const geom::Vec3d eye = vector(j, "eye", place), target = vector(j, "look_at", place);
        if (!(norm(eye - target) > 0)) fail(ErrorKind::format, "{}eye and look_at are the same point", place);
        out.world_from_camera =
            geom::look_at(eye, target, j.contains("up") ? vector(j, "up", place) : geom::Vec3d{0, 0, 1});
    } else {
        out.world_from_camera = with_context(place + "transform_matrix", [&] {
            return pose_from_opengl(numbers(j, "transform_matrix", place, {16, 12}));
        });
    }
    if (j.contains("fov")) out.fov_rad = radians(number(j, "fov", place, 0), place);
    return out;
}

CameraPath own_path(const Json& root) {
    CameraPath out;
    const Json& keys = list_of(root, "keyframes");
    if (root.contains("width")) out.width = pixels(root, "width");
    if (root.contains("height")) out.height = pixels(root, "height");
    out.fps = number(root, "fps", "", 30);
    out.loop = root.value("loop", false);
    out.seconds = number(root, "seconds", "", static_cast<double>(keys.size() - (out.loop ? 0 : 1)));
    if (!(out.fps > 0 && out.fps <= 1000) || !(out.seconds >= 0 && out.seconds <= 86400))
        fail(ErrorKind::format, "fps = {} or seconds = {} is out of range", out.fps, out.seconds);
    const double spacing =
        keys.size() > 1 || out.loop ? out.seconds / static_cast<double>(keys.size() - (out.loop ? 0 : 1)) : 0;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const std::string place = fmt::format("keyframes[{}].", i);
        out.keys.push_back(own_key(keys[i], place));
        out.keys[i].time = number(keys[i], "time", place, spacing * static_cast<double>(i));
        if (i > 0 && !(out.keys[i].time > out.keys[i - 1].time))
            fail(ErrorKind::format, "{}time = {} does not come after {}", place, out.keys[i].time,
                 out.keys[i - 1].time);
    }
    if (!root.contains("seconds") && !out.loop) out.seconds = out.keys.back().time;
    if (out.seconds > 86400) fail(ErrorKind::format, "seconds = {} is out of range", out.seconds);
    if (out.keys.front().time < 0 || out.keys.back().time > out.seconds + 1e-9)
        fail(ErrorKind::format, "the times of the key frames are not within 0 and {} seconds", out.seconds);
    return out;
}

/// nerfstudio: frames between the key frames are in the file already.
CameraPath nerfstudio_path(const Json& root) {
    CameraPath out;
    out.exact = true;
    out.width = pixels(root, "render_width"), out.height = pixels(root, "render_height");
    out.fps = number(root, "fps", "", 24);
    if (!(out.fps > 0 && out.fps <= 1000)) fail(ErrorKind::format, "fps = {} is out of range", out.fps);
    if (root.contains("camera_type") && root["camera_type"] != "perspective")
        fail(ErrorKind::format, "camera_type {} is not supported, only \"perspective\"", root["camera_type"].dump());
    const Json& list = list_of(root, "camera_path");
    for (std::size_t i = 0; i < list.size(); ++i) {
        const std::string place = fmt::format("camera_path[{}].", i);
        if (!list[i].is_object()) fail(ErrorKind::format, "camera_path[{}] is no object", i);
        PathKey key;
        key.world_from_camera = with_context(place + "camera_to_world", [&] {
            return pose_from_opengl(numbers(list[i], "camera_to_world", place, {16, 12}));
        });
        const double tall = std::tan(radians(number(list[i], "fov", place, 50), place) / 2);
        key.fov_rad = 2 * std::atan(tall * *out.width / *out.height);
        key.time = static_cast<double>(i) / out.fps;
        out.keys.push_back(key);
    }
    out.seconds = static_cast<double>(out.keys.size()) / out.fps;
    return out;
}

double catmull_rom(double a, double b, double c, double d, double t) {
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

}  // namespace

std::size_t CameraPath::frames() const {
    if (exact) return keys.size();
    return std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(seconds * fps)));
}

PathKey CameraPath::at(std::size_t frame) const {
    if (exact || keys.size() == 1) return keys[std::min(frame, keys.size() - 1)];
    const auto last = static_cast<std::ptrdiff_t>(keys.size()) - 1;
    const std::size_t n = frames();
    // The pictures reach from the first key to the last; around a circle they stop one before the beginning.
    const double share = static_cast<double>(frame) / static_cast<double>(loop ? n : std::max<std::size_t>(n - 1, 1));
    const double begin = keys.front().time, end = loop ? begin + seconds : keys.back().time;
    const double time = begin + share * (end - begin);
    std::ptrdiff_t i = 0;
    while (i + (loop ? 0 : 1) < last && keys[static_cast<std::size_t>(i + 1)].time <= time) ++i;
    if (loop && i == last - 1 && keys.back().time <= time) i = last;
    const auto key = [&](std::ptrdiff_t k) -> const PathKey& {
        if (loop) k = (k + last + 1) % (last + 1);
        return keys[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(k, 0, last))];
    };
    const double from = key(i).time, to = i == last ? end : key(i + 1).time;
    const double t = to > from ? std::clamp((time - from) / (to - from), 0.0, 1.0) : 0;
    std::array<const PathKey*, 4> around{&key(i - 1), &key(i), &key(i + 1), &key(i + 2)};
    std::array<Quaternion, 4> q{};
    for (std::size_t k = 0; k < 4; ++k) q[k] = colmap_from_pose(around[k]->world_from_camera).qvec;
    // The same rotation has two quaternions: each takes the side of the one before it.
    for (const std::size_t k : {std::size_t{0}, std::size_t{2}, std::size_t{3}}) {
        const Quaternion& near = q[k == 3 ? 2 : 1];
        double product = 0;
        for (std::size_t c = 0; c < 4; ++c) product += q[k][c] * near[c];
        if (product < 0)
            for (double& v : q[k]) v = -v;
    }
    Quaternion mixed{};
    for (std::size_t c = 0; c < 4; ++c) mixed[c] = catmull_rom(q[0][c], q[1][c], q[2][c], q[3][c], t);
    PathKey out;
    out.world_from_camera = pose_from_colmap({mixed, {0, 0, 0}});
    for (int a = 0; a < 3; ++a) {
        const auto part = [&](std::size_t k) { return around[k]->world_from_camera.position[a]; };
        out.world_from_camera.position[a] = catmull_rom(part(0), part(1), part(2), part(3), t);
    }
    if (around[1]->fov_rad && around[2]->fov_rad) out.fov_rad = *around[1]->fov_rad * (1 - t) + *around[2]->fov_rad * t;
    out.time = time;
    return out;
}

CameraPath parse_camera_path(std::string_view text) {
    Json root;
    try {
        root = Json::parse(text);
    } catch (const Json::exception& e) {
        fail(ErrorKind::format, "no JSON: {}", e.what());
    }
    if (!root.is_object()) fail(ErrorKind::format, "no JSON object");
    if (root.contains("keyframes") && !root.contains("camera_path")) return own_path(root);
    if (root.contains("camera_path")) return nerfstudio_path(root);
    fail(ErrorKind::format, "neither \"keyframes\" nor \"camera_path\" nor \"frames\" is in it");
}

CameraPath read_camera_path(const std::filesystem::path& path) {
    bool is_scene = false;
    CameraPath out = read_path(path, [&](std::string_view text) -> CameraPath {
        const Json root = Json::parse(text, nullptr, false);
        is_scene = root.is_object() && root.contains("frames");
        return is_scene ? CameraPath{} : parse_camera_path(text);
    });
    if (!is_scene) return out;
    SceneOptions options;
    options.require_images = false;
    const Scene scene = read_scene(path, options);
    out.exact = true;
    for (const SceneView& v : scene.views) {
        const geom::Camera& c = scene.cameras[v.camera];
        if (!out.width) out.width = c.width, out.height = c.height;
        out.keys.push_back({v.world_from_camera, c.fov_x_rad(), static_cast<double>(out.keys.size()) / out.fps});
    }
    out.seconds = static_cast<double>(out.keys.size()) / out.fps;
    return out;
}

}  // namespace nir::io
