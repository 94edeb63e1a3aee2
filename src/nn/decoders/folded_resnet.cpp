// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nn/decoders/folded_resnet.h"

#include "nir/base/parallel.h"

#include "nn/network_weights.h"

namespace nir::nn {

using torch::Tensor;

namespace {

// The features of a tile stay in the second-level cache between layers.
constexpr std::int64_t kTile = 1024;

Tensor copy(const Tensor& t) { return t.detach().clone(); }
Tensor transposed(const Tensor& weight) { return weight.detach().t().clone(at::MemoryFormat::Contiguous); }

constexpr std::size_t kGrain = 240;  // points of a chunk: five tiles of the kernel

std::span<const float> values_of(const Tensor& t) { return {t.data_ptr<float>(), static_cast<std::size_t>(t.numel())}; }
std::span<float> writable(Tensor& t) { return {t.data_ptr<float>(), static_cast<std::size_t>(t.numel())}; }

/// Logits [T,1] of points [T,3]; derivatives with respect to the points are computed on the way.
class KernelLogits : public torch::autograd::Function<KernelLogits> {
public:
    static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& points,
                          std::shared_ptr<const kernels::ResidualMlp> kernel) {
        const Tensor p = points.contiguous();
        const auto told = values_of(p);
        Tensor out = torch::empty({p.size(0), 1});
        const auto logits = writable(out);
        if (!points.requires_grad()) {
            parallel_for(logits.size(), kGrain, [&](std::size_t begin, std::size_t end) {
                kernel->values(told.subspan(3 * begin, 3 * (end - begin)), {}, logits.subspan(begin, end - begin));
            });
            return out;
        }
        Tensor slope = torch::empty_like(p);
        const auto slopes = writable(slope);
        parallel_for(logits.size(), kGrain, [&](std::size_t begin, std::size_t end) {
            kernel->gradients(told.subspan(3 * begin, 3 * (end - begin)), {}, 0, logits.subspan(begin, end - begin),
                              slopes.subspan(3 * begin, 3 * (end - begin)), {});
        });
        context->save_for_backward({slope});
        return out;
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   torch::autograd::variable_list d_out) {
        return {d_out[0] * context->get_saved_variables()[0], Tensor()};
    }
};

}  // namespace

void FoldedResnet::first(const Tensor& weight, const Tensor& bias, const Tensor& constant) {
    w_in_ = transposed(weight);
    b_in_ = constant.defined() ? (bias + constant.squeeze(0)).detach() : copy(bias);
    owed_ = torch::zeros_like(b_in_);
    network_.hidden = static_cast<std::size_t>(weight.size(0));
    network_.first_weight = floats_of(weight), network_.first_bias = floats_of(b_in_);
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
    const auto flat = [](const Tensor& t) { return floats_of(t.squeeze(0)); };
    network_.blocks.push_back({{},
                               {},
                               n0 ? flat(n0->scale) : std::vector<float>(),
                               n0 ? flat(n0->shift) : std::vector<float>(),
                               floats_of(b.w0.t()),
                               floats_of(b.b0),
                               floats_of(w1),
                               floats_of(b1)});
    blocks_.push_back(b);
    owed_ = owed_ + b1.detach();
}

void FoldedResnet::last(const std::optional<ChannelAffine>& n, bool leaky, const Tensor& weight, const Tensor& bias) {
    last_ = step(n);
    leaky_ = leaky;
    w_out_ = transposed(weight);
    b_out_ = copy(bias);
    if (weight.scalar_type() != torch::kFloat32 || !weight.is_cpu()) return;
    if (n) network_.out_scale = floats_of(n->scale.squeeze(0)), network_.out_shift = floats_of(n->shift.squeeze(0));
    network_.out_slope = leaky ? 0.2f : 0.0f;
    network_.out_weight = floats_of(weight), network_.out_bias = floats_of(bias);
    kernel_ = std::make_shared<const kernels::ResidualMlp>(network_);
    network_ = {};
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
    if (kernel_ && p.scalar_type() == torch::kFloat32) return KernelLogits::apply(p, kernel_).squeeze(1).unsqueeze(0);
    if (p.size(0) <= kTile) return rows(p).unsqueeze(0);
    std::vector<Tensor> tiles;
    for (const Tensor& tile : p.split(kTile)) tiles.push_back(rows(tile));
    return torch::cat(tiles).unsqueeze(0);
}

}  // namespace nir::nn
