// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Compiled for OpenMP, without torch's headers (CMakeLists.txt).
#include "nn/torch_team.h"

namespace nir::nn {

ThreadTeam torch_team() {
#ifdef _OPENMP
    return [](int n, const std::function<void()>& body) {
#pragma omp parallel num_threads(n)
        body();
    };
#else
    return nullptr;
#endif
}

}  // namespace nir::nn
