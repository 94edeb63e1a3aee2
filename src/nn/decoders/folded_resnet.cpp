// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nn/decoders/folded_resnet.h"

namespace nir::nn {

using torch::Tensor;

namespace {

// The features of a tile stay in the second-level cache between layers.
constexpr std::int64_t kTile = 1024;

Tensor copy(const Tensor& t) { return t.detach().clone(); }
Tensor transposed(const Tensor& weight) { return weight.detach().t().clone(at::MemoryFormat::Contiguous); }

}  // namespace

void FoldedResnet::first(const Tensor& weight, const Tensor& bias, const Tensor& constant) {
    w_in_ = transposed(weight);
    b_in_ = constant.defined() ? (bias + constant.squeeze(0)).detach() : copy(bias);
    owed_ = torch::zeros_like(b_in_);
}

FoldedResnet::Step FoldedResnet::step(const std::optional<ChannelAffine>& n) const {
    if (!n) return {{}, owed_.clone()};
    const Tensor scale = n->scale.detach().squeeze(0), shift = n->shift.detach().squeeze(0);
    return {scale.clone(), shift + scale * owed_};
}

void FoldedResnet::block(const std::optional<ChannelAffine>& n0, const Tensor& w0, const Tensor& b0,
                         const std::optional<ChannelAffine>& n1, const Tensor& w1, const Tensor& b1) {
    Block b;
    b.in = step(n0);
    b.w0 = transposed(w0), b.b0 = copy(b0), b.w1 = transposed(w1);
    if (n1) {
        const Tensor scale = n1->scale.detach().squeeze(0), shift = n1->shift.detach().squeeze(0);
        b.w0 = b.w0 * scale;
        b.b0 = b.b0 * scale + shift;
    }
    blocks_.push_back(b);
    owed_ = owed_ + b1.detach();
}

void FoldedResnet::last(const std::optional<ChannelAffine>& n, bool leaky, const Tensor& weight, const Tensor& bias) {
    last_ = step(n);
    leaky_ = leaky;
    w_out_ = transposed(weight);
    b_out_ = copy(bias);
}

Tensor FoldedResnet::apply(const Step& step, const Tensor& x) {
    return step.scale.defined() ? torch::addcmul(step.shift, x, step.scale) : x + step.shift;
}

Tensor FoldedResnet::rows(const Tensor& points) const {
    Tensor x = torch::addmm(b_in_, points, w_in_);
    for (const Block& b : blocks_) {
        const Tensor h = apply(b.in, x).relu_();
        const Tensor net = torch::addmm(b.b0, h, b.w0).relu_();
        x.addmm_(net, b.w1);
    }
    const Tensor h = apply(last_, x);
    return torch::addmm(b_out_, leaky_ ? torch::leaky_relu(h, 0.2) : h.relu(), w_out_).squeeze(1);
}

Tensor FoldedResnet::operator()(const Tensor& points) const {
    const Tensor p = points.squeeze(0);
    if (p.size(0) <= kTile) return rows(p).unsqueeze(0);
    std::vector<Tensor> tiles;
    for (const Tensor& tile : p.split(kTile)) tiles.push_back(rows(tile));
    return torch::cat(tiles).unsqueeze(0);
}

}  // namespace nir::nn
