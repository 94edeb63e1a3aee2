// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/ops/conditional_norm.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include <algorithm>
#include <vector>

namespace nir::nn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Rows of points added up in the tensor's own precision before they join the sums in double.
constexpr std::int64_t kRows = 64;

/// Calls f(b) for every shape, on all threads.
template <class F>
void for_shapes(std::int64_t batch, const F& f) {
    parallel_for(static_cast<std::size_t>(batch), 1, [&](std::size_t from, std::size_t to) {
        for (std::size_t b = from; b < to; ++b) f(static_cast<std::int64_t>(b));
    });
}

/// Sums over the points of each shape of two things per channel: [2][B][F], in double.
/// add(b, row, channels' first sums, second sums) adds one row.
template <class T, class Add>
std::vector<double> sums_of(std::int64_t batch, std::int64_t points, std::int64_t channels, const Add& add) {
    const auto f = static_cast<std::size_t>(channels), half = static_cast<std::size_t>(batch) * f;
    std::vector<double> out(2 * half, 0.0);
    for_shapes(batch, [&](std::int64_t b) {
        std::vector<T> first(f), second(f);
        double *to_first = out.data() + static_cast<std::size_t>(b) * f, *to_second = to_first + half;
        for (std::int64_t at = 0; at < points; at += kRows) {
            std::fill(first.begin(), first.end(), T(0));
            std::fill(second.begin(), second.end(), T(0));
            const std::int64_t end = std::min(points, at + kRows);
            for (std::int64_t t = at; t < end; ++t) add(b, b * points + t, first.data(), second.data());
            for (std::size_t c = 0; c < f; ++c) to_first[c] += first[c], to_second[c] += second[c];
        }
    });
    return out;
}

/// Per channel: the sum over shapes.
Tensor over_shapes(const double* sums, std::int64_t batch, std::int64_t channels) {
    return torch::from_blob(const_cast<double*>(sums), {batch, channels}, torch::kFloat64).sum(0);
}

/// Rough means (of a few rows) to take squares around, so that the variance loses no digits.
Tensor pivots(const Tensor& rows) {
    const std::int64_t n = std::min<std::int64_t>(rows.size(0), 64);
    return rows.narrow(0, 0, n).to(torch::kFloat64).mean(0);
}

template <class T>
ChannelStatistics statistics_of(const Tensor& x) {
    const std::int64_t batch = x.size(0), points = x.size(1), f = x.size(2);
    const Tensor around = pivots(x.view({-1, f})), around_t = around.to(x.scalar_type());
    const T *data = x.data_ptr<T>(), *p = around_t.data_ptr<T>();
    const auto sums = sums_of<T>(batch, points, f, [&](std::int64_t, std::int64_t row, T* first, T* second) {
        const T* v = data + row * f;
        for (std::int64_t c = 0; c < f; ++c) {
            const T d = v[c] - p[c];
            first[c] += d, second[c] += d * d;
        }
    });
    const double n = static_cast<double>(batch * points);
    const Tensor mean_d = over_shapes(sums.data(), batch, f) / n;
    const Tensor square = over_shapes(sums.data() + batch * f, batch, f) / n;
    const Tensor pivot = around_t.to(torch::kFloat64);
    return {pivot + mean_d, (square - mean_d.square()).clamp_min(0)};
}

template <class T>
Tensor forward_of(const Tensor& x, const Tensor& scale, const Tensor& shift) {
    const std::int64_t points = x.size(1), f = x.size(2);
    Tensor out = torch::empty_like(x);
    for_shapes(x.size(0), [&](std::int64_t b) {
        const T *v = x.data_ptr<T>() + b * points * f, *a = scale.data_ptr<T>() + b * f,
                *s = shift.data_ptr<T>() + b * f;
        T* y = out.data_ptr<T>() + b * points * f;
        for (std::int64_t t = 0; t < points; ++t, v += f, y += f)
            for (std::int64_t c = 0; c < f; ++c) {
                const T value = a[c] * v[c] + s[c];
                y[c] = value > T(0) ? value : T(0);
            }
    });
    return out;
}

/// Gradients of x, gamma and beta, [B,T,F], [B,F], [B,F].
template <class T>
variable_list backward_of(const Tensor& dy, const Tensor& x, const Tensor& y, const Tensor& gamma, const Tensor& mean,
                          const Tensor& inverse) {
    const std::int64_t batch = x.size(0), points = x.size(1), f = x.size(2);
    const Tensor mean_t = mean.to(x.scalar_type()), inverse_t = inverse.to(x.scalar_type());
    const T *m = mean_t.data_ptr<T>(), *i = inverse_t.data_ptr<T>();
    const T *xs = x.data_ptr<T>(), *ys = y.data_ptr<T>(), *ds = dy.data_ptr<T>();
    const auto sums = sums_of<T>(batch, points, f, [&](std::int64_t, std::int64_t row, T* first, T* second) {
        const T *v = xs + row * f, *out = ys + row * f, *d = ds + row * f;
        for (std::int64_t c = 0; c < f; ++c) {
            const T g = out[c] > T(0) ? d[c] : T(0);
            first[c] += g, second[c] += g * ((v[c] - m[c]) * i[c]);
        }
    });
    const auto per_shape = [&](const double* from) {
        return torch::from_blob(const_cast<double*>(from), {batch, f}, torch::kFloat64).clone();
    };
    const Tensor dbeta = per_shape(sums.data()), dgamma = per_shape(sums.data() + batch * f);
    // dx = inverse * (gamma dy - mean of that - xhat * mean of that times xhat)
    const double n = static_cast<double>(batch * points);
    const Tensor gamma_d = gamma.to(torch::kFloat64);
    const Tensor mean_g = ((gamma_d * dbeta).sum(0) / n * inverse).to(x.scalar_type());
    const Tensor mean_gx = ((gamma_d * dgamma).sum(0) / n * inverse * inverse).to(x.scalar_type());
    const Tensor scale = (gamma_d * inverse).to(x.scalar_type()).contiguous();
    const T *mg = mean_g.data_ptr<T>(), *mgx = mean_gx.data_ptr<T>();
    Tensor dx = torch::empty_like(x);
    for_shapes(batch, [&](std::int64_t b) {
        const T* a = scale.data_ptr<T>() + b * f;
        for (std::int64_t row = b * points; row < (b + 1) * points; ++row) {
            const T *v = xs + row * f, *out = ys + row * f, *d = ds + row * f;
            T* to = dx.data_ptr<T>() + row * f;
            for (std::int64_t c = 0; c < f; ++c) {
                const T g = out[c] > T(0) ? d[c] : T(0);
                to[c] = a[c] * g - mg[c] - (v[c] - m[c]) * mgx[c];
            }
        }
    });
    return {dx, dgamma.to(gamma.scalar_type()), dbeta.to(gamma.scalar_type())};
}

class ConditionalNormRelu : public torch::autograd::Function<ConditionalNormRelu> {
public:
    static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& gamma, const Tensor& beta,
                          double eps, ChannelStatistics* statistics) {
        const bool single = x.scalar_type() == torch::kFloat32;
        *statistics = single ? statistics_of<float>(x) : statistics_of<double>(x);
        const Tensor inverse = torch::rsqrt(statistics->variance + eps);
        const Tensor gamma_d = gamma.to(torch::kFloat64);
        const Tensor scale = gamma_d * inverse, shift = beta.to(torch::kFloat64) - scale * statistics->mean;
        const Tensor a = scale.to(x.scalar_type()).contiguous(), s = shift.to(x.scalar_type()).contiguous();
        Tensor y = single ? forward_of<float>(x, a, s) : forward_of<double>(x, a, s);
        context->save_for_backward({x, y, gamma, statistics->mean, inverse});
        return y;
    }
    static variable_list backward(AutogradContext* context, variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const Tensor dy = gradients[0].contiguous();
        variable_list out = dy.scalar_type() == torch::kFloat32
                                ? backward_of<float>(dy, saved[0], saved[1], saved[2], saved[3], saved[4])
                                : backward_of<double>(dy, saved[0], saved[1], saved[2], saved[3], saved[4]);
        out.resize(5);
        return out;
    }
};

}  // namespace

Tensor conditional_norm_relu(const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps,
                             ChannelStatistics& statistics) {
    NIR_CHECK(x.dim() == 3 && x.numel() > 0 && x.device().is_cpu());
    NIR_CHECK(gamma.size(0) == x.size(0) && gamma.size(1) == x.size(2) && beta.sizes() == gamma.sizes());
    return ConditionalNormRelu::apply(x.contiguous(), gamma, beta, eps, &statistics);
}

}  // namespace nir::nn
