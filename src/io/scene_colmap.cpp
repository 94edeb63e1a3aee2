// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/error.h"

#include "io/colmap_model.h"
#include "io/scene_parts.h"
#include "io/text.h"

#include <algorithm>
#include <map>

namespace nir::io {
namespace {

namespace fs = std::filesystem;

bool is_file(const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored);
}

/// The folder that the names of the images start from: the first that holds one of them.
std::optional<fs::path> image_folder(const fs::path& root, const std::vector<ColmapImage>& images) {
    for (const char* place : {"images", "input", "", "images_2", "images_4", "images_8"}) {
        const fs::path folder = *place ? root / place : root;
        if (std::any_of(images.begin(), images.end(), [&](const ColmapImage& i) { return is_file(folder / i.name); }))
            return folder;
    }
    return std::nullopt;
}

/// masks/NAME.png, with or without the picture's own ending.
std::optional<fs::path> mask_of(const fs::path& root, const std::string& name) {
    for (const fs::path& p : {root / "masks" / (name + ".png"), (root / "masks" / name).replace_extension(".png")})
        if (is_file(p)) return p;
    return std::nullopt;
}

class ColmapScene {
public:
    ColmapScene(const fs::path& model, const fs::path& root, const SceneOptions& options)
        : root_(root), options_(options), cameras_(scene_) {
        const bool binary = is_file(model / "cameras.bin") && is_file(model / "images.bin");
        scene_.layout = binary ? "COLMAP binary" : "COLMAP text";
        scene_.folder = root;
        file_ = model / (binary ? "images.bin" : "images.txt");
        model_ = binary ? read_colmap_binary(model) : read_colmap_text(model);
        read_cameras(model / (binary ? "cameras.bin" : "cameras.txt"));
    }

    Scene run() {
        SceneProblems problems(file_);
        const auto folder = image_folder(root_, model_.images);
        if (!folder && options_.require_images && !model_.images.empty())
            fail(ErrorKind::input,
                 "{}: none of its {} pictures is there; nir looked for {} in images/, input/ and the folder {}",
                 file_.string(), model_.images.size(), in_quotes(model_.images.front().name), root_.string());
        for (const ColmapImage& image : model_.images) read_image(image, folder, problems);
        problems.throw_if_any();
        scene_.points = std::move(model_.points);
        return std::move(scene_);
    }

private:
    void read_cameras(const fs::path& file) {
        SceneProblems problems(file);
        for (const ColmapCamera& c : model_.cameras) {
            try {
                const geom::Camera camera = camera_from_colmap(c);
                if (const std::string bad = camera_problem(camera); !bad.empty())
                    problems.add("camera {}: {}", c.id, bad);
                if (!by_id_.emplace(c.id, camera).second) problems.add("camera {} is there twice", c.id);
            } catch (const Error& e) {
                problems.add("{}", e.message());
            }
        }
        problems.throw_if_any();
    }

    void read_image(const ColmapImage& image, const std::optional<fs::path>& folder, SceneProblems& problems) {
        const auto it = by_id_.find(image.camera_id);
        if (it == by_id_.end()) {
            problems.add("image {} ({}): there is no camera {}", image.id, in_quotes(image.name), image.camera_id);
            return;
        }
        SceneView view;
        view.name = image.name;
        geom::Camera camera = it->second;
        try {
            view.world_from_camera = pose_from_colmap(image.pose);
            if (folder && is_file(*folder / image.name)) {
                view.image = *folder / image.name;
                const ImageSize size = image_size(view.image);
                const auto fitted = fitted_to(camera, size, scene_);
                if (!fitted)
                    fail(ErrorKind::format, "the picture is {} x {}, its camera is for {} x {}", size.width,
                         size.height, camera.width, camera.height);
                camera = *fitted;
            } else if (options_.require_images) {
                fail(ErrorKind::input, "there is no such picture in {}", folder->string());
            }
        } catch (const Error& e) {
            problems.add("image {} ({}): {}", image.id, in_quotes(image.name), e.message());
            return;
        }
        if (const auto mask = mask_of(root_, image.name))
            view.masks.push_back({*mask, options_.mask_meaning.value_or(MaskMeaning::valid)});
        view.camera = cameras_.index_of(camera);
        scene_.views.push_back(std::move(view));
    }

    fs::path root_, file_;
    const SceneOptions& options_;
    Scene scene_;
    CameraTable cameras_;
    ColmapModel model_;
    std::map<std::uint32_t, geom::Camera> by_id_;
};

}  // namespace

Scene read_colmap(const fs::path& model, const fs::path& root, const SceneOptions& options) {
    return ColmapScene(model, root, options).run();
}

}  // namespace nir::io
