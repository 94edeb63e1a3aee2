// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/unet3d.h"

#include "nir/base/config.h"
#include "nir/base/error.h"

#include <algorithm>
#include <vector>

namespace nir::nn {
namespace {

using torch::Tensor;
namespace tn = torch::nn;

/// One convolution with its norm and activation, applied in the order of the letters.
class SingleConvImpl : public tn::Module {
public:
    SingleConvImpl(std::int64_t in, std::int64_t out, const UNet3dConfig& config) : order_(config.layer_order) {
        const bool normalised = order_.find_first_of("gb") != std::string::npos;
        const std::size_t conv_at = order_.find('c');
        for (std::size_t i = 0; i < order_.size(); ++i) {
            const std::int64_t channels = i < conv_at ? in : out;
            if (order_[i] == 'c') {
                conv_ = register_module("conv", tn::Conv3d(tn::Conv3dOptions(in, out, 3).padding(1).bias(!normalised)));
            } else if (order_[i] == 'g') {
                const std::int64_t groups = channels < config.num_groups ? 1 : config.num_groups;
                if (channels % groups != 0)
                    fail(ErrorKind::config, "unet3d: {} channels cannot be split into {} groups", channels, groups);
                group_norm_ = register_module("groupnorm", tn::GroupNorm(groups, channels));
            } else if (order_[i] == 'b') {
                batch_norm_ = register_module("batchnorm", tn::BatchNorm3d(channels));
            }
        }
    }

    Tensor forward(const Tensor& x_in) {
        Tensor x = x_in;
        for (const char layer : order_) {
            switch (layer) {
                case 'c':
                    x = conv_(x);
                    break;
                case 'g':
                    x = group_norm_(x);
                    break;
                case 'b':
                    x = batch_norm_(x);
                    break;
                case 'r':
                    x = torch::relu(x);
                    break;
                case 'l':
                    x = torch::leaky_relu(x, 0.1);
                    break;
                default:
                    x = torch::elu(x);
                    break;
            }
        }
        return x;
    }

private:
    std::string order_;
    tn::Conv3d conv_{nullptr};
    tn::GroupNorm group_norm_{nullptr};
    tn::BatchNorm3d batch_norm_{nullptr};
};
TORCH_MODULE(SingleConv);

class DoubleConvImpl : public tn::Module {
public:
    DoubleConvImpl(std::int64_t in, std::int64_t middle, std::int64_t out, const UNet3dConfig& config) {
        first_ = register_module("SingleConv1", SingleConv(in, middle, config));
        second_ = register_module("SingleConv2", SingleConv(middle, out, config));
    }
    Tensor forward(const Tensor& x) { return second_(first_(x)); }

private:
    SingleConv first_{nullptr}, second_{nullptr};
};
TORCH_MODULE(DoubleConv);

/// Holds its DoubleConv under the name that checkpoints use.
class LevelImpl : public tn::Module {
public:
    explicit LevelImpl(DoubleConv convs) : convs_(register_module("basic_module", std::move(convs))) {}
    Tensor forward(const Tensor& x) { return convs_(x); }

private:
    DoubleConv convs_;
};

void check(const UNet3dConfig& c) {
    if (std::count(c.layer_order.begin(), c.layer_order.end(), 'c') != 1 ||
        c.layer_order.find_first_not_of("cgbrle") != std::string::npos ||
        std::count(c.layer_order.begin(), c.layer_order.end(), 'g') > 1 ||
        std::count(c.layer_order.begin(), c.layer_order.end(), 'b') > 1)
        fail(ErrorKind::config, "unet3d: layer_order \"{}\" must hold one c, at most one g and b, and r, l or e",
             c.layer_order);
    if (c.num_levels < 1 || c.num_levels > 8 || c.f_maps < 1 || c.in_channels < 1 || c.out_channels < 1 ||
        c.num_groups < 1)
        fail(ErrorKind::config,
             "unet3d: num_levels {} (1..8), widths {}, {}, {} and num_groups {} (at least 1) do not make a network",
             c.num_levels, c.in_channels, c.f_maps, c.out_channels, c.num_groups);
}

}  // namespace

void UNet3dConfig::describe(ConfigVisitor& v) {
    v.field("f_maps", f_maps, {.min = 1, .max = 4096}, "channels of the finest level, doubled at each");
    v.field("num_levels", num_levels, {.min = 1, .max = 8}, "levels");
    v.field("layer_order", layer_order,
            "layers of a convolution block: g GroupNorm, b BatchNorm, c convolution, r ReLU, l LeakyReLU, e ELU");
    v.field("num_groups", num_groups, {.min = 1, .max = 4096},
            "groups of GroupNorm (1 where a layer has fewer channels)");
}

UNet3dImpl::UNet3dImpl(const UNet3dConfig& config) : config_(config) {
    check(config);
    std::int64_t in = config.in_channels;
    for (std::int64_t i = 0; i < config.num_levels; ++i) {
        const std::int64_t out = config.f_maps << i;
        encoders_->push_back(std::make_shared<LevelImpl>(DoubleConv(in, std::max(out / 2, in), out, config)));
        in = out;
    }
    for (std::int64_t i = config.num_levels - 2; i >= 0; --i) {
        const std::int64_t out = config.f_maps << i;
        decoders_->push_back(std::make_shared<LevelImpl>(DoubleConv(in + out, out, out, config)));
        in = out;
    }
    register_module("encoders", encoders_);
    register_module("decoders", decoders_);
    final_ = register_module("final_conv", tn::Conv3d(tn::Conv3dOptions(in, config.out_channels, 1)));
}

Tensor UNet3dImpl::forward(const Tensor& x_in) {
    const std::int64_t smallest = std::min({x_in.size(2), x_in.size(3), x_in.size(4)});
    if (smallest < (std::int64_t{1} << (config_.num_levels - 1)))
        fail(ErrorKind::config, "unet3d: a grid of {} cells cannot be halved {} times", smallest,
             config_.num_levels - 1);
    Tensor x = x_in;
    std::vector<Tensor> skips;
    for (std::size_t i = 0; i < encoders_->size(); ++i) {
        if (i > 0) x = torch::max_pool3d(x, 2, 2);
        x = encoders_->at<LevelImpl>(i).forward(x);
        if (i + 1 < encoders_->size()) skips.push_back(x);
    }
    for (std::size_t i = 0; i < decoders_->size(); ++i) {
        const Tensor skip = skips.back();
        skips.pop_back();
        const auto size = skip.sizes().slice(2).vec();
        const Tensor up = torch::upsample_nearest3d(x, size);
        x = decoders_->at<LevelImpl>(i).forward(torch::cat({skip, up}, 1));
    }
    return final_(x);
}

}  // namespace nir::nn
