// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

#include <array>
#include <cstdint>
#include <vector>

namespace nir::geom {

/// The face across each edge (corner k to k + 1), 0xffffffff where there is none or more than one. Vertices at the same
/// place count as one.
std::vector<std::array<std::uint32_t, 3>> face_neighbors(const TriMesh& mesh);

}  // namespace nir::geom
