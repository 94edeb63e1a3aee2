// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/level_bits.h"

#include "nir/base/error.h"

#include "kernels/level_bits_ref.h"

#include <algorithm>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/level_bits.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace nir::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void NotAboveBits(const float* HWY_RESTRICT values, std::size_t n, float threshold, std::uint64_t* HWY_RESTRICT bits) {
    const hn::CappedTag<float, 64> d;
    const std::size_t lanes = hn::Lanes(d), bytes = (lanes + 7) / 8;
    const auto level = hn::Set(d, threshold);
    std::size_t at = 0;
    for (; at + 64 <= n; at += 64) {
        std::uint64_t word = 0;
        for (std::size_t i = 0; i < 64; i += lanes) {
            std::uint8_t part[8] = {};
            hn::StoreMaskBits(d, hn::Gt(hn::LoadU(d, values + at + i), level), part);
            std::uint64_t above = 0;
            std::memcpy(&above, part, bytes);
            word |= above << i;
        }
        *bits++ = ~word;
    }
    if (at < n) *bits = not_above_word_ref(values + at, n - at, threshold);
}

}  // namespace HWY_NAMESPACE
}  // namespace nir::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nir::kernels {

HWY_EXPORT(NotAboveBits);

void not_above_bits(std::span<const float> values, float threshold, std::span<std::uint64_t> bits) {
    NIR_CHECK(bits.size() == words_of_bits(values.size()));
    HWY_DYNAMIC_DISPATCH(NotAboveBits)(values.data(), values.size(), threshold, bits.data());
}

void not_above_bits(std::span<const double> values, double threshold, std::span<std::uint64_t> bits) {
    NIR_CHECK(bits.size() == words_of_bits(values.size()));
    for (std::size_t w = 0; w < bits.size(); ++w)
        bits[w] =
            not_above_word_ref(values.data() + 64 * w, std::min<std::size_t>(64, values.size() - 64 * w), threshold);
}

}  // namespace nir::kernels
#endif  // HWY_ONCE
