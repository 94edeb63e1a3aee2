// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

namespace nir::data {

/// What the loss of a model compares with, besides labelled points (nn/batch.h). A training set of objects in the unit
/// cube provides it on demand; what else it gives for a seed does not depend on the demand, so that models of all kinds
/// train on the same observations.
struct TrainingTargets {
    bool surface = false;  ///< "surface": points of the true surface
    int voxels = 0;        ///< "voxels": cells per side; 0 = none
    double window = 0;     ///< "window_*": side of a box with labelled points of its own; 0 = none
};

}  // namespace nir::data
