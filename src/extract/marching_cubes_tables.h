// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <array>
#include <cstdint>

namespace nir::extract::mc {

// Corners 0..7: (0,0,0) (1,0,0) (1,1,0) (0,1,0), then the same at z = 1. Bit m of a configuration is set when corner m
// is outside (value <= level).
inline constexpr std::array<std::array<int, 3>, 8> kCorner = {
    {{0, 0, 0}, {1, 0, 0}, {1, 1, 0}, {0, 1, 0}, {0, 0, 1}, {1, 0, 1}, {1, 1, 1}, {0, 1, 1}}};

/// An edge of the cell: the offset of its lower end and its axis.
struct CellEdge {
    int x, y, z, axis;
};
inline constexpr std::array<CellEdge, 12> kEdge = {{{0, 0, 0, 0},
                                                    {1, 0, 0, 1},
                                                    {0, 1, 0, 0},
                                                    {0, 0, 0, 1},
                                                    {0, 0, 1, 0},
                                                    {1, 0, 1, 1},
                                                    {0, 1, 1, 0},
                                                    {0, 0, 1, 1},
                                                    {0, 0, 0, 2},
                                                    {1, 0, 0, 2},
                                                    {1, 1, 0, 2},
                                                    {0, 1, 0, 2}}};
/// The order in which a cell creates the vertices that no earlier cell has created.
inline constexpr std::array<int, 12> kEdgeOrder = {6, 5, 10, 0, 1, 2, 3, 4, 7, 8, 9, 11};

/// Triangles of one configuration: edges[3 * i .. 3 * i + 2], counter-clockwise seen from outside.
struct CellTriangles {
    std::uint8_t count = 0;
    std::array<std::uint8_t, 15> edges{};
};
extern const std::array<CellTriangles, 256> kTriangles;
/// Bit e is set when edge e of the configuration is cut.
extern const std::array<std::uint16_t, 256> kCutEdges;

}  // namespace nir::extract::mc
