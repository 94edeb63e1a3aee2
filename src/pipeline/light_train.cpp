// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The order of a light field's training: configuration, photos, run folder, steps, pictures, checkpoints.
#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/base/progress.h"
#include "nir/base/terminal_progress.h"
#include "nir/base/timer.h"
#include "nir/io/safetensors.h"
#include "nir/pipeline/light.h"

#include "pipeline/compare_pictures.h"
#include "pipeline/light_scene.h"
#include "pipeline/log_tee.h"
#include "pipeline/train_environment.h"
#include "pipeline/train_run_folder.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>
#include <memory>

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStateFormat = "nir-light-training-1";

double decibels(double mse) { return -10 * std::log10(std::max(mse, 1e-12)); }
double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

render::LightFieldConfig field_config(const LightFieldOptions& o) {
    render::LightFieldConfig out;
    out.grid = {o.levels, o.features, o.log2_entries, o.base_resolution, o.finest_resolution};
    out.hidden = o.hidden, out.traced_shadows = o.shadows == "traced", out.shadow_rays = o.shadow_rays;
    return out;
}

class LightTraining {
public:
    LightTraining(const TrainLightOptions& options, LightConfig config, LightScene scene, RunFolder folder,
                  Progress& progress)
        : options_(options),
          config_(std::move(config)),
          scene_(std::move(scene)),
          folder_(std::move(folder)),
          progress_(progress) {}

    TrainLightResult run() {
        start();
        const LogTee tee(folder_);
        log_info("{} a light field: {} values, {} pixels of {} photos, seed {}",
                 options_.resume ? "resuming" : "training", human_count(static_cast<double>(field_->parameters())),
                 human_count(static_cast<double>(trainer_->samples())), scene_.views.size(), config_.train.seed);
        timer_.restart();
        try {
            loop();
            if (config_.train.preview_every > 0) preview();
            checkpoint();
        } catch (const Error& e) {
            if (e.kind() != ErrorKind::cancelled) throw;
            checkpoint();
            fail(ErrorKind::cancelled, "stopped at step {}, everything is saved; --resume goes on", step_);
        }
        progress_.end();
        result_.steps = step_, result_.seconds = seconds(), result_.samples = trainer_->samples();
        result_.processor_seconds = processor_seconds() - processor_before_;
        result_.model = folder_.path("model.safetensors");
        log_info("done: {} steps in {} ({:.0f} processor seconds), PSNR {:.2f} dB of the trained pixels", step_,
                 human_duration(result_.seconds), result_.processor_seconds, result_.psnr);
        return result_;
    }

private:
    double seconds() const { return seconds_before_ + timer_.seconds(); }
    double done() const {
        const LightTrainConfig& t = config_.train;
        double share = 0;
        if (t.steps > 0) share = static_cast<double>(step_) / static_cast<double>(t.steps);
        if (t.time > 0) share = std::max(share, seconds() / t.time);
        return std::min(share, 1.0);
    }

    void start() {
        processor_before_ = processor_seconds();
        surface_ = std::make_unique<render::Surface>(scene_.mesh);
        field_ = std::make_unique<render::LightField>(field_config(config_.model), scene_.frame,
                                                      static_cast<std::uint64_t>(config_.train.seed));
        field_->reference_distance = scene_.reference_distance, field_->lamp_radius = scene_.lamp_radius;
        render::LightTrainerOptions how;
        how.seed = static_cast<std::uint64_t>(config_.train.seed);
        how.batch = static_cast<std::size_t>(config_.train.batch);
        how.learning_rate = config_.train.lr, how.last_learning_rate = config_.train.lr * config_.train.lr_end;
        how.decay_from = config_.train.decay_from;
        trainer_ = std::make_unique<render::LightTrainer>(*field_, *surface_, scene_.views, how);
        if (options_.resume) restore();
        folder_.write_text("config.toml", dump_toml(config_, true));
        folder_.write_text("env.json", environment_json(static_cast<std::uint64_t>(config_.train.seed)));
        folder_.start(step_);
    }

    void restore() {
        const fs::path path = folder_.path("optimizer.safetensors");
        const io::TensorFile file = io::read_safetensors(path);
        with_context(path.string(), [&] {
            const auto text = [&](const char* key) {
                const auto it = file.metadata.find(key);
                return it == file.metadata.end() ? std::string() : it->second;
            };
            if (text("format") != kStateFormat)
                fail(ErrorKind::format, "this is no state of a light field that this version of nir can go on with");
            const std::string value = text("seconds");
            const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds_before_);
            if (error != std::errc() || !std::isfinite(seconds_before_))
                fail(ErrorKind::format, "metadata \"seconds\" is no number");
            trainer_->restore(file);
        });
        step_ = static_cast<std::int64_t>(trainer_->steps());
    }

    render::LightModel model() const {
        render::LightModel out{*field_,
                               surface_->mesh(),
                               {},
                               scene_.views.front().view.camera,
                               scene_.views.front().view.world_from_camera,
                               scene_.camera_distance};
        for (const render::LitView& v : scene_.views)
            if (std::find(out.lamps.begin(), out.lamps.end(), v.lamp.position) == out.lamps.end())
                out.lamps.push_back(v.lamp.position);
        out.info = {{"info.config", dump_toml(config_)},
                    {"info.step", fmt::format("{}", step_)},
                    {"info.seed", fmt::format("{}", config_.train.seed)},
                    {"info.usual_power", fmt::format("{}", scene_.usual_power)},
                    {"info.version", program_version()},
                    {"info.revision", source_revision()},
                    {"info.cameras", "world coordinates of the scene; x right, y up, looking along -z"},
                    {"info.colours", "linear light; pictures are sRGB-encoded"}};
        return out;
    }

    void checkpoint() {
        io::TensorFile state;
        state.metadata = {{"format", kStateFormat}, {"seconds", fmt::format("{}", seconds())}};
        trainer_->save(state);
        io::write_safetensors(folder_.path("optimizer.safetensors"), state);
        render::save_light_field(folder_.path("model.safetensors"), model());
        next_checkpoint_ = seconds() + config_.train.checkpoint_every;
    }

    void preview() {
        const Timer cost;
        const std::size_t at = (next_view_++ * 37) % scene_.views.size();
        const render::LitView& lit = scene_.views[at];
        const render::ViewSamples samples =
            render::view_samples(*surface_, lit.view.camera, lit.view.world_from_camera, 1);
        const std::vector<float> colors =
            field_->colors(*surface_, samples.points, lit.view.world_from_camera.position, {&lit.lamp, 1});
        folder_.preview(step_, "view", beside(lit.view, render::resolve(samples, colors, {1, 1, 1}).image()));
        next_preview_ = seconds() + std::max(config_.train.preview_every, 9 * cost.seconds());
    }

    void write_metrics() {
        result_.loss = loss_ / static_cast<double>(stretch_),
        result_.psnr = decibels(mse_ / static_cast<double>(stretch_));
        folder_.metrics(step_, seconds(),
                        {{"loss", result_.loss},
                         {"psnr", result_.psnr},
                         {"processor_seconds", processor_seconds() - processor_before_}});
        progress_.note(fmt::format("PSNR {:.1f} dB", result_.psnr));
        loss_ = mse_ = 0, stretch_ = 0;
    }

    void loop() {
        const LightTrainConfig& t = config_.train;
        progress_.begin("train", t.steps > 0 ? static_cast<std::uint64_t>(t.steps) : 0, "steps");
        bool go = progress_.advance(static_cast<std::uint64_t>(step_));
        next_preview_ = seconds() + 0.2 * t.preview_every, next_checkpoint_ = seconds() + t.checkpoint_every;
        while (go && !((t.steps > 0 && step_ >= t.steps) || (t.time > 0 && seconds() >= t.time))) {
            const render::LightStep report = trainer_->step(done());
            ++step_, ++stretch_;
            loss_ += report.loss, mse_ += report.mse;
            if (step_ % t.log_every == 0) write_metrics();
            if (t.preview_every > 0 && seconds() >= next_preview_) preview();
            if (t.checkpoint_every > 0 && seconds() >= next_checkpoint_) checkpoint();
            go = progress_.advance(1);
        }
        if (stretch_ > 0) write_metrics();
        if (!go) fail(ErrorKind::cancelled, "stopped");
    }

    const TrainLightOptions& options_;
    LightConfig config_;
    LightScene scene_;
    RunFolder folder_;
    Progress& progress_;
    std::unique_ptr<render::Surface> surface_;
    std::unique_ptr<render::LightField> field_;
    std::unique_ptr<render::LightTrainer> trainer_;
    std::int64_t step_ = 0, stretch_ = 0;
    double loss_ = 0, mse_ = 0, seconds_before_ = 0, processor_before_ = 0, next_preview_ = 0, next_checkpoint_ = 0;
    std::size_t next_view_ = 0;
    Timer timer_;
    TrainLightResult result_;
};

LightConfig laid_over(Config tree, const TrainLightOptions& o) {
    if (!is_light_config(tree)) fail(ErrorKind::config, "{}: this is no light field", o.input.string());
    for (const std::string& assignment : o.overrides) tree.set(assignment);
    auto config = parse_config<LightConfig>(tree);
    if (o.steps && !o.time_s) config.train.time = 0;
    if (o.time_s && !o.steps) config.train.steps = 0;
    if (o.steps) config.train.steps = *o.steps;
    if (o.time_s) config.train.time = *o.time_s;
    if (o.seed) config.train.seed = static_cast<std::int64_t>(*o.seed);
    if (!config.data.path.empty()) config.data.path = fs::absolute(config.data.path).lexically_normal().string();
    if (!config.data.mesh.empty()) config.data.mesh = fs::absolute(config.data.mesh).lexically_normal().string();
    return config;
}

}  // namespace

bool is_light_training(const fs::path& input) {
    std::error_code ignored;
    return input.extension() == ".toml" && fs::is_regular_file(input, ignored) && is_light_config(Config::load(input));
}

TrainLightResult train_light(const TrainLightOptions& o, Progress& progress) {
    if (o.resume && o.force) fail(ErrorKind::usage, "--resume and --force exclude each other");
    LightConfig config = laid_over(Config::load(o.input), o);
    LightScene scene = read_light_scene(config.data);
    if (config.model.finest_resolution == 0)
        config.model.finest_resolution =
            std::round(std::clamp(2 / scene.pixel, static_cast<double>(config.model.base_resolution), 4096.0));
    if (!o.resume) return LightTraining(o, config, std::move(scene), RunFolder::create(o.out, o.force), progress).run();
    RunFolder folder = RunFolder::open(o.out);
    const auto before =
        parse_config<LightConfig>(Config::parse(folder.read_text("config.toml"), folder.path("config.toml").string()));
    if (dump_toml(before.model) != dump_toml(config.model) || dump_toml(before.data) != dump_toml(config.data) ||
        before.train.seed != config.train.seed || before.train.batch != config.train.batch)
        fail(ErrorKind::config, "{}: --resume needs the same [model], [data], batch and seed",
             folder.path("config.toml").string());
    return LightTraining(o, config, std::move(scene), std::move(folder), progress).run();
}

}  // namespace nir::pipeline
