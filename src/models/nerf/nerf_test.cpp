// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Parity with the PyTorch code of NeRF that is most in use: tests/golden/nerf (make.py computes the files anew).
#include "nir/models/nerf.h"

#include "nir/base/error.h"
#include "nir/geom/camera.h"
#include "nir/io/npy.h"
#include "nir/io/torch_checkpoint.h"
#include "nir/nn/checkpoint.h"
#include "nir/nn/tensor_io.h"

#include "models/nerf/nerf_rays.h"
#include "support/error_of.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

namespace nir::models {
namespace {

namespace fs = std::filesystem;
using torch::Tensor;

const fs::path kFolder = fs::path(NIR_SOURCE_DIR) / "tests/golden/nerf";
constexpr int kCoarse = 16, kFine = 24;

/// Largest difference relative to the largest value.
double difference(const Tensor& ours, const Tensor& theirs) {
    EXPECT_EQ(ours.sizes(), theirs.sizes());
    return (ours - theirs).abs().max().item<double>() / std::max(1e-12, theirs.abs().max().item<double>());
}

struct Reference {
    io::TensorFile file = io::read_npz(kFolder / "nerf_small.npz");
    NerfNet coarse{nullptr}, fine{nullptr};

    Reference() {
        const auto checkpoint = io::read_torch_checkpoint(kFolder / "nerf_small.tar");
        NerfConfig c;
        c.width = 24;
        coarse = NerfNet(c), fine = NerfNet(c);
        nn::load_state(*coarse, checkpoint.below("network_fn_state_dict"), "coarse");
        nn::load_state(*fine, checkpoint.below("network_fine_state_dict"), "fine");
    }
    Tensor operator[](const std::string& name) const { return nn::tensor_from(file.at(name)); }

    NerfRendering render(const NerfSampling& sampling, const NerfDraws& draws = {}) const {
        const Tensor d = (*this)["directions"];
        return render_rays(coarse, fine, (*this)["origins"], d, d / d.norm(2, -1, true), sampling, draws);
    }
};

TEST(Nerf, PublishedSizes) {
    NerfNet net{NerfConfig{}};
    std::int64_t n = 0;
    for (const auto& p : net->parameters()) n += p.numel();
    EXPECT_EQ(n, 595844);
    const Tensor e = positional_encoding(torch::tensor({{0.1f, 0.2f, -0.4f}}), 2);
    ASSERT_EQ(e.size(1), 15);
    EXPECT_FLOAT_EQ(e[0][5].item<float>(), std::sin(-0.4f));
    EXPECT_FLOAT_EQ(e[0][9].item<float>(), std::sin(0.2f));
    EXPECT_FLOAT_EQ(e[0][14].item<float>(), std::cos(-0.8f));
}

TEST(Nerf, RendersWhatTheReferenceRenders) {
    const Reference ref;
    const NerfSampling cases[] = {
        {.near = 2, .far = 6, .coarse = kCoarse, .fine = kFine, .linear_in_disparity = false, .white_background = true},
        {.near = 2,
         .far = 6,
         .coarse = kCoarse,
         .fine = kFine,
         .linear_in_disparity = false,
         .white_background = false},
        {.near = 1,
         .far = 9,
         .coarse = kCoarse,
         .fine = kFine,
         .linear_in_disparity = true,
         .white_background = false}};
    const std::string names[] = {"white.", "black.", "disparity."};
    const torch::NoGradGuard no_grad;
    for (int i = 0; i < 3; ++i) {
        const NerfRendering r = ref.render(cases[i]);
        EXPECT_LT(difference(r.fine.rgb, ref[names[i] + "rgb_map"]), 2e-5) << names[i];
        EXPECT_LT(difference(r.fine.opacity, ref[names[i] + "acc_map"]), 2e-5) << names[i];
        EXPECT_LT(difference(r.fine.disparity(), ref[names[i] + "disp_map"]), 2e-5) << names[i];
        EXPECT_LT(difference(r.coarse.rgb, ref[names[i] + "rgb0"]), 2e-5) << names[i];
        EXPECT_LT(difference(r.coarse.opacity, ref[names[i] + "acc0"]), 2e-5) << names[i];
        EXPECT_LT(difference(r.spread, ref[names[i] + "z_std"]), 1e-4) << names[i];
        EXPECT_LT(difference(r.raw, ref[names[i] + "raw"]), 1e-4) << names[i];
    }
}

TEST(Nerf, TrainingStepHasTheReferencesLossAndGradients) {
    const Reference ref;
    const NerfSampling sampling{.near = 2, .far = 6, .coarse = kCoarse, .fine = kFine};
    const NerfRendering r = ref.render(sampling, {.coarse_u = ref["train.u_coarse"],
                                                  .fine_u = ref["train.u_fine"],
                                                  .coarse_noise = ref["train.noise_coarse"],
                                                  .fine_noise = ref["train.noise_fine"]});
    EXPECT_LT(difference(r.fine.rgb, ref["train.rgb_map"]), 2e-5);
    EXPECT_LT(difference(r.coarse.rgb, ref["train.rgb0"]), 2e-5);
    const Tensor target = ref["target"];
    const Tensor loss = (r.fine.rgb - target).square().mean() + (r.coarse.rgb - target).square().mean();
    EXPECT_LT(difference(loss, ref["train.loss"]), 1e-5);
    loss.backward();
    int compared = 0;
    for (const auto& [net, name] : {std::pair{ref.coarse, "coarse"}, std::pair{ref.fine, "fine"}})
        for (const auto& p : net->named_parameters()) {
            const Tensor theirs = ref["grad." + std::string(name) + "." + p.key()];
            EXPECT_LT(difference(p.value().grad(), theirs), 2e-3) << name << " " << p.key();
            ++compared;
        }
    EXPECT_EQ(compared, 2 * 24);
}

TEST(Nerf, NdcRaysAreThoseOfTheReference) {
    const Reference ref;
    geom::Camera camera;
    camera.width = 40, camera.height = 30, camera.fx = camera.fy = 33, camera.cx = 20, camera.cy = 15;
    const Tensor o = ref["origins"], d = ref["directions"], want_o = ref["ndc.origins"], want_d = ref["ndc.directions"];
    const auto row = [](const Tensor& t, std::int64_t i) {
        return geom::Vec3d{t[i][0].item<double>(), t[i][1].item<double>(), t[i][2].item<double>()};
    };
    for (std::int64_t i = 0; i < o.size(0); ++i) {
        const auto ray = geom::ndc_ray(camera, row(o, i), row(d, i), 1.0);
        EXPECT_LT(norm(ray.origin - row(want_o, i)), 1e-4 * (1 + norm(row(want_o, i))));
        EXPECT_LT(norm(ray.direction - row(want_d, i)), 1e-4 * (1 + norm(row(want_d, i))));
    }
}

TEST(Nerf, ConstantDensityGivesTheTransmittanceOfASlab) {
    // Density 0.7 between 2 and 6 along rays of length 2: exp(-0.7 * 2 * 4) is left before the last sample.
    const std::int64_t n = 65;
    const Tensor depths = torch::linspace(2, 6, n).unsqueeze(0);
    Tensor raw = torch::zeros({1, n, 4});
    raw.index_put_({0, torch::indexing::Slice(torch::indexing::None, n - 1), 3}, 0.7);
    const NerfMaps maps = composite(raw, depths, torch::tensor({{0.0f, 2.0f, 0.0f}}), true, {});
    const double left = std::exp(-0.7 * 2 * 4);
    EXPECT_NEAR(maps.opacity[0].item<double>(), 1 - left, 1e-6);
    EXPECT_NEAR(maps.rgb[0][1].item<double>(), 0.5 * (1 - left) + left, 1e-6);
}

TEST(Nerf, DepthsFollowTheWeights) {
    // Weight on one bin of four: nearly all samples there, evenly.
    const Tensor bins = torch::tensor({{0.0f, 1.0f, 2.0f, 3.0f, 4.0f}}),
                 weights = torch::tensor({{0.0f, 0.0f, 1.0f, 0.0f}});
    const Tensor z = sample_depths(bins, weights, torch::linspace(0.01, 0.99, 50).unsqueeze(0));
    for (std::int64_t i = 0; i < 50; ++i)
        EXPECT_NEAR(z[0][i].item<double>(), 2.01 + 0.02 * static_cast<double>(i), 1e-3);
}

TEST(Nerf, LoadsACheckpointAndRenders) {
    const Nerf nerf = Nerf::load(kFolder / "nerf_small.tar");
    EXPECT_TRUE(nerf.has_fine());
    const Reference ref;
    const Tensor o = ref["origins"].contiguous(), d = ref["directions"].contiguous();
    const auto vectors = [](const Tensor& t) {
        std::vector<geom::Vec3f> v;
        for (std::int64_t i = 0; i < t.size(0); ++i)
            v.push_back({t[i][0].item<float>(), t[i][1].item<float>(), t[i][2].item<float>()});
        return v;
    };
    const auto origins = vectors(o), directions = vectors(d);
    NerfSampling sampling{.near = 2, .far = 6, .coarse = kCoarse, .fine = kFine};
    const NerfPixels p = nerf.render({origins, directions, {}}, sampling);
    ASSERT_EQ(p.rgb.size(), 3 * origins.size());
    EXPECT_LT(difference(torch::tensor(p.rgb).view({-1, 3}), ref["white.rgb_map"]), 2e-5);
    EXPECT_EQ(p.depth.size(), origins.size());
    sampling.far = 1;
    const std::string error = test::error_of([&] { (void)nerf.render({origins, directions, {}}, sampling); }).what();
    EXPECT_NE(error.find("near must be below far"), std::string::npos) << error;
    const fs::path bad = fs::temp_directory_path() / "nir_no_nerf.tar";
    std::ofstream(bad) << "no checkpoint";
    EXPECT_THROW((void)Nerf::load(bad), Error);
    EXPECT_THROW((void)Nerf::load(fs::path(NIR_SOURCE_DIR) / "tests/golden/torch" / "missing.pt"), Error);
    fs::remove(bad);
}

}  // namespace
}  // namespace nir::models
