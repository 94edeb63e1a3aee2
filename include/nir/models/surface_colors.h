// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/image.h"
#include "nir/geom/vec.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace nir::models {

/// A place of a surface below one lamp. Frame of the model: the surface's box around 0 with longest side 1.
struct LitPlace {
    geom::Vec3f position, normal, to_eye, to_lamp;  ///< the last three are unit vectors
    float falloff = 1;                              ///< of the lamp, 1 at the distance that it had in the training
    float visible = 1;                              ///< share of the lamp that is seen from there
};

/// The colours of one surface as a model predicts them of a picture.
class SurfaceColors {
public:
    virtual ~SurfaceColors() = default;
    /// Models without lamps: what photos show there, sRGB-encoded. With lamps: linear light without any lamp.
    /// @return [N,3] in 0..1
    virtual std::vector<float> colors(std::span<const geom::Vec3f> points) const = 0;
    /// Linear light that a lamp of colour 1 adds; linear in the lamp's colour and additive over lamps by construction.
    /// @return [N,3] @throws Error{usage} for a model without lamps.
    virtual std::vector<float> lamp_light(std::span<const LitPlace> places) const = 0;
};

/// What a model is besides if it colours surfaces that are given.
class SurfaceColorModel {
public:
    virtual ~SurfaceColorModel() = default;
    /// True if it knows lamps.
    virtual bool lit() const = 0;
    /// Distance of a lamp in the training, sides of the frame.
    virtual double lamp_distance() const = 0;
    /// Points of the surface that it wants to see.
    virtual std::size_t wanted_points() const = 0;
    /// @param points of the whole surface, uniform by area, frame of the model. @throws Error{input}.
    virtual std::unique_ptr<SurfaceColors> look(const geom::RgbImage& picture, std::span<const geom::Vec3f> points) = 0;
};

}  // namespace nir::models
