// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/dataset_view.h"

#include "support/meshes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace nir::geom {
namespace {

using M3 = std::array<std::array<double, 3>, 3>;

M3 times(const M3& a, const M3& b) {
    M3 c{};
    for (std::size_t i = 0; i < 3; ++i)
        for (std::size_t j = 0; j < 3; ++j)
            for (std::size_t k = 0; k < 3; ++k) c[i][j] += a[i][k] * b[k][j];
    return c;
}

/// The published formula, matrix by matrix: world_mat = [F R2 R1 Bl | -F R2 (1.75 d, 0, 0)].
TEST(DatasetView, WorldMatrixIsThePublishedOne) {
    const Box3d unit{{-0.5 / std::sqrt(3), -0.5 / std::sqrt(3), -0.5 / std::sqrt(3)},
                     {0.5 / std::sqrt(3), 0.5 / std::sqrt(3), 0.5 / std::sqrt(3)}};  // diagonal 1
    Rng rng(3);
    for (int trial = 0; trial < 20; ++trial) {
        const DatasetView v = DatasetView::random(rng);
        const double a = -v.azimuth_deg * std::numbers::pi / 180, e = -v.elevation_deg * std::numbers::pi / 180;
        const double ca = std::cos(a), sa = std::sin(a), ce = std::cos(e), se = std::sin(e);
        const M3 r1 = {{{ca * ce, sa * ce, -se}, {-sa, ca, 0}, {ca * se, sa * se, ce}}};
        const M3 r2 = {{{0, 1, 0}, {0, 0, 1}, {1, 0, 0}}};
        const M3 flip = {{{1, 0, 0}, {0, -1, 0}, {0, 0, -1}}};
        const M3 blender = {{{1, 0, 0}, {0, 0, -1}, {0, 1, 0}}};
        const M3 fr2 = times(flip, r2), r = times(fr2, times(r1, blender));
        const auto m = world_matrix(v, unit);
        for (std::size_t i = 0; i < 3; ++i) {
            for (std::size_t j = 0; j < 3; ++j) EXPECT_NEAR(m[4 * i + j], r[i][j], 1e-12) << trial;
            EXPECT_NEAR(m[4 * i + 3], -fr2[i][0] * 1.75 * v.distance, 1e-12);
        }
    }
}

/// A pixel of the picture that a point of the box's frame falls on, by the stored matrices.
std::array<double, 2> pixel_of(Vec3d p, const DatasetView& v, const Box3d& box, double size) {
    const auto w = world_matrix(v, box);
    const auto k = camera_matrix();
    std::array<double, 3> c{};
    for (std::size_t i = 0; i < 3; ++i) c[i] = w[4 * i] * p.x + w[4 * i + 1] * p.y + w[4 * i + 2] * p.z + w[4 * i + 3];
    return {(k[0] * c[0] / c[2] + k[2]) * size / kDatasetSide, (k[4] * c[1] / c[2] + k[5]) * size / kDatasetSide};
}

TEST(DatasetView, PicturesFitTheirMatrices) {
    // A small ball at either end of a box far from the origin: it is drawn around where the matrices put its middle.
    const std::array<Vec3d, 2> ends = {{{103, -40, 7}, {107, -38, 6}}};
    const Box3d box{{102.8, -40.2, 5.8}, {107.2, -37.8, 7.2}};
    Rng rng(8);
    RenderOptions render;
    render.width = render.height = 96;
    render.background_top = render.background_bottom = {255, 255, 255};
    render.lights = 0, render.ground_shadow = false;
    for (int trial = 0; trial < 6; ++trial) {
        const DatasetView v = DatasetView::random(rng);
        for (const Vec3d end : ends) {
            const Image8 image = render_mesh(testing::make_sphere(0.2, 12, end), camera_of(v, box), render);
            double x = 0, y = 0, n = 0;
            for (int j = 0; j < 96; ++j)
                for (int i = 0; i < 96; ++i)
                    if (image.pixel(i, j)[1] < 250) x += i + 0.5, y += j + 0.5, ++n;
            ASSERT_GT(n, 10) << trial;
            const auto p = pixel_of(end, v, box, 96);
            EXPECT_NEAR(x / n, p[0], 0.7);
            EXPECT_NEAR(y / n, p[1], 0.7);
            EXPECT_EQ(image.pixel(0, 0)[0], 255);
        }
    }
}

TEST(DatasetView, TheWholeObjectIsInThePicture) {
    Rng rng(1);
    const TriMesh box_mesh = testing::make_box({-2, -1, 0}, {3, 4, 5});
    const Box3d box = bounds(box_mesh.vertices);
    for (int trial = 0; trial < 500; ++trial) {
        const DatasetView v = DatasetView::random(rng);
        for (const auto& p : box_mesh.vertices) {
            const auto uv = pixel_of(p, v, box, 137);
            ASSERT_GT(std::min(uv[0], uv[1]), 0);
            ASSERT_LT(std::max(uv[0], uv[1]), 137);
        }
    }
}

}  // namespace
}  // namespace nir::geom
