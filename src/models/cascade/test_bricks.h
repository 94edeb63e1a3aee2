// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Tensors [N, channels, b, b, b] and channel-first volumes for the tests of what works on bricks, channels last.
#pragma once

#include "models/cascade/brick_unet.h"
#include "models/cascade/feature_octree.h"

#include <torch/torch.h>

#include <vector>

namespace nir::models {

/// Bricks of b^3 cells out of a volume [c, D, H, W].  @return [N, c, b, b, b]
inline torch::Tensor cut_bricks(const torch::Tensor& volume, std::span<const geom::Vec3i> bricks, std::int64_t b) {
    std::vector<torch::Tensor> out;
    for (const auto& at : bricks)
        out.push_back(volume.narrow(1, at.z * b, b).narrow(2, at.y * b, b).narrow(3, at.x * b, b));
    return torch::stack(out);
}

/// [N, c, b, b, b] -> [N, b, b, b, c]
inline std::vector<float> channels_last(const torch::Tensor& x) {
    const torch::Tensor t = x.permute({0, 2, 3, 4, 1}).contiguous();
    return {t.data_ptr<float>(), t.data_ptr<float>() + t.numel()};
}

/// [N, b, b, b, c] -> [N, c, b, b, b]
inline torch::Tensor channels_first(std::vector<float> x, std::int64_t b, std::int64_t c) {
    return torch::from_blob(x.data(), {static_cast<std::int64_t>(x.size()) / (b * b * b * c), b, b, b, c})
        .permute({0, 4, 1, 2, 3})
        .contiguous();
}

inline void store_tensor(FeatureOctree& tree, int octave, std::span<const geom::Vec3i> bricks, const torch::Tensor& x) {
    tree.store_bricks(octave, bricks, channels_last(x));
}

/// FeatureOctree::load, channels first.
inline void load_volume(const FeatureOctree& tree, int octave, const CellBox& box, std::vector<float>& volume) {
    std::vector<float> last(volume.size());
    tree.load(octave, box, last);
    const auto channels = static_cast<std::size_t>(tree.channels()), cells = volume.size() / channels;
    for (std::size_t i = 0; i < cells; ++i)
        for (std::size_t k = 0; k < channels; ++k) volume[k * cells + i] = last[i * channels + k];
}

/// Rows with one cell of their neighbours around: [count, c, b + 2, b + 2, b + 2].
inline torch::Tensor halo_tensor(const BrickSet& bricks, const torch::Tensor& x, std::int64_t first,
                                 std::int64_t count) {
    const auto rows = channels_last(x);
    const std::int64_t b = x.size(2), c = x.size(1), t = b + 2;
    std::vector<float> to(static_cast<std::size_t>(count * t * t * t * c));
    gather_with_halo(bricks, {rows.data(), x.size(0), b, c}, first, count, to.data(), c);
    return channels_first(to, t, c);
}

/// BrickUnet::run on tensors; all bricks of the set are wanted.
inline torch::Tensor run_on_bricks(const BrickUnet& net, const BrickSet& bricks, const torch::Tensor& x) {
    const auto rows = channels_last(x);
    const std::int64_t all = bricks.size();
    std::vector<float> out(static_cast<std::size_t>(all * 512 * net.out()));
    net.run(
        bricks, std::span(&all, 1),
        [&](std::int64_t first, std::int64_t count, float* to) {
            gather_with_halo(bricks, {rows.data(), all, kBrickCells, net.in()}, first, count, to, net.in());
        },
        [&](std::int64_t first, std::int64_t count, const float* y) {
            std::copy_n(y, count * 512 * net.out(), out.data() + first * 512 * net.out());
        });
    return channels_first(out, kBrickCells, net.out());
}

/// The weights of a module by their names without the prefix "net.".
inline BrickUnet unet_of(const torch::nn::Module& module, std::int64_t in, const std::vector<int>& widths,
                         std::int64_t out) {
    const auto parameters = module.named_parameters();
    return BrickUnet("net", in, widths, out, [&](const std::string& name) {
        const torch::Tensor t = parameters[name.substr(4)].detach().contiguous();
        return std::vector<float>(t.data_ptr<float>(), t.data_ptr<float>() + t.numel());
    });
}

}  // namespace nir::models
