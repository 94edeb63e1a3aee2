// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/refine_scan.h"

#include "nir/base/log.h"
#include "nir/pipeline/open_field.h"

namespace nir::pipeline {

std::optional<models::RefineReport> refine_on_scan(models::CascadeField& field, std::span<const geom::Vec3f> points,
                                                   const models::Cascade::EncodeOptions& encoding, double scale,
                                                   const ReconstructOptions& options, Progress& progress) {
    if (!(options.refine_seconds > 0) && options.refine_steps <= 0) return {};
    models::RefineOptions refine;
    refine.seconds = options.refine_seconds;
    refine.steps = options.refine_steps;
    refine.spacing = encoding.spacing;
    refine.noise = encoding.noise;
    refine.level = static_cast<float>(logit_of_level(options.level));
    models::RefineReport report = field.refine(points, refine, progress);
    for (double* length :
         {&report.residual_before, &report.residual_after, &report.held_out_before, &report.held_out_after})
        *length *= scale;
    if (report.kept == 0)
        log_info("refine: nothing to gain, the surface stays ({} of {} points usable, {:.4g} away on average)",
                 report.points + report.held_out, points.size(), report.residual_before);
    else
        log_info(
            "refine: {} of {} corrections kept, points {:.4g} -> {:.4g} away, held-out points {:.4g} -> {:.4g}; {}",
            report.kept, report.steps, report.residual_before, report.residual_after, report.held_out_before,
            report.held_out_after, to_string(report.stopped_by));
    return report;
}

}  // namespace nir::pipeline
