// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/texture/texture_field.h"

#include "nir/base/error.h"
#include "nir/nn/batch.h"
#include "nir/nn/seeded.h"
#include "nir/nn/torch_guard.h"

#include "models/model_parts.h"
#include "models/observation_tensor.h"
#include "render/light_terms.h"

#include <cmath>

namespace nir::models {

using torch::Tensor;
namespace F = torch::nn::functional;

namespace {

constexpr std::size_t kMostPoints = 1 << 14;  ///< asked at once

/// The sRGB curve; it goes on above 1.
Tensor encoded(const Tensor& x) {
    return torch::where(x > 0.0031308, 1.055 * x.clamp_min(0.0031308).pow(1 / 2.4) - 0.055, 12.92 * x);
}

Tensor ambient_light(const Tensor& raw) { return F::softplus(raw + static_cast<double>(render::kAmbientShift)); }

/// What a lamp of colour 1 adds. @param shade [B,N] visible share times cosine; falloff [B,N]; raw [B,N,6]
Tensor light_of_lamp(const Tensor& shade, const Tensor& falloff, const Tensor& raw) {
    const Tensor direct = F::softplus(raw.narrow(-1, 0, 3) + static_cast<double>(render::kDirectShift));
    const Tensor indirect = F::softplus(raw.narrow(-1, 3, 3) + static_cast<double>(render::kIndirectShift));
    return falloff.unsqueeze(-1) * (shade.unsqueeze(-1) * direct + indirect);
}

/// [N,16] of unit vectors [N,3].
Tensor angles_of(const Tensor& normals, const Tensor& to_eye, const Tensor& to_lamp) {
    const Tensor n = normals.contiguous(), v = to_eye.contiguous(), l = to_lamp.contiguous();
    Tensor out = torch::empty({n.size(0), TextureDecoderImpl::kAngles});
    const auto at = [](const Tensor& t, std::int64_t i) {
        const float* p = t.data_ptr<float>() + 3 * i;
        return geom::Vec3f{p[0], p[1], p[2]};
    };
    for (std::int64_t i = 0; i < n.size(0); ++i)
        render::angle_features(at(n, i), at(v, i), at(l, i), out.data_ptr<float>() + i * TextureDecoderImpl::kAngles);
    return out;
}

Tensor unit(const Tensor& v) { return v / v.norm(2, -1, true).clamp_min(1e-12); }

const Tensor& wanted(const nn::Batch& batch, const char* name, const char* option) {
    const auto it = batch.tensors.find(name);
    if (it == batch.tensors.end())
        fail(ErrorKind::config, "a texture field needs {} in [data], of a set that holds what it asks for", option);
    return it->second;
}

Tensor points_tensor(std::span<const geom::Vec3f> points) {
    static_assert(sizeof(geom::Vec3f) == 3 * sizeof(float));
    return torch::from_blob(const_cast<geom::Vec3f*>(points.data()), {1, static_cast<std::int64_t>(points.size()), 3})
        .clone();
}

/// Keeps the network alive; training steps taken meanwhile may change it.
class Colors final : public SurfaceColors {
public:
    Colors(TextureModule net, Tensor code, bool lit) : net_(std::move(net)), code_(std::move(code)), lit_(lit) {}

    std::vector<float> colors(std::span<const geom::Vec3f> points) const override {
        std::vector<float> out(3 * points.size());
        in_parts(points.size(), out, [&](std::size_t first, std::size_t n) {
            const Tensor raw =
                net_->decoder->colors(net_->decoder->features(points_tensor(points.subspan(first, n)), code_));
            return lit_ ? ambient_light(raw) : raw.sigmoid();
        });
        return out;
    }

    std::vector<float> lamp_light(std::span<const LitPlace> places) const override {
        if (!lit_) fail(ErrorKind::usage, "this model knows no lamps");
        std::vector<float> out(3 * places.size());
        in_parts(places.size(), out, [&](std::size_t first, std::size_t n) {
            const auto rows = static_cast<std::int64_t>(n);
            std::vector<geom::Vec3f> positions;
            Tensor angles = torch::empty({1, rows, TextureDecoderImpl::kAngles}), shade = torch::empty({1, rows}),
                   falloff = torch::empty({1, rows});
            for (std::int64_t i = 0; i < rows; ++i) {
                const LitPlace& p = places[first + static_cast<std::size_t>(i)];
                positions.push_back(p.position);
                render::angle_features(p.normal, p.to_eye, p.to_lamp,
                                       angles.data_ptr<float>() + i * TextureDecoderImpl::kAngles);
                shade.data_ptr<float>()[i] = p.visible * std::max(dot(p.normal, p.to_lamp), 0.0f);
                falloff.data_ptr<float>()[i] = p.falloff;
            }
            const Tensor features = net_->decoder->features(points_tensor(positions), code_);
            return light_of_lamp(shade, falloff, net_->decoder->lamp(features, angles));
        });
        return out;
    }

private:
    template <class F>
    void in_parts(std::size_t n, std::vector<float>& out, const F& values) const {
        nn::torch_guard("asking for colours", [&] {
            const torch::NoGradGuard no_grad;
            for (std::size_t first = 0; first < n; first += kMostPoints) {
                const Tensor v = values(first, std::min(kMostPoints, n - first)).contiguous();
                std::copy_n(v.data_ptr<float>(), v.numel(), out.begin() + static_cast<std::ptrdiff_t>(3 * first));
            }
        });
    }

    mutable TextureModule net_;
    Tensor code_;
    bool lit_;
};

}  // namespace

void TextureFieldConfig::describe(ConfigVisitor& v) {
    v.field("c_dim", c_dim, {.min = 1, .max = 65536}, "length of the code of the surface");
    v.field("z_dim", z_dim, {.min = 1, .max = 65536}, "length of the code of the picture");
    v.field("image_size", image_size, {.min = 0, .max = 8192, .unit = "pixels"},
            "pictures are resized and cropped to squares of this side; 0 = taken as they are");
    v.field("points", points, {.min = 1, .max = 1e6, .unit = "points"}, "of a surface that it is shown in use");
    v.table("shape_encoder", shape_encoder, "points of the surface to a code");
    v.table("image_encoder", image_encoder, "picture to a code");
    v.table("decoder", decoder, "point and codes to colour");
    v.field("lights", lights, "colours depend on eye and lamp: a surface light field");
    v.field("lamp_distance", lamp_distance, {.above = 0}, "of the training's lamps from the middle");
}

TextureModuleImpl::TextureModuleImpl(const TextureFieldConfig& c) {
    shape_encoder =
        register_module("shape_encoder", nn::make_global_encoder(c.shape_encoder, {.c_dim = c.c_dim, .z_dim = 0}));
    image_encoder =
        register_module("image_encoder", nn::make_global_encoder(c.image_encoder, {.c_dim = c.z_dim, .z_dim = 0}));
    if (shape_encoder->takes() != ObservationKind::points)
        fail(ErrorKind::config, "model.shape_encoder \"{}\" takes no points", c.shape_encoder.name());
    if (image_encoder->takes() != ObservationKind::image)
        fail(ErrorKind::config, "model.image_encoder \"{}\" takes no picture", c.image_encoder.name());
    decoder = register_module("decoder", TextureDecoder(c.decoder, c.c_dim + c.z_dim, c.lights));
}

Tensor TextureModuleImpl::code(const Tensor& picture, const Tensor& shape) {
    return torch::cat({shape_encoder->encode(shape), image_encoder->encode(picture)}, -1);
}

TextureField::TextureField(const TextureFieldConfig& config) : config_(config), net_(config) {}

Config TextureField::config() const { return named_config(name(), to_config(config_)); }

at::Tensor TextureField::loss(const nn::Batch& batch, const LossLog& log) {
    const Tensor depth = wanted(batch, "depth", "surface = true"), truth = batch.at("rgb");
    const Tensor p = batch.at("origins") + batch.at("directions") * depth.unsqueeze(-1);
    const Tensor code = net_->code(batch.at("observation"), wanted(batch, "shape", "points"));
    const Tensor features = net_->decoder->features(p, code);
    Tensor rgb = net_->decoder->colors(features);
    if (config_.lights) {
        const Tensor normals = wanted(batch, "normals", "surface = true"),
                     way = wanted(batch, "lamp", "photos below lamps (nir prepare --lit)").unsqueeze(1) - p;
        const Tensor distance = way.norm(2, -1), to_lamp = unit(way), to_eye = unit(-batch.at("directions"));
        const Tensor angles = angles_of(normals.reshape({-1, 3}), to_eye.reshape({-1, 3}), to_lamp.reshape({-1, 3}))
                                  .view({p.size(0), p.size(1), TextureDecoderImpl::kAngles});
        const Tensor shade = batch.at("shadow") * (normals * to_lamp).sum(-1).clamp_min(0);
        const Tensor falloff = (config_.lamp_distance / distance).square();
        rgb = encoded(ambient_light(rgb) + light_of_lamp(shade, falloff, net_->decoder->lamp(features, angles)));
    } else {
        rgb = rgb.sigmoid();
    }
    // What is brighter than white counts as white where the photo is white.
    const Tensor white = (truth > 0.997) & (rgb > truth);
    const Tensor apart = torch::where(white, torch::zeros_like(truth), rgb - truth);
    if (log) log("psnr", -10 * std::log10(std::max(apart.detach().square().mean().item<double>(), 1e-12)));
    return apart.abs().mean();
}

Shape TextureField::infer(const Observation&) {
    fail(ErrorKind::usage,
         "a texture field colours surfaces and makes none: nir texture MESH --photo PICTURE --model "
         "FILE");
}

std::unique_ptr<SurfaceColors> TextureField::look(const geom::RgbImage& picture, std::span<const geom::Vec3f> points) {
    if (points.empty()) fail(ErrorKind::input, "the surface has no points");
    const Tensor image = observation_tensor(picture, ObservationKind::image, config_.image_size);
    Tensor code;
    nn::torch_guard("encoding the picture", [&] {
        const torch::NoGradGuard no_grad;
        const nn::EvalScope eval(*net_);
        code = net_->code(image, points_tensor(points));
    });
    return std::make_unique<Colors>(net_, code, config_.lights);
}

}  // namespace nir::models
