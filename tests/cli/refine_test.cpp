// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// nir reconstruct --refine and --refine-steps, with the model that ships.
#include "nir/base/rng.h"
#include "nir/io/ply.h"

#include "cli/run_program.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>
#include <sstream>

namespace nir::test {
namespace {

using geom::Vec3d;
using ::testing::HasSubstr;

/// A pebble with waves, which a network does not know by heart.
std::string pebble(const TemporaryFolder& folder, std::size_t n, double noise, double scale) {
    Rng rng(8);
    geom::PointCloud cloud;
    for (std::size_t i = 0; i < n; ++i) {
        const Vec3d d = normalized(Vec3d{rng.normal(), rng.normal(), rng.normal()});
        const double r = 0.5 + 0.05 * std::sin(9 * d.x) * std::cos(8 * d.y) + noise * rng.normal();
        cloud.points.push_back(d * (r * scale));
    }
    const std::string path = folder / "scan.ply";
    io::write_ply(path, cloud);
    return path;
}

TEST(ReconstructRefine, BringsTheMeshCloserAndSaysHow) {
    const TemporaryFolder folder;
    const std::string scan = pebble(folder, 2500, 0, 200);  // in millimetres, say
    const auto plain = run_json({"reconstruct", scan, "-o", folder / "plain.ply", "--json"});
    EXPECT_FALSE(plain.contains("refine"));
    const std::vector<std::string> refined{"reconstruct",    scan, "-o",    folder / "a.ply",
                                           "--refine-steps", "12", "--json"};
    const auto j = run_json(refined);
    ASSERT_TRUE(j.contains("refine"));
    const auto& r = j["refine"];
    EXPECT_GT(r["kept"], 0);
    EXPECT_LE(r["steps"], 12);
    EXPECT_LT(r["residual_after"], r["residual_before"]);
    EXPECT_LT(r["held_out_after"], r["held_out_before"]);
    EXPECT_NEAR(r["points"].get<double>() + r["held_out"].get<double>(), 2500, 25);
    EXPECT_LT(j["residual"]["mean"], plain["residual"]["mean"]);  // of the mesh, user units
    EXPECT_LT(r["residual_before"], 2 * plain["residual"]["mean"].get<double>());
    EXPECT_GT(r["residual_before"], 0.5 * plain["residual"]["mean"].get<double>());
    EXPECT_TRUE(j["watertight"].get<bool>());
    EXPECT_EQ(j["genus"], 0);

    auto again = refined;
    again[3] = folder / "b.ply";
    run_json(again);
    EXPECT_TRUE(bytes_of(folder / "a.ply") == bytes_of(folder / "b.ply"));
    EXPECT_FALSE(bytes_of(folder / "a.ply") == bytes_of(folder / "plain.ply"));
}

TEST(ReconstructRefine, NoisyScansStayAsTheyAre) {
    const TemporaryFolder folder;
    const std::string scan = pebble(folder, 2000, 0.012, 1);
    const Outcome o = run_nir({"reconstruct", scan, "-o", folder / "a.ply", "--refine", "30", "--json", "-v"});
    ASSERT_EQ(o.code, 0) << o.err;
    const auto j = nlohmann::json::parse(o.out);
    EXPECT_EQ(j["refine"]["kept"], 0) << o.out;
    EXPECT_EQ(j["refine"]["stopped_by"], "nothing to gain");
    EXPECT_EQ(j["refine"]["residual_after"], j["refine"]["residual_before"]);
    EXPECT_THAT(o.err, HasSubstr("nothing to gain"));
    run_json({"reconstruct", scan, "-o", folder / "b.ply", "--json"});
    EXPECT_TRUE(bytes_of(folder / "a.ply") == bytes_of(folder / "b.ply"));
}

TEST(ReconstructRefine, RefusesLimitsThatAreNone) {
    const TemporaryFolder folder;
    const std::string scan = pebble(folder, 500, 0, 1);
    for (const auto& bad : std::vector<std::vector<std::string>>{
             {"--refine", "0"}, {"--refine", "-1"}, {"--refine", "soon"}, {"--refine-steps", "0"}}) {
        const Outcome o = run_nir({"reconstruct", scan, "-o", folder / "out.ply", bad[0], bad[1]});
        EXPECT_EQ(o.code, 2) << o.err;
        expect_clean_stderr(o);
        EXPECT_FALSE(std::filesystem::exists(folder / "out.ply"));
    }
}

}  // namespace
}  // namespace nir::test
