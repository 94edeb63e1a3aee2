// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Large scans by windows: the same surface whatever the windows, whoever makes them, and however often they are
// interrupted.
#include "pipeline/window_surface.h"

#include "nir/base/error.h"
#include "nir/base/rng.h"
#include "nir/geom/bvh.h"
#include "nir/geom/color_transfer.h"
#include "nir/geom/mesh_check.h"
#include "nir/geom/point_tiles.h"
#include "nir/io/file_bytes.h"
#include "nir/io/formats.h"
#include "nir/io/npy.h"
#include "nir/pipeline/reconstruct.h"

#include "pipeline/memory_plan.h"
#include "pipeline/piece_data.h"
#include "pipeline/rank_group.h"
#include "pipeline/trim_pieces.h"
#include "pipeline/unit_scan.h"
#include "pipeline/window_pieces.h"
#include "pipeline/window_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cmath>
#include <fstream>
#include <numbers>
#include <thread>
#include <unistd.h>

namespace nir::pipeline {
namespace {

using geom::Vec3d;
using geom::Vec3f;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

const std::string kModel = NIR_SOURCE_DIR "/models/cascade.safetensors";

/// Points on a torus of radii 0.35 and 0.12, with a little noise; the longest side is about 0.94.
std::vector<Vec3f> torus(std::size_t n) {
    Rng rng(7);
    std::vector<Vec3f> points;
    while (points.size() < n) {
        const double u = rng.uniform(0, 2 * std::numbers::pi), v = rng.uniform(0, 2 * std::numbers::pi);
        const double ring = 0.35 + 0.12 * std::cos(v);
        if (rng.uniform(0, 0.47) > ring) continue;
        points.push_back(Vec3f(Vec3d{ring * std::cos(u), ring * std::sin(u), 0.12 * std::sin(v)}));
    }
    return points;
}
constexpr double kTorusArea = 4 * std::numbers::pi * std::numbers::pi * 0.35 * 0.12;

models::Cascade::EncodeOptions encode_options(std::size_t n, models::Cascade::Detail detail) {
    return {.spacing = std::sqrt(kTorusArea / static_cast<double>(n)), .noise = 0, .detail = detail};
}

class Folder : public ::testing::Test {
protected:
    void SetUp() override { fs::create_directories(dir_); }
    void TearDown() override { fs::remove_all(dir_); }
    const fs::path dir_ = fs::temp_directory_path() / ("nir_windows_" + std::to_string(::getpid()));
};
using WindowStoreTest = Folder;
using WindowSurfaceTest = Folder;
using RankGroupTest = Folder;

/// Each point of the torus seen from a place above it, but every tenth from nowhere.
geom::Sensors sensors_of(std::span<const Vec3f> points) {
    geom::Sensors s;
    for (const auto& p : points) {
        const Vec3f n = normalized(p - normalized(Vec3f{p.x, p.y, 0}) * 0.35f);
        const bool known = s.of_point.size() % 10 != 0;
        s.of_point.push_back(known ? static_cast<std::uint32_t>(s.positions.size()) : geom::Sensors::kUnknownSensor);
        if (known) s.positions.push_back(Vec3d(p + n * 0.1f));
    }
    return s;
}

/// Octaves by windows against all octaves at once.
void expect_the_field_of_the_whole(models::Cascade::Detail detail, std::size_t n, bool seen = false) {
    const auto points = torus(n);
    auto options = encode_options(points.size(), detail);
    const geom::Sensors sensors = sensors_of(points);
    if (seen) options.sensors = &sensors;
    const auto model = models::Cascade::load(kModel);
    NoProgress quiet;
    models::Cascade::WindowOptions all, few;
    all.finest_cells = few.finest_cells = 2e6;
    few.resident_cells = 2e4;  // two octaves less
    few.most_bricks = 300;
    const auto whole = model.encode_windows(points, options, all, quiet);
    const auto windows = model.encode_windows(points, options, few, quiet);
    ASSERT_EQ(whole->octaves(), windows->octaves());
    ASSERT_GE(whole->octaves(), 2);
    std::vector<float> one(1);
    EXPECT_THROW(windows->values(std::vector<Vec3f>(1), one), Error);
    whole->prepare(whole->domain());
    Rng rng(3);
    double largest = 0, scale = 0;
    for (int k = 0; k < 2; ++k) {
        const Vec3f c = points[rng.below(points.size())];
        const auto r = static_cast<float>(rng.uniform(0.03, 0.2));
        const geom::Box3f box{c - Vec3f{r, r, 0.5f * r}, c + Vec3f{r, 0.3f * r, r}};
        windows->prepare(box);
        std::vector<Vec3f> asked;
        for (int i = 0; i < 4000; ++i)
            asked.push_back({static_cast<float>(rng.uniform(box.lo.x, box.hi.x)),
                             static_cast<float>(rng.uniform(box.lo.y, box.hi.y)),
                             static_cast<float>(rng.uniform(box.lo.z, box.hi.z))});
        std::vector<float> a(asked.size()), b(asked.size());
        whole->values(asked, a);
        windows->values(asked, b);
        for (std::size_t i = 0; i < a.size(); ++i) {
            largest = std::max(largest, static_cast<double>(std::abs(a[i] - b[i])));
            scale = std::max(scale, static_cast<double>(std::abs(a[i])));
        }
    }
    EXPECT_LT(largest, 1e-5 * scale);
}

TEST(WindowField, OctavesByWindowsAreThoseOfTheWhole) {
    expect_the_field_of_the_whole(models::Cascade::Detail::learned, 6000);
}
TEST(WindowField, FitsByWindowsAreThoseOfTheWhole) {
    expect_the_field_of_the_whole(models::Cascade::Detail::fitted, 60000);
}
TEST(WindowField, SensorsFollowThePointsIntoTheWindows) {
    expect_the_field_of_the_whole(models::Cascade::Detail::fitted, 60000, true);
    expect_the_field_of_the_whole(models::Cascade::Detail::learned, 6000, true);
}

struct Made {
    WindowSurface surface;
    geom::TriMesh mesh;
    geom::MeshReport report;
};

/// @param cell  of the mesh  @param coarse  the mesh is coarser than the points are apart
Made make(const std::vector<Vec3f>& points, WindowSurfaceOptions options, Progress& progress,
          const geom::Sensors* sensors = nullptr, double cell = 0.012, bool coarse = false) {
    const auto model = models::Cascade::load(kModel);
    NoProgress quiet;
    models::Cascade::WindowOptions windows;
    windows.finest_cells = 1e5;
    if (coarse) windows.mesh_cell = cell;
    auto encoding = encode_options(points.size(), models::Cascade::Detail::fitted);
    encoding.sensors = sensors;
    const auto field = model.encode_windows(points, encoding, windows, quiet);
    options.cell = cell;
    options.reach = 0.02;
    if (coarse) {
        EXPECT_FLOAT_EQ(field->finest_cell(), static_cast<float>(0.75 * cell));
    }
    PhaseTimer timer;
    Made made;
    const geom::PointTiles tiles(points, 0.1f);
    options.data.spacing = encode_options(points.size(), models::Cascade::Detail::fitted).spacing;
    options.data.samples = every_kth(points, {}, 7);
    made.surface = extract_by_windows(*field, tiles, options, progress, timer);
    if (!made.surface.pieces) return made;
    made.mesh = made.surface.pieces->join().mesh;
    made.report = geom::check_mesh(made.mesh);
    return made;
}

/// Asks to stop after so many windows.
class StopAfter final : public Progress {
public:
    explicit StopAfter(int windows) : left_(windows) {}
    void begin(std::string_view, std::uint64_t, std::string_view) override {}
    bool advance(std::uint64_t n) override { return n == 0 || --left_ > 0; }
    void end() override {}

private:
    int left_;
};

void expect_that_tiles_do_not_matter(const geom::Sensors* sensors, std::size_t n = 20000, double cell = 0.012) {
    const auto points = torus(n);
    NoProgress quiet;
    const bool coarse = n > 20000;
    const Made one = make(points, {.window_cells = 4096}, quiet, sensors, cell, coarse);
    EXPECT_EQ(one.surface.windows, 1u);
    EXPECT_TRUE(one.report.watertight()) << one.report.summary();
    EXPECT_EQ(one.report.genus(), 1);
    for (const int cells : coarse ? std::array{8, 16} : std::array{16, 40}) {
        const Made many = make(points, {.window_cells = cells, .windows_per_tile = 2}, quiet, sensors, cell, coarse);
        EXPECT_GT(many.surface.windows, 8u);
        EXPECT_TRUE(many.report.watertight()) << many.report.summary();
        EXPECT_EQ(many.report.genus(), 1);
        ASSERT_EQ(many.mesh.vertices.size(), one.mesh.vertices.size());
        ASSERT_EQ(many.mesh.faces.size(), one.mesh.faces.size());
        auto a = one.mesh.vertices, b = many.mesh.vertices;
        const auto before = [](Vec3d p, Vec3d q) {
            const auto key = [](Vec3d v) { return std::tuple(std::lround(v.x * 1e4), std::lround(v.y * 1e4), v.z); };
            return key(p) < key(q);
        };
        std::sort(a.begin(), a.end(), before);
        std::sort(b.begin(), b.end(), before);
        double largest = 0;
        std::size_t moved = 0;
        for (std::size_t i = 0; i < a.size(); ++i) {
            const double d = norm(a[i] - b[i]);
            moved += d > 1e-5;  // sorted in another order where a rounded coordinate tips over
            if (d <= 1e-3) largest = std::max(largest, d);
        }
        EXPECT_LT(moved, a.size() / 100) << largest;
    }
}
TEST_F(WindowSurfaceTest, TilesDoNotMatter) { expect_that_tiles_do_not_matter(nullptr); }
/// A hundred points a square cell of the mesh: planes as wide as cells see means of them, and lie where the points do.
TEST_F(WindowSurfaceTest, TilesDoNotMatterToCoarseMeshesOfManyPoints) {
    constexpr double cell = 0.03;
    const auto points = torus(190000);
    NoProgress quiet;
    const Made made = make(points, {.window_cells = 16, .windows_per_tile = 2}, quiet, nullptr, cell, true);
    EXPECT_TRUE(made.report.watertight()) << made.report.summary();
    EXPECT_EQ(made.report.genus(), 1);
    double worst = 0, mean = 0;
    for (const auto& v : made.mesh.vertices) {
        const double d = std::abs(std::hypot(std::hypot(v.x, v.y) - 0.35, v.z) - 0.12);
        worst = std::max(worst, d), mean += d / static_cast<double>(made.mesh.vertices.size());
    }
    EXPECT_LT(worst, 0.1 * cell);
    EXPECT_LT(mean, 0.03 * cell);
    expect_that_tiles_do_not_matter(nullptr, 190000, cell);
}
TEST_F(WindowSurfaceTest, TilesDoNotMatterToSensors) {
    const geom::Sensors sensors = sensors_of(torus(20000));
    expect_that_tiles_do_not_matter(&sensors);
}

TEST_F(WindowSurfaceTest, PointsOnDiskGiveTheSameBytes) {
    geom::PointCloud scan;
    const auto points = torus(9000);
    for (std::size_t i = 0; i < points.size(); ++i) {
        scan.points.push_back(Vec3d{4e5, 100, -7} + Vec3d(points[i]) * 12.0);
        scan.colors.push_back({static_cast<std::uint8_t>(i), 90, 200});
        scan.sensors.push_back(i % 5 == 0 ? Vec3d{std::nan(""), 0, 0}
                                          : Vec3d{4e5 + static_cast<double>(i % 3), 100, 9});
    }
    scan.points.push_back(scan.points[7]), scan.colors.push_back({}), scan.sensors.push_back({4e5, 100, 9});
    io::write_geometry(dir_ / "scan.ply", scan);
    PhaseTimer timer;
    NoProgress quiet;
    const auto run = [&](const std::string& mesh, const std::string& work, bool on_disk, const std::string& scan_name,
                         bool trim) {
        ReconstructOptions options;
        options.detail = models::Cascade::Detail::fitted;
        options.work_dir = dir_ / work;
        options.points_on_disk = on_disk;
        options.trim = trim;
        const auto r =
            reconstruct_files({dir_ / scan_name}, dir_ / mesh, dir_ / (mesh + ".png"), options, quiet, timer);
        EXPECT_EQ(r.points_on_disk, on_disk);
        EXPECT_EQ(r.points, 9000u);
        EXPECT_EQ(r.scan.duplicates, 1u);
        return r;
    };
    const auto bytes = [&](const std::string& name) { return std::string(io::read_file(dir_ / name).view()); };
    const auto memory = run("memory.ply", "work", false, "scan.ply", false);
    const auto disk = run("disk.ply", "other", true, "scan.ply", false);
    EXPECT_EQ(memory.sensors, 3u);
    EXPECT_EQ(disk.sensors, 3u);
    EXPECT_EQ(disk.resumed_windows, 0u);
    EXPECT_EQ(memory.residual_mean, disk.residual_mean);
    EXPECT_TRUE(bytes("memory.ply") == bytes("disk.ply"));
    EXPECT_TRUE(bytes("memory.ply.png") == bytes("disk.ply.png"));
    // What was made with the points in memory is taken up with the points on disk.
    const auto again = run("again.ply", "work", true, "scan.ply", false);
    EXPECT_EQ(again.resumed_windows, again.windows);
    EXPECT_TRUE(bytes("again.ply") == bytes("disk.ply"));
    // Other files, trimmed.
    io::write_geometry(dir_ / "scan.npy", scan);
    run("memory_trimmed.ply", "trimmed", false, "scan.npy", true);
    run("disk_trimmed.ply", "trimmed_disk", true, "scan.npy", true);
    EXPECT_TRUE(bytes("memory_trimmed.ply") == bytes("disk_trimmed.ply"));
    // Only what was asked for stays: the scan, meshes, pictures and work folders.
    for (const auto& entry : fs::directory_iterator(dir_))
        EXPECT_FALSE(entry.path().filename().string().starts_with(".")) << entry.path();
}

/// Asks to stop from the n-th question on, whoever asks.
class StopAtQuestion final : public Progress {
public:
    explicit StopAtQuestion(int n) : left_(n) {}
    void begin(std::string_view, std::uint64_t, std::string_view) override {}
    bool advance(std::uint64_t) override { return --left_ > 0; }
    void end() override {}

private:
    std::atomic<int> left_;
};

/// Wherever it is: while points are read, sorted, looked at, while windows are made, trimmed, joined and written.
TEST_F(WindowSurfaceTest, CtrlCLeavesNothingBehind) {
    geom::PointCloud scan;
    for (const auto& p : torus(3000))
        if (p.z < 0.1f) scan.points.push_back(Vec3d(p));
    io::write_geometry(dir_ / "scan.ply", scan);
    ReconstructOptions options;
    options.detail = models::Cascade::Detail::fitted;
    options.points_on_disk = options.trim = true;
    PhaseTimer timer;
    int stopped = 0;
    for (int n = 1;; n = n * 3 / 2 + 1) {
        StopAtQuestion stop(n);
        try {
            reconstruct_files({dir_ / "scan.ply"}, dir_ / "mesh.ply", dir_ / "mesh.png", options, stop, timer);
            break;
        } catch (const Error& e) {
            EXPECT_EQ(e.kind(), ErrorKind::cancelled) << e.what();
            EXPECT_THAT(e.what(), HasSubstr("stopped"));
        }
        ++stopped;
        EXPECT_EQ(std::distance(fs::directory_iterator(dir_), fs::directory_iterator()), 1) << n;
    }
    EXPECT_GT(stopped, 10);
    EXPECT_EQ(std::distance(fs::directory_iterator(dir_), fs::directory_iterator()), 3);
}

/// Three objects far apart: each comes out as fine as its points, though all of them are small in the whole.
TEST_F(WindowSurfaceTest, ObjectsFarApartAreAsFineAsTheirPoints) {
    geom::PointCloud scan;
    for (const double x : {0.0, 4.0, 8.0})
        for (const auto& p : torus(18000)) scan.points.push_back(Vec3d(p) + Vec3d{x, 0, 0});
    PhaseTimer timer;
    NoProgress quiet;
    ReconstructOptions options;
    const auto r = reconstruct(scan, options, quiet, timer);
    EXPECT_GT(r.windows, 3u);
    const double spacing = std::sqrt(kTorusArea / 18000);
    EXPECT_LT(r.cell, 1.3 * spacing);
    EXPECT_LT(r.residual_mean, 0.1 * spacing);
    EXPECT_GT(r.mesh.vertices.size(), 3u * 18000);
    EXPECT_EQ(r.report.components, 3u);
}

TEST_F(WindowSurfaceTest, SensorsInAFileOfTheirOwnGoWithPointsOnDisk) {
    geom::PointCloud scan;
    const auto points = torus(9000);
    std::vector<std::uint8_t> station;
    const std::vector<float> stations{0, 0, 9, 2, 0, 9};
    for (std::size_t i = 0; i < points.size(); ++i) {
        scan.points.push_back(Vec3d(points[i]));
        station.push_back(static_cast<std::uint8_t>(i % 2));
    }
    io::write_geometry(dir_ / "scan.ply", scan);
    PhaseTimer timer;
    NoProgress quiet;
    ReconstructOptions options;
    options.detail = models::Cascade::Detail::fitted;
    options.sensors = dir_ / "sensors.npz";
    const auto write_sensors = [&] {
        io::TensorFile file;
        file.arrays = {io::NamedArray::from("stations", {2, 3}, stations),
                       io::NamedArray::from("station", {static_cast<std::int64_t>(station.size())}, station)};
        io::write_npz(options.sensors, file);
    };
    const auto run = [&](const std::string& mesh, bool on_disk) {
        options.work_dir = dir_ / (mesh + ".work");
        options.points_on_disk = on_disk;
        return reconstruct_files({dir_ / "scan.ply"}, dir_ / mesh, {}, options, quiet, timer);
    };
    const auto bytes = [&](const std::string& name) { return std::string(io::read_file(dir_ / name).view()); };
    write_sensors();
    EXPECT_EQ(run("memory.ply", false).sensors, 2u);
    EXPECT_EQ(run("disk.ply", true).sensors, 2u);
    EXPECT_TRUE(bytes("memory.ply") == bytes("disk.ply"));
    for (const std::size_t n : {8999u, 9001u}) {  // not as many as there are points
        station.resize(n);
        write_sensors();
        for (const bool on_disk : {false, true}) {
            try {
                run("wrong.ply", on_disk);
                ADD_FAILURE();
            } catch (const Error& e) {
                EXPECT_EQ(e.kind(), ErrorKind::input);
                EXPECT_THAT(e.what(), HasSubstr("sensors.npz: array \"station\" has sensors for"));
            }
        }
    }
}

TEST_F(WindowSurfaceTest, AStoppedRunGoesOnAndGivesTheSameBytes) {
    const auto points = torus(20000);
    NoProgress quiet;
    const Made straight = make(points, {.window_cells = 24, .windows_per_tile = 2}, quiet);
    const fs::path work = dir_ / "work";
    StopAfter stop(5);
    EXPECT_THROW(make(points, {.window_cells = 24, .windows_per_tile = 2, .work_dir = work}, stop), Error);
    const Made resumed = make(points, {.window_cells = 24, .windows_per_tile = 2, .work_dir = work}, quiet);
    EXPECT_EQ(resumed.surface.resumed, 5u);
    EXPECT_EQ(resumed.mesh.vertices, straight.mesh.vertices);
    EXPECT_EQ(resumed.mesh.normals, straight.mesh.normals);
    EXPECT_EQ(resumed.mesh.faces, straight.mesh.faces);
    EXPECT_THROW(make(points, {.window_cells = 24, .work_dir = work, .fingerprint = 1}, quiet), Error);
}

TEST_F(WindowSurfaceTest, RanksGiveWhatOneProcessGives) {
    const auto points = torus(20000);
    NoProgress quiet;
    const Made alone = make(points, {.window_cells = 24, .windows_per_tile = 1}, quiet);
    for (const int size : {2, 4}) {
        const fs::path work = dir_ / std::to_string(size);
        fs::create_directories(work);
        std::vector<std::thread> others;
        const auto run = [&](int rank) {
            RankGroup group(work, {rank, size, "test"});
            NoProgress silent;
            return make(points, {.window_cells = 24, .windows_per_tile = 1, .work_dir = work, .ranks = &group}, silent);
        };
        for (int r = 1; r < size; ++r) others.emplace_back([&, r] { EXPECT_TRUE(run(r).mesh.empty()); });
        const Made together = run(0);
        for (auto& t : others) t.join();
        EXPECT_EQ(together.mesh.vertices, alone.mesh.vertices);
        EXPECT_EQ(together.mesh.faces, alone.mesh.faces);
    }
}

TEST_F(RankGroupTest, EveryItemIsDoneOnceAndADeadRankIsMadeGood) {
    constexpr std::size_t n = 40;
    std::array<std::atomic<int>, n> done{};
    std::atomic<int> first_calls = 0;
    const auto item = [&](std::size_t i) {
        if (done[i].exchange(1) == 0) ++first_calls;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    };
    std::thread dies([&] {
        RankGroup group(dir_, {1, 3, "x"}, 1.5);
        int taken = 0;
        EXPECT_THROW(group.share(n,
                                 [&](std::size_t i) {
                                     if (++taken == 3) fail(ErrorKind::internal, "gone");
                                     item(i);
                                 }),
                     Error);
    });
    std::thread works([&] { RankGroup(dir_, {2, 3, "x"}, 1.5).share(n, item); });
    RankGroup(dir_, {0, 3, "x"}, 1.5).share(n, item);
    dies.join();
    works.join();
    EXPECT_EQ(first_calls, static_cast<int>(n));
}

TEST(RankPlace, IsWhatTheLauncherSays) {
    for (const char* v :
         {"RANK", "WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "SLURM_PROCID", "SLURM_NTASKS"})
        ::unsetenv(v);
    EXPECT_EQ(rank_place().size, 1);
    ::setenv("SLURM_PROCID", "3", 1), ::setenv("SLURM_NTASKS", "8", 1);
    EXPECT_EQ(rank_place().rank, 3);
    EXPECT_EQ(rank_place().size, 8);
    ::setenv("RANK", "1", 1), ::setenv("WORLD_SIZE", "2", 1);
    EXPECT_EQ(rank_place().rank, 1);
    ::setenv("WORLD_SIZE", "1", 1);
    EXPECT_THROW(rank_place(), Error);
    ::setenv("WORLD_SIZE", "two", 1);
    EXPECT_THROW(rank_place(), Error);
    for (const char* v : {"RANK", "WORLD_SIZE", "SLURM_PROCID", "SLURM_NTASKS"}) ::unsetenv(v);
}

FinishedWindow small_window() {
    FinishedWindow w;
    w.piece.mesh.vertices = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0.5}};
    w.piece.mesh.normals = {{0, 0, 1}, {0, 0, 1}, {0, 1, 0}};
    w.piece.mesh.confidence = {0.5f, 1, 3};
    w.piece.mesh.faces = {{0, 1, 2}};
    w.piece.shared = {{1, 77}};
    w.piece.queried_points = 12;
    w.part_of_face = {0};
    w.support = {9};
    return w;
}

TEST_F(WindowStoreTest, KeepsWhatItWasGiven) {
    for (const int where : {0, 1, 2}) {
        WindowStore store =
            where == 2 ? WindowStore::spilled(dir_, 4) : WindowStore(where == 1 ? dir_ / "store" : fs::path(), 4, 5);
        EXPECT_FALSE(store.has(2));
        store.put(2, small_window());
        EXPECT_TRUE(store.has(2));
        const FinishedWindow back = *store.get(2), put = small_window();
        EXPECT_EQ(back.piece.mesh.vertices, put.piece.mesh.vertices);
        EXPECT_EQ(back.piece.mesh.normals, put.piece.mesh.normals);
        EXPECT_EQ(back.piece.mesh.confidence, put.piece.mesh.confidence);
        EXPECT_EQ(back.piece.mesh.faces, put.piece.mesh.faces);
        EXPECT_EQ(back.piece.shared[0].key, 77u);
        EXPECT_EQ(back.piece.queried_points, 12u);
        EXPECT_EQ(back.support, put.support);
    }
    EXPECT_TRUE(WindowStore(dir_ / "store", 4, 5).has(2));
    EXPECT_THROW(WindowStore(dir_ / "store", 4, 6), Error);
    EXPECT_THROW(WindowStore(dir_ / "store", 5, 5), Error);
}

TEST_F(WindowStoreTest, NoticesEveryDamagedByte) {
    WindowStore store(dir_, 1, 5);
    store.put(0, small_window());
    const fs::path file = dir_ / "window_000000.bin";
    std::ifstream in(file, std::ios::binary);
    const std::string good((std::istreambuf_iterator<char>(in)), {});
    const auto write = [&](const std::string& bytes) { std::ofstream(file, std::ios::binary) << bytes; };
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::string bad = good;
        bad[i] = static_cast<char>(bad[i] ^ 0x10);
        write(bad);
        EXPECT_THROW(store.get(0), Error) << i;
        write(good.substr(0, i));
        EXPECT_THROW(store.get(0), Error) << i;
    }
    write(good);
    EXPECT_EQ(store.get(0)->support.size(), 1u);
}

TEST(MemoryPlan, FitsOrSaysWhatItNeeds) {
    const auto plan = [](std::size_t bytes, std::size_t points, bool joined) {
        return plan_memory({.bytes = bytes, .points = points, .area = 2, .mesh_cell = 1e-3, .mesh_in_memory = joined});
    };
    const auto small = plan(std::size_t{1} << 30, 1000000, false), large = plan(std::size_t{4} << 30, 1000000, false);
    EXPECT_LT(small.encode.most_bricks, large.encode.most_bricks);
    EXPECT_LE(small.encode.resident_cells, large.encode.resident_cells);
    const auto refused = [&](std::size_t bytes, std::size_t points, bool joined, const char* text) {
        try {
            plan(bytes, points, joined);
            ADD_FAILURE();
        } catch (const Error& e) {
            EXPECT_THAT(e.what(), HasSubstr("is too little"));
            EXPECT_THAT(e.what(), HasSubstr(text));
        }
    };
    refused(400000000, 10000000, false, "10000000 points");
    refused(1000000000, 1000000, true, "as a whole");
    // By the number of points alone, before they are read.
    EXPECT_NO_THROW(check_memory(700000000, 5000000, true, {}));
    EXPECT_NO_THROW(check_memory(1000000000, 20000000, true, {.picture = true}));
    EXPECT_THROW(check_memory(600000000, 20000000, true, {}), Error);
    EXPECT_THROW(check_memory(1000000000, 20000000, true, {.in_memory = true}), Error);
    EXPECT_NO_THROW(check_memory(1000000000, 20000000, true, {.in_memory = true, .resolution = 100}));
}

/// The bytes of the mesh that is written piece by piece are those of the one that is joined first.
TEST_F(WindowSurfaceTest, WritesPieceByPieceWhatItWouldJoin) {
    const auto points = torus(20000);
    NoProgress quiet;
    Made made = make(points, {.window_cells = 24, .windows_per_tile = 2, .spill_dir = dir_}, quiet);
    ASSERT_GT(made.surface.windows, 8u);
    const geom::Frame frame{{1000, -20, 3}, 50};
    WindowPieces::Joined joined = made.surface.pieces->join();
    apply_support(joined.mesh, joined.support, {.spacing = 1});
    const auto samples = every_kth(points, {}, 40);
    std::vector<Vec3d> some;
    for (const auto& p : samples.points) some.push_back(Vec3d(p));
    std::vector<double> distances(some.size());
    geom::TriangleBvh(joined.mesh).distances(some, distances);
    const auto [mean, p95] = mean_and_p95(distances);
    geom::to_user(frame, joined.mesh);
    for (const char* name : {"a.ply", "a.obj"}) {
        const fs::path whole = dir_ / "whole" / name, pieces = dir_ / name;
        fs::create_directories(whole.parent_path());
        io::write_geometry(whole, joined.mesh);
        const PieceFigures figures = write_pieces(
            *made.surface.pieces,
            {.frame = frame, .samples = some, .points = points.size(), .mesh = pieces, .preview = dir_ / "a.png"});
        EXPECT_TRUE(io::read_file(whole).view() == io::read_file(pieces).view()) << name;
        EXPECT_NEAR(figures.residual_mean, 50 * mean, 1e-9);
        EXPECT_NEAR(figures.residual_p95, 50 * p95, 1e-9);
        const auto report = geom::check_mesh(joined.mesh);
        EXPECT_EQ(figures.report.summary(), report.summary());
        EXPECT_EQ(figures.report.edges, report.edges);
        EXPECT_NEAR(figures.report.signed_volume, report.signed_volume, 1e-9 * report.signed_volume);
        EXPECT_TRUE(fs::exists(dir_ / "a.png"));
    }
}

/// Distances, support and colours of vertices do not depend on where the windows end.
/// A mesh as what it is, whatever the order: triangles of vertices with all they have.
std::vector<std::array<double, 30>> triangles_of(const geom::TriMesh& m) {
    std::vector<std::array<double, 30>> out;
    for (const auto& f : m.faces) {
        std::array<std::array<double, 10>, 3> corner;
        for (std::size_t k = 0; k < 3; ++k) {
            const auto v = f[k];
            const auto& p = m.vertices[v];
            const auto& n = m.normals[v];
            const geom::Rgb8 c = m.colors.empty() ? geom::Rgb8{} : m.colors[v];
            corner[k] = {p.x,
                         p.y,
                         p.z,
                         static_cast<double>(n.x),
                         static_cast<double>(n.y),
                         static_cast<double>(n.z),
                         static_cast<double>(m.confidence[v]),
                         double(c.r),
                         double(c.g),
                         double(c.b)};
        }
        std::rotate(corner.begin(), std::min_element(corner.begin(), corner.end()), corner.end());
        auto& t = out.emplace_back();
        for (std::size_t k = 0; k < 3; ++k)
            std::copy(corner[k].begin(), corner[k].end(), t.begin() + static_cast<std::ptrdiff_t>(10 * k));
    }
    std::sort(out.begin(), out.end());
    return out;
}

TEST_F(WindowSurfaceTest, TrimsPieceByPieceAsTheWhole) {
    // A torus of which a third was not seen, and holes of many sizes in the rest.
    std::vector<Vec3f> points;
    Rng rng(3);
    std::vector<std::pair<Vec3f, float>> holes;
    for (const auto& p : torus(60)) holes.emplace_back(p, static_cast<float>(rng.uniform(0.01, 0.09)));
    for (const auto& p : torus(24000)) {
        bool seen = p.x < 0.2f;
        for (const auto& [c, r] : holes) seen = seen && norm(p - c) > r;
        if (seen || rng.uniform() < 2e-3) points.push_back(p);
    }
    NoProgress quiet;
    for (const int cells : {24, 40}) {
        WindowSurfaceOptions options{.window_cells = cells, .windows_per_tile = 2, .keep_all_parts = cells == 24};
        options.data.trim = true;
        const Made made = make(points, options, quiet);
        ASSERT_GT(made.surface.windows, 3u);
        WindowPieces::Joined joined = made.surface.pieces->join();
        const double spacing = encode_options(points.size(), models::Cascade::Detail::fitted).spacing;
        const MeshSupportOptions support{.spacing = spacing, .trim = true};
        geom::TriMesh& whole = joined.mesh;
        const std::size_t before = whole.faces.size();
        apply_support(whole, joined.support, support);
        EXPECT_LT(whole.faces.size(), before - before / 20);
        EXPECT_GT(whole.faces.size(), before / 4);
        const auto trimmed = trim_pieces(
            *made.surface.pieces,
            {.windows = made.surface.lattice, .cell = made.surface.cell, .support = support, .spill_dir = dir_});
        const geom::TriMesh pieces = trimmed->join().mesh;
        EXPECT_EQ(pieces.vertices.size(), whole.vertices.size());
        ASSERT_EQ(pieces.faces.size(), whole.faces.size());
        EXPECT_TRUE(triangles_of(pieces) == triangles_of(whole)) << cells;
        const auto a = geom::check_mesh(whole), b = geom::check_mesh(pieces);
        EXPECT_EQ(a.summary(), b.summary());
        EXPECT_EQ(a.components, b.components);
        EXPECT_EQ(a.boundary_edges, b.boundary_edges);
        EXPECT_TRUE(b.manifold() && b.oriented) << b.summary();
        const PieceFigures figures = write_pieces(
            *trimmed,
            {.frame = {{0, 0, 0}, 1}, .samples = {Vec3d(points[0])}, .mesh = dir_ / "trimmed.ply", .confident = true});
        EXPECT_EQ(figures.report.summary(), a.summary());
        const auto read = io::read_mesh(dir_ / "trimmed.ply");
        ASSERT_EQ(read.confidence.size(), pieces.confidence.size());
        EXPECT_TRUE(read.confidence == pieces.confidence);
    }
}

TEST(PieceData, IsWhatAllPointsSay) {
    Rng rng(8);
    std::vector<Vec3f> points;
    std::vector<geom::Rgb8> colors;
    while (points.size() < 30000) {
        const Vec3f p{static_cast<float>(rng.uniform()), static_cast<float>(rng.uniform()), 0};
        if (rng.uniform() > 0.03 + 0.97 * static_cast<double>(p.x < 0.5f)) continue;  // sparse on one side
        points.push_back(p);
        colors.push_back({static_cast<std::uint8_t>(255 * p.x), static_cast<std::uint8_t>(255 * p.y), 9});
    }
    constexpr double spacing = 0.005;
    const geom::PointTiles tiles(points, 0.05f, colors);
    std::vector<Vec3d> exact;
    for (const auto& p : points) exact.push_back(Vec3d(p));
    PieceDataOptions options{.spacing = spacing, .trim = true};
    options.samples = every_kth(points, colors, 50);
    for (const double x : {0.1, 0.45, 0.8}) {
        FinishedWindow window;
        for (int i = 0; i < 300; ++i)
            window.piece.mesh.vertices.push_back(
                {x + rng.uniform(0, 0.05), rng.uniform(0.5, 0.55), rng.uniform(0, 0.02)});
        window.piece.mesh.normals.resize(300);
        look_at_data(window, tiles, options);
        const MeshSupport whole = mesh_support(window.piece.mesh, exact, {.spacing = spacing, .trim = true});
        geom::TriMesh colored = window.piece.mesh;
        geom::transfer_colors({.points = exact, .normals = {}, .colors = colors, .sensors = {}}, colored);
        ASSERT_EQ(window.distance.size(), 300u);
        for (std::size_t v = 0; v < 300; ++v) {
            EXPECT_FLOAT_EQ(window.distance[v], whole.distance[v]);
            EXPECT_FLOAT_EQ(window.vertex_support[v], whole.support[v]);
        }
        EXPECT_EQ(window.piece.mesh.colors, colored.colors);
    }
    FinishedWindow far;  // where there is nothing: the samples say so
    far.piece.mesh.vertices = {{0.5, 0.5, 40}};
    far.piece.mesh.normals.resize(1);
    look_at_data(far, tiles, options);
    EXPECT_GT(far.distance[0], 100);
    EXPECT_GT(far.vertex_support[0], 1);
}

}  // namespace
}  // namespace nir::pipeline
