// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/ops/chamfer.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/geom/kd_tree.h"
#include "nir/kernels/chamfer.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace nir::nn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Queries that one task takes.
constexpr std::int64_t kQueries = 512;
/// Targets from which on a tree is used instead of comparing all pairs. Not tuned.
constexpr std::int64_t kTreeTargets = 16384;

template <class Real>
std::span<Real> row_of(Tensor& t, std::int64_t b) {
    const std::int64_t n = t.numel() / std::max<std::int64_t>(t.size(0), 1);
    return {t.data_ptr<Real>() + b * n, static_cast<std::size_t>(n)};
}
template <class Real>
std::span<const Real> row_of(const Tensor& t, std::int64_t b) {
    const std::int64_t n = t.numel() / std::max<std::int64_t>(t.size(0), 1);
    return {t.data_ptr<Real>() + b * n, static_cast<std::size_t>(n)};
}

template <class Real>
void compare_all(const Tensor& from, const Tensor& to, Tensor& squared, Tensor& index) {
    const std::int64_t n = from.size(1), blocks = (n + kQueries - 1) / kQueries;
    parallel_for(static_cast<std::size_t>(from.size(0) * blocks), 1, [&](std::size_t begin, std::size_t end) {
        for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
            const std::int64_t b = i / blocks, q = i % blocks * kQueries;
            const auto at = static_cast<std::size_t>(q), count = static_cast<std::size_t>(std::min(kQueries, n - q));
            kernels::nearest_points(row_of<Real>(from, b).subspan(3 * at, 3 * count), row_of<Real>(to, b),
                                    row_of<Real>(squared, b).subspan(at, count),
                                    row_of<std::int32_t>(index, b).subspan(at, count));
        }
    });
}

std::vector<geom::Vec3d> points_of(std::span<const float> values) {
    std::vector<geom::Vec3d> out(values.size() / 3);
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = {values[3 * i], values[3 * i + 1], values[3 * i + 2]};
        if (!geom::is_finite(out[i])) fail(ErrorKind::numeric, "point {} of a set is not finite", i);
    }
    return out;
}

void search_trees(const Tensor& from, const Tensor& to, Tensor& squared, Tensor& index) {
    for (std::int64_t b = 0; b < from.size(0); ++b) {
        const auto queries = points_of(row_of<float>(from, b)), targets = points_of(row_of<float>(to, b));
        std::vector<geom::Neighbor> found(queries.size());
        geom::KdTree(targets).nearest(queries, found);
        const auto d = row_of<float>(squared, b);
        const auto j = row_of<std::int32_t>(index, b);
        for (std::size_t i = 0; i < found.size(); ++i) {
            d[i] = static_cast<float>(found[i].squared_distance);
            j[i] = static_cast<std::int32_t>(found[i].index);
        }
    }
}

struct NearestSquared : torch::autograd::Function<NearestSquared> {
    static variable_list forward(AutogradContext* ctx, const Tensor& from_in, const Tensor& to_in) {
        const Tensor from = from_in.contiguous(), to = to_in.contiguous();
        Tensor squared = torch::empty({from.size(0), from.size(1)}, from.options());
        Tensor index = torch::empty({from.size(0), from.size(1)}, torch::kInt32);
        AT_DISPATCH_FLOATING_TYPES(from.scalar_type(), "nearest_squared", [&] {
            if (std::is_same_v<scalar_t, float> && to.size(1) >= kTreeTargets && from.size(1) > 0)
                search_trees(from, to, squared, index);
            else
                compare_all<scalar_t>(from, to, squared, index);
        });
        ctx->save_for_backward({from, to, index});
        ctx->mark_non_differentiable({index});
        return {squared, index};
    }

    static variable_list backward(AutogradContext* ctx, variable_list grads) {
        const auto saved = ctx->get_saved_variables();
        const Tensor &from = saved[0], &to = saved[1], &index = saved[2];
        Tensor dL_dfrom = torch::zeros_like(from), dL_dto = torch::zeros_like(to);
        const Tensor dL_dsquared = grads[0].contiguous();
        AT_DISPATCH_FLOATING_TYPES(from.scalar_type(), "nearest_squared_backward", [&] {
            parallel_for(static_cast<std::size_t>(from.size(0)), 1, [&](std::size_t begin, std::size_t end) {
                for (auto b = static_cast<std::int64_t>(begin); b < static_cast<std::int64_t>(end); ++b)
                    kernels::nearest_points_backward(row_of<scalar_t>(from, b), row_of<scalar_t>(to, b),
                                                     row_of<std::int32_t>(index, b), row_of<scalar_t>(dL_dsquared, b),
                                                     row_of<scalar_t>(dL_dfrom, b), row_of<scalar_t>(dL_dto, b));
            });
        });
        return {dL_dfrom, dL_dto};
    }
};

}  // namespace

Tensor nearest_squared(const Tensor& from, const Tensor& to, Tensor* index) {
    NIR_CHECK(from.dim() == 3 && to.dim() == 3 && from.size(2) == 3 && to.size(2) == 3);
    NIR_CHECK(from.size(0) == to.size(0) && from.scalar_type() == to.scalar_type());
    NIR_CHECK(from.device().is_cpu() && to.device().is_cpu());
    NIR_CHECK(to.size(1) > 0 || from.size(1) == 0);
    const variable_list out = NearestSquared::apply(from, to);
    if (index) *index = out[1];
    return out[0];
}

Tensor chamfer_distance(const Tensor& a, const Tensor& b) {
    NIR_CHECK(a.dim() == 3 && b.dim() == 3 && a.size(1) > 0 && b.size(1) > 0);
    return nearest_squared(a, b).mean(1) + nearest_squared(b, a).mean(1);
}

}  // namespace nir::nn
