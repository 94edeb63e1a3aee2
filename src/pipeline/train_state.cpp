// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/train_state.h"

#include "nir/base/error.h"
#include "nir/base/timer.h"
#include "nir/io/safetensors.h"
#include "nir/nn/adam.h"
#include "nir/nn/batch.h"
#include "nir/nn/checkpoint.h"
#include "nir/nn/seeded.h"
#include "nir/nn/tensor_io.h"
#include "nir/nn/torch_guard.h"

#include <torch/torch.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace nir::pipeline {
namespace {

constexpr const char* kFormat = "nir-training-1";
constexpr const char *kRaw = "raw.", *kAveraged = "averaged.", *kMean = "adam.mean.", *kSquare = "adam.square.";

void add_all(io::TensorFile& file, const io::TensorFile& part, const std::string& prefix) {
    for (io::NamedArray a : part.arrays) {
        a.name = prefix + a.name;
        file.arrays.push_back(std::move(a));
    }
}

/// The arrays below a prefix, without it.
io::TensorFile part_of(const io::TensorFile& file, std::string_view prefix) {
    io::TensorFile out;
    for (const io::NamedArray& a : file.arrays)
        if (a.name.starts_with(prefix)) {
            out.arrays.push_back(a);
            out.arrays.back().name = a.name.substr(prefix.size());
        }
    return out;
}

template <class T>
T number(const io::TensorFile& file, const std::string& key) {
    const auto it = file.metadata.find(key);
    if (it == file.metadata.end()) fail(ErrorKind::format, "metadata \"{}\" is missing", key);
    T value{};
    const char* end = it->second.data() + it->second.size();
    const auto [at, error] = std::from_chars(it->second.data(), end, value);
    if (error != std::errc{} || at != end) fail(ErrorKind::format, "metadata \"{}\" is no number", key);
    return value;
}

void copy_state(torch::nn::Module& to, const torch::nn::Module& from) {
    const torch::NoGradGuard no_grad;
    const auto a = from.parameters(), b = to.parameters(), c = from.buffers(), d = to.buffers();
    for (std::size_t i = 0; i < a.size(); ++i) torch::Tensor(b[i]).copy_(a[i]);
    for (std::size_t i = 0; i < c.size(); ++i) torch::Tensor(d[i]).copy_(c[i]);
}

torch::Tensor moment(const io::TensorFile& file, const std::string& name, const torch::Tensor& like) {
    torch::Tensor t = nn::tensor_from(file.at(name));
    if (t.sizes() != like.sizes()) fail(ErrorKind::format, "\"{}\" has another shape than its parameter", name);
    return torch::empty_like(like).copy_(t).detach();
}

}  // namespace

struct TrainState::Impl {
    TrainConfig config;
    std::unique_ptr<models::Model> raw, averaged;
    nn::Adam adam;
    bool averaged_is_old = false;  // if ema = 0, the averaged weights are copied when someone asks for them

    explicit Impl(const RunConfig& c)
        : config(c.train),
          raw(models::build_model(c.model_config(), static_cast<std::uint64_t>(c.train.seed))),
          averaged(models::build_model(c.model_config(), static_cast<std::uint64_t>(c.train.seed))),
          adam(raw->module().parameters()) {
        raw->module().train();
        averaged->module().eval();
        for (auto& p : averaged->module().parameters()) p.set_requires_grad(false);
    }
    void average(std::int64_t step);
    models::Model& up_to_date() {
        if (std::exchange(averaged_is_old, false)) copy_state(averaged->module(), raw->module());
        return *averaged;
    }
};

TrainState::TrainState(const RunConfig& config) : impl_(std::make_unique<Impl>(config)) {}
TrainState::~TrainState() = default;
models::Model& TrainState::averaged() { return impl_->up_to_date(); }
models::Model& TrainState::raw() { return *impl_->raw; }

StepReport TrainState::step(data::TrainingData& data, std::int64_t step, double lr) {
    const TrainConfig& config = impl_->config;
    StepReport report;
    report.lr = lr;
    nn::torch_guard("taking a training step", [&] {
        const Timer waiting;
        const nn::Batch batch = data.next(config.batch_size);
        report.data_wait_s = waiting.seconds();
        const models::LossLog log = [&](std::string_view name, double v) { report.figures[std::string(name)] = v; };
        // What a model draws is a function of seed and step, so that a resumed run draws the same.
        const nn::SeededScope draws(static_cast<std::uint64_t>(config.seed) * 0x9E3779B97F4A7C15u +
                                    static_cast<std::uint64_t>(step));
        const torch::Tensor loss = impl_->raw->loss(batch, log);
        report.loss = loss.item<double>();
        if (!std::isfinite(report.loss)) return;
        impl_->adam.zero_grad();
        loss.backward();
        report.grad_norm = impl_->adam.gradient_norm();
        if (!std::isfinite(report.grad_norm)) return;
        const double scale = config.clip_norm > 0 ? std::min(1.0, config.clip_norm / (report.grad_norm + 1e-6)) : 1.0;
        impl_->adam.step(lr, scale);
        impl_->average(step);
    });
    return report;
}

void TrainState::Impl::average(std::int64_t step) {
    if (config.ema == 0) {
        averaged_is_old = true;
        return;
    }
    const torch::NoGradGuard no_grad;
    // Early steps count more, so that the average does not drag the random weights along.
    const double n = static_cast<double>(step), decay = std::min(config.ema, (1 + n) / (10 + n));
    const auto now = raw->module().parameters(), mean = averaged->module().parameters();
    for (std::size_t i = 0; i < now.size(); ++i) torch::Tensor(mean[i]).lerp_(now[i], 1 - decay);
    const auto from = raw->module().buffers(), to = averaged->module().buffers();
    for (std::size_t i = 0; i < from.size(); ++i) torch::Tensor(to[i]).copy_(from[i]);
}

void TrainState::init_from(const std::filesystem::path& file) {
    const nn::Checkpoint checkpoint = nn::read_checkpoint(file);
    if (checkpoint.info.model != impl_->raw->name())
        fail(ErrorKind::input, "{} holds a model of kind \"{}\", this training needs \"{}\"", file.string(),
             checkpoint.info.model, impl_->raw->name());
    nn::load_state(impl_->raw->module(), checkpoint.state, file.string());
    impl_->averaged_is_old = true;
}

void TrainState::save(const std::filesystem::path& file, const TrainPosition& position) const {
    io::TensorFile out;
    add_all(out, nn::state_of(impl_->raw->module()), kRaw);
    add_all(out, nn::state_of(impl_->up_to_date().module()), kAveraged);
    std::size_t i = 0;
    for (const auto& item : impl_->raw->module().named_parameters()) {
        const nn::Adam::State& s = impl_->adam.state(i++);
        if (s.step == 0) continue;  // no gradient has reached it so far
        out.arrays.push_back(io::NamedArray::scalar("adam.step." + item.key(), s.step));
        out.arrays.push_back(nn::array_from(kMean + item.key(), s.mean));
        out.arrays.push_back(nn::array_from(kSquare + item.key(), s.square));
    }
    out.metadata = {{"format", kFormat},
                    {"step", fmt::format("{}", position.step)},
                    {"next_sample", fmt::format("{}", position.next_sample)},
                    {"seconds", fmt::format("{}", position.seconds)},
                    {"loss", fmt::format("{}", position.loss)},
                    {"best_iou", fmt::format("{}", position.best_iou)},
                    {"best_step", fmt::format("{}", position.best_step)}};
    io::write_safetensors(file, out);
}

TrainPosition TrainState::load(const std::filesystem::path& path) {
    const io::TensorFile file = io::read_safetensors(path);
    return with_context(path.string(), [&] {
        const auto format = file.metadata.find("format");
        if (format == file.metadata.end() || format->second != kFormat)
            fail(ErrorKind::format, "this is no state of a training that this version of nir can resume");
        nn::load_state(impl_->raw->module(), part_of(file, kRaw), "raw weights");
        nn::load_state(impl_->averaged->module(), part_of(file, kAveraged), "averaged weights");
        impl_->averaged_is_old = false;
        std::size_t i = 0;
        for (const auto& item : impl_->raw->module().named_parameters()) {
            nn::Adam::State& s = impl_->adam.state(i++);
            const io::NamedArray* step = file.find("adam.step." + item.key());
            s = {};
            if (!step) continue;
            s.step = step->to_int64().at(0);
            if (s.step < 1) fail(ErrorKind::format, "\"adam.step.{}\" must be at least 1", item.key());
            s.mean = moment(file, kMean + item.key(), item.value());
            s.square = moment(file, kSquare + item.key(), item.value());
        }
        TrainPosition p;
        p.step = number<std::int64_t>(file, "step");
        p.next_sample = number<std::uint64_t>(file, "next_sample");
        p.seconds = number<double>(file, "seconds");
        p.loss = number<double>(file, "loss");
        p.best_iou = number<double>(file, "best_iou");
        p.best_step = number<std::int64_t>(file, "best_step");
        return p;
    });
}

}  // namespace nir::pipeline
