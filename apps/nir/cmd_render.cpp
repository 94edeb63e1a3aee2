// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// nir render: pictures of a volume, of a radiance or light field, or of a learned shape.
#include "nir/base/error.h"
#include "nir/pipeline/function.h"
#include "nir/pipeline/light.h"
#include "nir/pipeline/radiance_render.h"
#include "nir/pipeline/render_field.h"
#include "nir/pipeline/render_volume.h"

#include "verb.h"

#include <memory>
#include <numbers>

namespace nir::app {
namespace {

constexpr double kRad = std::numbers::pi / 180;

struct Arguments {
    pipeline::RenderVolumeOptions options;
    pipeline::RenderRadianceOptions radiance;  // what only radiance fields have
    std::filesystem::path lights;              // what only light fields have
    pipeline::RenderFieldOptions shape;        // what only learned shapes have
    std::string size, background = "white";
    std::vector<double> spacing, origin, eye, look_at, up, range;
    double distance = 0;
};

std::optional<geom::Vec3d> vector_of(const std::vector<double>& v) {
    if (v.empty()) return std::nullopt;
    return v.size() == 1 ? geom::Vec3d{v[0], v[0], v[0]} : geom::Vec3d{v[0], v[1], v[2]};
}

/// "640x480" or "512".
void parse_picture_size(const std::string& text, int& width, int& height) {
    char rest = 0;
    const int n = std::sscanf(text.c_str(), "%dx%d%c", &width, &height, &rest);
    if (n == 1 && text.find_first_not_of("0123456789") == std::string::npos)
        height = width;
    else if (n != 2)
        fail(ErrorKind::usage, "--size {}: write WIDTHxHEIGHT, as in 640x480", text);
    if (width < 1 || height < 1 || width > 16384 || height > 16384)
        fail(ErrorKind::usage, "--size {}: 1 to 16384 pixels a side", text);
}

std::optional<geom::Rgb8> parse_background(const std::string& text) {
    if (text == "white") return geom::Rgb8{255, 255, 255};
    if (text == "black") return geom::Rgb8{0, 0, 0};
    if (text == "transparent") return std::nullopt;
    unsigned value = 0;
    if (text.size() != 6 || text.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos ||
        std::sscanf(text.c_str(), "%x", &value) != 1)
        fail(ErrorKind::usage, "--background {}: write white, black, transparent or six hexadecimal digits RRGGBB",
             text);
    return geom::Rgb8{static_cast<std::uint8_t>(value >> 16), static_cast<std::uint8_t>(value >> 8 & 255),
                      static_cast<std::uint8_t>(value & 255)};
}

void add_camera_options(CLI::App& app, Arguments& a) {
    auto& o = a.options;
    app.add_option("--size", a.size, "Width and height of the pictures [512x512; of the photos]")->type_name("WxH");
    app.add_option("--fov", o.fov_deg,
                   "Field of view across the picture, degrees; of radiance fields that of the photos")
        ->check(CLI::Range(0.1, 170.0))
        ->capture_default_str();
    app.add_option("--orbit,--views", o.views, "Pictures from that many places on a circle")
        ->check(CLI::Range(1, 100000))
        ->capture_default_str();
    app.add_option("--azimuth", o.azimuth_deg,
                   "Where the circle starts, degrees from the front; of radiance fields from the first photo")
        ->capture_default_str();
    app.add_option("--elevation", o.elevation_deg,
                   "Height of the circle above the horizon, degrees; of radiance fields that of the photos")
        ->check(CLI::Range(-89.9, 89.9))
        ->capture_default_str();
    app.add_option("--up", a.up, "The axis that points up [0 1 0; mean of the photos]")->expected(3);
    app.add_option("--eye", a.eye, "One picture from this point instead of a circle")->expected(3);
    app.add_option("--look-at", a.look_at, "What the eye looks at [the middle of the volume; what the photos look at]")
        ->expected(3);
    app.add_option("--cameras", o.cameras,
                   "The cameras of a scene instead: transforms.json, COLMAP, …; or \"trained\": of the photos of a "
                   "radiance field");
}

/// Options that a volume does not have.
std::vector<CLI::Option*> add_radiance_options(CLI::App& app, Arguments& a) {
    auto& r = a.radiance;
    return {
        app.add_option("--split", r.split, "Of the scene of --cameras: all, train, val or test")
            ->check(CLI::IsMember({"all", "train", "val", "test"}))
            ->capture_default_str(),
        app.add_option("--path", r.path, "A moving camera: key frames, nerfstudio's camera_path, or transforms.json")
            ->type_name("JSON"),
        app.add_option("--distance", a.distance, "Radius of the circle, world units [median of the photos]")
            ->check(CLI::PositiveNumber),
        app.add_flag("--linear", r.linear, "EXR colours in linear light instead of as on the screen"),
        app.add_flag("--video", r.video, "Also an MP4 (by the program ffmpeg); -o FILE.mp4 writes nothing else"),
        app.add_option("--fps", r.fps, "Pictures a second of the video [of the path, or 30]")
            ->check(CLI::Range(0.1, 1000.0))};
}

void refuse(const std::vector<CLI::Option*>& options, const char* what) {
    for (const CLI::Option* o : options)
        if (o->count() > 0) fail(ErrorKind::usage, "{} is for {}", o->get_name(), what);
}

template <class Result>
void report(VerbContext& context, const std::string& out, const Result& r) {
    auto& json = context.json;
    json["frames"] = r.frames, json["seconds_per_frame"] = r.seconds_per_frame;
    json["size"] = {r.width, r.height};
    auto& files = json["files"] = nlohmann::ordered_json::array();
    for (const auto& f : r.files) files.push_back(f.string());
    context.print("{}: {} picture{} of {} x {}, {:.3f} s each\n", out, r.frames, r.frames == 1 ? "" : "s", r.width,
                  r.height, r.seconds_per_frame);
}

/// What both kinds take, in the words of the other.
void render_radiance(const CLI::App& app, const Arguments& a, const pipeline::RenderVolumeOptions& v,
                     VerbContext& context) {
    pipeline::RenderRadianceOptions r = a.radiance;
    const auto given = [&](const char* name) { return app.count(name) > 0; };
    r.out = v.out, r.cameras = v.cameras, r.outputs = v.outputs, r.background = v.background, r.stop = v.stop;
    if (!a.size.empty()) r.size = std::pair(v.width, v.height);
    if (given("--fov")) r.fov_rad = v.fov_deg * kRad;
    if (given("--azimuth")) r.azimuth_rad = v.azimuth_deg * kRad;
    if (given("--elevation")) r.elevation_rad = v.elevation_deg * kRad;
    if (given("--up")) r.up = v.up;
    if (a.distance > 0) r.distance = a.distance;
    r.views = v.views, r.eye = v.eye, r.look_at = v.look_at;
    const int ways =
        (r.cameras.empty() ? 0 : 1) + (r.path.empty() ? 0 : 1) + (r.eye ? 1 : 0) + (given("--orbit") ? 1 : 0);
    if (ways > 1) fail(ErrorKind::usage, "only one of --cameras, --path, --eye and --orbit can say where from");
    if (r.split != "all" && (r.cameras.empty() || r.cameras == "trained"))
        fail(ErrorKind::usage, "--split needs the scene of --cameras");
    report(context, r.out.string(), pipeline::render_radiance(r, context.progress, context.timer));
}

void render_light(const CLI::App& app, const Arguments& a, const std::filesystem::path& model,
                  const pipeline::RenderVolumeOptions& v, VerbContext& context) {
    for (const char* name : {"--path", "--distance", "--linear", "--azimuth", "--elevation"})
        if (app.count(name) > 0) fail(ErrorKind::usage, "{} is not for light fields", name);
    if (v.outputs != std::vector<std::string>{"rgb"}) fail(ErrorKind::usage, "--output: light fields give rgb");
    pipeline::RenderLightOptions o;
    o.model = model, o.out = v.out, o.lights = a.lights, o.cameras = v.cameras, o.split = a.radiance.split;
    if (!a.size.empty()) o.size = std::pair(v.width, v.height);
    if (app.count("--fov") > 0) o.fov_rad = v.fov_deg * kRad;
    if (app.count("--up") > 0) o.up = v.up;
    o.eye = v.eye, o.look_at = v.look_at, o.views = v.views, o.background = v.background;
    o.video = a.radiance.video, o.fps = a.radiance.fps;
    report(context, o.out.string(), pipeline::render_light(o, context.progress, context.timer));
}

void render_shape(const CLI::App& app, const Arguments& a, const pipeline::RenderVolumeOptions& v,
                  VerbContext& context) {
    for (const char* name : {"--path", "--distance", "--linear", "--video", "--fps", "--stop"})
        if (app.count(name) > 0) fail(ErrorKind::usage, "{} is not for learned shapes", name);
    pipeline::RenderFieldOptions o = a.shape;
    o.source.field = v.volume, o.source.seed = context.seed, o.lights = a.lights;
    if (app.count("--input") == 0) o.source.input.reset();
    o.out = v.out, o.cameras = v.cameras, o.split = a.radiance.split, o.outputs = v.outputs;
    o.background = v.background, o.eye = v.eye, o.look_at = v.look_at, o.up = v.up, o.views = v.views;
    o.fov_deg = v.fov_deg, o.azimuth_deg = v.azimuth_deg, o.elevation_deg = v.elevation_deg;
    if (!a.size.empty()) o.size = std::pair(v.width, v.height);
    const pipeline::RenderFieldResult r = pipeline::render_field(o, context.progress, context.timer);
    context.json["kind"] = r.kind;
    report(context, o.out.string(), r);
}

}  // namespace

VerbRun add_render(CLI::App& app) {
    auto a = std::make_shared<Arguments>();
    auto& o = a->options;
    app.add_option("SCENE", o.volume,
                   "A radiance field, a light field, a learned shape or a learned picture (model or run folder), or a "
                   "volume: NPY or NPZ [X,Y,Z] (values) or [X,Y,Z,4] (colours), binvox, VDB")
        ->required();
    app.add_option("-o", o.out, "A picture (.png, .exr), a video (.mp4), or a folder for several")->required();
    add_camera_options(app, *a);
    app.add_option(
           "--output", o.outputs,
           "What is written: rgb, depth (EXR, along the optical axis), alpha; normal of radiance fields and shapes")
        ->delimiter(',')
        ->check(CLI::IsMember({"rgb", "depth", "normal", "alpha"}))
        ->capture_default_str();
    app.add_option("--background", a->background, "white, black, transparent or RRGGBB")->capture_default_str();
    const std::vector<CLI::Option*>
        of_fields = add_radiance_options(app, *a),
        of_volumes = {
            app.add_option("--transfer", o.transfer,
                           "How values look: surface, smoke, fire, tissue, or a file of lines \"value red green blue "
                           "opacity\"")
                ->capture_default_str(),
            app.add_option("--range", a->range,
                           "The values that a built-in transfer function is stretched over [of the volume]")
                ->expected(2),
            app.add_option("--step", o.step, "Distance of the samples along a ray, in spacings of the volume")
                ->check(CLI::Range(0.01, 10.0))
                ->capture_default_str(),
            app.add_flag_callback(
                "--no-shading", [a] { a->options.shade = false; }, "Colours without light on the gradient"),
            app.add_flag("--premultiplied", o.premultiplied,
                         "The colours of [X,Y,Z,4] are multiplied by the opacity already"),
            app.add_option("--spacing", a->spacing, "Distance of the volume's samples: one number or three")
                ->expected(1, 3),
            app.add_option("--origin", a->origin, "Position of the volume's first sample")->expected(3)};
    const std::vector<CLI::Option*> of_shapes = {
        app.add_option("--mesh", a->shape.mesh, "What a texture field colours")->type_name("MESH"),
        app.add_option("--input", a->shape.source.input, "Of a conditional model: what it is shown")
            ->type_name("OBSERVATION"),
        app.add_option("--level", a->shape.level, "Probability of a learned shape's surface [of the model]")
            ->check(CLI::Range(0.0, 1.0)),
        app.add_option("--samples", a->shape.steps, "Of a learned shape: places along a ray that are asked")
            ->check(CLI::Range(2, 65536))
            ->capture_default_str()};
    app.add_option("--stop", o.stop, "A ray ends where less than this gets through")
        ->check(CLI::Range(0.0, 0.5))
        ->capture_default_str();
    app.add_option("--lights", a->lights,
                   "Of a light field, or of a texture field with lamps: lamps that may move, and pictures of the sky "
                   "(docs/methods/light_fields.md)")
        ->type_name("JSON");
    const CLI::App* verb = &app;
    return [a, verb, of_fields, of_volumes, of_shapes](VerbContext& context) {
        auto options = a->options;
        if (!a->size.empty()) parse_picture_size(a->size, options.width, options.height);
        options.background = parse_background(a->background);
        if (a->spacing.size() == 2) fail(ErrorKind::usage, "--spacing takes one number or three");
        options.spacing = vector_of(a->spacing), options.origin = vector_of(a->origin);
        if (options.spacing && !(options.spacing->x > 0 && options.spacing->y > 0 && options.spacing->z > 0))
            fail(ErrorKind::usage, "--spacing must be positive");
        options.eye = vector_of(a->eye), options.look_at = vector_of(a->look_at);
        if (options.look_at && !options.eye) fail(ErrorKind::usage, "--look-at needs --eye");
        if (!a->up.empty()) options.up = *vector_of(a->up);
        if (!(norm(options.up) > 0)) fail(ErrorKind::usage, "--up must not be 0 0 0");
        if (!a->range.empty()) options.range = std::pair(a->range[0], a->range[1]);
        if (options.range && !(options.range->second > options.range->first))
            fail(ErrorKind::usage, "--range: the second value must be the larger one");
        const auto light = pipeline::light_model_file(options.volume);
        const auto function = light ? std::nullopt : pipeline::function_model_file(options.volume);
        const auto radiance = light || function ? std::nullopt : pipeline::radiance_model_file(options.volume);
        const bool shape = !light && !function && !radiance && pipeline::field_model_file(options.volume);
        if (!shape) refuse(of_shapes, "learned shapes");
        if (light) {
            refuse(of_volumes, "volumes");
            render_light(*verb, *a, *light, options, context);
            return;
        }
        if (!a->lights.empty() && !shape) fail(ErrorKind::usage, "--lights is for light fields");
        if (function) {
            refuse(of_volumes, "volumes"), refuse(of_fields, "radiance fields");
            const bool sized = !a->size.empty();
            const auto drawing = context.timer.phase("render");
            const auto [width, height] = pipeline::render_function(*function, options.out, sized ? options.width : 0,
                                                                   sized ? options.height : 0);
            context.json["size"] = {width, height};
            context.print("{}: {} x {}\n", options.out.string(), width, height);
            return;
        }
        if (shape) {
            refuse(of_volumes, "volumes");
            render_shape(*verb, *a, options, context);
            return;
        }
        if (radiance) {
            refuse(of_volumes, "volumes");
            a->radiance.model = *radiance;
            render_radiance(*verb, *a, options, context);
            return;
        }
        refuse(of_fields, "radiance fields");
        if (options.out.extension() == ".mp4") fail(ErrorKind::usage, "videos are of radiance fields");
        const auto r = pipeline::render_volume(options, context.progress, context.timer);
        report(context, options.out.string(), r);
        context.json["volume_bytes"] = r.volume_bytes;
        context.json["range"] = {r.range.first, r.range.second};
    };
}

}  // namespace nir::app
