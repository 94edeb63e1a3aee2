// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/render/radiance_model.h"

#include "nir/base/error.h"
#include "nir/io/safetensors.h"

#include <bit>
#include <charconv>

namespace nir::render {
namespace {

constexpr std::string_view kFormat = "nir.radiance", kVersion = "1";

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

template <class Number>
Number parse(const std::map<std::string, std::string>& metadata, const char* name) {
    const auto it = metadata.find(name);
    if (it == metadata.end()) fail(ErrorKind::format, "the metadata lacks \"{}\"", name);
    Number out{};
    const char* end = it->second.data() + it->second.size();
    const auto result = std::from_chars(it->second.data(), end, out);
    if (result.ec != std::errc() || result.ptr != end)
        fail(ErrorKind::format, "metadata \"{}\": \"{}\" is not a number", name, it->second);
    return out;
}

void fill(const io::TensorFile& file, const char* name, std::vector<float>& out) {
    const io::NamedArray& array = file.at(name);
    if (array.dtype != io::DType::f32 || array.count() != out.size())
        fail(ErrorKind::format, "array \"{}\" is {} {}, expected {} float32 values", name, io::name_of(array.dtype),
             array.shape_text(), out.size());
    const auto values = array.view<float>();
    out.assign(values.begin(), values.end());
}

io::NamedArray floats(const char* name, const std::vector<float>& values) {
    return io::NamedArray::from(name, {static_cast<std::int64_t>(values.size())}, values);
}

RadianceModel read(const std::filesystem::path& path) {
    const io::TensorFile file = io::read_safetensors(path);
    const auto text = [&](const char* key) {
        const auto it = file.metadata.find(key);
        return it == file.metadata.end() ? std::string() : it->second;
    };
    if (text("format") != kFormat) fail(ErrorKind::format, "this is no radiance field (format \"{}\")", text("format"));
    if (text("version") != kVersion)
        fail(ErrorKind::format, "version {} of the format is not known to this nir", text("version"));
    if (file.arrays.size() != 4) fail(ErrorKind::format, "{} arrays, expected 4", file.arrays.size());
    RadianceFieldConfig config;
    FieldFrame frame;
    MarchOptions march;
    visit_numbers(config, frame, march, [&](const char* name, auto& value) {
        value = parse<std::remove_reference_t<decltype(value)>>(file.metadata, name);
    });
    if (!(frame.side > 0) || !(march.steps_across >= 1) || !(march.cone >= 0))
        fail(ErrorKind::format, "side, steps_across or cone is out of range");
    RadianceField field(config);
    fill(file, "table", field.table);
    fill(file, "density", field.density_weights);
    fill(file, "colour", field.colour_weights);
    field.refresh_halves();
    field.pack_networks();
    const io::NamedArray& bits = file.at("occupancy");
    const std::size_t bricks = static_cast<std::size_t>(config.cascades) * kernels::kBricksPerCascade;
    if (bits.dtype != io::DType::i64 || bits.count() != bricks)
        fail(ErrorKind::format, "array \"occupancy\" is not {} int64 values", bricks);
    std::vector<std::uint64_t> words;
    for (const std::int64_t word : bits.view<std::int64_t>()) words.push_back(std::bit_cast<std::uint64_t>(word));
    return {std::move(field), OccupancyGrid(config.cascades, std::move(words)), frame, march};
}

}  // namespace

void save_radiance(const std::filesystem::path& path, const RadianceModel& model) {
    io::TensorFile file;
    file.metadata["format"] = kFormat, file.metadata["version"] = kVersion;
    RadianceFieldConfig config = model.field.config;
    FieldFrame frame = model.frame;
    MarchOptions march = model.march;
    visit_numbers(config, frame, march,
                  [&](const char* name, auto& value) { file.metadata[name] = fmt::format("{}", value); });
    std::vector<std::int64_t> words;
    for (const std::uint64_t word : model.grid.view().bricks) words.push_back(std::bit_cast<std::int64_t>(word));
    file.arrays = {floats("table", model.field.table), floats("density", model.field.density_weights),
                   floats("colour", model.field.colour_weights),
                   io::NamedArray::from("occupancy", {static_cast<std::int64_t>(words.size())}, words)};
    io::write_safetensors(path, file);
}

RadianceModel load_radiance(const std::filesystem::path& path) {
    return with_context(path.string(), [&] { return read(path); });
}

}  // namespace nir::render
