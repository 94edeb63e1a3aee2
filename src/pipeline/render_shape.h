// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// What pictures of learned shapes and of given surfaces share.
#pragma once

#include "nir/io/camera_frames.h"
#include "nir/pipeline/render_field.h"

#include <array>
#include <functional>
#include <vector>

namespace nir::pipeline {

/// The cameras that the options name; those of a circle show the whole box.
std::vector<io::PosedCamera> shape_views(const RenderFieldOptions& options, const geom::Box3d& box);
std::array<float, 3> background_of(const RenderFieldOptions& options);

/// Goes through `count` pictures: draw(i) in the phase "render", what it returns is written in the phase "write".
template <class Draw, class Write>
void draw_all(RenderFieldResult& out, std::size_t count, Progress& progress, PhaseTimer& timer, Draw&& draw,
              Write&& write) {
    progress.begin("render", count, "pictures");
    double seconds = 0;
    for (std::size_t i = 0; i < count; ++i) {
        auto rendering = timer.phase("render");
        const Timer one;
        const auto view = draw(i);
        seconds += one.seconds();
        rendering.close();
        const auto writing = timer.phase("write");
        write(i, view);
        if (!progress.advance(1)) {
            progress.end();
            fail(ErrorKind::cancelled, "stopped after {} of {} pictures", i + 1, count);
        }
    }
    progress.end();
    out.frames = static_cast<int>(count);
    out.seconds_per_frame = seconds / static_cast<double>(count);
}

/// The picture of a given mesh by a model that predicts its colours or its light. @throws as render_field().
RenderFieldResult render_colored_surface(const RenderFieldOptions& options, const std::filesystem::path& model,
                                         Progress& progress, PhaseTimer& timer);

}  // namespace nir::pipeline
