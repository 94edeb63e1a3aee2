// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/decoders/psgn.h"

#include "nir/base/error.h"

namespace nir::nn {

using torch::Tensor;

PsgnSimpleImpl::PsgnSimpleImpl(std::int64_t c_dim, std::int64_t n_points) : n_points_(n_points) {
    if (c_dim < 1 || n_points < 1) fail(ErrorKind::config, "decoder simple: c_dim and n_points must be at least 1");
    constexpr std::int64_t kHidden = 512;
    fc_0_ = register_module("fc_0", torch::nn::Linear(c_dim, kHidden));
    fc_1_ = register_module("fc_1", torch::nn::Linear(kHidden, kHidden));
    fc_2_ = register_module("fc_2", torch::nn::Linear(kHidden, kHidden));
    fc_out_ = register_module("fc_out", torch::nn::Linear(kHidden, 3 * n_points));
}

Tensor PsgnSimpleImpl::forward(const Tensor& code) {
    Tensor net = fc_0_(code);
    net = fc_1_(torch::relu(net));
    net = fc_2_(torch::relu(net));
    return fc_out_(torch::relu(net)).view({-1, n_points_, 3});
}

PsgnTwoBranchImpl::PsgnTwoBranchImpl(std::int64_t c_dim, std::int64_t n_points) : n_points_(n_points) {
    if (c_dim < 32 || c_dim % 32 != 0)
        fail(ErrorKind::config, "decoder psgn_2branch: c_dim must be a multiple of 32, not {}", c_dim);
    if (n_points <= kConvPoints)
        fail(ErrorKind::config, "decoder psgn_2branch: n_points must be more than {}, not {}", kConvPoints, n_points);
    fc_branch_ = register_module(
        "fc_branch",
        torch::nn::Sequential(torch::nn::Linear(12 * c_dim, 3 * (n_points - kConvPoints)), torch::nn::ReLU()));
    const std::array<std::int64_t, 5> width{c_dim, c_dim / 2, c_dim / 4, c_dim / 8, 3};
    for (std::size_t k = 0; k < deconvs_.size(); ++k)
        deconvs_[k] = register_module(
            fmt::format("deconv_{}", k + 1),
            torch::nn::ConvTranspose2d(
                torch::nn::ConvTranspose2dOptions(width[k], width[k + 1], 5).stride(2).padding(2).output_padding(1)));
    for (std::size_t k = 0; k < convs_.size(); ++k) {
        const auto same = torch::nn::Conv2dOptions(width[k + 1], width[k + 1], 3).padding(1);
        convs_[k] = register_module(fmt::format("conv_{}", k + 1),
                                    torch::nn::Sequential(torch::nn::Conv2d(same), torch::nn::ReLU()));
    }
    conv_4_ = register_module("conv_4", torch::nn::Conv2d(torch::nn::Conv2dOptions(width[3], 3, 3).padding(1)));
}

Tensor PsgnTwoBranchImpl::forward(const PsgnFeatures& features) {
    const std::int64_t batch = features.code.size(0);
    const Tensor fc = fc_branch_->forward(features.code.flatten(1)).view({batch, -1, 3});
    Tensor x = features.code;
    for (std::size_t k = 0; k < convs_.size(); ++k)
        x = convs_[k]->forward(torch::relu(deconvs_[k](x) + features.maps[2 - k]));
    const Tensor conv = conv_4_(x).contiguous().view({batch, -1, 3});
    const Tensor points = torch::cat({fc, conv}, 1);
    NIR_CHECK(points.size(1) == n_points_);
    return points;
}

}  // namespace nir::nn
