// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/function.h"

#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/base/terminal_progress.h"
#include "nir/base/timer.h"
#include "nir/io/file_bytes.h"
#include "nir/io/formats.h"
#include "nir/io/png.h"
#include "nir/io/safetensors.h"
#include "nir/render/function_model.h"
#include "nir/render/render_view.h"

#include "pipeline/field_run.h"
#include "pipeline/log_tee.h"
#include "pipeline/train_environment.h"
#include "pipeline/train_run_folder.h"

#include <algorithm>
#include <cmath>

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kIouPoints = 200'000;

bool is_picture(const fs::path& path) {
    const io::Format* format = io::format_of_ending(path);
    return format && format->parse_image;
}
bool is_mesh(const fs::path& path) {
    const io::Format* format = io::format_of_ending(path);
    return format && format->parse_geometry;
}

/// What is learned, read and ready.
struct Subject {
    bool image = false;
    geom::Image8 picture;
    geom::TriMesh mesh;
    render::FieldFrame frame;
    std::unique_ptr<render::DistanceSamples> samples;

    render::FunctionSource source() const { return image ? render::image_samples(picture) : samples->source(); }
};

Subject read_subject(FunctionConfig& config) {
    Subject out;
    const fs::path path = config.data.path;
    out.image = is_picture(path);
    if (out.image) {
        const io::FileBytes bytes = io::read_file(path);
        out.picture =
            with_context(path.string(), [&] { return io::format_of_ending(path)->parse_image(bytes.view()); });
        if (config.model.finest_resolution == 0)
            config.model.finest_resolution =
                std::max<double>(std::max(out.picture.width, out.picture.height) / 2, config.model.base_resolution);
        if (config.train.lr == 0) config.train.lr = 1e-2;
        return out;
    }
    out.mesh = io::read_mesh(path);
    if (out.mesh.faces.empty())
        fail(ErrorKind::input, "{}: no faces: a distance is learned from a mesh", path.string());
    out.frame = render::frame_of(geom::bounds(out.mesh.vertices), config.data.margin);
    if (config.model.finest_resolution == 0) config.model.finest_resolution = 256;
    if (config.train.lr == 0) config.train.lr = 3e-3;
    const Timer timer;
    out.samples = std::make_unique<render::DistanceSamples>(
        out.mesh, out.frame, std::size_t{1} << config.data.log2_samples, static_cast<std::uint64_t>(config.train.seed));
    log_info("{} faces, {} signed distances ({:.1f} s)", out.mesh.faces.size(), out.samples->size(), timer.seconds());
    return out;
}

render::FunctionModel new_model(const Subject& subject, const FunctionConfig& config) {
    const FunctionModelOptions& m = config.model;
    render::FunctionFieldConfig field;
    field.grid = {m.levels, m.features, m.log2_entries, m.base_resolution, m.finest_resolution, subject.image ? 2 : 3};
    field.hidden = m.hidden, field.outputs = subject.image ? subject.picture.channels : 1;
    render::FunctionModel out{render::FunctionField(field, static_cast<std::uint64_t>(config.train.seed)),
                              subject.image ? render::FunctionKind::image : render::FunctionKind::distance};
    out.width = subject.picture.width, out.height = subject.picture.height, out.frame = subject.frame;
    return out;
}

/// The configuration of a new run; data.path is absolute.
FunctionConfig new_config(const TrainFunctionOptions& options) {
    const bool table = options.input.extension() == ".toml";
    Config tree = options.preset.empty() ? Config::parse("") : Config::load(options.preset);
    if (!options.preset.empty() && !is_function_config(tree))
        fail(ErrorKind::config, "{}: pictures and meshes need [model] name = \"function\"", options.preset.string());
    if (table) tree.merge(Config::load(options.input));
    lay_over(options, tree);
    auto config = parse_config<FunctionConfig>(tree);
    if (!table) config.data.path = options.input.string();
    if (config.data.path.empty())
        fail(ErrorKind::config, "{}: data.path must name a picture or a mesh", options.input.string());
    config.data.path = fs::absolute(config.data.path).lexically_normal().string();
    return config;
}

constexpr std::string_view kStateFormat = "nir.function.state 1";

class Training {
public:
    Training(const TrainFunctionOptions& options, FunctionConfig config, Subject subject, RunFolder folder,
             Progress& progress)
        : options_(options),
          config_(std::move(config)),
          subject_(std::move(subject)),
          folder_(std::move(folder)),
          progress_(progress),
          model_(new_model(subject_, config_)),
          trainer_(model_.field, subject_.source(), trainer_options()) {}

    TrainFunctionResult run();

private:
    render::FunctionTrainerOptions trainer_options() const;
    void restore();
    void loop();
    void checkpoint();
    void finish();
    std::int64_t step() const { return static_cast<std::int64_t>(trainer_.steps()); }
    double seconds() const { return seconds_before_ + timer_.seconds(); }
    double done() const;

    const TrainFunctionOptions& options_;
    FunctionConfig config_;
    Subject subject_;
    RunFolder folder_;
    Progress& progress_;
    render::FunctionModel model_;
    render::FunctionTrainer trainer_;
    Timer timer_;
    double seconds_before_ = 0;
    TrainFunctionResult result_;
};

render::FunctionTrainerOptions Training::trainer_options() const {
    const FunctionTrainConfig& t = config_.train;
    render::FunctionTrainerOptions out;
    out.seed = static_cast<std::uint64_t>(t.seed);
    out.learning_rate = t.lr, out.last_learning_rate = t.lr * t.lr_end;
    out.decay_from = t.decay_from, out.batch = std::size_t{1} << t.log2_batch;
    out.loss = subject_.image ? render::FunctionLoss::squared : render::FunctionLoss::relative;
    return out;
}

void Training::restore() {
    const fs::path path = folder_.path("optimizer.safetensors");
    const io::TensorFile file = io::read_safetensors(path);
    with_context(path.string(), [&] {
        const auto format = file.metadata.find("format");
        if (format == file.metadata.end() || format->second != kStateFormat)
            fail(ErrorKind::format, "this is no state of a function that this version of nir can go on with");
        trainer_.restore(file);
        seconds_before_ = state_number(file, "seconds"), result_.loss = state_number(file, "loss");
    });
    log_info("going on after step {} and {}", step(), human_duration(seconds_before_));
}

/// The model, and all that is needed to go on.
void Training::checkpoint() {
    io::TensorFile state;
    state.metadata = {{"format", std::string(kStateFormat)},
                      {"seconds", fmt::format("{}", seconds())},
                      {"loss", fmt::format("{}", result_.loss)}};
    trainer_.save(state);
    io::write_safetensors(folder_.path("optimizer.safetensors"), state);
    model_.info = {{"info.config", dump_toml(config_)},
                   {"info.step", fmt::format("{}", step())},
                   {"info.seed", fmt::format("{}", config_.train.seed)},
                   {"info.version", program_version()},
                   {"info.revision", source_revision()}};
    render::save_function(result_.model, model_);
}

/// Share of the training that is over, 0..1.
double Training::done() const {
    const FunctionTrainConfig& t = config_.train;
    double share = 0;
    if (t.steps > 0) share = static_cast<double>(step()) / static_cast<double>(t.steps);
    if (t.time > 0) share = std::max(share, seconds() / t.time);
    return std::min(share, 1.0);
}

/// Steps until time or steps are over.
void Training::loop() {
    const FunctionTrainConfig& t = config_.train;
    const bool by_steps = t.steps > 0;
    if (by_steps)
        progress_.begin("train", static_cast<std::uint64_t>(t.steps), "steps");
    else
        progress_.begin("train", static_cast<std::uint64_t>(std::ceil(t.time)), "s");
    double sum = 0, saved = seconds();
    std::uint64_t shown = 0;
    std::int64_t counted = 0;
    while (done() < 1) {
        const double progress_now = done();
        const auto now = by_steps ? trainer_.steps() : static_cast<std::uint64_t>(seconds());
        if (!progress_.advance(now - shown)) fail(ErrorKind::cancelled, "stopped");
        shown = now;
        sum += trainer_.step(progress_now), ++counted;
        if (t.checkpoint_every > 0 && seconds() - saved >= t.checkpoint_every) checkpoint(), saved = seconds();
        if (counted < t.log_every && done() < 1) continue;
        result_.loss = sum / static_cast<double>(counted);
        folder_.metrics(step(), seconds(), {{"loss", result_.loss}});
        progress_.note(fmt::format("loss {:.3g}", result_.loss));
        sum = 0, counted = 0;
    }
    progress_.end();
}

/// Measures what was learned.
void Training::finish() {
    result_.seconds = seconds(), result_.steps = step();
    Figures figures;
    if (result_.image) {
        const geom::Image8 drawn = render::draw_function(model_.field, model_.width, model_.height);
        result_.psnr = render::psnr(drawn, subject_.picture);
        folder_.preview(result_.steps, "picture", drawn);
        figures = {{"psnr", result_.psnr}};
    } else {
        result_.iou =
            render::function_iou(model_, subject_.mesh, kIouPoints, static_cast<std::uint64_t>(config_.train.seed) + 1);
        figures = {{"iou", result_.iou}};
    }
    folder_.metrics(result_.steps, result_.seconds, figures);
}

TrainFunctionResult Training::run() {
    result_.image = subject_.image, result_.model = folder_.path("model.safetensors");
    if (options_.resume) restore();
    folder_.write_text("config.toml", dump_toml(config_, true));
    folder_.write_text("env.json", environment_json(static_cast<std::uint64_t>(config_.train.seed)));
    folder_.start(step());
    const LogTee tee(folder_);
    log_info("learning {}: {} values, finest level {:.0f}, seed {}",
             subject_.image ? fmt::format("a picture of {} x {}", model_.width, model_.height)
                            : std::string("a signed distance"),
             human_count(static_cast<double>(model_.field.parameters())), config_.model.finest_resolution,
             config_.train.seed);
    timer_.restart();
    try {
        loop();
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::cancelled) throw;
        checkpoint();
        fail(ErrorKind::cancelled, "stopped at step {}, everything is saved; --resume goes on", step());
    }
    checkpoint();
    finish();
    log_info("done: {} steps in {}, {}", result_.steps, human_duration(result_.seconds),
             result_.image ? fmt::format("PSNR {:.2f} dB", result_.psnr) : fmt::format("IoU {:.4f}", result_.iou));
    return result_;
}

/// A picture or a mesh by its ending, or an error.
void check_subject(const FunctionConfig& config) {
    if (!is_picture(config.data.path) && !is_mesh(config.data.path))
        fail(ErrorKind::usage, "{} is neither a picture nor a mesh", config.data.path);
}

}  // namespace

void FunctionModelOptions::describe(ConfigVisitor& v) {
    v.choice("name", name, {"function"}, "a picture or the signed distance of a mesh");
    v.field("levels", levels, {.min = 1, .max = 32}, "grids of the hash encoding, from coarse to fine");
    v.field("features", features, {.min = 2, .max = 4}, "numbers per entry of the tables, 2 or 4");
    v.field("log2_entries", log2_entries, {.min = 3, .max = 24}, "a level holds at most 2 to this power of entries");
    v.field("base_resolution", base_resolution, {.min = 2, .max = 512, .unit = "vertices"},
            "side of the coarsest level");
    v.field("finest_resolution", finest_resolution, {.min = 0, .max = 1e6, .unit = "vertices"},
            "side of the finest level; 0: half the picture's, 256 for meshes");
    v.field("hidden", hidden, {.min = 16, .max = 256}, "width of the two hidden layers, a multiple of 16");
    v.check(features != 3, "features", "must be 2 or 4");
    v.check(hidden % 16 == 0, "hidden", "must be a multiple of 16");
    v.check(levels * features % 16 == 0, "levels", "times features must be a multiple of 16");
    v.check(finest_resolution == 0 || finest_resolution >= base_resolution, "finest_resolution",
            "must not be below base_resolution");
}

void FunctionDataOptions::describe(ConfigVisitor& v) {
    v.field("path", path, "the picture or the mesh");
    v.field("log2_samples", log2_samples, {.min = 10, .max = 26}, "signed distances of a mesh, as a power of 2");
    v.field("margin", margin, {.min = 0, .max = 4}, "of the cube around a mesh, in its longest side");
}

void FunctionTrainConfig::describe(ConfigVisitor& v) {
    v.field("steps", steps, {.min = 0}, "optimiser steps; 0 = until time is over");
    v.field("time", time, {.min = 0, .unit = "s"}, "0 = no limit");
    v.field("lr", lr, {.min = 0}, "learning rate of Adam; 0: 0.01 for pictures, 0.003 for meshes");
    v.field("lr_end", lr_end, {.max = 1, .above = 0}, "share of lr at the end");
    v.field("decay_from", decay_from, {.min = 0, .max = 1}, "share of the training after which the rate falls");
    v.field("log2_batch", log2_batch, {.min = 8, .max = 20}, "points a step, as a power of 2");
    v.field("log_every", log_every, {.min = 1, .unit = "steps"}, "lines of metrics.jsonl");
    v.field("checkpoint_every", checkpoint_every, {.min = 0, .unit = "s"}, "0 = at the end only");
    v.field("seed", seed, {.min = 0}, "first state of every random number");
    v.check(steps > 0 || time > 0, "steps", "or time must be above 0");
}

void FunctionConfig::describe(ConfigVisitor& v) {
    v.table("model", model, "the function");
    v.table("data", data, "what is learned");
    v.table("train", train, "the training");
}

bool is_function_config(const Config& tree) {
    const Config* model = tree.find("model");
    const Config* name = model ? model->find("name") : nullptr;
    const auto* text = name ? std::get_if<std::string>(&name->value()) : nullptr;
    return text && *text == "function";
}

bool is_function_training(const fs::path& input) {
    std::error_code ignored;
    if (!fs::is_regular_file(input, ignored)) return false;
    if (input.extension() == ".toml") return is_function_config(Config::load(input));
    return is_picture(input) || is_mesh(input);
}

TrainFunctionResult train_function(const TrainFunctionOptions& options, Progress& progress) {
    if (options.resume && options.force) fail(ErrorKind::usage, "--resume and --force exclude each other");
    std::optional<RunFolder> there;
    if (options.resume) there = RunFolder::open(options.out);
    FunctionConfig config =
        there ? resumed_config<FunctionConfig>(options, *there, is_function_config, "a picture or a mesh")
              : new_config(options);
    check_subject(config);
    Subject subject = read_subject(config);
    RunFolder folder = there ? std::move(*there) : RunFolder::create(options.out, options.force);
    return Training(options, std::move(config), std::move(subject), std::move(folder), progress).run();
}

std::optional<fs::path> function_model_file(const fs::path& path) {
    std::error_code error;
    const auto file = fs::is_directory(path, error) ? path / "model.safetensors" : path;
    if (file.extension() != ".safetensors" || !fs::is_regular_file(file, error)) return std::nullopt;
    const auto metadata = with_context(file.string(), [&] { return io::read_safetensors_metadata(file); });
    if (!render::is_function(metadata)) return std::nullopt;
    return file;
}

std::pair<int, int> render_function(const fs::path& file, const fs::path& out, int width, int height) {
    const render::FunctionModel model = render::load_function(file);
    if (model.kind != render::FunctionKind::image)
        fail(ErrorKind::usage, "{} is the distance to a mesh: nir extract makes it one", file.string());
    if (out.extension() != ".png") fail(ErrorKind::usage, "{}: pictures of a function are PNG", out.string());
    const double aspect = static_cast<double>(model.width) / model.height;
    if (width <= 0 && height <= 0) width = model.width, height = model.height;
    if (width <= 0) width = std::max(1, static_cast<int>(std::lround(height * aspect)));
    if (height <= 0) height = std::max(1, static_cast<int>(std::lround(width / aspect)));
    io::write_png(out, render::draw_function(model.field, width, height));
    return {width, height};
}

}  // namespace nir::pipeline
