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

FunctionConfig config_of(const TrainFunctionOptions& options) {
    const bool table = options.input.extension() == ".toml";
    Config tree = options.preset.empty() ? Config::parse("") : Config::load(options.preset);
    if (!options.preset.empty() && !is_function_config(tree))
        fail(ErrorKind::config, "{}: pictures and meshes need [model] name = \"function\"", options.preset.string());
    if (table) tree.merge(Config::load(options.input));
    for (const std::string& assignment : options.overrides) tree.set(assignment);
    if (options.steps) tree.set(fmt::format("train.steps={}", *options.steps));
    if (options.time_s) tree.set(fmt::format("train.time={}", *options.time_s));
    if (options.steps && !options.time_s) tree.set("train.time=0");
    if (options.time_s && !options.steps) tree.set("train.steps=0");
    if (options.seed) tree.set(fmt::format("train.seed={}", *options.seed));
    auto config = parse_config<FunctionConfig>(tree);
    if (!table) config.data.path = options.input.string();
    if (config.data.path.empty())
        fail(ErrorKind::config, "{}: data.path must name a picture or a mesh", options.input.string());
    config.data.path = fs::absolute(config.data.path).lexically_normal().string();
    return config;
}

/// Steps until time or steps are over. @return the mean loss of the last stretch.
double learn(render::FunctionTrainer& trainer, const FunctionTrainConfig& t, RunFolder& folder, Progress& progress) {
    const Timer timer;
    const auto done = [&] {
        double share = 0;
        if (t.steps > 0) share = static_cast<double>(trainer.steps()) / static_cast<double>(t.steps);
        if (t.time > 0) share = std::max(share, timer.seconds() / t.time);
        return std::min(share, 1.0);
    };
    const bool by_steps = t.steps > 0;
    if (by_steps)
        progress.begin("train", static_cast<std::uint64_t>(t.steps), "steps");
    else
        progress.begin("train", static_cast<std::uint64_t>(std::ceil(t.time)), "s");
    double loss = 0, sum = 0;
    std::uint64_t shown = 0;
    std::int64_t counted = 0;
    while (done() < 1) {
        const double progress_now = done();
        const auto now = by_steps ? trainer.steps() : static_cast<std::uint64_t>(timer.seconds());
        if (!progress.advance(now - shown)) fail(ErrorKind::cancelled, "stopped");
        shown = now;
        sum += trainer.step(progress_now), ++counted;
        if (counted < t.log_every && done() < 1) continue;
        loss = sum / static_cast<double>(counted);
        folder.metrics(static_cast<std::int64_t>(trainer.steps()), timer.seconds(), {{"loss", loss}});
        progress.note(fmt::format("loss {:.3g}", loss));
        sum = 0, counted = 0;
    }
    progress.end();
    return loss;
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
    FunctionConfig config = config_of(options);
    if (!is_picture(config.data.path) && !is_mesh(config.data.path))
        fail(ErrorKind::usage, "{} is neither a picture nor a mesh", config.data.path);
    Subject subject = read_subject(config);
    RunFolder folder = RunFolder::create(options.out, options.force);
    folder.write_text("config.toml", dump_toml(config, true));
    folder.write_text("env.json", environment_json(static_cast<std::uint64_t>(config.train.seed)));
    folder.start(0);
    const LogTee tee(folder);
    render::FunctionModel model = new_model(subject, config);
    render::FunctionTrainerOptions how;
    how.seed = static_cast<std::uint64_t>(config.train.seed);
    how.learning_rate = config.train.lr, how.last_learning_rate = config.train.lr * config.train.lr_end;
    how.decay_from = config.train.decay_from, how.batch = std::size_t{1} << config.train.log2_batch;
    how.loss = subject.image ? render::FunctionLoss::squared : render::FunctionLoss::relative;
    log_info("learning {}: {} values, finest level {:.0f}, seed {}",
             subject.image ? fmt::format("a picture of {} x {}", model.width, model.height)
                           : std::string("a signed distance"),
             human_count(static_cast<double>(model.field.parameters())), config.model.finest_resolution,
             config.train.seed);
    render::FunctionTrainer trainer(model.field, subject.source(), how);
    TrainFunctionResult out;
    const Timer timer;
    out.image = subject.image;
    out.loss = learn(trainer, config.train, folder, progress);
    out.seconds = timer.seconds(), out.steps = static_cast<std::int64_t>(trainer.steps());
    Figures figures;
    if (out.image) {
        const geom::Image8 drawn = render::draw_function(model.field, model.width, model.height);
        out.psnr = render::psnr(drawn, subject.picture);
        folder.preview(out.steps, "picture", drawn);
        figures = {{"psnr", out.psnr}};
    } else {
        out.iou = render::function_iou(model, subject.mesh, kIouPoints, how.seed + 1);
        figures = {{"iou", out.iou}};
    }
    folder.metrics(out.steps, out.seconds, figures);
    model.info = {{"info.config", dump_toml(config)},
                  {"info.step", fmt::format("{}", out.steps)},
                  {"info.seed", fmt::format("{}", config.train.seed)},
                  {"info.version", program_version()},
                  {"info.revision", source_revision()}};
    out.model = folder.path("model.safetensors");
    render::save_function(out.model, model);
    log_info("done: {} steps in {}, {}", out.steps, human_duration(out.seconds),
             out.image ? fmt::format("PSNR {:.2f} dB", out.psnr) : fmt::format("IoU {:.4f}", out.iou));
    return out;
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
