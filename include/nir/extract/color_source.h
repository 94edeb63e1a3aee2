// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/extract/scalar_field.h"
#include "nir/geom/shapes.h"

#include <span>

namespace nir::extract {

/// A field that also knows colours is this as well.
class ColorSource {
public:
    virtual ~ColorSource() = default;
    /// @param points [N], frame of the field  @param out [N], overwritten; as photos hold them (sRGB)
    virtual void colors(std::span<const geom::Vec3f> points, std::span<geom::Rgb8> out) const = 0;
};

/// Gives the vertices (frame of the field) the colours that the field has there; nothing happens if it has none.
void color_vertices(const ScalarField& field, geom::TriMesh& mesh);

}  // namespace nir::extract
