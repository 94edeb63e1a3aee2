// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/ops/chamfer.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/kernels/chamfer.h"

#include "nn/ops/nearest_search.h"
#include "nn/ops/tensor_rows.h"

namespace nir::nn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct NearestSquared : torch::autograd::Function<NearestSquared> {
    static variable_list forward(AutogradContext* ctx, const Tensor& from_in, const Tensor& to_in) {
        const Tensor from = from_in.contiguous(), to = to_in.contiguous();
        Tensor squared = torch::empty({from.size(0), from.size(1)}, from.options());
        Tensor index = torch::empty({from.size(0), from.size(1)}, torch::kInt32);
        const bool by_tree = from.scalar_type() == torch::kFloat32 && to.size(1) >= kTreeTargets && from.size(1) > 0;
        (by_tree ? nearest_by_tree : nearest_of_all_pairs)(from, to, squared, index);
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
