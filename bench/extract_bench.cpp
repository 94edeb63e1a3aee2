// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Marching Cubes, MISE bookkeeping and the mesh check; --threads of the pool from NIR_THREADS (default 1).
#include "nir/base/parallel.h"
#include "nir/extract/extract_mesh.h"
#include "nir/extract/grid_field.h"
#include "nir/extract/marching_cubes.h"
#include "nir/extract/mise.h"
#include "nir/geom/mesh_check.h"

#include "bench_main.h"
#include "mise_reference.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cmath>
#include <type_traits>

namespace nir::extract {
namespace {

using geom::Vec3f;
using geom::Vec3i;

/// Two blobs and a ripple: about 6 n^2 faces on n cells.
float shape(Vec3f p) {
    const float a = 0.36f - geom::norm(p), b = 0.22f - geom::norm(p - Vec3f{0.25f, 0.2f, 0.1f});
    return 20 * std::max(a, b) + 0.4f * std::sin(40 * p.x) * std::sin(37 * p.y) * std::sin(43 * p.z);
}

/// A sphere, so cheap that the bookkeeping shows.
float sphere(Vec3f p) { return 10 * (0.35f - geom::norm(p)); }

std::vector<float> volume(int n) {
    std::vector<float> v(static_cast<std::size_t>(n) * static_cast<std::size_t>(n) * static_cast<std::size_t>(n));
    const auto at = [&](int i) { return 1.1f * (static_cast<float>(i) / static_cast<float>(n - 1) - 0.5f); };
    std::size_t i = 0;
    for (int x = 0; x < n; ++x) {
        for (int y = 0; y < n; ++y) {
            for (int z = 0; z < n; ++z) v[i++] = shape({at(x), at(y), at(z)});
        }
    }
    return v;
}

void require(benchmark::State& state, bool good, const char* what) {
    if (!good) state.SkipWithError(what);
}

void marching_cubes_dense(benchmark::State& state) {
    const int n = static_cast<int>(state.range(0)) + 1;
    const auto v = volume(n);
    const MarchingCubesOptions options{.pad_value = -1e6};
    require(state, geom::check_mesh(marching_cubes(v, {n, n, n}, options).mesh).outward, "the mesh is not closed");
    std::size_t faces = 0;
    for (auto unused : state) faces = marching_cubes(v, {n, n, n}, options).mesh.faces.size();
    state.counters["faces"] = static_cast<double>(faces);
    state.SetItemsProcessed(state.iterations() * (n - 1) * (n - 1) * (n - 1));
}
BENCHMARK(marching_cubes_dense)->Arg(64)->Arg(128)->Arg(256)->Arg(512)->Unit(benchmark::kMillisecond);

/// The limit of the above: every sample read once, by as many threads.
void read_volume(benchmark::State& state) {
    const auto n = static_cast<std::size_t>(state.range(0)) + 1;
    const auto v = volume(static_cast<int>(n));
    std::vector<float> sums(n);
    for (auto unused : state) {
        parallel_for(n, 8, [&](std::size_t begin, std::size_t end) {
            for (std::size_t x = begin; x < end; ++x) {
                float lanes[64] = {};
                const float* p = v.data() + x * n * n;
                std::size_t i = 0;
                for (; i + 64 <= n * n; i += 64)
                    for (std::size_t k = 0; k < 64; ++k) lanes[k] += p[i + k];
                for (; i < n * n; ++i) lanes[0] += p[i];
                for (const float s : lanes) sums[x] += s;
            }
        });
        benchmark::DoNotOptimize(sums.data());
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(v.size() * sizeof(float)));
}
BENCHMARK(read_volume)->Arg(256)->Arg(512)->Unit(benchmark::kMillisecond);

/// The tree without the field: values are looked up in a volume computed before.
void mise_bookkeeping(benchmark::State& state) {
    const int coarse = static_cast<int>(state.range(0)), depth = static_cast<int>(state.range(1));
    const int n = (coarse << depth) + 1;
    const auto v = volume(n);
    const auto run = [&](Mise<float>& mise) {
        std::vector<float> values;
        while (!mise.done()) {
            values.clear();
            for (const auto& p : mise.query()) {
                values.push_back(
                    v[(static_cast<std::size_t>(p.x) * static_cast<std::size_t>(n) + static_cast<std::size_t>(p.y)) *
                          static_cast<std::size_t>(n) +
                      static_cast<std::size_t>(p.z)]);
            }
            mise.update(values);
        }
    };
    const MiseOptions options{{coarse, coarse, coarse}, depth, 0.0};
    Mise<float> once(options);
    run(once);
    const auto mesh = marching_cubes(once, {.pad_value = -1e6}).mesh;
    const auto truth = marching_cubes(v, {n, n, n}, {.pad_value = -1e6}).mesh;
    require(state, mesh.faces == truth.faces, "MISE and the whole volume differ");
    for (auto unused : state) {
        Mise<float> mise(options);
        run(mise);
        benchmark::DoNotOptimize(mise.evaluated_points());
    }
    state.counters["points"] = static_cast<double>(once.evaluated_points());
    state.counters["bytes"] = static_cast<double>(once.memory_bytes());
}
BENCHMARK(mise_bookkeeping)->Args({32, 2})->Args({32, 3})->Args({64, 2})->Unit(benchmark::kMillisecond);

/// MISE with the field evaluated; both ways ask for the same points.
template <class Tree>
std::size_t run_mise(Tree& tree, int n) {
    const auto at = [&](int i) { return 1.1f * (static_cast<float>(i) / static_cast<float>(n - 1) - 0.5f); };
    std::vector<double> values;
    std::size_t points = 0;
    for (;;) {
        const auto asked = tree.query();
        if (asked.empty()) return points;
        values.clear();
        for (const auto& p : asked) values.push_back(static_cast<double>(sphere({at(p.x), at(p.y), at(p.z)})));
        points += asked.size();
        if constexpr (std::is_same_v<Tree, bench::ReferenceMise>) {
            tree.update(asked, values);
        } else {
            tree.update(values);
        }
    }
}
void mise_sphere(benchmark::State& state) {
    const int coarse = static_cast<int>(state.range(0)), depth = static_cast<int>(state.range(1));
    bench::ReferenceMise reference(coarse, depth, 0.0);
    Mise<double> once({{coarse, coarse, coarse}, depth, 0.0});
    const std::size_t points = run_mise(once, (coarse << depth) + 1);
    require(state, points == run_mise(reference, (coarse << depth) + 1), "MISE and the reference ask for other points");
    for (auto unused : state) {
        Mise<double> mise({{coarse, coarse, coarse}, depth, 0.0});
        benchmark::DoNotOptimize(run_mise(mise, (coarse << depth) + 1));
    }
    state.counters["points"] = static_cast<double>(points);
}
void mise_sphere_reference(benchmark::State& state) {
    const int coarse = static_cast<int>(state.range(0)), depth = static_cast<int>(state.range(1));
    std::size_t points = 0;
    for (auto unused : state) {
        bench::ReferenceMise mise(coarse, depth, 0.0);
        points = run_mise(mise, (coarse << depth) + 1);
    }
    state.counters["points"] = static_cast<double>(points);
}
BENCHMARK(mise_sphere)->Args({32, 2})->Args({32, 3})->Unit(benchmark::kMillisecond);
BENCHMARK(mise_sphere_reference)->Args({32, 2})->Args({32, 3})->Unit(benchmark::kMillisecond);

void marching_cubes_of_mise(benchmark::State& state) {
    const int coarse = static_cast<int>(state.range(0)), depth = static_cast<int>(state.range(1));
    Mise<float> mise({{coarse, coarse, coarse}, depth, 0.0});
    const int n = mise.size().x;
    const auto at = [&](int i) { return 1.1f * (static_cast<float>(i) / static_cast<float>(n - 1) - 0.5f); };
    while (!mise.done()) {
        std::vector<float> values;
        for (const auto& p : mise.query()) values.push_back(shape({at(p.x), at(p.y), at(p.z)}));
        mise.update(values);
    }
    std::size_t faces = 0;
    for (auto unused : state) faces = marching_cubes(mise, {.pad_value = -1e6}).mesh.faces.size();
    state.counters["faces"] = static_cast<double>(faces);
    state.counters["bytes"] = static_cast<double>(mise.memory_bytes());
}
BENCHMARK(marching_cubes_of_mise)->Args({32, 2})->Args({32, 3})->Args({32, 4})->Unit(benchmark::kMillisecond);

void mesh_check(benchmark::State& state) {
    const int n = static_cast<int>(state.range(0)) + 1;
    const auto mesh = marching_cubes(volume(n), {n, n, n}, {.pad_value = -1e6}).mesh;
    require(state, geom::check_mesh(mesh).outward, "the mesh is not closed");
    for (auto unused : state) benchmark::DoNotOptimize(geom::check_mesh(mesh).edges);
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(mesh.faces.size()));
    state.counters["faces"] = static_cast<double>(mesh.faces.size());
}
BENCHMARK(mesh_check)->Arg(128)->Arg(384)->Unit(benchmark::kMillisecond);

void whole_extraction(benchmark::State& state) {
    FunctionField field(shape, {{-0.55f, -0.55f, -0.55f}, {0.55f, 0.55f, 0.55f}});
    ExtractResult result;
    for (auto unused : state) result = extract_mesh(field);
    require(state, result.report.outward && result.report.manifold(), "the mesh is not closed");
    state.counters["query_ms"] = 1e3 * result.query_s;
    state.counters["extract_ms"] = 1e3 * result.extract_s;
    state.counters["refine_ms"] = 1e3 * result.refine_s;
    state.counters["points"] = static_cast<double>(result.queried_points);
}
BENCHMARK(whole_extraction)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace nir::extract

int main(int argc, char** argv) { return nir::bench::run(argc, argv); }
