// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/render/posed_view.h"

#include <cstdint>
#include <vector>

namespace nir::render {

/// Cells of the cascades (cascade * kCellsPerCascade + cell, ascending) that at least one view sees and that no view
/// shows as transparent. Conservative: a cell counts as its bounding sphere. From coarse blocks to cells.
std::vector<std::uint32_t> visible_cells(const std::vector<PosedView>& views, const FieldFrame& frame, int cascades);

}  // namespace nir::render
