// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/train_config.h"

#include "nir/data/cascade_samples.h"
#include "nir/data/dataset.h"
#include "nir/data/picture_samples.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nir::pipeline {

void TrainConfig::describe(ConfigVisitor& v) {
    v.field("batch_size", batch_size, {.min = 1, .max = 4096, .unit = "samples"}, "samples per step");
    v.field("lr", lr, {.max = 10, .above = 0}, "learning rate of Adam");
    v.choice("schedule", schedule, {{"constant", Schedule::constant}, {"cosine", Schedule::cosine}},
             "how the learning rate falls until the last step or the end of the time, whichever is nearer");
    v.field("lr_end", lr_end, {.min = 0, .max = 1, .unit = "relative to lr"}, "where the cosine ends");
    v.field("warmup_steps", warmup_steps, {.min = 0, .max = 1e9, .unit = "steps"},
            "steps in which the learning rate rises from 0");
    v.field("clip_norm", clip_norm, {.min = 0}, "longest gradient over all parameters; 0 = no limit");
    v.field("ema", ema, {.min = 0, .max = 0.999999},
            "decay per step of the averaged weights, which are validated and saved; 0 = the raw ones");
    v.field("steps", steps, {.min = 0, .max = 1e12, .unit = "steps"}, "optimiser steps; 0 = until the time is over");
    v.field("time", time, {.min = 0, .unit = "s"}, "time of all sessions together; 0 = no limit");
    v.check(steps > 0 || time > 0, "steps", "with neither steps nor time the training would never end");
    v.field("log_every", log_every, {.min = 1, .unit = "steps"}, "steps that a line of metrics.jsonl stands for");
    v.field("checkpoint_every", checkpoint_every, {.min = 0, .unit = "steps"}, "between checkpoints; 0 = at the end");
    v.field("validate_every", validate_every, {.min = 0, .unit = "steps"}, "between validations; 0 = at the end");
    v.field("validation_batches", validation_batches, {.min = 0, .max = 100000}, "held-out batches for the loss");
    v.field("validation_scans", validation_scans, {.min = 0, .max = 100000}, "held-out scans for the IoU");
    v.field("validation_points", validation_points, {.min = 16, .max = 10000000, .unit = "points"},
            "labelled points of each scan, in the box and as many near the surface");
    v.field("preview_every", preview_every, {.min = 0, .unit = "steps"}, "between preview pictures; 0 = at the end");
    v.field("preview_scans", preview_scans, {.min = 0, .max = 64}, "held-out scans with a picture");
    v.field("preview_cells", preview_cells, {.min = 16, .max = 1024, .unit = "cells"},
            "resolution of the meshes in the pictures");
    v.field("workers", workers, {.min = 0, .max = 256, .unit = "threads"},
            "threads that make samples ahead; 0 = made when needed");
    v.field("seed", seed, {.min = 0}, "of first weights and training samples");
}

double TrainConfig::learning_rate(std::int64_t step, double seconds) const {
    double factor = warmup_steps > 0 ? std::min(1.0, static_cast<double>(step) / warmup_steps) : 1.0;
    if (schedule == Schedule::cosine) {
        double done = 0;
        if (steps > 0) done = static_cast<double>(step - 1) / static_cast<double>(steps);
        if (time > 0) done = std::max(done, seconds / time);
        const double fall = 0.5 * (1 + std::cos(std::numbers::pi * std::min(done, 1.0)));
        factor *= lr_end + (1 - lr_end) * fall;
    }
    return lr * factor;
}

namespace {

/// The fields of the chosen model as a struct of their own.
struct ModelFields {
    AnyConfig model;
    void describe(ConfigVisitor& v) { model.describe(v); }
};
ModelFields models_config(const AnyConfig& model) { return {model}; }

/// What batches of a model's training set hold (DataRow::batch).
std::string_view batch_of(const AnyConfig& model) {
    if (model.name() == "cascade") return "cascade";
    if (model.name() == "texture_field") return "pictures";
    if (model.name() != "dvr") return "occupancy";
    const Config tree = to_config(models_config(model));
    return std::get<std::string>(tree.find("encoder")->find("name")->value()) == "null" ? "views" : "pictures";
}

}  // namespace

void RunConfig::describe(ConfigVisitor& v) {
    v.table("model", model, "the network");
    // Without [data] a model gets what suits it; a name in the file still has its say, and the check below.
    const bool cascade = model.name() == "cascade";
    const std::string_view batch = batch_of(model);
    const auto suits = [&] { return data::data_row(data.name()).batch == batch; };
    if (!model.name().empty() && !suits()) data.select(default_data(model));
    v.table("data", data, "what it is trained on");
    v.table("train", train, "how it is trained");
    if (model.name().empty()) return;
    v.check(suits(), "data",
            batch == "occupancy" ? fmt::format("[data] name = \"{}\" does not suit the model \"{}\"; use \"generated\"",
                                               data.name(), model.name())
                                 : fmt::format("model \"{}\" needs [data] name = \"{}\"", model.name(), batch));
    // The network's options by name: its struct belongs to the models.
    const Config tree = to_config(models_config(model));
    const auto option = [&tree](std::string_view key) { return *tree.find(key); };
    if (const auto* set = data.get_if<data::DatasetConfig>(); set != nullptr && tree.find("image_size") != nullptr) {
        using Observation = data::DatasetConfig::Observation;
        const auto size = std::get<std::int64_t>(option("image_size").value());
        const bool may_show = set->observation == Observation::model || set->observation == Observation::image;
        v.check(!may_show || size == 0 || size == set->image_size, "data",
                "data.image_size must equal model.image_size, or pictures would be scaled otherwise in use");
    }
    if (const auto* set = data.get_if<data::PictureDataConfig>();
        set != nullptr && tree.find("image_size") != nullptr) {
        const auto size = std::get<std::int64_t>(option("image_size").value());
        v.check(size == 0 || size == set->image_size, "data",
                "data.image_size must equal model.image_size, or pictures would be scaled otherwise in use");
    }
    const auto* samples = data.get_if<data::CascadeDataConfig>();
    if (!cascade || !samples) return;
    v.check(std::get<std::int64_t>(option("coarse_cells").value()) == samples->cells, "data",
            "data.cells must equal model.coarse_cells");
    for (const char* unet : {"coarse", "fine"}) {
        const auto levels = std::get<Config::List>(option(unet).find("widths")->value()).size();
        v.check(levels <= 6 && samples->cells % (1 << (std::max<std::size_t>(levels, 1) - 1)) == 0, "model",
                "has more U-Net levels than data.cells can be halved");
    }
}

std::string_view default_data(const AnyConfig& model) {
    const std::string_view batch = batch_of(model);
    return batch == "occupancy" ? "generated" : batch;
}

RunConfig load_run_config(const TrainOptions& options) {
    Config tree = Config::load(options.config, options.overrides);
    if (options.steps) tree.set(fmt::format("train.steps={}", *options.steps));
    if (options.time_s) tree.set(fmt::format("train.time={}", *options.time_s));
    if (options.seed) tree.set(fmt::format("train.seed={}", *options.seed));
    return parse_config<RunConfig>(tree);
}

}  // namespace nir::pipeline
