// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// A picture is the same to a network whichever way it comes in.
#include "pipeline/observations.h"

#include "nir/base/log.h"
#include "nir/data/dataset.h"
#include "nir/io/formats.h"
#include "nir/io/npy.h"
#include "nir/io/png.h"
#include "nir/pipeline/prepare.h"

#include "models/observation_tensor.h"
#include "support/meshes.h"

#include <gtest/gtest.h>

#include <unistd.h>

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;

class PicturesTest : public ::testing::Test {
protected:
    void SetUp() override {
        root_ = fs::temp_directory_path() / fmt::format("nir_pictures_{}", ::getpid());
        fs::remove_all(root_);
        fs::create_directories(root_);
        former_ = set_log_sink([](LogLevel, std::string_view) {});
        io::write_geometry(root_ / "ring.ply", testing::make_torus(1, 0.3, 30, 16));
        PrepareOptions o;
        o.inputs = {root_ / "ring.ply"}, o.out = root_ / "set", o.points = 100, o.samples = 100, o.voxels = 0;
        o.views = 1, o.view_size = 50;
        run(o);
    }
    void TearDown() override {
        set_log_sink(former_);
        fs::remove_all(root_);
    }
    static void run(const PrepareOptions& o) {
        NoProgress quiet;
        PhaseTimer timer;
        prepare(o, quiet, timer);
    }
    fs::path picture() const { return root_ / "set/objects/ring/img_choy2016/000.png"; }
    /// What training gives the network.
    std::vector<float> of_training(const fs::path& set, int size) const {
        data::DatasetConfig c;
        c.path = set.string(), c.image_size = size, c.queries = 0;
        const data::Dataset dataset(c, "train", nn::ObservationKind::image);
        const auto trained = dataset.sample(0, true, Rng(1));
        EXPECT_EQ(trained.observation_shape, (std::vector<std::int64_t>{3, size, size}));
        EXPECT_EQ(trained.observation, dataset.sample(0, false, Rng(2)).observation);
        // Validation hands the whole observation to the model, which has the size already.
        const auto scan = dataset.scan(0, 10, Rng(3));
        EXPECT_EQ(trained.observation, tensor_of(scan.image, size));
        return trained.observation;
    }
    /// What `nir extract --input` gives it.
    std::vector<float> of_use(const fs::path& file, int size) const {
        return tensor_of(read_observation(file, models::ObservationKind::image), size);
    }
    static std::vector<float> tensor_of(const models::Observation& observation, int size) {
        const auto t = models::observation_tensor(observation, models::ObservationKind::image, size).contiguous();
        EXPECT_EQ(t.sizes(), (torch::IntArrayRef{1, 3, size, size}));
        return {t.data_ptr<float>(), t.data_ptr<float>() + t.numel()};
    }

    fs::path root_;
    LogSink former_;
};

TEST_F(PicturesTest, AreTheSameInTrainingAndInUse) {
    for (const int size : {32, 50, 64}) {
        const auto trained = of_training(root_ / "set", size);
        EXPECT_EQ(trained, of_use(picture(), size)) << size;
        EXPECT_GT(*std::max_element(trained.begin(), trained.end()), 0.99f);
        EXPECT_LT(*std::min_element(trained.begin(), trained.end()), 0.9f);
    }
    // Neither square nor opaque: what lies under transparent pixels shows in neither.
    geom::Image8 odd(61, 40, 4);
    for (std::size_t i = 0; i < odd.data.size(); ++i) odd.data[i] = static_cast<std::uint8_t>(i * 29 % 256);
    io::write_png(picture(), odd);
    PrepareOptions pack;
    pack.inputs = {root_ / "set"}, pack.out = root_ / "packed", pack.papers = false, pack.packed = true;
    run(pack);
    for (const int size : {32, 40}) {
        const auto used = of_use(picture(), size);
        EXPECT_EQ(of_training(root_ / "set", size), used) << size;
        EXPECT_EQ(of_training(root_ / "packed", size), used) << size;
    }
}

TEST_F(PicturesTest, ArraysOfTheRightSizePassUntouched) {
    std::vector<float> values;
    for (int i = 0; i < 3 * 24 * 24; ++i) values.push_back(static_cast<float>(i % 1009) / 1009.5f);
    io::write_npy(root_ / "a.npy", io::NamedArray::from("", {3, 24, 24}, values));
    EXPECT_EQ(of_use(root_ / "a.npy", 24), values);
}

}  // namespace
}  // namespace nir::pipeline
