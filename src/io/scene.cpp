// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/scene.h"

#include "nir/base/error.h"

#include "io/scene_parts.h"

#include <algorithm>
#include <cmath>

namespace nir::io {
namespace {

namespace fs = std::filesystem;
using geom::Vec3d;

bool is_file(const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored);
}
bool is_folder(const fs::path& path) {
    std::error_code ignored;
    return fs::is_directory(path, ignored);
}

constexpr std::pair<std::string_view, Split> kSplits[] = {
    {"transforms_train", Split::train}, {"transforms_val", Split::val}, {"transforms_test", Split::test}};

using TransformsFiles = std::vector<std::pair<fs::path, std::optional<Split>>>;

std::optional<Split> split_of_name(const fs::path& file) {
    for (const auto& [prefix, split] : kSplits)
        if (file.filename().string().starts_with(prefix)) return split;
    return std::nullopt;
}

/// transforms_train.json and its companions (transforms_test_view.json, …), or transforms.json.
TransformsFiles transforms_in(const fs::path& folder) {
    TransformsFiles files;
    if (is_file(folder / "transforms_train.json")) {
        std::error_code unreadable;
        for (const auto& entry : fs::directory_iterator(folder, unreadable)) {
            if (entry.path().extension() != ".json") continue;
            if (const auto split = split_of_name(entry.path())) files.emplace_back(entry.path(), split);
        }
        std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) {
            return std::pair(*a.second, a.first.string()) < std::pair(*b.second, b.first.string());
        });
    } else if (is_file(folder / "transforms.json")) {
        files.emplace_back(folder / "transforms.json", std::nullopt);
    }
    return files;
}

bool is_colmap_model(const fs::path& folder) {
    return (is_file(folder / "cameras.bin") && is_file(folder / "images.bin")) ||
           (is_file(folder / "cameras.txt") && is_file(folder / "images.txt"));
}

struct Found {
    enum class Layout { none, transforms, colmap, llff, matrices } layout = Layout::none;
    TransformsFiles transforms;
    fs::path file;  ///< of LLFF and matrices; COLMAP: the model's folder
};

Found find_in_folder(const fs::path& folder) {
    Found out;
    out.transforms = transforms_in(folder);
    if (!out.transforms.empty()) {
        out.layout = Found::Layout::transforms;
        return out;
    }
    for (const char* place : {"", "sparse/0", "sparse", "colmap/sparse/0", "colmap/sparse"})
        if (is_colmap_model(folder / place)) {
            out.layout = Found::Layout::colmap;
            out.file = *place ? folder / place : folder;
            return out;
        }
    if (is_file(folder / "poses_bounds.npy")) {
        out.layout = Found::Layout::llff;
        out.file = folder / "poses_bounds.npy";
        return out;
    }
    for (const char* name : {"cameras_sphere.npz", "cameras.npz"})
        if (is_file(folder / name)) {
            out.layout = Found::Layout::matrices;
            out.file = folder / name;
            return out;
        }
    return out;
}

Found find_scene(const fs::path& path) {
    if (is_folder(path)) return find_in_folder(path);
    Found out;
    const std::string name = path.filename().string();
    if (path.extension() == ".json") {
        out.layout = Found::Layout::transforms;
        out.transforms = {{path, split_of_name(path)}};
    } else if (name == "cameras.bin" || name == "cameras.txt" || name == "images.bin" || name == "images.txt") {
        out.layout = Found::Layout::colmap;
        out.file = path.parent_path();
    } else if (path.extension() == ".npy") {
        out.layout = Found::Layout::llff;
        out.file = path;
    } else if (path.extension() == ".npz") {
        out.layout = Found::Layout::matrices;
        out.file = path;
    }
    return out;
}

/// The project's folder above a COLMAP model, where the images are.
fs::path colmap_root(const fs::path& given, const fs::path& model) {
    if (is_folder(given) && given != model) return given;
    fs::path root = fs::absolute(model).lexically_normal();
    if (!root.has_filename()) root = root.parent_path();
    for (fs::path at = root; at.has_relative_path(); at = at.parent_path()) {
        if (is_folder(at / "images") || is_folder(at / "input")) return at;
        if (at == at.parent_path()) break;
    }
    return root;
}

void hold_out(Scene& scene, int every) {
    if (every <= 0 || scene.count(Split::test) > 0) return;
    std::size_t n = 0;
    for (SceneView& view : scene.views)
        if (view.split == Split::train && n++ % static_cast<std::size_t>(every) == 0) view.split = Split::test;
}

void sort_views(Scene& scene) {
    std::stable_sort(scene.views.begin(), scene.views.end(), [](const SceneView& a, const SceneView& b) {
        return a.split != b.split ? a.split < b.split : natural_less(a.name, b.name);
    });
}

}  // namespace

std::string_view name_of(Split split) { return split == Split::train ? "train" : split == Split::val ? "val" : "test"; }
std::string_view name_of(MaskMeaning meaning) {
    switch (meaning) {
        case MaskMeaning::valid:
            return "valid";
        case MaskMeaning::ignore:
            return "ignore";
        case MaskMeaning::object:
            return "object";
        case MaskMeaning::alpha:
            return "alpha";
    }
    return "?";
}

std::optional<MaskMeaning> mask_meaning_of(std::string_view name) {
    for (const MaskMeaning m : {MaskMeaning::valid, MaskMeaning::ignore, MaskMeaning::object, MaskMeaning::alpha})
        if (name == name_of(m)) return m;
    return {};
}

std::size_t Scene::count(Split split) const {
    return static_cast<std::size_t>(
        std::count_if(views.begin(), views.end(), [split](const SceneView& v) { return v.split == split; }));
}
std::vector<std::size_t> Scene::indices(Split split) const {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < views.size(); ++i)
        if (views[i].split == split) out.push_back(i);
    return out;
}

bool looks_like_scene(const fs::path& path) {
    const Found found = find_scene(path);
    if (is_folder(path)) return found.layout != Found::Layout::none;
    if (!is_file(path)) return false;
    const std::string name = path.filename().string();
    return (found.layout == Found::Layout::transforms && name.starts_with("transforms")) ||
           found.layout == Found::Layout::colmap || name == "poses_bounds.npy" || name == "cameras.npz" ||
           name == "cameras_sphere.npz";
}

Scene read_scene(const fs::path& path, const SceneOptions& options) {
    std::error_code ignored;
    if (!fs::exists(path, ignored)) fail(ErrorKind::input, "{}: no such file or folder", path.string());
    const Found found = find_scene(path);
    Scene scene;
    switch (found.layout) {
        case Found::Layout::transforms:
            scene = read_transforms(found.transforms, options);
            break;
        case Found::Layout::colmap:
            scene = read_colmap(found.file, colmap_root(path, found.file), options);
            break;
        case Found::Layout::llff:
            scene = read_llff(found.file, options);
            break;
        case Found::Layout::matrices:
            scene = read_projection_matrices(found.file, options);
            break;
        case Found::Layout::none:
            fail(ErrorKind::input,
                 "{}: no posed photos here; nir looks for transforms.json or transforms_train.json, COLMAP's "
                 "cameras.bin "
                 "or cameras.txt (here or in sparse/0), poses_bounds.npy, cameras_sphere.npz or cameras.npz",
                 path.string());
    }
    if (scene.views.empty()) fail(ErrorKind::format, "{}: the scene has no views", path.string());
    sort_views(scene);
    hold_out(scene, options.hold_out);
    sort_views(scene);
    return scene;
}

std::optional<Vec3d> focus_point(const Scene& scene) {
    // Sum of (1 - d d^T) (x - o) = 0 over the optical axes.
    double a[6] = {0, 0, 0, 0, 0, 0};  // xx xy xz yy yz zz
    Vec3d b{};
    for (const SceneView& v : scene.views) {
        const Vec3d d = v.world_from_camera.forward(), o = v.world_from_camera.position;
        a[0] += 1 - d.x * d.x, a[1] -= d.x * d.y, a[2] -= d.x * d.z;
        a[3] += 1 - d.y * d.y, a[4] -= d.y * d.z, a[5] += 1 - d.z * d.z;
        b += o - d * dot(d, o);
    }
    const Vec3d r0{a[0], a[1], a[2]}, r1{a[1], a[3], a[4]}, r2{a[2], a[4], a[5]};
    const double det = dot(cross(r0, r1), r2), n = static_cast<double>(scene.views.size());
    if (scene.views.size() < 2 || !(det > 1e-6 * n * n * n)) return std::nullopt;
    return (cross(r1, r2) * b.x + cross(r2, r0) * b.y + cross(r0, r1) * b.z) / det;
}

namespace {

geom::Box3d cube(Vec3d center, double half) {
    return {center - Vec3d{half, half, half}, center + Vec3d{half, half, half}};
}

geom::Box3d box_of_points(const std::vector<Vec3d>& points) {
    geom::Box3d box;
    for (int c = 0; c < 3; ++c) {
        std::vector<double> v;
        v.reserve(points.size());
        for (const Vec3d& p : points) v.push_back(p[c]);
        const auto at = [&v](double share) {
            const auto k = static_cast<std::ptrdiff_t>(share * static_cast<double>(v.size() - 1));
            std::nth_element(v.begin(), v.begin() + k, v.end());
            return v[static_cast<std::size_t>(k)];
        };
        const double lo = at(0.02), hi = at(0.98), pad = 0.05 * (hi - lo);
        box.lo[c] = lo - pad, box.hi[c] = hi + pad;
    }
    return box;
}

geom::Box3d box_of_views(const Scene& scene) {
    const auto focus = focus_point(scene);
    geom::Box3d eyes;
    for (const SceneView& v : scene.views) eyes.extend(v.world_from_camera.position);
    std::vector<double> halves;
    for (const SceneView& v : scene.views) {
        const geom::Camera& c = scene.cameras[v.camera];
        const double depth = focus ? dot(*focus - v.world_from_camera.position, v.world_from_camera.forward()) : 0.0;
        if (depth > 0) halves.push_back(depth * std::max(0.5 * c.width / c.fx, 0.5 * c.height / c.fy));
    }
    // Cameras side by side: what lies in front of them, as deep as it is wide.
    if (halves.empty()) {
        const geom::Pose& pose = scene.views[scene.views.size() / 2].world_from_camera;
        const double half = std::max(1.0, 2 * eyes.longest_side());
        return cube(pose.position + pose.forward() * half, half);
    }
    std::nth_element(halves.begin(), halves.begin() + static_cast<std::ptrdiff_t>(halves.size() / 2), halves.end());
    return cube(*focus, 1.05 * halves[halves.size() / 2]);
}

}  // namespace

SceneBox scene_box(const Scene& scene) {
    NIR_CHECK(!scene.views.empty());
    if (scene.box) return {*scene.box, "given by the files"};
    if (scene.aabb_scale) {
        const double s = scene.ngp.scale;
        return {cube((Vec3d{0.5, 0.5, 0.5} - scene.ngp.offset) / s, 0.5 * *scene.aabb_scale / s),
                fmt::format("aabb_scale {:g}", *scene.aabb_scale)};
    }
    if (scene.points.size() >= 50) return {box_of_points(scene.points.points), "sparse points"};
    return {box_of_views(scene), "what the cameras see"};
}

}  // namespace nir::io
