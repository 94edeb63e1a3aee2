// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/ops/scatter.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include <algorithm>

namespace nir::nn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kChannelBlock = 16;

/// Runs body(b, c0, c1) over batch items and blocks of channels, on the pool. Blocks never share an output element.
template <class Body>
void for_blocks(std::int64_t batch, std::int64_t channels, const Body& body) {
    const std::int64_t blocks = (channels + kChannelBlock - 1) / kChannelBlock;
    parallel_for(static_cast<std::size_t>(batch * blocks), 1, [&](std::size_t begin, std::size_t end) {
        for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
            const std::int64_t c0 = (i % blocks) * kChannelBlock;
            body(i / blocks, c0, std::min(c0 + kChannelBlock, channels));
        }
    });
}

std::int64_t max_slots(const CellTable& cells) {
    const auto& n = cells.n_slots();
    return n.empty() ? 0 : *std::max_element(n.begin(), n.end());
}

void check_features(const Tensor& features, const CellTable& cells) {
    NIR_CHECK(features.dim() == 3 && features.size(0) == cells.batch() && features.size(1) == cells.n_points());
    NIR_CHECK(features.device().is_cpu());
}

/// best [B,S,C] = largest feature, first [B,S,C] int32 = the first point that holds it.
template <class Real>
void cell_argmax(const Tensor& features, const Tensor& slot, Tensor& best, Tensor& first) {
    const std::int64_t n = features.size(1), channels = features.size(2), slots = best.size(1);
    const Real* f = features.data_ptr<Real>();
    const std::int32_t* s = slot.data_ptr<std::int32_t>();
    Real* out = best.data_ptr<Real>();
    std::int32_t* arg = first.data_ptr<std::int32_t>();
    for_blocks(features.size(0), channels, [&](std::int64_t b, std::int64_t c0, std::int64_t c1) {
        std::int64_t seen = 0;  // slots are numbered by first appearance, so a new slot equals the count so far
        for (std::int64_t t = 0; t < n; ++t) {
            const std::int64_t k = s[b * n + t];
            const Real* row = f + (b * n + t) * channels;
            Real* o = out + (b * slots + k) * channels;
            std::int32_t* a = arg + (b * slots + k) * channels;
            const bool fresh = k == seen;
            if (fresh) ++seen;
            for (std::int64_t c = c0; c < c1; ++c) {
                const bool take = fresh || row[c] > o[c];
                o[c] = take ? row[c] : o[c];
                a[c] = take ? static_cast<std::int32_t>(t) : a[c];
            }
        }
    });
}

/// out[b,t,:] = table[b,slot[b,t],:]
template <class Real>
void gather_slots(const Tensor& table, const Tensor& slot, Tensor& out) {
    const std::int64_t n = out.size(1), channels = out.size(2), slots = table.size(1);
    const Real* from = table.data_ptr<Real>();
    const std::int32_t* s = slot.data_ptr<std::int32_t>();
    Real* to = out.data_ptr<Real>();
    for_blocks(out.size(0), channels, [&](std::int64_t b, std::int64_t c0, std::int64_t c1) {
        for (std::int64_t t = 0; t < n; ++t) {
            const Real* row = from + (b * slots + s[b * n + t]) * channels;
            std::copy(row + c0, row + c1, to + (b * n + t) * channels + c0);
        }
    });
}

/// out[b,slot[b,t],:] += rows[b,t,:], in the order of t; out must be zero.
template <class Real>
void sum_slots(const Tensor& rows, const Tensor& slot, Tensor& out) {
    const std::int64_t n = rows.size(1), channels = rows.size(2), slots = out.size(1);
    const Real* from = rows.data_ptr<Real>();
    const std::int32_t* s = slot.data_ptr<std::int32_t>();
    Real* to = out.data_ptr<Real>();
    for_blocks(rows.size(0), channels, [&](std::int64_t b, std::int64_t c0, std::int64_t c1) {
        for (std::int64_t t = 0; t < n; ++t) {
            const Real* row = from + (b * n + t) * channels;
            Real* o = to + (b * slots + s[b * n + t]) * channels;
            for (std::int64_t c = c0; c < c1; ++c) o[c] += row[c];
        }
    });
}

Tensor gather(const Tensor& table, const Tensor& slot) {
    Tensor out = torch::empty({slot.size(0), slot.size(1), table.size(2)}, table.options());
    AT_DISPATCH_FLOATING_TYPES(table.scalar_type(), "gather_slots", [&] { gather_slots<scalar_t>(table, slot, out); });
    return out;
}

Tensor sum(const Tensor& rows, const Tensor& slot, std::int64_t slots) {
    Tensor out = torch::zeros({rows.size(0), slots, rows.size(2)}, rows.options());
    AT_DISPATCH_FLOATING_TYPES(rows.scalar_type(), "sum_slots", [&] { sum_slots<scalar_t>(rows, slot, out); });
    return out;
}

/// [B,S,1] number of points in each occupied cell, at least 1 (rows past an item's last slot are never read).
Tensor counts(const CellTable& cells, const Tensor& like) {
    const Tensor ones = torch::ones({cells.batch(), cells.n_points(), 1}, like.options().requires_grad(false));
    return sum(ones, cells.slot(), max_slots(cells)).clamp_min_(1);
}

struct PoolMax : torch::autograd::Function<PoolMax> {
    static Tensor forward(AutogradContext* ctx, const Tensor& features_in, const CellTable* cells) {
        const Tensor features = features_in.contiguous();
        Tensor best = torch::empty({features.size(0), max_slots(*cells), features.size(2)}, features.options());
        Tensor first = torch::zeros(best.sizes(), torch::kInt32);
        AT_DISPATCH_FLOATING_TYPES(features.scalar_type(), "cell_argmax",
                                   [&] { cell_argmax<scalar_t>(features, cells->slot(), best, first); });
        ctx->save_for_backward({cells->slot(), first});
        ctx->saved_data["n_slots"] = cells->n_slots();
        return gather(best, cells->slot());
    }

    static variable_list backward(AutogradContext* ctx, variable_list grads) {
        const auto saved = ctx->get_saved_variables();
        const auto n_slots = ctx->saved_data["n_slots"].toIntVector();
        const Tensor dL_dcell = sum(grads[0].contiguous(), saved[0], saved[1].size(1));
        Tensor dL_din = torch::zeros(grads[0].sizes(), dL_dcell.options());
        AT_DISPATCH_FLOATING_TYPES(dL_din.scalar_type(), "pool_max_backward", [&] {
            const std::int64_t n = dL_din.size(1), channels = dL_din.size(2), slots = dL_dcell.size(1);
            const scalar_t* from = dL_dcell.data_ptr<scalar_t>();
            const std::int32_t* arg = saved[1].data_ptr<std::int32_t>();
            scalar_t* to = dL_din.data_ptr<scalar_t>();
            for_blocks(dL_din.size(0), channels, [&](std::int64_t b, std::int64_t c0, std::int64_t c1) {
                for (std::int64_t k = 0; k < n_slots[static_cast<std::size_t>(b)]; ++k)
                    for (std::int64_t c = c0; c < c1; ++c) {
                        const std::int64_t i = (b * slots + k) * channels + c;
                        to[(b * n + arg[i]) * channels + c] = from[i];
                    }
            });
        });
        return {dL_din, Tensor()};
    }
};

struct PoolMean : torch::autograd::Function<PoolMean> {
    static Tensor forward(AutogradContext* ctx, const Tensor& features, const CellTable* cells) {
        const Tensor n = counts(*cells, features);
        ctx->save_for_backward({cells->slot(), n});
        return gather(sum(features.contiguous(), cells->slot(), n.size(1)).div_(n), cells->slot());
    }

    static variable_list backward(AutogradContext* ctx, variable_list grads) {
        const auto saved = ctx->get_saved_variables();
        const Tensor dL_dcell = sum(grads[0].contiguous(), saved[0], saved[1].size(1)).div_(saved[1]);
        return {gather(dL_dcell, saved[0]), Tensor()};
    }
};

struct ScatterMean : torch::autograd::Function<ScatterMean> {
    static Tensor forward(AutogradContext* ctx, const Tensor& features, const CellTable* cells) {
        const Tensor n = counts(*cells, features);
        const Tensor means = sum(features.contiguous(), cells->slot(), n.size(1)).div_(n);
        ctx->save_for_backward({cells->index(), cells->slot(), n});
        Tensor out = torch::zeros({features.size(0), features.size(2), cells->n_cells()}, features.options());
        AT_DISPATCH_FLOATING_TYPES(out.scalar_type(), "scatter_mean", [&] {
            const std::int64_t n_points = cells->n_points(), channels = out.size(1), n_cells = out.size(2);
            const std::int64_t slots = means.size(1);
            const scalar_t* from = means.data_ptr<scalar_t>();
            const std::int64_t* index = cells->index().data_ptr<std::int64_t>();
            const std::int32_t* slot = cells->slot().data_ptr<std::int32_t>();
            scalar_t* to = out.data_ptr<scalar_t>();
            for_blocks(out.size(0), channels, [&](std::int64_t b, std::int64_t c0, std::int64_t c1) {
                std::int64_t seen = 0;
                for (std::int64_t t = 0; t < n_points; ++t) {
                    if (slot[b * n_points + t] != seen) continue;  // not the first point of its cell
                    const scalar_t* row = from + (b * slots + seen++) * channels;
                    scalar_t* cell = to + b * channels * n_cells + index[b * n_points + t];
                    for (std::int64_t c = c0; c < c1; ++c) cell[c * n_cells] = row[c];
                }
            });
        });
        return out;
    }

    static variable_list backward(AutogradContext* ctx, variable_list grads) {
        const auto saved = ctx->get_saved_variables();
        const Tensor grad = grads[0].contiguous();
        Tensor rows = torch::empty({grad.size(0), saved[0].size(1), grad.size(1)}, grad.options());
        AT_DISPATCH_FLOATING_TYPES(grad.scalar_type(), "scatter_mean_backward", [&] {
            const std::int64_t n_points = rows.size(1), channels = rows.size(2), n_cells = grad.size(2);
            const std::int64_t slots = saved[2].size(1);
            const scalar_t* from = grad.data_ptr<scalar_t>();
            const scalar_t* n = saved[2].data_ptr<scalar_t>();
            const std::int64_t* index = saved[0].data_ptr<std::int64_t>();
            const std::int32_t* slot = saved[1].data_ptr<std::int32_t>();
            scalar_t* to = rows.data_ptr<scalar_t>();
            for_blocks(rows.size(0), channels, [&](std::int64_t b, std::int64_t c0, std::int64_t c1) {
                for (std::int64_t t = 0; t < n_points; ++t) {
                    const scalar_t* cell = from + b * channels * n_cells + index[b * n_points + t];
                    const scalar_t count = n[b * slots + slot[b * n_points + t]];
                    scalar_t* row = to + (b * n_points + t) * channels;
                    for (std::int64_t c = c0; c < c1; ++c) row[c] = cell[c * n_cells] / count;
                }
            });
        });
        return {rows, Tensor()};
    }
};

}  // namespace

CellTable::CellTable(const Tensor& index, std::int64_t n_cells) : index_(index.contiguous()), n_cells_(n_cells) {
    NIR_CHECK(index_.dim() == 2 && index_.scalar_type() == torch::kInt64 && index_.device().is_cpu());
    const std::int64_t batch = index_.size(0), n = index_.size(1);
    slot_ = torch::empty({batch, n}, torch::kInt32);
    n_slots_.assign(static_cast<std::size_t>(batch), 0);
    const std::int64_t* cell = index_.data_ptr<std::int64_t>();
    std::int32_t* slot = slot_.data_ptr<std::int32_t>();
    std::vector<std::int32_t> number(static_cast<std::size_t>(n_cells));
    for (std::int64_t b = 0; b < batch; ++b) {
        std::fill(number.begin(), number.end(), -1);
        std::int32_t next = 0;
        for (std::int64_t i = b * n; i < (b + 1) * n; ++i) {
            if (cell[i] < 0 || cell[i] >= n_cells)
                fail(ErrorKind::internal, "cell {} is outside 0..{}", cell[i], n_cells - 1);
            auto& k = number[static_cast<std::size_t>(cell[i])];
            if (k < 0) k = next++;
            slot[i] = k;
        }
        n_slots_[static_cast<std::size_t>(b)] = next;
    }
}

Tensor pool_cells_max(const Tensor& features, const CellTable& cells) {
    check_features(features, cells);
    return PoolMax::apply(features, &cells);
}

Tensor pool_cells_mean(const Tensor& features, const CellTable& cells) {
    check_features(features, cells);
    return PoolMean::apply(features, &cells);
}

Tensor scatter_cells_mean(const Tensor& features, const CellTable& cells) {
    check_features(features, cells);
    return ScatterMean::apply(features, &cells);
}

}  // namespace nir::nn
