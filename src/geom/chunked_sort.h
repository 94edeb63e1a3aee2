// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Long lists are sorted on all threads and may be stopped on the way (base/stop.h).
#pragma once

#include "nir/base/parallel.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>

namespace nir::geom {

/// std::sort() for an order without ties; with ties, what is equal comes in an order that depends on the input only.
template <class T, class Less = std::less<T>>
void sort_in_chunks(std::span<T> items, const Less& less = {}) {
    constexpr std::size_t kChunk = std::size_t{1} << 18;
    const std::size_t n = items.size();
    const auto at = [&](std::size_t i) { return items.begin() + static_cast<std::ptrdiff_t>(std::min(i, n)); };
    parallel_for(n, kChunk, [&](std::size_t begin, std::size_t end) { std::sort(at(begin), at(end), less); });
    for (std::size_t width = kChunk; width < n; width *= 2)
        parallel_for(n, 2 * width, [&](std::size_t begin, std::size_t end) {
            if (begin + width < end) std::inplace_merge(at(begin), at(begin + width), at(end), less);
        });
}

}  // namespace nir::geom
