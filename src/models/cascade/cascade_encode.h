// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/models/cascade.h"

#include "models/cascade/cascade_net.h"

namespace nir::models {

/// Cascade::encode for a network in memory. The field shares the network's weights.
std::unique_ptr<CascadeField> encode_cascade(const CascadeNet& net, std::span<const geom::Vec3f> points,
                                             const Cascade::EncodeOptions& options, Progress& progress);

}  // namespace nir::models
