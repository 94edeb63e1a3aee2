// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/render/function_model.h"

#include "nir/base/error.h"
#include "nir/io/safetensors.h"

#include "render/tensor_fields.h"

namespace nir::render {
namespace {

constexpr std::string_view kFormat = "nir.function", kVersion = "1";

template <class Config, class Visit>
void visit_numbers(Config& config, Visit&& visit) {
    visit("dimensions", config.grid.dimensions), visit("levels", config.grid.levels);
    visit("features", config.grid.features), visit("log2_entries", config.grid.log2_entries);
    visit("base_resolution", config.grid.base_resolution);
    visit("finest_resolution", config.grid.finest_resolution);
    visit("hidden", config.hidden), visit("outputs", config.outputs);
}

FunctionModel read(const std::filesystem::path& path) {
    const io::TensorFile file = io::read_safetensors(path);
    const auto text = [&](const char* key) {
        const auto it = file.metadata.find(key);
        return it == file.metadata.end() ? std::string() : it->second;
    };
    if (text("format") != kFormat) fail(ErrorKind::format, "this is no function (format \"{}\")", text("format"));
    if (text("version") != kVersion)
        fail(ErrorKind::format, "version {} of the format is not known to this nir", text("version"));
    if (file.arrays.size() != 2) fail(ErrorKind::format, "{} arrays, expected 2", file.arrays.size());
    FunctionFieldConfig config;
    visit_numbers(config, [&](const char* name, auto& value) {
        value = read_number<std::remove_reference_t<decltype(value)>>(file, name);
    });
    const bool image = text("kind") == "image";
    if (!image && text("kind") != "distance")
        fail(ErrorKind::format, "the kind \"{}\" is neither \"image\" nor \"distance\"", text("kind"));
    if (config.grid.dimensions != (image ? 2 : 3) || (image ? config.outputs > 4 : config.outputs != 1))
        fail(ErrorKind::format, "a function of kind \"{}\" with {} dimensions and {} outputs", text("kind"),
             config.grid.dimensions, config.outputs);
    FunctionModel model{FunctionField(config), image ? FunctionKind::image : FunctionKind::distance};
    if (image) {
        model.width = read_number<int>(file, "width"), model.height = read_number<int>(file, "height");
        if (model.width < 1 || model.height < 1 || model.width > 65536 || model.height > 65536)
            fail(ErrorKind::format, "a picture of {} x {} pixels", model.width, model.height);
    } else {
        model.frame.center = {read_number<double>(file, "center_x"), read_number<double>(file, "center_y"),
                              read_number<double>(file, "center_z")};
        model.frame.side = read_number<double>(file, "side");
        if (!(model.frame.side > 0)) fail(ErrorKind::format, "the side {} is out of range", model.frame.side);
    }
    fill_values(file, "table", model.field.table);
    fill_values(file, "network", model.field.weights);
    model.field.refresh();
    for (const auto& [key, value] : file.metadata)
        if (key.starts_with("info.")) model.info[key] = value;
    return model;
}

}  // namespace

void save_function(const std::filesystem::path& path, const FunctionModel& model) {
    io::TensorFile file;
    const bool image = model.kind == FunctionKind::image;
    file.metadata["format"] = kFormat, file.metadata["version"] = kVersion;
    file.metadata["kind"] = image ? "image" : "distance";
    FunctionFieldConfig config = model.field.config;
    visit_numbers(config, [&](const char* name, auto& value) { write_number(file, name, value); });
    if (image) {
        write_number(file, "width", model.width), write_number(file, "height", model.height);
    } else {
        write_number(file, "center_x", model.frame.center.x), write_number(file, "center_y", model.frame.center.y);
        write_number(file, "center_z", model.frame.center.z), write_number(file, "side", model.frame.side);
    }
    for (const auto& [key, value] : model.info) file.metadata[key] = value;
    write_values(file, "table", model.field.table), write_values(file, "network", model.field.weights);
    io::write_safetensors(path, file);
}

FunctionModel load_function(const std::filesystem::path& path) {
    return with_context(path.string(), [&] { return read(path); });
}

bool is_function(const std::map<std::string, std::string>& metadata) {
    const auto it = metadata.find("format");
    return it != metadata.end() && it->second == kFormat;
}

}  // namespace nir::render
