// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/error.h"
#include "nir/io/safetensors.h"
#include "nir/render/light_field.h"

#include "render/tensor_fields.h"

#include <cmath>

namespace nir::render {
namespace {

constexpr std::string_view kFormat = "nir.light_field", kVersion = "1";

/// The numbers of a model, by name: written and read by the same list.
template <class Visit>
void visit_numbers(LightFieldConfig& c, FieldFrame& frame, double& reference, double& radius, geom::Camera& camera,
                   geom::Pose& pose, double& distance, Visit&& visit) {
    visit("levels", c.grid.levels), visit("features", c.grid.features), visit("log2_entries", c.grid.log2_entries);
    visit("base_resolution", c.grid.base_resolution), visit("finest_resolution", c.grid.finest_resolution);
    visit("hidden", c.hidden), visit("shadow_rays", c.shadow_rays);
    visit("center_x", frame.center.x), visit("center_y", frame.center.y), visit("center_z", frame.center.z);
    visit("side", frame.side), visit("reference_distance", reference), visit("lamp_radius", radius);
    visit("width", camera.width), visit("height", camera.height), visit("fx", camera.fx), visit("fy", camera.fy);
    visit("cx", camera.cx), visit("cy", camera.cy), visit("distance", distance);
    const auto vector = [&](const char* name, geom::Vec3d& v) {
        for (int k = 0; k < 3; ++k) visit((std::string(name) + "xyz"[k]).c_str(), v[k]);
    };
    vector("right_", pose.right), vector("up_", pose.up), vector("back_", pose.back), vector("eye_", pose.position);
}

std::vector<double> numbers_of(const std::vector<geom::Vec3d>& v) {
    std::vector<double> out;
    for (const geom::Vec3d& p : v) out.insert(out.end(), {p.x, p.y, p.z});
    return out;
}

std::vector<geom::Vec3d> vectors_from(const io::TensorFile& file, const char* name) {
    const std::vector<double> n = read_values<double>(file, name);
    if (n.size() % 3 != 0) fail(ErrorKind::format, "array \"{}\" has {} numbers, expected three each", name, n.size());
    std::vector<geom::Vec3d> out;
    for (std::size_t i = 0; i < n.size(); i += 3) {
        out.push_back({n[i], n[i + 1], n[i + 2]});
        if (!is_finite(out.back())) fail(ErrorKind::format, "array \"{}\" holds a number that is not finite", name);
    }
    return out;
}

geom::TriMesh mesh_from(const io::TensorFile& file) {
    geom::TriMesh mesh;
    mesh.vertices = vectors_from(file, "mesh.vertices");
    for (const geom::Vec3d& n : vectors_from(file, "mesh.normals")) mesh.normals.push_back(static_cast<geom::Vec3f>(n));
    if (mesh.normals.size() != mesh.vertices.size())
        fail(ErrorKind::format, "{} normals for {} vertices", mesh.normals.size(), mesh.vertices.size());
    const std::vector<std::uint32_t> corners = read_values<std::uint32_t>(file, "mesh.faces");
    if (corners.size() % 3 != 0) fail(ErrorKind::format, "array \"mesh.faces\" has {} numbers", corners.size());
    for (std::size_t i = 0; i < corners.size(); i += 3)
        mesh.faces.push_back({corners[i], corners[i + 1], corners[i + 2]});
    for (const std::uint32_t v : corners)
        if (v >= mesh.vertices.size()) fail(ErrorKind::format, "a face names vertex {} of {}", v, mesh.vertices.size());
    return mesh;
}

LightModel read(const std::filesystem::path& path) {
    const io::TensorFile file = io::read_safetensors(path);
    const auto text = [&](const char* key) {
        const auto it = file.metadata.find(key);
        return it == file.metadata.end() ? std::string() : it->second;
    };
    if (text("format") != kFormat) fail(ErrorKind::format, "this is no light field (format \"{}\")", text("format"));
    if (text("version") != kVersion)
        fail(ErrorKind::format, "version {} of the format is not known to this nir", text("version"));
    if (file.arrays.size() != 7) fail(ErrorKind::format, "{} arrays, expected 7", file.arrays.size());
    LightFieldConfig config;
    FieldFrame frame;
    double reference = 1, radius = 0, distance = 1;
    geom::Camera camera;
    geom::Pose pose;
    visit_numbers(config, frame, reference, radius, camera, pose, distance, [&](const char* name, auto& value) {
        value = read_number<std::remove_reference_t<decltype(value)>>(file, name);
    });
    config.traced_shadows = text("shadows") == "traced";
    if (!config.traced_shadows && text("shadows") != "learned")
        fail(ErrorKind::format, "shadows \"{}\" are neither traced nor learned", text("shadows"));
    if (!(frame.side > 0) || !(reference > 0) || !(radius >= 0) || !(distance > 0) || camera.width < 1 ||
        camera.height < 1 || camera.width > 65536 || camera.height > 65536 || !(camera.fx > 0) || !(camera.fy > 0) ||
        config.shadow_rays < 1 || config.shadow_rays > 4096 || geom::rotation_defect(pose) > 1e-6)
        fail(ErrorKind::format, "a number of the metadata is out of range");
    LightField field(config, frame);
    field.reference_distance = reference, field.lamp_radius = radius;
    fill_values(file, "table", field.table);
    fill_values(file, "trunk", field.trunk_weights), fill_values(file, "head", field.head_weights);
    field.refresh_halves();
    field.pack_networks();
    LightModel out{std::move(field), mesh_from(file), vectors_from(file, "lamps"), camera, pose, distance};
    for (const auto& [key, value] : file.metadata)
        if (key.starts_with("info.")) out.info[key] = value;
    return out;
}

}  // namespace

void save_light_field(const std::filesystem::path& path, const LightModel& model) {
    io::TensorFile file;
    file.metadata = model.info;
    file.metadata["format"] = kFormat, file.metadata["version"] = kVersion;
    file.metadata["shadows"] = model.field.config.traced_shadows ? "traced" : "learned";
    LightModel m = model;
    visit_numbers(m.field.config, m.field.frame, m.field.reference_distance, m.field.lamp_radius, m.camera, m.first,
                  m.distance, [&](const char* name, auto& value) { write_number(file, name, value); });
    write_values(file, "table", model.field.table);
    write_values(file, "trunk", model.field.trunk_weights), write_values(file, "head", model.field.head_weights);
    write_values(file, "mesh.vertices", numbers_of(model.mesh.vertices));
    std::vector<geom::Vec3d> normals;
    for (const geom::Vec3f& n : model.mesh.normals) normals.push_back(static_cast<geom::Vec3d>(n));
    write_values(file, "mesh.normals", numbers_of(normals));
    std::vector<std::uint32_t> corners;
    for (const geom::Triangle& t : model.mesh.faces) corners.insert(corners.end(), t.begin(), t.end());
    write_values(file, "mesh.faces", corners);
    write_values(file, "lamps", numbers_of(model.lamps));
    io::write_safetensors(path, file);
}

LightModel load_light_field(const std::filesystem::path& path) {
    return with_context(path.string(), [&] { return read(path); });
}

bool is_light_field(const std::map<std::string, std::string>& metadata) {
    const auto it = metadata.find("format");
    return it != metadata.end() && it->second == kFormat;
}

}  // namespace nir::render
