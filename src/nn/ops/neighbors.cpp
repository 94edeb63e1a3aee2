// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/ops/neighbors.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include <algorithm>
#include <limits>

namespace nir::nn {

using torch::Tensor;

namespace {

void sample_farthest(const float* p, std::int64_t n_points, std::int64_t first, std::int64_t n, std::int64_t* out) {
    std::vector<float> distance(static_cast<std::size_t>(n_points), 1e10f);
    std::int64_t farthest = first;
    for (std::int64_t k = 0; k < n; ++k) {
        out[k] = farthest;
        const float cx = p[3 * farthest], cy = p[3 * farthest + 1], cz = p[3 * farthest + 2];
        float largest = -1;
        for (std::int64_t i = 0; i < n_points; ++i) {
            const float dx = p[3 * i] - cx, dy = p[3 * i + 1] - cy, dz = p[3 * i + 2] - cz;
            float& d = distance[static_cast<std::size_t>(i)];
            d = std::min(d, dx * dx + dy * dy + dz * dz);
            if (d > largest) largest = d, farthest = i;
        }
    }
}

template <class Real>
void first_within(const Tensor& squared, Real limit, std::int64_t k, Tensor& out) {
    const std::int64_t rows = squared.size(0) * squared.size(1), n = squared.size(2);
    const Real* from = squared.data_ptr<Real>();
    std::int64_t* to = out.data_ptr<std::int64_t>();
    parallel_for(static_cast<std::size_t>(rows), 16, [&](std::size_t begin, std::size_t end) {
        for (auto r = static_cast<std::int64_t>(begin); r < static_cast<std::int64_t>(end); ++r) {
            std::int64_t found = 0;
            for (std::int64_t i = 0; i < n && found < k; ++i)
                if (!(from[r * n + i] > limit)) to[r * k + found++] = i;
            const std::int64_t fill = found ? to[r * k] : 0;
            for (; found < k; ++found) to[r * k + found] = fill;
        }
    });
}

}  // namespace

Tensor farthest_points(const Tensor& points, const Tensor& first, std::int64_t n) {
    NIR_CHECK(points.dim() == 3 && points.size(2) == 3 && points.size(1) > 0 && first.dim() == 1 &&
              first.size(0) == points.size(0));
    const Tensor p = points.detach().to(torch::kFloat32).contiguous(), start = first.contiguous();
    const std::int64_t n_points = p.size(1);
    Tensor out = torch::empty({p.size(0), n}, torch::kInt64);
    parallel_for(static_cast<std::size_t>(p.size(0)), 1, [&](std::size_t begin, std::size_t end) {
        for (auto b = static_cast<std::int64_t>(begin); b < static_cast<std::int64_t>(end); ++b) {
            const std::int64_t at = start.data_ptr<std::int64_t>()[b];
            if (at < 0 || at >= n_points)
                fail(ErrorKind::input, "the first centre is point {} of a cloud of {} points", at, n_points);
            sample_farthest(p.data_ptr<float>() + 3 * b * n_points, n_points, at, n,
                            out.data_ptr<std::int64_t>() + b * n);
        }
    });
    return out;
}

Tensor squared_distances(const Tensor& a, const Tensor& b) {
    return -2 * torch::matmul(a, b.transpose(1, 2)) + a.square().sum(2).unsqueeze(2) + b.square().sum(2).unsqueeze(1);
}

Tensor ball_neighbors(const Tensor& squared, double radius, std::int64_t k) {
    NIR_CHECK(squared.dim() == 3 && k > 0);
    const Tensor d = squared.detach().contiguous();
    Tensor out = torch::empty({d.size(0), d.size(1), k}, torch::kInt64);
    AT_DISPATCH_FLOATING_TYPES(d.scalar_type(), "ball_neighbors",
                               [&] { first_within<scalar_t>(d, static_cast<scalar_t>(radius * radius), k, out); });
    return out;
}

Tensor gather_rows(const Tensor& rows, const Tensor& index) {
    NIR_CHECK(rows.dim() == 3 && index.size(0) == rows.size(0));
    const std::int64_t batch = rows.size(0), channels = rows.size(2);
    const Tensor flat = index.reshape({batch, -1}).unsqueeze(2).expand({-1, -1, channels});
    std::vector<std::int64_t> shape = index.sizes().vec();
    shape.push_back(channels);
    return torch::gather(rows, 1, flat).reshape(shape);
}

}  // namespace nir::nn
