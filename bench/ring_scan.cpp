// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// A scan of any size with little surface: what does a reconstruction take that has less memory than points?
//
//     ring_scan 20000000 ring.ply && /usr/bin/time -v nir reconstruct ring.ply -o mesh.ply --max-memory 1G --resolution
//     400
#include "nir/base/error.h"
#include "nir/base/output_file.h"
#include "nir/base/rng.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numbers>

/// Points on a torus of radii 5 m and 1.5 m, uniform by area, noise 2 mm; binary PLY.
int main(int argc, char** argv) try {
    if (argc != 3) nir::fail(nir::ErrorKind::usage, "ring_scan POINTS FILE.ply");
    const long n = std::atol(argv[1]);
    nir::OutputFile out(argv[2]);
    out.stream() << fmt::format(
        "ply\nformat binary_little_endian 1.0\nelement vertex {}\nproperty float x\nproperty float y\n"
        "property float z\nend_header\n",
        n);
    nir::Rng rng(1);
    for (long i = 0; i < n;) {
        const double u = rng.uniform(0, 2 * std::numbers::pi), v = rng.uniform(0, 2 * std::numbers::pi);
        if (rng.uniform(0, 6.5) > 5 + 1.5 * std::cos(v)) continue;
        const double d = 1.5 + 0.002 * rng.normal(), r = 5 + d * std::cos(v);
        const std::array<float, 3> p{static_cast<float>(r * std::cos(u)), static_cast<float>(r * std::sin(u)),
                                     static_cast<float>(d * std::sin(v))};
        out.write(std::as_bytes(std::span(p)));
        ++i;
    }
    out.commit();
    return 0;
} catch (const nir::Error& e) {
    std::fprintf(stderr, "error: %s\n", e.what());
    return 2;
}
