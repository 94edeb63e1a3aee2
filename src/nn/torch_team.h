// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/thread_team.h"

namespace nir::nn {

/// The threads that torch's operators run on, which are those of OpenMP. (at::parallel_for is a template that runs in
/// one thread unless its caller is compiled for OpenMP.) nullptr if the compiler has another OpenMP than torch.
ThreadTeam torch_team();

}  // namespace nir::nn
