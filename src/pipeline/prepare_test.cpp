// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/prepare.h"

#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/base/parallel.h"
#include "nir/data/dataset.h"
#include "nir/geom/orient.h"
#include "nir/geom/sampling.h"
#include "nir/io/formats.h"
#include "nir/io/npy.h"
#include "nir/io/png.h"
#include "nir/pipeline/train.h"

#include "support/error_of.h"
#include "support/folder_files.h"
#include "support/meshes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <fstream>
#include <map>
#include <sstream>
#include <unistd.h>

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;
using geom::Vec3d;
using test::error_of;
using test::files_of;
using test::text;
using ::testing::HasSubstr;

class StopAfter final : public Progress {
public:
    explicit StopAfter(int n) : left_(n) {}
    void begin(std::string_view, std::uint64_t, std::string_view) override {}
    bool advance(std::uint64_t n) override { return (left_ -= static_cast<int>(n)) > 0; }
    void end() override {}

private:
    std::atomic<int> left_;
};

class PrepareTest : public ::testing::Test {
protected:
    void SetUp() override {
        const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
        root_ = fs::temp_directory_path() / fmt::format("nir_prepare_{}_{}", ::getpid(), info->name());
        fs::remove_all(root_);
        fs::create_directories(root_);
        former_ = set_log_sink([](LogLevel, std::string_view) {});
        options_.points = 4000, options_.samples = 1000, options_.voxels = 16, options_.views = 0;
        options_.out = root_ / "out";
    }
    void TearDown() override {
        set_threads(0);
        set_log_sink(former_);
        fs::remove_all(root_);
    }
    fs::path write(const std::string& name, const geom::TriMesh& mesh) {
        const fs::path file = root_ / "in" / name;
        fs::create_directories(file.parent_path());
        io::write_geometry(file, mesh);
        return file;
    }
    PrepareResult run() { return run_to(options_); }
    PrepareResult run_to(PrepareOptions o) {
        if (o.inputs.empty()) o.inputs = {root_ / "in"};
        NoProgress quiet;
        PhaseTimer timer;
        return prepare(o, quiet, timer);
    }
    /// Points and labels of one model, in the unit cube.
    data::LabelledPoints points(const std::string& model_class, const std::string& name) const {
        const auto set = data::open_paper_set(options_.out, "train");
        Rng rng(0);
        for (std::size_t m = 0; m < set->size(); ++m)
            if (set->title(m) == model_class + "/" + name) return set->points(m, false, rng);
        ADD_FAILURE() << "no " << name;
        return {};
    }
    /// Share of the labels that the closed form gives, over the points not within 1e-3 of its surface.
    template <class Distance>
    double agreement(const data::LabelledPoints& p, Distance distance) const {
        std::size_t same = 0, n = 0;
        for (std::size_t i = 0; i < p.points.size(); ++i) {
            const double d = distance(Vec3d(p.points[i]));
            if (std::abs(d) < 1e-3) continue;
            same += p.inside[i] == (d < 0), ++n;
        }
        EXPECT_GT(n, p.points.size() * 9 / 10);
        return static_cast<double>(same) / static_cast<double>(n);
    }

    fs::path root_;
    PrepareOptions options_;
    LogSink former_;
};

double box_distance(Vec3d p, Vec3d half) {
    const Vec3d q = Vec3d{std::abs(p.x), std::abs(p.y), std::abs(p.z)} - half;
    return std::max({q.x, q.y, q.z});
}

TEST_F(PrepareTest, LabelsAreThoseOfClosedForms) {
    // In user coordinates far from the unit cube: the frame must come out right.
    write("c/ball.ply", geom::TriMesh(testing::make_sphere(30, 90, {500, -200, 1000})));
    write("c/ring.obj", testing::make_torus(4, 1, 160, 80));
    write("c/box.off", testing::make_box({0, 0, 0}, {2, 1, 4}));
    options_.split = {1, 0, 0};
    const auto result = run();
    ASSERT_EQ(result.models.size(), 3u);
    EXPECT_EQ(agreement(points("c", "ball"), [](Vec3d p) { return norm(p) - 0.5; }), 1);
    EXPECT_EQ(agreement(points("c", "ring"), [](Vec3d p) { return std::hypot(std::hypot(p.x, p.y) - 0.4, p.z) - 0.1; }),
              1);
    EXPECT_EQ(agreement(points("c", "box"), [](Vec3d p) { return box_distance(p, {0.25, 0.125, 0.5}); }), 1);
    for (const auto& m : result.models) {
        EXPECT_EQ(m.verdict(), "good") << m.name;
        EXPECT_GE(m.parity_agreement, 0.9999) << m.name;
        EXPECT_LT(m.doubtful, 1e-3) << m.name;
        EXPECT_TRUE(m.watertight);
        EXPECT_NEAR(m.volume / m.signed_volume, 1, 0.1) << m.name;
    }
    EXPECT_EQ(result.models[0].center, (std::array<double, 3>{500, -200, 1000}));
    EXPECT_NEAR(result.models[0].scale, 60, 1e-3);
    EXPECT_EQ(result.models[1].scale, 4);
}

TEST_F(PrepareTest, BrokenMeshesAreLabelledSanelyAndNamed) {
    const geom::TriMesh ball = testing::make_sphere(0.5, 60);
    geom::TriMesh open = ball;  // a hole of 6 degrees around the pole
    std::erase_if(open.faces, [&](const auto& f) {
        return std::all_of(f.begin(), f.end(), [&](auto v) { return ball.vertices[v].z > 0.5 * std::cos(0.11); });
    });
    geom::TriMesh inside_out = ball;
    geom::flip_faces(inside_out);
    geom::TriMesh turned = ball;
    Rng rng(1);
    for (auto& f : turned.faces)
        if (rng.coin(0.3)) std::swap(f[0], f[1]);
    geom::TriMesh crossing = testing::make_sphere(0.3, 40, {-0.2, 0, 0});
    testing::append(crossing, testing::make_sphere(0.3, 40, {0.2, 0, 0}));
    geom::TriMesh sheet;
    sheet.vertices = {{-1, -1, 0}, {1, -1, 0}, {1, 1, 0}, {-1, 1, 0}};
    sheet.faces = {{0, 1, 2}, {0, 2, 3}};
    write("c/open.ply", open), write("c/inside_out.ply", inside_out), write("c/turned.ply", turned);
    write("c/crossing.ply", crossing), write("c/sheet.ply", sheet), write("c/ball.ply", ball);
    options_.split = {1, 0, 0};
    const auto result = run();
    const auto model = [&](const char* name) {
        for (const auto& m : result.models)
            if (m.name == name) return m;
        ADD_FAILURE() << name;
        return PreparedModel{};
    };
    const auto sphere = [](Vec3d p) { return norm(p) - 0.5; };
    EXPECT_EQ(agreement(points("c", "inside_out"), sphere), 1);
    EXPECT_EQ(model("inside_out").verdict(), "good");
    EXPECT_EQ(model("inside_out").turned_faces, ball.faces.size());
    EXPECT_GT(model("inside_out").signed_volume, 0);
    EXPECT_EQ(agreement(points("c", "turned"), sphere), 1);
    EXPECT_EQ(model("turned").verdict(), "good");
    EXPECT_FALSE(model("turned").watertight);
    // The hole is closed where the winding number crosses a half. Without the cap the middle of the box lies lower.
    const Vec3d low{0, 0, model("open").center[2]};
    EXPECT_GT(agreement(points("c", "open"), [&](Vec3d p) { return norm(p + low) - 0.5; }), 0.999);
    EXPECT_FALSE(model("open").closed);
    EXPECT_GT(model("open").boundary_edges, 0u);
    EXPECT_EQ(model("open").verdict(), "open");
    EXPECT_GT(model("open").doubtful, 0);
    // Two balls in one another: the union, where parity leaves the overlap out.
    const double scale = model("crossing").scale;
    EXPECT_EQ(agreement(points("c", "crossing"),
                        [&](Vec3d p) {
                            return std::min(norm(p * scale - Vec3d{0.2, 0, 0}), norm(p * scale + Vec3d{0.2, 0, 0})) /
                                       scale -
                                   0.3 / scale;
                        }),
              1);
    EXPECT_LT(model("crossing").parity_agreement, 0.99);
    EXPECT_EQ(model("sheet").verdict(), "empty");
    const auto worst = result.worst();
    ASSERT_EQ(worst.size(), 2u);
    EXPECT_EQ(worst[0]->name, "sheet");
    const std::string page = prepare_report_text(result, options_);
    EXPECT_THAT(page, HasSubstr("empty     c/sheet"));
    EXPECT_THAT(page, HasSubstr("6 models of 1 classes"));
}

TEST_F(PrepareTest, FilesAreThoseOfThePapers) {
    write("02691156/a.ply", testing::make_sphere(2, 20, {1, 2, 3}));
    options_.views = 3;
    run();
    const fs::path folder = options_.out / "02691156/a";
    const auto points = io::read_npz(folder / "points.npz");
    EXPECT_EQ(points.at("points").dtype, io::DType::f16);
    EXPECT_EQ(points.at("points").shape, (std::vector<std::int64_t>{4000, 3}));
    EXPECT_EQ(points.at("occupancies").dtype, io::DType::u8);
    EXPECT_EQ(points.at("occupancies").shape, (std::vector<std::int64_t>{500}));
    EXPECT_EQ(points.at("loc").shape, (std::vector<std::int64_t>{3}));
    EXPECT_TRUE(points.at("scale").shape.empty());
    EXPECT_THAT(points.at("loc").to_double(), ::testing::ElementsAre(1, 2, 3));
    EXPECT_EQ(points.at("scale").to_double()[0], 4);
    const auto cloud = io::read_npz(folder / "pointcloud.npz");
    const auto p = cloud.at("points").to_double(), n = cloud.at("normals").to_double();
    ASSERT_EQ(p.size(), 3000u);
    for (std::size_t i = 0; i < p.size(); i += 3) {
        const Vec3d a{p[i], p[i + 1], p[i + 2]}, b{n[i], n[i + 1], n[i + 2]};
        EXPECT_NEAR(norm(a), 0.5, 0.006);
        EXPECT_GT(dot(a, b), 0.48);
    }
    const auto grid = io::read_voxel_grid(folder / "model.binvox");
    ASSERT_EQ(grid.size, (geom::Vec3i{16, 16, 16}));
    EXPECT_EQ(grid.values[grid.index(8, 8, 8)], 1);
    EXPECT_EQ(grid.values[grid.index(0, 8, 8)], 1);  // the surface touches it
    EXPECT_EQ(grid.values[grid.index(1, 1, 8)], 0);
    const auto cameras = io::read_npz(folder / "img_choy2016/cameras.npz");
    EXPECT_EQ(cameras.arrays.size(), 6u);
    EXPECT_EQ(cameras.at("world_mat_2").shape, (std::vector<std::int64_t>{3, 4}));
    EXPECT_EQ(cameras.at("camera_mat_0").shape, (std::vector<std::int64_t>{3, 3}));
    const auto image = io::read_png(folder / "img_choy2016/002.png");
    EXPECT_EQ(image.width, 137);
    EXPECT_EQ(image.pixel(0, 0)[0], 255);
    EXPECT_LT(image.pixel(68, 68)[0], 250);
    EXPECT_EQ(text(options_.out / "metadata.yaml"),
              "\"02691156\":\n  id: \"02691156\"\n  name: \"airplane,aeroplane,plane\"\n");
    EXPECT_EQ(text(options_.out / "02691156/train.lst"), "a");
    EXPECT_EQ(text(options_.out / "02691156/val.lst"), "");
}

TEST_F(PrepareTest, NearPointsAndCentreRule) {
    write("c/a.ply", testing::make_sphere(0.5, 40));
    options_.uniform_ratio = 0.25, options_.half = false, options_.voxel_surface = false;
    const auto result = run();
    const auto p = points("c", "a");
    ASSERT_EQ(p.points.size(), 4000u);
    EXPECT_EQ(p.points.type, io::DType::f32);
    double sum = 0;
    for (std::size_t i = 1000; i < 4000; ++i) sum += std::pow(norm(Vec3d(p.points[i])) - 0.5, 2);
    EXPECT_NEAR(std::sqrt(sum / 3000), 0.01, 0.001);
    const auto grid = io::read_voxel_grid(options_.out / "c/a/model.binvox");
    for (int i = 0; i < 16; ++i) {
        const Vec3d c = Vec3d{i + 0.5, 8.5, 8.5} / 16.0 - Vec3d{0.5, 0.5, 0.5};
        EXPECT_EQ(grid.values[grid.index(i, 8, 8)] > 0, norm(c) < 0.5);
    }
    EXPECT_FALSE(fs::exists(options_.out / "c/a/points_surface.npz"));
    EXPECT_NEAR(result.models[0].inside, 4 * M_PI / 3 / 8 / std::pow(1.1, 3), 0.05);
}

TEST_F(PrepareTest, SameBytesForAnyNumberOfThreads) {
    for (const char* name : {"a/x.ply", "a/y.obj", "b/z.off", "b/w.stl"})
        write(name, testing::make_torus(1, 0.3, 30, 16));
    options_.views = 2;
    options_.points = 20000;
    PrepareOptions one = options_, many = options_;
    one.out = root_ / "one", many.out = root_ / "many";
    set_threads(1);
    run_to(one);
    set_threads(4);  // fewer than twice as many meshes: threads share each mesh
    run_to(many);
    const auto a = files_of(one.out), b = files_of(many.out);
    EXPECT_GT(a.size(), 20u);
    EXPECT_TRUE(a == b);
    set_threads(2);  // a mesh for each thread
    many.out = root_ / "two";
    run_to(many);
    EXPECT_TRUE(a == files_of(many.out));
    many.seed = 1, many.out = root_ / "other";
    run_to(many);
    EXPECT_NE(a.at("a/x/points.npz"), files_of(many.out).at("a/x/points.npz"));
    EXPECT_NE(a.at("a/x/points.npz"), a.at("a/y/points.npz"));
}

TEST_F(PrepareTest, GeneratedShapesDependOnSeedAndNameAlone) {
    options_.generate = 2, options_.families = {"vessel", "bumpy"}, options_.views = 1, options_.view_size = 32;
    options_.points = 1000, options_.samples = 500;
    PrepareOptions few = options_, many = options_, other = options_;
    few.out = root_ / "few", many.out = root_ / "many", other.out = root_ / "other";
    NoProgress quiet;
    PhaseTimer timer;
    set_threads(1);
    const auto result = prepare(few, quiet, timer);
    ASSERT_EQ(result.models.size(), 4u);
    for (const auto& m : result.models) {
        EXPECT_EQ(m.verdict(), "good") << m.name;
        EXPECT_NEAR(m.scale, 1, 1e-6);
        EXPECT_THAT(m.source, HasSubstr("generated " + m.model_class));
    }
    set_threads(2);
    prepare(many, quiet, timer);
    EXPECT_TRUE(files_of(few.out) == files_of(many.out));
    EXPECT_EQ(files_of(few.out).count("vessel/0001/mesh.ply"), 1u);
    EXPECT_NE(text(few.out / "vessel/0000/mesh.ply"), text(few.out / "vessel/0001/mesh.ply"));
    // More shapes, one family: those that were there stay what they are.
    other.generate = 3, other.families = {"vessel"};
    prepare(other, quiet, timer);
    EXPECT_EQ(text(other.out / "vessel/0001/mesh.ply"), text(few.out / "vessel/0001/mesh.ply"));
    other.seed = 1, other.force = true;
    prepare(other, quiet, timer);
    EXPECT_NE(text(other.out / "vessel/0001/mesh.ply"), text(few.out / "vessel/0001/mesh.ply"));
}

TEST_F(PrepareTest, KeptMeshesLieInTheUnitCube) {
    auto ball = testing::make_sphere(3, 10, {5, 0, -2});
    geom::flip_faces(ball);
    write("c/ball.ply", ball);
    options_.keep_meshes = true;
    run();
    const auto mesh = io::read_mesh(options_.out / "c/ball/mesh.ply");
    geom::Box3d box;
    for (const auto& v : mesh.vertices) box.extend(v);
    EXPECT_NEAR(box.longest_side(), 1, 1e-6);
    EXPECT_GT(geom::signed_volume(mesh), 0.4);
}

TEST_F(PrepareTest, StoppedAndResumed) {
    for (int i = 0; i < 6; ++i) write(fmt::format("c/m{}.ply", i), testing::make_sphere(1 + i, 10));
    PrepareOptions o = options_;
    o.inputs = {root_ / "in"};
    StopAfter stop(3);
    PhaseTimer timer;
    set_threads(1);
    const Error e = error_of([&] { prepare(o, stop, timer); });
    EXPECT_EQ(e.kind(), ErrorKind::cancelled);
    EXPECT_THAT(e.what(), HasSubstr("3 of 6"));
    EXPECT_THAT(error_of([&] { run_to(o); }).what(), HasSubstr("--resume"));
    o.resume = true;
    o.points = 10;
    EXPECT_THAT(error_of([&] { run_to(o); }).what(), HasSubstr("points = 4000, now it is 10"));
    o.points = 4000;
    const auto result = run_to(o);
    EXPECT_EQ(std::count_if(result.models.begin(), result.models.end(), [](auto& m) { return m.kept; }), 3);
    o.resume = false, o.out = root_ / "whole";
    run_to(o);
    EXPECT_TRUE(files_of(options_.out) == files_of(o.out));
    for (const auto& entry : fs::recursive_directory_iterator(options_.out))
        EXPECT_FALSE(entry.path().filename().string().ends_with(".tmp"));
}

TEST_F(PrepareTest, UnreadableMeshesAreNamedAndTheRestGoesOn) {
    write("c/good.ply", testing::make_sphere(1, 10));
    geom::TriMesh flat;
    flat.vertices = {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}};
    flat.faces = {{0, 1, 2}};
    write("c/point.off", flat);
    std::ofstream(root_ / "in/c/bad.ply") << "ply\nformat ascii 1.0\nelement vertex 9";
    std::ofstream(root_ / "in/c/cloud.obj") << "v 0 0 0\nv 1 0 0\n";
    std::ofstream(root_ / "in/c/notes.txt") << "1 2 3\n";
    const auto result = run();
    EXPECT_EQ(result.models.size(), 1u);
    ASSERT_EQ(result.failed.size(), 3u);
    for (const auto& f : result.failed) EXPECT_THAT(f.reason, HasSubstr(f.file.filename().string()));
    EXPECT_THAT(result.failed[2].reason, HasSubstr("in one place"));
    const auto json = nlohmann::json::parse(text(result.report));
    EXPECT_EQ(json["totals"]["failed"], 3);
    EXPECT_EQ(json["models"][0]["verdict"], "good");
    options_.out = root_ / "nothing", options_.inputs = {root_ / "in/c/bad.ply"};
    EXPECT_THAT(error_of([&] { run(); }).what(), HasSubstr("none of the 1 meshes could be used"));
}

TEST_F(PrepareTest, NamesAndClasses) {
    const auto ball = testing::make_sphere(1, 6);
    for (const char* name :
         {"direct.ply", "cls/one.ply", "cls/id1/models/model.obj", "cls/id2/x.off", "cls/id2/y z.off"})
        write(name, ball);
    const auto result = run();
    std::vector<std::string> names;
    for (const auto& m : result.models) names.push_back(m.model_class + "/" + m.name);
    EXPECT_THAT(names, ::testing::ElementsAre("cls/id1", "cls/id2_x", "cls/id2_y_z", "cls/one", "in/direct"));
    write("cls/one.obj", ball);
    EXPECT_THAT(error_of([&] { run(); }).what(), HasSubstr("cls/one: rename"));
    options_.inputs = {root_ / "in/direct.ply"}, options_.class_name = "mine", options_.out = root_ / "single";
    EXPECT_EQ(run().models[0].model_class, "mine");
    options_.inputs = {root_ / "none.ply"};
    EXPECT_THAT(error_of([&] { run(); }).what(), HasSubstr("there is no such file"));
}

TEST_F(PrepareTest, SplitsAreStable) {
    std::vector<std::string> names;
    for (int i = 0; i < 100; ++i) write(fmt::format("c/m{:03}.off", i), testing::make_box({0, 0, 0}, {1, 1, 1}));
    options_.points = 8, options_.samples = 8, options_.voxels = 0;
    const auto result = run();
    EXPECT_EQ(result.split_sizes, (std::array<std::size_t, 3>{80, 10, 10}));
    std::map<std::string, std::string> before;
    for (const auto& m : result.models) before[m.name] = m.split;
    write("c/new.off", testing::make_box({0, 0, 0}, {1, 1, 1}));
    options_.resume = true;
    int moved = 0;
    for (const auto& m : run().models) moved += m.name != "new" && before.at(m.name) != m.split;
    EXPECT_LE(moved, 2);
}

TEST_F(PrepareTest, PackedHoldsWhatThePapersLayoutHolds) {
    for (int i = 0; i < 5; ++i) write(fmt::format("c/m{}.ply", i), testing::make_sphere(1 + i, 10));
    options_.packed = true, options_.views = 2, options_.view_size = 32;
    const auto both = run();
    ASSERT_EQ(both.packed.size(), 3u);
    EXPECT_TRUE(both.packed[0].views && both.packed[0].voxels);
    PrepareOptions again;
    again.inputs = {options_.out}, again.out = root_ / "again", again.papers = false, again.packed = true;
    run_to(again);
    PrepareOptions only = options_;
    only.papers = false, only.out = root_ / "only";
    run_to(only);
    EXPECT_FALSE(fs::exists(only.out / "c"));
    EXPECT_FALSE(fs::exists(only.out / ".models"));
    for (const char* split : {"train", "val", "test"}) {
        const std::string name = fmt::format("{}.safetensors", split), bytes = text(options_.out / name);
        EXPECT_TRUE(bytes == text(again.out / name)) << split;
        EXPECT_TRUE(bytes == text(only.out / name)) << split;
        const auto papers = data::open_paper_set(options_.out, split);
        const auto packed = data::open_packed_set(options_.out / name);
        ASSERT_EQ(papers->size(), packed->size());
        Rng rng(0);
        for (std::size_t m = 0; m < papers->size(); ++m) {
            const auto a = papers->points(m, false, rng), b = packed->points(m, false, rng);
            ASSERT_EQ(a.points.size(), b.points.size());
            for (std::size_t i = 0; i < a.points.size(); ++i)
                ASSERT_TRUE(a.points[i] == b.points[i] && a.inside[i] == b.inside[i]);
            EXPECT_EQ(papers->voxels(m).values, packed->voxels(m).values);
            EXPECT_EQ(papers->view(m, 1).data, packed->view(m, 1).data);
            EXPECT_EQ(papers->frame(m).scale, packed->frame(m).scale);
        }
    }
    again.papers = true;
    EXPECT_THAT(error_of([&] { run_to(again); }).what(), HasSubstr("is a data set in the papers' layout already"));
}

TEST_F(PrepareTest, TrainsFromAPreparedSet) {
    for (int i = 0; i < 6; ++i) write(fmt::format("c/m{}.ply", i), testing::make_torus(1, 0.2 + 0.05 * i, 20, 12));
    options_.packed = true;
    run();
    TrainOptions t;
    t.config = fs::path(NIR_SOURCE_DIR) / "configs/conv_onet/shapenet_1plane.toml";
    t.out = root_ / "run";
    t.steps = 3;
    t.overrides = {"data.name=dataset",
                   fmt::format("data.path=\"{}\"", options_.out.string()),
                   "data.points=100",
                   "data.queries=64",
                   "train.batch_size=2",
                   "train.validation_scans=2",
                   "train.validation_batches=1",
                   "train.validation_points=200",
                   "train.preview_scans=0",
                   "train.log_every=1",
                   "model.encoder.plane_resolution=16",
                   "model.encoder.hidden_dim=8",
                   "model.c_dim=8"};
    NoProgress quiet;
    const TrainResult r = train(t, quiet);
    EXPECT_EQ(r.steps, 3);
    EXPECT_GT(r.data_wait, 0);
    EXPECT_LT(r.data_wait, 1);
    std::istringstream lines(text(t.out / "metrics.jsonl"));
    std::string line;
    std::getline(lines, line);
    const auto json = nlohmann::json::parse(line);
    EXPECT_GE(json["data_wait"].get<double>(), 0);
    EXPECT_LE(json["data_wait"].get<double>(), 1);
    EXPECT_THAT(text(t.out / "log.txt"), HasSubstr("of the step time waited for data"));
}

}  // namespace
}  // namespace nir::pipeline
