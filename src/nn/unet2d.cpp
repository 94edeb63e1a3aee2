// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/unet2d.h"

#include "nir/base/config.h"
#include "nir/base/error.h"

#include "nn/plane_layers.h"

#include <vector>

namespace nir::nn {
namespace {

using torch::Tensor;
using torch::nn::Conv2d;
using torch::nn::Conv2dOptions;

Conv2d conv(std::int64_t in, std::int64_t out, std::int64_t kernel) {
    Conv2d c(Conv2dOptions(in, out, kernel).padding(kernel / 2));
    torch::nn::init::xavier_normal_(c->weight);
    torch::nn::init::zeros_(c->bias);
    return c;
}

/// relu(3x3 convolution) of planes [B,H,W,.] that lie beside each other, at inference.
Tensor run_packed(PackedConv& packed, const Conv2d& conv, std::initializer_list<Tensor> parts, bool relu = true) {
    const std::vector<Tensor> all(parts);
    return convolve_planes(*packed.of(conv->weight, conv->bias), all, relu);
}

class DownConvImpl : public torch::nn::Module {
public:
    DownConvImpl(std::int64_t in, std::int64_t out) {
        conv1_ = register_module("conv1", conv(in, out, 3));
        conv2_ = register_module("conv2", conv(out, out, 3));
    }
    Tensor forward(const Tensor& x) { return torch::relu(conv2_(torch::relu(conv1_(x)))); }
    /// The same at inference, channels last.
    Tensor run(const Tensor& x) { return run_packed(packed2_, conv2_, {run_packed(packed1_, conv1_, {x})}); }

private:
    Conv2d conv1_{nullptr}, conv2_{nullptr};
    PackedConv packed1_, packed2_;
};

class UpConvImpl : public torch::nn::Module {
public:
    UpConvImpl(std::int64_t in, std::int64_t out, UNetMerge merge, UNetUp up) : merge_(merge) {
        namespace tn = torch::nn;
        if (up == UNetUp::transpose) {
            transposed_ =
                register_module("upconv", tn::ConvTranspose2d(tn::ConvTranspose2dOptions(in, out, 2).stride(2)));
        } else {
            const auto scale = tn::UpsampleOptions().scale_factor(std::vector<double>{2, 2}).mode(torch::kBilinear);
            upsampled_ = register_module("upconv", tn::Sequential(tn::Upsample(scale), conv(in, out, 1)));
        }
        conv1_ = register_module("conv1", conv(merge == UNetMerge::concat ? 2 * out : out, out, 3));
        conv2_ = register_module("conv2", conv(out, out, 3));
    }
    Tensor forward(const Tensor& skip, const Tensor& below) {
        const Tensor up = transposed_.is_empty() ? upsampled_->forward(below) : transposed_(below);
        const Tensor x = merge_ == UNetMerge::concat ? torch::cat({up, skip}, 1) : up + skip;
        return torch::relu(conv2_(torch::relu(conv1_(x))));
    }
    /// The same at inference, channels last; for transposed convolutions.
    Tensor run(const Tensor& skip, const Tensor& below) {
        const Tensor up = double_planes(*packed_up_.of(transposed_->weight, transposed_->bias, true), below);
        const Tensor x = merge_ == UNetMerge::concat ? run_packed(packed1_, conv1_, {up, skip})
                                                     : run_packed(packed1_, conv1_, {up + skip});
        return run_packed(packed2_, conv2_, {x});
    }

private:
    UNetMerge merge_;
    torch::nn::ConvTranspose2d transposed_{nullptr};
    torch::nn::Sequential upsampled_{nullptr};
    Conv2d conv1_{nullptr}, conv2_{nullptr};
    PackedConv packed_up_, packed1_, packed2_;
};

}  // namespace

void UNet2dConfig::describe(ConfigVisitor& v) {
    v.field("depth", depth, {.min = 1, .max = 10}, "levels; the plane must be divisible by 2^(depth-1)");
    v.field("start_filters", start_filters, {.min = 1, .max = 4096}, "channels of the finest level, doubled at each");
    v.choice("merge_mode", merge, {{"concat", UNetMerge::concat}, {"add", UNetMerge::add}}, "how skips are joined");
    v.choice("up_mode", up, {{"transpose", UNetUp::transpose}, {"upsample", UNetUp::upsample}},
             "how planes are doubled");
    v.check(!(up == UNetUp::upsample && merge == UNetMerge::add), "up_mode",
            "up_mode \"upsample\" needs merge_mode \"concat\"");
}

UNet2dImpl::UNet2dImpl(const UNet2dConfig& config) : config_(config) {
    if (config.depth < 1 || config.depth > 10 || config.start_filters < 1 || config.in_channels < 1 ||
        config.out_channels < 1)
        fail(ErrorKind::config, "unet: depth {} (1..10) and widths {}, {}, {} (at least 1) do not make a network",
             config.depth, config.in_channels, config.start_filters, config.out_channels);
    if (config.up == UNetUp::upsample && config.merge == UNetMerge::add)
        fail(ErrorKind::config, "unet: up_mode \"upsample\" cannot be used with merge_mode \"add\"; use \"concat\"");
    std::int64_t width = config.in_channels;
    for (std::int64_t i = 0; i < config.depth; ++i) {
        const std::int64_t out = config.start_filters << i;
        down_->push_back(std::make_shared<DownConvImpl>(width, out));
        width = out;
    }
    for (std::int64_t i = 1; i < config.depth; ++i, width /= 2)
        up_->push_back(std::make_shared<UpConvImpl>(width, width / 2, config.merge, config.up));
    register_module("down_convs", down_);
    register_module("up_convs", up_);
    final_ = register_module("conv_final", conv(width, config.out_channels, 1));
}

namespace {

/// forward() at inference by our own kernels. @return [B,C,H,W], in memory channels last
Tensor run_unet(torch::nn::ModuleList& down, torch::nn::ModuleList& up, const Conv2d& last, const Tensor& x_in) {
    Tensor x = x_in.permute({0, 2, 3, 1}).contiguous();
    std::vector<Tensor> skips;
    for (std::size_t i = 0; i < down->size(); ++i) {
        if (i > 0) x = halve_planes(x);
        x = down->at<DownConvImpl>(i).run(x);
        if (i + 1 < down->size()) skips.push_back(x);
    }
    for (std::size_t i = 0; i < up->size(); ++i) {
        x = up->at<UpConvImpl>(i).run(skips.back(), x);
        skips.pop_back();
    }
    PackedConv packed;
    return run_packed(packed, last, {x}, false).permute({0, 3, 1, 2});
}

}  // namespace

Tensor UNet2dImpl::forward(const Tensor& x_in) {
    const std::int64_t step = std::int64_t{1} << (config_.depth - 1);
    if (x_in.size(2) % step != 0 || x_in.size(3) % step != 0)
        fail(ErrorKind::config, "unet: a plane of {} x {} cells cannot be halved {} times; use a multiple of {}",
             x_in.size(2), x_in.size(3), config_.depth - 1, step);
    if (!torch::GradMode::is_enabled() && config_.up == UNetUp::transpose && x_in.scalar_type() == torch::kFloat32 &&
        final_->weight.scalar_type() == torch::kFloat32 && x_in.device().is_cpu())
        return run_unet(down_, up_, final_, x_in);
    Tensor x = x_in;
    std::vector<Tensor> skips;
    for (std::size_t i = 0; i < down_->size(); ++i) {
        if (i > 0) x = torch::max_pool2d(x, 2, 2);
        x = down_->at<DownConvImpl>(i).forward(x);
        if (i + 1 < down_->size()) skips.push_back(x);
    }
    for (std::size_t i = 0; i < up_->size(); ++i) {
        x = up_->at<UpConvImpl>(i).forward(skips.back(), x);
        skips.pop_back();
    }
    return final_(x);
}

}  // namespace nir::nn
