// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/atlasnet/atlasnet.h"

#include "nir/base/error.h"
#include "nir/nn/batch.h"
#include "nir/nn/ops/chamfer.h"
#include "nir/nn/seeded.h"
#include "nir/nn/torch_guard.h"

#include "models/model_parts.h"
#include "models/observation_tensor.h"

namespace nir::models {

using torch::Tensor;

void AtlasnetConfig::describe(ConfigVisitor& v) {
    using enum nn::PatchActivation;
    v.field("c_dim", c_dim, {.min = 1, .max = 65536}, "length of the code of the observation (bottleneck)");
    v.choice("patch", patch, {{"square", PatchTemplate::square}, {"sphere", PatchTemplate::sphere}},
             "what is bent: unit squares or unit spheres");
    v.field("n_patches", n_patches, {.min = 1, .max = 4096}, "patches, each with a network of its own");
    v.field("n_points", n_points, {.min = 4, .max = 1000000, .unit = "points"},
            "points of all patches together; a regular sphere has 2562 whatever this says");
    v.check(patch == PatchTemplate::sphere || n_points >= 4 * n_patches, "n_points",
            "a square patch needs at least 4 points");
    v.check(n_points >= n_patches, "n_points", "every patch needs a point");
    v.field("hidden", hidden, {.min = 1, .max = 65536}, "channels of the patch networks");
    v.field("n_layers", n_layers, {.min = 0, .max = 64}, "hidden layers of the patch networks besides the first two");
    v.choice("activation", activation,
             {{"relu", relu},
              {"sigmoid", sigmoid},
              {"softplus", softplus},
              {"logsigmoid", logsigmoid},
              {"softsign", softsign},
              {"tanh", tanh}},
             "of the patch networks");
    v.field("image_size", image_size, {.min = 0, .max = 8192, .unit = "pixels"},
            "images are resized and cropped to squares of this side; 0 = taken as they are");
    v.table("encoder", encoder, "observation to code");
}

AtlasnetModuleImpl::AtlasnetModuleImpl(const AtlasnetConfig& config) {
    encoder = register_module("encoder", nn::make_global_encoder(config.encoder, {.c_dim = config.c_dim, .z_dim = 0}));
    nn::PatchOptions patch;
    patch.template_dim = template_dim(config.patch);
    patch.c_dim = config.c_dim, patch.hidden = config.hidden, patch.n_layers = config.n_layers;
    patch.activation = config.activation;
    decoder = register_module("decoder", nn::AtlasnetDecoder(patch, config.n_patches));
}

Config Atlasnet::config() const { return named_config(name(), to_config(config_)); }

std::vector<Tensor> Atlasnet::regular_points(const TemplateMesh& patch) const {
    const Tensor rows = torch::tensor(patch.points).view({-1, template_dim(config_.patch)});
    return std::vector<Tensor>(static_cast<std::size_t>(config_.n_patches), rows.t().unsqueeze(0).contiguous());
}

std::vector<Tensor> Atlasnet::random_points() const {
    const std::int64_t n = config_.n_points / config_.n_patches;
    std::vector<Tensor> out;
    for (std::int64_t i = 0; i < config_.n_patches; ++i) {
        if (config_.patch == PatchTemplate::square) {
            out.push_back(torch::rand({1, 2, n}));
        } else {
            const Tensor p = torch::randn({1, 3, n});
            out.push_back(p / p.square().sum(1, true).sqrt());
        }
    }
    return out;
}

at::Tensor Atlasnet::loss(const nn::Batch& batch, const LossLog&) {
    return loss_at(batch, net_->is_training()
                              ? random_points()
                              : regular_points(regular_template(config_.patch, config_.n_points / config_.n_patches)));
}

at::Tensor Atlasnet::loss_at(const nn::Batch& batch, const std::vector<Tensor>& points) {
    const Tensor code = net_->encoder->encode(batch.at("observation"));
    const Tensor bent = net_->decoder(code, points).transpose(2, 3).flatten(1, 2);
    return nn::chamfer_distance(bent, batch.at("surface")).mean();
}

Shape Atlasnet::infer(const Observation& observation) {
    const Tensor input = observation_tensor(observation, takes(), config_.image_size);
    const TemplateMesh patch = regular_template(config_.patch, config_.n_points / config_.n_patches);
    geom::TriMesh mesh;
    nn::torch_guard("bending the patches", [&] {
        const torch::NoGradGuard no_grad;
        const nn::EvalScope eval(*net_);
        const Tensor bent =
            net_->decoder(net_->encoder->encode(input), regular_points(patch)).transpose(2, 3).contiguous();
        const float* p = bent.data_ptr<float>();
        for (std::int64_t i = 0; i < bent.numel() / 3; ++i, p += 3) mesh.vertices.push_back({p[0], p[1], p[2]});
        const auto n = static_cast<std::uint32_t>(bent.size(2));
        for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(config_.n_patches); ++i)
            for (const auto& f : patch.faces) mesh.faces.push_back({f[0] + i * n, f[1] + i * n, f[2] + i * n});
    });
    return mesh;
}

}  // namespace nir::models
