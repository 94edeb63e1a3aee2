// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/vec.h"

#include <span>

namespace nir::extract {

/// An implicit function f: R^3 -> R, larger inside, whose level set {f = iso} is the surface. Batch-first: networks,
/// voxel grids and analytic shapes look the same to MISE, Marching Cubes and the renderer.
class ScalarField {
public:
    virtual ~ScalarField() = default;

    /// Evaluates f (for networks: the logit) at points [N], field frame; out [N] is overwritten. N = 0 is allowed.
    virtual void values(std::span<const geom::Vec3f> points, std::span<float> out) const = 0;

    /// True if gradients() is cheaper than finite differences of values().
    virtual bool has_gradients() const { return false; }
    /// Gradient of f at points [N]; out [N]. The default is central differences with step gradient_step().
    virtual void gradients(std::span<const geom::Vec3f> points, std::span<geom::Vec3f> out) const;
    virtual float gradient_step() const { return 1e-3f * domain().longest_side(); }

    /// Called before a tile of the domain is queried; a sliding-window model encodes the window here. No-op by default.
    virtual void prepare(const geom::Box3f& /*region*/) {}

    /// Box outside which f is not asked, field frame.
    virtual geom::Box3f domain() const = 0;
    /// The level of the surface; networks: the logit of their probability threshold.
    virtual float iso() const { return 0.0f; }
};

}  // namespace nir::extract
