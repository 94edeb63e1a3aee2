// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Numerical parity with the papers' code, case by case: the configuration tests/parity/NAME.toml with the weights of
// NAME reproduces what the official classes computed. Prints a table of the largest relative errors.
#include "support/parity.h"

#include "nir/models/registry.h"
#include "nir/nn/batch.h"
#include "nir/nn/encoders/pointnet_local.h"

#include "support/parity_mesh.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace nir::models {
namespace {

using nn::Representation;
using test::cloud_of;
using test::expect_parity;
using test::find_fixture;
using test::NamedTensors;
using test::vectors_of;
using torch::Tensor;

io::TensorFile read_weights(const std::string& name) { return test::read_parity_weights("conv_onet", name); }

std::unique_ptr<Model> build(const std::string& name) { return test::build_parity_model(name, read_weights(name)); }

class Parity : public ::testing::TestWithParam<const char*> {
protected:
    void SetUp() override {
        torch::set_num_threads(1);  // as the reference
        name_ = GetParam();
    }
    Tensor item(const io::TensorFile& file, const std::string& key) const { return nn::tensor_from(file.at(key)); }
    std::string name_;
};

TEST_P(Parity, FeaturesAgree) {
    const auto path = find_fixture("conv_onet", name_ + ".io.npz");
    if (path.empty() || read_weights(name_).arrays.empty()) GTEST_SKIP() << "no larger fixtures beside the source tree";
    const auto file = io::read_npz(path);
    const auto model = build(name_);
    model->module().eval();
    const auto encoder = std::dynamic_pointer_cast<nn::PointnetLocalImpl>(model->module().named_children()["encoder"]);
    ASSERT_TRUE(encoder);
    const torch::NoGradGuard no_grad;
    nn::PointnetLocalTrace trace;
    const nn::FeatureMaps maps = encoder->forward(item(file, "inputs"), &trace);
    if (file.find("point_fea")) expect_parity(name_, "point_fea", trace.point_features, item(file, "point_fea"));
    for (const Representation r : nn::kRepresentations) {
        const std::string suffix = "_" + std::string(nn::name_of(r));
        ASSERT_EQ(maps[r].defined(), file.find("fea" + suffix) != nullptr);
        if (!maps[r].defined()) continue;
        const Tensor fea = item(file, "fea" + suffix);
        expect_parity(name_, "fea", maps[r].narrow(1, 0, fea.size(1)), fea);
        if (file.find("preunet" + suffix))
            expect_parity(name_, "preunet", trace.scattered[r], item(file, "preunet" + suffix));
        if (file.find("index" + suffix)) {
            const Tensor index = item(file, "index" + suffix).squeeze(1).to(torch::kInt64);
            EXPECT_TRUE(torch::equal(trace.index[static_cast<std::size_t>(r)], index)) << name_ << suffix;
        }
    }
}

/// dlogits/dpoints [B,T,3] through the door of the models.
Tensor point_gradients(Model& model, const Tensor& inputs, const Tensor& points) {
    Tensor all = torch::empty(points.sizes());
    float* out = all.data_ptr<float>();
    for (std::int64_t b = 0; b < inputs.size(0); ++b) {
        const auto where = vectors_of(points[b]);
        std::vector<geom::Vec3f> g(where.size());
        infer_field(model, cloud_of(inputs[b]))->gradients(where, g);
        for (const auto& v : g) out = std::copy_n(std::array{v.x, v.y, v.z}.begin(), 3, out);
    }
    return all;
}

TEST_P(Parity, LogitsAndGradientsAgree) {
    const auto path = find_fixture("conv_onet", name_ + ".io.npz");
    if (path.empty() || read_weights(name_).arrays.empty()) GTEST_SKIP() << "no larger fixtures beside the source tree";
    const auto file = io::read_npz(path);
    const auto model = build(name_);
    const Tensor inputs = item(file, "inputs"), points = item(file, "points");
    for (std::int64_t b = 0; b < inputs.size(0); ++b) {
        const auto field = infer_field(*model, cloud_of(inputs[b]));
        const auto where = vectors_of(points[b]);
        Tensor logits = torch::empty({points.size(1)});
        field->values(where, {logits.data_ptr<float>(), where.size()});
        expect_parity(name_, "logits", logits, item(file, "logits")[b]);
    }
    const NamedTensors theirs{{"points", item(file, "dlogits_dpoints")}};
    const auto gradients = [&](int which) {
        const auto rounded = build(name_);
        test::round_differently(rounded->module(), which);
        // The papers' code rounds p / (1 + padding) + 0.5, ours p - lower: positions differ by their last bits too.
        const Tensor moved = which == 0 ? points : points + test::kRounding * torch::randn_like(points);
        return NamedTensors{{"points", point_gradients(*rounded, inputs, moved)}};
    };
    test::expect_parity_up_to_kinks(name_, "dlogits_dpoints", theirs, gradients, test::kParityTolerance, INFINITY);
}

INSTANTIATE_TEST_SUITE_P(ConvOnet, Parity,
                         ::testing::Values("conv_1plane_small", "conv_3plane_small", "conv_3plane_full",
                                           "conv_3plane_meannearestleaky_small", "conv_3plane_add_small",
                                           "conv_3plane_nounet_small", "conv_grid_small", "conv_grid32_full",
                                           "conv_combine_small", "conv_trained_small"));

class TrainingParity : public Parity {};

NamedTensors loss_gradients(Model& model, const nn::Batch& batch) {
    model.loss(batch, {}).backward();
    return test::gradients_of(model.module());
}

/// Losses [n] before each of n steps of Adam(1e-4).
Tensor adam_losses(Model& model, const nn::Batch& batch, std::int64_t n) {
    torch::optim::Adam adam(model.module().parameters(), torch::optim::AdamOptions(1e-4));
    Tensor losses = torch::empty({n}, torch::kFloat64);
    for (std::int64_t step = 0; step < n; ++step) {
        adam.zero_grad();
        const Tensor l = model.loss(batch, {});
        losses[step] = l.item<double>();
        l.backward();
        adam.step();
    }
    return losses;
}

TEST_P(TrainingParity, LossGradientsAndTenAdamStepsAgree) {
    const auto path = find_fixture("conv_onet", name_ + ".train.npz");
    if (path.empty()) GTEST_SKIP();
    const auto file = io::read_npz(path);
    nn::Batch batch;
    batch["observation"] = item(file, "inputs");
    batch["points"] = item(file, "points");
    batch["occupancies"] = item(file, "occ");
    const auto rounded = [&](int which) {
        auto model = build(name_);
        model->module().train();
        test::round_differently(model->module(), which);
        return model;
    };

    double iou = -1;
    const auto model = rounded(0);
    const Tensor loss = model->loss(batch, [&](std::string_view key, double v) { iou = key == "iou" ? v : iou; });
    EXPECT_GE(iou, 0);
    EXPECT_LE(iou, 1);
    expect_parity(name_ + ".train", "loss", loss, item(file, "loss"));

    const NamedTensors theirs = test::reference_gradients(file);
    EXPECT_EQ(theirs.size(), model->module().parameters().size());
    test::expect_parity_up_to_kinks(name_ + ".train", "gradients", theirs,
                                    [&](int which) { return loss_gradients(*rounded(which), batch); });

    // Adam's first steps have the length of the learning rate whatever the gradient's size, so kinks are amplified from
    // step to step: the reference may be as far from ours as ours with other roundings are from one another.
    const Tensor reference = item(file, "adam_losses").to(torch::kFloat64);
    std::vector<Tensor> ours;
    for (int which = 0; which < 6; ++which) ours.push_back(adam_losses(*rounded(which), batch, reference.size(0)));
    const Tensor all = torch::stack(ours);
    const Tensor spread = (std::get<0>(all.max(0)) - std::get<0>(all.min(0))) / reference;
    const Tensor error = (ours[0] - reference).abs() / reference;
    const Tensor allowed = torch::maximum(spread, torch::full_like(spread, test::kParityTolerance));
    EXPECT_TRUE((error <= allowed).all().item<bool>()) << error << "\nagainst our own spread of\n" << spread;
    EXPECT_LT(spread.max().item<double>(), 0.02);
    test::record_parity(name_ + ".train", "ten Adam losses", error.max().item<double>());
    test::record_parity(name_ + ".train", "spread of our roundings", spread.max().item<double>());
}

INSTANTIATE_TEST_SUITE_P(ConvOnet, TrainingParity, ::testing::Values("conv_3plane_small", "conv_grid_small"));

/// The whole chain: network, MISE, Marching Cubes; the mesh is the official generator's.
class MeshParity : public ::testing::TestWithParam<const char*> {};

TEST_P(MeshParity, MeshIsTheOfficialOne) {
    const std::string name = "conv_trained_small";
    const auto path = find_fixture("conv_onet", name + ".mesh_" + GetParam() + ".npz");
    const auto io_path = find_fixture("conv_onet", name + ".io.npz");
    if (path.empty() || io_path.empty()) GTEST_SKIP() << "no larger fixtures beside the source tree";
    const auto file = io::read_npz(path);
    const auto model = build(name);
    const auto field = infer_field(*model, cloud_of(nn::tensor_from(io::read_npz(io_path).at("inputs"))[0]));

    test::expect_official_mesh(name + ".mesh_" + GetParam(), file, *field);
}

INSTANTIATE_TEST_SUITE_P(ConvOnet, MeshParity, ::testing::Values("16_1", "32_2"));

}  // namespace
}  // namespace nir::models
