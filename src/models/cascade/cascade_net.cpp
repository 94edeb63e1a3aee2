// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/cascade_net.h"

#include "models/cascade/brick_layers.h"
#include "models/cascade/window_layers.h"

#include <array>

namespace nir::models {

namespace F = torch::nn::functional;

namespace {

torch::nn::Conv3d conv(std::int64_t in, std::int64_t out, std::int64_t kernel) {
    torch::nn::Conv3d c(torch::nn::Conv3dOptions(in, out, kernel).padding(kernel / 2));
    torch::NoGradGuard guard;
    torch::nn::init::kaiming_normal_(c->weight, 0.0, torch::kFanIn, torch::kReLU);
    c->bias.zero_();
    return c;
}

torch::Tensor run_conv(const std::shared_ptr<torch::nn::Module>& m, const torch::Tensor& x) {
    return m->as<torch::nn::Conv3d>()->forward(x);
}

}  // namespace

CascadeUnetImpl::CascadeUnetImpl(std::int64_t in, const std::vector<int>& widths, std::int64_t out)
    : levels_(static_cast<std::int64_t>(widths.size())) {
    register_module("down_a", down_a_);
    register_module("down_b", down_b_);
    register_module("lift", lift_);
    register_module("up", up_);
    std::int64_t before = in;
    for (std::size_t i = 0; i < widths.size(); ++i) {
        down_a_->push_back(conv(before, widths[i], 3));
        if (i > 0) down_b_->push_back(conv(widths[i], widths[i], 3));
        if (i + 1 < widths.size()) {
            lift_->push_back(conv(widths[i + 1], widths[i], 1));
            up_->push_back(conv(widths[i], widths[i], 3));
        }
        before = widths[i];
    }
    last_ = register_module("last", conv(widths[0], out, 1));
    torch::NoGradGuard guard;
    last_->weight.mul_(0.3f);
}

torch::Tensor CascadeUnetImpl::forward(const torch::Tensor& x, const torch::Tensor& mask, const torch::Tensor& fixed) {
    const bool fits = !plain_ && levels_ <= 4 && x.scalar_type() == torch::kFloat32 && x.device().is_cpu();
    const BatchBricksPtr bricks = fits ? batch_bricks(x.sizes(), mask) : BatchBricksPtr();
    if (bricks && bricks->set().size() > 0) return on_bricks(x, bricks, fixed);
    return whole(fixed.defined() ? torch::cat({fixed, x}, 1) : x, mask);
}

torch::Tensor CascadeUnetImpl::on_bricks(const torch::Tensor& volumes, const BatchBricksPtr& bricks,
                                         const torch::Tensor& fixed) {
    const auto n = static_cast<std::size_t>(levels_);
    const auto conv = [&](const std::shared_ptr<torch::nn::Module>& m, const torch::Tensor& x,
                          const torch::Tensor& before = {}) {
        const auto* c = m->as<torch::nn::Conv3d>();
        return brick_conv_relu(x, c->weight, c->bias, bricks, before);
    };
    const auto lifted = [](const torch::nn::Conv3dImpl& c, const torch::Tensor& x) {
        return torch::linear(x, c.weight.flatten(1), c.bias);
    };
    std::vector<torch::Tensor> skips;
    torch::Tensor x = gather_bricks(volumes, bricks);
    for (std::size_t i = 0; i < n; ++i) {
        if (i > 0) x = brick_pool(x);
        x = conv(down_a_[i], x, i == 0 && fixed.defined() ? gather_bricks(fixed, bricks) : torch::Tensor());
        if (i > 0) x = conv(down_b_[i - 1], x);
        if (i + 1 < n) skips.push_back(x);
    }
    for (std::size_t i = n - 1; i-- > 0;)
        x = conv(up_[i], brick_add_nearest(skips[i], lifted(*lift_[i]->as<torch::nn::Conv3d>(), x)));
    return scatter_bricks(lifted(*last_, x), bricks, volumes.sizes());
}

torch::Tensor CascadeUnetImpl::whole(torch::Tensor x, torch::Tensor mask) {
    std::vector<torch::Tensor> skips, masks;
    const auto n = static_cast<std::size_t>(levels_);
    const auto relu = [&](const torch::Tensor& y, std::size_t level) {
        return mask.defined() ? y.relu().mul(masks[level]) : y.relu();
    };
    if (mask.defined()) x = x * mask;
    for (std::size_t i = 0; i < n; ++i) {
        if (mask.defined()) masks.push_back(i == 0 ? mask : torch::max_pool3d(masks.back(), 2));
        if (i > 0) x = torch::avg_pool3d(x, 2);
        x = relu(run_conv(down_a_[i], x), i);
        if (i > 0) x = relu(run_conv(down_b_[i - 1], x), i);
        if (i + 1 < n) skips.push_back(x);
    }
    for (std::size_t i = n - 1; i-- > 0;) {
        x = torch::upsample_nearest3d(run_conv(lift_[i], x), skips[i].sizes().slice(2)).add_(skips[i]);
        if (mask.defined()) x = x * masks[i];
        x = relu(run_conv(up_[i], x), i);
    }
    x = last_->forward(x);
    return mask.defined() ? x * mask : x;
}

CascadeDecoderImpl::CascadeDecoderImpl(std::int64_t in, std::int64_t hidden, std::int64_t blocks) {
    first_ = register_module("first", torch::nn::Linear(in, hidden));
    register_module("fc_0", fc_0_);
    register_module("fc_1", fc_1_);
    for (std::int64_t i = 0; i < blocks; ++i) {
        fc_0_->push_back(torch::nn::Linear(hidden, hidden));
        fc_1_->push_back(torch::nn::Linear(hidden, hidden));
    }
    last_ = register_module("last", torch::nn::Linear(hidden, 1));
}

torch::Tensor CascadeDecoderImpl::forward(torch::Tensor c) {
    torch::Tensor x = first_->forward(c);
    for (std::size_t i = 0; i < fc_0_->size(); ++i) {
        const torch::Tensor h = fc_0_[i]->as<torch::nn::Linear>()->forward(x.relu());
        x = x + fc_1_[i]->as<torch::nn::Linear>()->forward(h.relu());
    }
    return last_->forward(x.relu()).squeeze(-1);
}

CascadeNetImpl::CascadeNetImpl(const CascadeConfig& config) : config_(config) {
    const std::int64_t f = config.features;
    coarse_ = register_module("coarse", CascadeUnet(coarse_inputs(), config.coarse.widths, f));
    fine_ = register_module("fine", CascadeUnet(fine_inputs(config), config.fine.widths, f));
    decoder_ = register_module("decoder", CascadeDecoder(f, config.decoder_hidden, config.decoder_blocks));
}

torch::Tensor CascadeNetImpl::coarse(const torch::Tensor& moments, const torch::Tensor& openness) {
    return coarse_->forward(torch::cat({moments, openness}, 1));
}

torch::Tensor CascadeNetImpl::fine(const torch::Tensor& moments, const torch::Tensor& context,
                                   const torch::Tensor& mask) {
    return fine_->forward(context, mask, moments) + context;
}

torch::Tensor CascadeNetImpl::context(const torch::Tensor& features, const torch::Tensor& parent,
                                      const torch::Tensor& offset) {
    if (!plain_ && features.scalar_type() == torch::kFloat32 && features.device().is_cpu())
        return window_context(features, parent, offset);
    std::vector<torch::Tensor> out;
    const std::int64_t half = features.size(2) / 2;
    for (std::int64_t i = 0; i < parent.size(0); ++i) {
        torch::Tensor p = F::pad(features[parent[i].item<std::int64_t>()].unsqueeze(0),
                                 F::PadFuncOptions({1, 1, 1, 1, 1, 1}).mode(torch::kReplicate));
        for (std::int64_t axis = 0; axis < 3; ++axis)
            p = p.narrow(4 - axis, offset[i][axis].item<std::int64_t>(), half + 2);
        p = upsample_octave(p);
        for (std::int64_t axis = 2; axis < 5; ++axis) p = p.narrow(axis, 2, 2 * half);
        out.push_back(p.squeeze(0));
    }
    return torch::stack(out);
}

torch::Tensor CascadeNetImpl::decode(const torch::Tensor& features, const torch::Tensor& points) {
    const auto size = torch::tensor({features.size(4), features.size(3), features.size(2)}, points.options());
    const torch::Tensor grid = (points / size * 2 - 1).view({points.size(0), 1, 1, points.size(1), 3});
    const torch::Tensor c = F::grid_sample(
        features, grid,
        F::GridSampleFuncOptions().mode(torch::kBilinear).padding_mode(torch::kBorder).align_corners(false));
    return decoder_->forward(c.squeeze(2).squeeze(2).transpose(1, 2));
}

CascadeKernelsPtr kernels_of(const CascadeNet& net) {
    const auto parameters = net->named_parameters();
    return std::make_shared<const CascadeKernels>(net->config(), [&](const std::string& name) {
        const torch::Tensor t = parameters[name].detach().to(torch::kCPU, torch::kFloat32).contiguous();
        return std::vector<float>(t.data_ptr<float>(), t.data_ptr<float>() + t.numel());
    });
}

torch::Tensor upsample_octave(const torch::Tensor& features) {
    return F::interpolate(features, F::InterpolateFuncOptions()
                                        .scale_factor(std::vector<double>{2, 2, 2})
                                        .mode(torch::kTrilinear)
                                        .align_corners(false)
                                        .recompute_scale_factor(false));
}

torch::Tensor active_mask(const torch::Tensor& moments, const torch::Tensor& coarser_logits) {
    const torch::NoGradGuard no_grad;
    const auto dilate = [](torch::Tensor x, std::int64_t reach) {
        for (std::size_t axis = 0; axis < 3; ++axis) {
            std::array<std::int64_t, 3> size{1, 1, 1}, before{0, 0, 0};
            size[axis] = 2 * reach + 1, before[axis] = reach;
            x = torch::max_pool3d(x, size, {1, 1, 1}, before);
        }
        return x;
    };
    const torch::Tensor seen = (moments.narrow(1, 0, 1) > 0).to(torch::kFloat32);
    const torch::Tensor undecided = (coarser_logits.unsqueeze(1).abs() < kUndecided).to(torch::kFloat32);
    const torch::Tensor active =
        torch::maximum(dilate(seen, kPointReach),
                       dilate(torch::upsample_nearest3d(undecided, seen.sizes().slice(2)), kUndecidedReach));
    return torch::upsample_nearest3d(torch::max_pool3d(active, kBrickCells), seen.sizes().slice(2));
}

}  // namespace nir::models
