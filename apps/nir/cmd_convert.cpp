// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// nir convert: one format to another.
#include "nir/pipeline/convert.h"

#include "verb.h"

#include <fmt/ranges.h>

#include <memory>

namespace nir::app {

VerbRun add_convert(CLI::App& app) {
    struct Options {
        std::string in, out;
    };
    auto o = std::make_shared<Options>();
    app.add_option("IN", o->in, "Mesh, points, voxel grid, image or arrays")->required();
    app.add_option("OUT", o->out, "File to write; its ending says the format (nir list format)")->required();
    return [o](VerbContext& context) {
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
