// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/timer.h"

#include <sys/resource.h>

namespace nir {

std::uint64_t peak_memory_bytes() {
    rusage u{};
    getrusage(RUSAGE_SELF, &u);
    return static_cast<std::uint64_t>(u.ru_maxrss) * 1024u;
}

}  // namespace nir
