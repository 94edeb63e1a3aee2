// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstddef>
#include <vector>

namespace nir::pipeline {

/// Every so-manieth of many values that come one after the other: all of them, as long as there are no more than
/// `most`.
template <class T>
struct Sample {
    explicit Sample(std::size_t n) : most(n) {}
    void offer(const T& value) {
        if (seen++ % step != 0) return;
        kept.push_back(value);
        if (kept.size() <= most) return;
        for (std::size_t i = 0; 2 * i < kept.size(); ++i) kept[i] = kept[2 * i];
        kept.resize((kept.size() + 1) / 2);
        step *= 2;
    }
    std::size_t most, step = 1, seen = 0;
    std::vector<T> kept;
};

}  // namespace nir::pipeline
