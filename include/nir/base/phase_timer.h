// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/timer.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nir {

/// Seconds by phase. A phase opened inside another one pauses it, so that the phases never count a second twice and add
/// up to what was spent in any of them. For one thread; parallel work is timed by the thread that waits for it.
///
///     const auto reading = timer.phase("read");
class PhaseTimer {
public:
    /// Closes its phase when it goes out of scope.
    class Scope {
    public:
        explicit Scope(PhaseTimer& timer) : timer_(&timer) {}
        Scope(Scope&& other) noexcept : timer_(std::exchange(other.timer_, nullptr)) {}
        Scope& operator=(Scope&&) = delete;
        ~Scope() { close(); }
        void close() {
            if (timer_) std::exchange(timer_, nullptr)->leave();
        }

    private:
        PhaseTimer* timer_;
    };

    [[nodiscard]] Scope phase(std::string_view name);
    /// Closed and running phases in the order of their first appearance.
    std::vector<std::pair<std::string, double>> seconds() const;
    /// Since this object was made.
    double total_seconds() const { return since_start_.seconds(); }

private:
    void leave();
    void bank();

    Timer since_start_, lap_;
    std::vector<std::pair<std::string, double>> phases_;
    std::vector<std::size_t> open_;
};

}  // namespace nir
