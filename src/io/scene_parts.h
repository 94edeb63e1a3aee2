// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// What the readers of the scene layouts share.
#pragma once

#include "nir/base/diagnostics.h"
#include "nir/io/scene.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nir::io {

/// Mistakes of a scene, of which the first are kept: a folder without its images has hundreds of the same kind.
class SceneProblems {
public:
    static constexpr std::size_t kShown = 12;
    explicit SceneProblems(const std::filesystem::path& file) : file_(file.string()), found_(file_) {}

    template <class... Args>
    void add(fmt::format_string<Args...> text, Args&&... args) {
        if (++count_ <= kShown) found_.add({file_, 0}, fmt::format(text, std::forward<Args>(args)...));
    }
    bool empty() const { return count_ == 0; }
    void throw_if_any() {
        if (count_ > kShown) found_.add({file_, 0}, fmt::format("and {} more", count_ - kShown));
        found_.throw_if_any(ErrorKind::format);
    }

private:
    std::string file_;
    Diagnostics found_;
    std::size_t count_ = 0;
};

struct ImageSize {
    int width = 0, height = 0;
    friend bool operator==(const ImageSize&, const ImageSize&) = default;
};
/// From the header of a PNG or JPEG file, which is not decoded. @throws Error input, format (without the file's name).
ImageSize image_size(const std::filesystem::path& file);

/// "r_2" before "r_10".
bool natural_less(std::string_view a, std::string_view b);
/// PNG and JPEG files of a folder in natural order; empty if there is no such folder.
std::vector<std::filesystem::path> images_in(const std::filesystem::path& folder);
/// The file that `name` stands for: itself, or with .png, .jpg, … appended where it has no such ending.
std::optional<std::filesystem::path> find_image(const std::filesystem::path& folder, std::string name);

/// The index of the camera in scene.cameras; equal ones are shared.
class CameraTable {
public:
    explicit CameraTable(Scene& scene) : scene_(scene) {}
    std::size_t index_of(const geom::Camera& camera);

private:
    Scene& scene_;
    std::multimap<double, std::size_t> by_focal_;
};

/// What makes intrinsics unusable, or "".
std::string camera_problem(const geom::Camera& camera);
/// Fits intrinsics to the pictures: the same picture in another size is scaled, with a note; nothing if the shapes
/// differ.
std::optional<geom::Camera> fitted_to(const geom::Camera& camera, ImageSize size, Scene& scene);

void add_note(Scene& scene, std::string note);

Scene read_transforms(const std::vector<std::pair<std::filesystem::path, std::optional<Split>>>& files,
                      const SceneOptions& options);
Scene read_colmap(const std::filesystem::path& model, const std::filesystem::path& root, const SceneOptions& options);
Scene read_llff(const std::filesystem::path& file, const SceneOptions& options);
Scene read_projection_matrices(const std::filesystem::path& file, const SceneOptions& options);

}  // namespace nir::io
