// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/progress.h"

#include <string>

namespace nir {

/// While it lives, long steps without a progress of their own (sorting points, trees, the check of a mesh) end with
/// Error{cancelled} when `progress` asks to stop: parallel_for() between its chunks, loops in one thread where they
/// call check_stop(). For the thread that made it, and the pool while it works for that thread. May be nested; the
/// innermost counts.
class StopScope {
public:
    /// @param message  of the error: what was stopped, and what is kept
    StopScope(Progress& progress, std::string message);
    ~StopScope();
    StopScope(const StopScope&) = delete;
    StopScope& operator=(const StopScope&) = delete;

private:
    friend void check_stop();
    Progress& progress_;
    std::string message_;
    const StopScope* outer_;
};

/// Cheap enough for every few microseconds of work. Does nothing outside of a scope.
/// @throws Error cancelled.
void check_stop();

}  // namespace nir
