// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Two of torch's libraries read settings from the environment when they are loaded, before main() and out of reach of
// setenv(), and choose badly without. The program answers their question itself; what the user sets wins.
//
// libgomp: OpenMP threads spin for milliseconds at the end of every parallel loop before they sleep. On a machine that
// does anything else beside, that burns the cores the others need: a reconstruction that computes for 7 s was seen to
// use 21 s. The default becomes a short spin, which keeps the reaction time of an idle machine.
//
// OpenBLAS knows processors by model. Debian 12's (0.3.21) takes those that came after it for a Pentium 4: 20 instead
// of 113 GFLOP/s of a core, seen on Intel's model 207. It is told by what the processor can do.
#include <cstdlib>
#include <cstring>
#include <unistd.h>

#ifdef __x86_64__
#include <cpuid.h>
#endif

namespace {

const char* value_of(const char* name) {
    const std::size_t length = std::strlen(name);
    for (char** entry = environ; entry && *entry; ++entry)
        if (std::strncmp(*entry, name, length) == 0 && (*entry)[length] == '=') return *entry + length + 1;
    return nullptr;
}

/// OpenBLAS's kernels for this processor; empty: it knows better. AMD's are known up to Zen 4 (family 0x19).
const char* blas_core() {
#ifdef __x86_64__
    __builtin_cpu_init();
    const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    const bool usual = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (__builtin_cpu_is("intel")) return wide ? "SkylakeX" : usual ? "Haswell" : "";
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (__builtin_cpu_is("amd") && __get_cpuid(1, &a, &b, &c, &d) != 0 && (a >> 8 & 0xf) + (a >> 20 & 0xff) > 0x19)
        return wide ? "SkylakeX" : usual ? "Zen" : "";
#endif
    return "";
}

}  // namespace

/// Takes the place of the C library's function for the whole process; the same answers but two.
extern "C" __attribute__((visibility("default"))) char* getenv(const char* name) noexcept {
    static char spin_count[] = "1000";  // about 30 microseconds
    const char* value = value_of(name);
    if (!value && std::strcmp(name, "GOMP_SPINCOUNT") == 0 && !value_of("OMP_WAIT_POLICY")) return spin_count;
    if (!value && std::strcmp(name, "OPENBLAS_CORETYPE") == 0)
        if (const char* core = blas_core(); *core) return const_cast<char*>(core);
    return const_cast<char*>(value);
}
