// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "geom/raster.h"

#include <array>
#include <optional>

namespace nir::geom::raster {
namespace {

struct Color {
    double r = 0, g = 0, b = 0;
    Color& operator+=(const Color& c) { return r += c.r, g += c.g, b += c.b, *this; }
};
Color operator*(const Color& c, double s) { return {c.r * s, c.g * s, c.b * s}; }
Color color(Vec3f v) { return {static_cast<double>(v.x), static_cast<double>(v.y), static_cast<double>(v.z)}; }

/// How much darker the scene makes a horizontal plane under it, 0..1, on a coarse grid over the picture.
class GroundShadow {
public:
    GroundShadow(const Scene& scene, const View& view, Vec3d up, int step)
        : step_(step), width_(view.width / step + 2), height_(view.height / step + 2), coarse_(view) {
        double floor = std::numeric_limits<double>::max();
        const Vec3d size = scene.box.size();
        for (int corner = 0; corner < 8; ++corner) {
            const Vec3d p =
                scene.box.lo + Vec3d{corner & 1 ? size.x : 0, corner & 2 ? size.y : 0, corner & 4 ? size.z : 0};
            floor = std::min(floor, dot(p - view.origin, up));
        }
        if (floor >= 0.0) return;  // seen from below
        // The coarse picture is one of its own, whose pixels lie `step` apart.
        coarse_.width = width_, coarse_.height = height_, coarse_.focal = view.focal / step;
        coarse_.shift_x = (0.5 * view.width - 0.5) / step + 0.5 - 0.5 * width_;
        coarse_.shift_y = (0.5 * view.height - 0.5) / step + 0.5 - 0.5 * height_;
        plane_ = plane(scene, coarse_, up, floor);
    }

    Receiver receiver() const { return {&coarse_, &plane_}; }

    void take(const Light& light) {
        if (plane_.empty()) return;
        const double full = static_cast<double>(*std::max_element(light.lamp.begin(), light.lamp.end()));
        darkness_.resize(plane_.size());
        for (std::size_t i = 0; i < plane_.size(); ++i) {
            if (!plane_[i].seen()) continue;
            const double lamp = full > 0.0 ? static_cast<double>(light.lamp[i]) / full : 1.0;
            darkness_[i] = static_cast<float>((1.0 - (0.5 * static_cast<double>(light.ambient[i]) + 0.5 * lamp)) *
                                              static_cast<double>(plane_[i].albedo.x));
        }
        for (int pass = 0; pass < 3; ++pass) blur(true), blur(false);
    }

    /// At the middle of sample (x, y) of the picture.
    double at(int x, int y) const {
        if (darkness_.empty()) return 0.0;
        const int i = x / step_, j = y / step_;
        const double u = static_cast<double>(x % step_) / step_, v = static_cast<double>(y % step_) / step_;
        const auto d = [&](int a, int b) {
            return static_cast<double>(darkness_[static_cast<std::size_t>(b) * static_cast<std::size_t>(width_) +
                                                 static_cast<std::size_t>(a)]);
        };
        return (d(i, j) * (1 - u) + d(i + 1, j) * u) * (1 - v) + (d(i, j + 1) * (1 - u) + d(i + 1, j + 1) * u) * v;
    }

private:
    /// Surfels of the plane; albedo.x fades to 0 far from the scene.
    static std::vector<Surfel> plane(const Scene& scene, const View& view, Vec3d up, double floor) {
        const double reach = 1.6 * norm(scene.box.size());
        const Vec3d center = scene.box.center();
        std::vector<Surfel> out;
        out.reserve(static_cast<std::size_t>(view.width) * static_cast<std::size_t>(view.height));
        for (int y = 0; y < view.height; ++y)
            for (int x = 0; x < view.width; ++x) {
                const double fall = dot(view.point_at(x, y, 1.0) - view.origin, up);  // per unit of depth
                const double depth = fall < -1e-6 ? floor / fall : 0.0;
                const double far = depth > 0.0 ? norm(view.point_at(x, y, depth) - center) / reach : 2.0;
                const double t = std::clamp((1.0 - far) / 0.5, 0.0, 1.0);
                out.emplace_back();
                if (t > 0.0)
                    out.back() = {static_cast<float>(depth), Vec3f(up),
                                  Vec3f{static_cast<float>(t * t * (3.0 - 2.0 * t)), 0, 0}};
            }
        return out;
    }

    /// 1 2 1 along one axis, the border repeated.
    void blur(bool along_rows) {
        const std::vector<float> old = darkness_;
        const auto at = [&](int x, int y) {
            return old[static_cast<std::size_t>(std::clamp(y, 0, height_ - 1)) * static_cast<std::size_t>(width_) +
                       static_cast<std::size_t>(std::clamp(x, 0, width_ - 1))];
        };
        const int dx = along_rows ? 1 : 0, dy = 1 - dx;
        std::size_t i = 0;
        for (int y = 0; y < height_; ++y)
            for (int x = 0; x < width_; ++x)
                darkness_[i++] = 0.25f * at(x - dx, y - dy) + 0.5f * at(x, y) + 0.25f * at(x + dx, y + dy);
    }

    int step_, width_, height_;
    View coarse_;
    std::vector<Surfel> plane_;
    std::vector<float> darkness_;
};

class Shader {
public:
    Shader(const Scene& scene, const View& view, const std::vector<Surfel>& surfels, Vec3d up, const RenderOptions& o)
        : view_(view), surfels_(surfels), options_(o), key_(key_direction(view, up)) {
        if (scene.points.empty() && !scene.maps) return;
        std::vector<Receiver> receivers = {{&view, &surfels}};
        if (o.ground_shadow && o.lights > 0) {
            ground_.emplace(scene, view, up, 2 * o.supersampling);
            receivers.push_back(ground_->receiver());
        }
        light_scene(scene, view, up, o.lights, receivers);
        light_ = std::move(receivers[0].light);
        if (ground_) ground_->take(receivers[1].light);
    }

    Color shade(int x, int y) const {
        const auto i =
            static_cast<std::size_t>(y) * static_cast<std::size_t>(view_.width) + static_cast<std::size_t>(x);
        const Surfel& s = surfels_[i];
        if (!s.seen()) return background(x, y);
        const double sky = static_cast<double>(light_.ambient[i]), lamp = static_cast<double>(light_.lamp[i]);
        // Cavities keep some light: it bounces between their walls.
        const double bounce = 0.07 + 0.06 * static_cast<double>(dot(s.normal, Vec3f(view_.back)));
        Color c = color(s.albedo) * (bounce + 0.46 * sky + 0.68 * lamp);
        const Vec3d half = normalized(key_ + view_.back);
        const double gloss =
            0.05 * std::pow(std::max(0.0, dot(Vec3d(s.normal), half)), 40.0) * (lamp > 0.0 ? 1.0 : 0.0);
        return c += {gloss, gloss, gloss};
    }

private:
    Color background(int x, int y) const {
        const double t = (y + 0.5) / view_.height;
        const Color top = color(linear(options_.background_top)), bottom = color(linear(options_.background_bottom));
        Color c = top * (1.0 - t);
        c += bottom * t;
        const double dark = ground_ ? ground_->at(x, y) : 0.0;
        return c * (1.0 - 0.75 * dark);
    }

    const View& view_;
    const std::vector<Surfel>& surfels_;
    const RenderOptions& options_;
    Vec3d key_;
    Light light_;
    std::optional<GroundShadow> ground_;
};

}  // namespace

float linear_from_srgb(std::uint8_t v) {
    static const std::array<float, 256> kTable = [] {
        std::array<float, 256> t{};
        for (std::size_t i = 0; i < 256; ++i) {
            const double s = static_cast<double>(i) / 255.0;
            t[i] = static_cast<float>(s <= 0.04045 ? s / 12.92 : std::pow((s + 0.055) / 1.055, 2.4));
        }
        return t;
    }();
    return kTable[v];
}

std::uint8_t srgb_from_linear(double v) {
    v = std::clamp(v, 0.0, 1.0);
    const double s = v <= 0.0031308 ? 12.92 * v : 1.055 * std::pow(v, 1.0 / 2.4) - 0.055;
    return static_cast<std::uint8_t>(std::lround(255.0 * s));
}

Vec3f linear(Rgb8 c) { return {linear_from_srgb(c.r), linear_from_srgb(c.g), linear_from_srgb(c.b)}; }

Image8 resolve(const Scene& scene, const View& view, const std::vector<Surfel>& surfels, Vec3d up,
               const RenderOptions& options) {
    const Shader shader(scene, view, surfels, up, options);
    const int n = options.supersampling;
    Image8 out(options.width, options.height, 3);
    for_bands(options.height, [&](int y0, int y1) {
        for (int y = y0; y < y1; ++y)
            for (int x = 0; x < options.width; ++x) {
                Color sum;
                for (int j = 0; j < n; ++j)
                    for (int i = 0; i < n; ++i) sum += shader.shade(x * n + i, y * n + j);
                sum = sum * (1.0 / (n * n));
                std::uint8_t* p = out.pixel(x, y);
                p[0] = srgb_from_linear(sum.r), p[1] = srgb_from_linear(sum.g), p[2] = srgb_from_linear(sum.b);
            }
    });
    return out;
}

}  // namespace nir::geom::raster
