// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/camera.h"
#include "nir/geom/image.h"
#include "nir/geom/shapes.h"
#include "nir/io/camera_frames.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nir::io {

enum class Split : std::uint8_t { train, val, test };
std::string_view name_of(Split split);

/// What the bright (non-zero) pixels of a mask say.
enum class MaskMeaning : std::uint8_t {
    valid,   ///< 0: the pixel says nothing (nerfstudio's mask_path, COLMAP's
             ///< masks/)
    ignore,  ///< non-zero: the pixel says nothing (instant-ngp's
             ///< dynamic_mask_NAME.png)
    object,  ///< 0: the pixel shows background, the ray is empty (IDR, NeuS;
             ///< "mask_meaning": "object")
    alpha    ///< opacity in grey, takes the place of the picture's alpha
             ///< (instant-ngp's NAME.alpha.png)
};
std::string_view name_of(MaskMeaning meaning);
/// The meaning of that name; nothing for any other text.
std::optional<MaskMeaning> mask_meaning_of(std::string_view name);

struct ViewMask {
    std::filesystem::path file;
    MaskMeaning meaning = MaskMeaning::valid;
    friend bool operator==(const ViewMask&, const ViewMask&) = default;
};

/// The lamp that a photo was taken under, as its file says.
struct SceneLight {
    geom::Vec3d position;           ///< world
    geom::Vec3d color{1, 1, 1};     ///< linear
    std::optional<double> power{};  ///< in the file's unit ("energy_W", "intensity")
    double radius = 0;              ///< world units
    friend bool operator==(const SceneLight&, const SceneLight&) = default;
};

/// One posed photo.
struct SceneView {
    std::string name;             ///< as the scene's file writes it
    std::filesystem::path image;  ///< the file; empty if the scene names cameras only
    std::vector<ViewMask> masks;
    std::filesystem::path depth;  ///< 16-bit PNG or NPY; empty if there is none
    std::size_t camera = 0;       ///< of Scene::cameras
    geom::Pose world_from_camera;
    Split split = Split::train;
    double near = 0,
           far = 0;                   ///< depths between which the scene lies; 0: not given
    std::optional<double> time;       ///< 0..1 of moving scenes
    std::optional<double> sharpness;  ///< noted, not used
    std::optional<SceneLight> light;  ///< a small light source

    friend bool operator==(const SceneView&, const SceneView&) = default;
};

/// Posed photos and what is known of the scene, in the world coordinates of the
/// files that were read: nothing is rotated, scaled or moved. Cameras have
/// nir's convention (geom/camera.h).
struct Scene {
    std::string layout;            ///< "NeRF transforms", "COLMAP text", …
    std::filesystem::path folder;  ///< that relative names start from
    std::vector<geom::Camera> cameras;
    std::vector<SceneView> views;  ///< train, val, test; within a split in natural order of the names
    geom::PointCloud points;       ///< sparse points, if there are some

    std::optional<geom::Box3d> box;    ///< where the scene lies, if the files say so
    std::optional<double> aabb_scale;  ///< instant-ngp: the training box is this
                                       ///< many unit cubes wide
    NgpWorld ngp;                      ///< scale and offset of instant-ngp, its defaults if not given
    double depth_unit = 1;             ///< world units of 1 in a depth image
                                       ///< (integer_depth_scale, depth_unit_scale_factor)
    /// Where the files hold a transform to another frame (NeuS: scale_mat):
    /// p_user = center + scale * p_world.
    std::optional<geom::Frame> user_frame;
    std::vector<std::string> notes;  ///< what the files hold and nir does not use, once each

    std::size_t count(Split split) const;
    std::vector<std::size_t> indices(Split split) const;
};

/// How to read what a scene leaves open.
struct SceneOptions {
    /// Where a scene has no test split of its own: every n-th view (0, n, 2n, …)
    /// becomes one. 0: all views train.
    int hold_out = 0;
    /// All that is listed is read; false: images need not exist (cameras of a
    /// path, headers only).
    bool require_images = true;
    /// Instead of the meaning by the rules of the format.
    std::optional<MaskMeaning> mask_meaning;
};

/// Reads posed photos. `path` is a folder or the file that describes the scene;
/// the layout is told by marker files:
///   transforms_train.json, transforms_val.json, transforms_test.json,
///   transforms.json, any other transforms*.json if it is named   (NeRF,
///   Blender, instant-ngp, nerfstudio) cameras.bin or cameras.txt (in the
///   folder, sparse/0, sparse, colmap/sparse/0)   (COLMAP) poses_bounds.npy
///   (LLFF) cameras_sphere.npz, cameras.npz   (IDR, NeuS, DTU; Differentiable
///   Volumetric Rendering)
/// Every mistake of the files is collected. @throws Error input, format: one
/// sentence with file and place, or several. Ref: docs/formats/scenes.md.
Scene read_scene(const std::filesystem::path& path, const SceneOptions& options = {});

/// True if read_scene would recognise it (only looks for the marker files).
bool looks_like_scene(const std::filesystem::path& path);

/// The box a trainer should fill: scene.box; else instant-ngp's training box
/// where aabb_scale is given; else from the sparse points (2 % left out at each
/// side); else around the point the cameras look at, as wide as they see there.
struct SceneBox {
    geom::Box3d box;
    std::string origin;  ///< "given by the files", "aabb_scale 4", "sparse
                         ///< points", "what the cameras see"
};
SceneBox scene_box(const Scene& scene);

/// The point nearest to all optical axes (least squares), and the views' mean
/// distance from it; nothing if the axes are parallel or there is one view
/// only.
std::optional<geom::Vec3d> focus_point(const Scene& scene);

/// The pixels of a view: RGBA with straight alpha, sRGB-encoded (object and
/// alpha masks are in the alpha already), and which pixels count.
struct ViewPixels {
    geom::Image8 rgba;                ///< 4 channels, of the camera's size
    std::vector<std::uint8_t> valid;  ///< width * height, 0: ignore the pixel; empty: all count
    bool has_alpha = false;           ///< the picture has an alpha channel or an object or alpha mask
};
/// Decodes PNG or JPEG. @throws Error input, format with the file's name:
/// missing, damaged, size differs from the camera's.
ViewPixels read_view(const Scene& scene, std::size_t view);

/// Writes transforms.json (one file with all views if `path` is a file;
/// transforms_{train,val,test}.json if it is a folder) in the fields of
/// instant-ngp and nerfstudio; images keep their places and are named relative
/// to the file.
/// @return what the format cannot hold ("lens denominators", "sparse points").
std::vector<std::string> write_transforms(const std::filesystem::path& path, const Scene& scene);
/// Writes cameras.txt, images.txt and points3D.txt into a folder (made if
/// missing).
std::vector<std::string> write_colmap_text(const std::filesystem::path& folder, const Scene& scene);

}  // namespace nir::io
