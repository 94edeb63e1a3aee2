// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/scene.h"

#include "nir/base/error.h"
#include "nir/base/output_file.h"
#include "nir/base/phase_timer.h"
#include "nir/io/png.h"

namespace nir::pipeline {

SceneInfo scene_info(const std::filesystem::path& path, const std::optional<std::filesystem::path>& picture,
                     PhaseTimer& timer) {
    if (picture) check_writable(*picture);
    SceneInfo out;
    {
        const auto reading = timer.phase("read");
        io::SceneOptions options;
        options.require_images = false;  // missing ones are counted in the report
        out.scene = io::read_scene(path, options);
        out.report = io::check_scene(out.scene);
    }
    if (picture) {
        geom::Image8 image;
        {
            const auto rendering = timer.phase("render");
            image = io::draw_scene(out.scene, out.report);
        }
        const auto writing = timer.phase("write");
        OutputFile file(*picture);
        io::write_png(file.stream(), image);
        file.commit();
    }
    for (const io::SceneFinding& f : out.report.findings)
        if (f.severity == geom::Severity::error) out.suggestion = "mend this first: " + f.text;
    if (out.suggestion.empty()) out.suggestion = "nir train " + path.string() + " -o run";
    return out;
}

SceneConversion convert_scene(const std::filesystem::path& in, const std::filesystem::path& out,
                              const std::string& layout, PhaseTimer& timer) {
    const bool one_file = out.extension() == ".json";
    const std::string wanted = !layout.empty() ? layout : one_file ? "transforms" : "colmap";
    if ((wanted != "transforms" && wanted != "colmap") || (one_file && wanted == "colmap") ||
        (!one_file && out.has_extension()))
        fail(ErrorKind::usage,
             "{}: posed photos are written to a file .json, or to a folder with --layout transforms or colmap",
             out.string());
    SceneConversion result;
    io::Scene scene;
    {
        const auto reading = timer.phase("read");
        scene = io::read_scene(in);
    }
    const auto writing = timer.phase("write");
    result.from = scene.layout;
    result.to = wanted == "colmap" ? "COLMAP text" : "NeRF transforms";
    result.views = scene.views.size(), result.cameras = scene.cameras.size(), result.points = scene.points.size();
    result.lost = wanted == "colmap" ? io::write_colmap_text(out, scene) : io::write_transforms(out, scene);
    return result;
}

}  // namespace nir::pipeline
