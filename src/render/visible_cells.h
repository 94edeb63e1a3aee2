// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/render/posed_view.h"

#include <cstdint>
#include <vector>

namespace nir::render {

/// Cells of the cascades (cascade * kCellsPerCascade + cell, ascending) that at least `fewest` views see and that no
/// view shows as transparent. Conservative: blocks of finest³ cells (1, 2, 4, 8) count as their bounding spheres.
std::vector<std::uint32_t> visible_cells(const std::vector<PosedView>& views, const FieldFrame& frame, int cascades,
                                         std::uint32_t finest, std::size_t fewest = 1);

}  // namespace nir::render
