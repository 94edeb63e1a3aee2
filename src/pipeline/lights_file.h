// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/render/lighting.h"

#include <filesystem>
#include <string_view>
#include <vector>

namespace nir::pipeline {

/// A lamp that may move: positions (of a distant lamp: directions) at even times, joined by straight lines.
struct MovingLamp {
    render::LightSource lamp;            ///< at the first position
    std::vector<geom::Vec3d> positions;  ///< one or more
    bool loop = false;                   ///< the last is followed by the first
};

/// A picture of the light that comes from everywhere: longitude around z, rows from the zenith down.
struct EnvironmentLight {
    std::filesystem::path image;
    int samples = 64;
    double scale = 1, turn_rad = 0;
};

/// What lights.json says (docs/methods/light_fields.md).
struct Lights {
    std::vector<MovingLamp> lamps;
    std::vector<EnvironmentLight> environments;
    float ambient = 1;  ///< times what was there in the training
    int frames = 1;
    double fps = 30;

    /// The lamps at moment i of `frames`; environments as distant lamps (drawn once, the same at every moment).
    std::vector<render::LightSource> at(int frame) const;
    std::vector<render::LightSource> fixed;  ///< of the environments; filled by read_lights
};

/// @param radius of lamps that do not say how large they are.
/// @throws Error input, format naming file and place: unknown fields, missing positions, unreadable pictures.
Lights read_lights(const std::filesystem::path& path, double radius);
/// Environment maps are looked for in `folder`.
Lights parse_lights(std::string_view json, const std::filesystem::path& folder, double radius);

/// `count` distant lamps that together shine like the picture: places drawn in proportion to luminance times solid
/// angle (stratified along the cumulated weights), each with radiance / density. @param map RGB or RGBA, sRGB-encoded
std::vector<render::LightSource> environment_lamps(const geom::Image8& map, int count, double scale, double turn_rad);

}  // namespace nir::pipeline
