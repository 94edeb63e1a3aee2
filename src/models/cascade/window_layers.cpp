// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/window_layers.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include <algorithm>
#include <vector>

namespace nir::models {
namespace {

using torch::Tensor;

/// Sides of a volume, of the cells a window reads, one around included, and their counts.
struct Window {
    std::int64_t n, half = n / 2, read = half + 2;
    std::int64_t cells() const { return n * n * n; }
    std::int64_t read_cells() const { return read * read * read; }
};

/// Upsamples `lines` x `read` runs of `width` floats along the middle axis: [lines, read, width] -> [lines, n, width].
void upsample_axis(const Window& w, const float* from, std::int64_t lines, std::int64_t width, float* to) {
    for (std::int64_t i = 0; i < lines; ++i, from += w.read * width, to += w.n * width)
        for (std::int64_t k = 0; k < w.half; ++k) {
            const float *a = from + k * width, *b = a + width, *c = b + width;
            float *lo = to + 2 * k * width, *hi = lo + width;
            for (std::int64_t x = 0; x < width; ++x) {
                lo[x] = 0.75f * b[x] + 0.25f * a[x];
                hi[x] = 0.75f * b[x] + 0.25f * c[x];
            }
        }
}

/// Its transpose: [lines, n, width] -> [lines, read, width].
void gather_axis(const Window& w, const float* from, std::int64_t lines, std::int64_t width, float* to) {
    std::fill_n(to, lines * w.read * width, 0.0f);
    for (std::int64_t i = 0; i < lines; ++i, from += w.n * width, to += w.read * width)
        for (std::int64_t k = 0; k < w.half; ++k) {
            const float *lo = from + 2 * k * width, *hi = lo + width;
            float *a = to + k * width, *b = a + width, *c = b + width;
            for (std::int64_t x = 0; x < width; ++x) {
                a[x] += 0.25f * lo[x];
                b[x] += 0.75f * (lo[x] + hi[x]);
                c[x] += 0.25f * hi[x];
            }
        }
}

/// Calls f(cell of the volume, cell of those read) for all cells that a window reads.
template <class F>
void for_read_cells(const Window& w, const std::int64_t* offset, const F& f) {
    const auto at = [&](int axis, std::int64_t i) {
        return std::clamp<std::int64_t>(offset[axis] + i - 1, 0, w.n - 1);
    };
    std::int64_t i = 0;
    for (std::int64_t z = 0; z < w.read; ++z)
        for (std::int64_t y = 0; y < w.read; ++y) {
            const std::int64_t row = (at(2, z) * w.n + at(1, y)) * w.n;
            for (std::int64_t x = 0; x < w.read; ++x, ++i) f(row + at(0, x), i);
        }
}

struct Context : torch::autograd::Function<Context> {
    static Tensor forward(torch::autograd::AutogradContext* ctx, const Tensor& features_in, const Tensor& parent,
                          const Tensor& offset) {
        const Tensor features = features_in.contiguous();
        const Window w{features.size(2)};
        const std::int64_t c = features.size(1), m = parent.size(0);
        Tensor out = torch::empty({m, c, w.n, w.n, w.n}, features.options());
        const float* from = features.data_ptr<float>();
        float* to = out.data_ptr<float>();
        const std::int64_t *row = parent.data_ptr<std::int64_t>(), *start = offset.data_ptr<std::int64_t>();
        parallel_for(static_cast<std::size_t>(m * c), 1, [&](std::size_t begin, std::size_t end) {
            std::vector<float> a(static_cast<std::size_t>(w.n * w.n * w.read)), b(a.size());
            for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
                const float* volume = from + (row[i / c] * c + i % c) * w.cells();
                for_read_cells(w, start + 3 * (i / c), [&](std::int64_t cell, std::int64_t k) {
                    a[static_cast<std::size_t>(k)] = volume[cell];
                });
                upsample_axis(w, a.data(), 1, w.read * w.read, b.data());
                upsample_axis(w, b.data(), w.n, w.read, a.data());
                upsample_axis(w, a.data(), w.n * w.n, 1, to + i * w.cells());
            }
        });
        ctx->save_for_backward({parent, offset});
        ctx->saved_data["batch"] = features.size(0);
        return out;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                   torch::autograd::variable_list grads) {
        const auto saved = ctx->get_saved_variables();
        const Tensor g = grads[0].contiguous();
        const Window w{g.size(2)};
        const std::int64_t c = g.size(1), m = g.size(0);
        Tensor sum = torch::zeros({ctx->saved_data["batch"].toInt(), c, w.n, w.n, w.n}, g.options());
        const float* from = g.data_ptr<float>();
        float* to = sum.data_ptr<float>();
        const std::int64_t *row = saved[0].data_ptr<std::int64_t>(), *start = saved[1].data_ptr<std::int64_t>();
        // Windows of one volume are added in order.
        parallel_for(static_cast<std::size_t>(c), 1, [&](std::size_t begin, std::size_t end) {
            std::vector<float> a(static_cast<std::size_t>(w.n * w.n * w.read)), b(a.size());
            for (auto k = static_cast<std::int64_t>(begin); k < static_cast<std::int64_t>(end); ++k)
                for (std::int64_t i = 0; i < m; ++i) {
                    gather_axis(w, from + (i * c + k) * w.cells(), w.n * w.n, 1, a.data());
                    gather_axis(w, a.data(), w.n, w.read, b.data());
                    gather_axis(w, b.data(), 1, w.read * w.read, a.data());
                    float* volume = to + (row[i] * c + k) * w.cells();
                    for_read_cells(w, start + 3 * i, [&](std::int64_t cell, std::int64_t j) {
                        volume[cell] += a[static_cast<std::size_t>(j)];
                    });
                }
        });
        return {sum, Tensor(), Tensor()};
    }
};

}  // namespace

Tensor window_context(const Tensor& features, const Tensor& parent, const Tensor& offset) {
    const std::int64_t n = features.size(2), m = parent.size(0);
    NIR_CHECK(n % 2 == 0 && features.size(3) == n && features.size(4) == n &&
              features.scalar_type() == torch::kFloat32);
    const Tensor rows = parent.contiguous(), starts = offset.contiguous();
    NIR_CHECK(starts.numel() == 3 * m && m > 0 && rows.min().item<std::int64_t>() >= 0);
    NIR_CHECK(rows.max().item<std::int64_t>() < features.size(0));
    return Context::apply(features, rows, starts);
}

}  // namespace nir::models
