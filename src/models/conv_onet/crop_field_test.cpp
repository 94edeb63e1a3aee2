// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/conv_onet/crop_field.h"

#include "nir/base/error.h"
#include "nir/base/rng.h"
#include "nir/data/training_data.h"
#include "nir/extract/extract_mesh.h"
#include "nir/models/registry.h"
#include "nir/models/sliding_window.h"
#include "nir/nn/batch.h"
#include "nir/nn/decoders/local.h"

#include "support/golden_fill.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nir::models {
namespace {

using geom::Vec3d;
using geom::Vec3f;
using geom::Vec3i;

/// 4 cells a box, windows of 11 voxels: small enough for many boxes.
const std::string kSmall =
    "[model]\nname = \"conv_onet_crop\"\nc_dim = 4\nunit_size = 0.05\nquery_cells = 4\n"
    "[model.encoder]\nhidden_dim = 6\nn_blocks = 2\n[model.encoder.unet3d]\nnum_levels = 1\nf_maps = 4\nnum_groups = "
    "2\n"
    "[model.decoder]\nhidden_size = 8\nn_blocks = 2\n";

std::unique_ptr<Model> small_model() {
    auto model = build_model(Config::parse(kSmall, "test.toml"), 1);
    test::golden_fill(model->module());
    return model;
}

/// The configuration of small_model().
ConvOnetCropConfig small_config() {
    nn::PointnetPatchConfig encoder;
    encoder.hidden_dim = 6, encoder.n_blocks = 2;
    encoder.unet3d = {.f_maps = 4, .num_levels = 1, .num_groups = 2};
    nn::LocalMlpConfig decoder;
    decoder.hidden_size = 8, decoder.n_blocks = 2;
    ConvOnetCropConfig config;
    config.c_dim = 4, config.unit_size = 0.05, config.query_cells = 4;
    config.encoder.assign("pointnet_patch", encoder);
    config.decoder.assign("local_patch", decoder);
    return config;
}

geom::PointCloud random_cloud(std::size_t n, double size) {
    geom::PointCloud cloud;
    Rng rng(4);
    for (std::size_t i = 0; i < n; ++i)
        cloud.points.push_back({rng.uniform(0, size), rng.uniform(0, size / 2), rng.uniform(0, size)});
    return cloud;
}

TEST(CropLayout, CoversTheScanWithItsMargin) {
    const CropLayout l = crop_layout({0, 0, -1}, {1, 0.1f, 1}, 0.01, 0.25, 0.5);
    EXPECT_EQ(l.n, (Vec3i{5, 1, 9}));
    EXPECT_NEAR(l.lower.x, -0.01, 1e-7);
    const Vec3d q = l.query_lower({1, 0, 2}), w = l.window_lower({1, 0, 2});
    EXPECT_NEAR(q.x, 0.24, 1e-7);
    EXPECT_NEAR(w.x, 0.24 - 0.125, 1e-7);
    EXPECT_EQ(l.crop_of({-5, -5, -5}), (Vec3i{0, 0, 0}));
    EXPECT_EQ(l.crop_of({5, 5, 5}), (Vec3i{4, 0, 8}));
    EXPECT_THROW((void)crop_layout({0, 0, 0}, {1000, 1000, 1000}, 0.01, 0.25, 0.5), Error);
}

TEST(CropLayout, LowerFacesBelongToTheirBoxInSinglePrecision) {
    const CropLayout l = crop_layout({-7.3f, 0.1f, 3.9f}, {9, 3, 8}, 0.01, 0.125, 0.44);
    for (int i = 0; i < l.n.x; ++i) {
        const Vec3d at = l.query_lower({i, 1, 1});
        EXPECT_EQ(l.crop_of(Vec3f(at)), (Vec3i{i, 1, 1}));
        EXPECT_EQ(l.crop_of(Vec3f(at - Vec3d{0.0001, 0, 0})).x, std::max(0, i - 1));
    }
}

TEST(CropField, OneCropAtATimeOrAllTogetherIsEqual) {
    const auto model = small_model();
    const auto field = infer_field(*model, random_cloud(300, 1));
    const auto& crops = dynamic_cast<const CropField&>(*field);
    EXPECT_EQ(crops.layout().n, (Vec3i{6, 3, 6}));
    Rng rng(2);
    std::vector<Vec3f> points(500), gradients(500);
    for (auto& p : points)
        p = {float(rng.uniform(-.1, 1.1)), float(rng.uniform(-.1, .6)), float(rng.uniform(-.1, 1.1))};
    std::vector<float> together(points.size());
    field->values(points, together);
    field->gradients(points, gradients);
    for (std::size_t i = 0; i < points.size(); ++i) {
        float alone = 0;
        crops.crop_values(crops.layout().crop_of(points[i]), {&points[i], 1}, {&alone, 1});
        EXPECT_NEAR(alone, together[i], 1e-5f * std::max(1.0f, std::abs(alone)));
        EXPECT_TRUE(geom::is_finite(gradients[i]));
    }
    // Gradients are those of the values, but for ReLUs, cells and voxels whose border a difference steps over.
    constexpr float kStep = 2e-4f;
    std::size_t close = 0;
    for (std::size_t i = 0; i < 100; ++i) {
        Vec3f difference;
        for (int axis = 0; axis < 3; ++axis) {
            std::vector<Vec3f> ends{points[i], points[i]};
            std::vector<float> v(2);
            ends[0][axis] += kStep, ends[1][axis] -= kStep;
            field->values(ends, v);
            difference[axis] = (v[0] - v[1]) / (ends[0][axis] - ends[1][axis]);
        }
        close += geom::norm(gradients[i] - difference) < 0.05f * geom::norm(gradients[i]) + 0.05f;
    }
    EXPECT_GE(close, 85u);
}

TEST(CropField, SmallCacheChangesNothing) {
    const ConvOnetCropConfig config = small_config();
    ConvOnetCropModule net(config);
    test::golden_fill(*net);
    torch::Tensor cloud = test::golden_tensor(3, {1, 400, 3}, 0, 1);
    const CropField large(net, config, cloud), small(net, config, cloud, 1);
    std::vector<Vec3f> points;
    Rng rng(3);
    for (int i = 0; i < 300; ++i)
        points.push_back({float(rng.uniform(0, 1)), float(rng.uniform(0, 1)), float(rng.uniform(0, 1))});
    std::vector<float> a(points.size()), b(points.size());
    for (int round = 0; round < 2; ++round) {
        large.values(points, a);
        small.values(points, b);
        EXPECT_EQ(a, b);
    }
    EXPECT_LT(large.n_encoded(), small.n_encoded());
}

TEST(CropField, WindowsWithoutPointsAreEncodedOnce) {
    const auto model = small_model();
    geom::PointCloud two;
    two.points = {{0, 0, 0}, {4, 0, 0}};
    const auto field = infer_field(*model, two);
    const auto& crops = dynamic_cast<const CropField&>(*field);
    ASSERT_EQ(crops.layout().n.x, 21);
    std::vector<Vec3f> points;
    for (int x = 0; x < 21; ++x) points.push_back(Vec3f(crops.layout().query_lower({x, 0, 0}) + Vec3d{.1, .1, .1}));
    std::vector<float> values(points.size());
    field->values(points, values);
    EXPECT_LE(crops.n_encoded(), 9u);  // those around either point, and one for all the others
    // Middle boxes differ by the position within their voxels only, and boxes are whole voxels apart.
    EXPECT_NEAR(values[10], values[11], 1e-3f * std::max(1.0f, std::abs(values[10])));
}

TEST(CropField, ShiftByWholeVoxelsShiftsTheField) {
    const auto model = small_model();
    const geom::PointCloud cloud = random_cloud(200, 0.5);
    geom::PointCloud moved = cloud;
    const Vec3d shift{2, -1, 0.5};  // multiples of unit_size
    for (auto& p : moved.points) p += shift;
    const auto a = infer_field(*model, cloud), b = infer_field(*model, moved);
    Rng rng(6);
    std::vector<Vec3f> pa, pb;
    for (int i = 0; i < 200; ++i) {
        const Vec3d p{rng.uniform(0, .5), rng.uniform(0, .25), rng.uniform(0, .5)};
        pa.push_back(Vec3f(p)), pb.push_back(Vec3f(p + shift));
    }
    std::vector<float> va(pa.size()), vb(pb.size());
    a->values(pa, va), b->values(pb, vb);
    // Rounding moves a few points into the next voxel.
    std::size_t close = 0;
    for (std::size_t i = 0; i < va.size(); ++i)
        close += std::abs(va[i] - vb[i]) < 1e-2f * std::max(1.0f, std::abs(va[i]));
    EXPECT_GE(close, 180u);
}

TEST(SlidingWindow, GridIsTheFieldAndMeshesClose) {
    const auto model = small_model();
    const auto cloud = random_cloud(300, 0.6);
    NoProgress quiet;
    SlidingWindowOptions options;
    options.resolution_0 = 4;
    const auto result = sliding_window(*model, cloud, options, quiet);
    const auto field = infer_field(*model, cloud);
    const auto& g = result.grid;
    std::vector<Vec3f> points;
    for (int x = 0; x < g.size.x; ++x)
        for (int y = 0; y < g.size.y; ++y)
            for (int z = 0; z < g.size.z; ++z)
                points.push_back(Vec3f(g.origin + Vec3d{double(x), double(y), double(z)} * g.spacing.x));
    std::vector<float> values(points.size());
    field->values(points, values);
    for (std::size_t i = 0; i < values.size(); ++i)
        ASSERT_NEAR(values[i], g.values[i], 1e-4f * std::max(1.0f, std::abs(values[i]))) << i;
    EXPECT_EQ(result.calls,
              std::vector<std::size_t>(std::size_t(result.boxes.x * result.boxes.y * result.boxes.z), 64));
    options.resolution_0 = 0;
    EXPECT_THROW((void)sliding_window(*model, cloud, options, quiet), Error);
    const auto other = build_model(Config::parse("[model]\nname = \"conv_onet\"\n"), 0);
    EXPECT_THROW((void)sliding_window(*other, cloud, {}, quiet), Error);
}

TEST(ConvOnetCrop, PartsOfAnotherKindAreRefused) {
    const auto build = [](const std::string& toml) { (void)build_model(Config::parse("[model]\n" + toml), 0); };
    EXPECT_THROW(build("name = \"conv_onet_crop\"\nencoder = { name = \"pointnet_local\" }\n"), Error);
    EXPECT_THROW(build("name = \"conv_onet_crop\"\ndecoder = { name = \"local\" }\n"), Error);
    EXPECT_THROW(build("name = \"conv_onet\"\nencoder = { name = \"pointnet_patch\" }\n"), Error);
    EXPECT_THROW(build("name = \"conv_onet\"\nencoder = { name = \"pointnet2\" }\n"), Error);
    EXPECT_THROW(build("name = \"conv_onet\"\ndecoder = { name = \"local_point\" }\n"), Error);
    EXPECT_THROW(build("name = \"conv_onet_crop\"\nlocal_coordinates = false\nposition_encoding = \"sin_cos\"\n"),
                 Error);
    EXPECT_THROW(build("name = \"conv_onet_crop\"\nwindow = [0.0, 1.0]\n"), Error);
}

TEST(ConvOnetCrop, LearnsFromGeneratedShapes) {
    const auto model = build_model(Config::parse(kSmall, "test.toml"), 1);
    data::OccupancyDataConfig data;
    data.points = 300, data.queries = 64;
    const auto& row = data::data_row("generated");
    AnyConfig config(data::data_alternatives(), "generated");
    config.assign("generated", data);
    const auto source = row.make(config, {.seed = 3, .first = 0, .workers = 0, .targets = model->targets()});
    const nn::Batch batch = source->next(4);
    const auto& center = batch.at("window_center");
    const auto& points = batch.at("window_points");
    EXPECT_EQ(points.sizes(), (std::vector<std::int64_t>{4, 64, 3}));
    EXPECT_LE((points - center.unsqueeze(1)).abs().max().item<double>(), 0.1 + 1e-6);
    model->module().train();
    torch::optim::Adam adam(model->module().parameters(), torch::optim::AdamOptions(1e-2));
    double first = 0, last = 0;
    for (int step = 0; step < 40; ++step) {
        adam.zero_grad();
        const torch::Tensor loss = model->loss(batch, {});
        loss.backward();
        adam.step();
        (step == 0 ? first : last) = loss.item<double>();
    }
    EXPECT_LT(last, 0.85 * first);
}

}  // namespace
}  // namespace nir::models
