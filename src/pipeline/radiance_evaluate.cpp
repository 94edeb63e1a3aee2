// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/radiance_evaluate.h"

#include "nir/base/error.h"
#include "nir/base/phase_timer.h"
#include "nir/base/progress.h"
#include "nir/io/png.h"
#include "nir/render/image_error.h"

#include "pipeline/compare_pictures.h"
#include "pipeline/radiance_views.h"

#include <algorithm>
#include <cmath>

namespace nir::pipeline {
namespace {

const ImageProtocol& protocol_of(const std::string& name) {
    for (const ImageProtocol& p : image_protocols())
        if (p.name == name) return p;
    fail(ErrorKind::usage, "--protocol {} is not for pictures", name);
}

double to_linear(double v) { return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4); }
double to_srgb(double v) { return v <= 0.0031308 ? v * 12.92 : 1.055 * std::pow(v, 1 / 2.4) - 0.055; }

/// The photo on the protocol's background.
geom::Image8 truth_of(const render::PosedView& photo, const ImageProtocol& p) {
    const float behind = p.black ? 0.0f : 1.0f;
    if (!p.linear || photo.rgba.channels != 4)
        return render::to_image(render::on_background(photo, {behind, behind, behind}), photo.rgba.width,
                                photo.rgba.height);
    std::vector<float> rgb;
    for (std::size_t i = 0; i < photo.rgba.data.size(); i += 4) {
        const double alpha = photo.rgba.data[i + 3] / 255.0;
        for (std::size_t k = 0; k < 3; ++k)
            rgb.push_back(static_cast<float>(to_srgb(to_linear(photo.rgba.data[i + k] / 255.0) * alpha +
                                                     static_cast<double>(behind) * (1 - alpha))));
    }
    return render::to_image(rgb, photo.rgba.width, photo.rgba.height);
}

io::Split split_of(const std::string& name) {
    for (const io::Split s : {io::Split::train, io::Split::val, io::Split::test})
        if (io::name_of(s) == name) return s;
    fail(ErrorKind::usage, "--split {}: write train, val or test", name);
}

void add_notes(const ImageProtocol& p, const RadianceConfig& config, const io::Scene& scene, bool transparent,
               EvaluateRadianceResult& out) {
    const geom::Camera& c = scene.cameras.front();
    if (p.side > 0 && (c.width != p.side || c.height != p.side))
        out.notes.push_back(fmt::format("published figures under {} are of {} x {} pixels; these are {} x {}", p.name,
                                        p.side, p.side, c.width, c.height));
    if (p.side > 0 && !transparent)
        out.notes.push_back(fmt::format("{} is for photos with transparency; these have none", p.name));
    if (p.hold_out > 0 && config.data.hold_out != p.hold_out)
        out.notes.push_back(
            fmt::format("{} leaves every {}th photo out of the training (data.hold_out = {}); this model was "
                        "trained with data.hold_out = {}",
                        p.name, p.hold_out, p.hold_out, config.data.hold_out));
    if (out.split == "train") out.notes.emplace_back("these are photos that the model was trained with");
}

}  // namespace

std::span<const ImageProtocol> image_protocols() {
    static constexpr ImageProtocol kProtocols[] = {
        {.name = "nir", .summary = "photos on white"},
        {.name = "nerf-white", .summary = "NeRF's synthetic scenes, on white, 800 x 800", .side = 800},
        {.name = "nerf-half", .summary = "the same at 400 x 400", .side = 400},
        {.name = "ngp-black",
         .summary = "instant-ngp's script: on black in linear light, SSIM of luminances, 800 x 800",
         .black = true,
         .linear = true,
         .luminance = true,
         .side = 800},
        {.name = "llff-8", .summary = "every 8th photo held out", .hold_out = 8},
        {.name = "mip360",
         .summary = "every 8th photo held out, photos a half or a quarter of their size",
         .hold_out = 8},
    };
    return kProtocols;
}

EvaluateRadianceResult evaluate_radiance(const EvaluateRadianceOptions& o, Progress& progress, PhaseTimer& timer) {
    const ImageProtocol& protocol = protocol_of(o.protocol);
    auto reading = timer.phase("read");
    const render::RadianceModel model = render::load_radiance(o.model);
    RadianceConfig config = config_of(model);
    if (!o.scene.empty()) config.data.path = o.scene.string();
    if (config.data.path.empty())
        fail(ErrorKind::usage, "{}: which photos? nir evaluate MODEL SCENE", o.model.string());
    const io::Scene scene = read_split_scene(config.data);
    EvaluateRadianceResult out;
    out.scene = config.data.path, out.split = o.split;
    const std::vector<std::size_t> all = scene.indices(split_of(o.split));
    if (all.empty())
        fail(ErrorKind::input, "{}: there are no {} views; --split names others ({} train, {} val, {} test)",
             config.data.path, o.split, scene.count(io::Split::train), scene.count(io::Split::val),
             scene.count(io::Split::test));
    reading.close();
    make_folder(o.pictures);
    const char* behind = protocol.black ? "black" : "white";
    out.psnr_convention = fmt::format(
        "dB, mean over the views of -10 log10 of the mean squared difference of 8-bit sRGB "
        "colours, {} behind transparent pixels{}",
        behind, protocol.linear ? ", blended in linear light" : "");
    out.ssim_convention = protocol.luminance ? "mean over the views; luminance, 5 taps (instant-ngp's script)"
                                             : "mean over the views; Gaussian 11 x 11, sigma 1.5, mean over channels";
    render::RenderOptions look;
    look.march = model.march, look.environment = &model.environment, look.stop_at = 1e-4f;
    if (protocol.black) look.background = {0, 0, 0};
    const std::size_t n = o.views > 0 ? std::min(o.views, all.size()) : all.size();
    bool transparent = false;
    progress.begin("evaluate", n, "views");
    for (std::size_t i = 0; i < n; ++i) {
        const std::size_t index = all[i * all.size() / n];
        EvaluatedView row{scene.views[index].name, 0, 0, 0};
        auto decoding = timer.phase("read");
        const render::PosedView photo = read_posed_view(scene, index);
        decoding.close();
        for (std::size_t k = 3; photo.rgba.channels == 4 && k < photo.rgba.data.size(); k += 4)
            transparent = transparent || photo.rgba.data[k] < 255;
        geom::Image8 drawn;
        {
            const auto rendering = timer.phase("render");
            const Timer one;
            drawn =
                render::render_view(model.field, model.grid, model.frame, photo.camera, photo.world_from_camera, look)
                    .image();
            row.seconds = one.seconds();
        }
        const auto measuring = timer.phase("measure");
        const geom::Image8 truth = truth_of(photo, protocol);
        row.psnr = render::psnr(drawn, truth, photo.valid);
        if (!o.pictures.empty()) io::write_png(o.pictures / picture_name(row.name), beside(truth, drawn));
        for (std::size_t k = 0; k < photo.valid.size(); ++k)
            if (photo.valid[k] == 0) std::copy_n(truth.data.data() + 3 * k, 3, drawn.data.data() + 3 * k);
        row.ssim = protocol.luminance ? render::ssim_luminance(drawn, truth) : render::ssim(drawn, truth);
        const auto share = static_cast<double>(n);
        out.psnr += row.psnr / share, out.ssim += row.ssim / share, out.seconds_per_view += row.seconds / share;
        out.views.push_back(std::move(row));
        if (!progress.advance(1)) {
            progress.end();
            fail(ErrorKind::cancelled, "stopped after {} of {} views", i + 1, n);
        }
    }
    progress.end();
    add_notes(protocol, config, scene, transparent, out);
    return out;
}

}  // namespace nir::pipeline
