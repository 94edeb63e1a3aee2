// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "models/cascade/refine_loop.h"
#include "models/cascade/sparse_lattice.h"

#include <span>
#include <vector>

namespace nir::models {

/// What is added to the values of a fitted field: numbers on lattices around the points, interpolated with quadratic
/// B-splines. Each apply() averages what places want on one lattice (hat weights), so repeated steps are the smoother
/// of the fit applied to its own residuals: what a plane flattens at a crest is given back. Ref: Tukey, Exploratory
/// Data Analysis, 1977 (twicing); Buehlmann and Yu, Boosting with the L2 loss, 2003.
class OffsetCorrection final : public FieldCorrection {
public:
    /// @param cell of the finest lattice; the others have twice that, four times, ...
    OffsetCorrection(std::span<const geom::Vec3f> points, geom::Vec3f origin, float cell);

    int scales() const override { return static_cast<int>(levels_.size()); }
    void apply(int scale, std::span<const geom::Vec3f> places, std::span<const float> wanted, float prior) override;
    void undo() override;

    float value(geom::Vec3f place) const;
    geom::Vec3f gradient(geom::Vec3f place) const;
    std::size_t memory_bytes() const;

private:
    struct Level {
        SparseLattice lattice;
        std::vector<float> offset;
        bool used = false;  ///< has offsets other than 0
    };
    template <class F>
    void for_each_node(geom::Vec3f place, const F& f) const;

    std::vector<Level> levels_;  ///< widest first
    std::vector<float> before_;  ///< of the level that the last apply() changed
    std::size_t changed_ = 0;
    bool was_used_ = false;
};

}  // namespace nir::models
