// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// nir prepare --rooms: layout, rules and labels of the synthetic rooms, and training from them.
#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/base/parallel.h"
#include "nir/data/model_set.h"
#include "nir/io/formats.h"
#include "nir/io/npy.h"
#include "nir/pipeline/prepare.h"
#include "nir/pipeline/train.h"

#include "support/error_of.h"
#include "support/folder_files.h"
#include "support/meshes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <unistd.h>

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;
using geom::Vec3d;
using geom::Vec3f;
using test::error_of;
using test::files_of;
using test::text;
using ::testing::HasSubstr;

class PrepareRoomsTest : public ::testing::Test {
protected:
    void SetUp() override {
        const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
        root_ = fs::temp_directory_path() / fmt::format("nir_rooms_{}_{}", ::getpid(), info->name());
        fs::remove_all(root_);
        fs::create_directories(root_);
        former_ = set_log_sink([](LogLevel, std::string_view) {});
        options_.points = 2000, options_.samples = 3000, options_.voxels = 0, options_.views = 0;
        options_.room_files = 2, options_.rooms = 1, options_.split = {0.75, 0.05, 0.2};
        options_.out = root_ / "out";
    }
    void TearDown() override {
        set_threads(0);
        set_log_sink(former_);
        fs::remove_all(root_);
    }
    /// Objects of two classes; balls turn into themselves, so that a room of them has a closed form.
    void write_objects(int balls, int rings) {
        for (int i = 0; i < balls; ++i)
            write(fmt::format("ball/b{}.ply", i), geom::TriMesh(testing::make_sphere(1 + i, 24, {5, -3, 2})));
        for (int i = 0; i < rings; ++i)
            write(fmt::format("ring/r{}.ply", i), testing::make_torus(1, 0.2 + 0.02 * i, 24, 12));
        options_.objects = {root_ / "in"};
    }
    void write(const std::string& name, const geom::TriMesh& mesh) const {
        const fs::path file = root_ / "in" / name;
        fs::create_directories(file.parent_path());
        io::write_geometry(file, mesh);
    }
    PrepareResult run() const { return run(options_); }
    static PrepareResult run(const PrepareOptions& o) {
        NoProgress quiet;
        PhaseTimer timer;
        return prepare(o, quiet, timer);
    }
    TrainResult train_on(const std::string& config, std::vector<std::string> more) const {
        TrainOptions t;
        t.config = fs::path(NIR_SOURCE_DIR) / "configs/conv_onet" / config;
        t.out = root_ / ("run_" + config);
        t.steps = 2;
        t.overrides = {fmt::format("data.path=\"{}\"", options_.out.string()),
                       "data.validation_split=train",
                       "data.points=300",
                       "data.queries=64",
                       "train.batch_size=2",
                       "train.validation_scans=1",
                       "train.validation_batches=1",
                       "train.validation_points=100",
                       "train.preview_scans=0",
                       "train.log_every=1",
                       "model.encoder.hidden_dim=8",
                       "model.c_dim=8"};
        t.overrides.insert(t.overrides.end(), more.begin(), more.end());
        NoProgress quiet;
        return train(t, quiet);
    }

    fs::path root_;
    PrepareOptions options_;
    LogSink former_;
};

struct RoomFacts {
    std::vector<double> extent, scales, boxes;
    std::vector<std::int64_t> walls;
    double wall_height = 0;

    explicit RoomFacts(const fs::path& folder) {
        const io::TensorFile f = io::read_npz(folder / "item_dict.npz");
        extent = f.at("xz_groundplane_range").to_double(), scales = f.at("scales").to_double();
        boxes = f.at("bboxes").to_double(), walls = f.at("walls").to_int64();
        wall_height = f.at("wall_height").to_double()[0];
    }
    static double box(Vec3d p, Vec3d lo, Vec3d hi) {
        const Vec3d a = lo - p, b = p - hi;
        return std::max({a.x, a.y, a.z, b.x, b.y, b.z});
    }
    /// Signed distances (bounds outside) of the building and of the balls.
    std::pair<double, double> distances(Vec3d p) const {
        const double x = extent[0] / 2, z = extent[1] / 2, y0 = -0.49, y1 = y0 + wall_height, t = 0.01;
        double building = box(p, {-x, -0.5, -z}, {x, y0, z}), balls = 1e9;
        if (walls[0]) building = std::min(building, box(p, {-x, y0, -z}, {x, y1, -z + t}));
        if (walls[1]) building = std::min(building, box(p, {-x, y0, -z}, {-x + t, y1, z}));
        if (walls[2]) building = std::min(building, box(p, {-x, y0, z - t}, {x, y1, z}));
        if (walls[3]) building = std::min(building, box(p, {x - t, y0, -z}, {x, y1, z}));
        for (std::size_t i = 0; i < scales.size(); ++i) {
            const double* b = &boxes[4 * i];
            const Vec3d c{(b[0] + b[2]) / 2, y0 + scales[i] / 2, (b[1] + b[3]) / 2};
            balls = std::min(balls, norm(p - c) - scales[i] / 2);
        }
        return {building, balls};
    }
};

TEST_F(PrepareRoomsTest, WritesThePapersLayoutWithTrueLabels) {
    write_objects(3, 0);
    options_.rooms = 3, options_.half = true;
    const auto result = run();
    EXPECT_EQ(result.models.size(), 15u);
    EXPECT_TRUE(result.failed.empty());
    EXPECT_EQ(result.split_sizes, (std::array<std::size_t, 3>{5, 5, 5}));
    EXPECT_EQ(text(options_.out / "semantics.txt"), "-1 wall or ground\n0 ball\n");
    for (int n = 4; n <= 8; ++n) {
        const fs::path kind = options_.out / fmt::format("rooms_{:02}", n);
        // The lists name the folders that are there, each once (the papers' script names the next one).
        EXPECT_EQ(text(kind / "train.lst"), "00000000");
        EXPECT_EQ(text(kind / "val.lst"), "00000001");
        EXPECT_EQ(text(kind / "test.lst"), "00000002");
        for (int r = 0; r < 3; ++r) {
            const fs::path room = kind / fmt::format("{:08}", r);
            const RoomFacts facts(room);
            ASSERT_EQ(facts.scales.size(), static_cast<std::size_t>(n));
            EXPECT_TRUE(fs::exists(room / "pointcloud0.ply"));
            const auto meshes = n + 1 + std::count(facts.walls.begin(), facts.walls.end(), 1);
            for (int f = 0; f < 2; ++f) {
                const auto iou = io::read_npz(room / fmt::format("points_iou/points_iou_{:02}.npz", f));
                EXPECT_EQ(iou.at("points").dtype, io::DType::f16);
                EXPECT_EQ(iou.at("z_scale").to_double(), std::vector<double>{0});
                const auto p = iou.at("points").to_double();
                const auto semantics = iou.at("semantics").to_int64();
                const auto inside = io::unpack_bits(iou.at("occupancies").view<std::uint8_t>(), 2000);
                ASSERT_EQ(p.size(), 6000u);
                std::size_t checked = 0;
                for (std::size_t i = 0; i < 2000; ++i) {
                    const Vec3d q{p[3 * i], p[3 * i + 1], p[3 * i + 2]};
                    ASSERT_LE(std::max({std::abs(q.x), std::abs(q.y), std::abs(q.z)}), 0.5501);
                    const auto [building, balls] = facts.distances(q);
                    // 24 rings of triangles stay up to 0.5 % of the size within the ball.
                    if (std::abs(building) < 1e-5 || std::abs(balls) < 0.003) continue;
                    ++checked;
                    ASSERT_EQ(inside[i], std::min(building, balls) < 0) << i;
                    ASSERT_EQ(semantics[i], building < 0 ? -1 : balls < 0 ? 0 : meshes);
                }
                EXPECT_GT(checked, 1900u);
                const auto cloud = io::read_npz(room / fmt::format("pointcloud/pointcloud_{:02}.npz", f));
                const auto c = cloud.at("points").to_double(), normals = cloud.at("normals").to_double();
                const auto numbers = cloud.at("semantics").to_int64();
                ASSERT_EQ(c.size(), normals.size());
                ASSERT_EQ(c.size(), 3 * numbers.size());
                EXPECT_GT(numbers.size(), 2000u);
                EXPECT_LE(numbers.size(), 3000u);
                for (std::size_t i = 0; i < numbers.size(); ++i) {
                    const Vec3d q{c[3 * i], c[3 * i + 1], c[3 * i + 2]};
                    const auto [building, balls] = facts.distances(q);
                    ASSERT_LT(std::abs(numbers[i] == -1 ? building : balls), 0.003);
                    if (numbers[i] != -1) continue;
                    // Only the upper side of the ground, and no outer side of a wall.
                    ASSERT_GT(q.y, -0.491);
                    ASSERT_TRUE(!facts.walls[0] || q.z > -facts.extent[1] / 2 + 0.008);
                    ASSERT_TRUE(!facts.walls[1] || q.x > -facts.extent[0] / 2 + 0.008);
                    ASSERT_TRUE(!facts.walls[2] || q.z < facts.extent[1] / 2 - 0.008);
                    ASSERT_TRUE(!facts.walls[3] || q.x < facts.extent[0] / 2 - 0.008);
                }
            }
        }
    }
    for (const auto& m : result.models) {
        EXPECT_EQ(m.verdict(), "good") << m.name;
        EXPECT_GE(m.parity_agreement, 0.997);  // float16 points lie on faces now and then
    }
}

TEST_F(PrepareRoomsTest, WallsAndGroundWeighAFifth) {
    write_objects(2, 0);
    options_.samples = 40000, options_.room_files = 1;
    run();
    const fs::path room = options_.out / "rooms_06/00000000";
    const RoomFacts facts(room);
    double balls = 0;
    for (const double s : facts.scales) balls += std::numbers::pi * s * s;
    const double x = facts.extent[0], z = facts.extent[1], h = facts.wall_height, t = 0.01;
    double building = 2 * (x * z + t * (x + z));
    for (std::size_t k = 0; k < 4; ++k) {
        const double length = k % 2 == 0 ? x : z;
        if (facts.walls[k]) building += 2 * (length * h + t * h + t * length);
    }
    const auto numbers = io::read_npz(room / "pointcloud/pointcloud_00.npz").at("semantics").to_int64();
    const double expected = 40000 * balls / (balls + 0.2 * building);
    EXPECT_NEAR(static_cast<double>(std::count(numbers.begin(), numbers.end(), 0)), expected, 0.01 * expected);
}

TEST_F(PrepareRoomsTest, SameBytesForAnyThreadsAndAfterResume) {
    options_.families = {"furniture", "vessel"}, options_.generated_cells = 24;
    options_.points = 500, options_.samples = 500;
    set_threads(1);
    run();
    PrepareOptions again = options_;
    again.out = root_ / "again";
    set_threads(3);
    run(again);
    const auto a = files_of(options_.out), b = files_of(again.out);
    EXPECT_EQ(a.size(), b.size());
    for (const auto& [name, bytes] : a) EXPECT_TRUE(b.contains(name) && b.at(name) == bytes) << name;
    EXPECT_EQ(text(options_.out / "semantics.txt"), "-1 wall or ground\n0 furniture\n1 vessel\n");

    fs::remove_all(again.out / "rooms_05");
    again.resume = true;
    const auto resumed = run(again);
    EXPECT_EQ(std::count_if(resumed.models.begin(), resumed.models.end(), [](const auto& m) { return m.kept; }), 4);
    EXPECT_EQ(files_of(again.out), a);
    again.rooms = 2;
    EXPECT_THAT(error_of([&] { run(again); }).what(), HasSubstr("rooms = 1, now it is 2"));
}

TEST_F(PrepareRoomsTest, TestRoomsHoldObjectsOfTheirOwn) {
    write_objects(10, 10);
    options_.rooms = 4, options_.split = {0.5, 0.25, 0.25}, options_.points = options_.samples = 100;
    options_.room_files = 1;
    const auto result = run();
    std::map<std::string, std::set<std::string>> used;
    for (const auto& m : result.models) {
        const auto json = nlohmann::json::parse(text(options_.out / m.model_class / m.name / "report.json"));
        EXPECT_EQ(json["split"], m.split);
        for (const auto& o : json["objects"]) used[m.split].insert(o["source"].get<std::string>());
    }
    EXPECT_EQ(used.size(), 3u);
    for (const auto& name : used["test"]) EXPECT_FALSE(used["train"].contains(name) || used["val"].contains(name));
    EXPECT_GE(used["train"].size(), 8u);
}

TEST_F(PrepareRoomsTest, TrainingReadsARandomFileEachTime) {
    write_objects(2, 2);
    options_.room_files = 10, options_.points = 600, options_.samples = 600;
    EXPECT_EQ(run().models.size(), 5u);
    data::PaperFiles files;
    files.points = files.points_iou = "points_iou", files.pointcloud = "pointcloud";
    const auto set = data::open_paper_set(options_.out, "train", {}, files);
    ASSERT_EQ(set->size(), 5u);
    EXPECT_EQ(set->title(0), "rooms_04/00000000");
    Rng rng(1);
    std::set<float> firsts, labels;
    for (int i = 0; i < 100; ++i) {
        firsts.insert(set->surface(0, rng).points[0].x);
        labels.insert(set->points(0, false, rng).points[0].x);
    }
    EXPECT_EQ(firsts.size(), 10u);
    EXPECT_EQ(labels.size(), 10u);

    const TrainResult grid =
        train_on("room_grid32.toml", {"model.encoder.grid_resolution=8", "model.encoder.unet3d.f_maps=8"});
    EXPECT_EQ(grid.steps, 2);
    EXPECT_TRUE(std::isfinite(grid.loss));
    const TrainResult crop =
        train_on("crop_room_grid64.toml", {"model.encoder.unet3d.f_maps=8", "model.encoder.unet3d.num_levels=2",
                                           "model.unit_size=0.05", "model.query_cells=8"});
    EXPECT_EQ(crop.steps, 2);
    EXPECT_TRUE(std::isfinite(crop.loss));
}

TEST_F(PrepareRoomsTest, WrongUsageIsASentence) {
    const auto message = [&](auto&& change) {
        PrepareOptions o = options_;
        change(o);
        const Error e = error_of([&] { run(o); });
        EXPECT_EQ(e.kind(), ErrorKind::usage);
        return std::string(e.what());
    };
    EXPECT_THAT(message([](auto& o) { o.generate = 2; }), HasSubstr("exclude each other"));
    EXPECT_THAT(message([](auto& o) { o.inputs = {"x.ply"}; }), HasSubstr("by --objects"));
    EXPECT_THAT(message([](auto& o) { o.packed = true; }), HasSubstr("not packed"));
    EXPECT_THAT(message([](auto& o) { o.families = {"vesel"}; }), HasSubstr("did you mean \"vessel\""));
    EXPECT_THAT(message([](auto& o) { o.rooms = 0, o.objects = {"x.ply"}; }), HasSubstr("--"));
    write("c/flat.ply", [] {
        geom::TriMesh m = testing::make_box({0, 0, 0}, {0, 0, 0});
        return m;
    }());
    PrepareOptions o = options_;
    o.objects = {root_ / "in"};
    EXPECT_THAT(error_of([&] { run(o); }).what(), HasSubstr("all vertices lie in one place"));
}

}  // namespace
}  // namespace nir::pipeline
