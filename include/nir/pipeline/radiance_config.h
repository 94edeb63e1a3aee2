// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/config.h"

#include <cstdint>
#include <string>
#include <vector>

namespace nir::pipeline {

/// The table [model] of a radiance field. Numbers that say 0 (or -1) are worked out from the photos when a training
/// starts; the run folder's config.toml holds what came out.
struct RadianceFieldOptions {
    std::string name = "radiance";
    std::string shape = "density";
    int levels = 8;
    int features = 4;
    int log2_entries = 19;
    int base_resolution = 16;
    double finest_resolution = 0;
    int hidden = 64;
    int cascades = 0;
    double steps_across = 0;
    double cone = -1;
    double near = -1;

    void describe(ConfigVisitor& v);
};

/// The table [data]: which photos.
struct RadianceDataOptions {
    std::string name = "scene";
    std::string path;
    int hold_out = -1;
    int downscale = 0;
    std::string masks;
    std::vector<double> box;

    void describe(ConfigVisitor& v);
};

/// The table [train].
struct RadianceTrainConfig {
    std::int64_t steps = 0;
    double time = 300;
    double lr = 1e-2, lr_end = 0.03, decay_from = 0.3;
    int log2_first_batch = 14, log2_batch = 17, double_every = 150;
    std::string background = "auto", blend = "srgb";
    bool exposure = false, poses = false;
    double distortion = -1, fade = -1;
    int fewest_views = 0;
    double sharpness = 0, eikonal = 0.02, smoothness = 0.005;
    int log_every = 50;
    double preview_every = 5, checkpoint_every = 60;
    int preview_size = 400;
    std::int64_t seed = 0;

    void describe(ConfigVisitor& v);
};

/// A whole training of a radiance field, as it is written into the run folder.
struct RadianceConfig {
    RadianceFieldOptions model;
    RadianceDataOptions data;
    RadianceTrainConfig train;

    void describe(ConfigVisitor& v);
};

/// True if [model] name = "radiance" stands in the tree.
bool is_radiance_config(const Config& tree);

}  // namespace nir::pipeline
