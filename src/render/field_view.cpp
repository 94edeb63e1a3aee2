// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/render/field_view.h"

#include "nir/base/error.h"
#include "nir/extract/color_source.h"
#include "nir/render/posed_view.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace nir::render {
namespace {

using geom::Vec3d;
using geom::Vec3f;

constexpr std::size_t kAtOnce = 8;        ///< samples along each ray between two looks
constexpr std::size_t kBlock = 1u << 14;  ///< rays that are followed together
constexpr float kGrey = 0.7f, kSky = 0.3f;

struct Ray {
    Vec3f origin, direction;  ///< field frame; the direction is one world unit long
    float near = 0, far = 0;  ///< in the domain
    std::size_t pixel = 0;
    float depth_per_length = 1;
};

struct Hit {
    std::size_t ray = 0;
    float t = 0;
};

/// Where a ray lies in a box, in front of its origin; false for a miss.
bool clip(const geom::Box3f& box, Ray& ray) {
    float near = 0, far = INFINITY;
    for (int a = 0; a < 3; ++a) {
        if (ray.direction[a] == 0) {
            if (ray.origin[a] < box.lo[a] || ray.origin[a] > box.hi[a]) return false;
            continue;
        }
        const float t0 = (box.lo[a] - ray.origin[a]) / ray.direction[a],
                    t1 = (box.hi[a] - ray.origin[a]) / ray.direction[a];
        near = std::max(near, std::min(t0, t1)), far = std::min(far, std::max(t0, t1));
    }
    ray.near = near, ray.far = far;
    return near < far;
}

/// Follows a block of rays.
class Block {
public:
    Block(const extract::ScalarField& field, float level, const FieldViewOptions& o, const std::vector<Ray>& rays)
        : field_(field), level_(level), o_(o), rays_(rays) {}

    std::vector<Hit> run() {
        for (std::size_t i = 0; i < rays_.size(); ++i) active_.push_back(i);
        last_.resize(rays_.size());
        const auto steps = static_cast<std::size_t>(o_.steps);
        for (std::size_t first = 0; first < steps && !active_.empty(); first += kAtOnce)
            look(first, std::min(kAtOnce, steps - first));
        refine();
        return std::move(hits_);
    }

private:
    float sample(std::size_t ray, std::size_t step) const {
        const float t = static_cast<float>(step) / static_cast<float>(o_.steps - 1);
        return rays_[ray].near + t * (rays_[ray].far - rays_[ray].near);
    }
    Vec3f at(std::size_t ray, float t) const { return rays_[ray].origin + rays_[ray].direction * t; }
    void ask() {
        values_.resize(points_.size());
        field_.values(points_, values_);
        for (float& v : values_) v -= level_;
    }

    void look(std::size_t first, std::size_t count) {
        points_.clear();
        for (const std::size_t ray : active_)
            for (std::size_t k = 0; k < count; ++k) points_.push_back(at(ray, sample(ray, first + k)));
        ask();
        std::size_t kept = 0;
        for (std::size_t i = 0; i < active_.size(); ++i) {
            const std::size_t ray = active_[i];
            bool decided = false;
            for (std::size_t k = 0; k < count && !decided; ++k) {
                const float v = values_[i * count + k];
                if (v >= 0) {
                    decided = true;
                    if (first + k == 0)
                        hits_.push_back({ray, rays_[ray].near});
                    else
                        brackets_.push_back({ray, sample(ray, first + k - 1), sample(ray, first + k), last_[ray], v});
                }
                last_[ray] = v;
            }
            if (!decided) active_[kept++] = ray;
        }
        active_.resize(kept);
    }

    void refine() {
        std::vector<float> t(brackets_.size());
        const auto estimate = [](const Bracket& b) { return b.lo - b.f_lo * (b.hi - b.lo) / (b.f_hi - b.f_lo); };
        for (std::size_t i = 0; i < t.size(); ++i) t[i] = estimate(brackets_[i]);
        for (int round = 0; round < o_.refinements && !t.empty(); ++round) {
            points_.clear();
            for (std::size_t i = 0; i < t.size(); ++i) points_.push_back(at(brackets_[i].ray, t[i]));
            ask();
            for (std::size_t i = 0; i < t.size(); ++i) {
                Bracket& b = brackets_[i];
                (values_[i] < 0 ? b.lo : b.hi) = t[i];
                (values_[i] < 0 ? b.f_lo : b.f_hi) = values_[i];
                t[i] = estimate(b);
            }
        }
        for (std::size_t i = 0; i < t.size(); ++i) hits_.push_back({brackets_[i].ray, t[i]});
    }

    struct Bracket {
        std::size_t ray;
        float lo, hi, f_lo, f_hi;
    };
    const extract::ScalarField& field_;
    float level_;
    const FieldViewOptions& o_;
    const std::vector<Ray>& rays_;
    std::vector<std::size_t> active_;
    std::vector<Bracket> brackets_;
    std::vector<Hit> hits_;
    std::vector<Vec3f> points_;
    std::vector<float> last_, values_;
};

/// Sums over the rays of the pixels.
struct Sums {
    std::vector<float> rgb, hits, normals;
};

void shade(const extract::ScalarField& field, const std::vector<Ray>& rays, const std::vector<Hit>& hits,
           const FieldViewOptions& o, Sums& sums, RenderedView& view) {
    std::vector<Vec3f> points, gradients;
    for (const Hit& h : hits) points.push_back(rays[h.ray].origin + rays[h.ray].direction * h.t);
    const auto* colors = dynamic_cast<const extract::ColorSource*>(&field);
    std::vector<geom::Rgb8> own(colors ? points.size() : 0);
    if (colors) colors->colors(points, own);
    if (!colors || o.normals) {
        gradients.resize(points.size());
        field.gradients(points, gradients);
    }
    for (std::size_t i = 0; i < hits.size(); ++i) {
        const Ray& ray = rays[hits[i].ray];
        const std::size_t p = ray.pixel;
        Vec3f normal{};
        if (!gradients.empty() && norm(gradients[i]) > 0) normal = -normalized(gradients[i]);
        if (colors) {
            const std::uint8_t c[3] = {own[i].r, own[i].g, own[i].b};
            for (std::size_t k = 0; k < 3; ++k) sums.rgb[3 * p + k] += static_cast<float>(c[k]) / 255.0f;
        } else {
            const float facing = std::abs(dot(normal, normalized(ray.direction)));
            for (std::size_t k = 0; k < 3; ++k)
                sums.rgb[3 * p + k] += srgb_from_linear(kGrey * (kSky + (1 - kSky) * facing));
        }
        if (o.normals)
            for (int k = 0; k < 3; ++k) sums.normals[3 * p + static_cast<std::size_t>(k)] += normal[k];
        const float depth = hits[i].t * ray.depth_per_length;
        if (sums.hits[p] == 0 || depth < view.depth[p]) view.depth[p] = depth;
        sums.hits[p] += 1;
    }
}

}  // namespace

RenderedView render_field(const extract::ScalarField& field, float level, const std::optional<geom::Frame>& frame,
                          const geom::Camera& camera, const geom::Pose& pose, const FieldViewOptions& o) {
    NIR_CHECK(o.steps >= 2 && o.rays >= 1 && camera.width > 0 && camera.height > 0);
    const geom::Frame place = frame.value_or(geom::Frame{});
    const auto n = static_cast<std::size_t>(camera.width) * static_cast<std::size_t>(camera.height);
    RenderedView view;
    view.width = camera.width, view.height = camera.height;
    view.depth.resize(n), view.alpha.resize(n);
    Sums sums{std::vector<float>(3 * n), std::vector<float>(n), std::vector<float>(o.normals ? 3 * n : 0)};
    std::vector<Ray> rays;
    const auto follow = [&] {
        Block block(field, level, o, rays);
        const std::vector<Hit> hits = block.run();
        shade(field, rays, hits, o, sums, view);
        rays.clear();
    };
    for (int y = 0; y < camera.height; ++y)
        for (int x = 0; x < camera.width; ++x)
            for (int k = 0; k < o.rays * o.rays; ++k) {
                const geom::PixelPosition at{x + (k % o.rays + 0.5) / o.rays, y + (k / o.rays + 0.5) / o.rays};
                const auto ray = geom::ray_through(camera, pose, at);
                if (!ray) continue;
                Ray r{static_cast<Vec3f>(place.unit_from_user(ray->origin)),
                      static_cast<Vec3f>(ray->direction / place.scale)};
                r.pixel =
                    static_cast<std::size_t>(y) * static_cast<std::size_t>(camera.width) + static_cast<std::size_t>(x);
                r.depth_per_length = static_cast<float>(ray->depth_per_length);
                if (clip(field.domain(), r)) rays.push_back(r);
                if (rays.size() == kBlock) follow();
            }
    if (!rays.empty()) follow();
    const float all = static_cast<float>(o.rays * o.rays);
    for (std::size_t p = 0; p < n; ++p) {
        view.alpha[p] = sums.hits[p] / all;
        for (std::size_t k = 0; k < 3; ++k)
            view.rgb.push_back(sums.rgb[3 * p + k] / all + o.background[k] * (1 - view.alpha[p]));
    }
    if (!o.normals) return view;
    view.normals = std::move(sums.normals);
    for (std::size_t p = 0; p < n; ++p) {
        float* v = view.normals.data() + 3 * p;
        const float length = std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
        for (std::size_t k = 0; k < 3 && length > 0; ++k) v[k] /= length;
    }
    return view;
}

}  // namespace nir::render
