// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/error.h"

#include <torch/torch.h>

#include <map>
#include <string>
#include <string_view>

namespace nir::nn {

/// What a training step is given: named tensors whose first dimension is the batch. Models say which names they need.
///
/// Training sets of objects in the unit cube ("generated", "dataset") share these names, all f32 unless noted:
///   "observation"  what the encoder is shown: points [B,N,3], voxels [B,X,Y,Z], an image [B,3,H,W] (RGB in 0..1), or
///                  the number of the shape [B] i64
///   "points"       [B,T,3] labelled positions;  "occupancies" [B,T] 1 inside, 0 outside
/// and, if the model asks (data::TrainingTargets):
///   "surface"      [B,M,3] points of the true surface, uniform by area, without noise
///   "window_center" [B,3] f64, "window_points" [B,T,3], "window_occupancies" [B,T]: a box of the shape, its centre
///                  drawn in the shape's bounds, and labelled points inside it
///   "voxels"       [B,R,R,R] index [x][y][z], 1 if the centre of the cell, -0.5 + (i + 0.5) / R, is inside
/// points, surface and voxels are in the frame of the object (unit cube around 0), whatever the observation is. That of
/// the octave cascade: data/cascade_batch.h.
struct Batch {
    std::map<std::string, torch::Tensor, std::less<>> tensors;

    torch::Tensor& operator[](std::string_view name) { return tensors[std::string(name)]; }
    /// @throws nir::Error (internal) naming the tensor that is not there.
    const torch::Tensor& at(std::string_view name) const {
        const auto it = tensors.find(name);
        if (it == tensors.end()) fail(ErrorKind::internal, "the batch has no \"{}\"", name);
        return it->second;
    }
};

}  // namespace nir::nn
