// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

namespace nir {

/// Where long work reports to. Terminal bar, viewer and tests implement it.
class Progress {
public:
    virtual ~Progress() = default;
    /// Starts a phase of `total` steps (0 = unknown); `unit` is a plural noun for the rate ("points").
    virtual void begin(std::string_view phase, std::uint64_t total, std::string_view unit) = 0;
    /// Reports n more steps. False asks the caller to stop cleanly (Ctrl-C).
    virtual bool advance(std::uint64_t n = 1) = 0;
    /// A short text behind the bar ("loss 0.31").
    virtual void note(std::string_view) {}
    virtual void end() = 0;
};

/// Says nothing and never cancels.
class NoProgress final : public Progress {
public:
    void begin(std::string_view, std::uint64_t, std::string_view) override {}
    bool advance(std::uint64_t) override { return true; }
    void end() override {}
};

}  // namespace nir
