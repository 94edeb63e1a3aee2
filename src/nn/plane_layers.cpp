// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nn/plane_layers.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include <algorithm>
#include <cstring>
#include <functional>

namespace nir::nn {
namespace {

using kernels::PlaneConv;
using torch::Tensor;

std::span<const float> span_of(const Tensor& t) { return {t.data_ptr<float>(), static_cast<std::size_t>(t.numel())}; }

bool same(const Tensor& a, const std::vector<float>& b) {
    const auto s = span_of(a);
    return s.size() == b.size() && std::memcmp(s.data(), b.data(), s.size_bytes()) == 0;
}

/// Calls f(plane, first row, rows) on the pool for strips of planes [B,H,W,.] that stay in the second-level cache.
void for_strips(const Tensor& x, const std::function<void(std::int64_t, std::int64_t, std::int64_t)>& f) {
    constexpr std::int64_t kCells = 256;
    const std::int64_t height = x.size(1);
    const std::int64_t rows = std::clamp<std::int64_t>(kCells / x.size(2), 1, std::max<std::int64_t>(1, height / 2));
    const std::int64_t strips = (height + rows - 1) / rows;
    parallel_for(static_cast<std::size_t>(x.size(0) * strips), 1, [&](std::size_t begin, std::size_t end) {
        for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
            const std::int64_t first = i % strips * rows;
            f(i / strips, first, std::min(rows, height - first));
        }
    });
}

std::span<float> rows_of(const Tensor& y, std::int64_t plane, std::int64_t first, std::int64_t rows) {
    const std::int64_t row = y.size(2) * y.size(3);
    return {y.data_ptr<float>() + (plane * y.size(1) + first) * row, static_cast<std::size_t>(rows * row)};
}

}  // namespace

std::shared_ptr<const PlaneConv> PackedConv::of(const Tensor& weight_in, const Tensor& bias_in, bool transposed) {
    const Tensor weight = weight_in.contiguous(), bias = bias_in.contiguous();
    const std::lock_guard lock(mutex_);
    if (conv_ && same(weight, weight_) && same(bias, bias_)) return conv_;
    weight_.assign(span_of(weight).begin(), span_of(weight).end());
    bias_.assign(span_of(bias).begin(), span_of(bias).end());
    const auto size = [&](std::int64_t axis) { return static_cast<std::size_t>(weight.size(axis)); };
    if (transposed) {
        NIR_CHECK(size(2) == 2 && size(3) == 2);
        const Tensor w = weight.permute({2, 3, 1, 0}).contiguous(), b = bias.repeat({4});
        conv_ = std::make_shared<const PlaneConv>(span_of(w), span_of(b), size(0), 4 * size(1), 1);
    } else {
        conv_ = std::make_shared<const PlaneConv>(span_of(weight), span_of(bias), size(1), size(0), size(2));
    }
    return conv_;
}

Tensor convolve_planes(const PlaneConv& conv, std::span<const Tensor> parts, bool relu) {
    const Tensor& x = parts[0];
    const std::int64_t height = x.size(1), width = x.size(2), around = conv.kernel() == 3 ? 1 : 0;
    std::int64_t in = 0;
    for (const Tensor& p : parts) in += p.size(3);
    NIR_CHECK(in == static_cast<std::int64_t>(conv.in()));
    Tensor y = torch::empty({x.size(0), height, width, static_cast<std::int64_t>(conv.out())}, x.options());
    for_strips(x, [&](std::int64_t plane, std::int64_t first, std::int64_t rows) {
        const std::int64_t along = width + 2 * around;
        std::vector<float> with_halo(static_cast<std::size_t>((rows + 2 * around) * along * in));  // zeros
        for (std::int64_t r = std::max<std::int64_t>(0, first - around); r < std::min(height, first + rows + around);
             ++r) {
            float* to = with_halo.data() + ((r - first + around) * along + around) * in;
            for (const Tensor& p : parts) {
                const std::int64_t c = p.size(3);
                const float* from = rows_of(p, plane, r, 1).data();
                if (c == in) {
                    std::copy_n(from, width * c, to);
                } else {
                    for (std::int64_t i = 0; i < width; ++i) std::copy_n(from + i * c, c, to + i * in);
                }
                to += c;
            }
        }
        conv.run(with_halo, static_cast<std::size_t>(rows), static_cast<std::size_t>(width), relu,
                 rows_of(y, plane, first, rows));
    });
    return y;
}

Tensor double_planes(const PlaneConv& conv, const Tensor& x) {
    const std::int64_t height = x.size(1), width = x.size(2), out = static_cast<std::int64_t>(conv.out()) / 4;
    Tensor y = torch::empty({x.size(0), 2 * height, 2 * width, out}, x.options());
    for_strips(x, [&](std::int64_t plane, std::int64_t first, std::int64_t rows) {
        std::vector<float> four(static_cast<std::size_t>(rows * width * 4 * out));
        conv.run(rows_of(x, plane, first, rows), static_cast<std::size_t>(rows), static_cast<std::size_t>(width), false,
                 four);
        const float* from = four.data();
        for (std::int64_t r = 0; r < rows; ++r)
            for (std::int64_t i = 0; i < width; ++i)
                for (std::int64_t dy = 0; dy < 2; ++dy, from += 2 * out)
                    std::copy_n(from, 2 * out, rows_of(y, plane, 2 * (first + r) + dy, 1).data() + 2 * i * out);
    });
    return y;
}

Tensor halve_planes(const Tensor& x) {
    const std::int64_t c = x.size(3);
    Tensor y = torch::empty({x.size(0), x.size(1) / 2, x.size(2) / 2, c}, x.options());
    const auto larger = [](float a, float b) { return b > a || b != b ? b : a; };
    for_strips(y, [&](std::int64_t plane, std::int64_t first, std::int64_t rows) {
        float* to = rows_of(y, plane, first, rows).data();
        for (std::int64_t r = first; r < first + rows; ++r) {
            const float *p = rows_of(x, plane, 2 * r, 1).data(), *q = rows_of(x, plane, 2 * r + 1, 1).data();
            for (std::int64_t i = 0; i < y.size(2); ++i, p += 2 * c, q += 2 * c, to += c)
                for (std::int64_t k = 0; k < c; ++k) to[k] = larger(larger(p[k], p[c + k]), larger(q[k], q[c + k]));
        }
    });
    return y;
}

}  // namespace nir::nn
