// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The Chamfer distance: all pairs, k-d tree, and torch's cdist with min; threads from NIR_THREADS (default 1).
#include "nir/base/parallel.h"
#include "nir/nn/ops/chamfer.h"
#include "nir/nn/runtime.h"

#include "bench_main.h"
#include "nn/ops/nearest_search.h"

#include <benchmark/benchmark.h>
#include <torch/torch.h>

namespace nir::nn {
namespace {

using torch::Tensor;

/// Points of a surface (a unit sphere) and what a network makes of it: near the surface, or anywhere in the cube.
struct Sets {
    Tensor made, surface;
    Sets(std::int64_t batch, std::int64_t n, std::int64_t m, bool trained) {
        torch::manual_seed(1);
        const auto sphere = [batch](std::int64_t count) {
            const Tensor p = torch::randn({batch, count, 3});
            return p / p.norm(2, {2}, true);
        };
        surface = sphere(m);
        made = trained ? sphere(n) + 0.02 * torch::randn({batch, n, 3}) : 2 * torch::rand({batch, n, 3}) - 1;
    }
};

/// What one writes without an operator of one's own.
Tensor torch_chamfer(const Tensor& a, const Tensor& b) {
    const Tensor d = torch::cdist(a, b).square();
    return std::get<0>(d.min(2)).mean(1) + std::get<0>(d.min(1)).mean(1);
}

using Search = void (*)(const Tensor&, const Tensor&, Tensor&, Tensor&);

/// Both directions, forward only. Arguments: points of each set, 1 = near the surface.
void search(benchmark::State& state, Search one, Search other) {
    const std::int64_t n = state.range(0);
    const Sets sets(1, n, n, state.range(1) != 0);
    Tensor squared = torch::empty({1, n}), index = torch::empty({1, n}, torch::kInt32), check = squared.clone();
    one(sets.made, sets.surface, squared, index);
    other(sets.made, sets.surface, check, index);
    if (!torch::allclose(squared, check, 1e-4, 1e-6)) state.SkipWithError("the searches differ");
    for (auto unused : state) {
        one(sets.made, sets.surface, squared, index);
        one(sets.surface, sets.made, squared, index);
        benchmark::DoNotOptimize(squared.data_ptr<float>());
    }
}
void all_pairs(benchmark::State& state) { search(state, nearest_of_all_pairs, nearest_by_tree); }
void tree(benchmark::State& state) { search(state, nearest_by_tree, nearest_of_all_pairs); }

/// The matrix of n^2 distances: 1 GB at 16384 points, 17 GB at 65536.
void torch_cdist(benchmark::State& state) {
    const std::int64_t n = state.range(0);
    const Sets sets(1, n, n, state.range(1) != 0);
    const torch::NoGradGuard no_grad;
    if (!torch::allclose(torch_chamfer(sets.made, sets.surface), chamfer_distance(sets.made, sets.surface), 1e-3, 1e-6))
        state.SkipWithError("torch and nir differ");
    for (auto unused : state) benchmark::DoNotOptimize(torch_chamfer(sets.made, sets.surface).data_ptr<float>());
}

void sizes(benchmark::internal::Benchmark* b, std::int64_t most) {
    for (const int near : {1, 0})
        for (std::int64_t n = 256; n <= most; n *= n < 1024 || n >= 16384 ? 4 : 2) b->Args({n, near});
    b->ArgNames({"n", "near"})->Unit(benchmark::kMillisecond)->UseRealTime();
}
BENCHMARK(all_pairs)->Apply([](auto* b) { sizes(b, 65536); });
BENCHMARK(tree)->Apply([](auto* b) { sizes(b, 65536); });
BENCHMARK(torch_cdist)->Apply([](auto* b) { sizes(b, 16384); });

/// Loss and gradients of a batch. Arguments: batch, points made, points of the surface.
template <Tensor (*chamfer)(const Tensor&, const Tensor&)>
void training_step(benchmark::State& state) {
    const Sets sets(state.range(0), state.range(1), state.range(2), true);
    const Tensor made = sets.made.clone().requires_grad_(true);
    for (auto unused : state) {
        made.mutable_grad().reset();
        chamfer(made, sets.surface).mean().backward();
        benchmark::DoNotOptimize(made.grad().data_ptr<float>());
    }
}
BENCHMARK(training_step<chamfer_distance>)->Args({16, 1024, 1024})->Args({16, 2500, 2500});
BENCHMARK(training_step<torch_chamfer>)->Args({16, 1024, 1024})->Args({16, 2500, 2500});

}  // namespace
}  // namespace nir::nn

int main(int argc, char** argv) { return nir::bench::run(argc, argv, nir::nn::init_torch); }
