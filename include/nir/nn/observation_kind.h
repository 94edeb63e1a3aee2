// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstdint>
#include <string_view>

namespace nir::nn {

/// What an encoder is shown. `none`: nothing (unconditional models).
enum class ObservationKind : std::uint8_t { none, points, voxels, image, index };

/// In words, for messages: "a point cloud", "a voxel grid".
constexpr std::string_view describe(ObservationKind kind) {
    switch (kind) {
        case ObservationKind::none:
            return "no observation";
        case ObservationKind::points:
            return "a point cloud";
        case ObservationKind::voxels:
            return "a voxel grid";
        case ObservationKind::image:
            return "an image";
        case ObservationKind::index:
            return "the number of a shape";
    }
    return "";
}

}  // namespace nir::nn
