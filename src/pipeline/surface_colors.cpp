// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/surface_colors.h"

#include "nir/base/error.h"
#include "nir/base/rng.h"
#include "nir/geom/sampling.h"
#include "nir/io/formats.h"
#include "nir/io/safetensors.h"
#include "nir/models/registry.h"

#include "pipeline/observations.h"

namespace nir::pipeline {

std::vector<geom::Vec3f> ColoredSurface::in_frame(std::span<const geom::Vec3d> points) const {
    std::vector<geom::Vec3f> out;
    out.reserve(points.size());
    for (const geom::Vec3d& p : points) out.push_back(static_cast<geom::Vec3f>(frame.unit_from_user(p)));
    return out;
}

bool is_surface_color_model(const std::filesystem::path& file) {
    const auto metadata = io::read_safetensors_metadata(file);
    const auto name = metadata.find("model");
    return name != metadata.end() && name->second == "texture_field";
}

ColoredSurface look_at_surface(const std::filesystem::path& model, const std::filesystem::path& mesh,
                               const std::filesystem::path& picture, std::uint64_t seed) {
    ColoredSurface out;
    out.model = models::load_model(model);
    out.colorer = dynamic_cast<models::SurfaceColorModel*>(out.model.get());
    if (out.colorer == nullptr)
        fail(ErrorKind::usage, "{} holds a model \"{}\", which does not colour surfaces that are given", model.string(),
             out.model->name());
    out.mesh = io::read_mesh(mesh);
    std::vector<geom::Vec3f> points;
    with_context(mesh.string(), [&] {
        geom::Box3d box;
        for (const auto& f : out.mesh.faces)
            for (const auto v : f)
                if (v < out.mesh.vertices.size()) box.extend(out.mesh.vertices[v]);
        if (box.empty() || !(box.longest_side() > 0)) fail(ErrorKind::input, "the mesh has no size");
        out.frame = {box.center(), box.longest_side()};
        Rng rng(seed);
        points = out.in_frame(geom::sample_surface(out.mesh, out.colorer->wanted_points(), rng).points);
    });
    const models::Observation seen = read_observation(picture, models::ObservationKind::image);
    out.colors =
        with_context(picture.string(), [&] { return out.colorer->look(std::get<geom::RgbImage>(seen), points); });
    return out;
}

}  // namespace nir::pipeline
