// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/torch_field.h"

#include "nir/base/error.h"
#include "nir/nn/torch_guard.h"

#include <cstring>

namespace nir::models {
namespace {

// Intermediate features of a chunk stay in the second-level cache; larger chunks are not faster.
constexpr std::size_t kChunk = 8192;

static_assert(sizeof(geom::Vec3f) == 3 * sizeof(float));

torch::Tensor chunk_tensor(std::span<const geom::Vec3f> points) {
    torch::Tensor t = torch::empty({1, static_cast<std::int64_t>(points.size()), 3}, torch::kFloat32);
    std::memcpy(t.data_ptr<float>(), points.data(), points.size_bytes());
    return t;
}

template <class Body>
void for_chunks(std::span<const geom::Vec3f> points, const Body& body) {
    nn::torch_guard("querying the network", [&] {
        for (std::size_t at = 0; at < points.size(); at += kChunk) {
            const std::size_t n = std::min(kChunk, points.size() - at);
            body(chunk_tensor(points.subspan(at, n)), at, n);
        }
    });
}

}  // namespace

void TorchField::values(std::span<const geom::Vec3f> points, std::span<float> out) const {
    NIR_CHECK(points.size() == out.size());
    for_chunks(points, [&](const torch::Tensor& p, std::size_t at, std::size_t n) {
        const torch::NoGradGuard no_grad;
        const torch::Tensor v = logits_(p).contiguous();
        NIR_CHECK(v.numel() == static_cast<std::int64_t>(n));
        std::memcpy(out.data() + at, v.data_ptr<float>(), n * sizeof(float));
    });
}

void TorchField::gradients(std::span<const geom::Vec3f> points, std::span<geom::Vec3f> out) const {
    NIR_CHECK(points.size() == out.size());
    for_chunks(points, [&](torch::Tensor p, std::size_t at, std::size_t n) {
        const torch::AutoGradMode with_grad(true);
        p.requires_grad_(true);
        const torch::Tensor g = torch::autograd::grad({logits_(p).sum()}, {p})[0].contiguous();
        const float* v = g.data_ptr<float>();
        for (std::size_t i = 0; i < n; ++i) out[at + i] = {v[3 * i], v[3 * i + 1], v[3 * i + 2]};
    });
}

}  // namespace nir::models
