// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// nir convert: one format to another.
#include "nir/io/scene.h"
#include "nir/pipeline/convert.h"
#include "nir/pipeline/convert_checkpoint.h"
#include "nir/pipeline/scene.h"

#include "verb.h"

#include <fmt/ranges.h>

#include <memory>

namespace nir::app {

VerbRun add_convert(CLI::App& app) {
    struct Options {
        std::string in, out, config, layout;
        bool allow_partial = false;
    };
    auto o = std::make_shared<Options>();
    app.add_option("IN", o->in,
                   "Mesh, points, voxel grid, image, arrays, a checkpoint of the papers' code (.pt), or posed photos")
        ->required();
    app.add_option("OUT", o->out, "File to write; its ending says the format (nir list format)")->required();
    app.add_option("--config", o->config, "Checkpoints: configuration of the network (TOML with a table [model])")
        ->type_name("TOML");
    app.add_option("--layout", o->layout, "Posed photos, where OUT is a folder: transforms or colmap [colmap]")
        ->check(CLI::IsMember({"transforms", "colmap"}));
    app.add_flag("--allow-partial", o->allow_partial, "Checkpoints: take what fits, keep first weights elsewhere");
    return [o](VerbContext& context) {
        if (!o->config.empty() || o->allow_partial || pipeline::is_torch_checkpoint(o->in)) {
            const auto r = pipeline::convert_checkpoint({.in = o->in,
                                                         .out = o->out,
                                                         .config = o->config,
                                                         .allow_partial = o->allow_partial,
                                                         .seed = context.seed});
            context.json["from"] = r.from, context.json["to"] = "model", context.json["kind"] = r.model;
            context.json["arrays"] = r.tensors, context.json["parameters"] = r.parameters;
            context.json["step"] = r.step;
            context.print("{} -> model {}: {} tensors, {} parameters\n", r.from, r.model, r.tensors, r.parameters);
            return;
        }
        if (io::looks_like_scene(o->in)) {
            const auto r = pipeline::convert_scene(o->in, o->out, o->layout, context.timer);
            context.json["from"] = r.from, context.json["to"] = r.to, context.json["kind"] = "scene";
            context.json["views"] = r.views, context.json["cameras"] = r.cameras, context.json["points"] = r.points;
            context.json["lost"] = r.lost;
            context.print("{} -> {}: {} views, {} cameras, {} points\n", r.from, r.to, r.views, r.cameras, r.points);
            if (!r.lost.empty()) context.print("{} holds no {}; left out\n", r.to, fmt::join(r.lost, ", "));
            return;
        }
        const pipeline::ConvertResult r = pipeline::convert(o->in, o->out, context.timer);
        context.json["from"] = r.from, context.json["to"] = r.to, context.json["kind"] = r.kind;
        if (r.points > 0) context.json["points"] = r.points, context.json["faces"] = r.faces;
        if (r.arrays > 0) context.json["arrays"] = r.arrays;
        context.json["lost"] = r.lost;
        std::string what = r.kind;
        if (r.points > 0) what += fmt::format(", {} points, {} faces", r.points, r.faces);
        if (r.arrays > 0) what = fmt::format("{} arrays", r.arrays);
        context.print("{} -> {}: {}\n", r.from, r.to, what);
        if (!r.lost.empty()) context.print("{} holds no {}; left out\n", r.to, fmt::join(r.lost, ", "));
    };
}

}  // namespace nir::app
