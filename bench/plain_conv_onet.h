// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The three-plane ConvONet of the papers with torch's own operators alone, on the parameters of our module: what a user
// would write. Yardstick of a training step.
#pragma once

#include "nir/nn/batch.h"
#include "nir/nn/feature_maps.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <array>
#include <vector>

namespace nir::bench {

class PlainConvOnet {
public:
    /// @param net  the module of model "conv_onet" with planes xz, xy, yz of 64^2 cells
    explicit PlainConvOnet(torch::nn::Module& net) : parameters_(net.named_parameters()) {}

    torch::Tensor loss(const nn::Batch& batch) const {
        const torch::Tensor &points = batch.at("points"), &occupancies = batch.at("occupancies");
        const auto maps = encode(batch.at("observation"));
        torch::Tensor c;
        for (std::size_t i = 0; i < kPlanes.size(); ++i) {
            const torch::Tensor unit = nn::unit_coordinates(points, kPlanes[i], kPadding);
            const torch::Tensor read = nn::sample_map(maps[i], unit, nn::SampleMode::bilinear);
            c = i == 0 ? read : c + read;
        }
        torch::Tensor x = linear("decoder.fc_p", points);
        for (int i = 0; i < 5; ++i)
            x = block(fmt::format("decoder.blocks.{}", i), x + linear(fmt::format("decoder.fc_c.{}", i), c));
        const torch::Tensor logits = linear("decoder.fc_out", x.relu()).squeeze(2);
        return torch::binary_cross_entropy_with_logits(logits, occupancies, {}, {}, at::Reduction::None).sum(1).mean();
    }

private:
    static constexpr double kPadding = 0.1;
    static constexpr std::int64_t kCells = 64;
    static constexpr std::array kPlanes{nn::Representation::xz, nn::Representation::xy, nn::Representation::yz};

    const torch::Tensor& p(const std::string& name) const { return parameters_[name]; }
    torch::Tensor linear(const std::string& name, const torch::Tensor& x) const {
        return torch::linear(x, p(name + ".weight"), p(name + ".bias"));
    }
    torch::Tensor block(const std::string& name, const torch::Tensor& x) const {
        const torch::Tensor dx = linear(name + ".fc_1", linear(name + ".fc_0", x.relu()).relu());
        const torch::Tensor* shortcut = parameters_.find(name + ".shortcut.weight");
        return (shortcut ? torch::linear(x, *shortcut) : x) + dx;
    }
    torch::Tensor conv(const std::string& name, const torch::Tensor& x) const {
        const torch::Tensor& weight = p(name + ".weight");
        return torch::conv2d(x, weight, p(name + ".bias"), 1, weight.size(2) / 2);
    }
    torch::Tensor two_convs(const std::string& name, const torch::Tensor& x) const {
        return conv(name + ".conv2", conv(name + ".conv1", x).relu()).relu();
    }
    torch::Tensor unet(torch::Tensor x) const {
        const std::string name = "encoder.unet.";
        std::vector<torch::Tensor> skips;
        int depth = 0;
        while (parameters_.find(fmt::format("{}down_convs.{}.conv1.weight", name, depth))) ++depth;
        for (int i = 0; i < depth; ++i) {
            if (i > 0) x = torch::max_pool2d(x, 2, 2);
            x = two_convs(fmt::format("{}down_convs.{}", name, i), x);
            skips.push_back(x);
        }
        for (int i = 0; i + 1 < depth; ++i) {
            const std::string up = fmt::format("{}up_convs.{}", name, i);
            x = torch::conv_transpose2d(x, p(up + ".upconv.weight"), p(up + ".upconv.bias"), 2);
            x = two_convs(up, torch::cat({x, skips[static_cast<std::size_t>(depth - 2 - i)]}, 1));
        }
        return conv(name + "conv_final", x);
    }
    std::array<torch::Tensor, 3> encode(const torch::Tensor& points) const {
        std::array<torch::Tensor, 3> cells, maps;
        for (std::size_t i = 0; i < kPlanes.size(); ++i)
            cells[i] = nn::cell_index(nn::unit_coordinates(points, kPlanes[i], kPadding), kCells).unsqueeze(1);
        torch::Tensor x = linear("encoder.fc_pos", points);
        for (int i = 0; i < 5; ++i) {
            if (i > 0) {
                torch::Tensor pooled;
                for (const torch::Tensor& cell : cells) {
                    const torch::Tensor rows = x.transpose(1, 2), at = cell.expand_as(rows);
                    const torch::Tensor most = torch::zeros({x.size(0), x.size(2), kCells * kCells})
                                                   .scatter_reduce(2, at, rows, "amax", /*include_self=*/false)
                                                   .gather(2, at);
                    pooled = pooled.defined() ? pooled + most : most;
                }
                x = torch::cat({x, pooled.transpose(1, 2)}, 2);
            }
            x = block(fmt::format("encoder.blocks.{}", i), x);
        }
        const torch::Tensor rows = linear("encoder.fc_c", x).transpose(1, 2);
        for (std::size_t i = 0; i < maps.size(); ++i) {
            const torch::Tensor zero = torch::zeros({rows.size(0), rows.size(1), kCells * kCells});
            const torch::Tensor count = torch::zeros({rows.size(0), 1, kCells * kCells})
                                            .scatter_add(2, cells[i], torch::ones(cells[i].sizes()));
            const torch::Tensor mean = zero.scatter_add(2, cells[i].expand_as(rows), rows) / count.clamp_min(1);
            maps[i] = unet(mean.view({rows.size(0), rows.size(1), kCells, kCells}));
        }
        return maps;
    }

    torch::OrderedDict<std::string, torch::Tensor> parameters_;
};

}  // namespace nir::bench
