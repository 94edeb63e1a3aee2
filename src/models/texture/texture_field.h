// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/models/model.h"
#include "nir/models/surface_colors.h"
#include "nir/nn/registry.h"

#include "models/texture/texture_decoder.h"

namespace nir::models {

struct TextureFieldConfig {
    std::int64_t c_dim = 512, z_dim = 512;  ///< codes of shape and picture
    std::int64_t image_size = 128;
    std::int64_t points = 2048;
    AnyConfig shape_encoder{nn::global_encoder_alternatives(), "pointnet_resnet"};
    AnyConfig image_encoder{nn::global_encoder_alternatives(), "resnet18"};
    TextureDecoderConfig decoder{};
    bool lights = false;
    double lamp_distance = 2;

    void describe(ConfigVisitor& v);
};

class TextureModuleImpl : public torch::nn::Module {
public:
    explicit TextureModuleImpl(const TextureFieldConfig& config);
    /// @param picture [B,3,H,W], shape [B,N,3]  @return [B,c+z]
    torch::Tensor code(const torch::Tensor& picture, const torch::Tensor& shape);

    TextureDecoder decoder{nullptr};
    std::shared_ptr<nn::GlobalEncoder> shape_encoder, image_encoder;
};
TORCH_MODULE(TextureModule);

/// The colours of a given surface, predicted of one picture: a field t(p; s, z) with a code s of the surface (points)
/// and a code z of the picture. With lights also of the directions to eye and lamp:
///
///     f = a(p) + colour falloff ( visible max(n.l, 0) direct(p, v, l) + indirect(p, v, l) )
///
/// Loss: mean absolute difference of the sRGB-encoded colours of pixels of the surface. Frame: cube of side 1 around 0.
/// Batches: "observation", "shape", "origins", "directions", "depth", "rgb", and with lights "normals", "shadow",
/// "lamp" (data "pictures" with `surface`). Deviations: points without normals for the code of the surface; pixels of
/// the object alone; explicit cosine, angles instead of raw directions, traced shadows (as render/light_field.h). Ref:
/// oechsle2019, oechsle2020.
class TextureField final : public Model, public SurfaceColorModel {
public:
    explicit TextureField(const TextureFieldConfig& config);

    std::string_view name() const override { return "texture_field"; }
    Config config() const override;
    ObservationKind takes() const override { return ObservationKind::image; }
    /// Logs "psnr" of the pixels.
    at::Tensor loss(const nn::Batch& batch, const LossLog& log) override;
    /// @throws Error{usage}: it makes colours, no shape.
    Shape infer(const Observation& observation) override;
    torch::nn::Module& module() override { return *net_; }

    bool lit() const override { return config_.lights; }
    double lamp_distance() const override { return config_.lamp_distance; }
    std::size_t wanted_points() const override { return static_cast<std::size_t>(config_.points); }
    std::unique_ptr<SurfaceColors> look(const geom::RgbImage& picture, std::span<const geom::Vec3f> points) override;

private:
    TextureFieldConfig config_;
    TextureModule net_;
};

}  // namespace nir::models
