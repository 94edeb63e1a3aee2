// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/kernels/residual_mlp.h"

#include "models/cascade/feature_octree.h"
#include "models/cascade/refine_loop.h"

namespace nir::models {

/// Corrects the features of the finest octave; the network stays as it is.
///
/// A place that wants its logit changed by w gets the smallest change of its feature vector that does so to first
/// order, w g / |g|^2 with the decoder's gradient g. The changes of all places are averaged on a lattice whose cells
/// are 2^k of the octave's (hat weights) and added to the cells of all bricks by trilinear interpolation, so that
/// places between the points move too. That is one step of a simultaneous iterative reconstruction (Gilbert 1972).
class FeatureCorrection final : public FieldCorrection {
public:
    /// @param decoder  feature vector -> logit
    /// @param spacing of the points, in the frame of the tree: the widest lattice is at least twice that
    FeatureCorrection(FeatureOctree& tree, kernels::ResidualMlp decoder, double spacing);

    int scales() const override { return scales_; }
    void apply(int scale, std::span<const geom::Vec3f> places, std::span<const float> wanted, float prior) override;
    void undo() override;

private:
    /// The change of the feature vector of each place, [N, channels]; zero where a coarser octave answers.
    std::vector<float> changes(std::span<const geom::Vec3f> places, std::span<const float> wanted);

    FeatureOctree& tree_;
    kernels::ResidualMlp decoder_;
    int octave_, scales_ = 1;
    struct Saved {
        std::size_t brick;
        std::vector<float> data;
    };
    std::vector<Saved> saved_;  ///< what the last apply() changed
};

}  // namespace nir::models
