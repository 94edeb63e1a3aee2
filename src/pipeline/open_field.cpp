// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/open_field.h"

#include "nir/base/error.h"
#include "nir/extract/grid_field.h"
#include "nir/io/formats.h"
#include "nir/io/safetensors.h"
#include "nir/models/cascade.h"
#include "nir/models/model.h"
#include "nir/models/registry.h"
#include "nir/render/function_model.h"

#include "pipeline/observations.h"

#include <array>
#include <cmath>
#include <locale>
#include <map>
#include <sstream>

namespace nir::pipeline {
namespace fs = std::filesystem;
namespace {

/// The cascade stands beside the registry: encoding a scan takes long enough for a progress bar.
FieldSource open_cascade(const fs::path& file, const OpenFieldOptions& options, Progress& progress, PhaseTimer& timer) {
    if (!options.input) fail(ErrorKind::usage, "{} needs a scan: --input", file.string());
    auto reading = timer.phase("read");
    const auto model = models::Cascade::load(file);
    const auto cloud = io::read_point_cloud(*options.input);
    reading.close();
    const auto encoding = timer.phase("encode");
    FieldSource source;
    source.kind = "cascade";
    source.is_probability = true;
    source.field = with_context(options.input->string(), [&] { return model.encode(cloud, progress); });
    return source;
}

/// The learned distance to a mesh, in the mesh's own coordinates.
FieldSource open_function(const fs::path& file) {
    auto model = std::make_shared<const render::FunctionModel>(render::load_function(file));
    if (model->kind != render::FunctionKind::distance)
        fail(ErrorKind::usage, "{} is a picture: nir render draws it", file.string());
    FieldSource source;
    source.kind = "function";
    source.is_probability = true;
    source.field = std::make_unique<render::FunctionSurface>(std::move(model));
    return source;
}

/// Where the training set had the object, from the metadata of the file.
std::optional<geom::Frame> world_frame(const std::map<std::string, std::string>& metadata) {
    const auto center = metadata.find("world.center"), scale = metadata.find("world.scale");
    if (center == metadata.end() && scale == metadata.end()) return {};
    std::array<double, 4> v{};
    std::istringstream in((center == metadata.end() ? "" : center->second) + " " +
                          (scale == metadata.end() ? "" : scale->second));
    in.imbue(std::locale::classic());
    for (double& x : v) in >> x;
    if (!in || !(v[3] > 0) || !std::isfinite(v[0] + v[1] + v[2] + v[3]))
        fail(ErrorKind::format, "metadata \"world.center\" and \"world.scale\" are no centre and length");
    return geom::Frame{{v[0], v[1], v[2]}, v[3]};
}

FieldSource open_model(const fs::path& file, const OpenFieldOptions& options, Progress& progress, PhaseTimer& timer) {
    if (options.origin || options.spacing) {
        fail(ErrorKind::usage, "--origin and --spacing place a volume; {} is a model", options.field.string());
    }
    auto reading = timer.phase("read");
    const auto metadata = io::read_safetensors_metadata(file);
    const auto name = metadata.find("model");
    if (name != metadata.end() && name->second == "cascade") {
        reading.close();
        return open_cascade(file, options, progress, timer);
    }
    if (render::is_function(metadata)) {
        if (options.input) fail(ErrorKind::usage, "--input: {} is one shape", file.string());
        return open_function(file);
    }
    auto model = models::load_model(file);
    models::ShapeSource shape;
    if (model->generative()) shape.seed = options.seed;
    if (options.input) shape.observation = read_observation(*options.input, model->takes());
    if (!options.input && model->takes() != models::ObservationKind::none)
        fail(ErrorKind::usage, "{} needs {}: --input", file.string(), nn::describe(model->takes()));
    reading.close();
    const auto encoding = timer.phase("encode");
    FieldSource source;
    source.kind = model->name();
    source.frame = with_context(file.string(), [&] { return world_frame(metadata); });
    models::Shape made =
        with_context(options.input ? options.input->string() : file.string(), [&] { return model->sample(shape); });
    source.is_probability = true;
    if (auto* field = std::get_if<std::unique_ptr<extract::ScalarField>>(&made)) source.field = std::move(*field);
    if (auto* grid = std::get_if<geom::VoxelGrid>(&made)) source.volume = std::move(*grid);
    if (auto* cloud = std::get_if<geom::PointCloud>(&made)) source.cloud = std::move(*cloud);
    if (auto* mesh = std::get_if<geom::TriMesh>(&made)) source.mesh = std::move(*mesh);
    return source;
}

}  // namespace

std::optional<fs::path> model_file_of(const OpenFieldOptions& options) {
    std::error_code error;
    if (fs::is_directory(options.field, error)) {
        const fs::path best = options.field / "best.safetensors", latest = options.field / "model.safetensors";
        if (options.best && fs::is_regular_file(best, error)) return best;
        if (fs::is_regular_file(latest, error)) return latest;
        fail(ErrorKind::input, "{}: a folder without model.safetensors is no run", options.field.string());
    }
    if (options.field.extension() == ".safetensors") return options.field;
    return std::nullopt;
}

extract::ScalarField& FieldSource::as_field(float iso) {
    if (!field) {
        NIR_CHECK(volume.has_value());
        field = std::make_unique<extract::GridField>(std::move(*volume), iso);
        volume.reset();
    }
    return *field;
}

FieldSource open_field(const OpenFieldOptions& options, Progress& progress, PhaseTimer& timer) {
    if (const auto file = model_file_of(options)) return open_model(*file, options, progress, timer);
    if (options.input) {
        fail(ErrorKind::usage, "--input is for models; {} is a volume", options.field.string());
    }
    const auto reading = timer.phase("read");
    FieldSource source;
    source.kind = "volume";
    source.volume = io::read_voxel_grid(options.field);
    if (options.origin) source.volume->origin = *options.origin;
    if (options.spacing) source.volume->spacing = *options.spacing;
    return source;
}

}  // namespace nir::pipeline
