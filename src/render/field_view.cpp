// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/render/field_view.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/extract/color_source.h"
#include "nir/render/posed_view.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace nir::render {
namespace {

using geom::Vec3d;
using geom::Vec3f;

constexpr std::size_t kAtOnce = 4;        ///< samples along each ray between two looks
constexpr std::size_t kBlock = 1u << 14;  ///< rays that are followed together
constexpr float kBandSlopes = 1.5f;       ///< steepest edges by which a field may rise within a cell
constexpr float kEdge = 0.04f;            ///< of neighbouring colours, 1 = black against white
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
        : field_(field), level_(level), o_(o), rays_(rays), steps_(static_cast<std::size_t>(o.steps)) {}

    std::vector<Hit> run() {
        next_.resize(rays_.size()), last_.resize(rays_.size()), last_step_.assign(rays_.size(), steps_);
        decided_.assign(rays_.size(), 0);
        find_wanted();
        for (std::size_t i = 0; i < rays_.size(); ++i)
            if (advance(i, 0)) active_.push_back(i);
        while (!active_.empty()) look();
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

    /// The samples that are asked: those in cells of the band, and the one in front of each.
    void find_wanted() {
        if (!o_.band) return;
        wanted_.resize(rays_.size() * steps_);
        parallel_for(rays_.size(), 64, [&](std::size_t begin, std::size_t end) {
            for (std::size_t ray = begin; ray < end; ++ray) {
                std::uint8_t* wanted = wanted_.data() + ray * steps_;
                for (std::size_t s = 0; s < steps_; ++s) {
                    wanted[s] = o_.band->contains(at(ray, sample(ray, s)));
                    if (wanted[s] && s > 0) wanted[s - 1] = 1;
                }
            }
        });
    }
    /// Sets next_ to the first sample from `step` on that is asked; false if there is none.
    bool advance(std::size_t ray, std::size_t step) {
        while (step < steps_ && !wanted_.empty() && !wanted_[ray * steps_ + step]) ++step;
        next_[ray] = step;
        return step < steps_;
    }

    /// Some samples of each active ray; those that are decided leave.
    void look() {
        points_.clear(), asked_.clear();
        for (const std::size_t ray : active_) {
            const std::size_t before = asked_.size();
            do {
                points_.push_back(at(ray, sample(ray, next_[ray])));
                asked_.push_back({ray, next_[ray]});
            } while (advance(ray, next_[ray] + 1) && asked_.size() < before + kAtOnce);
        }
        ask();
        for (std::size_t i = 0; i < asked_.size(); ++i) {
            const auto [ray, step] = asked_[i];
            if (decided_[ray]) continue;
            const float v = values_[i];
            if (v >= 0) {
                decided_[ray] = 1;
                if (step == 0)
                    hits_.push_back({ray, rays_[ray].near});
                else
                    brackets_.push_back({ray, sample(ray, step - 1), sample(ray, step),
                                         last_step_[ray] + 1 == step ? last_[ray] : std::nanf(""), v});
            }
            last_[ray] = v, last_step_[ray] = step;
        }
        std::erase_if(active_, [&](std::size_t ray) { return decided_[ray] || next_[ray] >= steps_; });
    }

    void refine() {
        // A surface where the band shows none: what lies in front of it is not known yet.
        points_.clear();
        for (const Bracket& b : brackets_)
            if (std::isnan(b.f_lo)) points_.push_back(at(b.ray, b.lo));
        ask();
        std::size_t found = 0;
        for (Bracket& b : brackets_)
            if (std::isnan(b.f_lo)) b.f_lo = std::min(values_[found++], -1e-6f);
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
    struct Asked {
        std::size_t ray, step;
    };
    const extract::ScalarField& field_;
    float level_;
    const FieldViewOptions& o_;
    const std::vector<Ray>& rays_;
    std::size_t steps_;
    std::vector<std::size_t> active_, next_, last_step_;
    std::vector<std::uint8_t> wanted_, decided_;
    std::vector<Asked> asked_;
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

/// The pixels that one ray does not show well: one of the eight around them is seen and they are not, or the other way
/// round, or its colour is another. One ray has been sent through each.
std::vector<std::uint8_t> edges(const Sums& sums, int width, int height) {
    std::vector<std::uint8_t> out(sums.hits.size());
    const auto differ = [&](std::size_t p, std::size_t q) {
        if (sums.hits[p] != sums.hits[q]) return true;
        for (std::size_t k = 0; k < 3; ++k)
            if (std::abs(sums.rgb[3 * p + k] - sums.rgb[3 * q + k]) > kEdge) return true;
        return false;
    };
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int v = std::max(y - 1, 0); v <= std::min(y + 1, height - 1); ++v)
                for (int u = std::max(x - 1, 0); u <= std::min(x + 1, width - 1); ++u) {
                    const auto p = static_cast<std::size_t>(y * width + x), q = static_cast<std::size_t>(v * width + u);
                    if (differ(p, q)) out[p] = 1;
                }
    return out;
}

}  // namespace

SurfaceBand::SurfaceBand(const extract::ScalarField& field, float level, int cells)
    : cells_(cells), box_(field.domain()), inside_(cell_count(cells)) {
    NIR_CHECK(cells >= 1 && cells <= 1024);
    const auto n = static_cast<std::size_t>(cells), side = n + 1;
    std::vector<float> values(side * side * side);
    std::vector<Vec3f> points;
    for (std::size_t z = 0; z < side; ++z)
        for (std::size_t y = 0; y < side; ++y)
            for (std::size_t x = 0; x < side; ++x) {
                const auto along = [&](std::size_t i) { return static_cast<float>(i) / static_cast<float>(n); };
                const Vec3f t{along(x), along(y), along(z)}, size = box_.hi - box_.lo;
                points.push_back(box_.lo + Vec3f{t.x * size.x, t.y * size.y, t.z * size.z});
            }
    field.values(points, values);
    // Of each cell: its largest value, and the change along its steepest edge.
    const std::size_t stride[3] = {1, side, side * side}, cell_stride[3] = {1, n, n * n};
    std::vector<float> most(inside_.size(), -INFINITY), steepest(inside_.size());
    for (std::size_t c = 0; c < inside_.size(); ++c) {
        const std::size_t first = c % n + stride[1] * (c / n % n) + stride[2] * (c / n / n);
        for (std::size_t k = 0; k < 8; ++k) {
            const std::size_t corner = first + (k & 1) + (k >> 1 & 1) * stride[1] + (k >> 2) * stride[2];
            most[c] = std::isnan(values[corner]) ? INFINITY : std::max(most[c], values[corner]);
            for (std::size_t a = 0; a < 3; ++a)
                if ((k >> a & 1) == 0)
                    steepest[c] = std::max(steepest[c], std::abs(values[corner + stride[a]] - values[corner]));
        }
    }
    // The steepest of the cells around, axis by axis.
    for (std::size_t a = 0; a < 3; ++a) {
        const std::vector<float> own = steepest;
        for (std::size_t c = 0; c < inside_.size(); ++c) {
            const std::size_t at = c / cell_stride[a] % n;
            if (at > 0) steepest[c] = std::max(steepest[c], own[c - cell_stride[a]]);
            if (at + 1 < n) steepest[c] = std::max(steepest[c], own[c + cell_stride[a]]);
        }
    }
    for (std::size_t c = 0; c < inside_.size(); ++c) inside_[c] = most[c] >= level - kBandSlopes * steepest[c];
}

std::size_t SurfaceBand::cell_count(int cells) {
    const auto n = static_cast<std::size_t>(cells);
    return n * n * n;
}

bool SurfaceBand::contains(Vec3f p) const {
    std::size_t index = 0;
    for (int a = 2; a >= 0; --a) {
        const float t = (p[a] - box_.lo[a]) / (box_.hi[a] - box_.lo[a]) * static_cast<float>(cells_);
        const int i = std::clamp(static_cast<int>(t), 0, cells_ - 1);
        index = index * static_cast<std::size_t>(cells_) + static_cast<std::size_t>(i);
    }
    return inside_[index] != 0;
}

double SurfaceBand::share() const {
    const auto kept = std::count(inside_.begin(), inside_.end(), std::uint8_t{1});
    return static_cast<double>(kept) / static_cast<double>(inside_.size());
}

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
    const auto send = [&](std::size_t p, int side) {
        const auto width = static_cast<std::size_t>(camera.width);
        for (int k = 0; k < side * side; ++k) {
            const geom::PixelPosition at{static_cast<double>(p % width) + (k % side + 0.5) / side,
                                         static_cast<double>(p / width) + (k / side + 0.5) / side};
            const auto ray = geom::ray_through(camera, pose, at);
            if (!ray) continue;
            Ray r{static_cast<Vec3f>(place.unit_from_user(ray->origin)),
                  static_cast<Vec3f>(ray->direction / place.scale)};
            r.pixel = p, r.depth_per_length = static_cast<float>(ray->depth_per_length);
            if (clip(field.domain(), r)) rays.push_back(r);
            if (rays.size() == kBlock) follow();
        }
    };
    for (std::size_t p = 0; p < n; ++p) send(p, 1);
    follow();
    std::vector<std::uint8_t> edge(n);
    if (o.rays > 1) {
        edge = edges(sums, camera.width, camera.height);
        for (std::size_t p = 0; p < n; ++p) {
            if (!edge[p]) continue;
            sums.hits[p] = view.depth[p] = 0;
            for (std::size_t k = 0; k < 3; ++k) sums.rgb[3 * p + k] = 0;
            for (std::size_t k = 0; k < 3 && o.normals; ++k) sums.normals[3 * p + k] = 0;
        }
        for (std::size_t p = 0; p < n; ++p)
            if (edge[p]) send(p, o.rays);
        follow();
    }
    for (std::size_t p = 0; p < n; ++p) {
        const float all = edge[p] ? static_cast<float>(o.rays * o.rays) : 1.0f;
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
