// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// nir query: the field's values at given points.
#include "nir/pipeline/query.h"

#include "verb.h"

#include <memory>

namespace nir::app {

VerbRun add_query(CLI::App& app) {
    using pipeline::QueryOutput;
    auto o = std::make_shared<pipeline::QueryOptions>();
    app.add_option("FIELD", o->field, "Model file, run folder, or volume (NPY [X,Y,Z], binvox)")->required();
    app.add_option("--points", o->points, "Where to ask: NPY [T,3], or [B,T,3] for B observations")
        ->required()
        ->type_name("NPY");
    app.add_option("-o,--out", o->out, "Values, NPY [T] (f32)")->required()->type_name("NPY");
    app.add_option("--input", o->input,
                   "What a conditional model is given: points (NPY [N,3] or [B,N,3], scans), voxels (NPY [X,Y,Z] or "
                   "[B,X,Y,Z], binvox), an image (PNG, NPY [3,H,W] or [B,3,H,W])")
        ->type_name("FILE");
    const std::map<std::string, QueryOutput> outputs{
        {"logit", QueryOutput::logit}, {"probability", QueryOutput::probability}, {"gradient", QueryOutput::gradient}};
    app.add_option("--output", o->output, "logit (log odds of inside), probability, or gradient of the logit [T,3]")
        ->transform(CLI::CheckedTransformer(outputs).description(""))
        ->type_name("KIND")
        ->default_str("logit");
    return [o](VerbContext& context) {
        const auto result = pipeline::query(*o, context.progress, context.timer);
        context.json["points"] = result.points;
        context.json["shape"] = result.shape;
        context.json["field"] = result.kind;
        context.print("{} values of {} in {}\n", result.points, result.kind, o->out.string());
    };
}

}  // namespace nir::app
