// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// From photos with silhouettes to a coloured mesh in the world's coordinates.
#include "nir/io/formats.h"
#include "nir/pipeline/extract.h"
#include "nir/pipeline/train.h"

#include "support/ball_scene.h"

#include <gtest/gtest.h>

#include <fstream>

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;

class ViewTraining : public ::testing::Test {
protected:
    void SetUp() override {
        folder_ = fs::path(::testing::TempDir()) /
                  (std::string("nir_view_training_") + ::testing::UnitTest::GetInstance()->current_test_info()->name());
        fs::remove_all(folder_);
        test::write_ball_scene(folder_ / "scene", 16, 3, 40);
        std::ofstream(folder_ / "dvr.toml") << "[model]\nname = \"dvr\"\nstart_radius = 0.2\nmarch_steps = 32\n"
                                               "[model.decoder]\nc_dim = 0\nhidden = 48\nblocks = 2\n"
                                               "[data]\nname = \"views\"\npixels = 128\npath = \""
                                            << (folder_ / "scene").string()
                                            << "\"\n[train]\nlr = 2e-3\nbatch_size = 4\nvalidation_batches = 2\n"
                                               "preview_scans = 1\npreview_cells = 32\nworkers = 0\n";
    }
    void TearDown() override { fs::remove_all(folder_); }
    TrainOptions options(const char* run, std::int64_t steps) const {
        TrainOptions o;
        o.config = folder_ / "dvr.toml", o.out = folder_ / run, o.steps = steps;
        return o;
    }
    fs::path folder_;
};

std::string bytes_of(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

TEST_F(ViewTraining, ResumedIsTheSameBytes) {
    NoProgress all;
    const TrainResult whole = train(options("whole", 20), all);
    (void)train(options("parts", 9), all);
    TrainOptions rest = options("parts", 20);
    rest.resume = true;
    const TrainResult parts = train(rest, all);
    EXPECT_EQ(bytes_of(whole.model), bytes_of(parts.model));
}

TEST_F(ViewTraining, MeshIsTheBallInTheWorldWithItsColours) {
    NoProgress all;
    PhaseTimer timer;
    const TrainResult result = train(options("run", 160), all);
    ExtractOptions o;
    o.source.field = result.model, o.mesh = folder_ / "ball.ply";
    o.resolution_0 = 16, o.upsampling = 2;
    const ExtractSummary made = extract_to_file(o, all, timer);
    const geom::TriMesh& mesh = made.result.mesh;
    ASSERT_EQ(mesh.colors.size(), mesh.vertices.size());
    double radius = 0, color = 0;
    for (std::size_t i = 0; i < mesh.vertices.size(); ++i) {
        const geom::Vec3d p = mesh.vertices[i];
        radius += norm(p);
        color += std::abs(mesh.colors[i].r - (127.5 + 100 * p.x / norm(p)));
    }
    const auto n = static_cast<double>(mesh.vertices.size());
    EXPECT_NEAR(radius / n, test::kBallRadius, 0.06);
    EXPECT_LT(color / n, 35);  // grey all over would be 50 off on average
    // The frame of the box is that of the world too.
    EXPECT_GT(made.result.lattice.domain.hi.x, 0.6);
}

}  // namespace
}  // namespace nir::pipeline
