// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Stages of the radiance field's step on one thread, beside what the processor can multiply and add at most.
#include "nir/base/rng.h"
#include "nir/kernels/composite.h"
#include "nir/kernels/hash_grid.h"
#include "nir/kernels/small_mlp.h"
#include "nir/kernels/sparse_adam.h"

#include "kernels/hash_grid_ref.h"
#include "kernels/small_mlp_ref.h"

#include <benchmark/benchmark.h>

#include <cmath>
#include <vector>

namespace nir::kernels {
namespace {

std::vector<float> random_values(std::size_t n, double lo, double hi) {
    Rng rng(n);
    std::vector<float> out(n);
    for (float& v : out) v = static_cast<float>(rng.uniform(lo, hi));
    return out;
}

constexpr std::size_t kRows = 768;
const SmallMlp kDensity{2, {32, 64, 16}}, kColour{3, {32, 64, 64, 16}};

struct Network {
    const SmallMlp& mlp;
    std::vector<float> weights, packed, x, hidden, y, dx, dw, scratch;
    explicit Network(const SmallMlp& m)
        : mlp(m),
          weights(random_values(m.weights(), -0.2, 0.2)),
          packed(m.weights()),
          x(random_values(kRows * m.in(), -1, 1)),
          hidden(kRows * m.hidden()),
          y(kRows * m.out()),
          dx(x.size()),
          dw(m.weights()),
          scratch(2 * kMlpRows * m.widest()) {
        mlp_pack(m, weights, packed);
    }
    void forward() { mlp_forward(mlp, packed, kRows, x.data(), mlp.in(), hidden, y.data(), mlp.out()); }
    void backward() {
        mlp_backward(mlp, weights, kRows, x.data(), mlp.in(), hidden, y.data(), mlp.out(), dx.data(), mlp.in(), dw,
                     scratch);
    }
    bool right() {
        forward();
        const auto want = mlp_forward_ref(mlp, weights.data(), x.data() + 5 * mlp.in()).back();
        return std::abs(want[0] - y[5 * mlp.out()]) < 1e-4f;
    }
};

void rate(benchmark::State& state, double operations) {
    state.counters["GFLOP/s"] =
        benchmark::Counter(1e-9 * operations * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

/// One square layer of 64 on 64 numbers that stay in the first cache: the best this kernel can do on this machine.
void gemm_in_cache(benchmark::State& state) {
    const SmallMlp layer{1, {64, 64}};
    Network net(layer);
    for (auto unused : state) mlp_forward(layer, net.packed, kMlpRows, net.x.data(), 64, {}, net.y.data(), 64);
    rate(state, 2.0 * 64 * 64 * kMlpRows);
}
BENCHMARK(gemm_in_cache);

void networks(benchmark::State& state, bool backward) {
    Network density(kDensity), colour(kColour);
    if (!density.right() || !colour.right()) state.SkipWithError("the networks are wrong");
    for (auto unused : state) {
        density.forward(), colour.forward();
        if (backward) colour.backward(), density.backward();
    }
    const double numbers = static_cast<double>(kDensity.weights() + kColour.weights()) * kRows;
    rate(state, numbers * (backward ? 6 : 2));
    state.counters["samples/s"] =
        benchmark::Counter(static_cast<double>(state.iterations()) * kRows, benchmark::Counter::kIsRate);
}
void networks_forward(benchmark::State& state) { networks(state, false); }
void networks_both(benchmark::State& state) { networks(state, true); }
BENCHMARK(networks_forward);
BENCHMARK(networks_both);

/// Points on rays through the cube, 16 samples each.
struct Encoding {
    HashGridLayout layout;
    std::vector<float> x, y, z, out;
    static constexpr std::size_t kPoints = 32768;
    explicit Encoding(std::int64_t log2_entries)
        : layout(hash_grid_layout({8, 4, static_cast<int>(log2_entries), 16, 2048})) {
        Rng rng(3);
        for (std::size_t ray = 0; ray < kPoints / 16; ++ray) {
            double p[3], d[3];
            for (std::size_t a = 0; a < 3; ++a) p[a] = rng.uniform(0.1, 0.9), d[a] = rng.uniform(-0.001, 0.001);
            for (int i = 0; i < 16; ++i) {
                x.push_back(static_cast<float>(p[0] + i * d[0]));
                y.push_back(static_cast<float>(p[1] + i * d[1]));
                z.push_back(static_cast<float>(p[2] + i * d[2]));
            }
        }
        out.resize(kPoints * layout.width());
    }
    PointArrays points() const { return {x, y, z}; }
};

template <class Number>
void grid_gather(benchmark::State& state) {
    Encoding e(state.range(0));
    const auto floats = random_values(e.layout.parameters(), -1, 1);
    std::vector<Number> table(floats.size());
    if constexpr (std::is_same_v<Number, float>)
        table = floats;
    else
        to_half(floats, table);
    for (auto unused : state)
        hash_grid_forward(e.layout, e.points(), std::span<const Number>(table), e.out, e.layout.width());
    float want[32];
    hash_grid_forward_ref<float>(e.layout, {e.x[7], e.y[7], e.z[7]}, floats.data(), want);
    if (std::abs(want[31] - e.out[7 * 32 + 31]) > 0.02f) state.SkipWithError("the encoding is wrong");
    state.counters["samples/s"] =
        benchmark::Counter(static_cast<double>(state.iterations()) * Encoding::kPoints, benchmark::Counter::kIsRate);
}
BENCHMARK(grid_gather<std::uint16_t>)->Arg(15)->Arg(17)->Arg(19);
BENCHMARK(grid_gather<float>)->Arg(15)->Arg(17)->Arg(19);

/// Scatter of all levels and the optimiser's step over what was touched.
void grid_update(benchmark::State& state) {
    Encoding e(state.range(0));
    const std::size_t n = e.layout.parameters();
    std::vector<float> gradient(n), weights(n), moments(2 * n);
    std::vector<std::uint16_t> steps(e.layout.entries()), half(n);
    std::vector<std::uint8_t> touched(e.layout.entries());
    const auto dy = random_values(Encoding::kPoints * 4, -1, 1);
    for (auto unused : state)
        for (std::size_t l = 0; l < e.layout.levels.size(); ++l) {
            const auto& level = e.layout.levels[l];
            const std::size_t from = 4 * level.offset, count = std::size_t{4} * level.entries;
            const std::span<std::uint8_t> flags(touched.data(), (level.entries + kHashGridBlock - 1) / kHashGridBlock);
            const auto g = std::span(gradient).subspan(from, count);
            hash_grid_scatter(e.layout, l, e.points(), dy, g, flags);
            if (state.range(1))
                sparse_adam_step(
                    {}, {4, g, flags, std::span(weights).subspan(from, count),
                         std::span(moments).subspan(2 * from, 2 * count),
                         std::span(steps).subspan(level.offset, level.entries), std::span(half).subspan(from, count)});
        }
    state.counters["samples/s"] =
        benchmark::Counter(static_cast<double>(state.iterations()) * Encoding::kPoints, benchmark::Counter::kIsRate);
}
BENCHMARK(grid_update)->ArgNames({"log2", "adam"})->Args({19, 0})->Args({19, 1})->Args({15, 1});

void compositing(benchmark::State& state) {
    const std::size_t rays = 1024, per_ray = 16, n = rays * per_ray;
    std::vector<std::uint32_t> first;
    for (std::size_t r = 0; r <= rays; ++r) first.push_back(static_cast<std::uint32_t>(r * per_ray));
    const auto density = random_values(n, -2, 4), dt = random_values(n, 0.001, 0.002),
               raw = random_values(3 * n, -2, 2), background = random_values(3 * rays, 0, 1);
    std::vector<float> alpha(n), rgb(3 * n), weights(n), color(3 * rays), through(rays), d_rgb(3 * n), d_density(n);
    for (auto unused : state) {
        density_to_alpha(density, 1, dt, alpha);
        logistic(raw, rgb);
        composite_forward(first, alpha, rgb, background, weights, color, through);
        composite_backward(first, {density, 1, dt, weights, alpha, rgb, color, background, d_rgb, 3, d_density});
    }
    state.counters["samples/s"] = benchmark::Counter(
        static_cast<double>(state.iterations() * static_cast<std::int64_t>(n)), benchmark::Counter::kIsRate);
}
BENCHMARK(compositing);

}  // namespace
}  // namespace nir::kernels

BENCHMARK_MAIN();
