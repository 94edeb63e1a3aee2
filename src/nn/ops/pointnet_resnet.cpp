// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/ops/pointnet_resnet.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/kernels/row_ops.h"

#include <algorithm>
#include <limits>

namespace nir::nn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::size_t kFirst = 2, kPerBlock = 5;  // weights in a list: fc_pos, then those of the blocks

/// Sizes and weights, as the operation's list has them.
struct Net {
    std::int64_t batch, points, h;
    const variable_list& weights;

    Net(const Tensor& p, const variable_list& w)
        : batch(p.size(0)), points(p.size(1)), h(w[kFirst + 2].size(0)), weights(w) {}
    std::int64_t rows() const { return batch * points; }
    std::size_t blocks() const { return (weights.size() - kFirst) / kPerBlock; }
    const Tensor& of(std::size_t block, std::size_t i) const { return weights[kFirst + kPerBlock * block + i]; }
    /// The columns of fc_0 (0) or the shortcut (4) that see the point, and those that see the maximum.
    Tensor own(std::size_t block, std::size_t i) const { return of(block, i).slice(1, 0, h); }
    Tensor pooled(std::size_t block, std::size_t i) const { return of(block, i).slice(1, h); }
};

/// Maximum over the points of each shape, [B,h], and the row (of B T) that holds it, [B,h] i32.
struct Pooled {
    Tensor values, rows;
};

template <class T>
void pool(const Net& net, const Tensor& x, Pooled& out) {
    const auto n = static_cast<std::size_t>(net.points * net.h), h = static_cast<std::size_t>(net.h);
    parallel_for(static_cast<std::size_t>(net.batch), 1, [&](std::size_t from, std::size_t to) {
        for (auto b = static_cast<std::int64_t>(from); b < static_cast<std::int64_t>(to); ++b) {
            std::int32_t* rows = out.rows.data_ptr<std::int32_t>() + b * net.h;
            kernels::max_over_rows(std::span<const T>(x.data_ptr<T>() + b * net.points * net.h, n),
                                   std::span(out.values.data_ptr<T>() + b * net.h, h), std::span(rows, h));
            for (std::int64_t c = 0; c < net.h; ++c) rows[c] += static_cast<std::int32_t>(b * net.points);
        }
    });
}

Pooled pool(const Net& net, const Tensor& x) {
    Pooled out{torch::zeros({net.batch, net.h}, x.options()), torch::zeros({net.batch, net.h}, torch::kInt32)};
    if (net.rows() == 0) return out;
    if (x.scalar_type() == torch::kFloat32)
        pool<float>(net, x, out);
    else
        pool<double>(net, x, out);
    return out;
}

/// [B T, n]: the row of its shape for every point.
Tensor spread(const Net& net, const Tensor& per_shape) {
    Tensor out = torch::empty({net.batch, net.points, per_shape.size(1)}, per_shape.options());
    return out.copy_(per_shape.unsqueeze(1)).view({net.rows(), per_shape.size(1)});
}

/// What backward needs of the way forward.
struct Trace {
    Tensor first;                // relu(fc_pos), [B T,2h]
    variable_list x, hidden;     // of each block: its input (not of the first), relu(fc_0), [B T,h]
    std::vector<Pooled> pooled;  // of each block's output

    Tensor code() const { return pooled.back().values; }
};

/// fc_pos followed by the first block's shortcut: weight [h,3] and bias [h].
std::pair<Tensor, Tensor> joined(const Net& net) {
    const Tensor& shortcut = net.of(0, 4);
    return {torch::mm(shortcut, net.weights[0]), torch::mv(shortcut, net.weights[1])};
}

Trace forward_of(const Net& net, const Tensor& p) {
    Trace trace;
    trace.first = torch::addmm(net.weights[1], p, net.weights[0].t()).relu_();
    trace.hidden.push_back(torch::addmm(net.of(0, 1), trace.first, net.of(0, 0).t()).relu_());
    const auto [weight, bias] = joined(net);
    Tensor x = torch::addmm(bias + net.of(0, 3), p, weight.t());
    x.addmm_(trace.hidden[0], net.of(0, 2).t());
    trace.pooled.push_back(pool(net, x));
    for (std::size_t i = 1; i < net.blocks(); ++i) {
        const Tensor& most = trace.pooled.back().values;
        Tensor hidden = spread(net, torch::addmm(net.of(i, 1), most.relu(), net.pooled(i, 0).t()));
        hidden.addmm_(x.relu(), net.own(i, 0).t()).relu_();
        Tensor next = spread(net, torch::addmm(net.of(i, 3), most, net.pooled(i, 4).t()));
        next.addmm_(x, net.own(i, 4).t());
        next.addmm_(hidden, net.of(i, 2).t());
        trace.x.push_back(x), trace.hidden.push_back(hidden);
        x = next;
        trace.pooled.push_back(pool(net, x));
    }
    return trace;
}

/// The rows that receive a gradient, in rising order, and that gradient.
class Reached {
public:
    explicit Reached(const Net& net)
        : net_(net),
          at_(static_cast<std::size_t>(net.rows()), -1),
          begin_(static_cast<std::size_t>(net.batch + 1), 0) {}

    /// Takes the gradients of the rows so far, [R,h], and adds that of a maximum: rows that hold it join.
    void add(const Tensor& so_far, const Pooled& pooled, const Tensor& dL_dmax) {
        const std::int32_t* holder = pooled.rows.data_ptr<std::int32_t>();
        const auto n = static_cast<std::size_t>(pooled.rows.numel());
        std::vector<char> wanted(at_.size(), 0);
        for (std::size_t i = 0; i < n; ++i) wanted[static_cast<std::size_t>(holder[i])] = 1;
        std::vector<std::int64_t> rows, before;
        for (std::size_t r = 0; r < at_.size(); ++r) {
            if (at_[r] >= 0) before.push_back(static_cast<std::int64_t>(rows.size()));
            if (at_[r] >= 0 || wanted[r])
                at_[r] = static_cast<std::int64_t>(rows.size()), rows.push_back(static_cast<std::int64_t>(r));
        }
        if (before.size() == rows.size()) {
            gradient = so_far;
        } else {
            gradient = torch::zeros({static_cast<std::int64_t>(rows.size()), net_.h}, dL_dmax.options());
            if (!before.empty()) gradient.index_copy_(0, torch::tensor(before, torch::kInt64), so_far);
            index_ = torch::tensor(rows, torch::kInt64);
            for (std::size_t b = 0, r = 0; b < begin_.size(); ++b) {
                while (r < rows.size() && rows[r] < static_cast<std::int64_t>(b) * net_.points) ++r;
                begin_[b] = static_cast<std::int64_t>(r);
            }
        }
        const auto add_to = [&]<class T>(T) {
            const T* from = dL_dmax.data_ptr<T>();
            T* to = gradient.data_ptr<T>();
            for (std::size_t i = 0; i < n; ++i)
                to[at_[static_cast<std::size_t>(holder[i])] * net_.h + static_cast<std::int64_t>(i) % net_.h] +=
                    from[i];
        };
        dL_dmax.scalar_type() == torch::kFloat32 ? add_to(float{}) : add_to(double{});
    }

    /// The same rows of a tensor of all points.
    Tensor of(const Tensor& all) const { return index_.size(0) == net_.rows() ? all : all.index_select(0, index_); }
    /// All rows from these; 0 elsewhere.
    Tensor spread(const Tensor& mine) const {
        if (index_.size(0) == net_.rows()) return mine;
        return torch::zeros({net_.rows(), mine.size(1)}, mine.options()).index_copy_(0, index_, mine);
    }
    /// Sum over the rows of each shape, [B,n].
    Tensor sum_by_shape(const Tensor& mine) const {
        Tensor out = torch::zeros({net_.batch, mine.size(1)}, mine.options());
        const auto sum = [&]<class T>(T) {
            const std::int64_t n = mine.size(1);
            parallel_for(static_cast<std::size_t>(net_.batch), 1, [&](std::size_t from, std::size_t last) {
                for (auto b = static_cast<std::int64_t>(from); b < static_cast<std::int64_t>(last); ++b) {
                    T* to = out.data_ptr<T>() + b * n;
                    const auto shape = static_cast<std::size_t>(b);
                    for (std::int64_t r = begin_[shape]; r < begin_[shape + 1]; ++r) {
                        const T* row = mine.data_ptr<T>() + r * n;
                        for (std::int64_t c = 0; c < n; ++c) to[c] += row[c];
                    }
                }
            });
        };
        mine.scalar_type() == torch::kFloat32 ? sum(float{}) : sum(double{});
        return out;
    }

    Tensor gradient;

private:
    const Net& net_;
    std::vector<std::int64_t> at_, begin_;  // place of each point's row, -1: none; first place of each shape
    Tensor index_;
};

Tensor masked(const Tensor& gradient, const Tensor& activated) {
    return torch::threshold_backward(gradient, activated, 0);
}

/// Gradients of points (first) and weights.
variable_list backward_of(const Net& net, const Tensor& p, const Trace& trace, const Tensor& dL_dcode, bool of_points) {
    variable_list out(1 + net.weights.size());
    const auto to = [&](std::size_t block, std::size_t i) -> Tensor& {
        return out[1 + kFirst + kPerBlock * block + i];
    };
    Reached reached(net);
    reached.add({}, trace.pooled.back(), dL_dcode);
    for (std::size_t i = net.blocks() - 1; i > 0; --i) {
        const Tensor &d = reached.gradient, &most = trace.pooled[i - 1].values;
        const Tensor hidden = reached.of(trace.hidden[i]), x = reached.of(trace.x[i - 1]), active = x.relu();
        const Tensor d_sum = reached.sum_by_shape(d), most_active = most.relu();
        const Tensor inner = masked(torch::mm(d, net.of(i, 2)), hidden), inner_sum = reached.sum_by_shape(inner);
        to(i, 0) = torch::cat({torch::mm(inner.t(), active), torch::mm(inner_sum.t(), most_active)}, 1);
        to(i, 1) = inner_sum.sum(0);
        to(i, 2) = torch::mm(d.t(), hidden), to(i, 3) = d_sum.sum(0);
        to(i, 4) = torch::cat({torch::mm(d.t(), x), torch::mm(d_sum.t(), most)}, 1);
        Tensor below = masked(torch::mm(inner, net.own(i, 0)), active);
        below.addmm_(d, net.own(i, 4));
        const Tensor d_most =
            torch::mm(d_sum, net.pooled(i, 4)) + masked(torch::mm(inner_sum, net.pooled(i, 0)), most_active);
        reached.add(below, trace.pooled[i - 1], d_most);
    }
    const Tensor &d = reached.gradient, hidden = reached.of(trace.hidden[0]), first = reached.of(trace.first);
    const Tensor mine = reached.of(p), d_sum = d.sum(0);
    const Tensor inner = masked(torch::mm(d, net.of(0, 2)), hidden);
    to(0, 0) = torch::mm(inner.t(), first), to(0, 1) = inner.sum(0);
    to(0, 2) = torch::mm(d.t(), hidden), to(0, 3) = d_sum;
    // d reaches fc_pos through the shortcut: x = fc_pos(p) enters as p alone, for it is linear.
    const Tensor d_points = torch::mm(d.t(), mine), &shortcut = net.of(0, 4);
    to(0, 4) = torch::addmm(torch::outer(d_sum, net.weights[1]), d_points, net.weights[0].t());
    const Tensor outer = masked(torch::mm(inner, net.of(0, 0)), first);
    out[1] = torch::addmm(torch::mm(outer.t(), mine), shortcut.t(), d_points);
    out[2] = outer.sum(0) + torch::mv(shortcut.t(), d_sum);
    if (of_points)
        out[0] = reached.spread(torch::addmm(torch::mm(outer, net.weights[0]), d, joined(net).first))
                     .view({net.batch, net.points, 3});
    return out;
}

struct Op : torch::autograd::Function<Op> {
    static Tensor forward(AutogradContext* context, const Tensor& points, at::TensorList list, bool record) {
        const variable_list weights = list.vec();
        const Net net(points, weights);
        const Trace trace = forward_of(net, points.view({-1, 3}));
        if (!record) return trace.code();
        variable_list saved = weights;
        saved.push_back(points), saved.push_back(trace.first);
        for (const auto* part : {&trace.x, &trace.hidden}) saved.insert(saved.end(), part->begin(), part->end());
        for (const Pooled& m : trace.pooled) saved.push_back(m.values), saved.push_back(m.rows);
        context->save_for_backward(saved);
        context->saved_data["weights"] = static_cast<std::int64_t>(weights.size());
        context->saved_data["of_points"] = points.requires_grad();
        return trace.code().clone();  // what is saved must not be the output
    }

    static variable_list backward(AutogradContext* context, variable_list gradients) {
        const variable_list saved = context->get_saved_variables();
        auto from = saved.begin();
        const auto take = [&](std::size_t n) {
            from += static_cast<std::ptrdiff_t>(n);
            return variable_list(from - static_cast<std::ptrdiff_t>(n), from);
        };
        const variable_list weights = take(static_cast<std::size_t>(context->saved_data["weights"].toInt()));
        const Tensor points = take(1)[0];
        const Net net(points, weights);
        Trace trace;
        trace.first = take(1)[0];
        trace.x = take(net.blocks() - 1), trace.hidden = take(net.blocks());
        for (std::size_t i = 0; i < net.blocks(); ++i) {
            const variable_list two = take(2);
            trace.pooled.push_back({two[0], two[1]});
        }
        variable_list out;
        if (net.rows() == 0) {
            out.push_back(torch::zeros_like(points));
            for (const Tensor& w : weights) out.push_back(torch::zeros_like(w));
        } else {
            out = backward_of(net, points.view({-1, 3}), trace, gradients[0].contiguous(),
                              context->saved_data["of_points"].toBool());
        }
        out.emplace_back();  // record
        return out;
    }
};

}  // namespace

Tensor pointnet_resnet(const Tensor& points, const PointnetWeights& weights) {
    NIR_CHECK(points.dim() == 3 && points.size(2) == 3 && points.device().is_cpu() && !weights.blocks.empty());
    NIR_CHECK(points.size(0) * points.size(1) <= std::numeric_limits<std::int32_t>::max());
    variable_list list{weights.fc_pos_weight, weights.fc_pos_bias};
    for (const auto& b : weights.blocks)
        list.insert(list.end(), {b.fc_0_weight, b.fc_0_bias, b.fc_1_weight, b.fc_1_bias, b.shortcut_weight});
    const bool record = torch::GradMode::is_enabled() &&
                        (points.requires_grad() ||
                         std::any_of(list.begin(), list.end(), [](const Tensor& t) { return t.requires_grad(); }));
    return Op::apply(points.contiguous(), at::TensorList(list), record);
}

}  // namespace nir::nn
