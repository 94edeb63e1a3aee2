// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "kernels/residual_mlp_pack.h"

#include "nir/base/error.h"

#include <algorithm>

namespace nir::kernels {
namespace {

using Floats = std::vector<float>;

/// A part of a matrix: weight [rows, columns], or its transpose; empty = zeros.
struct Part {
    const Floats* weight;
    std::size_t columns;
    std::size_t padded;  // columns in the packed matrix, >= columns
};

PackedMatrix pack(std::size_t rows, std::initializer_list<Part> parts) {
    PackedMatrix m;
    m.rows = padded_rows(rows);
    for (const Part& part : parts) m.k += part.padded;
    m.weight.assign(m.rows * m.k, 0.0f);
    for (std::size_t r = 0; r < rows; ++r) {
        float* to = m.weight.data() + r / kRowBlock * kRowBlock * m.k + r % kRowBlock;
        for (const Part& part : parts) {
            if (!part.weight->empty())
                for (std::size_t k = 0; k < part.columns; ++k) to[k * kRowBlock] = (*part.weight)[r * part.columns + k];
            to += part.padded * kRowBlock;
        }
    }
    return m;
}

Floats transposed(const Floats& w, std::size_t rows, std::size_t columns) {
    Floats t(w.size());
    if (w.empty()) return t;
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 0; c < columns; ++c) t[c * rows + r] = w[r * columns + c];
    return t;
}

Floats padded(const Floats& v, std::size_t size) {
    Floats out = v;
    if (!v.empty()) out.resize(size, 0.0f);
    return out;
}

/// Sum of biases, any of which may be empty.
Floats sum(std::size_t size, std::initializer_list<const Floats*> parts) {
    Floats out(size, 0.0f);
    for (const Floats* part : parts)
        for (std::size_t i = 0; i < part->size(); ++i) out[i] += (*part)[i];
    return out;
}

Floats sum_of_matrices(const Floats& a, const Floats& b) {
    if (a.empty()) return b;
    Floats out = a;
    for (std::size_t i = 0; i < b.size(); ++i) out[i] += b[i];
    return out;
}

void check_sizes(const ResidualNetwork<float>& n) {
    const auto is = [](const Floats& v, std::size_t size, bool optional) {
        NIR_CHECK(v.size() == size || (optional && v.empty()));
    };
    const std::size_t h = n.hidden;
    NIR_CHECK(h > 0 && n.outputs > 0);
    is(n.first_weight, h * n.inputs, true);
    is(n.first_feature_weight, h * n.features, true);
    is(n.first_bias, h, true);
    for (const auto& b : n.blocks) {
        is(b.feature_weight, h * n.features, true);
        is(b.feature_bias, h, true);
        is(b.scale, h, true);
        is(b.shift, b.scale.size(), false);
        for (const Floats* w : {&b.weight_0, &b.weight_1}) is(*w, h * h, false);
        for (const Floats* w : {&b.bias_0, &b.bias_1}) is(*w, h, true);
    }
    is(n.out_scale, h, true);
    is(n.out_shift, n.out_scale.size(), false);
    is(n.out_weight, n.outputs * h, false);
    is(n.out_bias, n.outputs, true);
}

}  // namespace

ResidualMlp::ResidualMlp(const ResidualNetwork<float>& network) {
    check_sizes(network);
    auto p = std::make_shared<Packed>();
    p->inputs = network.inputs, p->features = network.features, p->hidden = network.hidden;
    p->outputs = network.outputs;
    const std::size_t h = network.hidden, hp = padded_rows(h), c = network.features;
    p->padded = hp;
    static const Floats none;
    const auto features_of = [&](std::size_t i) -> const Floats& {
        return i < network.blocks.size() ? network.blocks[i].feature_weight : none;
    };
    const auto feature_bias_of = [&](std::size_t i) -> const Floats& {
        return i < network.blocks.size() ? network.blocks[i].feature_bias : none;
    };
    const Floats first_features = sum_of_matrices(network.first_feature_weight, features_of(0));
    p->first = pack(h, {{&first_features, c, c}, {&network.first_weight, network.inputs, network.inputs}});
    p->first.bias = sum(hp, {&network.first_bias, &feature_bias_of(0)});
    p->flops = 2.0 * static_cast<double>(h * ((first_features.empty() ? 0 : c) + network.inputs));
    for (std::size_t i = 0; i < network.blocks.size(); ++i) {
        const auto& from = network.blocks[i];
        Packed::Block b;
        b.a = pack(h, {{&from.weight_0, h, hp}});
        b.a.bias = sum(hp, {&from.bias_0});
        const bool reads = !features_of(i + 1).empty();
        b.b = reads ? pack(h, {{&from.weight_1, h, hp}, {&features_of(i + 1), c, c}})
                    : pack(h, {{&from.weight_1, h, hp}});
        b.b.bias = sum(hp, {&from.bias_1, &feature_bias_of(i + 1)});
        b.scale = padded(from.scale, hp), b.shift = padded(from.shift, hp);
        p->flops += 2.0 * static_cast<double>(h * (2 * h + (reads ? c : 0)));
        p->blocks.push_back(std::move(b));
    }
    p->out_scale = padded(network.out_scale, hp), p->out_shift = padded(network.out_shift, hp);
    p->out_slope = network.out_slope;
    p->out_weight.assign(network.outputs * hp, 0.0f);
    for (std::size_t o = 0; o < network.outputs; ++o)
        std::copy_n(network.out_weight.begin() + static_cast<std::ptrdiff_t>(o * h), h,
                    p->out_weight.begin() + static_cast<std::ptrdiff_t>(o * hp));
    p->out_bias = sum(network.outputs, {&network.out_bias});
    p->flops += 2.0 * static_cast<double>(h * network.outputs);
    p->network = network;
    packed_ = std::move(p);
}

void ResidualMlp::Packed::make_back() const {
    const std::size_t h = hidden, hp = padded, c = features;
    for (std::size_t i = 0; i < network.blocks.size(); ++i) {
        const auto& from = network.blocks[i];
        BackBlock b;
        const Floats t0 = transposed(from.weight_0, h, h), t1 = transposed(from.weight_1, h, h);
        b.a = pack(h, {{&t0, h, hp}});
        b.b = pack(h, {{&t1, h, hp}});
        // The first block's features are those of `first`.
        if (i > 0 && !from.feature_weight.empty()) {
            const Floats tc = transposed(from.feature_weight, h, c);
            b.features = pack(c, {{&tc, h, hp}});
        }
        back_.push_back(std::move(b));
    }
    static const Floats none;
    const Floats joint =
        sum_of_matrices(network.first_feature_weight, blocks.empty() ? none : network.blocks[0].feature_weight);
    Floats t = joint.empty() ? Floats(c * h, 0.0f) : transposed(joint, h, c);
    const Floats tq =
        network.first_weight.empty() ? Floats(inputs * h, 0.0f) : transposed(network.first_weight, h, inputs);
    t.insert(t.end(), tq.begin(), tq.end());
    back_first_ = pack(c + inputs, {{&t, h, hp}});
}

const std::vector<ResidualMlp::Packed::BackBlock>& ResidualMlp::Packed::back() const {
    std::call_once(back_once_, [this] { make_back(); });
    return back_;
}

const PackedMatrix& ResidualMlp::Packed::back_first() const {
    back();
    return back_first_;
}

std::size_t ResidualMlp::inputs() const { return packed_->inputs; }
std::size_t ResidualMlp::features() const { return packed_->features; }
std::size_t ResidualMlp::outputs() const { return packed_->outputs; }
double ResidualMlp::flops() const { return packed_->flops; }

}  // namespace nir::kernels
