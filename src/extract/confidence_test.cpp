// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/extract/confidence.h"

#include "nir/extract/extract_mesh.h"

#include <gtest/gtest.h>

#include <cmath>

namespace nir::extract {
namespace {

using geom::Vec3f;

/// x (1.5 + y): the level set 0 is the plane x = 0, crossed at a slope of 1.5 + y.
class Wedge : public ScalarField {
public:
    explicit Wedge(bool gradients) : gradients_(gradients) {}
    void values(std::span<const Vec3f> p, std::span<float> out) const override {
        for (std::size_t i = 0; i < p.size(); ++i) out[i] = p[i].x * (1.5f + p[i].y);
    }
    bool has_gradients() const override { return gradients_; }
    void gradients(std::span<const Vec3f> p, std::span<Vec3f> out) const override {
        for (std::size_t i = 0; i < p.size(); ++i) out[i] = {1.5f + p[i].y, p[i].x, 0};
    }
    geom::Box3f domain() const override { return {{-1, -1, -1}, {1, 1, 1}}; }

private:
    bool gradients_;
};

TEST(Confidence, SlopesAreThoseOfTheField) {
    for (const bool gradients : {false, true}) {
        Wedge field(gradients);
        ExtractOptions options;
        options.resolution_0 = 16, options.upsampling = 0;
        NoProgress quiet;
        EXPECT_TRUE(extract_mesh(field, options, quiet).mesh.confidence.empty());
        options.slopes = true;
        const geom::TriMesh m = extract_mesh(field, options, quiet).mesh;
        ASSERT_EQ(m.confidence.size(), m.vertices.size());
        std::size_t inner = 0;
        for (std::size_t v = 0; v < m.vertices.size(); ++v) {
            const geom::Vec3d p = m.vertices[v];
            if (std::abs(p.x) > 0.1) {
                EXPECT_EQ(m.confidence[v], 0);  // the wall on the border of the domain
            } else if (std::max(std::abs(p.y), std::abs(p.z)) < 0.9) {
                EXPECT_NEAR(m.confidence[v], 1.5 + p.y, 2e-3);
                ++inner;
            }
        }
        EXPECT_GT(inner, 100u);
    }
}

TEST(Confidence, FallsWithDistanceAndFlatness) {
    const std::vector<float> distance{0, 1, 2, 4, 0, 0, 0, 100};
    const std::vector<float> slope{8, 8, 8, 8, 4, 2, 0, 8};
    const auto c = vertex_confidence(distance, slope, 4);
    EXPECT_FLOAT_EQ(c[0], 1);
    EXPECT_FLOAT_EQ(c[1], std::exp(-0.25f));
    EXPECT_FLOAT_EQ(c[2], std::exp(-1.0f));
    EXPECT_FLOAT_EQ(c[3], std::exp(-4.0f));
    EXPECT_FLOAT_EQ(c[4], 1);
    EXPECT_FLOAT_EQ(c[5], 0.5f);
    EXPECT_FLOAT_EQ(c[6], 0);
    EXPECT_EQ(c[7], 0);
    EXPECT_FLOAT_EQ(vertex_confidence(distance, slope, 0)[6], 1);
}

TEST(Confidence, SureIsHalfTheMedianNearTheData) {
    const std::vector<float> slope{1, 2, 3, 100, 100, 100, 100};
    EXPECT_FLOAT_EQ(sure_slope(slope, std::vector<float>{0, 0.5f, 1, 2, 2, 2, 2}), 1);
    EXPECT_FLOAT_EQ(sure_slope(slope, std::vector<float>(7, 5.0f)), 50);
    EXPECT_EQ(sure_slope({}, {}), 0);
}

}  // namespace
}  // namespace nir::extract
