// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/ops/conditional_resnet.h"

#include "nir/base/error.h"
#include "nir/kernels/row_ops.h"

#include "nn/ops/row_tiles.h"

#include <cmath>

namespace nir::nn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// A normalisation of the batch at hand, modulated per shape: y = relu(scale[b] u + shift[b]).
template <class T>
struct Norm {
    std::vector<double> inverse_d;  // [F]
    std::vector<T> mean, inverse;   // [F]
    std::vector<T> scale, shift;    // [B,F]
    std::vector<T> offset, slope;   // [F]: for the way back
};

/// The network while it runs forward or backward over one batch. Normalisation l stands in front of layer l and sees
/// u[l]; layer 2 k + 1 adds its output to u[2 k].
template <class T>
class Run {
public:
    Run(const Tensor& x, const variable_list& weights, const variable_list& gamma, const variable_list& beta,
        const Tensor& out_weight, double eps)
        : tiles_(x.size(0), x.size(1), x.size(2)),
          f_(static_cast<std::size_t>(x.size(2))),
          weights_(weights),
          gamma_(gamma),
          beta_(beta),
          out_weight_(out_weight),
          eps_(eps),
          norms_(gamma.size()) {}

    /// Fills u behind u[0] and the statistics. @return [B,T]
    Tensor forward(variable_list& u, const Tensor& out_bias, std::vector<ChannelStatistics>& statistics) {
        measure(u[0]);
        for (std::size_t l = 0; l < weights_.size(); ++l) {
            finish_forward(l, &statistics);
            Tensor next = torch::empty_like(u[0]);
            tiles_.each_tile<T>(1, [&](const RowTile& tile, T* scratch) {
                activate(l, u[l], tile, scratch);
                Tensor out = tiles_.view<T>(next, tile);
                const Tensor h = tiles_.view(scratch, tile);
                if (l % 2 == 0) {
                    torch::mm_out(out, h, weights_[l].t());
                } else {
                    out.copy_(tiles_.view<T>(u[l - 1], tile));
                    out.addmm_(h, weights_[l].t());
                }
                add_moments_of(next, tile);
            });
            u.push_back(next);
        }
        const std::size_t last = weights_.size();
        finish_forward(last, &statistics);
        Tensor logits = torch::empty({u[0].size(0), u[0].size(1)}, u[0].options());
        const T bias = out_bias.item<T>();
        tiles_.each_tile<T>(1, [&](const RowTile& tile, T* scratch) {
            activate(last, u[last], tile, scratch);
            Tensor out = torch::from_blob(logits.data_ptr<T>() + tile.first, {tile.rows()}, logits.options());
            torch::mv_out(out, tiles_.view(scratch, tile), out_weight_);
            out.add_(bias);
        });
        return logits;
    }

    struct Gradients {
        Tensor x, out_weight;
        variable_list weights, gamma, beta;
    };

    Gradients backward(const variable_list& u, const std::vector<ChannelStatistics>& statistics,
                       const Tensor& dL_dlogits);

private:
    const T* channels(const std::vector<T>& per_shape, std::int64_t shape) const {
        return per_shape.data() + static_cast<std::size_t>(shape) * f_;
    }
    static const T* rows_of(const Tensor& t, std::int64_t row) { return t.data_ptr<T>() + row * t.size(2); }

    /// scratch = relu(norm l of u) of the tile's rows.
    void activate(std::size_t l, const Tensor& u, const RowTile& tile, T* scratch) const {
        const Norm<T>& norm = norms_[l];
        tiles_.each_piece(tile, [&](const RowPiece& p, std::size_t) {
            const std::size_t n = p.rows() * f_;
            kernels::affine_relu(std::span(rows_of(u, p.first), n), std::span(channels(norm.scale, p.shape), f_),
                                 std::span(channels(norm.shift, p.shape), f_),
                                 std::span(scratch + static_cast<std::size_t>(p.first - tile.first) * f_, n));
        });
    }

    void measure(const Tensor& u) {
        sums_.assign(tiles_.pieces() * 2 * f_, 0.0);
        tiles_.each_tile<T>(0, [&](const RowTile& tile, T*) { add_moments_of(u, tile); });
    }

    /// Sums around the first row of each piece.
    void add_moments_of(const Tensor& u, const RowTile& tile) {
        tiles_.each_piece(tile, [&](const RowPiece& p, std::size_t i) {
            const T* x = rows_of(u, p.first);
            double* sum = sums_.data() + i * 2 * f_;
            std::fill(sum, sum + 2 * f_, 0.0);
            kernels::add_moments(std::span(x, p.rows() * f_), std::span(x, f_), std::span(sum, f_),
                                 std::span(sum + f_, f_));
            // mean of the piece, sum of squares around it
            const auto n = static_cast<double>(p.rows());
            for (std::size_t c = 0; c < f_; ++c) {
                const double s = sum[c];
                sum[c] = static_cast<double>(x[c]) + s / n;
                sum[f_ + c] -= s * s / n;
            }
        });
    }

    /// Statistics of the batch from those of the pieces, and the affine maps of normalisation l.
    void finish_forward(std::size_t l, std::vector<ChannelStatistics>* statistics) {
        ChannelStatistics& s = statistics->emplace_back();
        s.mean = torch::zeros({tiles_.channels()}, torch::kFloat64), s.variance = torch::zeros_like(s.mean);
        double *mean = s.mean.data_ptr<double>(), *variance = s.variance.data_ptr<double>();
        double seen = 0;
        for (std::size_t i = 0; i < tiles_.pieces(); ++i) {
            const auto n = static_cast<double>(tiles_.piece(i).rows());
            const double *mean_i = sums_.data() + i * 2 * f_, *squares_i = mean_i + f_;
            for (std::size_t c = 0; c < f_; ++c) {
                const double delta = mean_i[c] - mean[c];
                mean[c] += delta * n / (seen + n);
                variance[c] += squares_i[c] + delta * delta * seen * n / (seen + n);
            }
            seen += n;
        }
        for (std::size_t c = 0; c < f_; ++c) variance[c] = std::max(0.0, variance[c] / seen);
        set_norm(l, s);
    }

    void set_norm(std::size_t l, const ChannelStatistics& s) {
        Norm<T>& norm = norms_[l];
        const double *mean = s.mean.data_ptr<double>(), *variance = s.variance.data_ptr<double>();
        norm.inverse_d.resize(f_), norm.mean.resize(f_), norm.inverse.resize(f_);
        for (std::size_t c = 0; c < f_; ++c) {
            norm.inverse_d[c] = 1 / std::sqrt(variance[c] + eps_);
            norm.mean[c] = static_cast<T>(mean[c]), norm.inverse[c] = static_cast<T>(norm.inverse_d[c]);
        }
        const auto shapes = static_cast<std::size_t>(gamma_[l].size(0));
        norm.scale.resize(shapes * f_), norm.shift.resize(shapes * f_);
        const T *gamma = gamma_[l].template data_ptr<T>(), *beta = beta_[l].template data_ptr<T>();
        for (std::size_t i = 0; i < shapes * f_; ++i) {
            const double scale = static_cast<double>(gamma[i]) * norm.inverse_d[i % f_];
            norm.scale[i] = static_cast<T>(scale);
            norm.shift[i] = static_cast<T>(static_cast<double>(beta[i]) - scale * mean[i % f_]);
        }
    }

    /// g = dL/drelu becomes dL/d(in front of the ReLU); its sums go to the pieces.
    void mask_and_sum(std::size_t l, const Tensor& g, const Tensor& u, const RowTile& tile, const T* activated) {
        const Norm<T>& norm = norms_[l];
        tiles_.each_piece(tile, [&](const RowPiece& p, std::size_t i) {
            const std::size_t n = p.rows() * f_;
            double* sum = sums_.data() + i * 2 * f_;
            std::fill(sum, sum + 2 * f_, 0.0);
            kernels::relu_norm_sums(std::span(const_cast<T*>(rows_of(g, p.first)), n),
                                    std::span(activated + static_cast<std::size_t>(p.first - tile.first) * f_, n),
                                    std::span(rows_of(u, p.first), n), std::span(norm.mean), std::span(norm.inverse),
                                    std::span(sum, f_), std::span(sum + f_, f_));
        });
    }

    /// Gradients of gamma and beta from the sums of the pieces, and what the way back through normalisation l needs:
    /// du = inverse (gamma g - mean of that - n mean of that times n), n = (u - mean) inverse.
    void finish_backward(std::size_t l, Gradients& out) {
        Tensor dbeta = torch::zeros(beta_[l].sizes(), torch::kFloat64), dgamma = torch::zeros_like(dbeta);
        double *to_beta = dbeta.data_ptr<double>(), *to_gamma = dgamma.data_ptr<double>();
        for (std::size_t i = 0; i < tiles_.pieces(); ++i) {
            const double* sum = sums_.data() + i * 2 * f_;
            const std::size_t at = static_cast<std::size_t>(tiles_.piece(i).shape) * f_;
            for (std::size_t c = 0; c < f_; ++c) to_beta[at + c] += sum[c], to_gamma[at + c] += sum[f_ + c];
        }
        Norm<T>& norm = norms_[l];
        const T* gamma = gamma_[l].template data_ptr<T>();
        std::vector<double> mean_g(f_, 0.0), mean_gn(f_, 0.0);
        for (std::size_t i = 0; i < norm.scale.size(); ++i) {
            mean_g[i % f_] += static_cast<double>(gamma[i]) * to_beta[i];
            mean_gn[i % f_] += static_cast<double>(gamma[i]) * to_gamma[i];
        }
        norm.offset.resize(f_), norm.slope.resize(f_);
        const auto n = static_cast<double>(tiles_.rows());
        for (std::size_t c = 0; c < f_; ++c) {
            norm.offset[c] = static_cast<T>(mean_g[c] / n * norm.inverse_d[c]);
            norm.slope[c] = static_cast<T>(mean_gn[c] / n * norm.inverse_d[c] * norm.inverse_d[c]);
        }
        out.gamma[l] = dgamma.to(gamma_[l].scalar_type()), out.beta[l] = dbeta.to(beta_[l].scalar_type());
    }

    /// d = [d +] gradient of u[l], from that in front of the ReLU.
    void through_norm(std::size_t l, const Tensor& g, const Tensor& u, const RowTile& tile, T* d, bool add) const {
        const Norm<T>& norm = norms_[l];
        tiles_.each_piece(tile, [&](const RowPiece& p, std::size_t) {
            const std::size_t n = p.rows() * f_;
            kernels::norm_backward(std::span(rows_of(g, p.first), n), std::span(rows_of(u, p.first), n),
                                   std::span(channels(norm.scale, p.shape), f_), std::span(norm.offset),
                                   std::span(norm.slope), std::span(norm.mean),
                                   std::span(d + static_cast<std::size_t>(p.first - tile.first) * f_, n), add);
        });
    }

    RowTiles tiles_;
    std::size_t f_;
    const variable_list &weights_, &gamma_, &beta_;
    const Tensor& out_weight_;
    double eps_;
    std::vector<Norm<T>> norms_;
    std::vector<double> sums_;  // of the pieces, two of [F] each
};

template <class T>
typename Run<T>::Gradients Run<T>::backward(const variable_list& u, const std::vector<ChannelStatistics>& statistics,
                                            const Tensor& dL_dlogits) {
    for (std::size_t l = 0; l < norms_.size(); ++l) set_norm(l, statistics[l]);
    const std::size_t last = weights_.size();
    Gradients out;
    out.weights.resize(last), out.gamma.resize(last + 1), out.beta.resize(last + 1);
    const auto options = u[0].options();
    // g: gradient in front of a ReLU; d: that of the sum that runs through the blocks.
    Tensor g = torch::empty_like(u[0]), d = torch::empty_like(u[0]);
    sums_.resize(tiles_.pieces() * 2 * f_);
    {
        GroupSums sums(tiles_, 1, tiles_.channels(), options);
        const Tensor row = out_weight_.unsqueeze(0);
        tiles_.template each_tile<T>(1, [&](const RowTile& tile, T* scratch) {
            activate(last, u[last], tile, scratch);
            const Tensor dl =
                torch::from_blob(dL_dlogits.data_ptr<T>() + tile.first, {tile.rows(), 1}, dL_dlogits.options());
            sums.add(tile, dl, tiles_.view(scratch, tile));
            Tensor to = tiles_.template view<T>(g, tile);
            torch::mul_out(to, dl, row);
            mask_and_sum(last, g, u[last], tile, scratch);
        });
        finish_backward(last, out);
        out.out_weight = sums.total().squeeze(0);
    }
    for (std::size_t odd = last - 1;; odd -= 2) {
        const std::size_t even = odd - 1, next = odd + 1;
        GroupSums first(tiles_, tiles_.channels(), tiles_.channels(), options);
        tiles_.template each_tile<T>(1, [&](const RowTile& tile, T* scratch) {
            Tensor dt = tiles_.template view<T>(d, tile), gt = tiles_.template view<T>(g, tile);
            through_norm(next, g, u[next], tile, dt.data_ptr<T>(), next != last);
            activate(odd, u[odd], tile, scratch);
            first.add(tile, dt, tiles_.view(scratch, tile));
            torch::mm_out(gt, dt, weights_[odd]);
            mask_and_sum(odd, g, u[odd], tile, scratch);
        });
        finish_backward(odd, out);
        out.weights[odd] = first.total();
        GroupSums second(tiles_, tiles_.channels(), tiles_.channels(), options);
        tiles_.template each_tile<T>(2, [&](const RowTile& tile, T* scratch) {
            T* dnet = scratch + tiles_.tile_values();
            Tensor gt = tiles_.template view<T>(g, tile), dt = tiles_.view(dnet, tile);
            through_norm(odd, g, u[odd], tile, dnet, false);
            activate(even, u[even], tile, scratch);
            second.add(tile, dt, tiles_.view(scratch, tile));
            torch::mm_out(gt, dt, weights_[even]);
            mask_and_sum(even, g, u[even], tile, scratch);
        });
        finish_backward(even, out);
        out.weights[even] = second.total();
        if (even == 0) break;
    }
    tiles_.template each_tile<T>(0, [&](const RowTile& tile, T*) {
        through_norm(0, g, u[0], tile, d.data_ptr<T>() + tile.first * tiles_.channels(), true);
    });
    out.x = d;
    return out;
}

/// Normalised u[l] leaves out constants per channel; the statistics that a user wants have them.
void add_biases(std::vector<ChannelStatistics>& statistics, at::TensorList biases) {
    Tensor block = biases[0].to(torch::kFloat64);
    for (std::size_t l = 0; l < statistics.size(); ++l) {
        statistics[l].mean = statistics[l].mean + (l % 2 == 0 ? block : biases[l].to(torch::kFloat64));
        if (l % 2 == 1) block = block + biases[l + 1].to(torch::kFloat64);
    }
}

template <class F>
auto for_type(const Tensor& x, const F& f) {
    return x.scalar_type() == torch::kFloat32 ? f(float{}) : f(double{});
}

struct Op : torch::autograd::Function<Op> {
    static Tensor forward(AutogradContext* context, const Tensor& x, at::TensorList weights, at::TensorList biases,
                          at::TensorList gamma, at::TensorList beta, const Tensor& out_weight, const Tensor& out_bias,
                          double eps, std::vector<ChannelStatistics>* statistics) {
        const variable_list w = weights.vec(), ga = gamma.vec(), be = beta.vec();
        variable_list u{x};
        statistics->clear();
        const Tensor logits = for_type(
            x, [&]<class T>(T) { return Run<T>(x, w, ga, be, out_weight, eps).forward(u, out_bias, *statistics); });
        variable_list saved = u;
        for (const auto* list : {&w, &ga, &be}) saved.insert(saved.end(), list->begin(), list->end());
        for (const ChannelStatistics& s : *statistics) saved.push_back(s.mean), saved.push_back(s.variance);
        saved.push_back(out_weight);
        context->save_for_backward(saved);
        context->saved_data["eps"] = eps;
        context->saved_data["layers"] = static_cast<std::int64_t>(w.size());
        add_biases(*statistics, biases);
        return logits;
    }

    static variable_list backward(AutogradContext* context, variable_list gradients) {
        const variable_list saved = context->get_saved_variables();
        const auto layers = static_cast<std::size_t>(context->saved_data["layers"].toInt()), norms = layers + 1;
        auto from = saved.begin();
        const auto take = [&](std::size_t n) {
            from += static_cast<std::ptrdiff_t>(n);
            return variable_list(from - static_cast<std::ptrdiff_t>(n), from);
        };
        const variable_list u = take(norms), weights = take(layers), gamma = take(norms), beta = take(norms);
        std::vector<ChannelStatistics> statistics;
        for (std::size_t l = 0; l < norms; ++l) {
            const variable_list two = take(2);
            statistics.push_back({two[0], two[1]});
        }
        const Tensor out_weight = take(1)[0], dL_dlogits = gradients[0].contiguous();
        const double eps = context->saved_data["eps"].toDouble();
        variable_list out;
        for_type(u[0], [&]<class T>(T) {
            auto g = Run<T>(u[0], weights, gamma, beta, out_weight, eps).backward(u, statistics, dL_dlogits);
            out.push_back(g.x);
            out.insert(out.end(), g.weights.begin(), g.weights.end());
            for (std::size_t i = 0; i < norms; ++i) out.push_back(torch::zeros({u[0].size(2)}, u[0].options()));
            out.insert(out.end(), g.gamma.begin(), g.gamma.end());
            out.insert(out.end(), g.beta.begin(), g.beta.end());
            out.push_back(g.out_weight);
            return 0;
        });
        out.push_back(dL_dlogits.sum().view({1}));
        out.emplace_back(), out.emplace_back();  // eps, statistics
        return out;
    }
};

void check(const Tensor& x, const ConditionalResnet& network) {
    const std::size_t layers = network.weights.size(), norms = layers + 1;
    const std::int64_t f = x.size(2);
    NIR_CHECK(x.dim() == 3 && x.numel() > 0 && x.device().is_cpu());
    NIR_CHECK(layers >= 2 && layers % 2 == 0 && network.biases.size() == norms);
    NIR_CHECK(network.gamma.size() == norms && network.beta.size() == norms);
    for (const Tensor& w : network.weights) NIR_CHECK(w.dim() == 2 && w.size(0) == f && w.size(1) == f);
    for (const auto* list : {&network.gamma, &network.beta})
        for (const Tensor& t : *list) NIR_CHECK(t.dim() == 2 && t.size(0) == x.size(0) && t.size(1) == f);
    NIR_CHECK(network.out_weight.numel() == f && network.out_bias.numel() == 1);
}

variable_list contiguous(const variable_list& list) {
    variable_list out;
    for (const Tensor& t : list) out.push_back(t.contiguous());
    return out;
}

}  // namespace

Tensor conditional_resnet(const Tensor& x, const ConditionalResnet& network,
                          std::vector<ChannelStatistics>& statistics) {
    check(x, network);
    const variable_list gamma = contiguous(network.gamma), beta = contiguous(network.beta);
    return Op::apply(x.contiguous(), at::TensorList(network.weights), at::TensorList(network.biases),
                     at::TensorList(gamma), at::TensorList(beta), network.out_weight.contiguous(), network.out_bias,
                     network.eps, &statistics);
}

}  // namespace nir::nn
