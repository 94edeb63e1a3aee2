// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/image.h"

namespace nir::geom {

/// Bilinear, with a wider filter where the picture shrinks; rows first, then columns, each rounded to 8 bits: what
/// PIL's Image.resize(…, BILINEAR) does, which the papers' loaders use. Any number of channels.
Image8 resize_image(const Image8& image, int width, int height);

/// The part [x, x + width) x [y, y + height). @throws Error{internal} if it is not inside the picture.
Image8 crop_image(const Image8& image, int x, int y, int width, int height);

/// Scales the shorter side to `side` and cuts the middle out: a square picture.
Image8 resize_to_square(const Image8& image, int side);

}  // namespace nir::geom
