// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/error.h"
#include "nir/io/file_bytes.h"
#include "nir/io/jpeg.h"
#include "nir/io/png.h"
#include "nir/io/scene.h"

#include <algorithm>

namespace nir::io {
namespace {

using geom::Image8;

Image8 read_image(const std::filesystem::path& file) {
    return read_path(file, [](std::string_view bytes) {
        if (looks_like_png(bytes)) return parse_png(bytes);
        if (looks_like_jpeg(bytes)) return parse_jpeg(bytes);
        fail(ErrorKind::format, "neither a PNG nor a JPEG picture");
    });
}

void check_size(const std::filesystem::path& file, const Image8& image, const geom::Camera& camera) {
    if (image.width != camera.width || image.height != camera.height)
        fail(ErrorKind::format, "{}: is {} x {}, the camera's pictures are {} x {}", file.string(), image.width,
             image.height, camera.width, camera.height);
}

/// Grey of a mask, 0..255: its brightest channel; the alpha channel of masks that have nothing else to say.
std::vector<std::uint8_t> grey_of(const Image8& image) {
    const auto n = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
    const auto channels = static_cast<std::size_t>(image.channels);
    const std::size_t colours = channels >= 3 ? 3 : 1;
    std::vector<std::uint8_t> out(n);
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t c = 0; c < colours; ++c) out[i] = std::max(out[i], image.data[i * channels + c]);
    return out;
}

Image8 to_rgba(const Image8& image) {
    Image8 out(image.width, image.height, 4, 255);
    const auto n = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
    const auto channels = static_cast<std::size_t>(image.channels);
    for (std::size_t i = 0; i < n; ++i) {
        const std::uint8_t* from = image.data.data() + i * channels;
        std::uint8_t* to = out.data.data() + 4 * i;
        for (std::size_t c = 0; c < 3; ++c) to[c] = channels >= 3 ? from[c] : from[0];
        if (channels == 2 || channels == 4) to[3] = from[channels - 1];
    }
    return out;
}

}  // namespace

ViewPixels read_view(const Scene& scene, std::size_t index) {
    NIR_CHECK(index < scene.views.size());
    const SceneView& view = scene.views[index];
    const geom::Camera& camera = scene.cameras[view.camera];
    if (view.image.empty()) fail(ErrorKind::input, "the view {} has no picture", view.name);
    const Image8 image = read_image(view.image);
    check_size(view.image, image, camera);
    ViewPixels out;
    out.has_alpha = image.channels == 2 || image.channels == 4;
    out.rgba = to_rgba(image);
    for (const ViewMask& mask : view.masks) {
        const Image8 picture = read_image(mask.file);
        check_size(mask.file, picture, camera);
        const std::vector<std::uint8_t> grey = grey_of(picture);
        const bool opacity = mask.meaning == MaskMeaning::object || mask.meaning == MaskMeaning::alpha;
        if (!opacity && out.valid.empty()) out.valid.assign(grey.size(), 1);
        for (std::size_t i = 0; i < grey.size(); ++i) {
            std::uint8_t& alpha = out.rgba.data[4 * i + 3];
            switch (mask.meaning) {
                case MaskMeaning::valid:
                    out.valid[i] &= static_cast<std::uint8_t>(grey[i] != 0);
                    break;
                case MaskMeaning::ignore:
                    out.valid[i] &= static_cast<std::uint8_t>(grey[i] == 0);
                    break;
                case MaskMeaning::object:
                    alpha = std::min(alpha, grey[i]);
                    break;
                case MaskMeaning::alpha:
                    alpha = grey[i];
                    break;
            }
        }
        out.has_alpha = out.has_alpha || opacity;
    }
    return out;
}

}  // namespace nir::io
