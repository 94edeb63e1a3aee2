// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <string>
#include <string_view>

namespace nir::nn {

/// Hands the number of threads of nir's pool (parallel.h) on to torch; Debian's torch starts with one thread.
/// Call once at start-up, before any tensor work; 0 = all cores.
void init_torch(int threads);

/// The device for "auto", "cpu" or "cuda". @throws Error of kind usage if it is unknown or not there.
std::string resolve_device(std::string_view wanted);

}  // namespace nir::nn
