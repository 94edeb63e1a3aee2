// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/progress.h"
#include "nir/models/cascade.h"

#include <span>

namespace nir::models {

/// The part of a refinement that knows what the field is made of.
class FieldCorrection {
public:
    virtual ~FieldCorrection() = default;
    /// How many widths of corrections there are, the widest first.
    virtual int scales() const = 0;
    /// Changes the field so that its value at places[i] moves towards value + wanted[i], spread over the width of a
    /// scale. @param prior  weight of "no change", in points: the fewer points speak for a change, the less of it is
    /// made
    virtual void apply(int scale, std::span<const geom::Vec3f> places, std::span<const float> wanted, float prior) = 0;
    /// Takes the last apply() back, to the bit.
    virtual void undo() = 0;
};

/// The loop of CascadeField::refine(): measures how far points lie from the level set, asks for corrections that put it
/// through nine tenths of them, widest scale first, and keeps those that bring the last tenth closer.
/// @param field as `correction` changes it
RefineReport refine_surface(const CascadeField& field, FieldCorrection& correction, std::span<const geom::Vec3f> points,
                            const RefineOptions& options, Progress& progress);

}  // namespace nir::models
