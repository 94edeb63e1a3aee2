// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/render/posed_view.h"

#include "nir/base/error.h"

#include <algorithm>
#include <cmath>

namespace nir::render {

float linear_from_srgb(float v) { return v <= 0.04045f ? v / 12.92f : std::pow((v + 0.055f) / 1.055f, 2.4f); }
float srgb_from_linear(float v) { return v <= 0.0031308f ? v * 12.92f : 1.055f * std::pow(v, 1 / 2.4f) - 0.055f; }

FieldFrame frame_of(const geom::Box3d& box, double margin) {
    if (box.empty() || !(box.longest_side() > 0)) fail(ErrorKind::input, "the box of the scene is empty");
    return {box.center(), box.longest_side() * (1 + 2 * margin)};
}

double pixel_footprint(const std::vector<PosedView>& views, const FieldFrame& frame) {
    if (views.empty()) fail(ErrorKind::input, "a radiance field needs at least one photo");
    std::vector<double> sizes;
    for (const PosedView& view : views)
        sizes.push_back(norm(view.world_from_camera.position - frame.center) / view.camera.fx / frame.side);
    std::nth_element(sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2), sizes.end());
    return sizes[sizes.size() / 2];
}

}  // namespace nir::render
