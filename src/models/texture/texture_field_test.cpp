// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/texture/texture_field.h"

#include "nir/base/error.h"
#include "nir/models/registry.h"
#include "nir/nn/batch.h"
#include "nir/render/posed_view.h"

#include "render/light_terms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace nir::models {
namespace {

using geom::Vec3f;
using torch::Tensor;

constexpr std::int64_t kPixels = 12;

std::unique_ptr<Model> tiny(bool lit) {
    const std::string text = std::string("[model]\nname = \"texture_field\"\nc_dim = 4\nz_dim = 5\nimage_size = 64\n") +
                             "points = 16\nlights = " + (lit ? "true" : "false") +
                             "\n[model.shape_encoder]\nname = \"pointnet_simple\"\nhidden_dim = 8\n"
                             "[model.image_encoder]\nname = \"simple_conv\"\n[model.decoder]\nhidden = 8\nblocks = 2\n";
    return build_model(Config::parse(text, "tiny.toml"), 3);
}

/// Weights that are zero at the start hide what is behind them.
void stir(Model& model) {
    const torch::NoGradGuard no_grad;
    torch::manual_seed(1);
    for (auto& p : model.module().named_parameters())
        if (p.value().abs().max().item<double>() == 0) p.value().normal_(0, 0.3);
}

/// One object, seen by one photo below one lamp.
nn::Batch batch_of(bool lit) {
    torch::manual_seed(5);
    nn::Batch b;
    b["observation"] = torch::rand({1, 3, 64, 64}), b["shape"] = torch::rand({1, 16, 3}) - 0.5;
    b["origins"] = torch::tensor({0.2f, 0.3f, 2.0f}).expand({1, kPixels, 3}).contiguous();
    b["directions"] = torch::cat({0.2 * (torch::rand({1, kPixels, 2}) - 0.5), -torch::ones({1, kPixels, 1})}, -1);
    b["depth"] = 1.5 + torch::rand({1, kPixels}), b["rgb"] = 0.9 * torch::rand({1, kPixels, 3});
    if (!lit) return b;
    const Tensor n = torch::randn({1, kPixels, 3});
    b["normals"] = n / n.norm(2, -1, true), b["shadow"] = torch::rand({1, kPixels});
    b["lamp"] = torch::tensor({{1.0f, 1.5f, 0.8f}});
    return b;
}

Vec3f row(const Tensor& t, std::int64_t i) {
    const Tensor r = t.view({-1, 3})[i].contiguous();
    return {r[0].item<float>(), r[1].item<float>(), r[2].item<float>()};
}

std::unique_ptr<SurfaceColors> look(Model& model, const nn::Batch& b) {
    geom::RgbImage picture;
    picture.width = picture.height = 64;
    const Tensor image = b.at("observation").contiguous();
    picture.data.assign(image.data_ptr<float>(), image.data_ptr<float>() + image.numel());
    std::vector<Vec3f> points;
    for (std::int64_t i = 0; i < 16; ++i) points.push_back(row(b.at("shape"), i));
    return dynamic_cast<SurfaceColorModel&>(model).look(picture, points);
}

TEST(TextureField, StartsGrey) {
    const auto model = tiny(false);
    const auto colors = look(*model, batch_of(false))->colors(std::vector<Vec3f>{{0, 0, 0}, {0.5f, 0.1f, -0.2f}});
    ASSERT_EQ(colors.size(), 6u);
    // The bias alone is drawn.
    for (std::size_t k = 0; k < 3; ++k) EXPECT_EQ(colors[k], colors[3 + k]);
    EXPECT_NEAR(colors[0], 0.5, 0.1);
}

TEST(TextureField, LossIsThatOfTheColoursThatItGives) {
    for (const bool lit : {false, true}) {
        const auto model = tiny(lit);
        stir(*model);
        const nn::Batch b = batch_of(lit);
        double logged = 0;
        const double loss =
            model->loss(b, [&](std::string_view name, double v) { logged = name == "psnr" ? v : logged; })
                .item<double>();
        const auto colors = look(*model, b);
        std::vector<LitPlace> places;
        std::vector<Vec3f> points;
        for (std::int64_t i = 0; i < kPixels; ++i) {
            const Vec3f o = row(b.at("origins"), i), d = row(b.at("directions"), i);
            const Vec3f p = o + d * b.at("depth")[0][i].item<float>();
            points.push_back(p);
            if (!lit) continue;
            const Vec3f way = row(b.at("lamp"), 0) - p;
            LitPlace place{p, row(b.at("normals"), i), normalized(-d), normalized(way)};
            place.falloff = 4 / dot(way, way), place.visible = b.at("shadow")[0][i].item<float>();
            places.push_back(place);
        }
        std::vector<float> rgb = colors->colors(points);
        if (lit) {
            const std::vector<float> light = colors->lamp_light(places);
            for (std::size_t i = 0; i < rgb.size(); ++i) rgb[i] = render::srgb_from_linear(rgb[i] + light[i]);
        }
        double sum = 0, squares = 0;
        const Tensor truth = b.at("rgb").flatten();
        for (std::size_t i = 0; i < rgb.size(); ++i) {
            const double apart = rgb[i] - truth[static_cast<std::int64_t>(i)].item<float>();
            sum += std::abs(apart), squares += apart * apart;
        }
        const auto n = static_cast<double>(rgb.size());
        EXPECT_NEAR(loss, sum / n, 1e-4) << lit;
        EXPECT_NEAR(logged, -10 * std::log10(squares / n), 1e-2) << lit;
    }
}

TEST(TextureField, GradientsAreThoseOfFiniteDifferences) {
    for (const bool lit : {false, true}) {
        const auto model = tiny(lit);
        stir(*model);
        model->module().to(torch::kFloat32);
        const nn::Batch b = batch_of(lit);
        model->loss(b, {}).backward();
        std::size_t checked = 0;
        for (auto& p : model->module().named_parameters()) {
            if (p.key().rfind("decoder.", 0) != 0) continue;
            Tensor flat = p.value().detach().view({-1});
            const std::int64_t at = flat.numel() / 2;
            const double g = p.value().grad().view({-1})[at].item<double>();
            const float was = flat[at].item<float>();
            const auto loss_at = [&](float v) {
                const torch::NoGradGuard no_grad;
                flat[at] = v;
                return model->loss(b, {}).item<double>();
            };
            const float step = 2e-3f;
            const double difference = (loss_at(was + step) - loss_at(was - step)) / (2 * step);
            flat[at] = was;
            EXPECT_NEAR(g, difference, 2e-3 + 0.05 * std::abs(g)) << p.key();
            ++checked;
        }
        EXPECT_GT(checked, 10u);
    }
}

TEST(TextureField, LampsAddUpAndShadowsLeaveTheIndirectPart) {
    const auto model = tiny(true);
    stir(*model);
    const auto colors = look(*model, batch_of(true));
    LitPlace p{{0.1f, 0.2f, 0.3f}, {0, 1, 0}, normalized(Vec3f{1, 1, 0}), normalized(Vec3f{0, 1, 1})};
    const auto full = colors->lamp_light(std::span(&p, 1));
    p.visible = 0;
    const auto dark = colors->lamp_light(std::span(&p, 1));
    p.visible = 0.25f;
    const auto quarter = colors->lamp_light(std::span(&p, 1));
    p.visible = 1, p.falloff = 3;
    const auto near = colors->lamp_light(std::span(&p, 1));
    for (std::size_t k = 0; k < 3; ++k) {
        EXPECT_GT(dark[k], 0);
        EXPECT_GT(full[k], dark[k]);
        EXPECT_NEAR(quarter[k], dark[k] + 0.25f * (full[k] - dark[k]), 1e-5);
        EXPECT_NEAR(near[k], 3 * full[k], 1e-4);
    }
}

TEST(TextureField, MistakesAreOneSentence) {
    const auto message = [](const auto& f) -> std::string {
        try {
            f();
        } catch (const Error& e) {
            return e.what();
        }
        return "no error";
    };
    const auto model = tiny(false), lit = tiny(true);
    EXPECT_THAT(message([&] { model->infer(geom::RgbImage{}); }), ::testing::HasSubstr("nir texture"));
    nn::Batch b = batch_of(false);
    EXPECT_THAT(message([&] { lit->loss(b, {}); }), ::testing::HasSubstr("surface = true"));
    b.tensors.erase("shape");
    EXPECT_THAT(message([&] { model->loss(b, {}); }), ::testing::HasSubstr("points"));
    const LitPlace p{};
    EXPECT_THAT(message([&] { look(*model, batch_of(false))->lamp_light(std::span(&p, 1)); }),
                ::testing::HasSubstr("lamps"));
    EXPECT_THAT(message([&] {
                    build_model(Config::parse("[model]\nname = \"texture_field\"\n[model.shape_encoder]\n"
                                              "name = \"resnet18\"\n",
                                              "x.toml"),
                                0);
                }),
                ::testing::HasSubstr("takes no points"));
}

}  // namespace
}  // namespace nir::models
