// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/cascade_model.h"

#include "nir/data/cascade_batch.h"
#include "nir/io/safetensors.h"
#include "nir/models/cascade.h"
#include "nir/models/registry.h"
#include "nir/nn/checkpoint.h"
#include "nir/nn/seeded.h"

#include "models/cascade/cascade_file.h"
#include "models/cascade/cascade_loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <unistd.h>

namespace nir::models {
namespace {

namespace fs = std::filesystem;

CascadeConfig tiny() {
    CascadeConfig c;
    c.coarse_cells = 16;
    c.features = 8;
    c.decoder_hidden = 16;
    c.decoder_blocks = 1;
    c.coarse.widths = {8, 16};
    c.fine.widths = {8, 16};
    return c;
}

std::vector<data::CascadeSample> samples(std::uint64_t first, std::uint64_t n) {
    data::CascadeDataConfig config;
    config.cells = 16;
    config.octaves = 1;
    config.queries = 128;
    config.min_points = 500;
    config.max_points = 1000;
    std::vector<data::CascadeSample> out;
    for (std::uint64_t i = 0; i < n; ++i) out.push_back(data::make_cascade_sample(config, Rng(first + i)));
    return out;
}

geom::PointCloud ball_points(double scale, geom::Vec3d center) {
    geom::PointCloud cloud;
    Rng rng(2);
    for (int i = 0; i < 800; ++i) {
        const geom::Vec3d d{rng.normal(), rng.normal(), rng.normal()};
        cloud.points.push_back(center + d * (scale / norm(d)));
    }
    return cloud;
}

TEST(CascadeTraining, LossFallsOnAFixedBatch) {
    const nn::SeededScope seeded(1);
    CascadeNet net(tiny());
    const nn::Batch batch = data::cascade_batch(samples(10, 2));
    torch::optim::Adam adam(net->parameters(), torch::optim::AdamOptions(1e-2));
    double first = 0, last = 0;
    for (int step = 0; step < 30; ++step) {
        const torch::Tensor loss = cascade_loss(net, batch, nullptr);
        last = loss.item<double>();
        if (step == 0) first = last;
        adam.zero_grad();
        loss.backward();
        adam.step();
    }
    EXPECT_LT(last, 0.7 * first);
}

TEST(CascadeTraining, LossOfABatchIsTheMeanOfItsSamples) {
    const nn::SeededScope seeded(2);
    CascadeNet net(tiny());
    const torch::NoGradGuard no_grad;
    const auto all = samples(20, 3);
    CascadeLossReport report;
    const double together = cascade_loss(net, all, &report).item<double>();
    double sum = 0;
    for (const auto& s : all) sum += cascade_loss(net, {s}, nullptr).item<double>();
    EXPECT_NEAR(together, sum / 3, 1e-4 * together);
    EXPECT_EQ(report.count[0], 3);
    for (const double iou : report.iou) EXPECT_TRUE(iou >= 0 && iou <= 1);
}

class CascadeFileTest : public testing::Test {
protected:
    void TearDown() override { fs::remove(file_); }
    fs::path file_ = fs::temp_directory_path() / fmt::format("nir_cascade_{}.safetensors", ::getpid());
};

TEST_F(CascadeFileTest, AllDoorsReadAllFiles) {
    const nn::SeededScope seeded(3);
    CascadeNet net(tiny());
    const auto same = [&](const torch::nn::Module& other) {
        const auto a = net->named_parameters(), b = other.named_parameters();
        ASSERT_EQ(a.size(), b.size());
        for (const auto& p : a) EXPECT_TRUE(torch::equal(p.value(), b[p.key()])) << p.key();
    };
    save_cascade(file_, net, {{"licence", "CC0-1.0"}});
    same(load_model(file_)->module());
    same(*load_cascade(file_, nullptr));

    // The bare options that early files hold instead of a whole configuration.
    io::TensorFile old = io::read_safetensors(file_);
    old.metadata["config"] = dump_toml(tiny());
    io::write_safetensors(file_, old);
    same(load_model(file_)->module());
    same(*load_cascade(file_, nullptr));

    // What a training writes: its whole configuration.
    nn::CheckpointInfo info;
    info.model = "cascade";
    info.config = Config::parse(nn::read_checkpoint(file_).info.config).to_toml();
    Config whole(Config::Table{});
    whole.put("model", CascadeModel(tiny()).config());
    whole.put("train", Config(Config::Table{{"steps", Config(std::int64_t{3})}}));
    info.config = whole.to_toml();
    nn::save_checkpoint(file_, *net, info);
    same(load_model(file_)->module());
    std::map<std::string, std::string> metadata;
    same(*load_cascade(file_, &metadata));
    EXPECT_EQ(metadata.at("model"), "cascade");

    // The list of parameters that is known without torch.
    const auto parameters = cascade_parameters(tiny());
    EXPECT_EQ(parameters.size(), net->named_parameters().size());
    for (const auto& p : parameters) EXPECT_EQ(net->named_parameters()[p.name].sizes().vec(), p.shape) << p.name;
}

TEST_F(CascadeFileTest, HalvesLoadToo) {
    const nn::SeededScope seeded(3);
    CascadeNet net(tiny());
    save_cascade(file_, net, {}, true);
    const auto model = load_model(file_);
    for (const auto& p : net->named_parameters()) {
        const torch::Tensor got = model->module().named_parameters()[p.key()];
        EXPECT_EQ(got.scalar_type(), torch::kFloat32);
        EXPECT_TRUE(torch::allclose(got, p.value(), 1e-3, 1e-4)) << p.key();
    }
}

TEST(CascadeModelTest, FieldFollowsTheFrameOfThePoints) {
    const auto model = build_model(Config::parse("[model]\nname = \"cascade\"\ncoarse_cells = 16\nfeatures = 8\n"
                                                 "decoder_hidden = 16\n[model.coarse]\nwidths = [8, 16]\n"
                                                 "[model.fine]\nwidths = [8, 16]\n"),
                                   5);
    const geom::Vec3d center{4, -2, 8};
    const auto unit = infer_field(*model, ball_points(1, {})), moved = infer_field(*model, ball_points(4, center));
    std::vector<geom::Vec3f> p, q;
    Rng rng(6);
    for (int i = 0; i < 200; ++i) {
        const geom::Vec3d x{rng.uniform(-1, 1), rng.uniform(-1, 1), rng.uniform(-1, 1)};
        p.push_back(static_cast<geom::Vec3f>(x));
        q.push_back(static_cast<geom::Vec3f>(center + x * 4.0));
    }
    std::vector<float> a(200), b(200);
    unit->values(p, a);
    moved->values(q, b);
    for (std::size_t i = 0; i < 200; ++i) {
        ASSERT_TRUE(std::isfinite(a[i]));
        ASSERT_NEAR(a[i], b[i], 2e-3 * (1 + std::abs(a[i])));
    }
    geom::PointCloud few;
    few.points.assign(10, {1, 2, 3});
    EXPECT_THROW(model->infer(few), Error);
    geom::PointCloud bad = ball_points(1, {});
    bad.points[3].y = NAN;
    EXPECT_THROW(model->infer(bad), Error);
}

}  // namespace
}  // namespace nir::models
