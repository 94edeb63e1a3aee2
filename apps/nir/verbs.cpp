// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The one table of verbs. A new verb: its function in cmd_<verb>.cpp, a declaration and a row here.
#include "nir/io/vdb.h"

#include "verb.h"

namespace nir::app {

VerbRun add_extract(CLI::App& app);
VerbRun add_config(CLI::App& app);
VerbRun add_evaluate(CLI::App& app);
VerbRun add_convert(CLI::App& app);
VerbRun add_info(CLI::App& app);
VerbRun add_list(CLI::App& app);
VerbRun add_prepare(CLI::App& app);
VerbRun add_query(CLI::App& app);
VerbRun add_render(CLI::App& app);
VerbRun add_texture(CLI::App& app);
VerbRun add_train(CLI::App& app);

std::span<const Verb> verbs() {
    static constexpr Verb kVerbs[] = {
        {"reconstruct", "Turns a scan into a mesh", add_reconstruct},
        {"extract", "Turns a field - a model, a run, a volume - into a mesh", add_extract},
        {"config", "Shows every option, or checks a configuration file", add_config},
        {"evaluate", "Measures meshes, clouds and radiance fields against the truth, each figure with its convention",
         add_evaluate},
        {"convert", "Converts meshes, points, voxel grids, images and arrays between formats", add_convert},
        {"info", "Says what a file holds, what is wrong with it, and what nir would do with it", add_info},
        {"prepare", "Turns meshes into a training set, and packs sets that exist", add_prepare},
        {"train", "Trains a model from a configuration, or a radiance field from posed photos, into a run folder",
         add_train},
        {"query", "Writes the values of a field (model or volume) at given points", add_query},
        {"render", "Draws pictures of a radiance field or a volume, from a circle, given cameras or a path",
         add_render},
        {"texture", "Gives a mesh the colours of posed photos: a picture on it, or colours of its vertices",
         add_texture},
        {"list", "Lists what is built in: verbs, formats, models and their parts", add_list},
    };
    return kVerbs;
}

/// Everything is here, and so is what would be slow to load.
void hand_over(int, char**) { io::enable_openvdb(); }

}  // namespace nir::app
