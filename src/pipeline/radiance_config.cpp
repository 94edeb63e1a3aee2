// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/radiance_config.h"

namespace nir::pipeline {

void RadianceFieldOptions::describe(ConfigVisitor& v) {
    v.choice("name", name, {"radiance"}, "density and colour at every point, learned from posed photos");
    v.choice("shape", shape, {"density", "distance", "occupancy"},
             "what the field is: a density, or a surface by its signed distance (NeuS) or its occupancy (UNISURF)");
    v.field("levels", levels, {.min = 1, .max = 32}, "grids of the hash encoding, from coarse to fine");
    v.field("features", features, {.min = 2, .max = 4}, "numbers per entry of the tables, 2 or 4");
    v.field("log2_entries", log2_entries, {.min = 3, .max = 24}, "a level holds at most 2 to this power of entries");
    v.field("base_resolution", base_resolution, {.min = 2, .max = 4096, .unit = "vertices"},
            "side of the coarsest level");
    v.field("finest_resolution", finest_resolution, {.min = 0, .max = 1e6, .unit = "vertices"},
            "side of the finest level; 0: three cells a pixel of the photos");
    v.field("hidden", hidden, {.min = 16, .max = 256}, "width of the hidden layers, a multiple of 16");
    v.field("cascades", cascades, {.min = 0, .max = 8},
            "nested cubes, each twice as wide; 0: one for photos with transparency, as aabb_scale says, or four");
    v.field("steps_across", steps_across, {.min = 0, .max = 65536},
            "steps along the diagonal of the innermost cube; 0: half a pixel of the photos");
    v.field("cone", cone, {.min = -1, .max = 0.1},
            "growth of the steps with the distance; -1: 0 for one cascade, otherwise 1/256");
    v.field(
        "near", near, {.min = -1, .unit = "world units"},
        "nothing is sampled nearer to a camera; -1: 0 for one cascade, otherwise a tenth of the distance to what the "
        "cameras look at");
    v.check(shape == "density" || cascades <= 1, "cascades", "must be 1 for fields with a surface");
    v.check(features != 3, "features", "must be 2 or 4");
    v.check(hidden % 16 == 0, "hidden", "must be a multiple of 16");
    v.check(levels * features % 16 == 0, "levels", "times features must be a multiple of 16");
    v.check(finest_resolution == 0 || finest_resolution >= base_resolution, "finest_resolution",
            "must not be below base_resolution");
}

void RadianceDataOptions::describe(ConfigVisitor& v) {
    v.choice("name", name, {"scene"}, "posed photos (docs/formats/scenes.md)");
    v.field("path", path, "folder, or the file that describes the scene");
    v.field("hold_out", hold_out, {.min = -1},
            "every n-th photo is left out of the training if the scene has no test views; 0: none; -1: the first of "
            "twelve or more, for previews");
    v.field("downscale", downscale, {.min = 0, .max = 64},
            "photos are shrunk by this whole number; 0: not at all, or as much as --max-memory asks for");
    v.choice("masks", masks, {"", "valid", "ignore", "object", "alpha"},
             "what bright pixels of masks say, instead of the rules of the scene's format");
    v.field("box", box, {.unit = "world units", .max_count = 6},
            "x, y, z of the lower and the upper corner of what is to be learned; empty: from the scene");
    v.check(box.empty() || box.size() == 6, "box", "takes six numbers");
    v.check(box.size() != 6 || (box[0] < box[3] && box[1] < box[4] && box[2] < box[5]), "box",
            "must have its lower corner below the upper one");
}

void RadianceTrainConfig::describe(ConfigVisitor& v) {
    v.field("steps", steps, {.min = 0}, "optimiser steps; 0 = until time is over");
    v.field("time", time, {.min = 0, .unit = "s"}, "time in all, sessions together; 0 = no limit");
    v.field("lr", lr, {.above = 0}, "learning rate of Adam");
    v.field("lr_end", lr_end, {.max = 1, .above = 0}, "share of lr at the end");
    v.field("decay_from", decay_from, {.min = 0, .max = 1}, "share of the training after which the rate falls");
    v.field("log2_first_batch", log2_first_batch, {.min = 8, .max = 20},
            "samples a step at the start, as a power of 2");
    v.field("log2_batch", log2_batch, {.min = 8, .max = 20}, "samples a step in the end, as a power of 2");
    v.field("double_every", double_every, {.min = 1, .unit = "steps"}, "the samples of a step double so often");
    v.choice("background", background, {"auto", "random", "white", "black", "environment"},
             "behind transparent pixels and behind everything: a random colour a ray, one colour, or colours by "
             "direction that are learned; auto: random for transparent photos, otherwise environment");
    v.choice("blend", blend, {"srgb", "linear"},
             "how transparent pixels are laid over the background: as NeRF's tables, or in linear light");
    v.field("exposure", exposure, "learn brightness and white balance of every photo");
    v.field("poses", poses, "refine where the cameras stood");
    v.field("distortion", distortion, {.min = -1, .max = 10},
            "weight of the loss that draws the samples of a ray together, about 0.001; -1: 0");
    v.field("fade", fade, {.min = -1, .unit = "world units"},
            "what is nearer to a camera learns less, so that nothing floats in front of it; -1: 0");
    v.field("fewest_views", fewest_views, {.min = 0, .max = 100},
            "cells that fewer cameras have in their picture stay empty; 0: 1 for one cascade, otherwise 2");
    v.field("sharpness", sharpness, {.min = 0, .max = 1e6},
            "of a signed distance in the end: 1 / width of the transition, per side of the cube; 0: a step");
    v.field("eikonal", eikonal, {.min = 0, .max = 100},
            "weight of (slope - 1)² of a signed distance, beside Huber's loss of a ray");
    v.field("smoothness", smoothness, {.min = 0, .max = 100},
            "weight of the squared change of a surface's slope from cell to cell");
    v.field("log_every", log_every, {.min = 1, .unit = "steps"}, "lines of metrics.jsonl");
    v.field("preview_every", preview_every, {.min = 0, .unit = "s"},
            "pictures of a held-out view; 0 = none; fewer if they would take a tenth of the time");
    v.field("preview_size", preview_size, {.min = 16, .max = 16384, .unit = "pixels"}, "longest side of a preview");
    v.field("checkpoint_every", checkpoint_every, {.min = 0, .unit = "s"}, "0 = at the end only");
    v.field("seed", seed, {.min = 0}, "first state of every random number");
    v.check(steps > 0 || time > 0, "steps", "or time must be above 0");
    v.check(log2_first_batch <= log2_batch, "log2_first_batch", "must not be above log2_batch");
}

void RadianceConfig::describe(ConfigVisitor& v) {
    v.table("model", model, "the field");
    v.table("data", data, "the photos");
    v.table("train", train, "the training");
    const bool surface = model.shape != "density";
    v.check(!surface || (!train.poses && train.distortion <= 0), "train",
            "has poses or distortion, which are for model.shape = \"density\"");
}

bool is_radiance_config(const Config& tree) {
    const Config* model = tree.find("model");
    const Config* name = model ? model->find("name") : nullptr;
    const auto* text = name ? std::get_if<std::string>(&name->value()) : nullptr;
    return text && *text == "radiance";
}

}  // namespace nir::pipeline
