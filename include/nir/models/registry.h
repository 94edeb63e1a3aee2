// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/component.h"
#include "nir/base/config.h"
#include "nir/models/model.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace nir::nn {
struct Checkpoint;
}

namespace nir::models {

/// A row of the registry of models: one place per model, visited by `nir list`, the configuration and the tests.
struct ModelRow {
    const char* reference;
    ConfigAlternative config;  ///< name, summary and options
    std::unique_ptr<Model> (*make)(const AnyConfig& config);
};

std::span<const ModelRow> model_rows();
/// The rows' configurations, for an AnyConfig.
std::span<const ConfigAlternative> model_alternatives();
std::vector<Component> model_components();

/// The part of a configuration that says what a model is: a table [model] with a name.
struct ModelConfig {
    AnyConfig model{model_alternatives(), ""};
    void describe(ConfigVisitor& v) { v.table("model", model, "the network"); }
};

/// Reads the [model] table of a configuration; other tables are left to those who use them.
/// @throws nir::Error (config) listing every mistake.
ModelConfig parse_model_config(const Config& config);

/// Builds a network; same configuration and seed, same first weights in every bit.
std::unique_ptr<Model> build_model(const ModelConfig& config, std::uint64_t seed);
std::unique_ptr<Model> build_model(const Config& config, std::uint64_t seed);

/// Builds the network of a model file and fills it.
/// @throws nir::Error (input, format, config), with the file's name.
std::unique_ptr<Model> load_model(const std::filesystem::path& file, bool allow_partial = false);
std::unique_ptr<Model> load_model(const nn::Checkpoint& checkpoint, const std::string& source,
                                  bool allow_partial = false);

}  // namespace nir::models
