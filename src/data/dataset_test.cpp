// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/data/dataset.h"

#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/base/parallel.h"
#include "nir/data/packed_set.h"
#include "nir/data/paper_layout.h"
#include "nir/data/training_data.h"
#include "nir/io/binvox.h"
#include "nir/io/npy.h"
#include "nir/io/png.h"
#include "nir/io/safetensors.h"
#include "nir/nn/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <unistd.h>

namespace nir::data {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const fs::path kGolden = fs::path(NIR_SOURCE_DIR) / "tests/golden/dataset";

/// Row i of make_dataset.py.
Vec3f golden_point(std::size_t i, int shift) {
    return {static_cast<float>(i * 7 % 64) / 64 - 0.5f + static_cast<float>(shift) / 64,
            static_cast<float>(i * 11 % 61) / 64 - 0.5f, static_cast<float>(i * 13 % 59) / 64 - 0.5f};
}
bool golden_inside(std::size_t i, int shift) { return norm(geom::Vec3d(golden_point(i, shift))) < 0.4; }

template <class F>
std::string error_of(F&& f) {
    try {
        f();
    } catch (const Error& e) {
        return e.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
}

class DatasetTest : public ::testing::Test {
protected:
    void SetUp() override {
        const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
        root_ = fs::temp_directory_path() / fmt::format("nir_dataset_{}_{}", ::getpid(), info->name());
        fs::remove_all(root_);
        fs::create_directories(root_);
        former_ = set_log_sink([this](LogLevel, std::string_view text) { log_ += std::string(text) + "\n"; });
    }
    void TearDown() override {
        set_log_sink(former_);
        fs::remove_all(root_);
    }
    static std::string text(const fs::path& file) {
        std::ostringstream out;
        out << std::ifstream(file, std::ios::binary).rdbuf();
        return out.str();
    }
    fs::path pack(const fs::path& from, const char* split) const {
        NoProgress quiet;
        const fs::path file = root_ / fmt::format("{}.safetensors", split);
        write_packed_set(file, *open_paper_set(from, split), split, {}, quiet);
        return file;
    }
    /// A set of our own with pictures: model i has 4 points, 16 surface points and two pictures of the grey i.
    void write_set(std::size_t n) const {
        std::vector<std::string> names;
        for (std::size_t i = 0; i < n; ++i) {
            names.push_back(fmt::format("m{:03}", i));
            const fs::path folder = root_ / "set/things" / names.back();
            fs::create_directories(folder / "img_choy2016");
            const auto v = static_cast<float>(i) / 128;
            const std::vector<Vec3f> points(4, {v, 0, 0}), surface(16, {0, v, 0}), normals(16, {0, 0, 1});
            const std::vector<std::uint8_t> inside = {1, 0, 0, 1};
            const geom::Frame frame{{1, 2, 3}, 4};
            write_points_file(folder / "points.npz", points, inside, frame, false);
            write_pointcloud_file(folder / "pointcloud.npz", surface, normals, frame, false);
            for (const char* name : {"000.png", "001.png"})
                io::write_png(folder / "img_choy2016" / name, geom::Image8(6, 6, 3, static_cast<std::uint8_t>(i)));
        }
        for (const char* split : {"train.lst", "val.lst"}) write_split_list(root_ / "set/things" / split, names);
    }

    fs::path root_;
    std::string log_;
    LogSink former_;
};

void expect_golden_models(const ModelSet& set) {
    ASSERT_EQ(set.size(), 3u);
    EXPECT_EQ(set.title(0), "02691156/a");
    EXPECT_EQ(set.title(1), "02691156/b");
    EXPECT_EQ(set.title(2), "my_class/single");
    Rng rng(1);
    for (std::size_t m = 0; m < 3; ++m) {
        const int shift = m == 2 ? 3 : static_cast<int>(m);
        const LabelledPoints p = set.points(m, false, rng);
        ASSERT_EQ(p.points.size(), 1003u);
        for (std::size_t i = 0; i < 1003; ++i) {
            ASSERT_EQ(p.points[i], golden_point(i, shift)) << m << ' ' << i;
            ASSERT_EQ(p.inside[i], golden_inside(i, shift)) << m << ' ' << i;
        }
        const SurfacePoints s = set.surface(m, rng);
        ASSERT_EQ(s.points.size(), 700u);
        EXPECT_EQ(s.points[699], golden_point(699, shift));
        EXPECT_EQ(s.normals[0], (Vec3f{0, 0, 1}));
        EXPECT_EQ(s.normals[699], (Vec3f{0, 1, 0}));
        const geom::VoxelGrid v = set.voxels(m);
        ASSERT_EQ(v.size, (geom::Vec3i{32, 32, 32}));
        for (const auto& [x, y, z] : {std::tuple(9 + shift, 19, 4), {10 + shift, 19, 4}, {9, 20, 4}, {9, 19, 5}})
            EXPECT_EQ(v.values[v.index(x, y, z)], x < 10 + shift && y < 20 && z < 5 ? 1.0f : 0.0f);
        const geom::Frame f = set.frame(m);
        EXPECT_EQ(f.center_user, (geom::Vec3d{1, 2, 3.0 + shift}));
        EXPECT_EQ(f.scale, 2.5);
        EXPECT_EQ(set.views(m), 0u);
    }
}

TEST_F(DatasetTest, ReadsWhatNumpyWrote) { expect_golden_models(*open_paper_set(kGolden, "train")); }

TEST_F(DatasetTest, PackedHoldsTheSame) {
    const fs::path file = pack(kGolden, "train");
    expect_golden_models(*open_packed_set(file));
    expect_golden_models(*open_model_set(root_, "train"));
    // One model has float32, so all do; a set of float16 alone keeps them.
    EXPECT_EQ(io::read_safetensors(file).at("points").dtype, io::DType::f32);
    EXPECT_EQ(io::read_safetensors(pack(kGolden, "val")).at("points").dtype, io::DType::f16);
    const std::vector<std::string> mine = {"my_class"};
    const auto one = open_packed_set(file, mine);
    ASSERT_EQ(one->size(), 1u);
    Rng rng(1);
    EXPECT_EQ(one->points(0, true, rng).points[1], golden_point(1, 3));
}

TEST_F(DatasetTest, MissingPartsAreNamed) {
    EXPECT_EQ(open_paper_set(kGolden, "test")->size(), 1u);
    EXPECT_THAT(log_, HasSubstr("1 models of the lists test.lst have no folder"));
    const std::vector<std::string> other = {"chair"};
    EXPECT_THAT(error_of([&] { open_paper_set(kGolden, "train", other); }), HasSubstr("02691156, my_class"));
    EXPECT_THAT(error_of([&] { open_paper_set(kGolden, "extra"); }), HasSubstr("extra.lst"));
    EXPECT_THAT(error_of([&] { open_paper_set(root_, "train"); }), HasSubstr("CLASS/train.lst"));
    EXPECT_THAT(error_of([&] { open_model_set(root_ / "none", "train"); }), HasSubstr("there is no such data set"));
    write_set(1);
    const auto set = open_paper_set(root_ / "set", "train");
    Rng rng(1);
    EXPECT_THAT(error_of([&] { set->voxels(0); }), HasSubstr("model.binvox"));
    fs::resize_file(root_ / "set/things/m000/points.npz", 100);
    EXPECT_THAT(error_of([&] { set->points(0, false, rng); }), HasSubstr("m000/points.npz"));
    io::TensorFile bad;
    bad.arrays.push_back(io::NamedArray::from("points", {2, 3}, std::vector<float>(6)));
    bad.arrays.push_back(io::NamedArray::from("occupancies", {3}, std::vector<std::uint8_t>(3)));
    io::write_npz(root_ / "set/things/m000/points.npz", bad);
    EXPECT_THAT(error_of([&] { set->points(0, false, rng); }), HasSubstr("2 points need 1 packed bytes or 2 labels"));
}

TEST_F(DatasetTest, BrokenPackedFilesAreRefused) {
    const std::string good = text(pack(kGolden, "train"));
    EXPECT_EQ(parse_packed_set(good)->size(), 3u);
    const auto with = [&](std::string_view from, std::string_view to) {
        std::string bad = good;
        const auto at = bad.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        EXPECT_EQ(from.size(), to.size());
        bad.replace(at, from.size(), to);
        return error_of([&] { parse_packed_set(bad); });
    };
    EXPECT_THAT(with("nir-dataset-1", "nir-dataset-9"), HasSubstr("no packed data set of this version"));
    EXPECT_THAT(with("\"voxel_cells\":\"32\"", "\"voxel_cells\":\"31\""), HasSubstr("voxels"));
    EXPECT_THAT(with("\"voxel_cells\":\"32\"", "\"voxel_cells\":\"-2\""), HasSubstr("voxel_cells"));
    EXPECT_THAT(with("02691156/a\\n", "02691156_a\\n"), HasSubstr("line 1 is not CLASS/NAME"));
    EXPECT_THAT(with("02691156/a\\n02", "02691156/a__02"), HasSubstr("loc"));
    EXPECT_THAT(with("\"labels\"", "\"lobels\""), HasSubstr("labels"));
    EXPECT_THAT(error_of([&] { parse_packed_set(std::string_view(good).substr(0, good.size() - 1)); }),
                HasSubstr("cut off"));
    // Every value of the index is checked: a part that would reach outside is refused.
    const auto view = io::view_safetensors(good);
    for (const char* name : {"points_begin", "labels_begin", "surface_begin"}) {
        const auto at =
            static_cast<std::size_t>(reinterpret_cast<const char*>(view.find(name)->bytes.data()) - good.data());
        for (std::size_t i = 0; i < 4; ++i)
            for (const std::int64_t value : {std::int64_t{-1}, std::int64_t{1} << 62, std::int64_t{77}}) {
                if (value == 77 && name == std::string("surface_begin") && (i == 1 || i == 2)) continue;  // may be so
                std::string bad = good;
                std::memcpy(bad.data() + at + 8 * i, &value, 8);
                EXPECT_THAT(error_of([&] { parse_packed_set(bad); }), ::testing::Not("")) << name << i;
            }
    }
}

TEST(Permuted, IsAnOrderOfAllNumbers) {
    for (const std::uint64_t n : {1u, 2u, 3u, 10u, 64u, 1000u}) {
        std::set<std::uint64_t> seen;
        std::size_t fixed = 0;
        for (std::uint64_t i = 0; i < n; ++i) {
            const auto p = permuted(i, n, 5);
            EXPECT_LT(p, n);
            seen.insert(p), fixed += p == i;
        }
        EXPECT_EQ(seen.size(), n);
        if (n == 1000) {
            EXPECT_LT(fixed, 10u);
        }
    }
    EXPECT_NE(permuted(0, 1000, 1), permuted(0, 1000, 2));
}

DatasetConfig small_config(const fs::path& path) {
    DatasetConfig c;
    c.path = path.string();
    c.points = 50, c.queries = 40, c.noise = 0;
    return c;
}

TEST_F(DatasetTest, EpochsGoThroughAllModels) {
    write_set(7);
    const Dataset set(small_config(root_ / "set"), "train");
    for (std::uint64_t epoch = 0; epoch < 5; ++epoch) {
        std::set<std::size_t> seen;
        for (std::uint64_t i = 0; i < 7; ++i) seen.insert(set.model_of_sample(7 * epoch + i, 3));
        EXPECT_EQ(seen.size(), 7u);
    }
}

TEST_F(DatasetTest, SetsAreMixedByWeight) {
    write_set(5);
    DatasetConfig c = small_config(kGolden);
    c.also = {(root_ / "set").string()};
    c.weights = {1, 3};
    const Dataset set(c, "train");
    EXPECT_EQ(set.size(), 8u);
    std::size_t second = 0;
    for (std::uint64_t i = 0; i < 4000; ++i) second += set.model_of_sample(i, 0) >= 3;
    EXPECT_NEAR(static_cast<double>(second) / 4000, 0.75, 0.03);
    std::size_t m = 0;
    EXPECT_EQ(set.set_of(4, m).title(m), "things/m001");
}

TEST_F(DatasetTest, SamplesHoldStoredPointsWithTheirLabels) {
    DatasetConfig c = small_config(kGolden);
    c.jitter = 0, c.surface = 30;
    const Dataset set(c, "train");
    const DatasetSample s = set.sample(1, true, Rng(2), {.surface = true, .voxels = 32});
    ASSERT_EQ(s.queries.size(), 120u);
    for (std::size_t i = 0; i < 40; ++i) {
        const Vec3f p{s.queries[3 * i], s.queries[3 * i + 1], s.queries[3 * i + 2]};
        EXPECT_EQ(s.occupancies[i] > 0, norm(geom::Vec3d(p)) < 0.4);
        EXPECT_EQ(p.x * 64, std::round(p.x * 64));
    }
    EXPECT_EQ(s.observation_shape, (std::vector<std::int64_t>{50, 3}));
    EXPECT_EQ(s.surface.size(), 90u);
    EXPECT_EQ(s.surface_normals.size(), 90u);
    EXPECT_EQ(s.voxels.size(), 32768u);
    const DatasetSample plain = set.sample(1, true, Rng(2));
    EXPECT_EQ(plain.queries, s.queries);  // targets come on top
    EXPECT_EQ(plain.observation, s.observation);
    EXPECT_TRUE(plain.surface.empty() && plain.voxels.empty());
    EXPECT_THAT(error_of([&] { (void)set.sample(1, true, Rng(2), {.voxels = 16}); }), HasSubstr("16 cells a side"));
    EXPECT_NE(set.sample(1, true, Rng(3)).queries, s.queries);
}

TEST_F(DatasetTest, NoiseAndJitterHaveTheirSize) {
    DatasetConfig c = small_config(kGolden);
    c.points = 4000, c.noise = 0.001, c.queries = 4000;
    const auto spread = [](const std::vector<float>& v) {  // from the nearest multiple of 1/64
        double sum = 0;
        for (const float x : v) sum += std::pow(static_cast<double>(x) - std::round(x * 64) / 64.0, 2);
        return std::sqrt(sum / static_cast<double>(v.size()));
    };
    const Dataset set(c, "train");
    const DatasetSample half = set.sample(0, true, Rng(1)), single = set.sample(2, true, Rng(1));
    EXPECT_NEAR(spread(half.observation), 0.001, 5e-5);
    EXPECT_NEAR(spread(half.queries), 1e-4, 5e-6);  // float16
    EXPECT_EQ(spread(single.queries), 0);           // float32
}

TEST_F(DatasetTest, BalancedQueries) {
    DatasetConfig c = small_config(kGolden);
    c.queries_inside = 15;
    const DatasetSample s = Dataset(c, "train").sample(0, true, Rng(1));
    EXPECT_EQ(std::count(s.occupancies.begin(), s.occupancies.end(), 1.0f), 15);
}

TEST_F(DatasetTest, PartialCloudsLackOneSide) {
    DatasetConfig c = small_config(kGolden);
    c.partial = true, c.points = 2000;
    int cut = 0;
    const Dataset set(c, "train");
    for (std::uint64_t seed = 0; seed < 12; ++seed) {
        const auto s = set.sample(0, true, Rng(seed));
        geom::Box3f box;
        for (std::size_t i = 0; i < s.observation.size(); i += 3)
            box.extend({s.observation[i], s.observation[i + 1], s.observation[i + 2]});
        const Vec3f size = box.size();
        cut += std::min({size.x / (63.0f / 64), size.y / (60.0f / 64), size.z / (58.0f / 64)}) < 0.95f;
    }
    EXPECT_GT(cut, 6);
}

TEST_F(DatasetTest, PicturesOfAnyView) {
    write_set(3);
    DatasetConfig c = small_config(root_ / "set");
    c.observation = DatasetConfig::Observation::image;
    c.image_size = 8, c.augment = true;
    const auto check = [&](const Dataset& set) {
        const DatasetSample s = set.sample(2, true, Rng(1));
        EXPECT_EQ(s.observation_shape, (std::vector<std::int64_t>{3, 8, 8}));
        EXPECT_EQ(s.observation, std::vector<float>(192, 2.0f / 255));
    };
    check(Dataset(c, "train"));
    NoProgress quiet;
    const PackResult packed =
        write_packed_set(root_ / "p.safetensors", *open_paper_set(root_ / "set", "train"), "train", {}, quiet);
    EXPECT_TRUE(packed.views);
    EXPECT_FALSE(packed.voxels);
    c.path = (root_ / "p.safetensors").string();
    check(Dataset(c, "train"));
}

TEST_F(DatasetTest, SeveralFilesPerModel) {
    write_set(1);
    const fs::path folder = root_ / "set/things/m000";
    fs::create_directories(folder / "points_iou");
    for (int i = 0; i < 4; ++i)
        write_points_file(folder / fmt::format("points_iou/points_iou_{:02}.npz", i),
                          std::vector<Vec3f>(8, {static_cast<float>(i), 0, 0}), std::vector<std::uint8_t>(8, 1), {},
                          false);
    DatasetConfig c = small_config(root_ / "set");
    c.points_file = "points_iou";
    const Dataset set(c, "train");
    std::set<float> seen;
    for (std::uint64_t seed = 0; seed < 40; ++seed) seen.insert(set.sample(0, true, Rng(seed)).queries[0]);
    EXPECT_EQ(seen.size(), 4u);
}

TEST_F(DatasetTest, BatchesAreFunctionsOfSeedAndPosition) {
    AnyConfig any(data_alternatives(), "dataset");
    DatasetConfig c = small_config(kGolden);
    c.surface = 10;
    any.assign("dataset", c);
    const auto open = [&](std::uint64_t first, int workers) {
        return data_row("dataset").make(
            any,
            {.seed = 9, .first = first, .workers = workers, .targets = {.surface = true, .voxels = 32}, .ahead = 8});
    };
    const auto a = open(0, 2), b = open(4, 0);
    (void)a->next(4);
    const nn::Batch x = a->next(4), y = b->next(4);
    EXPECT_EQ(x.tensors.size(), 7u);
    for (const auto& [name, tensor] : x.tensors) EXPECT_TRUE(torch::equal(tensor, y.at(name))) << name;
    EXPECT_EQ(x.at("observation").sizes(), (std::vector<std::int64_t>{4, 50, 3}));
    EXPECT_EQ(x.at("points").sizes(), (std::vector<std::int64_t>{4, 40, 3}));
    EXPECT_EQ(x.at("voxels").sizes(), (std::vector<std::int64_t>{4, 32, 32, 32}));
    EXPECT_TRUE(x.at("index").scalar_type() == torch::kInt64);
    EXPECT_EQ(a->position(), 8u);
    EXPECT_TRUE(torch::equal(a->held_out_batch(3, 2).at("points"), b->held_out_batch(3, 2).at("points")));
    const LabelledScan scan = a->held_out_scan(0, 100);
    EXPECT_EQ(scan.cloud.size(), 50u);
    ASSERT_EQ(scan.uniform.size(), 100u);
    for (std::size_t i = 0; i < 100; ++i)
        EXPECT_EQ(scan.uniform_inside[i] != 0, norm(geom::Vec3d(scan.uniform[i])) < 0.4);
    EXPECT_GT(scan.near.size(), 5u);
    EXPECT_THAT(a->training_range(), HasSubstr("3 models of prepared sets, given 50 points"));
}

}  // namespace
}  // namespace nir::data
