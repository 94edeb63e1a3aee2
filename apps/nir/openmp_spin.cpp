// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// torch's OpenMP threads (libgomp) spin for milliseconds at the end of every parallel loop before they sleep. On a
// machine that does anything else beside, that burns the cores the others need: a reconstruction that computes for 7 s
// was seen to use 21 s. libgomp reads its settings from the environment when it is loaded, before main() and out of
// reach of setenv(); so the program answers its question itself. The default becomes a short spin, which keeps the
// reaction time of an idle machine; what the user sets wins.
#include <cstdlib>
#include <cstring>
#include <unistd.h>

namespace {

const char* value_of(const char* name) {
    const std::size_t length = std::strlen(name);
    for (char** entry = environ; entry && *entry; ++entry)
        if (std::strncmp(*entry, name, length) == 0 && (*entry)[length] == '=') return *entry + length + 1;
    return nullptr;
}

}  // namespace

/// Takes the place of the C library's function for the whole process; the same answers but one.
extern "C" __attribute__((visibility("default"))) char* getenv(const char* name) noexcept {
    static char spin_count[] = "1000";  // about 30 microseconds
    const char* value = value_of(name);
    if (!value && std::strcmp(name, "GOMP_SPINCOUNT") == 0 && !value_of("OMP_WAIT_POLICY")) return spin_count;
    return const_cast<char*>(value);
}
