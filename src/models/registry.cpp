// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/models/registry.h"

#include "nir/base/error.h"
#include "nir/nn/checkpoint.h"
#include "nir/nn/seeded.h"
#include "nir/nn/torch_guard.h"

#include "models/atlasnet/atlasnet.h"
#include "models/cascade/cascade_model.h"
#include "models/conv_onet/conv_onet.h"
#include "models/conv_onet/crop_model.h"
#include "models/dvr/dvr_model.h"
#include "models/onet/onet.h"
#include "models/psgn/psgn.h"
#include "models/r2n2/r2n2.h"
#include "models/texture/texture_field.h"

namespace nir::models {

std::span<const ModelRow> model_rows() {
    static const ModelRow kRows[] = {
        {"onet2019",
         config_alternative<OnetConfig>("onet", "Occupancy Network: one code of points, an image, voxels or nothing"),
         [](const AnyConfig& c) -> std::unique_ptr<Model> { return std::make_unique<Onet>(c.get<OnetConfig>()); }},
        {"convonet2020",
         config_alternative<ConvOnetConfig>(
             "conv_onet", "Convolutional Occupancy Network: planes or a volume from points or voxels"),
         [](const AnyConfig& c) -> std::unique_ptr<Model> {
             return std::make_unique<ConvOnet>(c.get<ConvOnetConfig>());
         }},
        {"convonet2020 §3.4",
         config_alternative<ConvOnetCropConfig>("conv_onet_crop",
                                                "Convolutional Occupancy Network that slides over scenes of any size"),
         [](const AnyConfig& c) -> std::unique_ptr<Model> {
             return std::make_unique<ConvOnetCrop>(c.get<ConvOnetCropConfig>());
         }},
        {"",
         config_alternative<CascadeConfig>(
             "cascade", "Octave cascade: scans of any size and density, works in units of their spacing"),
         [](const AnyConfig& c) -> std::unique_ptr<Model> {
             return std::make_unique<CascadeModel>(c.get<CascadeConfig>());
         }},
        {"niemeyer2020",
         config_alternative<DvrConfig>("dvr", "Differentiable volumetric rendering: shape and colour from pictures"),
         [](const AnyConfig& c) -> std::unique_ptr<Model> { return std::make_unique<Dvr>(c.get<DvrConfig>()); }},
        {"oechsle2019",
         config_alternative<TextureFieldConfig>("texture_field",
                                                "Texture field: colours of a given surface from one picture, also of "
                                                "eye and lamp"),
         [](const AnyConfig& c) -> std::unique_ptr<Model> {
             return std::make_unique<TextureField>(c.get<TextureFieldConfig>());
         }},
        {"fan2017",
         config_alternative<PsgnConfig>("psgn", "Point Set Generation Network: a fixed number of points from one code"),
         [](const AnyConfig& c) -> std::unique_ptr<Model> { return std::make_unique<Psgn>(c.get<PsgnConfig>()); }},
        {"choy2016",
         config_alternative<R2n2Config>("r2n2", "Voxels of the unit cube from one code (3D-R2N2's decoder)"),
         [](const AnyConfig& c) -> std::unique_ptr<Model> { return std::make_unique<R2n2>(c.get<R2n2Config>()); }},
        {"groueix2018",
         config_alternative<AtlasnetConfig>("atlasnet", "AtlasNet: squares or a sphere bent into a mesh by one code"),
         [](const AnyConfig& c) -> std::unique_ptr<Model> {
             return std::make_unique<Atlasnet>(c.get<AtlasnetConfig>());
         }},
    };
    return kRows;
}

std::span<const ConfigAlternative> model_alternatives() {
    static const std::vector<ConfigAlternative> all = [] {
        std::vector<ConfigAlternative> out;
        for (const auto& row : model_rows()) out.push_back(row.config);
        return out;
    }();
    return all;
}

std::vector<Component> model_components() {
    std::vector<Component> out;
    for (const auto& row : model_rows()) out.push_back({"model", row.config.name, row.config.summary, row.reference});
    return out;
}

ModelConfig parse_model_config(const Config& config) {
    if (!config.find("model"))
        fail(ErrorKind::config, "{} has no table [model]",
             config.place().file.empty() ? "the configuration" : config.place().file);
    Config only_model(Config::Table{}, config.place());
    only_model.put("model", *config.find("model"));
    return parse_config<ModelConfig>(only_model);
}

std::unique_ptr<Model> build_model(const ModelConfig& config, std::uint64_t seed) {
    for (const auto& row : model_rows()) {
        if (row.config.name != config.model.name()) continue;
        std::unique_ptr<Model> model;
        nn::torch_guard("building the network", [&] {
            const nn::SeededScope seeded(seed);
            model = row.make(config.model);
        });
        return model;
    }
    fail(ErrorKind::config, "there is no model \"{}\"; `nir list model` shows what there is", config.model.name());
}

std::unique_ptr<Model> build_model(const Config& config, std::uint64_t seed) {
    return build_model(parse_model_config(config), seed);
}

std::unique_ptr<Model> load_model(const nn::Checkpoint& checkpoint, const std::string& source, bool allow_partial) {
    auto model = with_context(source, [&] {
        Config config = Config::parse(checkpoint.info.config, "its configuration");
        // Files of early cascades hold the bare options of the model.
        if (!config.find("model") && checkpoint.info.model == "cascade") {
            Config table(Config::Table{});
            table.put("name", Config(checkpoint.info.model));
            table.merge(config);
            config = Config(Config::Table{}, config.place());
            config.put("model", std::move(table));
        }
        return build_model(config, checkpoint.info.seed);
    });
    nn::load_state(model->module(), checkpoint.state, source, allow_partial);
    model->module().eval();
    return model;
}

std::unique_ptr<Model> load_model(const std::filesystem::path& file, bool allow_partial) {
    return load_model(nn::read_checkpoint(file), file.string(), allow_partial);
}

}  // namespace nir::models
