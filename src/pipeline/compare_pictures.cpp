// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/compare_pictures.h"

#include "nir/base/error.h"
#include "nir/render/image_error.h"
#include "nir/render/render_view.h"

#include <algorithm>
#include <cmath>

namespace nir::pipeline {
namespace {

geom::Image8 on_white(const render::PosedView& photo) {
    return render::to_image(render::on_background(photo, {1, 1, 1}), photo.rgba.width, photo.rgba.height);
}

}  // namespace

void PictureComparison::add(const render::PosedView& photo, const geom::Image8& drawn) {
    const geom::Image8 truth = on_white(photo);
    geom::Image8 shown = drawn;
    std::vector<std::uint8_t> front = photo.valid;
    if (front.empty()) front.assign(truth.data.size() / 3, 1);
    for (std::size_t p = 0; p < front.size(); ++p) {
        if (front[p] == 0) std::copy_n(truth.data.data() + 3 * p, 3, shown.data.data() + 3 * p);
        if (photo.rgba.channels == 4 && photo.rgba.data[4 * p + 3] == 0) front[p] = 0;
    }
    ++views_;
    psnr_ += render::psnr(drawn, truth, photo.valid), ssim_ += render::ssim(shown, truth);
    foreground_ += render::psnr(drawn, truth, front);
}

std::string PictureComparison::convention() {
    return "protocol nir: dB, mean over the views of -10 log10 of the mean squared difference of 8-bit sRGB colours, "
           "white behind transparent pixels; foreground: pixels that are not fully transparent; SSIM: Gaussian 11 x "
           "11, "
           "sigma 1.5";
}

geom::Image8 beside(const render::PosedView& photo, const geom::Image8& drawn) {
    return beside(on_white(photo), drawn);
}

geom::Image8 beside(const geom::Image8& truth, const geom::Image8& drawn) {
    geom::Image8 out(3 * truth.width, truth.height, 3);
    for (int y = 0; y < truth.height; ++y)
        for (int x = 0; x < truth.width; ++x)
            for (int k = 0; k < 3; ++k) {
                const int a = truth.pixel(x, y)[k], b = drawn.pixel(x, y)[k];
                out.pixel(x, y)[k] = static_cast<std::uint8_t>(a);
                out.pixel(truth.width + x, y)[k] = static_cast<std::uint8_t>(b);
                out.pixel(2 * truth.width + x, y)[k] = static_cast<std::uint8_t>(std::min(255, 4 * std::abs(a - b)));
            }
    return out;
}

std::string picture_name(const std::string& view) {
    std::string out = std::filesystem::path(view).replace_extension("").generic_string();
    while (out.starts_with("./") || out.starts_with("../")) out.erase(0, out.find('/') + 1);
    std::replace(out.begin(), out.end(), '/', '_');
    return out + ".png";
}

void make_folder(const std::filesystem::path& folder) {
    if (folder.empty()) return;
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    if (failed) fail(ErrorKind::io, "{}: cannot make this folder: {}", folder.string(), failed.message());
}

}  // namespace nir::pipeline
