// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/extract/voxel_boxes.h"

#include "nir/base/error.h"

#include <array>
#include <cmath>
#include <unordered_map>

namespace nir::extract {
namespace {

using geom::Vec3d;
using geom::Vec3i;

void check(const geom::VoxelGrid& grid) {
    const auto& s = grid.size;
    if (s.x < 1 || s.y < 1 || s.z < 1 || grid.values.size() != grid.index(s.x - 1, s.y - 1, s.z - 1) + 1)
        fail(ErrorKind::input, "a grid of {} x {} x {} cells comes with {} values", s.x, s.y, s.z, grid.values.size());
    const auto& h = grid.spacing;
    if (!(h.x > 0 && h.y > 0 && h.z > 0) || !geom::is_finite(h))
        fail(ErrorKind::input, "the spacing of a grid must be positive, not {} {} {}", h.x, h.y, h.z);
}

/// Collects quads and shares their corners.
class BoxMesh {
public:
    explicit BoxMesh(const geom::VoxelGrid& grid) : grid_(grid) {}

    /// The side of cell c across `axis`, towards +axis if `up`.
    void add_side(Vec3i c, int axis, bool up) {
        Vec3i corner = c;
        if (up) ++corner[axis];
        const int u = (axis + 1) % 3, v = (axis + 2) % 3;  // u x v = axis
        std::array<std::uint32_t, 4> quad{};
        for (std::size_t k = 0; k < 4; ++k) {
            Vec3i at = corner;
            if (k == 1 || k == 2) ++at[up ? u : v];
            if (k == 2 || k == 3) ++at[up ? v : u];
            quad[k] = vertex(at);
        }
        mesh.faces.push_back({quad[0], quad[1], quad[2]});
        mesh.faces.push_back({quad[2], quad[3], quad[0]});
    }

    geom::TriMesh mesh;

private:
    std::uint32_t vertex(Vec3i corner) {
        const auto ny = static_cast<std::uint64_t>(grid_.size.y) + 1, nz = static_cast<std::uint64_t>(grid_.size.z) + 1;
        const std::uint64_t key =
            (static_cast<std::uint64_t>(corner.x) * ny + static_cast<std::uint64_t>(corner.y)) * nz +
            static_cast<std::uint64_t>(corner.z);
        const auto [it, fresh] = number_.try_emplace(key, static_cast<std::uint32_t>(mesh.vertices.size()));
        if (fresh) {
            if (mesh.vertices.size() >= 0x7fffffff) fail(ErrorKind::numeric, "the mesh has more than 2^31 vertices");
            mesh.vertices.push_back(grid_.origin +
                                    Vec3d{corner.x - 0.5, corner.y - 0.5, corner.z - 0.5} * grid_.spacing);
        }
        return it->second;
    }

    const geom::VoxelGrid& grid_;
    std::unordered_map<std::uint64_t, std::uint32_t> number_;
};

}  // namespace

geom::TriMesh voxel_boxes(const geom::VoxelGrid& grid, double level) {
    check(grid);
    const auto filled = [&](Vec3i c) {
        for (int a = 0; a < 3; ++a)
            if (c[a] < 0 || c[a] >= grid.size[a]) return false;
        return static_cast<double>(grid.values[grid.index(c.x, c.y, c.z)]) >= level;
    };
    BoxMesh boxes(grid);
    for (int x = 0; x < grid.size.x; ++x)
        for (int y = 0; y < grid.size.y; ++y)
            for (int z = 0; z < grid.size.z; ++z) {
                const Vec3i c{x, y, z};
                if (!filled(c)) continue;
                for (int axis = 0; axis < 3; ++axis)
                    for (const bool up : {false, true}) {
                        Vec3i next = c;
                        next[axis] += up ? 1 : -1;
                        if (!filled(next)) boxes.add_side(c, axis, up);
                    }
            }
    return std::move(boxes.mesh);
}

}  // namespace nir::extract
