// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/adam.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/kernels/adam.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace nir::nn {
namespace {

using torch::Tensor;

/// Values [first, last) of tensor i: what a thread takes at a time.
struct Stretch {
    std::size_t tensor;
    std::int64_t first, last;
};

std::vector<Stretch> stretches_of(const std::vector<Tensor>& tensors) {
    constexpr std::int64_t kLongest = 1 << 15;
    std::vector<Stretch> out;
    for (std::size_t i = 0; i < tensors.size(); ++i)
        for (std::int64_t at = 0, n = tensors[i].defined() ? tensors[i].numel() : 0; at < n; at += kLongest)
            out.push_back({i, at, std::min(n, at + kLongest)});
    return out;
}

/// f(stretch, its number) on all threads.
template <class F>
void each(const std::vector<Stretch>& stretches, const F& f) {
    parallel_for(stretches.size(), 1, [&](std::size_t from, std::size_t to) {
        for (std::size_t i = from; i < to; ++i) f(stretches[i], i);
    });
}

template <class T>
std::span<T> values(const Tensor& t, const Stretch& s) {
    return {t.data_ptr<std::remove_const_t<T>>() + s.first, static_cast<std::size_t>(s.last - s.first)};
}

bool is_single(const Tensor& t) { return t.scalar_type() == torch::kFloat32; }

}  // namespace

Adam::Adam(std::vector<Tensor> parameters) : parameters_(std::move(parameters)), states_(parameters_.size()) {
    for (const Tensor& p : parameters_)
        NIR_CHECK(p.device().is_cpu() && p.is_non_overlapping_and_dense() &&
                  (is_single(p) || p.scalar_type() == torch::kFloat64));
}

void Adam::zero_grad() {
    for (Tensor& p : parameters_) p.mutable_grad() = Tensor();
}

double Adam::gradient_norm() const {
    std::vector<Tensor> gradients;
    for (const Tensor& p : parameters_) gradients.push_back(p.grad().defined() ? p.grad().contiguous() : Tensor());
    const auto stretches = stretches_of(gradients);
    std::vector<double> squares(stretches.size());
    each(stretches, [&](const Stretch& s, std::size_t i) {
        const Tensor& g = gradients[s.tensor];
        squares[i] = is_single(g) ? kernels::sum_of_squares(values<const float>(g, s))
                                  : kernels::sum_of_squares(values<const double>(g, s));
    });
    double sum = 0;
    for (const double s : squares) sum += s;
    return std::sqrt(sum);
}

void Adam::step(double lr, double grad_scale) {
    const torch::NoGradGuard no_grad;
    std::vector<Tensor> gradients(parameters_.size()), reached(parameters_.size());
    std::vector<kernels::AdamStep> steps(parameters_.size());
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
        const Tensor &p = parameters_[i], &g = p.grad();
        State& state = states_[i];
        if (!g.defined() && state.step == 0) continue;
        if (state.step == 0) state.mean = torch::zeros_like(p), state.square = torch::zeros_like(p);
        // Values lie in the order of the parameter's memory, whatever its strides are.
        gradients[i] = !g.defined()                 ? torch::zeros_like(p)
                       : g.strides() == p.strides() ? g
                                                    : torch::empty_like(p).copy_(g);
        NIR_CHECK(state.mean.strides() == p.strides() && state.square.strides() == p.strides());
        reached[i] = p;
        const auto n = static_cast<double>(++state.step);
        kernels::AdamStep& s = steps[i];
        s.step = lr / (1 - std::pow(s.beta1, n));
        s.root = std::sqrt(1 - std::pow(s.beta2, n));
        s.grad_scale = grad_scale;
    }
    each(stretches_of(reached), [&](const Stretch& s, std::size_t) {
        const std::size_t i = s.tensor;
        const Tensor &p = parameters_[i], &g = gradients[i], &m = states_[i].mean, &v = states_[i].square;
        if (is_single(p))
            kernels::adam_step(steps[i], values<float>(p, s), values<const float>(g, s), values<float>(m, s),
                               values<float>(v, s));
        else
            kernels::adam_step(steps[i], values<double>(p, s), values<const double>(g, s), values<double>(m, s),
                               values<double>(v, s));
    });
}

}  // namespace nir::nn
