// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The order of a radiance field's training: configuration, photos, run folder, steps, pictures, checkpoints.
#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/base/terminal_progress.h"
#include "nir/base/timer.h"
#include "nir/geom/image_resize.h"
#include "nir/io/safetensors.h"
#include "nir/io/scene.h"
#include "nir/pipeline/radiance.h"
#include "nir/pipeline/radiance_config.h"
#include "nir/render/radiance_model.h"

#include "pipeline/field_run.h"
#include "pipeline/log_tee.h"
#include "pipeline/radiance_scene.h"
#include "pipeline/train_environment.h"
#include "pipeline/train_run_folder.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sys/resource.h>

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStateFormat = "nir-radiance-training-2";
constexpr std::size_t kViewsAtTheEnd = 4;
constexpr double kPreviewSamples = 1e6;  ///< well below a second of a processor

/// Of all threads of the process so far.
double processor_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto s = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    return s(usage.ru_utime) + s(usage.ru_stime);
}

double decibels(double mse) { return -10 * std::log10(std::max(mse, 1e-12)); }

/// Sums over the steps since the last line of metrics.jsonl.
struct Stretch {
    std::int64_t steps = 0;
    double loss = 0, mse = 0, trained = 0, evaluated = 0, rays = 0;
    Timer timer;

    void add(const render::StepReport& r) {
        ++steps;
        loss += r.loss, mse += r.mse;
        trained += static_cast<double>(r.trained), evaluated += static_cast<double>(r.evaluated);
        rays += static_cast<double>(r.rays);
    }
    void restart() { *this = {}; }
};

/// Photo beside rendering.
geom::Image8 side_by_side(const geom::Image8& a, const geom::Image8& b) {
    geom::Image8 out(a.width + b.width, a.height, 3);
    for (int y = 0; y < a.height; ++y) {
        std::copy_n(a.pixel(0, y), 3 * a.width, out.pixel(0, y));
        std::copy_n(b.pixel(0, y), 3 * b.width, out.pixel(a.width, y));
    }
    return out;
}

class Training {
public:
    Training(const TrainRadianceOptions& options, RadianceConfig config, RunFolder folder, Progress& progress)
        : options_(options), config_(std::move(config)), folder_(std::move(folder)), progress_(progress) {}

    TrainRadianceResult run();

private:
    void start();
    void restore();
    void loop();
    bool go_on() { return progress_.advance(advance_by()); }
    std::uint64_t advance_by();
    bool finished() const {
        const RadianceTrainConfig& t = config_.train;
        return (t.steps > 0 && step_ >= t.steps) || (t.time > 0 && seconds() >= t.time);
    }
    double done() const;
    double seconds() const { return seconds_before_ + timer_.seconds(); }
    double cpu() const { return cpu_before_ + processor_seconds() - cpu_start_; }
    void write_metrics();
    void checkpoint();
    double view_psnr(std::size_t view, geom::Image8* picture) const;
    void preview();
    std::string status() const;
    render::RadianceModel model() const;
    void finish();

    const TrainRadianceOptions& options_;
    RadianceConfig config_;
    RunFolder folder_;
    Progress& progress_;
    RadianceScene scene_;
    render::FieldFrame frame_;
    std::unique_ptr<render::OccupancyGrid> grid_;
    std::unique_ptr<render::RadianceField> field_;
    std::unique_ptr<render::RadianceTrainer> trainer_;
    std::int64_t step_ = 0;
    Stretch stretch_;
    Timer timer_;
    double samples_per_ray_ = 1000;
    double cpu_before_ = 0, cpu_start_ = 0;
    double seconds_before_ = 0, trained_ = 0, next_preview_ = 0, preview_cost_ = 0, next_checkpoint_ = 0;
    std::uint64_t advanced_ = 0;
    std::size_t next_view_ = 0;
    std::int64_t shown_step_ = -1, saved_step_ = -1;
    TrainRadianceResult result_;
};

/// Share of the training that is over, 0..1.
double Training::done() const {
    const RadianceTrainConfig& t = config_.train;
    double share = 0;
    if (t.steps > 0) share = static_cast<double>(step_) / static_cast<double>(t.steps);
    if (t.time > 0) share = std::max(share, seconds() / t.time);
    return std::min(share, 1.0);
}

void Training::start() {
    const Timer reading;
    scene_ = read_radiance_scene(config_, options_.max_memory);
    log_info("{} photos of {} to train with{}, {} ({:.1f} s)", scene_.train.size(), config_.data.path,
             scene_.held_out ? fmt::format(", {} held out", scene_.shown.size()) : "",
             scene_.transparent ? "with transparency" : "without transparency", reading.seconds());
    RadianceStart start = start_of(scene_, config_);
    frame_ = start.frame;
    grid_ = std::make_unique<render::OccupancyGrid>(std::move(start.grid));
    field_ = std::make_unique<render::RadianceField>(field_config(config_.model),
                                                     static_cast<std::uint64_t>(config_.train.seed));
    trainer_ =
        std::make_unique<render::RadianceTrainer>(*field_, *grid_, scene_.train, frame_, trainer_options(config_));
    if (options_.resume) restore();
    folder_.write_text("config.toml", dump_toml(config_, true));
    folder_.write_text("env.json", environment_json(static_cast<std::uint64_t>(config_.train.seed)));
    folder_.start(step_);
}

void Training::restore() {
    const fs::path path = folder_.path("optimizer.safetensors");
    const io::TensorFile file = io::read_safetensors(path);
    with_context(path.string(), [&] {
        const auto text = [&](const char* key) {
            const auto it = file.metadata.find(key);
            return it == file.metadata.end() ? std::string() : it->second;
        };
        if (text("format") != kStateFormat)
            fail(ErrorKind::format, "this is no state of a radiance field that this version of nir can go on with");
        const auto number = [&](const char* key) { return state_number(file, key); };
        const geom::Vec3d center{number("center_x"), number("center_y"), number("center_z")};
        if (!(center == frame_.center) || number("side") != frame_.side)
            fail(ErrorKind::input, "the photos or their cameras are no longer those that the run began with");
        trainer_->restore(file);
        seconds_before_ = number("seconds"), cpu_before_ = number("cpu_seconds");
        result_.loss = number("loss"), result_.psnr = number("psnr");
        result_.best_psnr = number("best_psnr"), result_.best_step = static_cast<std::int64_t>(number("best_step"));
    });
    step_ = static_cast<std::int64_t>(trainer_->steps());
    saved_step_ = step_;
}

render::RadianceModel Training::model() const {
    render::RadianceModel out{*field_, *grid_, frame_, trainer_options(config_).march};
    const render::PhotoCorrections& found = trainer_->corrections();
    for (std::size_t i = 0; i < scene_.train.size(); ++i)
        out.views.push_back({scene_.train[i].camera, found.pose(i), found.gain(i)});
    out.environment = trainer_->environment();
    out.info = {
        {"info.config", dump_toml(config_)},
        {"info.step", fmt::format("{}", step_)},
        {"info.seed", fmt::format("{}", config_.train.seed)},
        {"info.version", program_version()},
        {"info.revision", source_revision()},
        {"info.cameras", "world coordinates of the scene; x right, y up, looking along -z; pixel centres at +0.5"},
        {"info.colours", "sRGB"},
        {"info.background", scene_.transparent ? "transparent" : "photos"}};
    return out;
}

void Training::checkpoint() {
    io::TensorFile state;
    state.metadata = {{"format", kStateFormat},
                      {"center_x", fmt::format("{}", frame_.center.x)},
                      {"center_y", fmt::format("{}", frame_.center.y)},
                      {"center_z", fmt::format("{}", frame_.center.z)},
                      {"side", fmt::format("{}", frame_.side)},
                      {"seconds", fmt::format("{}", seconds())},
                      {"cpu_seconds", fmt::format("{}", cpu())},
                      {"loss", fmt::format("{}", result_.loss)},
                      {"psnr", fmt::format("{}", result_.psnr)},
                      {"best_psnr", fmt::format("{}", result_.best_psnr)},
                      {"best_step", fmt::format("{}", result_.best_step)}};
    trainer_->save(state);
    io::write_safetensors(folder_.path("optimizer.safetensors"), state);
    render::save_radiance(folder_.path("model.safetensors"), model());
    saved_step_ = step_;
    next_checkpoint_ = seconds() + config_.train.checkpoint_every;
}

/// PSNR of a view of the scene on white; the picture is photo beside rendering.
double Training::view_psnr(std::size_t view, geom::Image8* picture) const {
    const render::PosedView photo = read_posed_view(scene_.scene, view);
    render::RenderOptions look;
    look.march = trainer_options(config_).march, look.environment = &trainer_->environment();
    const auto on_white = render::on_background(photo, look.background);
    if (!picture) {
        const auto rendered = render::render_view(*field_, *grid_, frame_, photo.camera, photo.world_from_camera, look);
        return render::psnr(rendered.rgb, on_white, photo.valid);
    }
    const int longest = std::max(photo.camera.width, photo.camera.height);
    // At first everything may be something, and a ray takes hundreds of samples: such previews are small.
    const double pixels = static_cast<double>(photo.camera.width) * photo.camera.height;
    const double affordable = std::max(kPreviewSamples / std::max(samples_per_ray_, 1.0), 1024.0);
    const double shrink =
        std::min({1.0, static_cast<double>(config_.train.preview_size) / longest, std::sqrt(affordable / pixels)});
    const auto size = [&](int n) { return std::max(1, static_cast<int>(std::lround(n * shrink))); };
    const geom::Camera camera = geom::scaled(photo.camera, size(photo.camera.width), size(photo.camera.height));
    const geom::Image8 drawn =
        render::render_view(*field_, *grid_, frame_, camera, photo.world_from_camera, look).image();
    geom::Image8 truth = render::to_image(on_white, photo.camera.width, photo.camera.height);
    if (shrink < 1) truth = geom::resize_image(truth, camera.width, camera.height);
    *picture = side_by_side(truth, drawn);
    return render::psnr(drawn, truth, shrink < 1 ? std::vector<std::uint8_t>{} : photo.valid);
}

void Training::preview() {
    const RadianceTrainConfig& t = config_.train;
    const Timer cost;
    geom::Image8 picture;
    const std::size_t view = scene_.shown[next_view_++ % scene_.shown.size()];
    const double db = view_psnr(view, &picture);
    folder_.preview(step_, "view", picture);
    folder_.metrics(step_, seconds(),
                    {{scene_.held_out ? "validation_psnr" : "view_psnr", db}, {"cpu_seconds", cpu()}});
    shown_step_ = step_;
    result_.view_psnr = db, result_.views = 1;
    if (db > result_.best_psnr) result_.best_psnr = db, result_.best_step = step_;
    preview_cost_ = cost.seconds();
    next_preview_ = seconds() + std::max(t.preview_every, 9 * preview_cost_);
    progress_.note(status());
}

std::string Training::status() const {
    std::string text = fmt::format("PSNR {:.1f} dB", result_.psnr);
    if (result_.views > 0)
        text += fmt::format(" ({} {:.1f})", scene_.held_out ? "held out" : "a photo", result_.view_psnr);
    if (result_.samples_per_second > 0) text += fmt::format(", {} samples/s", human_count(result_.samples_per_second));
    return text;
}

void Training::write_metrics() {
    const auto n = static_cast<double>(stretch_.steps);
    const double s = std::max(stretch_.timer.seconds(), 1e-9);
    result_.loss = stretch_.loss / n, result_.psnr = decibels(stretch_.mse / n);
    result_.samples_per_second = stretch_.trained / s;
    folder_.metrics(step_, seconds(),
                    {{"loss", result_.loss},
                     {"psnr", result_.psnr},
                     {"samples_per_second", result_.samples_per_second},
                     {"rays_per_second", stretch_.rays / s},
                     {"samples_per_step", stretch_.trained / n},
                     {"looked_at_per_trained", stretch_.evaluated / std::max(stretch_.trained, 1.0)},
                     {"cpu_seconds", cpu()},
                     {"occupied_cells", static_cast<double>(grid_->occupied())}});
    stretch_.restart();
    progress_.note(status());
}

/// How far the bar moves: steps, or whole seconds where only time is limited.
std::uint64_t Training::advance_by() {
    const std::uint64_t now = config_.train.steps > 0
                                  ? static_cast<std::uint64_t>(step_)
                                  : static_cast<std::uint64_t>(std::min(seconds(), config_.train.time));
    const std::uint64_t by = now - advanced_;
    advanced_ = now;
    return by;
}

void Training::loop() {
    const RadianceTrainConfig& t = config_.train;
    if (t.steps > 0)
        progress_.begin("train", static_cast<std::uint64_t>(t.steps), "steps");
    else
        progress_.begin("train", static_cast<std::uint64_t>(std::ceil(t.time)), "s");
    bool go = go_on();
    next_preview_ = seconds() + 0.4 * t.preview_every;
    next_checkpoint_ = seconds() + t.checkpoint_every;
    while (go && !finished()) {
        const render::StepReport report = trainer_->step(done());
        ++step_;
        stretch_.add(report);
        trained_ += static_cast<double>(report.trained);
        samples_per_ray_ = static_cast<double>(report.evaluated) / static_cast<double>(report.rays);
        if (step_ % t.log_every == 0) write_metrics();
        if (t.preview_every > 0 && seconds() >= next_preview_) preview();
        if (t.checkpoint_every > 0 && seconds() >= next_checkpoint_) checkpoint();
        go = go_on();
    }
    if (stretch_.steps > 0) write_metrics();
    if (!go) fail(ErrorKind::cancelled, "stopped");
}

void Training::finish() {
    if (config_.train.preview_every > 0 && shown_step_ != step_) preview();
    if (saved_step_ != step_) checkpoint();
    if (config_.train.preview_every == 0) return;
    const std::size_t n = std::min(kViewsAtTheEnd, scene_.shown.size());
    double sum = 0;
    std::size_t done = 0;
    for (const Timer timer; done < n && (done == 0 || timer.seconds() < std::max(2.0, 0.05 * seconds())); ++done)
        sum += view_psnr(scene_.shown[done * scene_.shown.size() / n], nullptr);
    result_.view_psnr = sum / static_cast<double>(done), result_.views = done;
}

TrainRadianceResult Training::run() {
    start();
    const LogTee tee(folder_);
    log_info(
        "{} a radiance field: {} values, {} cascade{}, finest level {:.0f}, {:.0f} steps across, side {:.4g}, seed {}",
        options_.resume ? "resuming" : "training", human_count(static_cast<double>(field_->parameters())),
        config_.model.cascades, config_.model.cascades == 1 ? "" : "s", config_.model.finest_resolution,
        config_.model.steps_across, frame_.side, config_.train.seed);
    if (options_.resume) log_info("going on after step {} and {}", step_, human_duration(seconds_before_));
    timer_.restart();
    cpu_start_ = processor_seconds();
    stretch_.restart();
    try {
        loop();
        finish();
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::cancelled) throw;
        checkpoint();
        fail(ErrorKind::cancelled, "stopped at step {}, everything is saved; --resume goes on", step_);
    }
    progress_.end();
    result_.steps = step_, result_.seconds = seconds(), result_.held_out = scene_.held_out;
    result_.model = folder_.path("model.safetensors");
    result_.samples_per_second = trained_ / std::max(timer_.seconds(), 1e-9);
    log_info("done: {} steps in {}, PSNR {:.2f} dB{}, {} samples/s", step_, human_duration(result_.seconds),
             result_.psnr,
             result_.views == 0 ? ""
                                : fmt::format(" ({:.2f} dB over {} {})", result_.view_psnr, result_.views,
                                              scene_.held_out ? "held-out views" : "of the photos"),
             human_count(result_.samples_per_second));
    return result_;
}

/// The configuration of a new run; data.path is absolute.
RadianceConfig new_config(const TrainRadianceOptions& options) {
    const bool scene = options.input.extension() != ".toml";
    Config tree = options.preset.empty() ? Config::parse("") : Config::load(options.preset);
    if (!options.preset.empty() && !is_radiance_config(tree))
        fail(ErrorKind::config, "{}: a radiance field needs [model] name = \"radiance\"", options.preset.string());
    if (!scene) tree.merge(Config::load(options.input));
    lay_over(options, tree);
    auto config = parse_config<RadianceConfig>(tree);
    if (scene) config.data.path = options.input.string();
    if (config.data.path.empty())
        fail(ErrorKind::config, "{}: data.path must name the posed photos", options.input.string());
    config.data.path = fs::absolute(config.data.path).lexically_normal().string();
    return config;
}

}  // namespace

bool is_radiance_training(const fs::path& input) {
    std::error_code ignored;
    if (input.extension() != ".toml") return true;
    return fs::is_regular_file(input, ignored) && is_radiance_config(Config::load(input));
}

TrainRadianceResult train_radiance(const TrainRadianceOptions& options, Progress& progress) {
    if (options.resume && options.force) fail(ErrorKind::usage, "--resume and --force exclude each other");
    if (options.resume) {
        RunFolder folder = RunFolder::open(options.out);
        RadianceConfig config = resumed_config<RadianceConfig>(options, folder, is_radiance_config, "a radiance field");
        return Training(options, std::move(config), std::move(folder), progress).run();
    }
    RadianceConfig config = new_config(options);
    (void)io::read_scene(config.data.path, scene_options(config.data));  // mistakes before the folder is made
    return Training(options, std::move(config), RunFolder::create(options.out, options.force), progress).run();
}

}  // namespace nir::pipeline
