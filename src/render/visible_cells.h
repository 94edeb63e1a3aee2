// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/render/posed_view.h"

#include <cstdint>
#include <vector>

namespace nir::render {

/// Cells of the cascades (cascade * kCellsPerCascade + cell, ascending) that at least one view sees and that no view
/// shows as transparent. Conservative: blocks of finest³ cells (1, 2, 4, 8) count as their bounding spheres.
std::vector<std::uint32_t> visible_cells(const std::vector<PosedView>& views, const FieldFrame& frame, int cascades,
                                         std::uint32_t finest);

}  // namespace nir::render
