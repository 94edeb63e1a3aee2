// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Before Highway: registers are held in arrays of vectors, which vectors of unknown length do not allow.
// clang-format off
#include "kernels/sized_vectors.h"
// clang-format on

#include "nir/kernels/residual_mlp.h"

#include "nir/base/error.h"

#include "kernels/residual_mlp_pack.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/residual_mlp.cpp"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>

#include "kernels/residual_mlp-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace nir::kernels {
namespace HWY_NAMESPACE {

/// rows [n, width] to columns [width][48]; points beyond n become 0.
HWY_INLINE void ToColumns(const float* HWY_RESTRICT rows, std::size_t n, std::size_t width, float* HWY_RESTRICT to) {
    for (std::size_t c = 0; c < width; ++c) {
        for (std::size_t i = 0; i < n; ++i) to[c * kTile + i] = rows[i * width + c];
        for (std::size_t i = n; i < kTile; ++i) to[c * kTile + i] = 0.0f;
    }
}

HWY_INLINE void ToRows(const float* HWY_RESTRICT columns, std::size_t n, std::size_t width, float* HWY_RESTRICT rows) {
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t c = 0; c < width; ++c) rows[i * width + c] = columns[c * kTile + i];
}

HWY_INLINE void Told(const ResidualMlp::Packed& p, const float* q, const float* c, std::size_t at, std::size_t n,
                     float* cq) {
    ToColumns(c + at * p.features, n, p.features, cq);
    ToColumns(q + at * p.inputs, n, p.inputs, cq + p.features * kTile);
}

void Values(const ResidualMlp::Packed& p, const float* q, const float* c, std::size_t n, float* out) {
    const std::size_t step = p.padded * kTile;
    const auto memory = hwy::AllocateAligned<float>(3 * step + (p.features + p.inputs) * kTile);
    float* m = memory.get();
    const TileBuffers b{m, m + step, m + 2 * step, m + 3 * step};
    HWY_ALIGN float result[kTile];
    for (std::size_t at = 0; at < n; at += kTile) {
        const std::size_t count = std::min(kTile, n - at), columns = TileColumns(count);
        Told(p, q, c, at, count, b.cq);
        const float* h = ForwardTile(p, b, columns);
        for (std::size_t o = 0; o < p.outputs; ++o) {
            Output(p, h, o, columns, result);
            for (std::size_t i = 0; i < count; ++i) out[(at + i) * p.outputs + o] = result[i];
        }
    }
}

void Gradients(const ResidualMlp::Packed& p, const float* q, const float* c, std::size_t n, std::size_t output,
               float* out, float* dq, float* dc) {
    const std::size_t step = p.padded * kTile, blocks = p.blocks.size(), told = p.features + p.inputs;
    const auto memory = hwy::AllocateAligned<float>((2 * blocks + 4) * step + (told + padded_rows(told)) * kTile);
    float* m = memory.get();
    const TileBuffers b{m, m + 3 * step, m + (blocks + 4) * step, m + (2 * blocks + 4) * step, true};
    const BackBuffers g{m + step, m + 2 * step, b.cq + told * kTile};
    HWY_ALIGN float result[kTile];
    for (std::size_t at = 0; at < n; at += kTile) {
        const std::size_t count = std::min(kTile, n - at), columns = TileColumns(count);
        Told(p, q, c, at, count, b.cq);
        const float* h = ForwardTile(p, b, columns);
        for (std::size_t o = 0; o < p.outputs; ++o) {
            Output(p, h, o, columns, result);
            for (std::size_t i = 0; i < count; ++i) out[(at + i) * p.outputs + o] = result[i];
        }
        BackTile(p, b, g, output, columns);
        ToRows(g.dcq, count, p.features, dc + at * p.features);
        ToRows(g.dcq + p.features * kTile, count, p.inputs, dq + at * p.inputs);
    }
}

}  // namespace HWY_NAMESPACE
}  // namespace nir::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nir::kernels {

HWY_EXPORT(Values);
HWY_EXPORT(Gradients);

void ResidualMlp::values(std::span<const float> inputs, std::span<const float> features, std::span<float> out) const {
    const Packed& p = *packed_;
    const std::size_t n = out.size() / p.outputs;
    NIR_CHECK(inputs.size() == n * p.inputs && features.size() == n * p.features && out.size() == n * p.outputs);
    HWY_DYNAMIC_DISPATCH(Values)(p, inputs.data(), features.data(), n, out.data());
}

void ResidualMlp::gradients(std::span<const float> inputs, std::span<const float> features, std::size_t output,
                            std::span<float> out, std::span<float> d_inputs, std::span<float> d_features) const {
    const Packed& p = *packed_;
    const std::size_t n = out.size() / p.outputs;
    NIR_CHECK(inputs.size() == n * p.inputs && features.size() == n * p.features && out.size() == n * p.outputs);
    NIR_CHECK(d_inputs.size() == inputs.size() && d_features.size() == features.size() && output < p.outputs);
    HWY_DYNAMIC_DISPATCH(Gradients)
    (p, inputs.data(), features.data(), n, output, out.data(), d_inputs.data(), d_features.data());
}

}  // namespace nir::kernels
#endif  // HWY_ONCE
