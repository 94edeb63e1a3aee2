// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/point_source.h"

#include <cstddef>
#include <functional>

namespace nir::geom {

/// Calls f for the points of a closed box in parts of at most about `most` points, however many there are: the box is
/// halved as long as its halves hold fewer. Points on a plane between two parts come in both. The indices ascend in
/// each part; the order of the parts does not depend on threads.
/// @param most  > 0; a part has no fewer than what the tiles of the source hold
void visit_box(const PointSource& points, const Box3f& box, std::size_t most,
               const std::function<void(const PointSource::Found&)>& f);

}  // namespace nir::geom
