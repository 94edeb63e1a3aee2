// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/rng.h"

#include "nir/base/splitmix.h"

#include <bit>
#include <cmath>
#include <numbers>

namespace nir {

Rng::Rng(std::uint64_t seed) {
    for (auto& s : s_) {
        s = splitmix64(seed);
        seed += 0x9E3779B97F4A7C15u;
    }
}

std::uint64_t Rng::next() {
    const std::uint64_t result = std::rotl(s_[1] * 5, 7) * 9, t = s_[1] << 17;
    s_[2] ^= s_[0], s_[3] ^= s_[1], s_[1] ^= s_[2], s_[0] ^= s_[3];
    s_[2] ^= t;
    s_[3] = std::rotl(s_[3], 45);
    return result;
}

std::uint64_t Rng::below(std::uint64_t n) {
    const std::uint64_t limit = -n % n;  // reject the uneven rest
    for (;;)
        if (const std::uint64_t r = next(); r >= limit) return r % n;
}

double Rng::normal() {
    const double u = 1.0 - uniform(), v = uniform();
    return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
}

}  // namespace nir
