// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/data/model_set.h"

#include <cstring>

namespace nir::data {

geom::Vec3f PointColumn::operator[](std::size_t row) const {
    geom::Vec3f p;
    const std::size_t size = io::size_of(type);
    const std::byte* from = bytes.data() + 3 * size * row;
    for (int a = 0; a < 3; ++a, from += size) {
        if (type == io::DType::f16) {
            std::uint16_t h = 0;
            std::memcpy(&h, from, 2);
            p[a] = io::float_from_half(h);
        } else if (type == io::DType::f32) {
            std::memcpy(&p[a], from, 4);
        } else {
            double d = 0;
            std::memcpy(&d, from, 8);
            p[a] = static_cast<float>(d);
        }
    }
    return p;
}

}  // namespace nir::data
