// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/mesh_stream.h"

#include "nir/base/error.h"
#include "nir/base/rng.h"
#include "nir/io/geometry.h"
#include "nir/io/obj.h"
#include "nir/io/ply.h"

#include <gtest/gtest.h>

#include <sstream>

namespace nir::io {
namespace {

geom::TriMesh some_mesh(bool columns, double offset) {
    Rng rng(5);
    geom::TriMesh mesh;
    for (std::uint32_t i = 0; i < 97; ++i) {
        mesh.vertices.push_back({offset + rng.uniform(), rng.uniform(), rng.uniform()});
        if (columns) {
            mesh.normals.push_back({1, static_cast<float>(rng.uniform()), 0});
            mesh.colors.push_back({static_cast<std::uint8_t>(i), 7, 200});
            mesh.confidence.push_back(static_cast<float>(rng.uniform()));
        }
        if (i > 1) mesh.faces.push_back({i - 2, i - 1, i});
    }
    return mesh;
}

std::string streamed(const geom::TriMesh& mesh, const char* name, std::size_t block) {
    std::ostringstream out;
    CoordinateCheck check;
    for (const auto& p : mesh.vertices) check.add(p);
    const auto stream = stream_mesh(out, name,
                                    {.vertices = mesh.vertices.size(),
                                     .faces = mesh.faces.size(),
                                     .normals = !mesh.normals.empty(),
                                     .colors = !mesh.colors.empty(),
                                     .confidence = !mesh.confidence.empty(),
                                     .doubles = check.needs_double()});
    for (int pass = 0; pass < stream->vertex_passes(); ++pass)
        for (std::size_t i = 0; i < mesh.vertices.size(); i += block) {
            const std::size_t end = std::min(i + block, mesh.vertices.size());
            geom::TriMesh part;
            const auto take = [&](const auto& from, auto& to) {
                for (std::size_t v = i; v < end && !from.empty(); ++v) to.push_back(from[v]);
            };
            take(mesh.vertices, part.vertices), take(mesh.normals, part.normals);
            take(mesh.colors, part.colors), take(mesh.confidence, part.confidence);
            stream->vertices(part);
        }
    for (const auto& f : mesh.faces) stream->faces({&f, 1});
    stream->finish();
    return out.str();
}

TEST(MeshStream, WritesTheBytesOfTheWhole) {
    for (const bool columns : {false, true})
        for (const double offset : {0.0, 5e6}) {
            const auto mesh = some_mesh(columns, offset);
            std::ostringstream ply, obj;
            write_ply(ply, mesh);
            write_obj(obj, mesh);
            for (const std::size_t block : {1u, 10u, 1000u}) {
                EXPECT_TRUE(streamed(mesh, "a.ply", block) == ply.str());
                EXPECT_TRUE(streamed(mesh, "a.OBJ", block) == obj.str());
            }
        }
}

TEST(MeshStream, NoticesWhatIsMissing) {
    EXPECT_TRUE(can_stream_mesh("x.ply"));
    EXPECT_FALSE(can_stream_mesh("x.glb"));
    EXPECT_FALSE(can_stream_mesh("x"));
    std::ostringstream out;
    EXPECT_THROW(stream_mesh(out, "x.stl", {}), Error);
    const auto mesh = some_mesh(false, 0);
    const auto stream = stream_mesh(out, "x.ply", {.vertices = 97, .faces = 95});
    EXPECT_THROW(stream->faces(mesh.faces), Error);
    stream->vertices(mesh);
    EXPECT_THROW(stream->vertices(some_mesh(true, 0)), Error);
    EXPECT_THROW(stream->finish(), Error);
}

}  // namespace
}  // namespace nir::io
