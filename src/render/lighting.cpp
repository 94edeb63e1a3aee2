// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/render/lighting.h"

#include "nir/base/parallel.h"
#include "nir/base/splitmix.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nir::render {
namespace {

using geom::Vec3d;
using geom::Vec3f;

constexpr float kPi = std::numbers::pi_v<float>;
constexpr double kFar = 10;  // sizes of the mesh to a distant light

}  // namespace

float visible_share(const Surface& surface, const SurfacePoint& point, const LightSource& light, int rays,
                    std::uint64_t seed) {
    const Vec3d way = light.direction_from(point.position);
    const double distance = light.distant ? kFar * surface.size() : norm(light.position - point.position);
    const Vec3d target = point.position + way * distance;
    if (!(light.radius > 0) || rays <= 1) return surface.blocked(point, target) ? 0.0f : 1.0f;
    const Vec3d right = normalized(cross(std::abs(way.z) < 0.9 ? Vec3d{0, 0, 1} : Vec3d{1, 0, 0}, way)),
                up = cross(way, right);
    const double turn = static_cast<double>(splitmix64(seed) >> 40) * 0x1.0p-24 * 2 * std::numbers::pi,
                 radius = light.radius * (light.distant ? distance : 1.0);
    int open = 0;
    for (int i = 0; i < rays; ++i) {  // a spiral of equal areas (Vogel)
        const double r = radius * std::sqrt((i + 0.5) / rays), a = turn + i * 2.399963229728653;
        open += surface.blocked(point, target + right * (r * std::cos(a)) + up * (r * std::sin(a))) ? 0 : 1;
    }
    return static_cast<float>(open) / static_cast<float>(rays);
}

std::array<float, 3> reflected(const Material& m, Vec3f n, Vec3f v, Vec3f l) {
    const float nl = dot(n, l), nv = dot(n, v);
    if (!(nl > 0) || !(nv > 0)) return {};
    const Vec3f h = normalized(v + l);
    const float nh = std::max(dot(n, h), 0.0f), vh = std::max(dot(v, h), 0.0f);
    const float alpha = std::max(m.roughness * m.roughness, 4e-4f), a2 = alpha * alpha;
    const float d = nh * nh * (a2 - 1) + 1, density = a2 / (kPi * d * d);
    const float smith = nl * std::sqrt(nv * nv * (1 - a2) + a2) + nv * std::sqrt(nl * nl * (1 - a2) + a2);
    const float lobe = density * 0.5f / smith * nl, graze = std::pow(1 - vh, 5.0f);
    std::array<float, 3> out;
    for (std::size_t k = 0; k < 3; ++k) {
        const float f0 = m.specular * (1 - m.metallic) + m.base[k] * m.metallic, fresnel = f0 + (1 - f0) * graze;
        out[k] = (1 - fresnel) * (1 - m.metallic) * m.base[k] / kPi * nl + fresnel * lobe;
    }
    return out;
}

std::vector<float> lit_colors(const Surface& surface, std::span<const SurfacePoint> points, Vec3d eye,
                              std::span<const LightSource> lights, const Material& material,
                              std::span<const float> base, const LitOptions& options) {
    std::vector<float> out(3 * points.size());
    parallel_for(points.size(), 256, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            const SurfacePoint& p = points[i];
            Material m = material;
            if (!base.empty()) std::copy_n(base.data() + 3 * i, 3, m.base.data());
            const auto to_eye = static_cast<Vec3f>(normalized(eye - p.position));
            for (std::size_t k = 0; k < 3; ++k) out[3 * i + k] = options.ambient * m.base[k];
            for (const LightSource& light : lights) {
                const auto to_light = static_cast<Vec3f>(light.direction_from(p.position));
                const std::array<float, 3> share = reflected(m, p.normal, to_eye, to_light);
                if (share[0] + share[1] + share[2] == 0) continue;
                float open = static_cast<float>(light.falloff_at(p.position));
                if (options.shadows) open *= visible_share(surface, p, light, options.shadow_rays, i);
                for (std::size_t k = 0; k < 3; ++k) out[3 * i + k] += share[k] * light.color[k] * open;
            }
        }
    });
    return out;
}

}  // namespace nir::render
