// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/extract/window_mesh.h"

#include "nir/base/error.h"
#include "nir/extract/mesh_stitcher.h"
#include "nir/geom/mesh_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <set>

namespace nir::extract {
namespace {

using geom::Vec3d;
using geom::Vec3f;

/// A field by its formula that counts and that may only be asked inside the box it was prepared for.
class Formula final : public ScalarField {
public:
    Formula(std::function<float(Vec3f)> f, geom::Box3f domain) : f_(std::move(f)), domain_(domain) {}
    void values(std::span<const Vec3f> points, std::span<float> out) const override {
        for (std::size_t i = 0; i < points.size(); ++i) {
            EXPECT_TRUE(prepared_.contains(points[i]));
            out[i] = f_(points[i]);
        }
        asked_ += points.size();
    }
    float gradient_step() const override { return 1e-4f; }
    void prepare(const geom::Box3f& region) override { prepared_ = region.padded(1e-3f); }
    geom::Box3f domain() const override { return domain_; }
    std::size_t asked() const { return asked_; }

private:
    std::function<float(Vec3f)> f_;
    geom::Box3f domain_, prepared_;
    mutable std::size_t asked_ = 0;
};

struct Whole {
    geom::TriMesh mesh;
    std::vector<MeshStitcher::Part> parts;
};

Whole by_windows(ScalarField& field, double cell, int window_cells, std::span<const Vec3f> seeds = {},
                 const std::function<bool(const MeshStitcher::Part&)>& keep = {}) {
    const geom::Box3f d = field.domain();
    const WindowLattice lattice({.domain = {Vec3d(d.lo), Vec3d(d.hi)}, .cell = cell, .window_cells = window_cells});
    NoProgress quiet;
    std::vector<MeshPiece> pieces;
    MeshStitcher stitcher;
    for (std::size_t w = 0; w < lattice.count(); ++w) {
        pieces.push_back(extract_window(field, lattice, w, seeds, {.refine_steps = 3}, quiet));
        const FaceParts parts = parts_of(pieces.back().mesh);
        stitcher.measure(pieces.back(), parts.of_face, std::vector<std::size_t>(parts.count, 1));
    }
    Whole whole;
    for (auto& p : stitcher.decide())
        if (keep) p.keep = keep(p);
    for (const auto& piece : pieces) stitcher.append(piece, parts_of(piece.mesh).of_face, whole.mesh);
    whole.parts = stitcher.decide();
    return whole;
}

/// Triangles as sorted corner positions, rounded to 1e-5: two meshes are equal up to the order of vertices and faces.
std::multiset<std::vector<long>> triangles(const geom::TriMesh& mesh) {
    std::multiset<std::vector<long>> all;
    for (const auto& f : mesh.faces) {
        std::vector<std::vector<long>> corners;
        for (const auto v : f) {
            const Vec3d& p = mesh.vertices[v];
            corners.push_back({std::lround(p.x * 1e5), std::lround(p.y * 1e5), std::lround(p.z * 1e5)});
        }
        std::rotate(corners.begin(), std::min_element(corners.begin(), corners.end()), corners.end());
        std::vector<long> flat;
        for (const auto& c : corners) flat.insert(flat.end(), c.begin(), c.end());
        all.insert(flat);
    }
    return all;
}

float blob(Vec3f p) { return 0.4f + 0.06f * std::sin(9 * p.x) * std::sin(8 * p.y + 1) * std::sin(7 * p.z) - norm(p); }
/// A blob with a tube that the coarse samples meet here and there.
float spiked(Vec3f p) { return std::max(blob(p), 0.03f - std::sqrt(p.y * p.y + (p.z - 0.1f) * (p.z - 0.1f))); }
const geom::Box3f kDomain{{-0.9f, -0.6f, -0.55f}, {0.9f, 0.6f, 0.55f}};

TEST(WindowMesh, IsTheSameWhateverTheWindows) {
    Formula field(spiked, kDomain);
    const auto one = by_windows(field, 0.02, 4096), some = by_windows(field, 0.02, 40),
               many = by_windows(field, 0.02, 16);
    const auto report = geom::check_mesh(one.mesh);
    EXPECT_TRUE(report.watertight()) << report.summary();
    EXPECT_EQ(report.genus(), 0);
    EXPECT_GT(one.mesh.faces.size(), 10000u);
    for (const auto* other : {&some, &many}) {
        EXPECT_TRUE(geom::check_mesh(other->mesh).watertight()) << geom::check_mesh(other->mesh).summary();
        EXPECT_EQ(other->mesh.vertices.size(), one.mesh.vertices.size());
        EXPECT_EQ(triangles(other->mesh), triangles(one.mesh));
        EXPECT_EQ(other->parts.size(), 1u);
    }
}

TEST(WindowMesh, AgreesWithTheDenseLattice) {
    Formula field(blob, kDomain);
    const auto windows = by_windows(field, 0.02, 24);
    field.prepare(kDomain.padded(1));
    const geom::Box3d domain = WindowLattice({{Vec3d(kDomain.lo), Vec3d(kDomain.hi)}, 0.02, 24}).frame().domain;
    ExtractOptions dense;
    dense.domain = domain;
    dense.resolution_0 = 96;
    dense.upsampling = 0;
    dense.dense = true;
    const auto whole = extract_mesh(field, dense);
    EXPECT_EQ(triangles(windows.mesh), triangles(whole.mesh));
    ASSERT_EQ(windows.mesh.normals.size(), windows.mesh.vertices.size());
    for (std::size_t v = 0; v < windows.mesh.vertices.size(); v += 97) {
        Vec3f g;
        const Vec3f p(windows.mesh.vertices[v]);
        for (int a = 0; a < 3; ++a) {
            Vec3f q = p, r = p;
            q[a] += 1e-4f, r[a] -= 1e-4f;
            g[a] = blob(r) - blob(q);
        }
        EXPECT_GT(dot(windows.mesh.normals[v], normalized(g)), 0.99f);
    }
}

TEST(WindowMesh, SeedsFindWhatTheCoarseSamplesMiss) {
    // A wire far thinner than a block of samples.
    const auto wire = [](Vec3f p) {
        return 0.012f - std::sqrt(p.y * p.y + p.z * p.z) - std::max(0.0f, std::abs(p.x) - 0.7f);
    };
    Formula field(wire, kDomain);
    std::vector<Vec3f> seeds;
    for (int i = 0; i <= 2000; ++i)
        for (int k = 0; k < 12; ++k) {
            const float a = static_cast<float>(k) * std::numbers::pi_v<float> / 6;
            seeds.push_back({-0.7f + 0.0007f * static_cast<float>(i), 0.012f * std::cos(a), 0.012f * std::sin(a)});
        }
    for (const int cells : {16, 56}) {
        const auto found = by_windows(field, 0.01, cells, seeds);
        EXPECT_TRUE(geom::check_mesh(found.mesh).watertight());
        EXPECT_EQ(found.parts.size(), 1u);
        geom::Box3d box;
        for (const auto& v : found.mesh.vertices) box.extend(v);
        EXPECT_NEAR(box.hi.x - box.lo.x, 1.424, 0.02);
    }
}

TEST(WindowMesh, KeepsOnlyTheParts) {
    const auto balls = [](Vec3f p) {
        const auto ball = [&](Vec3f c, float r) { return r - norm(p - c); };
        return std::max({ball({-0.5f, 0, 0}, 0.35f), ball({0.3f, 0.1f, 0}, 0.25f), ball({0.75f, -0.4f, 0.3f}, 0.06f)});
    };
    Formula field(balls, kDomain);
    const auto all = by_windows(field, 0.02, 24);
    EXPECT_EQ(all.parts.size(), 3u);
    const auto large = by_windows(field, 0.02, 24, {}, [](const MeshStitcher::Part& p) { return p.faces > 1000; });
    const auto report = geom::check_mesh(large.mesh);
    EXPECT_TRUE(report.watertight());
    EXPECT_EQ(report.components, 2u);
    EXPECT_LT(large.mesh.vertices.size(), all.mesh.vertices.size());
}

TEST(WindowMesh, ClosesWhatLeavesTheDomain) {
    Formula field([](Vec3f p) { return 0.2f - p.z + 0.05f * std::sin(8 * p.x); }, kDomain);
    const auto slab = by_windows(field, 0.03, 16);
    const auto report = geom::check_mesh(slab.mesh);
    EXPECT_TRUE(report.watertight()) << report.summary();
    EXPECT_EQ(report.genus(), 0);
}

TEST(WindowMesh, RefusesWhatCannotBe) {
    EXPECT_THROW(WindowLattice({.domain = {}, .cell = 0.1, .window_cells = 8}), Error);
    EXPECT_THROW(WindowLattice({.domain = {{0, 0, 0}, {1, 1, 1}}, .cell = 0, .window_cells = 8}), Error);
    EXPECT_THROW(WindowLattice({.domain = {{0, 0, 0}, {1, 1, 1}}, .cell = 1e-7, .window_cells = 8}), Error);
    Formula nan([](Vec3f p) { return p.x > 0 ? std::numeric_limits<float>::quiet_NaN() : 1.0f; }, kDomain);
    EXPECT_THROW(by_windows(nan, 0.1, 16), Error);
}

}  // namespace
}  // namespace nir::extract
