// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The order of a training: configuration, run folder, network and data, steps, checkpoints.
#include "nir/pipeline/train.h"

#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/base/terminal_progress.h"
#include "nir/base/timer.h"
#include "nir/nn/checkpoint.h"
#include "nir/pipeline/train_config.h"

#include "pipeline/log_tee.h"
#include "pipeline/shape_figures.h"
#include "pipeline/train_environment.h"
#include "pipeline/train_run_folder.h"
#include "pipeline/train_state.h"
#include "pipeline/train_validation.h"

#include <cmath>
#include <ctime>
#include <map>

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;

/// Of this session, all threads together.
double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

bool due(std::int64_t step, int every) { return every > 0 && step % every == 0; }

double figure(const Figures& figures, std::string_view name, double otherwise) {
    for (const auto& [n, v] : figures)
        if (n == name) return v;
    return otherwise;
}

/// Means over the steps since the last line of metrics.jsonl.
struct Stretch {
    std::map<std::string, std::pair<double, int>> sums;
    int steps = 0;
    double step_s = 0, data_wait_s = 0;
    Timer timer;

    void add(const StepReport& r) {
        const auto put = [&](const std::string& name, double v) {
            auto& [sum, n] = sums[name];
            sum += v, ++n;
        };
        put("loss", r.loss), put("grad_norm", r.grad_norm), put("lr", r.lr);
        for (const auto& [name, v] : r.figures) put(name, v);
        ++steps;
    }
    void add_time(double step_seconds, double waiting_seconds) {
        step_s += step_seconds, data_wait_s += waiting_seconds;
    }
    double loss() const { return sums.at("loss").first / steps; }
    Figures figures(int batch_size) const {
        Figures out{{"loss", loss()}};
        for (const auto& [name, s] : sums)
            if (name != "loss") out.emplace_back(name, s.first / s.second);
        out.emplace_back("data_wait", data_wait_s / std::max(step_s, 1e-9));
        out.emplace_back("samples_per_second", steps * batch_size / std::max(timer.seconds(), 1e-9));
        return out;
    }
    void restart() { *this = {}; }
};

class Training {
public:
    Training(const TrainOptions& options, RunConfig config, RunFolder folder, Progress& progress)
        : options_(options),
          config_(std::move(config)),
          folder_(std::move(folder)),
          progress_(progress),
          state_(config_) {}

    TrainResult run();

private:
    void start();
    void loop();
    bool finished() const {
        const TrainConfig& t = config_.train;
        return (t.steps > 0 && at_.step >= t.steps) || (t.time > 0 && seconds() >= t.time);
    }
    /// Models that are compared with surface points make points or meshes: there is no IoU to choose by.
    bool has_volume() { return !state_.raw().targets().surface; }
    double seconds() const { return seconds_before_ + timer_.seconds(); }
    void take_step();
    void write_metrics();
    void checkpoint();
    void validate();
    void make_previews();
    void save_model(const fs::path& file);
    std::string status();
    [[noreturn]] void stop_on_bad_numbers(const StepReport& report, std::uint64_t first) const;

    const TrainOptions& options_;
    RunConfig config_;
    RunFolder folder_;
    Progress& progress_;
    TrainState state_;
    std::unique_ptr<data::TrainingData> data_;
    std::unique_ptr<Validator> validator_;
    TrainPosition at_;
    Stretch stretch_;
    Timer timer_;
    double seconds_before_ = 0, step_s_ = 0, data_wait_s_ = 0;
    std::int64_t saved_step_ = -1, validated_step_ = -1, shown_step_ = -1;
};

void Training::start() {
    const TrainConfig& t = config_.train;
    const auto seed = static_cast<std::uint64_t>(t.seed);
    if (options_.resume) {
        at_ = state_.load(folder_.path("optimizer.safetensors"));
        seconds_before_ = at_.seconds;
        saved_step_ = validated_step_ = shown_step_ = at_.step;
    } else if (!options_.init.empty()) {
        state_.init_from(options_.init);
    }
    data_ =
        data::data_row(config_.data.name())
            .make(config_.data, {.seed = seed,
                                 .first = at_.next_sample,
                                 .workers = t.workers,
                                 .targets = state_.raw().targets(),
                                 .observation = state_.raw().takes(),
                                 .ahead = std::max<std::uint64_t>(24, 3 * static_cast<std::uint64_t>(t.batch_size))});
    validator_ = std::make_unique<Validator>(t, *data_);
    folder_.write_text("config.toml", dump_toml(config_, true));
    folder_.write_text("env.json", environment_json(seed));
    folder_.start(at_.step);
}

TrainResult Training::run() {
    start();
    const LogTee tee(folder_);
    log_info("{} {}: {} values, data \"{}\", seed {}", options_.resume ? "resuming" : "training", config_.model.name(),
             human_count(static_cast<double>(state_.raw().n_parameters())), config_.data.name(), config_.train.seed);
    if (options_.resume) log_info("going on after step {} and {}", at_.step, human_duration(at_.seconds));
    timer_.restart();
    try {
        loop();
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::cancelled) throw;
        checkpoint();
        fail(ErrorKind::cancelled, "stopped at step {}, everything is saved; --resume goes on", at_.step);
    }
    progress_.end();
    TrainResult result;
    result.data_wait = data_wait_s_ / std::max(step_s_, 1e-9);
    log_info("done: {} steps in {}, loss {:.4g}; {:.1f} % of the step time waited for data", at_.step,
             human_duration(seconds()), at_.loss, 100 * result.data_wait);
    result.steps = at_.step;
    result.seconds = seconds();
    result.loss = at_.loss;
    result.model = folder_.path("model.safetensors");
    if (at_.best_iou >= 0) {
        result.best_iou = at_.best_iou;
        result.best_step = at_.best_step;
        result.best = folder_.path("best.safetensors");
    }
    return result;
}

void Training::loop() {
    const TrainConfig& t = config_.train;
    progress_.begin("train", static_cast<std::uint64_t>(t.steps), "steps");
    bool go = progress_.advance(static_cast<std::uint64_t>(at_.step));
    while (go && !finished()) {
        take_step();
        if (due(at_.step, t.log_every)) write_metrics();
        if (due(at_.step, t.checkpoint_every)) checkpoint();
        if (due(at_.step, t.validate_every)) validate();
        if (due(at_.step, t.preview_every)) make_previews();
        go = progress_.advance();
    }
    if (stretch_.steps > 0) write_metrics();
    if (!go) fail(ErrorKind::cancelled, "stopped");
    if (saved_step_ != at_.step) checkpoint();
    if (validated_step_ != at_.step) validate();
    if (shown_step_ != at_.step) make_previews();
}

void Training::take_step() {
    const TrainConfig& t = config_.train;
    const std::uint64_t first = data_->position();
    const Timer step_timer;
    const StepReport report = state_.step(*data_, at_.step + 1, t.learning_rate(at_.step + 1, seconds()));
    if (!std::isfinite(report.loss) || !std::isfinite(report.grad_norm)) stop_on_bad_numbers(report, first);
    ++at_.step;
    at_.next_sample = data_->position();
    stretch_.add(report);
    const double step_s = step_timer.seconds();
    stretch_.add_time(step_s, report.data_wait_s);
    step_s_ += step_s, data_wait_s_ += report.data_wait_s;
}

void Training::stop_on_bad_numbers(const StepReport& report, std::uint64_t first) const {
    const bool is_loss = !std::isfinite(report.loss);
    const std::string from = saved_step_ > 0 ? fmt::format("--resume repeats it from step {}", saved_step_)
                                             : std::string("the same command repeats it");
    fail(ErrorKind::numeric,
         "step {}: the {} is {}, with samples {} to {} of data \"{}\" and seed {}; {}; a smaller train.lr or a "
         "train.clip_norm may help",
         at_.step + 1, is_loss ? "loss" : "length of the gradient", is_loss ? report.loss : report.grad_norm, first,
         first + static_cast<std::uint64_t>(config_.train.batch_size) - 1, config_.data.name(), config_.train.seed,
         from);
}

std::string Training::status() {
    std::string text = fmt::format("loss {:.4g}", at_.loss);
    if (at_.best_iou >= 0) text += fmt::format(", best {} {:.3f}", has_volume() ? "IoU" : "score", at_.best_iou);
    const double time = config_.train.time;
    if (time > 0) text += fmt::format(", {} of {}", human_duration(seconds()), human_duration(time));
    return text;
}

void Training::write_metrics() {
    at_.loss = stretch_.loss();
    Figures figures = stretch_.figures(config_.train.batch_size);
    figures.emplace_back("processor_seconds", processor_seconds());
    folder_.metrics(at_.step, seconds(), figures);
    stretch_.restart();
    progress_.note(status());
    log_debug("step {}: {}", at_.step, status());
}

void Training::save_model(const fs::path& file) {
    nn::CheckpointInfo info;
    info.model = config_.model.name();
    info.config = dump_toml(config_);
    info.step = at_.step;
    info.seed = static_cast<std::uint64_t>(config_.train.seed);
    info.revision = source_revision();
    info.frame = config_.model.name() == "cascade" ? "any; works in units of the point spacing"
                                                   : "unit cube around 0, longest side 1";
    info.training_range = data_->training_range();
    info.extra["version"] = program_version();
    if (const auto frame = data_->world_frame()) {
        const geom::Vec3d c = frame->center_user;
        info.extra["world.center"] = fmt::format("{} {} {}", c.x, c.y, c.z);
        info.extra["world.scale"] = fmt::format("{}", frame->scale);
    }
    nn::save_checkpoint(file, state_.averaged().module(), info);
}

void Training::checkpoint() {
    at_.seconds = seconds();
    state_.save(folder_.path("optimizer.safetensors"), at_);
    save_model(folder_.path("model.safetensors"));
    saved_step_ = at_.step;
}

void Training::validate() {
    validated_step_ = at_.step;
    Figures figures = validator_->validate(state_.averaged(), progress_);
    if (figures.empty()) return;
    figures.emplace_back("processor_seconds", processor_seconds());
    folder_.metrics(at_.step, seconds(), figures);
    const double loss = figure(figures, "validation_loss", NAN);
    if (const double mask_iou = figure(figures, "validation_mask_iou", NAN); std::isfinite(mask_iou))
        log_info("step {}: validation IoU of the masks {:.4f}, PSNR {:.2f} dB, loss {:.4g}", at_.step, mask_iou,
                 figure(figures, "validation_psnr", NAN), loss);
    else if (const double psnr = figure(figures, "validation_psnr", NAN); std::isfinite(psnr))
        log_info("step {}: validation PSNR {:.2f} dB, loss {:.4g}", at_.step, psnr, loss);
    else if (has_volume())
        log_info("step {}: validation IoU {:.4f}, near the surface {:.4f}, loss {:.4g}", at_.step,
                 figure(figures, "validation_iou", NAN), figure(figures, "validation_iou_near", NAN), loss);
    else
        log_info("step {}: validation Chamfer distance {:.4f}, loss {:.4g}", at_.step,
                 figure(figures, "validation_chamfer", NAN), loss);
    const double score = score_of(figures, "validation_");
    if (score < 0 || score <= at_.best_iou) return;
    at_.best_iou = score;
    at_.best_step = at_.step;
    save_model(folder_.path("best.safetensors"));
    checkpoint();  // so that a resumed run knows of it
    progress_.note(status());
}

void Training::make_previews() {
    shown_step_ = at_.step;
    for (std::size_t i = 0; i < validator_->pictures(); ++i)
        folder_.preview(at_.step, fmt::format("scan_{}", i), validator_->picture(state_.averaged(), i, progress_));
}

std::string model_text(const RunConfig& config) { return dump_toml(config.model_config()); }

/// What must not change between two sessions of one run.
void check_same_run(const RunFolder& folder, RunConfig& config, const TrainOptions& options) {
    const RunConfig before =
        parse_config<RunConfig>(Config::parse(folder.read_text("config.toml"), folder.path("config.toml").string()));
    if (model_text(before) != model_text(config))
        fail(ErrorKind::config, "{} trains another network than {}; --resume needs the same [model]",
             folder.path("config.toml").string(), options.config.string());
    if (options.seed && static_cast<std::int64_t>(*options.seed) != before.train.seed)
        fail(ErrorKind::usage, "--seed {}: the run was started with seed {}", *options.seed, before.train.seed);
    config.train.seed = before.train.seed;
    if (dump_toml(before) != dump_toml(config))
        log_info("the configuration differs from that of the earlier session; the new one counts from here on");
}

}  // namespace

TrainResult train(const TrainOptions& options, Progress& progress) {
    if (options.resume && options.force) fail(ErrorKind::usage, "--resume and --force exclude each other");
    if (options.resume && !options.init.empty())
        fail(ErrorKind::usage, "--init starts a new run; --resume goes on with the weights of an old one");
    RunConfig config = load_run_config(options);
    if (!options.init.empty() && !fs::is_regular_file(options.init))
        fail(ErrorKind::input, "{}: no such model file", options.init.string());
    RunFolder folder = options.resume ? RunFolder::open(options.out) : RunFolder::create(options.out, options.force);
    if (options.resume) check_same_run(folder, config, options);
    Training training(options, std::move(config), std::move(folder), progress);
    return training.run();
}

}  // namespace nir::pipeline
