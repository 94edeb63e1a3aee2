// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/bvh.h"

#include <array>

namespace nir::geom {

/// 32 bytes. Leaf: count > 0, triangles [first, first + count). Inner node: count == 0, children first and first + 1.
struct BvhNode {
    std::array<float, 3> lo, hi;  // rounded outwards
    std::uint32_t first = 0, count = 0;
};

struct BvhTriangle {
    Vec3d a, b, c;  // relative to the origin of the tree
};

/// Nodes in an order in which children follow their parent; triangles in leaf order.
struct TriangleBvh::Tree {
    Vec3d origin{};
    std::vector<BvhNode> nodes;
    std::vector<BvhTriangle> triangles;
    std::vector<std::uint32_t> faces;  // original face of each triangle
};

/// Depth of a tree never exceeds this, so queries keep their stack in an array.
inline constexpr int kBvhStack = 128;

}  // namespace nir::geom
