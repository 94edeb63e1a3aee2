// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/subdivide.h"

#include "nir/base/error.h"
#include "nir/base/rng.h"
#include "nir/geom/mesh_check.h"

#include <gtest/gtest.h>

namespace nir::geom {
namespace {

double area(const TriMesh& mesh) {
    double sum = 0;
    for (const Triangle& t : mesh.faces)
        sum += norm(cross(mesh.vertices[t[1]] - mesh.vertices[t[0]], mesh.vertices[t[2]] - mesh.vertices[t[0]])) / 2;
    return sum;
}

TEST(Subdivide, EdgesGetShortAndTheSurfaceStaysClosed) {
    Rng rng(5);
    TriMesh mesh;  // a tetrahedron with edges of very different lengths
    mesh.vertices = {{0, 0, 0}, {3, 0.1, 0}, {0.2, 1, 0}, {0.3, 0.2, 0.4}};
    mesh.faces = {{0, 2, 1}, {0, 1, 3}, {1, 2, 3}, {0, 3, 2}};
    mesh.colors = {{0, 0, 0}, {255, 0, 0}, {0, 255, 0}, {0, 0, 255}};
    for (const double longest : {10.0, 1.0, 0.3, 0.05}) {
        const TriMesh fine = split_long_edges(mesh, longest);
        for (const Triangle& t : fine.faces)
            for (std::size_t k = 0; k < 3; ++k)
                EXPECT_LE(norm(fine.vertices[t[k]] - fine.vertices[t[(k + 1) % 3]]), longest);
        EXPECT_NEAR(area(fine), area(mesh), 1e-9);
        EXPECT_TRUE(check_mesh(fine).watertight());
        EXPECT_EQ(fine.colors.size(), fine.vertices.size());
    }
    EXPECT_EQ(split_long_edges(mesh, 10).faces, mesh.faces);
    EXPECT_THROW(split_long_edges(mesh, 1e-3, 1000), Error);
}

}  // namespace
}  // namespace nir::geom
