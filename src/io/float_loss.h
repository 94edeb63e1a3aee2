// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

namespace nir::io {

/// What rounding to float moves (geometry.cpp).
double float_loss(double v);

}  // namespace nir::io
