// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// nir train: a configuration, or a folder of posed photos, becomes a run folder with a model in it.
#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/pipeline/function.h"
#include "nir/pipeline/light.h"
#include "nir/pipeline/radiance.h"
#include "nir/pipeline/train.h"

#include "verb.h"

#include <memory>

namespace nir::app {
namespace {

void run_radiance(const pipeline::TrainRadianceOptions& options, VerbContext& context) {
    const auto training = context.timer.phase("train");
    const pipeline::TrainRadianceResult r = pipeline::train_radiance(options, context.progress);
    context.json["steps"] = r.steps;
    context.json["loss"] = r.loss;
    context.json["psnr"] = r.psnr;
    auto& best = context.json["best"];
    if (r.best_psnr > 0) best = {{"psnr", r.best_psnr}, {"step", r.best_step}};
    if (r.views > 0) context.json[r.held_out ? "validation_psnr" : "view_psnr"] = r.view_psnr;
    context.json["views"] = r.views;
    context.json["samples_per_second"] = r.samples_per_second;
    context.json["model"] = r.model.string();
    context.json["training_seconds"] = r.seconds;
    context.print("{}\n", r.model.string());
    if (r.views > 0)
        context.print("PSNR {:.2f} dB over {} {}, {:.2f} dB over the trained rays\n", r.view_psnr, r.views,
                      r.held_out ? "held-out views" : "of the photos", r.psnr);
}

void run_function(const pipeline::TrainFunctionOptions& options, VerbContext& context) {
    const auto training = context.timer.phase("train");
    const pipeline::TrainFunctionResult r = pipeline::train_function(options, context.progress);
    context.json["steps"] = r.steps;
    context.json["loss"] = r.loss;
    if (r.image)
        context.json["psnr"] = r.psnr;
    else
        context.json["iou"] = r.iou;
    context.json["model"] = r.model.string();
    context.json["training_seconds"] = r.seconds;
    context.print("{}\n", r.model.string());
    if (r.image)
        context.print("PSNR {:.2f} dB\n", r.psnr);
    else
        context.print("IoU {:.4f}\n", r.iou);
}

void run_light(const pipeline::TrainLightOptions& options, VerbContext& context) {
    const auto training = context.timer.phase("train");
    const pipeline::TrainLightResult r = pipeline::train_light(options, context.progress);
    context.json["steps"] = r.steps, context.json["loss"] = r.loss, context.json["psnr"] = r.psnr;
    context.json["best"] = nullptr, context.json["samples"] = r.samples;
    context.json["model"] = r.model.string(), context.json["training_seconds"] = r.seconds;
    context.json["processor_seconds"] = r.processor_seconds;
    context.print("{}\nPSNR {:.2f} dB of the trained pixels, {} steps in {:.0f} processor seconds\n", r.model.string(),
                  r.psnr, r.steps, r.processor_seconds);
}

}  // namespace

VerbRun add_train(CLI::App& app) {
    struct Arguments {
        pipeline::TrainOptions train;
        std::string preset;
        std::uint64_t max_memory = 0;
        std::int64_t steps = 0;
        double time_s = 0;
    };
    auto a = std::make_shared<Arguments>();
    app.add_option(
           "INPUT", a->train.config,
           "TOML file with [model], [data] and [train]; posed photos (transforms.json, COLMAP, …), which become "
           "a radiance field; or a picture or a mesh, which become a function")
        ->required();
    app.add_option("-o,--out", a->train.out, "Run folder: configuration, metrics, weights, pictures")
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
    auto* preset =
        app.add_option("--preset", a->preset, "Photos: TOML file laid under the rest, as in configs/radiance")
            ->type_name("TOML");
    auto* memory = add_size_option(app, "--max-memory", a->max_memory,
                                   "Photos: what the training may take; they are shrunk by a whole number to fit");
    const CLI::App* root = app.get_parent();
    return [=](VerbContext& context) {
        if (context.options.device == "cuda") fail(ErrorKind::usage, "--device cuda: training runs on the CPU only");
        if (steps->count() > 0) a->train.steps = a->steps;
        if (time->count() > 0) a->train.time_s = a->time_s;
        if (root && root->count("--seed") > 0) a->train.seed = context.seed;
        if (pipeline::is_light_training(a->train.config)) {
            if (!a->train.init.empty()) fail(ErrorKind::usage, "--init is for networks; a light field starts anew");
            if (preset->count() > 0 || memory->count() > 0)
                fail(ErrorKind::usage, "--preset and --max-memory are for radiance fields");
            run_light({a->train.config, a->train.overrides, a->train.out, a->train.resume, a->train.force,
                       a->train.steps, a->train.time_s, a->train.seed},
                      context);
            return;
        }
        if (pipeline::is_function_training(a->train.config)) {
            if (!a->train.init.empty() || memory->count() > 0)
                fail(ErrorKind::usage, "--init and --max-memory mean nothing to a picture or a mesh");
            run_function({a->train.config, a->preset, a->train.overrides, a->train.out, a->train.resume, a->train.force,
                          a->train.steps, a->train.time_s, a->train.seed},
                         context);
            return;
        }
        if (pipeline::is_radiance_training(a->train.config)) {
            if (!a->train.init.empty()) fail(ErrorKind::usage, "--init is for networks; a radiance field starts anew");
            run_radiance({a->train.config, a->preset, a->train.overrides, a->train.out, a->train.resume, a->train.force,
                          a->train.steps, a->train.time_s, a->train.seed, a->max_memory},
                         context);
            return;
        }
        if (memory->count() > 0) fail(ErrorKind::usage, "--max-memory is for photos");
        if (preset->count() > 0)
            fail(ErrorKind::usage, "--preset is for photos; {} is a configuration itself", a->train.config.string());
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
