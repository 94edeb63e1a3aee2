// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/extract/scalar_field.h"
#include "nir/geom/shapes.h"
#include "nir/render/function_field.h"
#include "nir/render/posed_view.h"

#include <filesystem>
#include <map>
#include <memory>
#include <string>

namespace nir::render {

/// What was learned: a picture (colours at points of the unit square, y down) or the signed distance to a mesh
/// (negative inside, in sides of the frame's cube).
enum class FunctionKind { image, distance };

struct FunctionModel {
    FunctionField field;
    FunctionKind kind = FunctionKind::image;
    int width = 0, height = 0;                  ///< of the picture
    FieldFrame frame{};                         ///< of the mesh
    std::map<std::string, std::string> info{};  ///< names begin with "info."
};

/// safetensors, format "nir.function", version 1: docs/formats/function.md. @throws Error io.
void save_function(const std::filesystem::path& path, const FunctionModel& model);
/// @throws Error input, format.
FunctionModel load_function(const std::filesystem::path& path);
/// True if the metadata of a safetensors file are those of a function.
bool is_function(const std::map<std::string, std::string>& metadata);

/// Signed distances to a mesh at points drawn beforehand: half of the samples on the surface, 3/8 around it (logistic
/// offsets, a third of them wide), 1/8 anywhere in the cube. Inside is what the winding number says. Ref: mueller2022
/// §5.2.
class DistanceSamples {
public:
    /// @param count of the points that are kept. @throws Error{input} for a mesh without area.
    DistanceSamples(const geom::TriMesh& mesh, const FieldFrame& frame, std::size_t count, std::uint64_t seed);
    /// Draws from them. Keeps a reference to this object.
    FunctionSource source() const;
    std::size_t size() const { return distance_.size(); }

private:
    std::vector<float> x_, y_, z_, distance_;
};

/// The learned distance at world points, negated: positive inside, sides of the cube. On the pool.
void inside_values(const FunctionModel& model, std::span<const geom::Vec3f> points, std::span<float> out);

/// inside_values as an implicit function, level 0.
class FunctionSurface : public extract::ScalarField {
public:
    explicit FunctionSurface(std::shared_ptr<const FunctionModel> model) : model_(std::move(model)) {}
    void values(std::span<const geom::Vec3f> points, std::span<float> out) const override {
        inside_values(*model_, points, out);
    }
    geom::Box3f domain() const override;

private:
    std::shared_ptr<const FunctionModel> model_;
};

/// Share of the cube's points inside both among those inside one of them; exact for the mesh. @param points drawn
/// uniformly in the mesh's box.
double function_iou(const FunctionModel& model, const geom::TriMesh& mesh, std::size_t points, std::uint64_t seed);

}  // namespace nir::render
