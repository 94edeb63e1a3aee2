// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <string>
#include <vector>

namespace nir {

/// A row of a registry as `nir list` shows it. Each registry (formats, encoders, decoders, models, …) gives its rows by
/// one function `std::vector<Component> <kind>_components()`.
struct Component {
    std::string kind;       // "format", "encoder"
    std::string name;       // "pointnet_local"
    std::string summary;    // one line
    std::string reference;  // "convonet2020 §3.1", or empty
};

}  // namespace nir
