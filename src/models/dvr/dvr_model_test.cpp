// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Differentiable volumetric rendering as a model: kernels beside torch, learning from silhouettes and colours.
#include "models/dvr/dvr_model.h"

#include "nir/base/parallel.h"
#include "nir/models/registry.h"
#include "nir/nn/adam.h"
#include "nir/nn/batch.h"

#include "models/dvr/dvr_march.h"
#include "support/parity.h"

#include <gtest/gtest.h>

#include <cmath>

namespace nir::models {
namespace {

using torch::Tensor;

/// A decoder whose residual branches count (as drawn, their last layers are zero).
DvrDecoder drawn(const DvrDecoderConfig& config, int seed) {
    torch::manual_seed(static_cast<std::uint64_t>(seed));
    DvrDecoder d(config);
    const torch::NoGradGuard no_grad;
    for (auto& p : d->parameters()) p.normal_(0, 0.3);
    return d;
}

/// Rays of `views` cameras around 0 at distance 2 to random places of the cube.
DvrRays rays_around(std::int64_t views, std::int64_t n, Tensor* places = nullptr) {
    DvrRays rays;
    const Tensor t = torch::arange(views) * (2 * M_PI / static_cast<double>(views));
    const Tensor eye = torch::stack({2 * t.cos(), 0.7 * (3 * t).sin(), 2 * t.sin()}, -1).to(torch::kFloat32);
    const Tensor at = torch::rand({views, n, 3}) - 0.5;
    rays.origins = eye.unsqueeze(1).expand({views, n, 3}).contiguous();
    rays.directions = (at - rays.origins) / 2;
    if (places) *places = at;
    return rays;
}

TEST(DvrDecoder, GradientsOfTheLogitAreAutogradsAndDifferentiateAlike) {
    for (const bool leaky : {false, true})
        for (const int c_dim : {0, 5}) {
            DvrDecoder decoder = drawn({.c_dim = c_dim, .hidden = 16, .blocks = 2, .leaky = leaky}, 3 + c_dim);
            decoder->to(torch::kFloat64);
            const auto options = torch::dtype(torch::kFloat64);
            const Tensor code = torch::randn({3, c_dim}, options), picture = torch::arange(60).div(20, "floor");
            const Tensor p = (torch::rand({60, 3}, options) - 0.5).requires_grad_(true);
            const Tensor f = decoder->at_points(p, picture, code).select(-1, 0);
            const Tensor theirs = torch::autograd::grad({f.sum()}, {p}, {}, true, /*create_graph=*/true)[0];
            const Tensor ours = decoder->logit_gradients(p.detach(), picture, code);
            EXPECT_LT((ours - theirs).abs().max().item<double>(), 1e-12 * theirs.abs().max().item<double>());
            const Tensor w = torch::randn({60, 3}, options);
            const auto weights = decoder->parameters();
            const auto a = torch::autograd::grad({(ours.sin() * w).sum()}, weights, {}, true, false, true);
            const auto b = torch::autograd::grad({(theirs.sin() * w).sum()}, weights, {}, true, false, true);
            int checked = 0;
            for (std::size_t i = 0; i < weights.size(); ++i) {
                const Tensor zero = torch::zeros_like(weights[i]);
                const Tensor x = a[i].defined() ? a[i] : zero, y = b[i].defined() ? b[i] : zero;
                EXPECT_LE((x - y).abs().max().item<double>(), 1e-12 * (1 + y.abs().max().item<double>())) << i;
                checked += y.abs().max().item<double>() > 1e-3;
            }
            EXPECT_EQ(checked, 2 + 2 * 2);  // the first and last weights and two of each block
        }
}

TEST(DvrMarching, KernelFindsWhatTorchFinds) {
    for (const bool leaky : {false, true})
        for (const int c_dim : {0, 7}) {
            DvrDecoder decoder = drawn({.c_dim = c_dim, .hidden = 24, .blocks = 3, .leaky = leaky}, 5 + c_dim);
            const Tensor code = torch::randn({2, c_dim});
            const DvrField field = [&](const Tensor& p, const Tensor& picture) {
                return decoder->at_points(p, picture, code).select(-1, 0);
            };
            const DvrRays rays = rays_around(2, 700);
            {
                const torch::NoGradGuard no_grad;
                const Tensor p = torch::rand({2, 50, 3}) - 0.5;
                const Tensor a = decoder(p, code).view({100, -1});
                const Tensor b = decoder->at_points(p.view({100, 3}), torch::arange(100).div(50, "floor"), code);
                EXPECT_LT((a - b).abs().max().item<double>(), 1e-4 * a.abs().max().item<double>());
            }
            for (const bool bisection : {false, true}) {
                DvrMarch march;
                march.steps = 33, march.bisection = bisection;
                // A level that part of the rays meets.
                const torch::NoGradGuard no_grad;
                march.level = field(0.5 * rays.directions.flatten(0, 1), torch::arange(1400).div(700, "floor"))
                                  .median()
                                  .item<float>();
                const Tensor a = first_surface(field, rays, march), b = first_surface(decoder, code, rays, march);
                const Tensor same = (torch::isfinite(a) == torch::isfinite(b)) & ((a == 0) == (b == 0));
                EXPECT_GT(same.sum().item<std::int64_t>(), 1400 - 6);
                const Tensor both = torch::isfinite(a) & torch::isfinite(b) & (a > 0) & (b > 0);
                EXPECT_GT(both.sum().item<std::int64_t>(), 20);
                const Tensor apart = (a - b).abs().masked_select(both);
                EXPECT_LT(std::get<0>(apart.sort())[-4].item<double>(), 1e-3);
                EXPECT_LT(apart.median().item<double>(), 1e-5);
            }
        }
}

TEST(DvrMarching, FewSamplesFindTheSameSurface) {
    const torch::NoGradGuard no_grad;
    for (const double slope : {3.0, 30.0}) {  // a wrinkled ball
        DvrDecoder decoder = drawn({.c_dim = 0, .hidden = 32, .blocks = 2}, 3);
        for (auto& p : decoder->parameters()) p *= 0.3;
        const auto noise = decoder->named_parameters();
        DvrDecoder ball(DvrDecoderConfig{.c_dim = 0, .hidden = 32, .blocks = 2});
        ball->start_as_ball(0.3, slope);
        for (auto& p : ball->named_parameters()) p.value() += 0.3 * noise[p.key()];
        const DvrRays rays = rays_around(3, 1000);
        DvrMarch march;
        march.steps = 64;
        const Tensor a = first_surface(ball, torch::empty({3, 0}), rays, march);
        march.stride = 4;
        const Tensor b = first_surface(ball, torch::empty({3, 0}), rays, march);
        EXPECT_GT(torch::isfinite(a).sum().item<std::int64_t>(), 300);
        EXPECT_GT((torch::isfinite(a) == torch::isfinite(b)).sum().item<std::int64_t>(), 3000 - 6);
        const Tensor both = torch::isfinite(a) & torch::isfinite(b);
        EXPECT_GT(((a - b).abs().masked_select(both) < 1e-6).to(torch::kFloat64).mean().item<double>(), 0.998);
    }
}

TEST(DvrMarching, SameBitsWithAnyNumberOfThreads) {
    DvrDecoder decoder = drawn({.c_dim = 0, .hidden = 32, .blocks = 2}, 1);
    const DvrRays rays = rays_around(1, 1000);
    const int before = threads();
    set_threads(1);
    const Tensor one = first_surface(decoder, {}, rays, {});
    set_threads(3);
    const Tensor three = first_surface(decoder, {}, rays, {});
    set_threads(before);
    EXPECT_TRUE(torch::equal(one, three));
}

TEST(DvrMarching, RaysFromInsideAndRaysThatMiss) {
    DvrDecoder ball(DvrDecoderConfig{.c_dim = 0, .hidden = 512, .blocks = 1});
    torch::manual_seed(2);
    ball->start_as_ball(0.3, 10);
    DvrRays rays;
    rays.origins = torch::tensor({0.0f, 0.0f, -2.0f, 0.0f, 0.0f, -2.0f, 0.0f, 0.0f, 0.1f}).view({1, 3, 3});
    rays.directions = torch::tensor({0.0f, 0.0f, 1.0f, 0.24f, 0.0f, 1.0f, 0.0f, 0.0f, 1.0f}).view({1, 3, 3});
    DvrMarch march;
    march.use_cube = false;
    const Tensor d = first_surface(ball, {}, rays, march)[0];
    EXPECT_NEAR(d[0].item<double>(), 1.7, 0.05);
    EXPECT_TRUE(std::isinf(d[1].item<double>()));
    EXPECT_EQ(d[2].item<double>(), 0);
}

TEST(DvrModel, OfOneObjectTakesNothingAndHasAField) {
    ModelConfig config = parse_model_config(Config::parse("[model]\nname = \"dvr\"\n[model.decoder]\nhidden = 64\n"));
    const auto model = build_model(config, 3);
    EXPECT_EQ(model->takes(), ObservationKind::none);
    const auto field = infer_field(*model, {});
    std::vector<geom::Vec3f> p{{0, 0, 0}, {0.5f, 0, 0}, {0, 0.1f, 0}};
    std::vector<float> v(3);
    field->values(p, v);
    EXPECT_GT(v[0], 0);  // the ball to start with
    EXPECT_LT(v[1], 0);
    std::vector<geom::Vec3f> g(3);
    field->gradients(p, g);
    std::vector<geom::Vec3f> near{{0, 0.1005f, 0}, {0, 0.0995f, 0}};
    std::vector<float> w(2);
    field->values(near, w);
    EXPECT_NEAR(g[2].y, (w[0] - w[1]) / 0.001f, 0.02f * std::abs(g[2].y) + 0.02f);
}

TEST(DvrLosses, SparseDepthIsTheDepthOfRaysThatHit) {
    DvrDecoder decoder(DvrDecoderConfig{.c_dim = 0, .hidden = 32, .blocks = 2});
    torch::manual_seed(7);
    decoder->start_as_ball(0.3, 10);
    const Tensor code = torch::zeros({2, 0});
    const DvrRays rays = rays_around(2, 60);
    const Tensor first = first_surface(decoder, code, rays, {});
    const Tensor hits = torch::isfinite(first) & (first > 0);
    ASSERT_GT(hits.sum().item<int>(), 20);
    ASSERT_LT(hits.sum().item<int>(), 110);
    Tensor depth = first + 0.1 * (torch::rand({2, 60}) - 0.5);
    depth[0][3] = INFINITY;  // no point there
    const Tensor none = torch::zeros({2, 60, 3});
    const auto loss_of = [&](bool sparse, test::NamedTensors* gradients) {
        DvrWeights w;
        w.rgb = w.normal = w.freespace = w.occupancy = 0;
        (sparse ? w.sparse_depth : w.depth) = 3;
        decoder->zero_grad();
        const DvrLoss loss = dvr_loss(decoder, code, rays, first, {none, none, {}},
                                      {none, torch::full({2, 60}, true, torch::kBool), depth}, SlopeRule::keep_sign, w,
                                      sparse ? std::optional(DvrSparse{rays, first, depth}) : std::nullopt);
        loss.total.backward();
        *gradients = test::gradients_of(*decoder);
        return loss;
    };
    test::NamedTensors a, b;
    const DvrLoss dense = loss_of(false, &a), sparse = loss_of(true, &b);
    EXPECT_GT(sparse.sparse_depth, 0.1);
    EXPECT_EQ(sparse.depth, 0);
    EXPECT_NEAR(sparse.sparse_depth, dense.depth, 1e-6);
    const Tensor apart = torch::where(hits & torch::isfinite(depth), (first - depth).abs(), torch::zeros_like(first));
    EXPECT_NEAR(sparse.sparse_depth, 3.0 / 2 * apart.sum().item<double>(), 1e-5);
    for (const auto& [key, value] : a)
        EXPECT_LE((value - b.at(key)).abs().max().item<double>(), 1e-6 * (1 + value.abs().max().item<double>())) << key;
}

/// A ball with centre (0.08, 0, 0) and radius 0.3: red where x > 0.08, blue elsewhere.
nn::Batch ball_batch(std::int64_t views, std::int64_t n) {
    nn::Batch batch;
    Tensor at;
    const DvrRays rays = rays_around(views, n, &at);
    const Tensor center = torch::tensor({0.08f, 0.0f, 0.0f});
    const Tensor o = rays.origins - center, w = rays.directions;
    const Tensor a = (w * w).sum(-1), b = (o * w).sum(-1), c = (o * o).sum(-1) - 0.09;
    const Tensor under = b * b - a * c, object = under > 0;
    const Tensor d = (-b - under.clamp_min(0).sqrt()) / a, hit = rays.origins + w * d.unsqueeze(-1);
    const Tensor red = (hit.select(-1, 0) > 0.08).to(torch::kFloat32);
    batch["origins"] = rays.origins, batch["directions"] = rays.directions;
    batch["rgb"] = torch::stack({0.2 + 0.6 * red, torch::full_like(red, 0.2), 0.8 - 0.6 * red}, -1);
    batch["object"] = object.to(torch::kFloat32);
    const Tensor mid = (-b / a).unsqueeze(-1);  // the place nearest to the middle, give or take
    batch["freespace"] = at, batch["occupied"] = rays.origins + w * (mid + 0.1 * (torch::rand_like(mid) - 0.5));
    return batch;
}

TEST(DvrModel, LearnsShapeAndColourFromPictures) {
    ModelConfig config = parse_model_config(
        Config::parse("[model]\nname = \"dvr\"\nstart_radius = 0.15\n[model.decoder]\nhidden = 64\nblocks = 2\n"));
    const auto model = build_model(config, 3);
    nn::Adam adam(model->module().parameters());
    double iou = 0, psnr = 0, first_iou = -1;
    const LossLog log = [&](std::string_view name, double v) {
        if (name == "mask_iou") iou = v;
        if (name == "psnr") psnr = v;
    };
    torch::manual_seed(11);
    for (int step = 0; step < 300; ++step) {
        const Tensor loss = model->loss(ball_batch(4, 128), log);
        if (first_iou < 0) first_iou = iou;
        adam.zero_grad();
        loss.backward();
        adam.step(2e-3 * std::min(1.0, (300 - step) / 150.0), 1);
    }
    const torch::NoGradGuard no_grad;
    model->module().eval();
    model->loss(ball_batch(8, 512), log);
    EXPECT_LT(first_iou, 0.5);
    EXPECT_GT(iou, 0.9);
    EXPECT_GT(psnr, 15);
    // The shape itself, which no picture shows as a whole.
    const auto field = infer_field(*model, {});
    const Tensor p = torch::rand({20000, 3}) - 0.5;
    std::vector<geom::Vec3f> points(20000);
    std::memcpy(static_cast<void*>(points.data()), p.data_ptr<float>(), sizeof(float) * 60000);
    std::vector<float> v(20000);
    field->values(points, v);
    double both = 0, either = 0;
    for (std::size_t i = 0; i < v.size(); ++i) {
        const geom::Vec3f q = points[i] - geom::Vec3f{0.08f, 0, 0};
        const bool truly = dot(q, q)<0.09f, ours = v[i]> 0;
        both += truly && ours, either += truly || ours;
    }
    EXPECT_GT(both / either, 0.82);  // 0.85 to 0.88 with other seeds
}

TEST(DvrModel, SilhouettesAloneMakeAShape) {
    ModelConfig config = parse_model_config(Config::parse(
        "[model]\nname = \"dvr\"\nstart_radius = 0\nrgb_weight = 0\nnormal_weight = 0\n[model.decoder]\nhidden = 64\n"
        "blocks = 2\n"));
    const auto model = build_model(config, 4);
    nn::Adam adam(model->module().parameters());
    double iou = 0;
    const LossLog log = [&](std::string_view name, double v) {
        if (name == "mask_iou") iou = v;
    };
    torch::manual_seed(12);
    for (int step = 0; step < 250; ++step) {
        adam.zero_grad();
        model->loss(ball_batch(8, 96), log).backward();
        adam.step(2e-3, 1);
    }
    const torch::NoGradGuard no_grad;
    model->loss(ball_batch(8, 512), log);
    EXPECT_GT(iou, 0.85);
}

}  // namespace
}  // namespace nir::models
