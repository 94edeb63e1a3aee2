// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Decoders as kernels, beside plain torch operators and beside the matrix product that torch's BLAS reaches in the same
// run. Times are CPU seconds of all threads, so GFLOP/s are those of one core; threads from NIR_THREADS (default 1).
#include "nir/base/parallel.h"
#include "nir/nn/decoders/conditional.h"
#include "nir/nn/decoders/local.h"
#include "nir/nn/runtime.h"

#include "bench_main.h"
#include "nn/network_weights.h"

#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include <cmath>

namespace nir::nn {
namespace {

using torch::Tensor;

std::span<const float> span_of(const Tensor& t) { return {t.data_ptr<float>(), static_cast<std::size_t>(t.numel())}; }
std::span<float> writable(Tensor& t) { return {t.data_ptr<float>(), static_cast<std::size_t>(t.numel())}; }

void randomise(torch::nn::Module& module) {
    torch::manual_seed(1);
    const torch::NoGradGuard no_grad;
    for (Tensor& p : module.parameters())
        p.copy_(torch::randn_like(p) * (p.dim() > 1 ? std::sqrt(2.0 / static_cast<double>(p.size(1))) : 0.2));
    for (Tensor& b : module.buffers())
        if (b.is_floating_point()) b.copy_(torch::rand_like(b) + 0.5);
    module.eval();
}

void report(benchmark::State& state, double flops) {
    state.counters["GFLOP/s"] = benchmark::Counter(1e-9 * flops, benchmark::Counter::kIsIterationInvariantRate);
}

bool close(const Tensor& a, const Tensor& b, double tolerance) {
    return (a - b).abs().max().item<double>() <= tolerance * b.abs().max().item<double>();
}

void gemm_peak(benchmark::State& state) {
    const torch::NoGradGuard no_grad;
    const std::int64_t n = 1536;
    const Tensor a = torch::rand({n, n}), b = torch::rand({n, n});
    Tensor c = torch::empty({n, n});
    for (auto unused : state) torch::mm_out(c, a, b);
    report(state, 2.0 * std::pow(static_cast<double>(n), 3));
}
BENCHMARK(gemm_peak)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();

// -------------------------------------------------------------------------------------------------- local decoder

/// c = h = 32, five blocks, as in the papers; maps of 64^2 or 32^3.
struct LocalCase {
    LocalMlp decoder{LocalMlpConfig{}, LocalDims{.c_dim = 32, .padding = 0.1}};
    FeatureMaps maps;
    Tensor points;
    double flops = 0;

    LocalCase(bool volume, std::int64_t n) {
        randomise(*decoder);
        flops = 2.0 * (3 * 32 + 5 * 3 * 32 * 32 + 32 + 32 * (volume ? 8 : 12)) * static_cast<double>(n);
        if (volume) {
            maps[Representation::grid] = torch::randn({1, 32, 32, 32, 32});
        } else {
            for (const auto r : {Representation::xz, Representation::xy, Representation::yz})
                maps[r] = torch::randn({1, 32, 64, 64});
        }
        points = 1.1 * torch::rand({1, n, 3}) - 0.55;
    }
    /// In chunks of 8192, the size that torch likes best; the papers' code takes 100000.
    Tensor by_torch(std::int64_t chunk = 8192) {
        const torch::NoGradGuard no_grad;
        std::vector<Tensor> out;
        for (const Tensor& p : points.split(chunk, 1)) out.push_back(decoder->decode(p, maps));
        return torch::cat(out, 1);
    }
};

void local_kernel(benchmark::State& state) {
    LocalCase c(state.range(0) != 0, state.range(1));
    const auto folded = c.decoder->fold(c.maps);
    Tensor out = torch::empty({1, c.points.size(1)});
    folded->values(span_of(c.points), writable(out));
    // Where maps are steep, torch's own error against double reaches 2e-5 among a million points.
    if (!close(out, c.by_torch(), 1e-4)) state.SkipWithError("kernel and torch differ");
    for (auto unused : state) folded->values(span_of(c.points), writable(out));
    report(state, c.flops);
}
void local_torch(benchmark::State& state) {
    LocalCase c(state.range(0) != 0, state.range(1));
    for (auto unused : state) benchmark::DoNotOptimize(c.by_torch(state.range(2)).data_ptr<float>());
    report(state, c.flops);
}
void local_gradient_kernel(benchmark::State& state) {
    LocalCase c(state.range(0) != 0, state.range(1));
    const auto folded = c.decoder->fold(c.maps);
    Tensor out = torch::empty_like(c.points);
    for (auto unused : state) folded->gradients(span_of(c.points), writable(out));
    report(state, 2 * c.flops);  // there and back
}
void local_gradient_torch(benchmark::State& state) {
    LocalCase c(state.range(0) != 0, state.range(1));
    for (auto& p : c.decoder->parameters()) p.requires_grad_(false);  // as for normals: the points alone
    for (auto unused : state)
        for (const Tensor& chunk : c.points.split(8192, 1)) {
            const Tensor p = chunk.detach().requires_grad_(true);
            benchmark::DoNotOptimize(
                torch::autograd::grad({c.decoder->decode(p, c.maps).sum()}, {p})[0].data_ptr<float>());
        }
    report(state, 2 * c.flops);
}
void local_sizes(benchmark::internal::Benchmark* b, std::int64_t points) {
    b->ArgNames({"volume", "points"})->Args({0, points})->Args({1, points});
    b->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();
}
BENCHMARK(local_kernel)->Apply([](auto* b) { local_sizes(b, 1000000); });
BENCHMARK(local_torch)
    ->ArgNames({"volume", "points", "chunk"})
    ->ArgsProduct({{0, 1}, {1000000}, {8192, 100000}})
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime();
BENCHMARK(local_gradient_kernel)->Apply([](auto* b) { local_sizes(b, 100000); });
BENCHMARK(local_gradient_torch)->Apply([](auto* b) { local_sizes(b, 100000); });

// ---------------------------------------------------------------------------------------------------- CBN decoder

/// The default ONet decoder: 256 wide, five blocks, code of 512.
struct CbnCase {
    CBatchNormDecoder decoder{CBatchNormConfig{}, GlobalDims{.c_dim = 512}};
    Tensor z = torch::zeros({1, 0}), c, points;
    GlobalDecoder::ShapeFunction folded;
    double flops;

    explicit CbnCase(std::int64_t n) : flops(2.0 * (10 * 256 * 256 + 4 * 256) * static_cast<double>(n)) {
        randomise(*decoder);
        for (auto& p : decoder->parameters()) p.requires_grad_(false);
        c = torch::randn({1, 512}) / 16;
        points = 1.1 * torch::rand({1, n, 3}) - 0.55;
        folded = decoder->fold(z, c);
    }
    Tensor by_torch(std::int64_t chunk = 8192) {
        const torch::NoGradGuard no_grad;
        std::vector<Tensor> out;
        for (const Tensor& p : points.split(chunk, 1)) out.push_back(decoder->decode(p, z, c));
        return torch::cat(out, 1);
    }
};

void cbn_kernel(benchmark::State& state) {
    CbnCase c(state.range(0));
    const torch::NoGradGuard no_grad;
    if (!close(c.folded(c.points), c.by_torch(), 1e-5)) state.SkipWithError("kernel and torch differ");
    for (auto unused : state) benchmark::DoNotOptimize(c.folded(c.points).data_ptr<float>());
    report(state, c.flops);
}
void cbn_torch(benchmark::State& state) {
    CbnCase c(state.range(0));
    for (auto unused : state) benchmark::DoNotOptimize(c.by_torch().data_ptr<float>());
    report(state, c.flops);
}
void cbn_gradient_kernel(benchmark::State& state) {
    CbnCase c(state.range(0));
    c.points.requires_grad_(true);
    for (auto unused : state)
        benchmark::DoNotOptimize(torch::autograd::grad({c.folded(c.points).sum()}, {c.points})[0].data_ptr<float>());
    report(state, 2 * c.flops);  // there and back
}
void cbn_gradient_torch(benchmark::State& state) {
    CbnCase c(state.range(0));
    for (auto unused : state)
        for (const Tensor& chunk : c.points.split(8192, 1)) {
            const Tensor p = chunk.detach().requires_grad_(true);
            benchmark::DoNotOptimize(
                torch::autograd::grad({c.decoder->decode(p, c.z, c.c).sum()}, {p})[0].data_ptr<float>());
        }
    report(state, 2 * c.flops);
}
BENCHMARK(cbn_kernel)->ArgName("points")->Arg(96000)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();
BENCHMARK(cbn_torch)->ArgName("points")->Arg(96000)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();
BENCHMARK(cbn_gradient_kernel)->ArgName("points")->Arg(16384)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();
BENCHMARK(cbn_gradient_torch)->ArgName("points")->Arg(16384)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();

/// The decoder without shortcuts (cbatchnorm_noresnet), whose norms are folded into products of torch's BLAS.
struct PlainCase {
    CBatchNormPlainDecoder decoder{PlainDecoderConfig{}, GlobalDims{.c_dim = 512}};
    Tensor z = torch::zeros({1, 0}), c = torch::randn({1, 512}) / 16, points = 1.1 * torch::rand({1, 48000, 3}) - 0.55;
    double flops = 2.0 * (5 * 256 * 256 + 4 * 256) * 48000;

    PlainCase() { randomise(*decoder); }
};
void cbn_plain_folded(benchmark::State& state) {
    PlainCase s;
    const torch::NoGradGuard no_grad;
    const auto folded = s.decoder->fold(s.z, s.c);
    if (!close(folded(s.points), s.decoder->decode(s.points, s.z, s.c), 1e-5)) state.SkipWithError("they differ");
    for (auto unused : state) benchmark::DoNotOptimize(folded(s.points).data_ptr<float>());
    report(state, s.flops);
}
void cbn_plain_torch(benchmark::State& state) {
    PlainCase s;
    const torch::NoGradGuard no_grad;
    for (auto unused : state)
        for (const Tensor& p : s.points.split(8192, 1))
            benchmark::DoNotOptimize(s.decoder->decode(p, s.z, s.c).data_ptr<float>());
    report(state, s.flops);
}
BENCHMARK(cbn_plain_folded)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();
BENCHMARK(cbn_plain_torch)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();

// ----------------------------------------------------------------------------------------------------------- widths

void width_kernel(benchmark::State& state) {
    const std::int64_t width = state.range(0), n = (1 << 24) / (width * width) * 48;
    SimpleDecoderConfig config;
    config.hidden_size = width;
    SimpleDecoder decoder(config, GlobalDims{.c_dim = 0, .z_dim = 0});
    randomise(*decoder);
    const torch::NoGradGuard no_grad;
    const Tensor none = torch::zeros({1, 0}), points = torch::rand({1, n, 3}) - 0.5;
    const auto folded = decoder->fold(none, none);
    if (!close(folded(points), decoder->decode(points, none, none), 1e-5))
        state.SkipWithError("kernel and torch differ");
    for (auto unused : state) benchmark::DoNotOptimize(folded(points).data_ptr<float>());
    report(state, 2.0 * static_cast<double>((10 * width * width + 4 * width) * n));
}
void width_torch(benchmark::State& state) {
    const std::int64_t width = state.range(0), n = (1 << 24) / (width * width) * 48;
    SimpleDecoderConfig config;
    config.hidden_size = width;
    SimpleDecoder decoder(config, GlobalDims{.c_dim = 0, .z_dim = 0});
    randomise(*decoder);
    const torch::NoGradGuard no_grad;
    const Tensor none = torch::zeros({1, 0}), points = torch::rand({1, n, 3}) - 0.5;
    for (auto unused : state)
        for (const Tensor& p : points.split(8192, 1))
            benchmark::DoNotOptimize(decoder->decode(p, none, none).data_ptr<float>());
    report(state, 2.0 * static_cast<double>((10 * width * width + 4 * width) * n));
}
void widths(benchmark::internal::Benchmark* b) {
    b->ArgName("width")->RangeMultiplier(2)->Range(32, 512)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();
}
BENCHMARK(width_kernel)->Apply(widths);
BENCHMARK(width_torch)->Apply(widths);

}  // namespace
}  // namespace nir::nn

int main(int argc, char** argv) { return nir::bench::run(argc, argv, nir::nn::init_torch); }
