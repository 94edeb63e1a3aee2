// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/extract/extract_mesh.h"
#include "nir/geom/shapes.h"
#include "nir/render/occupancy_grid.h"
#include "nir/render/posed_view.h"
#include "nir/render/radiance_field.h"
#include "nir/render/render_view.h"

#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace nir::render {

/// A camera that the model was trained with (nir's convention, world coordinates).
struct TrainedView {
    geom::Camera camera;
    geom::Pose world_from_camera;        ///< refined, if the training did that
    std::array<float, 3> gain{1, 1, 1};  ///< of the photo (photo_corrections.h)
};

/// All that a view needs: the field, where it stands in the world, what is empty, and how rays walk. The cameras of the
/// photos come with it: they tell what was seen.
struct RadianceModel {
    RadianceField field;
    OccupancyGrid grid;
    FieldFrame frame;
    MarchOptions march;
    std::vector<TrainedView> views{};
    EnvironmentMap environment{};  ///< empty: what lies behind was not learned
    /// What else the metadata of the file hold, as text: configuration, step, seed, … Names begin with "info.".
    std::map<std::string, std::string> info{};
};

/// safetensors, format "nir.radiance", version 2: docs/formats/radiance.md. Written under another name and renamed.
/// @throws Error io.
void save_radiance(const std::filesystem::path& path, const RadianceModel& model);
/// @throws Error input, format: another format or version, missing or unexpected arrays, shapes that do not fit.
RadianceModel load_radiance(const std::filesystem::path& path);
/// True if the metadata of a safetensors file are those of a radiance field.
bool is_radiance(const std::map<std::string, std::string>& metadata);

/// The trained cameras as views without pictures.
std::vector<PosedView> posed_views(const RadianceModel& model);

/// Depth maps of the model from the views' cameras: they tell what no view sees, of which density says nothing.
class ViewDepths {
public:
    /// Renders up to `most` of the views, evenly chosen.
    ViewDepths(const RadianceModel& model, const std::vector<PosedView>& views, std::size_t most = 48);
    /// True if every view that has the point in its picture shows something opaque there, and all but a tenth of them
    /// (depths are soft at silhouettes) show it in front of the point. False if no view has it in its picture.
    bool hidden(geom::Vec3d world) const;
    /// True if some view has the point in its picture and nothing opaque more than `tolerance` (world units) in front.
    bool seen(geom::Vec3d world, double tolerance) const;

private:
    struct Map {
        geom::Camera camera;
        geom::Pose pose;
        std::vector<float> depth;  ///< 0 where the picture is transparent
    };
    std::vector<Map> maps_;
};

/// What the field says (RadianceField::level_value) as an implicit function of world coordinates. A density is very low
/// in empty cells and outside the cube; a field with a surface is asked everywhere.
class DensityField : public extract::ScalarField {
public:
    /// Keeps references. @param level value of the surface: logarithm of the density (per side of the frame), 0 for
    /// fields that have a surface.
    /// @param depths if given, what is hidden behind the surface is solid: no shells within.
    DensityField(const RadianceModel& model, double level, const ViewDepths* depths = nullptr);
    void values(std::span<const geom::Vec3f> points, std::span<float> out) const override;
    geom::Box3f domain() const override;
    float iso() const override { return static_cast<float>(level_); }

private:
    const RadianceModel& model_;
    double level_;
    const ViewDepths* depths_;
};

/// The density where rays of the views are half absorbed, median over `rays` pixels drawn from all views, halved: the
/// surfaces that the pictures show lie around it. @return its logarithm; nothing if hardly any ray is stopped.
std::optional<double> surface_level(const RadianceModel& model, const std::vector<PosedView>& views,
                                    std::size_t rays = 4096);

/// Colours of the vertices as seen from outside, along -normal. The mesh needs normals. On the pool.
void color_vertices(const RadianceModel& model, geom::TriMesh& mesh);

}  // namespace nir::render
