// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/nn/feature_maps.h"
#include "nir/nn/observation_kind.h"
#include "nir/nn/window.h"

#include <torch/torch.h>

#include <cstdint>

namespace nir::nn {

/// What encoder and decoder of a local model must agree on.
struct LocalDims {
    std::int64_t c_dim = 32;  ///< channels of every feature map
    double padding = 0.1;     ///< the maps cover the cube of side 1 + padding
    WindowDims window{};      ///< of models that look through a window
};

/// Where features live that an encoder makes and a decoder reads.
enum class LocalFeatures : std::uint8_t {
    maps,    ///< maps of the cube of side 1 + padding
    window,  ///< maps of a window somewhere
    points,  ///< at the points of the observation
};

/// An observation in, feature maps out.
class LocalEncoder : public torch::nn::Module {
public:
    virtual ObservationKind takes() const { return ObservationKind::points; }
    virtual LocalFeatures makes() const { return LocalFeatures::maps; }
    /// @param observation  point clouds [B,N,3], N = 0 is allowed; voxels [B,X,Y,Z].
    virtual FeatureMaps encode(const torch::Tensor& observation) = 0;
};

/// Feature maps and query points in, logits out.
class LocalDecoder : public torch::nn::Module {
public:
    virtual LocalFeatures reads() const { return LocalFeatures::maps; }
    /// @param points [B,T,3], T = 0 is allowed; points outside the maps' cube read the border.  @return logits [B,T]
    virtual torch::Tensor decode(const torch::Tensor& points, const FeatureMaps& features) = 0;
};

}  // namespace nir::nn
