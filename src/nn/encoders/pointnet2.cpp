// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/encoders/pointnet2.h"

#include "nir/base/config.h"
#include "nir/base/error.h"
#include "nir/nn/ops/neighbors.h"
#include "nir/nn/point_layers.h"

#include <algorithm>

namespace nir::nn {

using torch::Tensor;

namespace {

/// Convolutions of size 1, each followed by batch normalisation and ReLU, on features in rows. `dims` = 2 keeps the
/// weights as Conv2d does, [out,in,1,1], 1 as Conv1d.
class SharedMlpImpl : public torch::nn::Module {
public:
    SharedMlpImpl(std::int64_t in, const std::vector<std::int64_t>& widths, int dims) {
        for (const std::int64_t out : widths) {
            if (dims == 2)
                convs_->push_back(torch::nn::Conv2d(in, out, 1));
            else
                convs_->push_back(torch::nn::Conv1d(in, out, 1));
            norms_->push_back(torch::nn::BatchNorm1d(out));
            in = out;
        }
        register_module("mlp_convs", convs_);
        register_module("mlp_bns", norms_);
    }
    /// @param x [B,...,in]  @return [B,...,out]
    Tensor forward(const Tensor& x) {
        std::vector<std::int64_t> shape = x.sizes().vec();
        Tensor net = x.reshape({shape[0], -1, shape.back()});
        for (std::size_t i = 0; i < convs_->size(); ++i) {
            const auto parameters = convs_[i]->named_parameters();
            net = torch::linear(net, parameters["weight"].flatten(1), parameters["bias"]);
            net = torch::relu(batch_norm_points(norms_->at<torch::nn::BatchNorm1dImpl>(i), net));
        }
        shape.back() = net.size(2);
        return net.reshape(shape);
    }

private:
    torch::nn::ModuleList convs_, norms_;
};
TORCH_MODULE(SharedMlp);

/// Positions and features of a level.
struct Level {
    Tensor xyz, features;  // [B,N,3], [B,N,C]
};

/// Features of `coarse` at the points of `fine`: weighted by 1 / (d^2 + 1e-8) between the three nearest.
Tensor interpolate(const Level& fine, const Level& coarse) {
    const std::int64_t n = fine.xyz.size(1), s = coarse.xyz.size(1);
    if (s == 1) return coarse.features.expand({-1, n, -1});
    const auto [squared, index] =
        torch::topk(squared_distances(fine.xyz, coarse.xyz), std::min<std::int64_t>(3, s), 2, /*largest=*/false);
    const Tensor weights = 1 / (squared.clamp_min(0) + 1e-8);
    const Tensor share = weights / weights.sum(2, true);
    return (gather_rows(coarse.features, index) * share.unsqueeze(3)).sum(2);
}

}  // namespace

void Pointnet2Config::describe(ConfigVisitor& v) {
    v.field("centers", centers, {.min = 1, .max = 65536, .unit = "points", .min_count = 2, .max_count = 2},
            "centres of the first and of the second level");
    v.field("radii", radii,
            {.max = 1000, .above = 0, .unit = "units of the observation", .min_count = 2, .max_count = 2},
            "radius of the neighbourhoods of each level");
    v.field("neighbors", neighbors, {.min = 1, .max = 4096, .unit = "points", .min_count = 2, .max_count = 2},
            "points of a neighbourhood of each level");
    v.field("first_centers", first_centers, {.min = 0, .min_count = 2, .max_count = 2},
            "number of the point that is the first centre of each level (modulo its points)");
    v.field("width", width, {.min = 1, .max = 1024},
            "channels of the first layer; the others are 1, 2, 4, 8 and 16 times as wide");
}

struct Pointnet2Impl::Layers {
    SharedMlp sa1{nullptr}, sa2{nullptr}, sa3{nullptr}, fp3{nullptr}, fp2{nullptr}, fp1{nullptr};
};

Pointnet2Impl::Pointnet2Impl(const Pointnet2Config& config, const LocalDims& dims)
    : config_(config), c_dim_(dims.c_dim), layers_(std::make_unique<Layers>()) {
    if (dims.c_dim < 1) fail(ErrorKind::config, "pointnet2: needs a c_dim of at least 1");
    const std::int64_t w = config.width;
    Layers& l = *layers_;
    l.sa1 = register_module("sa1", SharedMlp(6, std::vector{w, w, 2 * w}, 2));
    l.sa2 = register_module("sa2", SharedMlp(3 + 2 * w, std::vector{2 * w, 2 * w, 4 * w}, 2));
    l.sa3 = register_module("sa3", SharedMlp(3 + 4 * w, std::vector{4 * w, 8 * w, 16 * w}, 2));
    l.fp3 = register_module("fp3", SharedMlp(20 * w, std::vector{4 * w, 4 * w}, 1));
    l.fp2 = register_module("fp2", SharedMlp(6 * w, std::vector{4 * w, 2 * w}, 1));
    l.fp1 = register_module("fp1", SharedMlp(2 * w, std::vector{2 * w, 2 * w, dims.c_dim}, 1));
}

Pointnet2Impl::~Pointnet2Impl() = default;

FeatureMaps Pointnet2Impl::forward(const Tensor& points, const std::vector<Tensor>& first, Pointnet2Trace* trace) {
    NIR_CHECK(points.dim() == 3 && points.size(2) == 3 && (first.empty() || first.size() == 2));
    const std::int64_t batch = points.size(0), n = points.size(1);
    FeatureMaps out;
    out.points = points;
    if (n == 0) {
        out.point_features = points.new_zeros({batch, 0, c_dim_});
        return out;
    }
    std::vector<Level> levels{{points, points}};
    SharedMlp* const gather[] = {&layers_->sa1, &layers_->sa2};
    for (std::size_t i = 0; i < 2; ++i) {
        const Level& below = levels.back();
        const Tensor start = first.empty()
                                 ? torch::full({batch}, config_.first_centers[i] % below.xyz.size(1), torch::kInt64)
                                 : first[i];
        const Tensor centers = farthest_points(below.xyz, start, config_.centers[i]);
        if (trace) trace->centers.push_back(centers);
        const Tensor xyz = gather_rows(below.xyz, centers);
        const Tensor index = ball_neighbors(squared_distances(xyz, below.xyz), config_.radii[i], config_.neighbors[i]);
        const Tensor relative = gather_rows(below.xyz, index) - xyz.unsqueeze(2);
        const Tensor grouped = torch::cat({relative, gather_rows(below.features, index)}, 3);
        levels.push_back({xyz, std::get<0>((*gather[i])->forward(grouped).max(2))});
    }
    const Level &l1 = levels[1], &l2 = levels[2];
    const Tensor all = layers_->sa3(torch::cat({l2.xyz, l2.features}, 2));
    const Level l3{points.new_zeros({batch, 1, 3}), std::get<0>(all.max(1, true))};
    const Tensor f2 = layers_->fp3(torch::cat({l2.features, interpolate(l2, l3)}, 2));
    const Tensor f1 = layers_->fp2(torch::cat({l1.features, interpolate(l1, {l2.xyz, f2})}, 2));
    out.point_features = layers_->fp1(interpolate(levels[0], {l1.xyz, f1}));
    return out;
}

}  // namespace nir::nn
