// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <ATen/core/Tensor.h>
#include <algorithm>
#include <cstdint>
#include <span>

namespace nir::nn {

/// Item b of a contiguous batch, flat.
template <class Real>
std::span<Real> row_of(at::Tensor& t, std::int64_t b) {
    const std::int64_t n = t.numel() / std::max<std::int64_t>(t.size(0), 1);
    return {t.data_ptr<Real>() + b * n, static_cast<std::size_t>(n)};
}
template <class Real>
std::span<const Real> row_of(const at::Tensor& t, std::int64_t b) {
    const std::int64_t n = t.numel() / std::max<std::int64_t>(t.size(0), 1);
    return {t.data_ptr<Real>() + b * n, static_cast<std::size_t>(n)};
}

}  // namespace nir::nn
