// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Whole stages of models at inference: the convolutions of the cascade as a kernel beside torch's (oneDNN), and the
// three-plane ConvONet of the papers, 3,000 points, encoded and asked for the 106,338 points that MISE 32 -> 128 wants
// of their field. Training steps of the cascade that ships and of that ConvONet, beside the same steps with torch's
// operators. CPU seconds of all threads; threads from NIR_THREADS (default 1).
#include "nir/base/parallel.h"
#include "nir/base/rng.h"
#include "nir/data/cascade_batch.h"
#include "nir/data/cascade_samples.h"
#include "nir/extract/marching_cubes.h"
#include "nir/extract/mise.h"
#include "nir/kernels/brick_conv.h"
#include "nir/models/registry.h"
#include "nir/nn/adam.h"
#include "nir/nn/runtime.h"

#include "bench_main.h"
#include "models/cascade/cascade_file.h"
#include "models/cascade/cascade_loss.h"
#include "plain_conv_onet.h"

#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include <cmath>
#include <filesystem>

namespace nir::models {
namespace {

using torch::Tensor;

void report(benchmark::State& state, double flops) {
    state.counters["GFLOP/s"] = benchmark::Counter(1e-9 * flops, benchmark::Counter::kIsIterationInvariantRate);
}

// ------------------------------------------------------------------------------------------------------ convolutions

struct Level {
    const char* name;
    std::int64_t in, out, side, bricks;
};
/// The convolutions of the cascade's fine U-Net, finest level first, on as many bricks as a part of a scan has.
constexpr Level kLevels[] = {{"finest", 27, 32, 8, 16}, {"middle", 64, 64, 4, 64}, {"coarsest", 96, 96, 2, 256}};

struct ConvCase {
    Tensor weight, bias, x;
    double flops;
    explicit ConvCase(const Level& l)
        : weight(torch::randn({l.out, l.in, 3, 3, 3}) * std::sqrt(2.0 / static_cast<double>(27 * l.in))),
          bias(torch::randn({l.out}) * 0.1),
          x(torch::randn({l.bricks, l.in, l.side + 2, l.side + 2, l.side + 2})),
          flops(2.0 * 27 * static_cast<double>(l.in * l.out * l.side * l.side * l.side * l.bricks)) {}
};
std::span<const float> values(const Tensor& t) { return {t.data_ptr<float>(), static_cast<std::size_t>(t.numel())}; }

void brick_conv_kernel(benchmark::State& state) {
    const Level& l = kLevels[state.range(0)];
    const torch::NoGradGuard no_grad;
    const ConvCase c(l);
    const kernels::BrickConv conv(values(c.weight), values(c.bias), static_cast<std::size_t>(l.in),
                                  static_cast<std::size_t>(l.out), 3);
    const Tensor x = c.x.permute({0, 2, 3, 4, 1}).contiguous();
    Tensor y = torch::empty({l.bricks, l.side, l.side, l.side, l.out});
    const auto from = values(x);
    const std::span<float> to(y.data_ptr<float>(), static_cast<std::size_t>(y.numel()));
    const std::size_t n = static_cast<std::size_t>(l.bricks), in = from.size() / n, out = to.size() / n;
    const auto run = [&] {
        parallel_for(n, 8, [&](std::size_t begin, std::size_t end) {
            conv.run(from.subspan(begin * in, (end - begin) * in), static_cast<std::size_t>(l.side), true,
                     to.subspan(begin * out, (end - begin) * out));
        });
    };
    run();
    const Tensor want = torch::conv3d(c.x, c.weight, c.bias).relu_().permute({0, 2, 3, 4, 1});
    if (!torch::allclose(y, want, 1e-4, 1e-4)) state.SkipWithError("kernel and torch differ");
    for (auto unused : state) run();
    report(state, c.flops);
    state.SetLabel(l.name);
}
void brick_conv_torch(benchmark::State& state) {
    const torch::NoGradGuard no_grad;
    const ConvCase c(kLevels[state.range(0)]);
    for (auto unused : state) benchmark::DoNotOptimize(torch::conv3d(c.x, c.weight, c.bias).relu_().data_ptr<float>());
    report(state, c.flops);
}
BENCHMARK(brick_conv_kernel)
    ->ArgName("level")
    ->DenseRange(0, 2)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime();
BENCHMARK(brick_conv_torch)->ArgName("level")->DenseRange(0, 2)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();

// ---------------------------------------------------------------------------------------------------------- ConvONet

/// The shape of the papers' measurement: a torus and a ball that melt into one another.
float occupancy(geom::Vec3f p) {
    const float ring = std::hypot(p.x + 0.05f, p.z + 0.08f) - 0.27f;
    const float torus = std::hypot(ring, p.y) - 0.09f, ball = geom::norm(p - geom::Vec3f{0.16f, 0.14f, 0.20f}) - 0.15f;
    constexpr float k = 0.08f;
    const float h = std::clamp(0.5f + 0.5f * (ball - torus) / k, 0.0f, 1.0f);
    return -25 * (ball * (1 - h) + torus * h - k * h * (1 - h));
}

/// MISE 32 -> 128 on that shape.
template <class F>
extract::Mise<float> run_mise(const F& field) {
    extract::Mise<float> mise({{32, 32, 32}, 2, 0.0});
    std::vector<geom::Vec3f> points;
    std::vector<float> v;
    while (!mise.done()) {
        points.clear();
        for (const auto& p : mise.query())
            points.push_back(geom::Vec3f{static_cast<float>(p.x), static_cast<float>(p.y), static_cast<float>(p.z)} *
                                 (1.1f / 128) -
                             geom::Vec3f{0.55f, 0.55f, 0.55f});
        v.resize(points.size());
        field(points, v);
        mise.update(v);
    }
    return mise;
}

geom::PointCloud cloud() {
    geom::PointCloud out;
    Rng rng(3);
    for (int i = 0; i < 3000; ++i) {
        const geom::Vec3d d{rng.normal(), rng.normal(), rng.normal()};
        out.points.push_back(d * (0.3 / norm(d)));
    }
    return out;
}

std::unique_ptr<Model> conv_onet() { return build_model(Config::parse("[model]\nname = \"conv_onet\"\n", "bench"), 1); }

/// The U-Net's share of the multiplications: three planes of 64^2, 32 to 256 channels.
constexpr double kEncodeFlops = 3 * 2 * 614e6;

void conv_onet_encode(benchmark::State& state) {
    const auto model = conv_onet();
    const Observation observation = cloud();
    for (auto unused : state) benchmark::DoNotOptimize(model->infer(observation));
    report(state, kEncodeFlops);
}
BENCHMARK(conv_onet_encode)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();

/// Features in a volume of 32^3 cells and its 3-D U-Net: torch's convolutions.
void conv_onet_grid_encode(benchmark::State& state) {
    const auto model =
        build_model(Config::parse("[model]\nname = \"conv_onet\"\n[model.encoder]\nname = \"pointnet_local\"\n"
                                  "features = [\"grid\"]\ngrid_resolution = 32\n",
                                  "bench"),
                    1);
    double products = 0;
    int levels = 0;
    const auto parameters = model->module().named_parameters();
    while (parameters.find(fmt::format("encoder.unet3d.encoders.{}.basic_module.SingleConv1.conv.weight", levels)))
        ++levels;
    for (const auto& p : parameters) {
        if (p.value().dim() != 5) continue;
        int level = 0;
        const auto number = [&](const char* before) {
            const auto at = p.key().find(before);
            return at == std::string::npos ? -1 : p.key()[at + std::string_view(before).size()] - '0';
        };
        if (const int down = number("encoders."); down >= 0) level = down;
        if (const int up = number("decoders."); up >= 0) level = levels - 2 - up;
        products += static_cast<double>(p.value().numel()) * std::pow(32.0 / (1 << level), 3);
    }
    const Observation observation = cloud();
    for (auto unused : state) benchmark::DoNotOptimize(model->infer(observation));
    report(state, 2 * products);
}
BENCHMARK(conv_onet_grid_encode)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();

void conv_onet_query(benchmark::State& state) {
    const auto model = conv_onet();
    const Shape shape = model->infer(Observation(cloud()));
    const auto& field = *std::get<std::unique_ptr<extract::ScalarField>>(shape);
    std::vector<geom::Vec3f> asked;
    run_mise([&](const std::vector<geom::Vec3f>& points, std::vector<float>& v) {
        asked.insert(asked.end(), points.begin(), points.end());
        for (std::size_t i = 0; i < v.size(); ++i) v[i] = occupancy(points[i]);
    });
    std::vector<float> out(asked.size());
    for (auto unused : state) field.values(asked, out);
    state.counters["points"] = static_cast<double>(asked.size());
}
BENCHMARK(conv_onet_query)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();

/// What MISE and Marching Cubes take when values cost next to nothing: the analytic shape is taken off.
void conv_onet_mise(benchmark::State& state) {
    std::vector<std::vector<float>> rounds;
    run_mise([&](const std::vector<geom::Vec3f>& points, std::vector<float>& v) {
        for (std::size_t i = 0; i < v.size(); ++i) v[i] = occupancy(points[i]);
        rounds.push_back(v);
    });
    for (auto unused : state) {
        extract::Mise<float> mise({{32, 32, 32}, 2, 0.0});
        for (const auto& v : rounds) mise.update(v);
        benchmark::DoNotOptimize(mise.evaluated_points());
    }
}
void conv_onet_marching_cubes(benchmark::State& state) {
    const auto mise = run_mise([](const std::vector<geom::Vec3f>& points, std::vector<float>& v) {
        for (std::size_t i = 0; i < v.size(); ++i) v[i] = occupancy(points[i]);
    });
    std::size_t faces = 0;
    for (auto unused : state) faces = marching_cubes(mise, {.pad_value = -1e6}).mesh.faces.size();
    if (faces != 45448) state.SkipWithError("not the faces of the papers' code");
    state.counters["faces"] = static_cast<double>(faces);
}
BENCHMARK(conv_onet_mise)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();
BENCHMARK(conv_onet_marching_cubes)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();

// --------------------------------------------------------------------------------------------------- training steps

/// The model that ships and three batches as its training draws them: two samples each, windows of 32^3 cells on up to
/// three octaves. (With the weights of a start nothing is decided, and everything is computed.)
struct CascadeSteps {
    CascadeNet net = load_cascade(NIR_SOURCE_DIR "/models/cascade.safetensors", nullptr);
    std::vector<nn::Batch> batches;

    explicit CascadeSteps(bool plain) {
        net->use_plain_operators(plain);
        net->train();
        data::CascadeDataConfig config;
        config.max_spacing_cells = 3;
        for (std::uint64_t i = 0; i < 3; ++i)
            batches.push_back(data::cascade_batch(std::vector{data::make_cascade_sample(config, Rng(2 * i)),
                                                              data::make_cascade_sample(config, Rng(2 * i + 1))}));
    }
    /// Loss and gradients of one batch, all in one.
    Tensor gradients(bool plain) {
        net->use_plain_operators(plain);
        net->zero_grad();
        const Tensor loss = cascade_loss(net, batches[0], nullptr);
        loss.backward();
        std::vector<Tensor> all{loss.detach().reshape({1})};
        for (const Tensor& p : net->parameters()) all.push_back(p.grad().flatten());
        return torch::cat(all);
    }
};

/// Three steps.
void cascade_step_kernel(benchmark::State& state) {
    CascadeSteps s(false);
    const Tensor want = s.gradients(true), got = s.gradients(false);
    if ((got - want).norm().item<double>() > 1e-4 * want.norm().item<double>())
        state.SkipWithError("gradients differ from torch's");
    nn::Adam adam(s.net->parameters());
    for (auto unused : state)
        for (const nn::Batch& batch : s.batches) {
            adam.zero_grad();
            cascade_loss(s.net, batch, nullptr).backward();
            adam.step(0.0);
        }
}
void cascade_step_torch(benchmark::State& state) {
    CascadeSteps s(true);
    torch::optim::Adam adam(s.net->parameters(), torch::optim::AdamOptions(0.0));
    for (auto unused : state)
        for (const nn::Batch& batch : s.batches) {
            adam.zero_grad();
            cascade_loss(s.net, batch, nullptr).backward();
            adam.step();
        }
}
BENCHMARK(cascade_step_kernel)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();
BENCHMARK(cascade_step_torch)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();

/// The three-plane ConvONet as it is published, four clouds of 3,000 points and 2,048 queries each.
struct ConvOnetStep {
    std::unique_ptr<Model> model = conv_onet();
    nn::Batch batch;

    ConvOnetStep() {
        torch::manual_seed(2);
        const Tensor direction = torch::randn({4, 3000, 3});
        batch["observation"] = 0.3 * direction / direction.norm(2, 2, true) + 0.005 * torch::randn({4, 3000, 3});
        batch["points"] = 1.1 * torch::rand({4, 2048, 3}) - 0.55;
        batch["occupancies"] = (batch["points"].norm(2, 2) < 0.3).to(torch::kFloat32);
        const torch::NoGradGuard no_grad;
        for (auto& p : model->module().named_parameters())  // the last layers of blocks start with zeros
            if (p.key().ends_with("fc_1.weight")) p.value().normal_(0, 0.1);
        model->module().train();
    }
    template <class F>
    Tensor gradients(const F& loss) {
        model->module().zero_grad();
        const Tensor value = loss();
        value.backward();
        std::vector<Tensor> all{value.detach().reshape({1})};
        for (const Tensor& p : model->module().parameters()) all.push_back(p.grad().flatten());
        return torch::cat(all);
    }
};
/// Multiplications of the U-Nets there and back: of values, of inputs and of weights.
constexpr double kConvOnetStepFlops = 3 * 4 * kEncodeFlops;

void conv_onet_step_kernel(benchmark::State& state) {
    ConvOnetStep s;
    const bench::PlainConvOnet plain(s.model->module());
    const Tensor want = s.gradients([&] { return plain.loss(s.batch); });
    const Tensor got = s.gradients([&] { return s.model->loss(s.batch, {}); });
    if ((got - want).norm().item<double>() > 1e-4 * want.norm().item<double>())
        state.SkipWithError("gradients differ from torch's");
    nn::Adam adam(s.model->module().parameters());
    for (auto unused : state) {
        adam.zero_grad();
        s.model->loss(s.batch, {}).backward();
        adam.step(0.0);
    }
    report(state, kConvOnetStepFlops);
}
void conv_onet_step_torch(benchmark::State& state) {
    ConvOnetStep s;
    const bench::PlainConvOnet plain(s.model->module());
    torch::optim::Adam adam(s.model->module().parameters(), torch::optim::AdamOptions(0.0));
    for (auto unused : state) {
        adam.zero_grad();
        plain.loss(s.batch).backward();
        adam.step();
    }
    report(state, kConvOnetStepFlops);
}
BENCHMARK(conv_onet_step_kernel)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();
BENCHMARK(conv_onet_step_torch)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();

}  // namespace
}  // namespace nir::models

int main(int argc, char** argv) { return nir::bench::run(argc, argv, nir::nn::init_torch); }
