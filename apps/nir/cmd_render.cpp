// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// nir render: pictures of a volume.
#include "nir/base/error.h"
#include "nir/pipeline/render_volume.h"

#include "verb.h"

#include <memory>

namespace nir::app {
namespace {

struct Arguments {
    pipeline::RenderVolumeOptions options;
    std::string size = "512x512", background = "white";
    std::vector<double> spacing, origin, eye, look_at, up, range;
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
    app.add_option("--size", a.size, "Width and height of the pictures")->type_name("WxH")->capture_default_str();
    app.add_option("--fov", o.fov_deg, "Field of view across the picture, degrees")
        ->check(CLI::Range(0.1, 170.0))
        ->capture_default_str();
    app.add_option("--orbit,--views", o.views, "Pictures from that many places on a circle")
        ->check(CLI::Range(1, 100000))
        ->capture_default_str();
    app.add_option("--azimuth", o.azimuth_deg, "Where the circle starts, degrees from the front")
        ->capture_default_str();
    app.add_option("--elevation", o.elevation_deg, "Height of the circle above the horizon, degrees")
        ->check(CLI::Range(-89.9, 89.9))
        ->capture_default_str();
    app.add_option("--up", a.up, "The axis that points up [0 1 0]")->expected(3);
    app.add_option("--eye", a.eye, "One picture from this point instead of a circle")->expected(3);
    app.add_option("--look-at", a.look_at, "What the eye looks at [the middle of the volume]")->expected(3);
    app.add_option("--cameras", o.cameras, "The cameras of a scene instead: transforms.json, COLMAP, …");
}

}  // namespace

VerbRun add_render(CLI::App& app) {
    auto a = std::make_shared<Arguments>();
    auto& o = a->options;
    app.add_option("SCENE", o.volume, "A volume: NPY or NPZ [X,Y,Z] (values) or [X,Y,Z,4] (colours), binvox")
        ->required();
    app.add_option("-o", o.out, "A picture (.png, .exr), or a folder for several")->required();
    add_camera_options(app, *a);
    app.add_option("--output", o.outputs, "What is written: rgb, depth (EXR, along the optical axis), alpha")
        ->delimiter(',')
        ->check(CLI::IsMember({"rgb", "depth", "alpha"}))
        ->capture_default_str();
    app.add_option("--background", a->background, "white, black, transparent or RRGGBB")->capture_default_str();
    app.add_option("--transfer", o.transfer,
                   "How values look: surface, smoke, fire, tissue, or a file of lines \"value red green blue opacity\"")
        ->capture_default_str();
    app.add_option("--range", a->range,
                   "The values that a built-in transfer function is stretched over [of the volume]")
        ->expected(2);
    app.add_option("--step", o.step, "Distance of the samples along a ray, in spacings of the volume")
        ->check(CLI::Range(0.01, 10.0))
        ->capture_default_str();
    app.add_option("--stop", o.stop, "A ray ends where less than this gets through")
        ->check(CLI::Range(0.0, 0.5))
        ->capture_default_str();
    app.add_flag_callback(
        "--no-shading", [a] { a->options.shade = false; }, "Colours without light on the gradient");
    app.add_flag("--premultiplied", o.premultiplied, "The colours of [X,Y,Z,4] are multiplied by the opacity already");
    app.add_option("--spacing", a->spacing, "Distance of the volume's samples: one number or three")->expected(1, 3);
    app.add_option("--origin", a->origin, "Position of the volume's first sample")->expected(3);
    return [a](VerbContext& context) {
        auto options = a->options;
        parse_picture_size(a->size, options.width, options.height);
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
        const auto r = pipeline::render_volume(options, context.progress, context.timer);
        auto& json = context.json;
        json["frames"] = r.frames, json["seconds_per_frame"] = r.seconds_per_frame;
        json["size"] = {r.width, r.height}, json["volume_bytes"] = r.volume_bytes;
        json["range"] = {r.range.first, r.range.second};
        auto& files = json["files"] = nlohmann::ordered_json::array();
        for (const auto& f : r.files) files.push_back(f.string());
        context.print("{}: {} picture{} of {} x {}, {:.3f} s each\n", options.out.string(), r.frames,
                      r.frames == 1 ? "" : "s", r.width, r.height, r.seconds_per_frame);
    };
}

}  // namespace nir::app
