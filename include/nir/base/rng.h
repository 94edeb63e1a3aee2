// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <array>
#include <cstdint>

namespace nir {

/// xoshiro256** (Blackman and Vigna 2018), seeded by splitmix64. Always passed by argument, never global.
/// Same seed, same numbers, on every platform and with any number of threads.
class Rng {
public:
    explicit Rng(std::uint64_t seed = 0);
    using State = std::array<std::uint64_t, 4>;

    std::uint64_t next();
    /// Uniform in [0, 1), 53 bits.
    double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
    double uniform(double lo, double hi) { return lo + (hi - lo) * uniform(); }
    /// Uniform integer in [0, n); n > 0.
    std::uint64_t below(std::uint64_t n);
    /// Standard normal (Box-Muller, no state kept).
    double normal();
    bool coin(double probability) { return uniform() < probability; }
    /// An independent stream; the parent moves on by one step.
    Rng split() { return Rng(next()); }

    const State& state() const { return s_; }
    void set_state(const State& s) { s_ = s; }

private:
    State s_;
};

}  // namespace nir
