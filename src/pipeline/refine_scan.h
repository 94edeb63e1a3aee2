// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/progress.h"
#include "nir/models/cascade.h"
#include "nir/pipeline/reconstruct.h"

#include <optional>
#include <span>

namespace nir::pipeline {

/// Refines a field on the points of its scan if the options ask for it (--refine, --refine-steps), and logs what came
/// of it. @param encoding  spacing and noise in the frame of the field  @param scale  user units per unit of the field
/// @return lengths in user units
std::optional<models::RefineReport> refine_on_scan(models::CascadeField& field, std::span<const geom::Vec3f> points,
                                                   const models::Cascade::EncodeOptions& encoding, double scale,
                                                   const ReconstructOptions& options, Progress& progress);

}  // namespace nir::pipeline
