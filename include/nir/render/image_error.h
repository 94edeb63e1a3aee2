// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/image.h"

namespace nir::render {

/// Structural similarity of two pictures of the same size and number of channels, values divided by 255: Gaussian
/// window of 11 x 11 with sigma 1.5, population (co)variances, K1 = 0.01, K2 = 0.03, mean over the positions at which
/// the window lies within the picture and over channels. NaN if the picture is smaller than the window.
/// Ref: Wang et al. 2004; what scikit-image gives with gaussian_weights and use_sample_covariance = False, cropped.
double ssim(const geom::Image8& a, const geom::Image8& b);

/// The same of the luminances (0.2126, 0.7152, 0.0722 of the encoded colours), with instant-ngp's window of 5 taps and
/// mirrored borders: the figure of its evaluation script. Three channels.
double ssim_luminance(const geom::Image8& a, const geom::Image8& b);

}  // namespace nir::render
