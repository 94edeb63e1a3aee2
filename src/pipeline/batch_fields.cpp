// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/batch_fields.h"

#include "nir/base/error.h"
#include "nir/extract/grid_field.h"
#include "nir/io/formats.h"
#include "nir/io/safetensors.h"
#include "nir/models/cascade.h"
#include "nir/models/registry.h"

#include "pipeline/observations.h"

#include <algorithm>

namespace nir::pipeline {
namespace {

/// Lower-case ending with its dot.
std::string ending_of(const std::filesystem::path& path) {
    std::string e = path.extension().string();
    std::transform(e.begin(), e.end(), e.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return e;
}

std::filesystem::path model_in_run(const std::filesystem::path& folder) {
    for (const char* name : {"best.safetensors", "model.safetensors"})
        if (std::filesystem::exists(folder / name)) return folder / name;
    fail(ErrorKind::input, "{}: the folder holds no best.safetensors or model.safetensors", folder.string());
}

/// What the model is shown; an unconditional one nothing, once.
std::vector<models::Observation> observations_for(models::ObservationKind kind, const std::filesystem::path& file,
                                                  const std::filesystem::path& input) {
    if (!input.empty()) return read_observations(input, kind);
    if (kind != models::ObservationKind::none)
        fail(ErrorKind::usage, "{} is a conditional model; give what it should reconstruct with --input",
             file.string());
    return {models::Observation{}};
}

std::vector<OpenField> model_fields(const std::filesystem::path& file, const std::filesystem::path& input,
                                    Progress& progress, PhaseTimer& timer) {
    std::vector<OpenField> out;
    auto reading = timer.phase("read");
    const auto metadata = io::read_safetensors_metadata(file);
    const auto kind = metadata.find("model");
    if (kind != metadata.end() && kind->second == "cascade") {
        const auto observations = observations_for(models::ObservationKind::points, file, input);
        const auto cascade = std::make_shared<models::Cascade>(models::Cascade::load(file));
        reading.close();
        const auto encoding = timer.phase("encode");
        for (const auto& o : observations)
            out.push_back({cascade, cascade->encode(std::get<geom::PointCloud>(o), progress), true, "model cascade"});
        return out;
    }
    const std::shared_ptr<models::Model> model = models::load_model(file);
    const auto observations = observations_for(model->takes(), file, input);
    reading.close();
    const auto encoding = timer.phase("encode");
    const std::string source = input.empty() ? file.string() : input.string();
    for (const auto& o : observations) {
        auto field = with_context(source, [&] { return models::infer_field(*model, o); });
        out.push_back({model, std::move(field), true, "model " + std::string(model->name())});
    }
    return out;
}

}  // namespace

std::vector<OpenField> open_fields(const std::filesystem::path& field, const std::filesystem::path& input,
                                   Progress& progress, PhaseTimer& timer) {
    const bool folder = std::filesystem::is_directory(field);
    if (folder || ending_of(field) == ".safetensors")
        return model_fields(folder ? model_in_run(field) : field, input, progress, timer);
    if (ending_of(field) == ".pt" || ending_of(field) == ".pth")
        fail(ErrorKind::usage,
             "{}: a checkpoint without its configuration; first make a model file of it with `nir convert {} "
             "MODEL.safetensors --config CONFIG.toml`",
             field.string(), field.filename().string());
    if (!input.empty()) fail(ErrorKind::usage, "{} is a volume and takes no --input", field.string());
    const auto reading = timer.phase("read");
    std::vector<OpenField> out;
    out.push_back({nullptr, std::make_unique<extract::GridField>(io::read_voxel_grid(field), 0.0f), false, "volume"});
    return out;
}

}  // namespace nir::pipeline
