// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/brick_layers.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/kernels/brick_conv.h"
#include "nir/kernels/winograd_conv.h"

#include <algorithm>
#include <functional>

namespace nir::models {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kCellsOfBrick = kBrickCells * kBrickCells * kBrickCells;
/// Sums over bricks are taken in as many parts, at most, and these added in order: so they do not depend on threads. A
/// part has so many cells at least, that the sums' own traffic stays small.
constexpr std::int64_t kSums = 8, kCellsOfSum = 4096;

std::span<float> span_of(const Tensor& t) { return {t.data_ptr<float>(), static_cast<std::size_t>(t.numel())}; }
std::span<float> rows_of(const Tensor& t, std::int64_t first, std::int64_t count) {
    const auto row = static_cast<std::size_t>(t.numel() / t.size(0));
    return span_of(t).subspan(static_cast<std::size_t>(first) * row, static_cast<std::size_t>(count) * row);
}

/// Calls f(begin, end) on the pool.
void for_rows(std::int64_t rows, std::int64_t grain, const std::function<void(std::int64_t, std::int64_t)>& f) {
    parallel_for(static_cast<std::size_t>(rows), static_cast<std::size_t>(grain),
                 [&](std::size_t a, std::size_t b) { f(static_cast<std::int64_t>(a), static_cast<std::int64_t>(b)); });
}

/// Bricks that a kernel takes at a time, so that they stay in the second-level cache.
std::int64_t bricks_together(std::int64_t side) { return std::clamp<std::int64_t>(512 / (side * side * side), 1, 16); }

const BatchBricks& bricks_of(AutogradContext* ctx) {
    return static_cast<const BatchBricks&>(*ctx->saved_data["bricks"].toCapsule());
}
void keep(AutogradContext* ctx, const BatchBricksPtr& bricks) {
    ctx->saved_data["bricks"] = c10::IValue::make_capsule(bricks);
}

/// Copies rows of 8 cells between volumes [B, C, D, H, W] and bricks [N, 8, 8, 8, C].
template <bool kToBricks>
void copy_bricks(const Tensor& volumes, const BatchBricks& bricks, const Tensor& rows) {
    const std::int64_t c = volumes.size(1), d = volumes.size(2), h = volumes.size(3), w = volumes.size(4);
    const auto n = static_cast<std::int64_t>(bricks.places().size());
    float* const volume = volumes.data_ptr<float>();
    float* const row = rows.data_ptr<float>();
    for_rows(n, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            const auto& [sample, at] = bricks.places()[static_cast<std::size_t>(i)];
            float* to = row + i * kCellsOfBrick * c;
            for (std::int64_t k = 0; k < c; ++k)
                for (std::int64_t zy = 0; zy < kBrickCells * kBrickCells; ++zy) {
                    const std::int64_t z = at.z * kBrickCells + zy / kBrickCells;
                    const std::int64_t y = at.y * kBrickCells + zy % kBrickCells;
                    float* p = volume + (((sample * c + k) * d + z) * h + y) * w + at.x * kBrickCells;
                    float* q = to + zy * kBrickCells * c + k;
                    for (std::int64_t x = 0; x < kBrickCells; ++x)
                        if constexpr (kToBricks)
                            q[x * c] = p[x];
                        else
                            p[x] = q[x * c];
                }
        }
    });
}

Tensor gathered(const Tensor& volumes, const BatchBricks& bricks) {
    constexpr std::int64_t b = kBrickCells;
    Tensor rows = torch::empty({bricks.set().size(), b, b, b, volumes.size(1)}, volumes.options());
    copy_bricks<true>(volumes.contiguous(), bricks, rows);
    return rows;
}
Tensor scattered(const Tensor& rows, const BatchBricks& bricks, torch::IntArrayRef sizes) {
    Tensor volumes = torch::zeros({sizes[0], rows.size(4), sizes[2], sizes[3], sizes[4]}, rows.options());
    copy_bricks<false>(volumes, bricks, rows.contiguous());
    return volumes;
}

struct Gather : torch::autograd::Function<Gather> {
    static Tensor forward(AutogradContext* ctx, const Tensor& volumes, const BatchBricksPtr& bricks) {
        keep(ctx, bricks);
        ctx->saved_data["sizes"] = volumes.sizes().vec();
        return gathered(volumes, *bricks);
    }
    static variable_list backward(AutogradContext* ctx, variable_list grads) {
        return {scattered(grads[0], bricks_of(ctx), ctx->saved_data["sizes"].toIntVector()), Tensor()};
    }
};

struct Scatter : torch::autograd::Function<Scatter> {
    static Tensor forward(AutogradContext* ctx, const Tensor& rows, const BatchBricksPtr& bricks,
                          std::vector<std::int64_t> sizes) {
        keep(ctx, bricks);
        return scattered(rows, *bricks, sizes);
    }
    static variable_list backward(AutogradContext* ctx, variable_list grads) {
        return {gathered(grads[0], bricks_of(ctx)), Tensor(), Tensor()};
    }
};

/// g where y > 0, else 0.
Tensor where_positive(const Tensor& g, const Tensor& y) {
    Tensor out = torch::empty_like(y);
    const float *from = g.data_ptr<float>(), *at = y.data_ptr<float>();
    float* to = out.data_ptr<float>();
    for_rows(y.numel(), 1 << 15, [=](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) to[i] = at[i] > 0 ? from[i] : 0.0f;
    });
    return out;
}

/// Winograd's way halves cubes of cells; the single cells of the coarsest level go the plain one.
bool is_even(std::int64_t side) { return side % 2 == 0; }

/// Bricks with the cells around, of the channels of one or two volumes beside each other.
struct Around {
    const BrickSet& set;
    Tensor first, second;  ///< [N, side, side, side, .]; first undefined or [0]: no such volume

    std::int64_t side() const { return second.size(1); }
    bool is_pair() const { return first.defined() && first.dim() == 5; }
    std::int64_t channels() const { return second.size(4) + (is_pair() ? first.size(4) : 0); }
    void gather(std::int64_t begin, std::int64_t count, std::vector<float>& to) const {
        const std::int64_t t = side() + 2, c = channels();
        to.resize(static_cast<std::size_t>(count * t * t * t * c));
        std::int64_t at = 0;
        for (const Tensor& x : is_pair() ? std::vector{first, second} : std::vector{second}) {
            gather_with_halo(set, {x.data_ptr<float>(), x.size(0), side(), x.size(4)}, begin, count, to.data() + at, c);
            at += x.size(4);
        }
    }
};

/// conv of all bricks. @return [N, side, side, side, conv.out()]
template <class Conv>
Tensor convolved(const Conv& conv, const Around& x, bool relu) {
    const std::int64_t n = x.second.size(0), side = x.side();
    Tensor y = torch::empty({n, side, side, side, static_cast<std::int64_t>(conv.out())}, x.second.options());
    for_rows(n, bricks_together(side), [&](std::int64_t begin, std::int64_t end) {
        thread_local std::vector<float> around;
        x.gather(begin, end - begin, around);
        conv.run(around, static_cast<std::size_t>(side), relu, rows_of(y, begin, end - begin));
    });
    return y;
}

struct ConvRelu : torch::autograd::Function<ConvRelu> {
    static Tensor forward(AutogradContext* ctx, const Tensor& x_in, const Tensor& weight_in, const Tensor& bias,
                          const BatchBricksPtr& bricks, const Tensor& fixed_in) {
        const Tensor x = x_in.contiguous(), weight = weight_in.contiguous(), b = bias.contiguous();
        const Tensor fixed = fixed_in.contiguous();
        const Around around{bricks->set(), fixed, x};
        const auto in = static_cast<std::size_t>(around.channels()), out = static_cast<std::size_t>(weight.size(0));
        const Tensor y = is_even(x.size(1))
                             ? convolved(kernels::WinogradConv(span_of(weight), span_of(b), in, out), around, true)
                             : convolved(kernels::BrickConv(span_of(weight), span_of(b), in, out, 3), around, true);
        keep(ctx, bricks);
        ctx->save_for_backward({x, y, weight, fixed});
        return y;
    }

    static variable_list backward(AutogradContext* ctx, variable_list grads) {
        const auto saved = ctx->get_saved_variables();
        const Tensor &x = saved[0], &y = saved[1], &weight = saved[2], &fixed = saved[3];
        const BrickSet& set = bricks_of(ctx).set();
        const Around around{set, fixed, x};
        const Tensor g = where_positive(grads[0].contiguous(), y);
        Tensor dL_dx;
        if (ctx->needs_input_grad(0)) dL_dx = input_gradient(weight, fixed, {set, {}, g});
        const Tensor dL_dweight = is_even(x.size(1)) ? weight_gradient_of_tiles(around, g) : weight_gradient(around, g);
        return {dL_dx, dL_dweight, g.view({-1, g.size(4)}).sum(0), Tensor(), Tensor()};
    }

    static Tensor input_gradient(const Tensor& weight, const Tensor& fixed, const Around& g) {
        const std::int64_t first = fixed.dim() == 5 ? fixed.size(4) : 0;
        const auto in = static_cast<std::size_t>(weight.size(1)), out = static_cast<std::size_t>(weight.size(0));
        if (is_even(g.side()))
            return convolved(kernels::WinogradConv::backward(span_of(weight), in, out, static_cast<std::size_t>(first)),
                             g, false);
        const Tensor turned = weight.slice(1, first).flip({2, 3, 4}).transpose(0, 1).contiguous();
        const std::vector<float> none(static_cast<std::size_t>(turned.size(0)));
        return convolved(kernels::BrickConv(span_of(turned), none, out, none.size(), 3), g, false);
    }

    /// Sums over bricks in at most kSums parts.
    struct Parts {
        std::int64_t parts, rows;  ///< rows of a part
        Parts(std::int64_t n, std::int64_t side) {
            const std::int64_t most = std::clamp<std::int64_t>(n * side * side * side / kCellsOfSum, 1, kSums);
            rows = std::max<std::int64_t>(1, (n + most - 1) / most);
            parts = std::max<std::int64_t>(1, (n + rows - 1) / rows);
        }
    };

    /// @param sum [parts, 27, in, out]  @return [out, in, 3, 3, 3]
    static Tensor joined(const Tensor& sum) {
        const Tensor all = sum.size(0) == 1 ? sum[0] : sum.sum(0);
        return all.permute({2, 1, 0}).contiguous().view({all.size(2), all.size(1), 3, 3, 3});
    }

    static Tensor weight_gradient(const Around& x, const Tensor& g) {
        const std::int64_t n = g.size(0), side = x.side(), in = x.channels(), out = g.size(4);
        const std::int64_t together = std::clamp<std::int64_t>(512 / (side * side * side), 1, 32);
        const Parts p(n, side);
        const Tensor sum = torch::zeros({p.parts, 27, in, out}, g.options());
        for_rows(p.parts, 1, [&](std::int64_t s0, std::int64_t s1) {
            std::vector<float> around;
            for (std::int64_t s = s0; s < s1; ++s)
                for (std::int64_t at = s * p.rows, end = std::min(n, at + p.rows); at < end; at += together) {
                    const std::int64_t count = std::min(together, end - at);
                    x.gather(at, count, around);
                    kernels::add_brick_conv_gradient(around, rows_of(g, at, count), static_cast<std::size_t>(side), 3,
                                                     static_cast<std::size_t>(in), static_cast<std::size_t>(out),
                                                     rows_of(sum, s, 1));
                }
        });
        return joined(sum);
    }

    /// The same by Winograd's way, blocks of outputs beside parts.
    static Tensor weight_gradient_of_tiles(const Around& x, const Tensor& g) {
        const std::int64_t n = g.size(0), side = x.side(), in = x.channels(), out = g.size(4);
        const std::int64_t together = std::clamp<std::int64_t>(256 / (side * side * side), 1, 32);
        constexpr auto kBlock = static_cast<std::int64_t>(kernels::kWinogradOutputs);
        const std::int64_t blocks = (out + kBlock - 1) / kBlock;
        const Parts p(n, side);
        const Tensor sum = torch::empty({p.parts, 27, in, out}, g.options());
        for_rows(p.parts * blocks, 1, [&](std::int64_t begin, std::int64_t) {
            const std::int64_t s = begin / blocks;
            const auto block = static_cast<std::size_t>(begin % blocks), c = static_cast<std::size_t>(in);
            thread_local std::vector<float> around, products;
            products.assign(kernels::winograd_gradient_size(c), 0.0f);
            for (std::int64_t at = s * p.rows, end = std::min(n, at + p.rows); at < end; at += together) {
                const std::int64_t count = std::min(together, end - at);
                x.gather(at, count, around);
                kernels::add_winograd_gradient(around, rows_of(g, at, count), static_cast<std::size_t>(side), c,
                                               static_cast<std::size_t>(out), block, products);
            }
            kernels::finish_winograd_gradient(products, c, static_cast<std::size_t>(out), block, rows_of(sum, s, 1));
        });
        return joined(sum);
    }
};

/// Calls f(finer, coarser) for the first channel of each cell and of the one above it, [n, 2 s, 2 s, 2 s, c] and
/// [n, s, s, s, c].
template <class F>
void for_cells(const Tensor& finer, const Tensor& coarser, const F& f) {
    const std::int64_t side = finer.size(1), half = side / 2, c = finer.size(4);
    NIR_CHECK(side == 2 * coarser.size(1) && c == coarser.size(4) && finer.size(0) == coarser.size(0));
    float *const fine = finer.data_ptr<float>(), *const coarse = coarser.data_ptr<float>();
    for_rows(finer.size(0), bricks_together(side), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            float* p = fine + i * side * side * side * c;
            for (std::int64_t z = 0; z < side; ++z)
                for (std::int64_t y = 0; y < side; ++y)
                    for (std::int64_t x = 0; x < side; ++x, p += c)
                        f(p, coarse + (((i * half + z / 2) * half + y / 2) * half + x / 2) * c);
        }
    });
}

Tensor sums_of_eight(const Tensor& x, float factor) {
    const std::int64_t half = x.size(1) / 2, c = x.size(4);
    Tensor y = torch::zeros({x.size(0), half, half, half, c}, x.options());
    for_cells(x, y, [=](const float* fine, float* coarse) {
        for (std::int64_t k = 0; k < c; ++k) coarse[k] += factor * fine[k];
    });
    return y;
}
Tensor to_eight(const Tensor& y, float factor) {
    const std::int64_t side = 2 * y.size(1), c = y.size(4);
    Tensor x = torch::empty({y.size(0), side, side, side, c}, y.options());
    for_cells(x, y, [=](float* fine, const float* coarse) {
        for (std::int64_t k = 0; k < c; ++k) fine[k] = factor * coarse[k];
    });
    return x;
}

struct Pool : torch::autograd::Function<Pool> {
    static Tensor forward(AutogradContext*, const Tensor& x) { return sums_of_eight(x.contiguous(), 0.125f); }
    static variable_list backward(AutogradContext*, variable_list grads) {
        return {to_eight(grads[0].contiguous(), 0.125f)};
    }
};

struct AddNearest : torch::autograd::Function<AddNearest> {
    static Tensor forward(AutogradContext*, const Tensor& x, const Tensor& coarser) {
        Tensor y = x.clone();
        const std::int64_t c = y.size(4);
        for_cells(y, coarser.contiguous(), [=](float* fine, const float* coarse) {
            for (std::int64_t k = 0; k < c; ++k) fine[k] += coarse[k];
        });
        return y;
    }
    static variable_list backward(AutogradContext*, variable_list grads) {
        return {grads[0], sums_of_eight(grads[0].contiguous(), 1.0f)};
    }
};

}  // namespace

BatchBricksPtr batch_bricks(torch::IntArrayRef sizes, const Tensor& mask) {
    constexpr int b = kBrickCells;
    if (sizes[2] % b != 0 || sizes[3] % b != 0 || sizes[4] % b != 0) return {};
    Tensor active;
    if (mask.defined()) {
        active = torch::max_pool3d(mask, b);
        if (active.sum().item<double>() * static_cast<double>(kCellsOfBrick) != mask.sum().item<double>()) return {};
        active = active.contiguous();
    }
    const auto n = [&](std::size_t axis) { return static_cast<int>(sizes[axis]) / b; };
    std::vector<BatchBricks::Place> places;
    std::vector<geom::Vec3i> apart;
    std::int64_t at = 0;
    for (std::int64_t sample = 0; sample < sizes[0]; ++sample)
        for (int z = 0; z < n(2); ++z)
            for (int y = 0; y < n(3); ++y)
                for (int x = 0; x < n(4); ++x, ++at) {
                    if (active.defined() && active.data_ptr<float>()[at] == 0) continue;
                    places.push_back({sample, {x, y, z}});
                    apart.push_back({x, y, z + static_cast<int>(sample) * (n(2) + 1)});
                }
    return c10::make_intrusive<BatchBricks>(std::move(places), std::move(apart));
}

Tensor gather_bricks(const Tensor& volumes, const BatchBricksPtr& bricks) { return Gather::apply(volumes, bricks); }

Tensor scatter_bricks(const Tensor& x, const BatchBricksPtr& bricks, torch::IntArrayRef sizes) {
    return Scatter::apply(x, bricks, sizes.vec());
}

Tensor brick_conv_relu(const Tensor& x, const Tensor& weight, const Tensor& bias, const BatchBricksPtr& bricks,
                       const Tensor& fixed) {
    return ConvRelu::apply(x, weight, bias, bricks, fixed.defined() ? fixed : torch::empty({0}, x.options()));
}

Tensor brick_pool(const Tensor& x) { return Pool::apply(x); }

Tensor brick_add_nearest(const Tensor& x, const Tensor& coarser) { return AddNearest::apply(x, coarser); }

}  // namespace nir::models
