// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/parallel.h"

#include <benchmark/benchmark.h>

#include <cstdlib>

namespace nir::bench {

/// The main function of a bench: NIR_THREADS threads (1), which `init` is told too.
template <class Init>
int run(int argc, char** argv, Init init) {
    const char* wanted = std::getenv("NIR_THREADS");
    set_threads(wanted ? std::atoi(wanted) : 1);
    init(threads());
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
inline int run(int argc, char** argv) {
    return run(argc, argv, [](int) {});
}

}  // namespace nir::bench
