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

/// Three channels: grey in all of them, transparency as white behind the picture, rounded to 8 bits.
Image8 rgb_on_white(const Image8& image);
/// The planes of rgb_on_white(image), values k / 255.
RgbImage rgb_planes(const Image8& image);

/// A picture as image networks are given it, in training, validation and use alike: resize_to_square in 8 bits, as the
/// papers' loaders do. Where the shorter side is `side` already, values stay as they are, bit by bit; else they are
/// rounded to k / 255 first (which pictures from files are).
/// @param image values in 0..1. @throws Error{internal} if it is empty or `side` is not positive.
RgbImage resize_to_square(const RgbImage& image, int side);

}  // namespace nir::geom
