// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/models/cascade.h"

#include "models/cascade/cascade_kernels.h"

#include <memory>

namespace nir::models {

/// Cascade::encode for packed weights in memory. The field shares the weights.
std::unique_ptr<CascadeField> encode_cascade(const CascadeKernelsPtr& net, std::span<const geom::Vec3f> points,
                                             const Cascade::EncodeOptions& options, Progress& progress);

/// Cascade::encode_windows for packed weights in memory.
std::unique_ptr<CascadeField> encode_cascade_windows(const CascadeKernelsPtr& net,
                                                     std::shared_ptr<const geom::PointSource> points,
                                                     const Cascade::EncodeOptions& options,
                                                     const Cascade::WindowOptions& windows, Progress& progress);

/// Cascade::encode of a cloud for packed weights in memory.
std::unique_ptr<CascadeField> encode_cascade(const CascadeKernelsPtr& net, const geom::PointCloud& cloud,
                                             Progress& progress);

}  // namespace nir::models
