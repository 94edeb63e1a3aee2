// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace nir {
class ConfigVisitor;
}

namespace nir::nn {

struct LatentEncoderConfig {
    bool leaky = false;

    void describe(ConfigVisitor& v);
};

/// q(z | points, occupancies, c) = N(mean, exp(logstd)) of the generative variant.
struct LatentDistribution {
    torch::Tensor mean, logstd;  ///< [B,z_dim]

    /// mean + exp(logstd) * N(0,1), from torch's default generator; differentiable.
    torch::Tensor sample() const;
    /// KL divergence from N(0,1), summed over z: [B].
    torch::Tensor kl() const;
};

/// PointNet on labelled points. With `leaky`: leaky ReLU (0.2) and means instead of ReLU and maxima, as the papers'
/// code. No activation before the last pooling and the two outputs.
/// State: fc_pos, [fc_c], fc_0 … fc_3, fc_mean, fc_logstd. Ref: onet2019 §3.3; encoder_latent of the papers' code.
class LatentEncoderImpl : public torch::nn::Module {
public:
    LatentEncoderImpl(const LatentEncoderConfig& config, std::int64_t z_dim, std::int64_t c_dim);
    /// @param points [B,T,3], T >= 1  @param occupancies [B,T] in 0..1  @param c [B,c_dim]
    LatentDistribution forward(const torch::Tensor& points, const torch::Tensor& occupancies, const torch::Tensor& c);

private:
    torch::Tensor activate(const torch::Tensor& x) const;
    torch::Tensor pool(const torch::Tensor& x) const;

    LatentEncoderConfig config_;
    torch::nn::Linear fc_pos_{nullptr}, fc_c_{nullptr}, fc_0_{nullptr}, fc_1_{nullptr}, fc_2_{nullptr}, fc_3_{nullptr},
        fc_mean_{nullptr}, fc_logstd_{nullptr};
};
TORCH_MODULE(LatentEncoder);

}  // namespace nir::nn
