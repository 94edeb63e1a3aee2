// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <functional>

namespace nir {

/// Calls body on up to n threads at once, the calling one among them, and returns when all of them have returned. body
/// does not throw.
using ThreadTeam = void (*)(int n, const std::function<void()>& body);

/// Makes parallel_for work on the threads of a library that keeps its own, nullptr: on nir's. Two sets of threads that
/// take turns wait for each other's cores: one set looks for work for milliseconds before it sleeps. nn::init_torch()
/// hands over torch's threads.
void set_thread_team(ThreadTeam team);

}  // namespace nir
