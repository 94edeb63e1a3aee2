// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Numerical parity of the rest of the family with the papers' code: voxels, windows with the sliding-window generator,
// PointNet++ and the decoder of features at points. tests/parity/NAME.toml with the weights of NAME.
#include "nir/base/error.h"
#include "nir/extract/extract_mesh.h"
#include "nir/models/registry.h"
#include "nir/models/sliding_window.h"
#include "nir/nn/batch.h"
#include "nir/nn/checkpoint.h"
#include "nir/nn/decoders/local.h"
#include "nir/nn/encoders/pointnet2.h"
#include "nir/nn/encoders/pointnet_patch.h"
#include "nir/nn/encoders/voxel_local.h"
#include "nir/nn/seeded.h"

#include "models/conv_onet/crop_model.h"
#include "support/parity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace nir::models {
namespace {

using nn::Representation;
using test::cloud_of;
using test::vectors_of;
using torch::Tensor;

/// A reference case: its arrays, its weights, and models made of them.
struct Case {
    std::string name;
    io::TensorFile file, weights;

    /// Nothing if the fixtures are not there. @param arrays  the file of inputs and outputs, default NAME.io.npz
    static std::optional<Case> find(const std::string& name, const std::string& arrays = "") {
        const auto path = test::find_fixture("conv_onet", arrays.empty() ? name + ".io.npz" : arrays);
        io::TensorFile weights = test::read_parity_weights("conv_onet", name);
        if (path.empty() || weights.arrays.empty()) return std::nullopt;
        return Case{name, io::read_npz(path), std::move(weights)};
    }
    std::unique_ptr<Model> build(const std::vector<std::string>& overrides = {}) const {
        auto model = build_model(Config::load(NIR_SOURCE_DIR "/tests/parity/" + name + ".toml", overrides), 0);
        nn::load_state(model->module(), weights, name);
        return model;
    }
    Tensor item(const std::string& key) const { return nn::tensor_from(file.at(key)); }
    template <class Encoder>
    static std::shared_ptr<Encoder> encoder_of(Model& model) {
        model.module().eval();
        return std::dynamic_pointer_cast<Encoder>(model.module().named_children()["encoder"]);
    }
    void compare(const std::string& what, const Tensor& ours, const Tensor& theirs) const {
        test::expect_parity(name, what, ours, theirs);
    }
    void compare_maps(const nn::FeatureMaps& maps, const std::string& prefix) const {
        for (const Representation r : nn::kRepresentations) {
            const std::string key = fmt::format("{}_{}", prefix, nn::name_of(r));
            ASSERT_EQ(maps[r].defined(), file.find(key) != nullptr) << key;
            if (!maps[r].defined()) continue;
            const Tensor theirs = item(key);
            compare(prefix, maps[r].narrow(1, 0, theirs.size(1)), theirs);
        }
    }
};

class FamilyParityTest : public ::testing::Test {
protected:
    void SetUp() override { torch::set_num_threads(1); }
};

class FamilyParity : public FamilyParityTest, public ::testing::WithParamInterface<const char*> {};

geom::VoxelGrid grid_of(const Tensor& voxels) {
    const Tensor v = voxels.contiguous();
    geom::VoxelGrid grid;
    for (int a = 0; a < 3; ++a) grid.size[a] = static_cast<int>(v.size(a));
    grid.values.assign(v.data_ptr<float>(), v.data_ptr<float>() + v.numel());
    return grid;
}

Tensor values_at(const extract::ScalarField& field, const Tensor& points) {
    const auto where = vectors_of(points);
    Tensor out = torch::empty({points.size(0)});
    field.values(where, {out.data_ptr<float>(), where.size()});
    return out;
}

Tensor gradients_at(const extract::ScalarField& field, const Tensor& points) {
    const auto where = vectors_of(points);
    std::vector<geom::Vec3f> g(where.size());
    field.gradients(where, g);
    Tensor out = torch::empty(points.sizes());
    float* to = out.data_ptr<float>();
    for (const auto& v : g) *to++ = v.x, *to++ = v.y, *to++ = v.z;
    return out;
}

// --------------------------------------------------------------------------------------------------------- voxels

class VoxelParity : public FamilyParity {};

TEST_P(VoxelParity, MapsLogitsAndGradientsAgree) {
    const auto c = Case::find(GetParam());
    if (!c) GTEST_SKIP() << "no larger fixtures beside the source tree";
    const auto model = c->build();
    ASSERT_EQ(model->takes(), ObservationKind::voxels);
    const Tensor inputs = c->item("inputs"), points = c->item("points");
    {
        const torch::NoGradGuard no_grad;
        nn::MapTrace trace;
        const auto encoder = Case::encoder_of<nn::VoxelLocalImpl>(*model);
        ASSERT_TRUE(encoder);
        c->compare_maps(encoder->forward(inputs, &trace), "fea");
        c->compare_maps(trace.scattered, "preunet");
    }
    for (std::int64_t b = 0; b < inputs.size(0); ++b)
        c->compare("logits", values_at(*infer_field(*model, grid_of(inputs[b])), points[b]), c->item("logits")[b]);
    const auto gradients = [&](int which) {
        const auto rounded = c->build();
        test::round_differently(rounded->module(), which);
        std::vector<Tensor> rows;
        for (std::int64_t b = 0; b < inputs.size(0); ++b)
            rows.push_back(gradients_at(*infer_field(*rounded, grid_of(inputs[b])), points[b]));
        return test::NamedTensors{{"points", torch::stack(rows)}};
    };
    test::expect_parity_up_to_kinks(c->name, "dlogits_dpoints", {{"points", c->item("dlogits_dpoints")}}, gradients,
                                    test::kParityTolerance, INFINITY);
}

INSTANTIATE_TEST_SUITE_P(ConvOnet, VoxelParity, ::testing::Values("conv_voxel_3plane_small", "conv_voxel_grid_small"));

// -------------------------------------------------------------------------------------------------------- windows

constexpr double kSide = 0.64;  // of the cases' windows: 40 voxels of 0.016

class CropParity : public FamilyParity {
protected:
    /// Lower corners [B,3] f64 of the windows, from points and their normalised positions.
    static Tensor window_lower(const Case& c) {
        const Tensor p = c.item("points").to(torch::kFloat64);
        return (p - c.item("points_normalized_grid").to(torch::kFloat64) * kSide).mean(1);
    }
    /// The papers' code moves points outside of the window to 0 and marks them; here they stay outside.
    static Tensor inputs(const Case& c) {
        return c.item("inputs").masked_fill(c.item("inputs_mask").to(torch::kBool).unsqueeze(2), 10.0);
    }
};

TEST_P(CropParity, CellsMapsAndLogitsAgree) {
    const auto c = Case::find(GetParam());
    if (!c) GTEST_SKIP() << "no larger fixtures beside the source tree";
    const auto model = c->build();
    const auto encoder = Case::encoder_of<nn::PointnetPatchImpl>(*model);
    ASSERT_TRUE(encoder);
    EXPECT_EQ(encoder->resolution(), c->item("reso").item<std::int64_t>());
    EXPECT_NEAR(encoder->window_side(), kSide, 1e-12);
    const Tensor cloud = inputs(*c), points = c->item("points"), lower = window_lower(*c);
    const torch::NoGradGuard no_grad;
    nn::MapTrace trace;
    c->compare_maps(encoder->encode_window(cloud, lower, &trace), "fea");
    for (const Representation r : nn::kRepresentations) {
        const std::string suffix = fmt::format("_{}", nn::name_of(r));
        if (!c->file.find("index" + suffix)) continue;
        const Tensor index = c->item("index" + suffix).squeeze(1).to(torch::kInt64);
        EXPECT_TRUE(torch::equal(trace.index[static_cast<std::size_t>(r)], index)) << suffix;
        c->compare("coordinates", nn::window_coordinates(points, lower, kSide, r),
                   c->item("points_normalized" + suffix));
    }
    for (std::int64_t b = 0; b < cloud.size(0); ++b) {
        const double* corner = lower.data_ptr<double>() + 3 * b;
        const auto fixed =
            c->build({fmt::format("model.window=[{:.17g}, {:.17g}, {:.17g}]", corner[0], corner[1], corner[2])});
        const auto field = infer_field(*fixed, cloud_of(cloud[b]));
        c->compare("logits", values_at(*field, points[b]), c->item("logits")[b]);
    }
}

TEST_P(CropParity, LossAndGradientsAgree) {
    const auto c = Case::find(GetParam());
    if (!c) GTEST_SKIP() << "no larger fixtures beside the source tree";
    nn::Batch batch;
    batch["observation"] = inputs(*c);
    batch["window_center"] = window_lower(*c) + kSide / 2;
    batch["window_points"] = c->item("points");
    batch["window_occupancies"] = c->item("occ");
    double iou = -1;
    const auto model = c->build();
    EXPECT_NEAR(model->targets().window, 9 * 0.016, 1e-12);
    const auto log = [&](std::string_view key, double v) { iou = key == "iou" ? v : iou; };
    c->compare("loss", model->loss(batch, log), c->item("loss"));
    EXPECT_GE(iou, 0);
    const auto gradients = [&](int which) {
        const auto rounded = c->build();
        rounded->module().train();
        test::round_differently(rounded->module(), which);
        rounded->loss(batch, {}).backward();
        return test::gradients_of(rounded->module());
    };
    const auto theirs = test::reference_gradients(c->file);
    EXPECT_EQ(theirs.size(), model->module().parameters().size());
    test::expect_parity_up_to_kinks(c->name, "gradients", theirs, gradients);
}

INSTANTIATE_TEST_SUITE_P(ConvOnet, CropParity,
                         ::testing::Values("conv_crop_small", "conv_crop_sincos_small", "conv_crop_planes_small"));

class SlidingParity : public FamilyParity {};

TEST_P(SlidingParity, BoxesGridAndMeshAreTheOfficialOnes) {
    const std::string name = std::string("conv_crop_small.sliding_") + GetParam();
    const auto c = Case::find("conv_crop_small", name + ".npz");
    if (!c) GTEST_SKIP() << "no larger fixtures beside the source tree";
    const auto& file = c->file;
    const auto model = c->build();
    SlidingWindowOptions options;
    options.resolution_0 = GetParam()[0] - '0', options.upsampling = GetParam()[2] - '0';
    NoProgress quiet;
    const auto scene = cloud_of(nn::tensor_from(file.at("scene"))[0]);
    const auto result = sliding_window(*model, scene, options, quiet);

    EXPECT_NEAR(1 / (1 + std::exp(-result.level)), file.at("threshold").to_double()[0], 1e-6);
    const auto boxes = file.at("axis_n_crop").to_int64();
    for (int a = 0; a < 3; ++a) EXPECT_EQ(result.boxes[a], boxes[static_cast<std::size_t>(a)]);
    const auto query = file.at("query_vol").to_double();
    for (int a = 0; a < 3; ++a) EXPECT_EQ(result.grid.origin[a], query[static_cast<std::size_t>(a)]);
    const auto calls = file.at("eval_counts").to_int64();
    EXPECT_EQ(std::vector<std::int64_t>(result.calls.begin(), result.calls.end()), calls);

    const auto& shape = file.at("value_grid").shape;
    const Tensor ours = torch::from_blob(const_cast<float*>(result.grid.values.data()), shape).clone();
    const Tensor theirs = nn::tensor_from(file.at("value_grid"));
    test::expect_parity(name, "grid", ours, theirs);

    const auto vertices = file.at("vertices").to_double();
    const auto faces = file.at("faces").to_int64();
    ASSERT_EQ(result.mesh.vertices.size() * 3, vertices.size());
    ASSERT_EQ(result.mesh.faces.size() * 3, faces.size());
    double worst = 0;
    for (std::size_t i = 0; i < vertices.size(); ++i)
        worst = std::max(worst, std::abs(vertices[i] - result.mesh.vertices[i / 3][static_cast<int>(i % 3)]));
    EXPECT_LT(worst, 2e-5);  // of 0.016 between samples: where the field is flat, a vertex moves with its rounding
    test::record_parity(name, "vertices (absolute)", worst);
    std::size_t different = 0;
    for (std::size_t i = 0; i < faces.size(); ++i)
        different += result.mesh.faces[i / 3][i % 3] != static_cast<std::uint32_t>(faces[i]);
    EXPECT_EQ(different, 0u);
}

INSTANTIATE_TEST_SUITE_P(ConvOnet, SlidingParity, ::testing::Values("9_0", "5_1"));

TEST_F(FamilyParityTest, FieldOfAScanIsTheSlidingWindow) {
    const auto c = Case::find("conv_crop_small", "conv_crop_small.sliding_9_0.npz");
    if (!c) GTEST_SKIP() << "no larger fixtures beside the source tree";
    const auto& file = c->file;
    const auto model = c->build();
    const auto field = infer_field(*model, cloud_of(nn::tensor_from(file.at("scene"))[0]));
    // The generator's lattice: 9 samples a box, the last one a step below the upper face of the last box.
    const Tensor theirs = nn::tensor_from(file.at("value_grid"));
    const auto query = file.at("query_vol").to_double();
    extract::ExtractOptions options;
    options.dense = true, options.upsampling = 0, options.refine_steps = 0, options.normals = false, options.clamp = 0;
    options.resolution_0 = static_cast<int>(theirs.size(0)) - 1;
    geom::Box3d box;
    box.lo = {query[0], query[1], query[2]};
    for (int a = 0; a < 3; ++a) box.hi[a] = box.lo[a] + 0.016 * static_cast<double>(theirs.size(a) - 1);
    options.domain = box;
    extract::MeshExtractor extractor(*field, options);
    NoProgress quiet;
    const auto mesh = extractor.extract(quiet).mesh;
    const auto grid = extractor.values();
    const Tensor ours = torch::from_blob(const_cast<float*>(grid.values.data()), theirs.sizes()).clone();
    test::expect_parity("conv_crop_small.sliding_9_0", "field", ours, theirs);
    EXPECT_EQ(mesh.vertices.size() * 3, file.at("vertices").count());
    EXPECT_EQ(mesh.faces.size() * 3, file.at("faces").count());
}

// -------------------------------------------------------------------------------------------- features at points

TEST_F(FamilyParityTest, PointnetPlusPlus) {
    const auto c = Case::find("conv_pointnetpp");
    if (!c) GTEST_SKIP() << "no larger fixtures beside the source tree";
    const auto model = c->build();
    const auto encoder = Case::encoder_of<nn::Pointnet2Impl>(*model);
    ASSERT_TRUE(encoder);
    const Tensor inputs = c->item("inputs"), points = c->item("points");
    const Tensor fps[] = {c->item("fps1").to(torch::kInt64), c->item("fps2").to(torch::kInt64)};
    const torch::NoGradGuard no_grad;
    nn::Pointnet2Trace trace;
    const auto features = encoder->forward(inputs, {fps[0].select(1, 0), fps[1].select(1, 0)}, &trace);
    for (std::size_t i = 0; i < 2; ++i) EXPECT_TRUE(torch::equal(trace.centers[i], fps[i])) << "level " << i;
    c->compare("point_fea", features.point_features, c->item("point_fea"));
    for (std::int64_t b = 0; b < inputs.size(0); ++b) {
        const auto first = [&](int level) { return fps[level][b][0].item<std::int64_t>(); };
        const auto fixed = c->build({fmt::format("model.encoder.first_centers=[{}, {}]", first(0), first(1))});
        c->compare("logits", values_at(*infer_field(*fixed, cloud_of(inputs[b])), points[b]), c->item("logits")[b]);
    }
}

TEST_F(FamilyParityTest, DecoderOfFeaturesAtPoints) {
    const auto path = test::find_fixture("conv_onet", "conv_pointdec_small.npz");
    if (path.empty()) GTEST_SKIP() << "no larger fixtures beside the source tree";
    const auto file = io::read_npz(path);
    for (const std::string weights : {"gaussian", "inverse"}) {
        nn::PointMlpConfig config;
        config.hidden_size = 24;
        config.weights = weights == "gaussian" ? nn::PointWeights::gaussian : nn::PointWeights::inverse;
        nn::PointMlp decoder(config, nn::LocalDims{.c_dim = 16});
        io::TensorFile state;
        for (const auto& array : file.arrays)
            if (array.name.starts_with(weights + "/") && array.name != weights + "/logits") {
                state.arrays.push_back(array);
                state.arrays.back().name = array.name.substr(weights.size() + 1);
            }
        nn::load_state(*decoder, state, "conv_pointdec_small");
        nn::FeatureMaps features;
        features.points = nn::tensor_from(file.at("cloud"));
        features.point_features = nn::tensor_from(file.at("cloud_fea"));
        const torch::NoGradGuard no_grad;
        test::expect_parity("conv_pointdec_small", weights,
                            decoder->decode(nn::tensor_from(file.at("points")), features),
                            nn::tensor_from(file.at(weights + "/logits")));
    }
}

}  // namespace
}  // namespace nir::models
