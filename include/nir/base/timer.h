// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <chrono>
#include <cstdint>

namespace nir {

class Timer {
public:
    double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
    void restart() { start_ = Clock::now(); }

private:
    using Clock = std::chrono::steady_clock;
    Clock::time_point start_ = Clock::now();
};

/// Largest resident set of this process so far, bytes.
std::uint64_t peak_memory_bytes();

}  // namespace nir
