// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nn/ops/nearest_search.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/geom/kd_tree.h"
#include "nir/kernels/chamfer.h"

#include "nn/ops/tensor_rows.h"

#include <torch/torch.h>

#include <vector>

namespace nir::nn {
namespace {

using torch::Tensor;

/// Queries that one task takes.
constexpr std::int64_t kQueries = 512;

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

void search_tree(const Tensor& from, const Tensor& to, Tensor& squared, Tensor& index, std::int64_t b) {
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

}  // namespace

void nearest_of_all_pairs(const Tensor& from, const Tensor& to, Tensor& squared, Tensor& index) {
    AT_DISPATCH_FLOATING_TYPES(from.scalar_type(), "nearest_of_all_pairs",
                               [&] { compare_all<scalar_t>(from, to, squared, index); });
}

void nearest_by_tree(const Tensor& from, const Tensor& to, Tensor& squared, Tensor& index) {
    const std::int64_t batch = from.size(0);
    if (batch < threads()) {  // the queries of each tree in parallel
        for (std::int64_t b = 0; b < batch; ++b) search_tree(from, to, squared, index, b);
        return;
    }
    parallel_for(static_cast<std::size_t>(batch), 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t b = begin; b < end; ++b) search_tree(from, to, squared, index, static_cast<std::int64_t>(b));
    });
}

}  // namespace nir::nn
