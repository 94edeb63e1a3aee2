// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/render/radiance_model.h"

#include "nir/base/error.h"
#include "nir/io/safetensors.h"

#include "render/tensor_fields.h"

#include <array>

namespace nir::render {
namespace {

constexpr std::string_view kFormat = "nir.radiance", kVersion = "2", kSurfaceVersion = "3";

/// The numbers of a model, by name: written and read by the same list.
template <class Model, class Visit>
void visit_numbers(Model& config, FieldFrame& frame, MarchOptions& march, Visit&& visit) {
    visit("levels", config.grid.levels), visit("features", config.grid.features);
    visit("log2_entries", config.grid.log2_entries), visit("base_resolution", config.grid.base_resolution);
    visit("finest_resolution", config.grid.finest_resolution), visit("hidden", config.hidden);
    visit("cascades", config.cascades);
    visit("center_x", frame.center.x), visit("center_y", frame.center.y), visit("center_z", frame.center.z);
    visit("side", frame.side), visit("steps_across", march.steps_across), visit("cone", march.cone);
    visit("near", march.near);
}

constexpr std::size_t kViewNumbers = 31;

std::array<double, kViewNumbers> numbers_of(const TrainedView& view) {
    const geom::Camera& c = view.camera;
    const geom::Pose& p = view.world_from_camera;
    return {static_cast<double>(c.width),
            static_cast<double>(c.height),
            c.fx,
            c.fy,
            c.cx,
            c.cy,
            static_cast<double>(c.lens.model),
            c.lens.k[0],
            c.lens.k[1],
            c.lens.k[2],
            c.lens.k[3],
            c.lens.p1,
            c.lens.p2,
            c.lens.d[0],
            c.lens.d[1],
            c.lens.d[2],
            p.right.x,
            p.right.y,
            p.right.z,
            p.up.x,
            p.up.y,
            p.up.z,
            p.back.x,
            p.back.y,
            p.back.z,
            p.position.x,
            p.position.y,
            p.position.z,
            static_cast<double>(view.gain[0]),
            static_cast<double>(view.gain[1]),
            static_cast<double>(view.gain[2])};
}

TrainedView view_from(std::span<const double> n) {
    for (const double v : n)
        if (!std::isfinite(v)) fail(ErrorKind::format, "a number of a camera is not finite");
    if (!(n[0] >= 1 && n[0] <= 65536 && n[1] >= 1 && n[1] <= 65536 && n[2] > 0 && n[3] > 0 && n[6] >= 0 && n[6] <= 2))
        fail(ErrorKind::format, "a camera of {} x {} pixels with focal length {} and lens {} is out of range", n[0],
             n[1], n[2], n[6]);
    TrainedView view;
    geom::Camera& c = view.camera;
    c.width = static_cast<int>(n[0]), c.height = static_cast<int>(n[1]);
    c.fx = n[2], c.fy = n[3], c.cx = n[4], c.cy = n[5];
    c.lens.model = static_cast<geom::LensModel>(static_cast<int>(n[6]));
    c.lens.k = {n[7], n[8], n[9], n[10]}, c.lens.p1 = n[11], c.lens.p2 = n[12], c.lens.d = {n[13], n[14], n[15]};
    const auto vector = [&](std::size_t at) { return geom::Vec3d{n[at], n[at + 1], n[at + 2]}; };
    view.world_from_camera = {vector(16), vector(19), vector(22), vector(25)};
    view.gain = {static_cast<float>(n[28]), static_cast<float>(n[29]), static_cast<float>(n[30])};
    if (geom::rotation_defect(view.world_from_camera) > 1e-6)
        fail(ErrorKind::format, "the axes of a camera are no rotation");
    return view;
}

void read_views(const io::TensorFile& file, RadianceModel& model) {
    const std::vector<double> numbers = read_values<double>(file, "views");
    if (numbers.size() % kViewNumbers != 0)
        fail(ErrorKind::format, "array \"views\" has {} numbers, expected {} a view", numbers.size(), kViewNumbers);
    for (std::size_t i = 0; i < numbers.size(); i += kViewNumbers)
        model.views.push_back(view_from(std::span(numbers).subspan(i, kViewNumbers)));
}

FieldShape shape_of(const std::string& name) {
    if (name == "distance") return FieldShape::distance;
    if (name == "occupancy") return FieldShape::occupancy;
    fail(ErrorKind::format, "the shape \"{}\" is neither \"distance\" nor \"occupancy\"", name);
}

RadianceModel read(const std::filesystem::path& path) {
    const io::TensorFile file = io::read_safetensors(path);
    const auto text = [&](const char* key) {
        const auto it = file.metadata.find(key);
        return it == file.metadata.end() ? std::string() : it->second;
    };
    if (text("format") != kFormat) fail(ErrorKind::format, "this is no radiance field (format \"{}\")", text("format"));
    const bool surface = text("version") == kSurfaceVersion;
    if (text("version") != kVersion && !surface)
        fail(ErrorKind::format, "version {} of the format is not known to this nir", text("version"));
    const io::NamedArray* environment = file.find("environment");
    const std::size_t expected = environment ? 6 : 5;
    if (file.arrays.size() != expected) fail(ErrorKind::format, "{} arrays, expected {}", file.arrays.size(), expected);
    RadianceFieldConfig config;
    FieldFrame frame;
    MarchOptions march;
    visit_numbers(config, frame, march, [&](const char* name, auto& value) {
        value = read_number<std::remove_reference_t<decltype(value)>>(file, name);
    });
    if (!(frame.side > 0) || !(march.steps_across >= 1) || !(march.cone >= 0))
        fail(ErrorKind::format, "side, steps_across or cone is out of range");
    if (surface) config.shape = shape_of(text("shape"));
    RadianceField field(config);
    if (surface) field.sharpness = read_number<float>(file, "sharpness");
    fill_values(file, "table", field.table);
    fill_values(file, "density", field.density_weights);
    fill_values(file, "colour", field.colour_weights);
    field.refresh_halves();
    field.pack_networks();
    std::vector<std::uint64_t> bricks(static_cast<std::size_t>(config.cascades) * kernels::kBricksPerCascade);
    fill_values(file, "occupancy", bricks);
    RadianceModel model{std::move(field), OccupancyGrid(config.cascades, std::move(bricks)), frame, march};
    read_views(file, model);
    if (environment) {
        const auto& shape = environment->shape;
        if (shape.size() != 3 || shape[0] < 1 || shape[1] < 1 || shape[0] > 4096 || shape[1] > 8192 || shape[2] != 3)
            fail(ErrorKind::format, "array \"environment\" has shape {}", environment->shape_text());
        model.environment = EnvironmentMap(static_cast<int>(shape[1]), static_cast<int>(shape[0]));
        fill_values(file, "environment", model.environment.raw);
    }
    for (const auto& [key, value] : file.metadata)
        if (key.starts_with("info.")) model.info[key] = value;
    return model;
}

}  // namespace

void save_radiance(const std::filesystem::path& path, const RadianceModel& model) {
    io::TensorFile file;
    file.metadata["format"] = kFormat, file.metadata["version"] = kVersion;
    RadianceFieldConfig config = model.field.config;
    FieldFrame frame = model.frame;
    MarchOptions march = model.march;
    visit_numbers(config, frame, march, [&](const char* name, auto& value) { write_number(file, name, value); });
    if (model.field.has_surface()) {
        file.metadata["version"] = kSurfaceVersion;
        file.metadata["shape"] = config.shape == FieldShape::distance ? "distance" : "occupancy";
        write_number(file, "sharpness", model.field.sharpness);
    }
    for (const auto& [key, value] : model.info) file.metadata[key] = value;
    write_values(file, "table", model.field.table), write_values(file, "density", model.field.density_weights);
    write_values(file, "colour", model.field.colour_weights);
    const auto bricks = model.grid.view().bricks;
    write_values(file, "occupancy", std::vector<std::uint64_t>(bricks.begin(), bricks.end()));
    std::vector<double> numbers;
    for (const TrainedView& view : model.views)
        for (const double v : numbers_of(view)) numbers.push_back(v);
    file.arrays.push_back(io::NamedArray::from(
        "views", {static_cast<std::int64_t>(model.views.size()), static_cast<std::int64_t>(kViewNumbers)}, numbers));
    const EnvironmentMap& far = model.environment;
    if (!far.empty()) file.arrays.push_back(io::NamedArray::from("environment", {far.height, far.width, 3}, far.raw));
    io::write_safetensors(path, file);
}

bool is_radiance(const std::map<std::string, std::string>& metadata) {
    const auto it = metadata.find("format");
    return it != metadata.end() && it->second == kFormat;
}

std::vector<PosedView> posed_views(const RadianceModel& model) {
    std::vector<PosedView> out;
    for (const TrainedView& view : model.views) out.push_back({view.camera, view.world_from_camera, {}, {}});
    return out;
}

RadianceModel load_radiance(const std::filesystem::path& path) {
    return with_context(path.string(), [&] { return read(path); });
}

}  // namespace nir::render
