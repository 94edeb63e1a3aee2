// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Meshes that come in pieces: distances and pictures are those of the whole.
#include "nir/base/rng.h"
#include "nir/geom/bvh.h"
#include "nir/geom/distance_by_pieces.h"
#include "nir/geom/piece_renderer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace nir::geom {
namespace {

TriMesh wavy_plane(int n) {
    TriMesh mesh;
    for (int i = 0; i <= n; ++i)
        for (int j = 0; j <= n; ++j) {
            const double x = i / static_cast<double>(n), y = j / static_cast<double>(n);
            mesh.vertices.push_back({x, y, 0.1 * std::sin(9 * x) * std::cos(7 * y)});
            mesh.normals.push_back(normalized(Vec3f{static_cast<float>(-0.9 * std::cos(9 * x) * std::cos(7 * y)),
                                                    static_cast<float>(0.7 * std::sin(9 * x) * std::sin(7 * y)), 1}));
        }
    const auto id = [n](int i, int j) { return static_cast<std::uint32_t>(i * (n + 1) + j); };
    for (int i = 0; i < n; ++i)
        for (int j = 0; j < n; ++j) {
            mesh.faces.push_back({id(i, j), id(i + 1, j), id(i + 1, j + 1)});
            mesh.faces.push_back({id(i, j), id(i + 1, j + 1), id(i, j + 1)});
        }
    return mesh;
}

/// Runs of faces, with the vertices of all.
std::vector<TriMesh> in_runs(const TriMesh& mesh, std::size_t run) {
    std::vector<TriMesh> pieces;
    for (std::size_t i = 0; i < mesh.faces.size(); i += run) {
        TriMesh& piece = pieces.emplace_back(mesh);
        const auto end = std::min(i + run, mesh.faces.size());
        piece.faces.assign(mesh.faces.begin() + static_cast<std::ptrdiff_t>(i),
                           mesh.faces.begin() + static_cast<std::ptrdiff_t>(end));
    }
    pieces.emplace_back();  // one without faces does no harm
    return pieces;
}

TEST(DistanceByPieces, AreThoseToTheWhole) {
    const TriMesh mesh = wavy_plane(30);
    Rng rng(3);
    std::vector<Vec3d> points;
    for (int i = 0; i < 3000; ++i)
        points.push_back({rng.uniform(-0.3, 1.3), rng.uniform(-0.3, 1.3), rng.uniform(-0.3, 0.3)});
    std::vector<double> whole(points.size());
    TriangleBvh(mesh).distances(points, whole);
    for (const std::size_t run : {150u, 700u, 5000u}) {
        DistanceByPieces by_pieces(points);
        const auto pieces = in_runs(mesh, run);
        const auto box_of = [](const TriMesh& piece) {
            Box3d box;
            for (const auto& f : piece.faces)
                for (const auto v : f) box.extend(piece.vertices[v]);
            return box.padded(0.02);
        };
        for (const auto& p : pieces) by_pieces.near(p, box_of(p));
        for (const auto& p : pieces) by_pieces.far(p);
        const auto found = by_pieces.distances();
        for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], whole[i], 1e-12);
    }
    EXPECT_TRUE(std::isinf(DistanceByPieces({{0, 0, 0}}).distances()[0]));
}

TEST(PieceRenderer, DrawsThePictureOfTheWhole) {
    const TriMesh mesh = wavy_plane(30);
    const RenderOptions options{.width = 90, .height = 60, .lights = 12};
    const ViewCamera camera = frame_view(mesh.vertices, 1.5, {0, 0, 1});
    const Image8 whole = render_mesh(mesh, camera, options);
    Box3d box;
    for (const auto& p : mesh.vertices) box.extend(p);
    for (const std::size_t run : {100u, 5000u}) {
        PieceRenderer renderer(box, mesh.faces.size(), camera, options);
        for (const auto& p : in_runs(mesh, run)) renderer.add(p);
        EXPECT_TRUE(renderer.finish().data == whole.data);
    }
    PieceRenderer nothing({}, 0, camera, options);
    EXPECT_TRUE(nothing.finish().data == render_mesh({}, camera, options).data);
}

}  // namespace
}  // namespace nir::geom
