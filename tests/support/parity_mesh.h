// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/extract/extract_mesh.h"

#include "support/parity.h"

#include <cmath>

namespace nir::test {

/// The whole chain: network, MISE, Marching Cubes. Expects the mesh of the official generator: the same points asked in
/// every round, the same faces, vertices within 1e-5.
/// @param file  NAME.mesh_R_U.npz
inline void expect_official_mesh(const std::string& name, const io::TensorFile& file, extract::ScalarField& field) {
    extract::ExtractOptions options;
    options.resolution_0 = static_cast<int>(file.at("resolution0").to_int64()[0]);
    options.upsampling = static_cast<int>(file.at("upsampling_steps").to_int64()[0]);
    options.refine_steps = 0;
    options.clamp = 0;
    options.normals = false;
    options.domain = geom::Box3d{{-.55, -.55, -.55}, {.55, .55, .55}};
    const auto result = extract::extract_mesh(field, options);

    const auto counts = file.at("eval_counts").to_int64();
    ASSERT_EQ(result.rounds.size(), counts.size());
    for (std::size_t i = 0; i < counts.size(); ++i)
        EXPECT_EQ(result.rounds[i].points, static_cast<std::size_t>(counts[i])) << "round " << i;
    const auto vertices = file.at("vertices").to_double();
    const auto faces = file.at("faces").to_int64();
    ASSERT_EQ(result.mesh.vertices.size() * 3, vertices.size());
    ASSERT_EQ(result.mesh.faces.size() * 3, faces.size());
    double worst = 0;
    for (std::size_t i = 0; i < vertices.size(); ++i)
        worst = std::max(worst, std::abs(vertices[i] - result.mesh.vertices[i / 3][static_cast<int>(i % 3)]));
    EXPECT_LT(worst, 1e-5);
    record_parity(name, "vertices (absolute)", worst);
    std::size_t different = 0;
    for (std::size_t i = 0; i < faces.size(); ++i)
        different += result.mesh.faces[i / 3][i % 3] != static_cast<std::uint32_t>(faces[i]);
    EXPECT_EQ(different, 0u);
}

}  // namespace nir::test
