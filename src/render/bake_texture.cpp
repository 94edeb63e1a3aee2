// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/render/bake.h"

#include <algorithm>
#include <cmath>

namespace nir::render {
namespace {

constexpr int kViewSide = 3;  // rays a side of a pixel, when the texture is compared with photos

// A picture of floats, sRGB-encoded, that is looked up bilinearly.
struct FloatTexture {
    int side = 0;
    std::vector<float> rgb;

    void sample(float u, float v, float* out) const {
        const auto limit = static_cast<float>(side - 1);
        const float x = std::clamp(u * static_cast<float>(side) - 0.5f, 0.0f, limit),
                    y = std::clamp(v * static_cast<float>(side) - 0.5f, 0.0f, limit);
        const int i = std::min(static_cast<int>(x), side - 2), j = std::min(static_cast<int>(y), side - 2);
        const float a = x - static_cast<float>(i), b = y - static_cast<float>(j);
        const auto at = [&](int s, int t) {
            return rgb.data() +
                   3 * (static_cast<std::size_t>(t) * static_cast<std::size_t>(side) + static_cast<std::size_t>(s));
        };
        const float *p = at(i, j), *q = at(i + 1, j), *r = at(i, j + 1), *s = at(i + 1, j + 1);
        for (int k = 0; k < 3; ++k) out[k] = (1 - b) * ((1 - a) * p[k] + a * q[k]) + b * ((1 - a) * r[k] + a * s[k]);
    }
};

FloatTexture floats_of(const geom::Image8& image) {
    FloatTexture out{image.width, {}};
    out.rgb.reserve(image.data.size());
    for (const std::uint8_t v : image.data) out.rgb.push_back(static_cast<float>(v) / 255);
    return out;
}

std::vector<float> colors_at(const FloatTexture& texture, const std::vector<geom::Uv>& uv,
                             const std::vector<geom::Triangle>& faces, std::span<const SurfacePoint> points) {
    std::vector<float> out(3 * points.size());
    for (std::size_t i = 0; i < points.size(); ++i) {
        const SurfacePoint& p = points[i];
        const geom::Triangle& t = faces[p.face];
        const float a = 1 - p.b1 - p.b2;
        texture.sample(a * uv[t[0]][0] + p.b1 * uv[t[1]][0] + p.b2 * uv[t[2]][0],
                       a * uv[t[0]][1] + p.b1 * uv[t[1]][1] + p.b2 * uv[t[2]][1], &out[3 * i]);
        for (std::size_t k = 0; k < 3; ++k) out[3 * i + k] = linear_from_srgb(std::clamp(out[3 * i + k], 0.0f, 1.0f));
    }
    return out;
}

// The texels of faces as points, and the picture they make.
struct Canvas {
    std::vector<std::uint32_t> texel;
    std::vector<SurfacePoint> points;
    int side = 0;

    FloatTexture paint(const std::vector<float>& rgb, int rings) const {
        const std::size_t n = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
        FloatTexture out{side, std::vector<float>(3 * n)};
        std::vector<std::uint8_t> known(n);
        for (std::size_t i = 0; i < texel.size(); ++i) {
            known[texel[i]] = 1;
            for (std::size_t k = 0; k < 3; ++k) out.rgb[3 * texel[i] + k] = rgb[3 * i + k];
        }
        for (int ring = 0; ring < rings; ++ring) dilate_once(out, known);
        return out;
    }

private:
    static void dilate_once(FloatTexture& t, std::vector<std::uint8_t>& known) {
        std::vector<std::size_t> filled;
        const auto side = static_cast<std::size_t>(t.side);
        for (std::size_t y = 0; y < side; ++y)
            for (std::size_t x = 0; x < side; ++x) {
                if (known[y * side + x]) continue;
                std::array<float, 3> sum{};
                float n = 0;
                for (std::size_t j = y > 0 ? y - 1 : 0; j < std::min(y + 2, side); ++j)
                    for (std::size_t i = x > 0 ? x - 1 : 0; i < std::min(x + 2, side); ++i) {
                        if (!known[j * side + i]) continue;
                        n += 1;
                        for (std::size_t k = 0; k < 3; ++k) sum[k] += t.rgb[3 * (j * side + i) + k];
                    }
                if (n == 0) continue;
                for (std::size_t k = 0; k < 3; ++k) t.rgb[3 * (y * side + x) + k] = sum[k] / n;
                filled.push_back(y * side + x);
            }
        for (const std::size_t i : filled) known[i] = 1;
    }
};

Canvas canvas_of(const geom::UvAtlas& atlas, const Surface& surface) {
    Canvas out;
    out.side = atlas.side;
    const std::vector<geom::Texel> texels = texels_of(atlas);
    for (std::size_t i = 0; i < texels.size(); ++i)
        if (texels[i].face != geom::Texel::kNone) {
            out.texel.push_back(static_cast<std::uint32_t>(i));
            out.points.push_back(surface.at(texels[i].face, texels[i].b1, texels[i].b2));
        }
    return out;
}

// Photo minus what the texture shows there, sRGB; 0 where either shows nothing.
std::vector<float> difference(const PosedView& photo, const std::array<float, 3>& gain, const RenderedView& drawn) {
    std::vector<float> out(drawn.rgb.size());
    const auto channels = static_cast<std::size_t>(photo.rgba.channels);
    for (std::size_t p = 0; p < drawn.alpha.size(); ++p) {
        if (drawn.alpha[p] < 0.99f) continue;
        for (std::size_t k = 0; k < 3; ++k)
            out[3 * p + k] =
                static_cast<float>(photo.rgba.data[p * channels + k]) / 255 - gain[k] * drawn.rgb[3 * p + k];
    }
    return out;
}

}  // namespace

TextureBake bake_texture(const PhotoBaker& baker, const Surface& surface, const geom::UvAtlasOptions& options,
                         int rounds) {
    const geom::UvAtlas atlas = geom::make_uv_atlas(surface.mesh(), options);
    const Canvas canvas = canvas_of(atlas, surface);
    TextureBake out;
    BakedColors colors = baker.bake(canvas.points);
    out.unseen = fill_unseen(canvas.points, colors);
    out.charts = atlas.charts, out.texels = canvas.texel.size();
    std::vector<ViewSamples> views;
    for (const PosedView& photo : baker.photos())
        if (rounds > 0) views.push_back(view_samples(surface, photo.camera, photo.world_from_camera, kViewSide));
    for (int round = 0; round < rounds; ++round) {
        const FloatTexture texture = canvas.paint(colors.rgb, 2);
        std::vector<std::vector<float>> residuals(views.size());
        parallel_for(views.size(), 1, [&](std::size_t begin, std::size_t end) {
            for (std::size_t i = begin; i < end; ++i) {
                const RenderedView drawn =
                    resolve(views[i], colors_at(texture, atlas.uv, atlas.faces, views[i].points), {0, 0, 0});
                residuals[i] = difference(baker.photos()[i], baker.gains()[i], drawn);
            }
        });
        const BakedColors change = baker.mean(canvas.points, residuals);
        double sum = 0;
        for (std::size_t i = 0; i < change.rgb.size(); ++i) {
            colors.rgb[i] = std::clamp(colors.rgb[i] + change.rgb[i], 0.0f, 1.0f);
            sum += static_cast<double>(change.rgb[i]) * static_cast<double>(change.rgb[i]);
        }
        out.sharpened = std::sqrt(sum / static_cast<double>(std::max<std::size_t>(change.rgb.size(), 1)));
    }
    out.mesh = geom::unfolded(surface.mesh(), atlas);
    out.mesh.texture = to_image(canvas.paint(colors.rgb, options.gutter).rgb, options.side, options.side);
    return out;
}

std::vector<float> texture_colors(const geom::TexturedMesh& mesh, std::span<const SurfacePoint> points) {
    return colors_at(floats_of(mesh.texture), mesh.uv, mesh.mesh.faces, points);
}

}  // namespace nir::render
