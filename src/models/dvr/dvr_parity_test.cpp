// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Differentiable volumetric rendering against the papers' code (the larger fixtures beside the source tree), and
// against closed forms.
#include "models/dvr/dvr_loss.h"
#include "models/dvr/dvr_march.h"
#include "support/parity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace nir::models {
namespace {

using torch::Tensor;

struct Case {
    std::string name;
    io::TensorFile file;
    DvrDecoder decoder{nullptr};

    Tensor operator[](const std::string& key) const { return nn::tensor_from(file.at(key)); }
    DvrCameras cameras() const { return {(*this)["camera_mat"], (*this)["world_mat"], (*this)["scale_mat"]}; }
    Tensor code() const { return file.find("c") ? (*this)["c"] : torch::zeros({2, 0}); }
    DvrField field(const Tensor& c) {
        return [this, c](const Tensor& p, const Tensor& picture) {
            return decoder->at_points(p, picture, c).select(-1, 0);
        };
    }
};

/// Empty without the larger fixtures.
Case read_case(const std::string& name, const DvrDecoderConfig& config) {
    Case c;
    const auto path = test::find_fixture("dvr", name + ".io.npz");
    const auto weights = test::find_fixture("dvr", name + ".weights.npz");
    if (path.empty() || weights.empty()) return c;
    c.name = name;
    c.file = io::read_npz(path);
    c.decoder = DvrDecoder(config);
    io::TensorFile state;
    for (const auto& a : io::read_npz(weights).arrays)
        if (a.name.starts_with("decoder.")) {
            state.arrays.push_back(a);
            state.arrays.back().name = a.name.substr(8);
        }
    nn::load_state(*c.decoder, state, name);
    return c;
}

/// Depths of rays: equal but for a few that graze.
void expect_depths(const std::string& name, const std::string& item, const Tensor& ours, const Tensor& theirs) {
    ASSERT_EQ(ours.sizes(), theirs.sizes());
    const Tensor same_side = (torch::isfinite(ours) == torch::isfinite(theirs)) & ((ours == 0) == (theirs == 0));
    const Tensor both = torch::isfinite(ours) & torch::isfinite(theirs);
    const Tensor error =
        torch::where(both, (ours - theirs).abs() / theirs.abs().clamp_min(1e-6), torch::zeros_like(ours));
    const auto grazing = ours.numel() - (same_side & (error < 1e-5)).sum().item<std::int64_t>();
    EXPECT_LE(grazing, ours.numel() / 100) << name << " " << item;
    test::record_parity(name, item + " rays that graze", static_cast<double>(grazing));
    test::record_parity(name, item, std::get<0>(error.flatten().sort()).index({-1 - grazing}).item<double>());
}

constexpr DvrDecoderConfig kMulti{.c_dim = 0, .hidden = 48};
constexpr DvrDecoderConfig kSingle{.c_dim = 32, .hidden = 48};
constexpr DvrDecoderConfig kDepthOnly{.c_dim = 0, .hidden = 32, .blocks = 3, .out_dim = 1, .leaky = true};
constexpr DvrDecoderConfig kFull{};

class DvrParity : public ::testing::TestWithParam<std::pair<const char*, DvrDecoderConfig>> {};

TEST_P(DvrParity, DecoderRaysAndSurfaceAgree) {
    torch::set_num_threads(1);
    Case c = read_case(GetParam().first, GetParam().second);
    if (!c.decoder) GTEST_SKIP() << "no larger fixtures beside the source tree";
    const Tensor code = c.code();
    const DvrRays rays = rays_through(c.cameras(), c["pixels"]);
    test::expect_parity(c.name, "ray origins", rays.origins, c["ray0"], 1e-5);
    test::expect_parity(c.name, "ray directions", rays.directions, c["ray_direction"], 1e-5);
    {
        const torch::NoGradGuard no_grad;
        DvrMarch march;
        expect_depths(c.name, "depth, 128 samples", first_surface(c.field(code), rays, march), c["m128_d"]);
        expect_depths(c.name, "depth, kernel", first_surface(c.decoder, code, rays, march), c["m128_d"]);
        if (!c.file.find("cube_d")) return;
        const CubeHits cube = intersect_cube(rays);
        EXPECT_TRUE(torch::equal(cube.hit, c["cube_mask"].to(torch::kBool)));
        const Tensor hit = cube.hit.unsqueeze(-1);
        test::expect_parity(c.name, "cube", cube.depths * hit, c["cube_d"] * hit, 1e-5);
        march.steps = scheduled_steps(1000);
        expect_depths(c.name, "depth, 16 samples", first_surface(c.field(code), rays, march), c["m16_d"]);
        march.steps = 128, march.bisection = true;
        expect_depths(c.name, "depth, bisection", first_surface(c.field(code), rays, march), c["bisect128_d"]);
        const Tensor out = c.decoder(c["points"], code);
        test::expect_parity(c.name, "logits", out.select(-1, 0), c["logits"], 2e-5);
        test::expect_parity(c.name, "rgb", out.narrow(-1, 1, 3).sigmoid(), c["rgb"], 1e-5);
    }
    const DvrHits hits = surface_hits(c.field(code), rays, first_surface(c.field(code), rays, {}), SlopeRule::positive);
    EXPECT_TRUE(torch::equal(hits.seen, c["m128_mask_pred"].to(torch::kBool)));
    EXPECT_TRUE(torch::equal(hits.inside, c["m128_mask_zero_occupied"].to(torch::kBool)));
    const Tensor seen = hits.seen.unsqueeze(-1);
    test::expect_parity(c.name, "points", hits.points * seen, c["m128_p_world"] * seen);
}

TEST_P(DvrParity, ImplicitGradientAgrees) {
    torch::set_num_threads(1);
    Case c = read_case(GetParam().first, GetParam().second);
    if (!c.decoder || !c.file.find("depth_loss")) GTEST_SKIP() << "no such arrays in larger fixtures";
    const Tensor mask = c["depth_loss_mask"].to(torch::kBool), target = c["depth_target"];
    const auto gradients = [&](int which) {
        Case copy = read_case(GetParam().first, GetParam().second);
        test::round_differently(*copy.decoder, which);
        const Tensor code = copy.code().clone().requires_grad_(true);
        const DvrRays rays = rays_through(copy.cameras(), copy["pixels"]);
        const DvrHits hits =
            surface_hits(copy.field(code), rays, first_surface(copy.field(code), rays, {}), SlopeRule::positive);
        const Tensor depth = camera_depth(copy.cameras(), hits.points);
        const Tensor loss = (depth - target).abs().masked_select(mask).sum() / static_cast<double>(target.size(0));
        if (which == 0) test::expect_parity(c.name, "depth loss", loss, c["depth_loss"], 1e-4);
        loss.backward();
        test::NamedTensors out;
        for (const auto& [key, value] : test::gradients_of(*copy.decoder)) out["decoder." + key] = value;
        if (code.size(1) > 0) out["code"] = code.grad();
        return out;
    };
    test::NamedTensors theirs;
    for (const auto& a : c.file.arrays)
        if (a.name.starts_with("depth_grad/")) theirs[a.name.substr(11)] = nn::tensor_from(a);
    if (c.file.find("depth_grad_c")) theirs["code"] = c["depth_grad_c"];
    ASSERT_GT(theirs.size(), 10u);
    test::expect_parity_up_to_kinks(c.name, "implicit gradients", theirs, gradients);
}

INSTANTIATE_TEST_SUITE_P(Cases, DvrParity,
                         ::testing::Values(std::pair{"dvr_mv_small", kMulti}, std::pair{"dvr_sv_small", kSingle},
                                           std::pair{"dvr_mv_depthonly_small", kDepthOnly},
                                           std::pair{"dvr_sv_full", kFull}),
                         [](const auto& p) { return std::string(p.param.first); });

TEST(DvrTraining, LossesAndGradientsOfAStepAgree) {
    torch::set_num_threads(1);
    Case c = read_case("dvr_mv_small", kMulti);
    if (!c.decoder) GTEST_SKIP() << "no larger fixtures beside the source tree";
    DvrWeights w;
    w.image_gradient = 1, w.depth = 1, w.normal = 0.1, w.depth_on_points = true, w.patch = 2;
    DvrMarch march;
    march.steps = scheduled_steps(c["tr_it"].item<std::int64_t>());
    const auto step = [&](DvrDecoder decoder, torch::ScalarType type) {
        const auto at = [&](const char* key) { return c[key].to(type); };
        const Tensor code = c.code().to(type), pixels = at("tr_pixels");
        const DvrRays rays = rays_through(c.cameras(), pixels);
        const DvrField field = [&](const Tensor& p, const Tensor& picture) {
            return decoder->at_points(p, picture, code).select(-1, 0);
        };
        const auto shown = [&](const char* key) { return look_up(at(key).unsqueeze(1), pixels).squeeze(-1); };
        return dvr_loss(decoder, code, rays, first_surface(field, rays, march),
                        {at("tr_p_freespace"), at("tr_p_occupancy"), at("tr_normal_noise")},
                        {look_up(at("gt_img"), pixels), shown("gt_mask") > 0.5, shown("gt_depth")}, SlopeRule::positive,
                        w);
    };
    const DvrLoss loss = step(c.decoder, torch::kFloat32);
    const auto expect = [&](const char* name, double ours, const char* theirs, double tolerance = 1e-4) {
        const double value = c[theirs].item<double>();
        EXPECT_NEAR(ours, value, tolerance * std::abs(value) + 1e-6) << name;
        test::record_parity(c.name, std::string("loss ") + name, std::abs(ours - value) / std::abs(value));
    };
    expect("rgb", loss.rgb, "tr_loss_rgb");
    expect("image gradient", loss.image_gradient, "tr_loss_image_gradient");
    expect("depth", loss.depth, "tr_loss_depth");
    // Differences of logits over 1e-3, in float32: which processor multiplied the matrices shows (4e-5, 6e-4).
    expect("normal", loss.normal, "tr_normal_loss", 3e-3);
    expect("freespace", loss.freespace, "tr_loss_freespace");
    expect("occupancy", loss.occupancy, "tr_loss_occupied");
    expect("total", loss.total.item<double>(), "tr_loss");
    test::NamedTensors theirs;
    for (const auto& a : c.file.arrays)
        if (a.name.starts_with("tr_grad/decoder.")) theirs[a.name.substr(16)] = nn::tensor_from(a);
    // The normals are differences over 1e-3 and their loss a difference of these: how far float32 lies from float64 is
    // how far theirs may.
    test::expect_parity_within_rounding(
        c.name, "gradients of a step", theirs,
        [&](int which) {
            Case copy = read_case("dvr_mv_small", kMulti);
            test::round_differently(*copy.decoder, which);
            const auto type = which == 0 ? torch::kFloat64 : torch::kFloat32;
            copy.decoder->to(type);
            step(copy.decoder, type).total.backward();
            test::NamedTensors gradients = test::gradients_of(*copy.decoder);
            for (auto& [key, value] : gradients) value = value.to(torch::kFloat64);
            return gradients;
        },
        8, 0.05, 0.02);
}

/// A ball of radius 0.3 around 0, seen from z = -2.
DvrRays rays_at_ball(const Tensor& aims) {
    DvrRays rays;
    rays.origins = torch::tensor({0.0f, 0.0f, -2.0f}).view({1, 1, 3}).expand({1, aims.size(0), 3}).contiguous();
    rays.directions = torch::cat({aims, torch::ones({aims.size(0), 1})}, 1).unsqueeze(0);
    return rays;
}

TEST(DvrSurface, BallIsHitWhereItIs) {
    const DvrField ball = [](const Tensor& p, const Tensor&) { return 10 * (0.3 - p.norm(2, -1)); };
    const DvrRays rays = rays_at_ball(torch::tensor({{0.0f, 0.0f}, {0.05f, 0.08f}, {0.3f, 0.0f}}));
    for (const bool bisection : {false, true}) {
        DvrMarch march;
        march.bisection = bisection;
        const Tensor d = first_surface(ball, rays, march)[0];
        for (std::int64_t i = 0; i < 2; ++i) {
            const Tensor w = rays.directions[0][i];
            const double a = w.dot(w).item<double>(), b = -2.0 * w[2].item<double>(), q = 4 - 0.09;
            const double hit = (-b - std::sqrt(b * b - a * q)) / a;
            EXPECT_NEAR(d[i].item<double>(), hit, bisection ? 1e-4 : 1e-6);
        }
        EXPECT_TRUE(std::isinf(d[2].item<float>()));
    }
    DvrRays inside = rays_at_ball(torch::zeros({1, 2}));
    inside.origins.zero_();
    DvrMarch plain;
    plain.use_cube = false;
    EXPECT_EQ(first_surface(ball, inside, plain).item<float>(), 0);
}

TEST(DvrSurface, GradientIsThatOfTheDepth) {
    // f = a - |p - b e_x|: finite differences of the depth with respect to a and b.
    const auto depth_of = [](double a, double b) {
        const DvrField f = [&](const Tensor& p, const Tensor&) {
            return 10 * (a - (p - torch::tensor({b, 0.0, 0.0})).norm(2, -1));
        };
        DvrRays rays = rays_at_ball(torch::tensor({{0.05f, 0.08f}}));
        rays.origins = rays.origins.to(torch::kFloat64), rays.directions = rays.directions.to(torch::kFloat64);
        DvrMarch march;
        march.refinements = 40;
        return first_surface(f, rays, march).item<double>();
    };
    torch::Tensor a = torch::tensor(0.3, torch::requires_grad()), b = torch::tensor(0.02, torch::requires_grad());
    const DvrField f = [&](const Tensor& p, const Tensor&) {
        const Tensor x = torch::stack({b, torch::zeros({}), torch::zeros({})});
        return 10 * (a - (p - x).norm(2, -1));
    };
    const DvrRays rays = rays_at_ball(torch::tensor({{0.05f, 0.08f}}));
    const DvrHits hits = surface_hits(f, rays, first_surface(f, rays, {}), SlopeRule::keep_sign);
    hits.depth.sum().backward();
    constexpr double h = 1e-5;
    EXPECT_NEAR(a.grad().item<double>(), (depth_of(0.3 + h, 0.02) - depth_of(0.3 - h, 0.02)) / (2 * h), 1e-3);
    EXPECT_NEAR(b.grad().item<double>(), (depth_of(0.3, 0.02 + h) - depth_of(0.3, 0.02 - h)) / (2 * h), 1e-3);
}

}  // namespace
}  // namespace nir::models
