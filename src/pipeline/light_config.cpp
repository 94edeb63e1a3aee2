// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/light_config.h"

namespace nir::pipeline {

void LightFieldOptions::describe(ConfigVisitor& v) {
    v.choice("name", name, {"light_field"}, "the light that a known surface sends out, by place, view and lamp");
    v.field("levels", levels, {.min = 1, .max = 32}, "grids of the hash encoding, from coarse to fine");
    v.field("features", features, {.min = 2, .max = 4}, "numbers per entry of the tables, 2 or 4");
    v.field("log2_entries", log2_entries, {.min = 3, .max = 24}, "a level holds at most 2 to this power of entries");
    v.field("base_resolution", base_resolution, {.min = 2, .max = 4096, .unit = "vertices"},
            "side of the coarsest level");
    v.field("finest_resolution", finest_resolution, {.min = 0, .max = 1e6, .unit = "vertices"},
            "side of the finest level; 0: two cells a pixel of the photos");
    v.field("hidden", hidden, {.min = 16, .max = 256}, "width of the hidden layers, a multiple of 16");
    v.choice("shadows", shadows, {"traced", "learned"},
             "cast shadows are traced through the mesh, or learned from the direction of the lamp (many lamps needed)");
    v.field("shadow_rays", shadow_rays, {.min = 1, .max = 256}, "rays towards a lamp that has a size");
    v.check(features != 3, "features", "must be 2 or 4");
    v.check(hidden % 16 == 0, "hidden", "must be a multiple of 16");
    v.check(levels * features % 16 == 0, "levels", "times features must be a multiple of 16");
    v.check(finest_resolution == 0 || finest_resolution >= base_resolution, "finest_resolution",
            "must not be below base_resolution");
}

void LightDataOptions::describe(ConfigVisitor& v) {
    v.choice("name", name, {"lit_photos"}, "posed photos, each under one small lamp (docs/methods/light_fields.md)");
    v.field("path", path, "folder, or the file that describes the scene");
    v.field("mesh", mesh, "the surface, in the cameras' coordinates; empty: mesh.ply in the folder");
}

void LightTrainConfig::describe(ConfigVisitor& v) {
    v.field("steps", steps, {.min = 0}, "optimiser steps; 0 = until time is over");
    v.field("time", time, {.min = 0, .unit = "s"}, "time in all, sessions together; 0 = no limit");
    v.field("batch", batch, {.min = 64, .max = 1 << 20, .unit = "pixels"}, "pixels a step");
    v.field("lr", lr, {.above = 0}, "learning rate of Adam");
    v.field("lr_end", lr_end, {.max = 1, .above = 0}, "share of lr at the end");
    v.field("decay_from", decay_from, {.min = 0, .max = 1}, "share of the training after which the rate falls");
    v.field("log_every", log_every, {.min = 1, .unit = "steps"}, "lines of metrics.jsonl");
    v.field("preview_every", preview_every, {.min = 0, .unit = "s"}, "pictures of a photo; 0 = none");
    v.field("checkpoint_every", checkpoint_every, {.min = 0, .unit = "s"}, "0 = at the end only");
    v.field("seed", seed, {.min = 0}, "first state of every random number");
    v.check(steps > 0 || time > 0, "steps", "or time must be above 0");
}

void LightConfig::describe(ConfigVisitor& v) {
    v.table("model", model, "the field");
    v.table("data", data, "the photos and the mesh");
    v.table("train", train, "the training");
}

bool is_light_config(const Config& tree) {
    const Config* model = tree.find("model");
    const Config* name = model ? model->find("name") : nullptr;
    const auto* text = name ? std::get_if<std::string>(&name->value()) : nullptr;
    return text && *text == "light_field";
}

}  // namespace nir::pipeline
