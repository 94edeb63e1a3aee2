// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstddef>
#include <functional>

namespace nir {

/// Sets the one number of threads that nir's pool uses (nn/runtime.h hands it on to torch). 0 = all cores.
void set_threads(int n);
int threads();

/// Calls body(begin, end) on disjoint chunks of [0, n) of at least `grain` items, on the pool; returns when all are
/// done. Chunk borders depend on n and grain only, never on the number of threads, so per-chunk results can be reduced
/// in order. The first exception thrown by a chunk is thrown here. Nested calls run in the calling thread.
void parallel_for(std::size_t n, std::size_t grain,
                  const std::function<void(std::size_t begin, std::size_t end)>& body);

}  // namespace nir
