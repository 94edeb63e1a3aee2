// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/config.h"

#include <cstdint>
#include <string>
#include <vector>

namespace nir::models {

/// Widths of one 3-D U-Net of the cascade, finest level first.
struct CascadeUnetConfig {
    std::vector<int> widths{32, 64, 128, 128};
    void describe(ConfigVisitor& v);
};

struct CascadeConfig {
    int coarse_cells = 32;          ///< cells along each side of the coarse grid
    int coarse_margin = 2;          ///< empty cells kept around the object, at least
    int max_octaves = 5;            ///< how often the cells may be halved
    double max_spacing_cells = 3;   ///< an octave is added while the point spacing is below this many of its cells ...
    double max_noise_cells = 0.75;  ///< ... and the root of noise x spacing below this many
    int features = 16;              ///< channels handed from octave to octave and to the decoder
    int decoder_hidden = 32, decoder_blocks = 2;
    CascadeUnetConfig coarse{{32, 64, 128, 128}}, fine{{32, 64, 96}};
    void describe(ConfigVisitor& v);
};

/// A parameter of the network: its name in model files and its shape.
struct CascadeParameter {
    std::string name;
    std::vector<std::int64_t> shape;
};
/// All parameters of the network of a configuration.
std::vector<CascadeParameter> cascade_parameters(const CascadeConfig& config);

/// Channels that the two U-Nets are told.
std::int64_t coarse_inputs();
std::int64_t fine_inputs(const CascadeConfig& config);

/// Which bricks of an octave are computed: those within kPointReach cells of a cell that a point of the scan
/// contributes to, or within kUndecidedReach cells of where the coarser octave is undecided.
inline constexpr int kPointReach = 3, kUndecidedReach = 2;
inline constexpr float kUndecided = 2;  ///< |logit| below which a coarser cell is undecided

}  // namespace nir::models
