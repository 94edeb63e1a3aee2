// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/splat.h"

#include <algorithm>
#include <cmath>

namespace nir::kernels {

void splat_moments(std::span<const float> points, GridSize size, std::span<float> out) {
    const auto n = static_cast<std::size_t>(size.cells());
    std::fill(out.begin(), out.end(), 0.0f);
    float* const w_sum = out.data();
    float* const d_sum = w_sum + 2 * n;  // three channels
    float* const c_sum = w_sum + 5 * n;  // six channels
    for (std::size_t i = 0; i + 2 < points.size(); i += 3) {
        const float px = points[i] - 0.5f, py = points[i + 1] - 0.5f, pz = points[i + 2] - 0.5f;
        if (!(px > -1.0f && py > -1.0f && pz > -1.0f && px < static_cast<float>(size.nx) &&
              py < static_cast<float>(size.ny) && pz < static_cast<float>(size.nz)))
            continue;  // also NaN
        const float fx = std::floor(px), fy = std::floor(py), fz = std::floor(pz);
        for (int corner = 0; corner < 8; ++corner) {
            const auto x = static_cast<std::int64_t>(fx) + (corner & 1),
                       y = static_cast<std::int64_t>(fy) + (corner >> 1 & 1),
                       z = static_cast<std::int64_t>(fz) + (corner >> 2);
            if (x < 0 || y < 0 || z < 0 || x >= size.nx || y >= size.ny || z >= size.nz) continue;
            const float dx = px - static_cast<float>(x), dy = py - static_cast<float>(y),
                        dz = pz - static_cast<float>(z);
            const float w = (1 - std::abs(dx)) * (1 - std::abs(dy)) * (1 - std::abs(dz));
            const auto c = static_cast<std::size_t>((z * size.ny + y) * size.nx + x);
            w_sum[c] += w;
            d_sum[c] += w * dx, d_sum[c + n] += w * dy, d_sum[c + 2 * n] += w * dz;
            c_sum[c] += w * dx * dx, c_sum[c + n] += w * dy * dy, c_sum[c + 2 * n] += w * dz * dz;
            c_sum[c + 3 * n] += w * dx * dy, c_sum[c + 4 * n] += w * dx * dz, c_sum[c + 5 * n] += w * dy * dz;
        }
    }
    for (std::size_t c = 0; c < n; ++c) {
        const float w = w_sum[c];
        if (w <= 0) continue;
        const float g = w / (w + 0.1f), inv = 1.0f / w;
        float m[3];
        for (std::size_t k = 0; k < 3; ++k) m[k] = d_sum[c + k * n] * inv, d_sum[c + k * n] = g * m[k];
        constexpr std::size_t kA[6] = {0, 1, 2, 0, 0, 1}, kB[6] = {0, 1, 2, 1, 2, 2};
        for (std::size_t k = 0; k < 6; ++k) c_sum[c + k * n] = 3 * g * (c_sum[c + k * n] * inv - m[kA[k]] * m[kB[k]]);
        w_sum[c + n] = g;
        w_sum[c] = std::log1p(w);
    }
}

namespace {

/// Transmittance from the border along direction (sx, sy, sz), added to `mean` and maximised into `most`.
void sweep(const float* clear, GridSize s, int sx, int sy, int sz, float* ray, float* mean, float* most) {
    const auto walk = [](int step, std::int64_t n, std::int64_t i) { return step >= 0 ? i : n - 1 - i; };
    for (std::int64_t k = 0; k < s.nz; ++k)
        for (std::int64_t j = 0; j < s.ny; ++j)
            for (std::int64_t i = 0; i < s.nx; ++i) {
                const std::int64_t x = walk(sx, s.nx, i), y = walk(sy, s.ny, j), z = walk(sz, s.nz, k);
                const std::int64_t bx = x - sx, by = y - sy, bz = z - sz;  // the cell before, seen from outside
                float t = 1.0f;
                if (bx >= 0 && by >= 0 && bz >= 0 && bx < s.nx && by < s.ny && bz < s.nz) {
                    const auto b = static_cast<std::size_t>((bz * s.ny + by) * s.nx + bx);
                    t = ray[b] * clear[b];
                }
                const auto c = static_cast<std::size_t>((z * s.ny + y) * s.nx + x);
                ray[c] = t;
                mean[c] += t;
                most[c] = std::max(most[c], t);
            }
}

}  // namespace

void openness(std::span<const float> weight, GridSize size, std::span<float> scratch, std::span<float> out) {
    const auto n = static_cast<std::size_t>(size.cells());
    std::fill(out.begin(), out.end(), 0.0f);
    float *const clear = scratch.data(), *const ray = clear + n;
    for (std::size_t scale = 0; scale < 2; ++scale) {
        for (std::int64_t z = 0; z < size.nz; ++z)
            for (std::int64_t y = 0; y < size.ny; ++y)
                for (std::int64_t x = 0; x < size.nx; ++x) {
                    float w = 0;
                    const std::int64_t r = scale == 0 ? 0 : 1;
                    for (std::int64_t c = std::max<std::int64_t>(z - r, 0); c <= std::min(z + r, size.nz - 1); ++c)
                        for (std::int64_t b = std::max<std::int64_t>(y - r, 0); b <= std::min(y + r, size.ny - 1); ++b)
                            for (std::int64_t a = std::max<std::int64_t>(x - r, 0); a <= std::min(x + r, size.nx - 1);
                                 ++a)
                                w = std::max(w, weight[static_cast<std::size_t>((c * size.ny + b) * size.nx + a)]);
                    clear[(z * size.ny + y) * size.nx + x] = std::exp(-1.5f * w);
                }
        float *const mean = out.data() + 2 * scale * n, *const most = mean + n;
        for (int d = 0; d < 27; ++d)
            if (d != 13) sweep(clear, size, d % 3 - 1, d / 3 % 3 - 1, d / 9 - 1, ray, mean, most);
        for (std::size_t c = 0; c < n; ++c) mean[c] /= 26.0f;
    }
}

}  // namespace nir::kernels
