// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/config.h"

#include <cstdint>
#include <string>

namespace nir::pipeline {

/// The table [model] of a light field.
struct LightFieldOptions {
    std::string name = "light_field";
    int levels = 8;
    int features = 4;
    int log2_entries = 16;
    int base_resolution = 8;
    double finest_resolution = 0;
    int hidden = 64;
    std::string shadows = "traced";
    int shadow_rays = 6;

    void describe(ConfigVisitor& v);
};

/// The table [data].
struct LightDataOptions {
    std::string name = "lit_photos";
    std::string path;
    std::string mesh;

    void describe(ConfigVisitor& v);
};

/// The table [train].
struct LightTrainConfig {
    std::int64_t steps = 4000;
    double time = 0;
    int batch = 8192;
    double lr = 1e-2, lr_end = 0.02, decay_from = 0.2;
    int log_every = 100;
    double preview_every = 20, checkpoint_every = 60;
    std::int64_t seed = 0;

    void describe(ConfigVisitor& v);
};

struct LightConfig {
    LightFieldOptions model;
    LightDataOptions data;
    LightTrainConfig train;

    void describe(ConfigVisitor& v);
};

/// True if [model] name = "light_field" stands in the tree.
bool is_light_config(const Config& tree);

}  // namespace nir::pipeline
