// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Packed data sets: any bytes must give a set whose every part can be read, or a nir::Error of kind format or input.
#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/data/model_set.h"

#include <cstdio>
#include <cstdlib>

namespace {

using namespace nir;

/// Touches the first and the last value of every part.
double read_everything(const data::ModelSet& set) {
    double sum = 0;
    Rng rng(1);
    const auto add = [&](const data::PointColumn& c) {
        if (!c.empty()) sum += static_cast<double>(c[0].x) + static_cast<double>(c[c.size() - 1].z);
    };
    const auto guarded = [](auto&& f) {
        try {
            f();
        } catch (const Error& e) {
            if (e.kind() != ErrorKind::format && e.kind() != ErrorKind::input) throw;
        }
    };
    for (std::size_t m = 0; m < set.size(); ++m) {
        sum += set.frame(m).scale + static_cast<double>(set.title(m).size());
        guarded([&] {
            const auto p = set.points(m, false, rng);
            add(p.points);
            for (std::size_t i = 0; i < p.points.size(); ++i) sum += p.inside[i];
        });
        guarded([&] {
            const auto s = set.surface(m, rng);
            add(s.points), add(s.normals);
        });
        guarded([&] { sum += static_cast<double>(set.voxels(m).values.back()); });
        guarded([&] {
            for (std::size_t v = 0; v < set.views(m); ++v) sum += set.view(m, v).data.back();
        });
    }
    return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const bool quiet = (set_log_level(LogLevel::off), true);
    (void)quiet;
    try {
        volatile double sum = read_everything(*data::parse_packed_set({reinterpret_cast<const char*>(data), size}));
        (void)sum;
    } catch (const Error& e) {
        if (e.kind() == ErrorKind::format || e.kind() == ErrorKind::input) return 0;
        std::fprintf(stderr, "broken promise: %s\n", e.what());
        std::abort();
    }
    return 0;
}
