// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Numerical parity with the papers' code, case by case: the configuration tests/parity/NAME.toml with the weights of
// NAME reproduces what the official classes computed. Prints a table of the largest relative errors.
#include "nir/base/error.h"
#include "nir/extract/extract_mesh.h"
#include "nir/io/npy.h"
#include "nir/io/torch_checkpoint.h"
#include "nir/models/registry.h"
#include "nir/nn/batch.h"
#include "nir/nn/checkpoint.h"
#include "nir/nn/encoders/resnet.h"
#include "nir/nn/tensor_io.h"

#include "models/onet/onet.h"
#include "support/fixtures.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <map>

namespace nir::models {
namespace {

using test::find_fixture;
using torch::Tensor;

constexpr double kTolerance = 1e-4;

/// Rows of the table: case -> item -> largest relative error.
std::map<std::string, std::map<std::string, double>>& onet_table() {
    static std::map<std::string, std::map<std::string, double>> rows;
    return rows;
}

class OnetTable : public ::testing::Environment {
public:
    void TearDown() override {
        if (onet_table().empty()) return;
        fmt::print("\nlargest relative error against the papers' code\n");
        for (const auto& [name, items] : onet_table()) {
            fmt::print("  {:<38}", name);
            for (const auto& [item, error] : items) fmt::print(" {} {:.1e}", item, error);
            fmt::print("\n");
        }
    }
};
[[maybe_unused]] const auto* const kOnetTable = ::testing::AddGlobalTestEnvironment(new OnetTable);

/// |ours - theirs| over |theirs|, where values below the tensor's root mean square count as large as that.
Tensor relative_errors(const Tensor& ours, const Tensor& theirs) {
    const Tensor a = ours.detach().to(torch::kFloat64), b = theirs.to(torch::kFloat64);
    const Tensor floor = b.square().mean().sqrt().clamp_min(1e-12);
    return (a - b).abs() / torch::maximum(b.abs(), floor);
}

/// @param kink_share  part of the values that may differ: gradients at a ReLU whose input is zero within rounding.
void expect_agreement(const std::string& name, const std::string& item, const Tensor& ours, const Tensor& theirs,
                      double tolerance = kTolerance, double kink_share = 0) {
    ASSERT_EQ(ours.sizes(), theirs.sizes()) << name << " " << item;
    const Tensor errors = relative_errors(ours, theirs);
    const double error = errors.max().item<double>();
    const double wrong = (errors >= tolerance).to(torch::kFloat64).mean().item<double>();
    EXPECT_LE(wrong, kink_share) << name << " " << item << ": largest relative error " << error;
    double& row = onet_table()[name][item];
    row = std::max(row, error);
}

io::TensorFile read_weights(const std::string& name) {
    io::TensorFile out;
    if (const auto npz = find_fixture("onet", name + ".weights.npz"); !npz.empty()) {
        out = io::read_npz(npz);
    } else if (const auto pt = find_fixture("onet", name + ".pt"); !pt.empty()) {
        out = io::read_torch_checkpoint(pt).state_dict();
    }
    if (name == "onet_img_full" && !out.arrays.empty()) {
        const auto shared = find_fixture("onet", "resnet18_encoder_full.weights.npz");
        if (shared.empty()) return {};
        for (auto& a : io::read_npz(shared).arrays) out.arrays.push_back(std::move(a));
    }
    return out;
}

std::unique_ptr<Model> build(const std::string& name) {
    auto model = build_model(Config::load(NIR_SOURCE_DIR "/tests/parity/" + name + ".toml"), 0);
    nn::load_state(model->module(), read_weights(name), name);
    model->module().eval();
    return model;
}

Tensor tensor_of(const io::TensorFile& file, const std::string& key) { return nn::tensor_from(file.at(key)); }

/// Item of a batch of inputs as a user gives it.
Observation observation_of(ObservationKind kind, const Tensor& item) {
    const Tensor t = item.contiguous();
    const float* p = t.data_ptr<float>();
    if (kind == ObservationKind::points) {
        geom::PointCloud cloud;
        for (std::int64_t i = 0; i < t.size(0); ++i, p += 3) cloud.points.push_back({p[0], p[1], p[2]});
        return cloud;
    }
    if (kind == ObservationKind::voxels) {
        geom::VoxelGrid grid;
        grid.size = {static_cast<int>(t.size(0)), static_cast<int>(t.size(1)), static_cast<int>(t.size(2))};
        grid.values.assign(p, p + t.numel());
        return grid;
    }
    return geom::RgbImage{static_cast<int>(t.size(2)), static_cast<int>(t.size(1)), {p, p + t.numel()}};
}

std::vector<geom::Vec3f> vectors_of(const Tensor& points) {
    const Tensor p = points.contiguous();
    const float* f = p.data_ptr<float>();
    std::vector<geom::Vec3f> out(static_cast<std::size_t>(p.size(0)));
    for (auto& v : out) v = {f[0], f[1], f[2]}, f += 3;
    return out;
}

class OnetParity : public ::testing::TestWithParam<const char*> {
protected:
    void SetUp() override {
        torch::set_num_threads(1);  // as the reference
        name_ = GetParam();
        const auto path = find_fixture("onet", name_ + ".io.npz");
        if (path.empty() || read_weights(name_).arrays.empty())
            GTEST_SKIP() << "no larger fixtures beside the source tree";
        io_ = io::read_npz(path);
        model_ = build(name_);
        encoder_ = std::dynamic_pointer_cast<nn::GlobalEncoder>(model_->module().named_children()["encoder"]);
        decoder_ = std::dynamic_pointer_cast<nn::GlobalDecoder>(model_->module().named_children()["decoder"]);
    }
    Tensor item(const std::string& key) const { return tensor_of(io_, key); }
    bool has(const std::string& key) const { return io_.find(key) != nullptr; }
    Tensor z() const { return has("z") ? item("z") : torch::empty({item("points").size(0), 0}); }
    Tensor c() const { return has("c") ? item("c") : torch::empty({item("points").size(0), 0}); }
    /// Residual networks are held to 1e-3.
    double tolerance() const { return name_ == "onet_img_full" ? 1e-3 : kTolerance; }

    std::string name_;
    io::TensorFile io_;
    std::unique_ptr<Model> model_;
    std::shared_ptr<nn::GlobalEncoder> encoder_;
    std::shared_ptr<nn::GlobalDecoder> decoder_;
};

TEST_P(OnetParity, CodesAgree) {
    const torch::NoGradGuard no_grad;
    if (has("c")) {
        if (auto* resnet = dynamic_cast<nn::ResnetImpl*>(encoder_.get())) {
            nn::ResnetTrace trace;
            expect_agreement(name_, "c", resnet->forward(item("inputs"), &trace), item("c"), tolerance());
            expect_agreement(name_, "features", trace.features, item("features"), tolerance());
            expect_agreement(name_, "layer4", trace.layers[3], item("layer4"), tolerance());
            for (std::size_t l = 0; l < 3; ++l)
                expect_agreement(name_, "layers", trace.layers[l].mean({2, 3}),
                                 item(fmt::format("layer{}_mean_hw", l + 1)), tolerance());
        } else {
            expect_agreement(name_, "c", encoder_->encode(item("inputs")), item("c"), tolerance());
        }
    }
    if (!has("latent_mean")) return;
    const auto latent =
        std::dynamic_pointer_cast<nn::LatentEncoderImpl>(model_->module().named_children()["encoder_latent"]);
    ASSERT_TRUE(latent);
    const Tensor occupancies = item(has("latent_occ") ? "latent_occ" : "occ");
    const nn::LatentDistribution q = latent->forward(item("points"), occupancies, c());
    expect_agreement(name_, "latent", q.mean, item("latent_mean"));
    expect_agreement(name_, "latent", q.logstd, item("latent_logstd"));
    if (has("kl")) expect_agreement(name_, "kl", q.kl(), item("kl"));
}

TEST_P(OnetParity, LogitsAndGradientsAgree) {
    const Tensor points = item("points").requires_grad_(true);
    expect_agreement(name_, "logits", decoder_->decode(points, z(), c()), item("logits"), tolerance());
    for (std::int64_t b = 0; b < points.size(0); ++b) {
        const auto folded = decoder_->fold(z().narrow(0, b, 1), c().narrow(0, b, 1));
        const Tensor p = points.detach().narrow(0, b, 1).requires_grad_(true);
        const Tensor logits = folded(p);
        expect_agreement(name_, "logits (folded)", logits[0], item("logits")[b], tolerance());
        if (!has("dlogits_dpoints")) continue;
        const Tensor gradients = torch::autograd::grad({logits.sum()}, {p})[0][0];
        // A ReLU whose input is zero within rounding may be on in one BLAS and off in another: at most two points.
        const double kinks = 2.0 / static_cast<double>(points.size(1));
        expect_agreement(name_, "dlogits_dpoints", gradients, item("dlogits_dpoints")[b], tolerance(), kinks);
    }
}

/// What a user does: an observation in, a field out.
TEST_P(OnetParity, InferenceAgrees) {
    if (!has("inputs") || model_->generative()) GTEST_SKIP() << "the case's latent code is not the mean";
    const Tensor inputs = item("inputs"), points = item("points");
    for (std::int64_t b = 0; b < inputs.size(0); ++b) {
        const auto field = infer_field(*model_, observation_of(model_->takes(), inputs[b]));
        const auto where = vectors_of(points[b]);
        Tensor logits = torch::empty({points.size(1)});
        field->values(where, {logits.data_ptr<float>(), where.size()});
        expect_agreement(name_, "field", logits, item("logits")[b], tolerance());
        EXPECT_NEAR(field->iso(), -1.3862943611, 1e-6);
        EXPECT_FLOAT_EQ(field->domain().hi.x, 0.55f);
    }
}

INSTANTIATE_TEST_SUITE_P(Onet, OnetParity,
                         ::testing::Values("onet_pointnet_small", "onet_pointnet_full", "onet_simplepointnet_small",
                                           "onet_dec_simple_small", "onet_dec_simple_leaky_small",
                                           "onet_dec_batchnorm_small", "onet_dec_cbatchnorm2_small",
                                           "onet_dec_cbatchnorm_noresnet_small", "onet_dec_cbatchnorm_legacy_small",
                                           "onet_dec_cbatchnorm_leaky_small", "onet_dec_cbatchnorm_z_small",
                                           "onet_uncond_small", "onet_img_full", "onet_simpleconv_small",
                                           "onet_voxel_full", "onet_trained_small"),
                         [](const auto& p) { return std::string(p.param); });

// ---------------------------------------------------------------------------------------------------------- training

class OnetTrainingParity : public ::testing::Test {
protected:
    void SetUp() override {
        torch::set_num_threads(1);
        const auto path = find_fixture("onet", "onet_pointnet_small.train.npz");
        if (path.empty()) GTEST_SKIP();
        file_ = io::read_npz(path);
        model_ = build("onet_pointnet_small");
        model_->module().train();
        batch_["observation"] = tensor_of(file_, "inputs");
        batch_["points"] = tensor_of(file_, "points");
        batch_["occupancies"] = tensor_of(file_, "occ");
    }
    /// Biases in front of a normalisation have gradient 0; what is computed is rounding.
    static bool is_noise(const std::string& key) {
        return key.starts_with("decoder.") &&
               (key == "decoder.fc_p.bias" || key.ends_with("fc_0.bias") || key.ends_with("fc_1.bias"));
    }

    const std::string name_ = "onet_pointnet_small.train";
    io::TensorFile file_;
    std::unique_ptr<Model> model_;
    nn::Batch batch_;
};

TEST_F(OnetTrainingParity, LossGradientsAndStatisticsAgree) {
    double iou = -1;
    const Tensor loss = model_->loss(batch_, [&](std::string_view key, double v) { iou = key == "iou" ? v : iou; });
    EXPECT_GE(iou, 0);
    EXPECT_LE(iou, 1);
    expect_agreement(name_, "loss", loss, tensor_of(file_, "loss"));
    loss.backward();
    std::size_t compared = 0;
    for (const auto& p : model_->module().named_parameters()) {
        ASSERT_TRUE(file_.find("grad/" + p.key())) << p.key();
        ++compared;
        if (is_noise(p.key())) {
            EXPECT_LT(p.value().grad().abs().max().item<double>(), 1e-3) << p.key();
            continue;
        }
        expect_agreement(name_, "gradients", p.value().grad(), tensor_of(file_, "grad/" + p.key()));
    }
    EXPECT_EQ(compared, 97u);
    for (const auto& b : model_->module().named_buffers()) {
        const Tensor theirs = tensor_of(file_, "buffers_after_forward/" + b.key());
        expect_agreement(name_, "buffers", b.value(), theirs);
    }
}

TEST_F(OnetTrainingParity, TenAdamStepsAgree) {
    torch::optim::Adam adam(model_->module().parameters(), torch::optim::AdamOptions(1e-4));
    const Tensor losses = tensor_of(file_, "adam_losses");
    for (std::int64_t step = 0; step < losses.size(0); ++step) {
        adam.zero_grad();
        const Tensor loss = model_->loss(batch_, {});
        expect_agreement(name_, "ten Adam losses", loss, losses[step]);
        loss.backward();
        adam.step();
    }
    const auto checkpoint = find_fixture("onet", "onet_pointnet_small.adam10.pt");
    if (!checkpoint.empty()) {
        const io::TensorFile after = io::read_torch_checkpoint(checkpoint).state_dict();
        for (const auto& p : model_->module().named_parameters()) {
            const Tensor theirs = tensor_of(after, p.key());
            // Adam makes steps of up to lr = 1e-4 of gradients that are rounding noise: whole tensors of those biases,
            // single entries elsewhere.
            const double worst = (p.value() - theirs).abs().max().item<double>();
            EXPECT_LE(worst, is_noise(p.key()) ? 2.1e-3 : 5e-4) << p.key();
            if (!is_noise(p.key())) expect_agreement(name_, "adam10", p.value(), theirs, kTolerance, 0.04);
        }
    }
    // The figures of the official eval_step, whose IoU is a mean over shapes. The biases above, steps of rounding
    // noise, move the means of layers that running statistics follow with a lag: agreement is that of the noise.
    model_->module().eval();
    const torch::NoGradGuard no_grad;
    const Tensor eval = tensor_of(file_, "eval_after_adam10_iou_loss");
    expect_agreement(name_, "eval loss", model_->loss(batch_, {}), eval[1], 5e-3);
    double iou = 0;
    for (std::int64_t b = 0; b < 4; ++b) {
        nn::Batch one;
        for (const auto& [key, tensor] : batch_.tensors) one[key] = tensor.narrow(0, b, 1);
        (void)model_->loss(one, [&](std::string_view key, double v) { iou += key == "iou" ? v / 4 : 0; });
    }
    EXPECT_NEAR(iou, eval[0].item<double>(), 2e-3);
}

// -------------------------------------------------------------------------------------------------------------- mesh

/// The whole chain: network, MISE, Marching Cubes; the mesh is the official generator's.
class OnetMeshParity : public ::testing::TestWithParam<const char*> {};

TEST_P(OnetMeshParity, MeshIsTheOfficialOne) {
    const std::string name = "onet_trained_small";
    const auto path = find_fixture("onet", name + ".mesh_" + GetParam() + ".npz");
    const auto io_path = find_fixture("onet", name + ".io.npz");
    if (path.empty() || io_path.empty()) GTEST_SKIP() << "no larger fixtures beside the source tree";
    torch::set_num_threads(1);
    const auto file = io::read_npz(path);
    const auto model = build(name);
    const Tensor inputs = tensor_of(io::read_npz(io_path), "inputs");
    const auto field = infer_field(*model, observation_of(ObservationKind::points, inputs[0]));

    extract::ExtractOptions options;
    options.resolution_0 = static_cast<int>(file.at("resolution0").to_int64()[0]);
    options.upsampling = static_cast<int>(file.at("upsampling_steps").to_int64()[0]);
    options.refine_steps = 0;
    options.clamp = 0;
    options.normals = false;
    options.domain = geom::Box3d{{-.55, -.55, -.55}, {.55, .55, .55}};
    const auto result = extract::extract_mesh(*field, options);

    const auto counts = file.at("eval_counts").to_int64();
    ASSERT_EQ(result.rounds.size(), counts.size());
    for (std::size_t i = 0; i < counts.size(); ++i)
        EXPECT_EQ(result.rounds[i].points, static_cast<std::size_t>(counts[i])) << "round " << i;
    const auto vertices = file.at("vertices").to_double();
    const auto faces = file.at("faces").to_int64();
    ASSERT_EQ(result.mesh.vertices.size() * 3, vertices.size());
    ASSERT_EQ(result.mesh.faces.size() * 3, faces.size());
    double worst = 0;
    for (std::size_t i = 0; i < vertices.size(); ++i)
        worst = std::max(worst, std::abs(vertices[i] - result.mesh.vertices[i / 3][static_cast<int>(i % 3)]));
    EXPECT_LT(worst, 1e-5);
    onet_table()[name + ".mesh_" + GetParam()]["vertices (absolute)"] = worst;
    std::size_t different = 0;
    for (std::size_t i = 0; i < faces.size(); ++i)
        different += result.mesh.faces[i / 3][i % 3] != static_cast<std::uint32_t>(faces[i]);
    EXPECT_EQ(different, 0u);
}

INSTANTIATE_TEST_SUITE_P(Onet, OnetMeshParity, ::testing::Values("16_1", "32_2"));

}  // namespace
}  // namespace nir::models
