// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// nir train: a configuration becomes a run folder with a model in it.
#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/pipeline/train.h"

#include "verb.h"

#include <memory>

namespace nir::app {

VerbRun add_train(CLI::App& app) {
    struct Arguments {
        pipeline::TrainOptions train;
        std::int64_t steps = 0;
        double time_s = 0;
    };
    auto a = std::make_shared<Arguments>();
    app.add_option("CONFIG", a->train.config, "TOML file with [model], [data] and [train]")->required();
    app.add_option("--out", a->train.out, "Run folder: configuration, metrics, weights, pictures")
        ->required()
        ->type_name("RUN");
    add_set_option(app, a->train.overrides);
    auto* resume = app.add_flag("--resume", a->train.resume, "Go on from the last checkpoint in RUN");
    app.add_flag("--force", a->train.force, "Replace the run that is in RUN")->excludes(resume);
    auto* steps = app.add_option("--steps", a->steps, "Optimiser steps in all; instead of train.steps")
                      ->check(CLI::NonNegativeNumber);
    auto* time = add_duration_option(app, "--time", a->time_s, "Time in all, like 90m; instead of train.time");
    app.add_option("--init", a->train.init, "Model file whose weights to start from")
        ->type_name("MODEL")
        ->excludes(resume);
    const CLI::App* root = app.get_parent();
    return [=](VerbContext& context) {
        if (context.options.device == "cuda") fail(ErrorKind::usage, "--device cuda: training runs on the CPU only");
        if (steps->count() > 0) a->train.steps = a->steps;
        if (time->count() > 0) a->train.time_s = a->time_s;
        if (root && root->count("--seed") > 0) a->train.seed = context.seed;
        const auto training = context.timer.phase("train");
        const pipeline::TrainResult result = pipeline::train(a->train, context.progress);
        context.json["steps"] = result.steps;
        context.json["loss"] = result.loss;
        auto& best = context.json["best"];
        if (!result.best.empty())
            best = {{"iou", result.best_iou}, {"step", result.best_step}, {"file", result.best.string()}};
        context.json["model"] = result.model.string();
        context.json["training_seconds"] = result.seconds;
        context.json["data_wait"] = result.data_wait;
        context.print("{}\n", result.model.string());
        if (!result.best.empty())
            context.print("{} (IoU {:.4f} at step {})\n", result.best.string(), result.best_iou, result.best_step);
    };
}

}  // namespace nir::app
