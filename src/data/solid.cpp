// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/data/solid.h"

#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace nir::data {
namespace {

constexpr std::size_t kBlock = 256;  // points handled at once, small enough for the stack

/// Base of everything that is a formula of one point; the loop is inlined and vectorised per shape.
template <class F>
class Formula final : public Solid {
public:
    Formula(F f, float lipschitz) : f_(std::move(f)), lipschitz_(lipschitz) {}
    void eval(const Vec3f* p, std::size_t n, float* out) const override {
        for (std::size_t i = 0; i < n; ++i) out[i] = f_(p[i]);
    }
    float lipschitz() const override { return lipschitz_; }

private:
    F f_;
    float lipschitz_;
};

template <class F>
SolidPtr formula(F f, float lipschitz = 1.0f) {
    return std::make_shared<Formula<F>>(std::move(f), lipschitz);
}

/// Maps points, then evaluates the child in blocks, then post-processes the distance.
template <class Map, class Post>
class Warp final : public Solid {
public:
    Warp(SolidPtr a, Map map, Post post, float lipschitz)
        : a_(std::move(a)), map_(std::move(map)), post_(std::move(post)), lipschitz_(lipschitz) {}
    void eval(const Vec3f* p, std::size_t n, float* out) const override {
        std::array<Vec3f, kBlock> q;
        for (std::size_t b = 0; b < n; b += kBlock) {
            const std::size_t m = std::min(kBlock, n - b);
            for (std::size_t i = 0; i < m; ++i) q[i] = map_(p[b + i]);
            a_->eval(q.data(), m, out + b);
            for (std::size_t i = 0; i < m; ++i) out[b + i] = post_(out[b + i], p[b + i]);
        }
    }
    float lipschitz() const override { return lipschitz_; }

private:
    SolidPtr a_;
    Map map_;
    Post post_;
    float lipschitz_;
};

template <class Map, class Post>
SolidPtr warp(SolidPtr a, Map map, Post post, float lipschitz) {
    return std::make_shared<Warp<Map, Post>>(std::move(a), std::move(map), std::move(post), lipschitz);
}

constexpr auto kSamePoint = [](Vec3f p) { return p; };
constexpr auto kSameDistance = [](float d, Vec3f) { return d; };

float smooth_min(float a, float b, float k) {
    const float h = std::max(k - std::abs(a - b), 0.0f) / k;
    return std::min(a, b) - h * h * k * 0.25f;
}

/// Folds a binary operation over the parts.
template <class Op>
class Fold final : public Solid {
public:
    Fold(std::vector<SolidPtr> parts, Op op) : parts_(std::move(parts)), op_(op) {
        for (const auto& p : parts_) lipschitz_ = std::max(lipschitz_, p->lipschitz());
    }
    void eval(const Vec3f* p, std::size_t n, float* out) const override {
        std::array<float, kBlock> d;
        for (std::size_t b = 0; b < n; b += kBlock) {
            const std::size_t m = std::min(kBlock, n - b);
            parts_[0]->eval(p + b, m, out + b);
            for (std::size_t k = 1; k < parts_.size(); ++k) {
                parts_[k]->eval(p + b, m, d.data());
                for (std::size_t i = 0; i < m; ++i) out[b + i] = op_(out[b + i], d[i]);
            }
        }
    }
    float lipschitz() const override { return lipschitz_; }

private:
    std::vector<SolidPtr> parts_;
    Op op_;
    float lipschitz_ = 1.0f;
};

template <class Op>
SolidPtr fold(std::vector<SolidPtr> parts, Op op) {
    return std::make_shared<Fold<Op>>(std::move(parts), op);
}

/// Exact signed distance to a simple polygon, negative inside (crossing number).
float polygon_distance(const std::vector<Point2>& v, float x, float y) {
    float best = 1e30f, sign = 1.0f;
    for (std::size_t i = 0, j = v.size() - 1; i < v.size(); j = i++) {
        const float ex = v[j].x - v[i].x, ey = v[j].y - v[i].y, wx = x - v[i].x, wy = y - v[i].y;
        const float t = std::clamp((wx * ex + wy * ey) / (ex * ex + ey * ey + 1e-20f), 0.0f, 1.0f);
        const float bx = wx - ex * t, by = wy - ey * t;
        best = std::min(best, bx * bx + by * by);
        const bool above_i = y >= v[i].y, above_j = y >= v[j].y;
        if (above_i != above_j && (ex * wy > ey * wx) == (ey > 0)) sign = -sign;
    }
    return sign * std::sqrt(best);
}

}  // namespace

Pose random_rotation(Rng& rng) {
    double q[4], n = 0;
    for (double& c : q) c = rng.normal(), n += c * c;
    n = 1.0 / std::sqrt(n);
    const auto w = static_cast<float>(q[0] * n), x = static_cast<float>(q[1] * n), y = static_cast<float>(q[2] * n),
               z = static_cast<float>(q[3] * n);
    Pose pose;
    pose.axis_x = {1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)};
    pose.axis_y = {2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w)};
    pose.axis_z = {2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y)};
    return pose;
}

SolidPtr sphere(float radius) {
    return formula([=](Vec3f p) { return norm(p) - radius; });
}

SolidPtr ellipsoid(Vec3f r) {
    // First-order distance |p/r| (|p/r| - 1) / |p/r^2|: exact on the surface, never overshoots by much.
    return formula(
        [=](Vec3f p) {
            const Vec3f a{p.x / r.x, p.y / r.y, p.z / r.z}, b{a.x / r.x, a.y / r.y, a.z / r.z};
            const float k0 = norm(a), k1 = norm(b);
            return k1 > 1e-9f ? k0 * (k0 - 1.0f) / k1 : -std::min({r.x, r.y, r.z});
        },
        1.3f);
}

SolidPtr rounded_box(Vec3f half, float radius) {
    const Vec3f h = half - Vec3f{radius, radius, radius};
    return formula([=](Vec3f p) {
        const Vec3f q{std::abs(p.x) - h.x, std::abs(p.y) - h.y, std::abs(p.z) - h.z};
        const Vec3f o = max(q, Vec3f{});
        return norm(o) + std::min(std::max({q.x, q.y, q.z}), 0.0f) - radius;
    });
}

SolidPtr cylinder(float radius, float half_height, float rounding) {
    return formula([=](Vec3f p) {
        const float a = std::sqrt(p.x * p.x + p.y * p.y) - (radius - rounding),
                    b = std::abs(p.z) - (half_height - rounding);
        const float oa = std::max(a, 0.0f), ob = std::max(b, 0.0f);
        return std::min(std::max(a, b), 0.0f) + std::sqrt(oa * oa + ob * ob) - rounding;
    });
}

SolidPtr torus(float major_radius, float minor_radius) {
    return formula([=](Vec3f p) {
        const float a = std::sqrt(p.x * p.x + p.y * p.y) - major_radius;
        return std::sqrt(a * a + p.z * p.z) - minor_radius;
    });
}

SolidPtr half_space(Vec3f normal, float offset) {
    return formula([=](Vec3f p) { return dot(p, normal) - offset; });
}

SolidPtr extrusion(std::vector<Point2> polygon, float half_height, float rounding) {
    return formula([polygon = std::move(polygon), half_height, rounding](Vec3f p) {
        const float a = polygon_distance(polygon, p.x, p.y), b = std::abs(p.z) - half_height;
        const float oa = std::max(a, 0.0f), ob = std::max(b, 0.0f);
        return std::min(std::max(a, b), 0.0f) + std::sqrt(oa * oa + ob * ob) - rounding;
    });
}

SolidPtr revolution(std::vector<Point2> profile, float rounding) {
    return formula([profile = std::move(profile), rounding](Vec3f p) {
        return polygon_distance(profile, std::sqrt(p.x * p.x + p.y * p.y), p.z) - rounding;
    });
}

SolidPtr tube(std::vector<Vec3f> c, std::vector<float> r) {
    return formula(
        [c = std::move(c), r = std::move(r)](Vec3f p) {
            float best = 1e30f;
            for (std::size_t i = 0; i + 1 < c.size(); ++i) {
                const Vec3f e = c[i + 1] - c[i];
                const float t = std::clamp(dot(p - c[i], e) / (squared_norm(e) + 1e-20f), 0.0f, 1.0f);
                best = std::min(best, norm(p - c[i] - e * t) - (r[i] + (r[i + 1] - r[i]) * t));
            }
            return best;
        },
        1.4f);
}

SolidPtr unite(std::vector<SolidPtr> parts) {
    return fold(std::move(parts), [](float a, float b) { return std::min(a, b); });
}

SolidPtr smooth_unite(std::vector<SolidPtr> parts, float k) {
    if (k <= 0) return unite(std::move(parts));
    return fold(std::move(parts), [k](float a, float b) { return smooth_min(a, b, k); });
}

SolidPtr intersect(SolidPtr a, SolidPtr b) {
    return fold({std::move(a), std::move(b)}, [](float x, float y) { return std::max(x, y); });
}

SolidPtr subtract(SolidPtr a, SolidPtr b, float k) {
    if (k <= 0) return fold({std::move(a), std::move(b)}, [](float x, float y) { return std::max(x, -y); });
    return fold({std::move(a), std::move(b)}, [k](float x, float y) { return -smooth_min(-x, y, k); });
}

SolidPtr shell(SolidPtr a, float half_thickness) {
    const float l = a->lipschitz();
    return warp(
        std::move(a), kSamePoint, [=](float d, Vec3f) { return std::abs(d) - half_thickness; }, l);
}

SolidPtr move(SolidPtr a, const Pose& m) {
    const float l = a->lipschitz();
    return warp(
        std::move(a),
        [m](Vec3f p) {
            const Vec3f q = (p - m.translation) / m.scale;
            return Vec3f{dot(q, m.axis_x), dot(q, m.axis_y), dot(q, m.axis_z)};
        },
        [s = m.scale](float d, Vec3f) { return d * s; }, l);
}

SolidPtr mirror_x(SolidPtr a) {
    const float l = a->lipschitz();
    return warp(
        std::move(a),
        [](Vec3f p) {
            return Vec3f{std::abs(p.x), p.y, p.z};
        },
        kSameDistance, l);
}

SolidPtr twist_z(SolidPtr a, float k) {
    const float l = a->lipschitz() * (1.0f + std::abs(k));  // |p_xy| <= 1
    return warp(
        std::move(a),
        [k](Vec3f p) {
            const float c = std::cos(k * p.z), s = std::sin(k * p.z);
            return Vec3f{c * p.x - s * p.y, s * p.x + c * p.y, p.z};
        },
        kSameDistance, l);
}

SolidPtr bend_x(SolidPtr a, float k) {
    const float l = a->lipschitz() * (1.0f + std::abs(k));
    return warp(
        std::move(a),
        [k](Vec3f p) {
            const float c = std::cos(k * p.x), s = std::sin(k * p.x);
            return Vec3f{c * p.x - s * p.y, s * p.x + c * p.y, p.z};
        },
        kSameDistance, l);
}

SolidPtr displace(SolidPtr a, float amplitude, float wavelength, Rng& rng) {
    struct Wave {
        Vec3f k;
        float phase;
    };
    std::array<Wave, 5> waves;
    float slope = 0;
    for (auto& w : waves) {
        const float k =
            static_cast<float>(2 * std::numbers::pi) / (wavelength * static_cast<float>(rng.uniform(1.0, 1.8)));
        w.k = random_rotation(rng).axis_x * k;
        w.phase = static_cast<float>(rng.uniform(0, 2 * std::numbers::pi));
        slope += k;
    }
    amplitude /= 2.5f;
    const float l = a->lipschitz() + amplitude * slope;
    return warp(
        std::move(a), kSamePoint,
        [=](float d, Vec3f p) {
            float s = 0;
            for (const auto& w : waves) s += std::sin(dot(w.k, p) + w.phase);
            return d + amplitude * s;
        },
        l);
}

SolidPtr gyroid(float period, float thickness) {
    const float k = static_cast<float>(2 * std::numbers::pi) / period;
    return formula(
        [=](Vec3f p) {
            const float x = p.x * k, y = p.y * k, z = p.z * k;
            const float g = std::sin(x) * std::cos(y) + std::sin(y) * std::cos(z) + std::sin(z) * std::cos(x);
            return std::abs(g) / (1.5f * k) - 0.5f * thickness;
        },
        1.2f);
}

namespace {

/// Tetrahedral differences: four evaluations, second order. out = gradient * 4 h.
void differences(const Solid& solid, std::span<const Vec3f> p, float h, std::span<Vec3f> out) {
    std::array<Vec3f, kBlock> q;
    std::array<float, kBlock> d;
    constexpr Vec3f kCorner[4] = {{1, -1, -1}, {-1, -1, 1}, {-1, 1, -1}, {1, 1, 1}};
    std::fill(out.begin(), out.end(), Vec3f{});
    for (std::size_t b = 0; b < p.size(); b += kBlock) {
        const std::size_t m = std::min(kBlock, p.size() - b);
        for (const auto& c : kCorner) {
            for (std::size_t i = 0; i < m; ++i) q[i] = p[b + i] + c * h;
            solid.eval(q.data(), m, d.data());
            for (std::size_t i = 0; i < m; ++i) out[b + i] += c * d[i];
        }
    }
}

}  // namespace

void normals(const Solid& solid, std::span<const Vec3f> points, float h, std::span<Vec3f> out) {
    differences(solid, points, h, out);
    for (auto& n : out) n = normalized(n);
}

void signed_distances(const Solid& solid, std::span<const Vec3f> points, float h, std::span<float> out) {
    std::vector<Vec3f> g(points.size());
    differences(solid, points, h, g);
    solid.eval(points.data(), points.size(), out.data());
    for (std::size_t i = 0; i < g.size(); ++i) out[i] /= std::max(norm(g[i]) / (4 * h), 0.1f);
}

namespace {

struct Ray {
    Vec3f origin, direction;
    float t, end, d;  // d: last distance, at t
};

/// Regula falsi between two points of different sign.
Vec3f refine_crossing(const Solid& solid, Vec3f a, float da, Vec3f b, float db) {
    Vec3f m{};
    for (int i = 0; i < 5; ++i) {
        const float s = i % 2 == 0 ? std::clamp(da / (da - db), 0.05f, 0.95f) : 0.5f;
        m = a + (b - a) * (i == 4 ? da / (da - db) : s);
        float dm;
        solid.eval(&m, 1, &dm);
        if ((dm < 0) == (da < 0))
            a = m, da = dm;
        else
            b = m, db = dm;
    }
    return a + (b - a) * (da / (da - db));
}

}  // namespace

void trace_rays(const Solid& solid, std::span<const Vec3f> origins, std::span<const Vec3f> directions, float t_max,
                float least, std::span<float> t) {
    const float safety = 1.0f / solid.lipschitz();
    std::vector<std::size_t> alive(origins.size()), kept;
    std::vector<Vec3f> p;
    std::vector<float> d, before(origins.size(), 0);
    for (std::size_t i = 0; i < alive.size(); ++i) alive[i] = i, t[i] = 0;
    for (bool first = true; !alive.empty(); first = false, std::swap(alive, kept)) {
        p.resize(alive.size()), d.resize(alive.size()), kept.clear();
        for (std::size_t k = 0; k < alive.size(); ++k) p[k] = origins[alive[k]] + directions[alive[k]] * t[alive[k]];
        solid.eval(p.data(), p.size(), d.data());
        for (std::size_t k = 0; k < alive.size(); ++k) {
            const std::size_t i = alive[k];
            if (d[k] < 0) {
                if (first) continue;  // began inside
                const float step = std::max(before[i] * safety, least);
                const Vec3f a = p[k] - directions[i] * step;
                t[i] = dot(refine_crossing(solid, a, before[i], p[k], d[k]) - origins[i], directions[i]);
                continue;
            }
            before[i] = d[k];
            t[i] += std::max(d[k] * safety, least);
            if (t[i] <= t_max)
                kept.push_back(i);
            else
                t[i] = std::numeric_limits<float>::infinity();
        }
    }
}

std::vector<Vec3f> sample_surface(const Solid& solid, float radius, std::size_t count, Rng& rng, float* area) {
    std::vector<Vec3f> found;
    found.reserve(count + 64);
    const float safety = 1.0f / solid.lipschitz(), least = 0.0035f * radius;
    std::size_t lines = 0;
    while (found.size() < count && lines < 400 * count + 20000) {
        std::array<Ray, kBlock> rays;
        std::array<Vec3f, kBlock> p;
        std::array<float, kBlock> d;
        for (auto& r : rays) {  // a uniform direction and a uniform point of the disc across it
            const Pose f = random_rotation(rng);
            const double a = rng.uniform(0, 2 * std::numbers::pi), s = std::sqrt(rng.uniform());
            const float u = static_cast<float>(s * std::cos(a)) * radius,
                        v = static_cast<float>(s * std::sin(a)) * radius;
            const float half = std::sqrt(std::max(radius * radius - u * u - v * v, 0.0f));
            r = {f.axis_x * u + f.axis_y * v - f.axis_z * half, f.axis_z, 0, 2 * half, 0};
        }
        lines += kBlock;
        std::size_t alive = kBlock;
        bool first = true;
        while (alive > 0) {
            for (std::size_t i = 0; i < alive; ++i) p[i] = rays[i].origin + rays[i].direction * rays[i].t;
            solid.eval(p.data(), alive, d.data());
            std::size_t kept = 0;
            for (std::size_t i = 0; i < alive; ++i) {
                Ray r = rays[i];
                if (!first && (d[i] < 0) != (r.d < 0)) {
                    const float before = r.t - std::max(std::abs(r.d) * safety, least);
                    found.push_back(refine_crossing(solid, r.origin + r.direction * before, r.d, p[i], d[i]));
                }
                r.d = d[i];
                r.t += std::max(std::abs(d[i]) * safety, least);
                if (r.t < r.end) rays[kept++] = r;
            }
            alive = kept;
            first = false;
        }
    }
    // A line meets the surface area / (2 pi radius^2) times on average.
    if (area)
        *area = 2 * std::numbers::pi_v<float> * radius * radius * static_cast<float>(found.size()) /
                static_cast<float>(lines);
    return found;
}

}  // namespace nir::data
