// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Volume rendering: the SIMD packet march with and without leaps, beside the plain loops in double, and the time that
// reading every sample of the volume once from memory takes. Threads from NIR_THREADS (default 1).
#include "nir/base/parallel.h"
#include "nir/render/volume.h"

#include "bench_main.h"

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdlib>
#include <numeric>

namespace nir::render {
namespace {

/// Nested shells with bumps: much empty space, thin and thick parts.
const geom::VoxelGrid& shells(int n) {
    static geom::VoxelGrid grid;
    if (grid.size.x == n) return grid;
    grid.size = {n, n, n};
    grid.spacing = geom::Vec3d{1, 1, 1} * (2.0 / n);
    grid.origin = geom::Vec3d{1, 1, 1} * (-1.0 + 1.0 / n);
    grid.values.resize(static_cast<std::size_t>(n) * static_cast<std::size_t>(n) * static_cast<std::size_t>(n));
    for (int i = 0; i < n; ++i)
        for (int j = 0; j < n; ++j)
            for (int k = 0; k < n; ++k) {
                const geom::Vec3d p =
                    grid.origin + geom::Vec3d{static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)} *
                                      grid.spacing.x;
                const double r = norm(p) + 0.03 * std::sin(20 * p.x) * std::sin(17 * p.y) * std::sin(23 * p.z);
                grid.values[grid.index(i, j, k)] =
                    static_cast<float>(std::exp(-300 * (r - 0.8) * (r - 0.8)) * (p.x < 0.3) + std::exp(-40 * r * r));
            }
    return grid;
}

struct Setting {
    geom::Camera camera = geom::pinhole_camera(512, 512, 0.7);
    geom::Pose pose;
    explicit Setting(const geom::Box3d& box) : pose(orbit(box, camera, 1)[0]) {}
};

TransferFunction look_of(bool clouds) { return TransferFunction::preset(clouds ? "smoke" : "surface", 0, 1); }

/// Arguments: samples a side, 1 = translucent, 1 = leaps over empty space.
void march(benchmark::State& state) {
    VolumeOptions options;
    options.skip_empty = state.range(2) != 0;
    const VolumeRenderer volume(shells(static_cast<int>(state.range(0))), look_of(state.range(1) != 0), options);
    const Setting s(volume.box());
    for (auto unused : state) benchmark::DoNotOptimize(volume.render(s.camera, s.pose));
    const kernels::VolumeRays rays = volume.rays(s.camera, s.pose);
    const double samples = std::accumulate(rays.steps.begin(), rays.steps.end(), 0.0);
    state.counters["Msamples_of_rays"] = samples * 1e-6;
    state.counters["MB"] = static_cast<double>(volume.memory_bytes()) * 1e-6;
}
BENCHMARK(march)
    ->ArgNames({"side", "clouds", "leaps"})
    ->Args({128, 0, 1})
    ->Args({256, 0, 1})
    ->Args({256, 0, 0})
    ->Args({256, 1, 1})
    ->Args({256, 1, 0})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

/// The plain loops on every 8th ray of the same picture, in the calling thread; compared before it is timed.
void plain(benchmark::State& state) {
    const geom::VoxelGrid& grid = shells(static_cast<int>(state.range(0)));
    const VolumeRenderer volume(grid, look_of(state.range(1) != 0), {});
    const Setting s(volume.box());
    const kernels::VolumeRays all = volume.rays(s.camera, s.pose);
    kernels::VolumeRays some;
    some.resize(all.size() / 8);
    for (std::size_t i = 0; i < some.size(); ++i) {
        const std::size_t k = 8 * i + i / 64 % 8;
        some.ox[i] = all.ox[k], some.oy[i] = all.oy[k], some.oz[i] = all.oz[k];
        some.dx[i] = all.dx[k], some.dy[i] = all.dy[k], some.dz[i] = all.dz[k];
        some.dt[i] = all.dt[k], some.steps[i] = all.steps[k];
    }
    const std::array<int, 3> size{grid.size.x, grid.size.y, grid.size.z};
    const kernels::VolumeLook look = volume.look(s.pose);
    kernels::VolumeSums want, got;
    kernels::march_volume(volume.volume(), look, volume.leaps(), some, got);
    for (auto unused : state) kernels::march_volume_ref(grid.values, size, 1, look, some, want);
    double mean = 0;
    for (std::size_t i = 0; i < some.size(); ++i) mean += std::abs(static_cast<double>(want.g[i] - got.g[i]));
    if (mean > 1e-3 * static_cast<double>(some.size())) state.SkipWithError("the renderers differ");
    state.counters["mean_difference"] = mean / static_cast<double>(some.size());
    state.counters["times_8_is_a_picture"] = 8;
}
BENCHMARK(plain)->ArgNames({"side", "clouds"})->Args({256, 0})->Args({256, 1})->Unit(benchmark::kMillisecond);

/// The limit of memory: each sample of the bricks read once.
void read_once(benchmark::State& state) {
    const VolumeRenderer volume(shells(static_cast<int>(state.range(0))), look_of(false), {});
    const std::vector<float>& v = volume.volume().samples;
    for (auto unused : state) {
        float s[8] = {};
        for (std::size_t i = 0; i + 8 <= v.size(); i += 8)
            for (std::size_t k = 0; k < 8; ++k) s[k] += v[i + k];
        benchmark::DoNotOptimize(s);
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * v.size() * sizeof(float)));
}
BENCHMARK(read_once)->Arg(256)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace nir::render

int main(int argc, char** argv) { return nir::bench::run(argc, argv); }
