// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Scenes whose cameras are arrays: LLFF's poses_bounds.npy, cameras.npz of IDR, NeuS, DTU and DVR.
#include "nir/base/error.h"
#include "nir/io/npy.h"

#include "io/scene_parts.h"
#include "io/text.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace nir::io {
namespace {

namespace fs = std::filesystem;
using geom::Vec3d;

/// The first of the folders that holds pictures.
std::vector<fs::path> pictures_of(const fs::path& root, std::initializer_list<const char*> folders) {
    for (const char* folder : folders)
        if (auto files = images_in(root / folder); !files.empty()) return files;
    return {};
}

/// Sets image and camera; the intrinsics are for another size of the same picture, or for this one.
bool take_picture(const fs::path& file, geom::Camera camera, Scene& scene, CameraTable& cameras, SceneView& view,
                  SceneProblems& problems) {
    view.image = file;
    view.name = file.filename().string();
    try {
        const ImageSize size = image_size(file);
        const auto fitted = fitted_to(camera, size, scene);
        if (!fitted) {
            problems.add("{}: the picture is {} x {}, its camera is for {} x {}", view.name, size.width, size.height,
                         camera.width, camera.height);
            return false;
        }
        view.camera = cameras.index_of(*fitted);
    } catch (const Error& e) {
        problems.add("{}: {}", view.name, e.message());
        return false;
    }
    return true;
}

// --- LLFF ---

/// One row of 17: a 3x5 matrix [R | t | (height, width, focal)], and the nearest and farthest depth.
void read_llff_row(const double* row, SceneView& view, geom::Camera& camera) {
    Matrix34 m{};
    for (std::size_t r = 0; r < 3; ++r)
        for (std::size_t c = 0; c < 4; ++c) m[4 * r + c] = row[5 * r + c];
    view.world_from_camera = pose_from_llff(m);
    const double height = row[4], width = row[9], focal = row[14];
    if (!(width >= 1 && height >= 1 && width <= 32768 && height <= 32768))
        fail(ErrorKind::format, "the picture's size {:g} x {:g} is not usable", width, height);
    camera.width = static_cast<int>(std::lround(width)), camera.height = static_cast<int>(std::lround(height));
    camera.fx = camera.fy = focal;
    camera.cx = 0.5 * width, camera.cy = 0.5 * height;
    if (const std::string bad = camera_problem(camera); !bad.empty()) fail(ErrorKind::format, "{}", bad);
    view.near = row[15], view.far = row[16];
    if (!(view.near > 0) || !(view.far > view.near) || !std::isfinite(view.far))
        fail(ErrorKind::format, "the depths {:g} and {:g} are no range", view.near, view.far);
}

// --- matrices ---

std::optional<Matrix4> matrix(const NpzFile& file, const std::string& name, SceneProblems& problems) {
    if (!file.contains(name)) {
        problems.add("{} is missing", name);
        return std::nullopt;
    }
    const NamedArray a = file.read(name);
    const bool four = a.shape == std::vector<std::int64_t>{4, 4};
    if (!four && a.shape != std::vector<std::int64_t>{3, 4}) {
        problems.add("{} is {}, not [4, 4] or [3, 4]", name, a.shape_text());
        return std::nullopt;
    }
    const std::vector<double> v = a.to_double();
    Matrix4 out{};
    out[15] = 1;
    std::copy(v.begin(), v.end(), out.begin());
    if (!std::all_of(v.begin(), v.end(), [](double x) { return std::isfinite(x); })) {
        problems.add("{} holds a number that is not finite", name);
        return std::nullopt;
    }
    return out;
}

/// Rows of the 3x3 part are orthogonal and of one length: world_mat of DVR has no intrinsics in it.
bool is_similarity(const Matrix4& m) {
    const Vec3d r[3] = {{m[0], m[1], m[2]}, {m[4], m[5], m[6]}, {m[8], m[9], m[10]}};
    const double s = dot(r[0], r[0]);
    for (const auto& [a, b] : {std::pair(0, 1), std::pair(0, 2), std::pair(1, 2)})
        if (std::abs(dot(r[a], r[b])) > 1e-3 * s) return false;
    return std::abs(dot(r[1], r[1]) - s) < 1e-3 * s && std::abs(dot(r[2], r[2]) - s) < 1e-3 * s;
}

class MatrixScene {
public:
    MatrixScene(const fs::path& file, const SceneOptions& options)
        : path_(file), options_(options), file_(file), problems_(file), cameras_(scene_) {
        scene_.folder = file.parent_path();
    }

    Scene run() {
        const std::vector<std::size_t> indices = view_indices();
        if (indices.empty())
            fail(ErrorKind::format, "{}: no cameras: there is no array world_mat_0, world_mat_1, …", path_.string());
        const auto images = pictures_of(scene_.folder, {"image", "images", "rgb"});
        if (images.empty())
            fail(ErrorKind::input, "{}: there are no pictures in image/, images/ or rgb/ beside it", path_.string());
        if (indices.back() >= images.size())
            fail(ErrorKind::input, "{}: there are cameras up to number {} and {} pictures", path_.string(),
                 indices.back(), images.size());
        if (indices.size() != images.size())
            add_note(scene_,
                     fmt::format("{} of {} pictures have no camera", images.size() - indices.size(), images.size()));
        const auto masks = pictures_of(scene_.folder, {"mask", "masks"});
        for (const std::size_t i : indices) read_view(i, images[i], masks);
        problems_.throw_if_any();
        return std::move(scene_);
    }

private:
    std::vector<std::size_t> view_indices() const {
        constexpr std::string_view kPrefix = "world_mat_";
        std::set<std::size_t> out;
        for (const std::string& name : file_.names()) {
            std::size_t i = 0;
            if (name.starts_with(kPrefix) && parse_integer(std::string_view(name).substr(kPrefix.size()), i) &&
                i < 1000000)
                out.insert(i);
        }
        return {out.begin(), out.end()};
    }

    void read_view(std::size_t i, const fs::path& image, const std::vector<fs::path>& masks) {
        const auto world = matrix(file_, fmt::format("world_mat_{}", i), problems_);
        if (!world) return;
        SceneView view;
        ImageSize size;
        geom::Camera camera;
        try {
            size = image_size(image);
            const bool dvr = file_.contains(fmt::format("camera_mat_{}", i)) && is_similarity(*world);
            if (scene_.layout.empty())
                scene_.layout = dvr ? "DVR cameras.npz" : "IDR/NeuS " + path_.filename().string();
            camera = dvr ? dvr_camera(i, *world, size, view) : projection_camera(*world, size, view);
        } catch (const Error& e) {
            problems_.add("view {} ({}): {}", i, image.filename().string(), e.message());
            return;
        }
        if (const std::string bad = camera_problem(camera); !bad.empty()) {
            problems_.add("view {}: {}", i, bad);
            return;
        }
        if (!take_picture(image, camera, scene_, cameras_, view, problems_)) return;
        if (i < masks.size()) view.masks.push_back({masks[i], options_.mask_meaning.value_or(MaskMeaning::object)});
        if (file_.contains(fmt::format("scale_mat_{}", i))) read_scale(i);
        scene_.views.push_back(std::move(view));
    }

    geom::Camera dvr_camera(std::size_t i, const Matrix4& world, ImageSize size, SceneView& view) {
        const auto camera = matrix(file_, fmt::format("camera_mat_{}", i), problems_);
        if (!camera) fail(ErrorKind::format, "camera_mat_{} cannot be used", i);
        const PosedCamera posed = camera_from_dvr({*camera, world}, size.width, size.height);
        view.world_from_camera = posed.pose;
        return posed.camera;
    }

    geom::Camera projection_camera(const Matrix4& world, ImageSize size, SceneView& view) {
        Matrix34 p{};
        std::copy(world.begin(), world.begin() + 12, p.begin());
        const ProjectionParts parts = decompose_projection(p);
        if (std::abs(parts.skew) > 0.01) add_note(scene_, "a skew of the pixel axes is left out");
        view.world_from_camera = parts.pose;
        geom::Camera c;
        c.width = size.width, c.height = size.height;
        c.fx = parts.fx, c.fy = parts.fy, c.cx = parts.cx + 0.5, c.cy = parts.cy + 0.5;
        return c;
    }

    /// scale_mat: the unit sphere around the object, in the world's units.
    void read_scale(std::size_t i) {
        const auto m = matrix(file_, fmt::format("scale_mat_{}", i), problems_);
        if (!m || scene_.box) return;
        const double s = (*m)[0];
        if (!(s > 0) || std::abs((*m)[5] - s) > 1e-4 * s || std::abs((*m)[10] - s) > 1e-4 * s) {
            problems_.add("scale_mat_{} is more than one scale and a shift", i);
            return;
        }
        const Vec3d center{(*m)[3], (*m)[7], (*m)[11]}, half{s, s, s};
        scene_.box = geom::Box3d{center - half, center + half};
    }

    fs::path path_;
    const SceneOptions& options_;
    NpzFile file_;
    SceneProblems problems_;
    Scene scene_;
    CameraTable cameras_;
};

}  // namespace

Scene read_llff(const fs::path& file, const SceneOptions& options) {
    Scene scene;
    scene.layout = "LLFF";
    scene.folder = file.parent_path();
    const NamedArray a = with_context(file.string(), [&] { return read_npy(file); });
    if (a.shape.size() != 2 || a.shape[1] != 17)
        fail(ErrorKind::format, "{}: LLFF's cameras are an array [N, 17], this is {}", file.string(), a.shape_text());
    const std::vector<double> values = a.to_double();
    const auto n = static_cast<std::size_t>(a.shape[0]);
    const auto images = pictures_of(scene.folder, {"images", "images_2", "images_4", "images_8"});
    if (options.require_images && images.size() != n)
        fail(ErrorKind::input, "{}: {} cameras and {} pictures in images/; LLFF joins them by their order",
             file.string(), n, images.size());
    CameraTable cameras(scene);
    SceneProblems problems(file);
    for (std::size_t i = 0; i < n; ++i) {
        SceneView view;
        geom::Camera camera;
        try {
            read_llff_row(values.data() + 17 * i, view, camera);
        } catch (const Error& e) {
            problems.add("row {}: {}", i, e.message());
            continue;
        }
        if (images.size() == n) {
            if (!take_picture(images[i], camera, scene, cameras, view, problems)) continue;
        } else {
            view.name = fmt::format("view {}", i);
            view.camera = cameras.index_of(camera);
        }
        scene.views.push_back(std::move(view));
    }
    problems.throw_if_any();
    return scene;
}

Scene read_projection_matrices(const fs::path& file, const SceneOptions& options) {
    return MatrixScene(file, options).run();
}

}  // namespace nir::io
