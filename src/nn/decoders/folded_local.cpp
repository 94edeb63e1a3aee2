// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Local decoders of one observation as kernels.
#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/kernels/local_decoder.h"
#include "nir/nn/decoders/local.h"

#include "nn/network_weights.h"

#include <cstring>

namespace nir::nn {
namespace {

using kernels::FeatureMap;
using torch::Tensor;

constexpr std::size_t kGrain = 960;  // points of a chunk: 20 tiles of the kernel

class Folded final : public PointFunction {
public:
    explicit Folded(kernels::LocalDecoder decoder) : decoder_(std::move(decoder)) {}
    void values(std::span<const float> points, std::span<float> out) const override {
        NIR_CHECK(points.size() == 3 * out.size());
        parallel_for(out.size(), kGrain, [&](std::size_t begin, std::size_t end) {
            decoder_.values(points.subspan(3 * begin, 3 * (end - begin)), {}, out.subspan(begin, end - begin));
        });
    }
    void gradients(std::span<const float> points, std::span<float> gradients) const override {
        NIR_CHECK(points.size() == gradients.size());
        parallel_for(points.size() / 3, kGrain, [&](std::size_t begin, std::size_t end) {
            std::vector<float> out(end - begin);
            decoder_.gradients(points.subspan(3 * begin, 3 * out.size()), out,
                               gradients.subspan(3 * begin, 3 * out.size()));
        });
    }

private:
    kernels::LocalDecoder decoder_;
};

/// The network is told the position within the voxel, by torch.
class FoldedPatch final : public PointFunction {
public:
    FoldedPatch(kernels::LocalDecoder decoder, const WindowDims& window)
        : decoder_(std::move(decoder)), window_(window) {}
    void values(std::span<const float> points, std::span<float> out) const override {
        NIR_CHECK(points.size() == 3 * out.size());
        if (out.empty()) return;
        const torch::NoGradGuard no_grad;
        Tensor p = torch::empty({1, static_cast<std::int64_t>(out.size()), 3});
        std::memcpy(p.data_ptr<float>(), points.data(), points.size_bytes());
        const Tensor told = describe_points(p, window_).contiguous();
        const auto width = static_cast<std::size_t>(told.size(2));
        const std::span<const float> inputs(told.data_ptr<float>(), width * out.size());
        parallel_for(out.size(), kGrain, [&](std::size_t begin, std::size_t end) {
            decoder_.values(points.subspan(3 * begin, 3 * (end - begin)),
                            inputs.subspan(width * begin, width * (end - begin)), out.subspan(begin, end - begin));
        });
    }
    bool has_gradients() const override { return false; }
    void gradients(std::span<const float>, std::span<float>) const override {
        fail(ErrorKind::internal, "the decoder of windows has no gradients as a kernel");
    }

private:
    kernels::LocalDecoder decoder_;
    WindowDims window_;
};

/// Map [1,C,...] with its cells' channels side by side.
FeatureMap with_channels_last(const Tensor& map, Representation r, SampleMode mode) {
    NIR_CHECK(map.size(0) == 1);
    FeatureMap out;
    const bool grid = r == Representation::grid;
    out.dims = grid ? 3 : 2;
    for (std::size_t i = 0; i < out.dims; ++i)
        out.size[i] = static_cast<std::size_t>(map.size(map.dim() - 1 - static_cast<std::int64_t>(i)));
    if (!grid) out.axis = {r == Representation::yz ? 1 : 0, r == Representation::xy ? 1 : 2, 0};
    out.values = floats_of(map[0].flatten(1).t());
    out.nearest = mode == SampleMode::nearest;
    return out;
}

bool all_float(const FeatureMaps& features, const torch::nn::Module& module) {
    for (const Tensor& map : features.maps)
        if (map.defined() && (map.scalar_type() != torch::kFloat32 || !map.is_cpu() || map.size(0) != 1)) return false;
    for (const Tensor& p : module.parameters())
        if (p.scalar_type() != torch::kFloat32 || !p.is_cpu()) return false;
    return true;
}

}  // namespace

kernels::ResidualMlp LocalMlpImpl::packed() const {
    kernels::ResidualNetwork<float> net;
    net.inputs = static_cast<std::size_t>(fc_p_->weight.size(1));
    net.features = static_cast<std::size_t>(dims_.c_dim);
    net.hidden = static_cast<std::size_t>(config_.hidden_size);
    net.first_weight = floats_of(fc_p_->weight), net.first_bias = floats_of(fc_p_->bias);
    for (std::size_t i = 0; i < blocks_->size(); ++i) {
        const auto& c = fc_c_->at<torch::nn::LinearImpl>(i);
        const auto& b = blocks_->at<ResnetBlockFCImpl>(i);
        net.blocks.push_back({floats_of(c.weight),
                              floats_of(c.bias),
                              {},
                              {},
                              floats_of(b.fc_0().weight),
                              floats_of(b.fc_0().bias),
                              floats_of(b.fc_1().weight),
                              floats_of(b.fc_1().bias)});
    }
    net.out_slope = config_.leaky ? 0.2f : 0.0f;
    net.out_weight = floats_of(fc_out_->weight), net.out_bias = floats_of(fc_out_->bias);
    return kernels::ResidualMlp(net);
}

std::shared_ptr<const PointFunction> LocalMlpImpl::fold(const FeatureMaps& features) {
    if (!all_float(features, *this)) return nullptr;
    std::vector<FeatureMap> maps;
    for (const Representation r : kRepresentations) {
        if (!features[r].defined()) continue;
        FeatureMap map = with_channels_last(features[r], r, config_.sample_mode);
        // u = p / side + 0.5, as unit_coordinates().
        const double eps = r == Representation::grid ? 10e-4 : 10e-6;
        map.side = 1.0 + dims_.padding + eps;
        map.lower.fill(-0.5 * map.side);
        map.cap = static_cast<float>(1.0 - eps);
        maps.push_back(std::move(map));
    }
    NIR_CHECK(!maps.empty());
    return std::make_shared<Folded>(kernels::LocalDecoder(packed(), std::move(maps)));
}

std::shared_ptr<const PointFunction> PatchMlpImpl::fold(const FeatureMaps& features) {
    if (!features.window_lower.defined() || !all_float(features, *this)) return nullptr;
    const Tensor lower = features.window_lower.to(torch::kFloat64).contiguous();
    std::vector<FeatureMap> maps;
    for (const Representation r : kRepresentations) {
        if (!features[r].defined()) continue;
        FeatureMap map = with_channels_last(features[r], r, config().sample_mode);
        map.side = features.window_side;
        for (std::size_t i = 0; i < map.dims; ++i) map.lower[i] = lower.data_ptr<double>()[map.axis[i]];
        maps.push_back(std::move(map));
    }
    NIR_CHECK(!maps.empty());
    return std::make_shared<FoldedPatch>(kernels::LocalDecoder(packed(), std::move(maps)), dims().window);
}

}  // namespace nir::nn
