// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/data/shape_generator.h"

#include "nir/base/error.h"
#include "nir/data/shape_mesh.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>

namespace nir::data {
namespace {

constexpr float kPi = std::numbers::pi_v<float>;

float uni(Rng& r, double lo, double hi) { return static_cast<float>(r.uniform(lo, hi)); }
/// Uniform in the logarithm: as many thin parts as thick ones.
float log_uni(Rng& r, double lo, double hi) { return static_cast<float>(lo * std::pow(hi / lo, r.uniform())); }
Vec3f in_box(Rng& r, float half) { return {uni(r, -half, half), uni(r, -half, half), uni(r, -half, half)}; }
int pick(Rng& r, int lo, int hi) { return lo + static_cast<int>(r.below(static_cast<std::uint64_t>(hi - lo + 1))); }

Pose at(Vec3f t) {
    Pose p;
    p.translation = t;
    return p;
}
Pose rotated(Rng& r, Vec3f t) {
    Pose p = random_rotation(r);
    p.translation = t;
    return p;
}
/// A turn by multiples of a right angle: parts of machines and furniture stand square.
Pose axis_aligned(Rng& r, Vec3f t) {
    static constexpr Vec3f kAxis[3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    const int k = pick(r, 0, 2);
    Pose p;
    p.axis_x = kAxis[k], p.axis_y = kAxis[(k + 1) % 3], p.axis_z = kAxis[(k + 2) % 3];
    p.translation = t;
    return p;
}

SolidPtr random_primitive(Rng& r, float size) {
    switch (pick(r, 0, 5)) {
        case 0:
            return sphere(size * uni(r, 0.5, 1));
        case 1:
            return ellipsoid({size * uni(r, 0.3, 1), size * uni(r, 0.3, 1), size * uni(r, 0.3, 1)});
        case 2: {
            const Vec3f h{size * log_uni(r, 0.15, 1), size * log_uni(r, 0.15, 1), size * uni(r, 0.3, 1)};
            return rounded_box(h, r.coin(0.5) ? 0.0f : uni(r, 0, 0.5) * std::min({h.x, h.y, h.z}));
        }
        case 3: {
            const float a = size * log_uni(r, 0.15, 0.9), b = size * log_uni(r, 0.1, 1);
            return cylinder(a, b, r.coin(0.5) ? 0.0f : uni(r, 0, 0.5) * std::min(a, b));
        }
        case 4:
            return torus(size * uni(r, 0.5, 0.9), size * uni(r, 0.08, 0.3));
        default: {
            std::vector<Vec3f> c{in_box(r, size), in_box(r, size)};
            return tube(c, {size * uni(r, 0.1, 0.5), size * uni(r, 0.1, 0.5)});
        }
    }
}

/// A wandering chain of balls: limbs, tails, horns, wires.
SolidPtr limb(Rng& r, Vec3f start, Vec3f direction, float length, float radius) {
    const int n = pick(r, 3, 6);
    std::vector<Vec3f> c{start};
    std::vector<float> radii{radius};
    const float taper = uni(r, 0.35, 1.1), wander = uni(r, 0.1, 0.7);
    for (int i = 1; i < n; ++i) {
        direction = normalized(direction + random_rotation(r).axis_x * wander);
        c.push_back(c.back() + direction * (length / static_cast<float>(n - 1)));
        const float f = static_cast<float>(i) / static_cast<float>(n - 1);
        radii.push_back(std::max(radius * (1 + (taper - 1) * f) * uni(r, 0.85, 1.15), 0.012f));
    }
    return tube(std::move(c), std::move(radii));
}

/// Bodies with heads, limbs, ears and tails; mirror-symmetric most of the time.
SolidPtr creature(Rng& r) {
    const float body = uni(r, 0.15, 0.4);
    std::vector<SolidPtr> mid, side;
    mid.push_back(ellipsoid({body * uni(r, 0.5, 1.1), body * uni(r, 0.5, 1.1), body * uni(r, 0.8, 1.7)}));
    const Vec3f head{0, body * uni(r, -0.5, 1.0), body * uni(r, 0.8, 1.8)};
    const float head_size = body * uni(r, 0.35, 1.0);
    mid.push_back(move(
        ellipsoid({head_size * uni(r, 0.7, 1), head_size * uni(r, 0.7, 1.2), head_size * uni(r, 0.7, 1.2)}), at(head)));
    if (r.coin(0.5))
        mid.push_back(limb(r, {0, 0, -body * 0.7f}, {0, uni(r, -1, 1), uni(r, -1, 0)}, uni(r, 0.1, 0.6),
                           log_uni(r, 0.012, 0.08)));
    const int pairs = pick(r, 1, 3);
    for (int i = 0; i < pairs; ++i) {
        const Vec3f start{body * uni(r, 0.1, 0.7), body * uni(r, -0.5, 0.5), body * uni(r, -1.2, 1.2)};
        const Vec3f direction{uni(r, 0, 1), uni(r, -1, 0.6), uni(r, -1, 0.5)};
        side.push_back(limb(r, start, normalized(direction), uni(r, 0.15, 0.7), log_uni(r, 0.018, 0.12)));
    }
    if (r.coin(0.6)) {  // ears, fins, wings: flat ellipsoids
        const float s = head_size * uni(r, 0.3, 1.3);
        side.push_back(move(ellipsoid({s * uni(r, 0.5, 1), s * uni(r, 0.08, 0.3), s * uni(r, 0.4, 1)}),
                            rotated(r, head + Vec3f{head_size * uni(r, 0.5, 1.1), 0, head_size * uni(r, 0, 1)})));
    }
    for (int i = pick(r, 0, 3); i > 0; --i)
        side.push_back(move(sphere(head_size * uni(r, 0.1, 0.4)), at(head + in_box(r, head_size))));
    const float k = log_uni(r, 0.008, 0.12);
    mid.push_back(mirror_x(smooth_unite(std::move(side), k)));
    SolidPtr all = smooth_unite(std::move(mid), k);
    if (r.coin(0.3))
        all = subtract(all,
                       mirror_x(move(sphere(head_size * uni(r, 0.15, 0.5)),
                                     at(head + Vec3f{head_size * 0.5f, head_size * uni(r, 0.5, 1), 0}))),
                       k * 0.5f);
    if (r.coin(0.35)) all = bend_x(all, uni(r, -1.2, 1.2));
    if (r.coin(0.5)) all = displace(all, log_uni(r, 0.002, 0.015), log_uni(r, 0.04, 0.25), r);
    return all;
}

std::vector<Point2> star_polygon(Rng& r, int n, float radius, float roughness) {
    std::vector<Point2> v;
    for (int i = 0; i < n; ++i) {
        const float a = 2 * kPi * (static_cast<float>(i) + uni(r, -0.3, 0.3)) / static_cast<float>(n);
        const float s = radius * (1 - roughness * uni(r, 0, 1));
        v.push_back({s * std::cos(a), s * std::sin(a)});
    }
    return v;
}

/// An outline of right angles, as of a bracket or a floor plan.
std::vector<Point2> stair_polygon(Rng& r) {
    const int n = pick(r, 1, 4);
    std::vector<Point2> v{{-0.4f, -0.4f}};
    float x = -0.4f, y = uni(r, -0.25, 0.4);
    v.push_back({x, y});
    for (int i = 0; i < n; ++i) {
        x += 0.8f / static_cast<float>(n + 1) * uni(r, 0.6, 1.3);
        v.push_back({x, y});
        y = uni(r, -0.3, 0.45);
        v.push_back({x, y});
    }
    v.push_back({x + uni(r, 0.08, 0.3), y});
    v.push_back({v.back().x, -0.4f});
    return v;
}

/// Machine parts: extruded outlines, bosses, drilled holes, pockets, fillets.
SolidPtr machine_part(Rng& r) {
    std::vector<SolidPtr> parts;
    const float fillet = r.coin(0.5) ? 0.0f : log_uni(r, 0.004, 0.06);
    for (int i = pick(r, 1, 3); i > 0; --i) {
        const float rounding = r.coin(0.6) ? 0.0f : uni(r, 0, 0.02);
        SolidPtr p = r.coin(0.4)
                         ? extrusion(stair_polygon(r), log_uni(r, 0.03, 0.4), rounding)
                         : extrusion(star_polygon(r, pick(r, 3, 9), uni(r, 0.2, 0.5), r.coin(0.5) ? 0.1f : 0.6f),
                                     log_uni(r, 0.02, 0.4), rounding);
        parts.push_back(move(p, axis_aligned(r, in_box(r, 0.15f))));
    }
    for (int i = pick(r, 0, 3); i > 0; --i) {
        SolidPtr p = r.coin(0.5)
                         ? cylinder(log_uni(r, 0.04, 0.3), log_uni(r, 0.05, 0.5), 0.0f)
                         : rounded_box({log_uni(r, 0.03, 0.4), log_uni(r, 0.03, 0.4), log_uni(r, 0.03, 0.4)}, 0.0f);
        parts.push_back(move(p, r.coin(0.8) ? axis_aligned(r, in_box(r, 0.35f)) : rotated(r, in_box(r, 0.35f))));
    }
    SolidPtr all = smooth_unite(std::move(parts), fillet);
    for (int i = pick(r, 0, 5); i > 0; --i) {
        SolidPtr hole = r.coin(0.65)
                            ? cylinder(log_uni(r, 0.02, 0.18), log_uni(r, 0.05, 1), 0.0f)
                            : rounded_box({log_uni(r, 0.03, 0.3), log_uni(r, 0.03, 0.3), log_uni(r, 0.03, 0.6)}, 0.0f);
        all = subtract(all, move(hole, r.coin(0.85) ? axis_aligned(r, in_box(r, 0.4f)) : rotated(r, in_box(r, 0.4f))),
                       r.coin(0.7) ? 0.0f : fillet);
    }
    if (r.coin(0.2)) all = intersect(all, move(sphere(uni(r, 0.35, 0.6)), at(in_box(r, 0.1f))));
    if (r.coin(0.1)) all = twist_z(all, uni(r, -3, 3));
    return all;
}

/// Pots, bowls, bottles, lamps: revolved profiles, hollow or full, some with a handle.
SolidPtr vessel(Rng& r) {
    const int n = pick(r, 4, 8);
    std::vector<Point2> outer;
    float radius = uni(r, 0.1, 0.4);
    for (int i = 0; i < n; ++i) {
        outer.push_back({radius, -0.5f + static_cast<float>(i) / static_cast<float>(n - 1)});
        radius = std::clamp(radius + uni(r, -0.17, 0.17), 0.04f, 0.5f);
    }
    std::vector<Point2> profile;
    const bool hollow = r.coin(0.6);
    if (hollow) {
        const float t = log_uni(r, 0.012, 0.06);
        profile = outer;
        for (int i = n - 1; i > 0; --i)
            profile.push_back({std::max(outer[static_cast<std::size_t>(i)].x - t, 0.004f),
                               outer[static_cast<std::size_t>(i)].y + (i == n - 1 ? 0.0f : t * 0.3f)});
        profile.push_back({0, outer[0].y + t * 1.5f});
        profile.push_back({0, outer[0].y});
    } else {
        profile.push_back({0, outer.front().y});
        profile.insert(profile.end(), outer.begin(), outer.end());
        profile.push_back({0, outer.back().y});
    }
    SolidPtr all = revolution(std::move(profile), uni(r, 0.0, 0.01));
    if (r.coin(0.4)) {
        Pose p;
        p.axis_x = {1, 0, 0}, p.axis_y = {0, 0, 1}, p.axis_z = {0, -1, 0};
        p.translation = {outer[static_cast<std::size_t>(n / 2)].x + uni(r, 0, 0.1), 0, uni(r, -0.2, 0.2)};
        SolidPtr handle = move(torus(uni(r, 0.1, 0.2), log_uni(r, 0.015, 0.05)), p);
        if (hollow) handle = subtract(handle, cylinder(std::max(p.translation.x - 0.02f, 0.03f), 0.5f, 0));
        all = smooth_unite({all, handle}, log_uni(r, 0.005, 0.05));
    }
    if (r.coin(0.25)) all = displace(all, log_uni(r, 0.002, 0.012), log_uni(r, 0.06, 0.3), r);
    if (r.coin(0.15)) all = twist_z(all, uni(r, -2, 2));
    return all;
}

/// Boats, masks, helmets, bent sheets: thin shells, cut open.
SolidPtr thin_shell(Rng& r) {
    SolidPtr core =
        r.coin(0.6)
            ? ellipsoid({uni(r, 0.1, 0.5), uni(r, 0.1, 0.5), uni(r, 0.2, 0.5)})
            : smooth_unite({random_primitive(r, 0.35f), move(random_primitive(r, 0.3f), rotated(r, in_box(r, 0.25f)))},
                           log_uni(r, 0.01, 0.15));
    SolidPtr all = shell(core, log_uni(r, 0.008, 0.04));
    const Vec3f n = random_rotation(r).axis_x;
    if (r.coin(0.85)) all = intersect(all, half_space(n, uni(r, -0.1, 0.25)));
    if (r.coin(0.5)) all = subtract(all, move(random_primitive(r, 0.2f), rotated(r, in_box(r, 0.4f))));
    std::vector<SolidPtr> parts{all};
    for (int i = pick(r, 0, 3); i > 0; --i)  // benches, masts, ribs
        parts.push_back(
            intersect(move(rounded_box({log_uni(r, 0.01, 0.3), log_uni(r, 0.01, 0.3), log_uni(r, 0.01, 0.3)}, 0.0f),
                           rotated(r, in_box(r, 0.25f))),
                      sphere(0.6f)));
    if (r.coin(0.3)) parts.push_back(limb(r, in_box(r, 0.2f), n, uni(r, 0.2, 0.6), log_uni(r, 0.015, 0.04)));
    return smooth_unite(std::move(parts), r.coin(0.5) ? 0.0f : log_uni(r, 0.005, 0.03));
}

/// Tables, chairs, shelves, boxes: boards and bars at right angles.
SolidPtr furniture(Rng& r) {
    std::vector<SolidPtr> parts;
    const float w = uni(r, 0.15, 0.5), d = uni(r, 0.15, 0.5), t = log_uni(r, 0.01, 0.06), top = uni(r, -0.1, 0.5);
    parts.push_back(move(rounded_box({w, d, t}, r.coin(0.5) ? 0.0f : t * 0.6f), at({0, 0, top})));
    const float leg = log_uni(r, 0.012, 0.05), height = (top + 0.5f) / 2;
    const bool round_legs = r.coin(0.5);
    for (int sx = -1; sx <= 1; sx += 2)
        for (int sy = -1; sy <= 1; sy += 2) {
            const Vec3f c{static_cast<float>(sx) * (w - leg), static_cast<float>(sy) * (d - leg), top - height};
            parts.push_back(move(round_legs ? cylinder(leg, height, 0) : rounded_box({leg, leg, height}, 0), at(c)));
        }
    for (int i = pick(r, 0, 4); i > 0; --i) {  // backs, walls, boards
        const int axis = pick(r, 0, 2);
        Vec3f h{w, d, 0.3f};
        h[axis] = log_uni(r, 0.01, 0.04);
        if (r.coin(0.4)) h[(axis + 1) % 3] *= uni(r, 0.2, 0.8);
        parts.push_back(move(rounded_box(h, 0), at({axis == 0 ? uni(r, -1, 1) * w : 0.0f,
                                                    axis == 1 ? uni(r, -1, 1) * d : 0.0f, uni(r, -0.3, 0.4)})));
    }
    return smooth_unite(std::move(parts), r.coin(0.6) ? 0.0f : log_uni(r, 0.005, 0.04));
}

/// Anything with anything: unions, differences and intersections of primitives in free poses.
SolidPtr csg(Rng& r) {
    SolidPtr all = random_primitive(r, 0.4f);
    const float k = r.coin(0.4) ? 0.0f : log_uni(r, 0.01, 0.15);
    for (int i = pick(r, 1, 8); i > 0; --i) {
        SolidPtr p = move(random_primitive(r, log_uni(r, 0.08, 0.4)), rotated(r, in_box(r, 0.4f)));
        if (r.coin(0.65))
            all = smooth_unite({all, p}, k);
        else
            all = subtract(all, p, k);
    }
    if (r.coin(0.3)) all = displace(all, log_uni(r, 0.003, 0.03), log_uni(r, 0.05, 0.4), r);
    if (r.coin(0.15)) all = shell(all, log_uni(r, 0.008, 0.03));
    if (r.coin(0.15)) all = twist_z(all, uni(r, -4, 4));
    return all;
}

/// Pebbles, heads, bumpy balls: one body with waves of several lengths.
SolidPtr bumpy(Rng& r) {
    SolidPtr all = r.coin(0.5) ? ellipsoid({uni(r, 0.2, 0.5), uni(r, 0.2, 0.5), uni(r, 0.2, 0.5)})
                               : rounded_box({uni(r, 0.2, 0.5), uni(r, 0.2, 0.5), uni(r, 0.2, 0.5)}, 0.05f);
    for (int i = pick(r, 1, 3); i > 0; --i) {
        const float wave = log_uni(r, 0.05, 0.5);
        all = displace(all, wave * uni(r, 0.05, 0.2), wave, r);
    }
    if (r.coin(0.2)) all = intersect(all, gyroid(uni(r, 0.25, 0.6), uni(r, 0.06, 0.15)));
    return all;
}

/// Knots of wires, frames and rings.
SolidPtr wires(Rng& r) {
    std::vector<SolidPtr> parts;
    const float radius = log_uni(r, 0.015, 0.07);
    for (int i = pick(r, 2, 5); i > 0; --i) {
        if (r.coin(0.35))
            parts.push_back(move(torus(uni(r, 0.12, 0.4), radius * uni(r, 0.6, 1.4)), rotated(r, in_box(r, 0.25f))));
        else
            parts.push_back(
                limb(r, in_box(r, 0.4f), random_rotation(r).axis_x, uni(r, 0.4, 1.1), radius * uni(r, 0.6, 1.4)));
    }
    return smooth_unite(std::move(parts), r.coin(0.5) ? 0.0f : log_uni(r, 0.005, 0.05));
}

/// Several objects on a floor, as on a desk.
SolidPtr scene(Rng& r);

struct Family {
    std::string_view name;
    SolidPtr (*make)(Rng&);
    double weight;
};

constexpr std::array<Family, 9> kFamilies{{
    {"creature", creature, 0.28},
    {"machine_part", machine_part, 0.20},
    {"csg", csg, 0.14},
    {"vessel", vessel, 0.08},
    {"thin_shell", thin_shell, 0.09},
    {"furniture", furniture, 0.06},
    {"bumpy", bumpy, 0.07},
    {"wires", wires, 0.05},
    {"scene", scene, 0.03},
}};

const Family& draw_family(Rng& r) {
    double total = 0;
    for (const auto& f : kFamilies) total += f.weight;
    double u = r.uniform() * total;
    for (const auto& f : kFamilies)
        if ((u -= f.weight) < 0) return f;
    return kFamilies[0];
}

SolidPtr scene(Rng& r) {
    std::vector<SolidPtr> parts{
        move(rounded_box({0.5f, uni(r, 0.25, 0.5), log_uni(r, 0.01, 0.05)}, 0), at({0, 0, -0.3f}))};
    for (int i = pick(r, 1, 4); i > 0; --i) {
        const Family& f = kFamilies[r.below(kFamilies.size() - 1)];  // not a scene again
        Pose p = rotated(r, {uni(r, -0.35, 0.35), uni(r, -0.25, 0.25), uni(r, -0.25, 0.0)});
        p.scale = uni(r, 0.2, 0.5);
        parts.push_back(move(f.make(r), p));
    }
    return unite(std::move(parts));
}

}  // namespace

std::span<const std::string_view> shape_families() {
    static const auto names = [] {
        std::array<std::string_view, kFamilies.size()> n{};
        for (std::size_t i = 0; i < n.size(); ++i) n[i] = kFamilies[i].name;
        return n;
    }();
    return names;
}

namespace {

/// A shape of the family in this pose, fitted into its box; nothing if the draw is almost empty or has stray parts.
std::optional<GeneratedShape> try_shape(const Family& family, const Pose& turn, Rng& rng, std::size_t n_surface) {
    constexpr float kRadius = 1.3f;  // every family stays inside
    const SolidPtr solid = move(intersect(family.make(rng), sphere(1.25f)), turn);
    const auto probe = sample_surface(*solid, kRadius, 400, rng);
    if (probe.size() < 300) return {};
    geom::Box3f box;
    for (const auto& p : probe) box.extend(p);
    const float scale = 1.0f / box.longest_side();
    if (!(scale < 6.0f)) return {};
    Pose fit;
    fit.translation = -(box.center() * scale);
    fit.scale = scale;
    GeneratedShape shape;
    shape.solid = move(solid, fit);
    shape.family = family.name;
    const float radius = 0.52f * norm(box.size() * scale) + 0.05f;
    shape.surface = sample_surface(*shape.solid, radius, n_surface, rng, &shape.area);
    if (shape.surface.size() < n_surface) return {};
    for (const auto& p : shape.surface) shape.box.extend(p);
    if (shape.box.longest_side() > 1.6f) return {};  // a stray part that the probe missed
    return shape;
}

}  // namespace

GeneratedShape generate_shape(Rng& rng, std::size_t n_surface) {
    for (;;) {
        const Family& family = draw_family(rng);
        const Pose turn = rng.coin(0.5) ? random_rotation(rng) : axis_aligned(rng, {});
        if (auto shape = try_shape(family, turn, rng, n_surface)) return *std::move(shape);
    }
}

GeneratedShape generate_shape_of(std::string_view name, Rng& rng, std::size_t n_surface) {
    const auto family = std::find_if(kFamilies.begin(), kFamilies.end(), [&](const auto& f) { return f.name == name; });
    if (family == kFamilies.end()) fail(ErrorKind::internal, "there is no family of shapes \"{}\"", name);
    Pose upright;  // families stand on their z axis
    upright.axis_y = {0, 0, -1}, upright.axis_z = {0, 1, 0};
    for (;;)
        if (auto shape = try_shape(*family, upright, rng, n_surface)) return *std::move(shape);
}

}  // namespace nir::data
