// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/cascade_net.h"

#include "nir/base/error.h"
#include "nir/kernels/splat.h"

namespace nir::models {

namespace F = torch::nn::functional;

void CascadeUnetConfig::describe(ConfigVisitor& v) {
    v.field("widths", widths, {.min = 1, .max = 4096, .min_count = 1, .max_count = 6},
            "channels of each level of the U-Net, finest first");
}

void CascadeConfig::describe(ConfigVisitor& v) {
    v.field("coarse_cells", coarse_cells, {.min = 16, .max = 128}, "cells along each side of the coarse grid");
    v.field("coarse_margin", coarse_margin, {.min = 0, .max = 16}, "empty cells kept around the object");
    v.field("max_octaves", max_octaves, {.min = 0, .max = 8}, "how often the cells may be halved");
    v.field("max_spacing_cells", max_spacing_cells, {.min = 0.1, .max = 8},
            "an octave is added while the point spacing stays below this many of its cells");
    v.field("max_noise_cells", max_noise_cells, {.min = 0.01, .max = 8},
            "an octave is added while sqrt(noise x spacing) of the points stays below this many of its cells");
    v.field("features", features, {.min = 1, .max = 256}, "channels handed from octave to octave and to the decoder");
    v.field("decoder_hidden", decoder_hidden, {.min = 1, .max = 1024}, "width of the decoder");
    v.field("decoder_blocks", decoder_blocks, {.min = 0, .max = 16}, "ResNet blocks of the decoder");
    v.check(coarse_cells % 8 == 0, "coarse_cells", "must be a multiple of 8");
    v.check(coarse_cells > 2 * coarse_margin, "coarse_margin", "leaves no cells for the object; make it smaller");
    v.table("coarse", coarse, "U-Net of the coarse grid");
    v.table("fine", fine, "U-Net of every finer octave");
}

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

torch::Tensor CascadeUnetImpl::forward(torch::Tensor x, torch::Tensor mask) {
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

std::vector<CascadeUnetImpl::Reach> CascadeUnetImpl::reaches() const {
    const auto n = static_cast<std::size_t>(levels_);
    const auto cell = [](std::size_t level) { return std::int64_t{1} << level; };
    std::vector<Reach> r(n);
    // Upwards from the wanted cells to the coarsest level, then down its inputs.
    for (std::size_t i = 0; i + 1 < n; ++i) {
        r[i].skip = r[i].up + cell(i);
        r[i + 1].up = (r[i].skip + cell(i + 1) - 1) / cell(i + 1) * cell(i + 1);
    }
    std::int64_t pooled = r[n - 1].up;
    for (std::size_t i = n; i-- > 0;) {
        r[i].down = std::max(pooled, r[i].skip);
        r[i].down_a = r[i].down + (i > 0 ? cell(i) : 0);
        pooled = r[i].down_a + cell(i);
    }
    return r;
}

namespace {

/// Bricks within a reach of the wanted ones.
std::int64_t rows_within(std::span<const std::int64_t> within, std::int64_t reach) {
    if (within.size() == 1) return within[0];
    const auto rings = static_cast<std::size_t>((reach + kBrickCells - 1) / kBrickCells);
    NIR_CHECK(rings < within.size());
    return within[rings];
}

torch::Tensor volumes(std::int64_t rows, std::int64_t channels, std::int64_t side) {
    return torch::empty({rows, channels, side, side, side}, torch::kFloat32);
}

}  // namespace

/// The convolution of the finest level; keeps what the way up needs of it and returns the next level's input.
torch::Tensor CascadeUnetImpl::top_level(const BrickSet& bricks, std::span<const std::int64_t> within,
                                         const Inputs& inputs, torch::Tensor& skip) {
    const Reach reach = reaches()[0];
    const std::int64_t rows = rows_within(within, reach.down), kept = rows_within(within, reach.skip);
    const auto* conv = down_a_[0]->as<torch::nn::Conv3d>();
    torch::Tensor pooled;
    const std::int64_t in = conv->weight.size(1), side = kBrickCells + 2;
    NIR_CHECK(rows <= bricks.size());
    for_each_part(rows, in * side * side * side, [&](std::int64_t first, std::int64_t count) {
        const torch::Tensor y = convolve(inputs(first, count), conv->weight, conv->bias).relu_();
        if (!skip.defined()) skip = volumes(kept, y.size(1), y.size(2));
        const std::int64_t keep = std::min(count, kept - first);
        if (keep > 0) skip.narrow(0, first, keep).copy_(y.narrow(0, 0, keep));
        if (levels_ == 1) return;
        if (!pooled.defined()) pooled = volumes(rows, y.size(1), y.size(2) / 2);
        pooled.narrow(0, first, count).copy_(torch::avg_pool3d(y, 2));
    });
    return pooled;
}

void CascadeUnetImpl::forward_on_bricks(const BrickSet& bricks, std::span<const std::int64_t> within,
                                        const Inputs& inputs, const Outputs& outputs) {
    const torch::InferenceMode guard;
    if (within[0] == 0) return;
    const auto n = static_cast<std::size_t>(levels_);
    const std::vector<Reach> reach = reaches();
    const auto conv3 = [&](const std::shared_ptr<torch::nn::Module>& m, const torch::Tensor& x, std::int64_t r) {
        const auto* c = m->as<torch::nn::Conv3d>();
        return conv3_relu_on_bricks(bricks, x, rows_within(within, r), c->weight, c->bias);
    };
    std::vector<torch::Tensor> skips(n);
    torch::Tensor x = top_level(bricks, within, inputs, skips[0]);
    for (std::size_t i = 1; i < n; ++i) {
        x = conv3(down_a_[i], x, reach[i].down_a);
        x = conv3(down_b_[i - 1], x, reach[i].down);
        if (i + 1 == n) break;
        skips[i] = x.narrow(0, 0, rows_within(within, reach[i].skip)).contiguous();
        x = torch::avg_pool3d(x, 2);
    }
    const auto finish = [&](std::int64_t first, const torch::Tensor& y) {
        outputs(first, convolve(y, last_->weight, last_->bias));
    };
    if (n == 1) return finish(0, skips[0]);
    for (std::size_t i = n - 1; i-- > 0;) {
        torch::Tensor& sum = skips[i];
        const auto* lift = lift_[i]->as<torch::nn::Conv3d>();
        for_each_part(sum.size(0), sum[0].numel(), [&](std::int64_t first, std::int64_t count) {
            const torch::Tensor lifted = torch::conv3d(x.narrow(0, first, count), lift->weight, lift->bias);
            sum.narrow(0, first, count).add_(torch::upsample_nearest3d(lifted, sum.sizes().slice(2)));
        });
        if (i > 0) {
            x = conv3(up_[i], sum, reach[i].up);
        } else {
            const auto* up = up_[0]->as<torch::nn::Conv3d>();
            for_each_part(within[0], sum[0].numel() * 2, [&](std::int64_t first, std::int64_t count) {
                finish(first, convolve(gather_with_halo(bricks, sum, first, count), up->weight, up->bias).relu_());
            });
        }
        sum.reset();
    }
}

torch::Tensor CascadeUnetImpl::forward_on_bricks(const BrickSet& bricks, const torch::Tensor& x) {
    NIR_CHECK(x.size(0) == bricks.size());
    const std::int64_t all = bricks.size();
    torch::Tensor out;
    forward_on_bricks(
        bricks, std::span(&all, 1),
        [&](std::int64_t first, std::int64_t count) { return gather_with_halo(bricks, x, first, count); },
        [&](std::int64_t first, const torch::Tensor& y) {
            if (!out.defined()) out = volumes(all, y.size(1), y.size(2));
            out.narrow(0, first, y.size(0)).copy_(y);
        });
    return out;
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
    coarse_ = register_module(
        "coarse", CascadeUnet(kernels::kSplatChannels + kernels::kOpennessChannels, config.coarse.widths, f));
    fine_ = register_module("fine", CascadeUnet(kernels::kSplatChannels + f, config.fine.widths, f));
    decoder_ = register_module("decoder", CascadeDecoder(f, config.decoder_hidden, config.decoder_blocks));
}

torch::Tensor CascadeNetImpl::coarse(const torch::Tensor& moments, const torch::Tensor& openness) {
    return coarse_->forward(torch::cat({moments, openness}, 1));
}

torch::Tensor CascadeNetImpl::fine(const torch::Tensor& moments, const torch::Tensor& context,
                                   const torch::Tensor& mask) {
    return fine_->forward(torch::cat({moments, context}, 1), mask) + context;
}

torch::Tensor CascadeNetImpl::decode(const torch::Tensor& features, const torch::Tensor& points) {
    const auto size = torch::tensor({features.size(4), features.size(3), features.size(2)}, points.options());
    const torch::Tensor grid = (points / size * 2 - 1).view({points.size(0), 1, 1, points.size(1), 3});
    const torch::Tensor c = F::grid_sample(
        features, grid,
        F::GridSampleFuncOptions().mode(torch::kBilinear).padding_mode(torch::kBorder).align_corners(false));
    return decoder_->forward(c.squeeze(2).squeeze(2).transpose(1, 2));
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
    const auto dilate = [](const torch::Tensor& x, std::int64_t reach) {
        return torch::max_pool3d(x, 2 * reach + 1, 1, reach);
    };
    const torch::Tensor seen = (moments.narrow(1, 0, 1) > 0).to(torch::kFloat32);
    const torch::Tensor undecided = (coarser_logits.unsqueeze(1).abs() < kUndecided).to(torch::kFloat32);
    const torch::Tensor active =
        torch::maximum(dilate(seen, kPointReach),
                       dilate(torch::upsample_nearest3d(undecided, seen.sizes().slice(2)), kUndecidedReach));
    return torch::upsample_nearest3d(torch::max_pool3d(active, kBrickCells), seen.sizes().slice(2));
}

}  // namespace nir::models
