// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Rooms as boards and places of objects; what they look like is up to others.
#include "nir/data/room_plan.h"

#include "nir/base/error.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

namespace nir::data {

using geom::Box3f;
using Range = RoomRules::Range;

std::string_view name_of(RoomPart part) {
    static constexpr std::string_view kNames[] = {"floor", "wall", "ceiling", "pillar", "table", "shelf", "object"};
    return kNames[static_cast<std::size_t>(part)];
}

RoomRules RoomRules::paper(int n_objects) {
    static constexpr Range kSizes[] = {{0.25, 0.45}, {0.25, 0.40}, {0.2, 0.3}, {0.15, 0.25}, {0.1, 0.25}};
    NIR_CHECK(n_objects >= 4 && n_objects <= 8);
    RoomRules r;
    r.length = {1, 1}, r.aspect = {0.3, 1}, r.bottom = -0.5, r.height = {0.2, 0.4};
    r.floor_thickness = r.wall_thickness = {0.01, 0.01};
    r.least_thickness = 0, r.plates_share = 0, r.wall_probability = 0.5, r.ceiling_probability = 0;
    r.window_probability = 0, r.max_rooms = 1, r.max_pillars = 0, r.max_tables = 0, r.max_shelves = 0;
    r.objects = {n_objects, n_objects}, r.object_size = kSizes[n_objects - 4], r.small_share = 0;
    r.sink = 0, r.gap = 0, r.joined = false, r.whole = true;
    return r;
}

Box3f RoomBoard::box() const {
    const float c = std::abs(std::cos(yaw_rad)), s = std::abs(std::sin(yaw_rad));
    const Vec3f h{c * half.x + s * half.z, half.y, s * half.x + c * half.z};
    return {center - h, center + h};
}

namespace {

constexpr int kTries = 1000;

float uni(Rng& rng, const Range& r) { return static_cast<float>(rng.uniform(r[0], r[1])); }
float uni(Rng& rng, double lo, double hi) { return static_cast<float>(rng.uniform(lo, hi)); }
float log_uni(Rng& rng, const Range& r) { return static_cast<float>(r[0] * std::pow(r[1] / r[0], rng.uniform())); }
int count(Rng& rng, int most) { return static_cast<int>(rng.below(static_cast<std::uint64_t>(most) + 1)); }

/// A rectangle seen from above.
struct Footprint {
    float x0, x1, z0, z1;
    bool meets(const Footprint& b, float gap) const {
        return x0 < b.x1 + gap && b.x0 < x1 + gap && z0 < b.z1 + gap && b.z0 < z1 + gap;
    }
};

/// Something that things stand on, in its own axes.
struct Support {
    int item = 0;
    Vec3f middle{};  // of its upper side
    float half_x = 0, half_z = 0, yaw_rad = 0, clearance = 0;
    std::vector<Footprint> taken;
};

/// Where a footprint of this size may start, uniform over the support, by rejection.
std::optional<Footprint> find_place(Support& s, float size_x, float size_z, float gap, Rng& rng, int tries = kTries) {
    const float room_x = 2 * s.half_x - size_x, room_z = 2 * s.half_z - size_z;
    if (room_x < 0 || room_z < 0) return {};
    for (int i = 0; i < tries; ++i) {
        const float x = uni(rng, 0, room_x) - s.half_x, z = uni(rng, 0, room_z) - s.half_z;
        const Footprint f{x, x + size_x, z, z + size_z};
        if (std::any_of(s.taken.begin(), s.taken.end(), [&](const Footprint& t) { return f.meets(t, gap); })) continue;
        s.taken.push_back(f);
        return f;
    }
    return {};
}

/// Draws one room step by step; each step reads what the ones before it made.
class Planner {
public:
    Planner(const RoomRules& rules, RoomObjects& objects, Rng& rng) : rules_(rules), objects_(objects), rng_(rng) {}

    /// Nothing if an object that must be there found no place.
    std::optional<RoomPlan> run() {
        draw_ground();
        draw_outer_walls();
        divide(Box3f{{-inner(0), floor_top_, -inner(1)}, {inner(2), floor_top_ + wall_height_, inner(3)}},
               rules_.max_rooms);
        draw_ceiling();
        for (std::size_t r = 0; r < plan_.interiors.size(); ++r) open_floor(plan_.interiors[r]);
        for (int i = count(rng_, rules_.max_pillars); i > 0; --i) add_pillar();
        for (int i = count(rng_, rules_.max_tables); i > 0; --i) add_table();
        for (int i = count(rng_, rules_.max_shelves); i > 0; --i) add_shelf();
        const int n = rules_.objects[0] + count(rng_, rules_.objects[1] - rules_.objects[0]);
        for (int i = 0; i < n; ++i)
            if (!add_object() && rules_.whole) return {};
        return std::move(plan_);
    }

private:
    float at_least(float thickness) const {
        return std::max(thickness, static_cast<float>(rules_.least_thickness) * longer_);
    }
    /// Distance of the inner side of wall k from the middle: -x, -z, +x, +z.
    float inner(int k) const {
        static constexpr int kWall[4] = {1, 0, 3, 2};
        const bool along_x = k % 2 == 0;
        return (along_x ? half_x_ : half_z_) - (plan_.walls[static_cast<std::size_t>(kWall[k])] ? wall_ : 0.0f);
    }
    RoomBoard& board(RoomPart part, Vec3f lo, Vec3f hi) {
        RoomBoard b;
        b.part = part, b.item = next_item_++;
        b.center = (lo + hi) * 0.5f, b.half = (hi - lo) * 0.5f;
        plan_.boards.push_back(std::move(b));
        return plan_.boards.back();
    }

    void draw_ground() {
        longer_ = uni(rng_, rules_.length);
        const float shorter = longer_ * uni(rng_, rules_.aspect);
        const bool along_x = rng_.coin(0.5);
        half_x_ = 0.5f * (along_x ? longer_ : shorter), half_z_ = 0.5f * (along_x ? shorter : longer_);
        const bool plates = rules_.plates_share > 0 && rng_.coin(rules_.plates_share);
        floor_ = plates ? 0.01f * longer_ : at_least(log_uni(rng_, rules_.floor_thickness));
        wall_ = plates ? 0.01f * longer_ : at_least(log_uni(rng_, rules_.wall_thickness));
        bottom_ = static_cast<float>(rules_.bottom), floor_top_ = bottom_ + floor_;
        board(RoomPart::floor, {-half_x_, bottom_, -half_z_}, {half_x_, floor_top_, half_z_});
        plan_.extent = {2.0 * half_x_, 2.0 * half_z_};
        plan_.floor_thickness = floor_, plan_.wall_thickness = wall_;
    }

    void draw_outer_walls() {
        wall_height_ = uni(rng_, rules_.height);
        plan_.wall_height = wall_height_;
        for (auto& w : plan_.walls) w = rng_.coin(rules_.wall_probability);
        const float y0 = rules_.joined ? bottom_ : floor_top_, y1 = floor_top_ + wall_height_;
        for (int k = 0; k < 4; ++k) {
            if (!plan_.walls[static_cast<std::size_t>(k)]) continue;
            const bool across_z = k % 2 == 0;  // the walls at -z and +z
            Vec3f lo{-half_x_, y0, -half_z_}, hi{half_x_, y1, half_z_};
            (k < 2 ? (across_z ? hi.z : hi.x) : (across_z ? lo.z : lo.x)) =
                (k < 2 ? -1.0f : 1.0f) * ((across_z ? half_z_ : half_x_) - wall_);
            RoomBoard& wall = board(RoomPart::wall, lo, hi);
            if (!rng_.coin(rules_.window_probability)) continue;
            if (rng_.coin(0.3))
                cut(wall, across_z, uni(rng_, 0.8, 1.2), -0.5f * floor_, uni(rng_, 1.9, 2.1));  // a door
            else
                cut(wall, across_z, uni(rng_, 0.5, 2.2), uni(rng_, 0.5, 1.1), uni(rng_, 1.6, 2.2));
        }
    }

    /// An opening of this width somewhere along the wall, from `low` to `high` above the floor; doors keep a lintel.
    void cut(RoomBoard& wall, bool along_x, float width, float low, float high) {
        const float half = along_x ? wall.half.x : wall.half.z, room = half - 0.5f * width - wall_ - 0.2f;
        high = std::min(high, wall_height_ - 0.15f);
        if (room < 0 || high - low < 0.4f) return;
        const float middle = (along_x ? wall.center.x : wall.center.z) + uni(rng_, -room, room);
        Box3f hole{wall.center - wall.half - Vec3f{1, 1, 1}, wall.center + wall.half + Vec3f{1, 1, 1}};
        hole.lo.y = floor_top_ + std::max(low, 0.0f), hole.hi.y = floor_top_ + high;
        (along_x ? hole.lo.x : hole.lo.z) = middle - 0.5f * width;
        (along_x ? hole.hi.x : hole.hi.z) = middle + 0.5f * width;
        wall.openings.push_back(hole);
    }

    /// Divides the air by inner walls with doors until there are as many rooms as were drawn.
    void divide(const Box3f& whole, int max_rooms) {
        constexpr float kLeast = 2.0f;  // metres
        plan_.interiors = {whole};
        for (int left = max_rooms > 1 ? count(rng_, max_rooms - 1) : 0; left > 0; --left) {
            const std::size_t r = rng_.below(plan_.interiors.size());
            Box3f a = plan_.interiors[r];
            const bool split_x = a.size().x >= a.size().z;
            const float side = split_x ? a.size().x : a.size().z, t = at_least(log_uni(rng_, rules_.wall_thickness));
            if (side < 2 * kLeast + t) continue;
            Box3f b = a;
            const float at = (split_x ? a.lo.x : a.lo.z) + uni(rng_, kLeast, side - kLeast - t);
            Vec3f lo = a.lo, hi = a.hi;
            lo.y = rules_.joined ? bottom_ : floor_top_;
            // Both ends reach into the walls there, so that nothing is open between them.
            const float into = 0.5f * at_least(static_cast<float>(rules_.wall_thickness[0]));
            if (split_x) {
                a.hi.x = lo.x = at, b.lo.x = hi.x = at + t;
                lo.z = std::max(lo.z - into, -half_z_), hi.z = std::min(hi.z + into, half_z_);
            } else {
                a.hi.z = lo.z = at, b.lo.z = hi.z = at + t;
                lo.x = std::max(lo.x - into, -half_x_), hi.x = std::min(hi.x + into, half_x_);
            }
            RoomBoard& wall = board(RoomPart::wall, lo, hi);
            if (rng_.coin(0.9)) cut(wall, !split_x, uni(rng_, 0.75, 1.3), -1.0f, uni(rng_, 1.9, 2.2));
            plan_.interiors[r] = a;
            plan_.interiors.push_back(b);
        }
    }

    void draw_ceiling() {
        const bool any = std::any_of(plan_.walls.begin(), plan_.walls.end(), [](bool w) { return w; });
        if (!any || rules_.ceiling_probability <= 0 || !rng_.coin(rules_.ceiling_probability)) return;
        plan_.ceiling = true;
        const float y = floor_top_ + wall_height_, t = at_least(log_uni(rng_, rules_.wall_thickness));
        board(RoomPart::ceiling, {-half_x_, y - (rules_.joined ? 0.5f * t : 0.0f), -half_z_},
              {half_x_, y + t, half_z_});
        if (rules_.joined)
            for (auto& room : plan_.interiors) room.hi.y = y - 0.5f * t;
    }

    void open_floor(const Box3f& room) {
        const Vec3f c = room.center();
        floors_.push_back(
            {0, {c.x, floor_top_, c.z}, 0.5f * room.size().x, 0.5f * room.size().z, 0, room.size().y, {}});
    }
    Support& some_floor() { return floors_[rng_.below(floors_.size())]; }
    float gap() const { return static_cast<float>(rules_.gap); }

    void add_pillar() {
        Support& floor = some_floor();
        const float side = uni(rng_, 0.12, 0.5);
        const bool round = rng_.coin(0.5);
        const auto place = find_place(floor, side, side, gap(), rng_, 50);
        if (!place) return;
        const float x = floor.middle.x + place->x0, z = floor.middle.z + place->z0;
        RoomBoard& b = board(RoomPart::pillar, {x, rules_.joined ? bottom_ : floor_top_, z},
                             {x + side, floor_top_ + wall_height_, z + side});
        b.round = round;
    }

    /// The footprint of a thing of this size turned by `yaw` finds its place on the floor of a room; where its middle
    /// is.
    std::optional<Vec3f> stand(Support& floor, float size_x, float size_z, float yaw) {
        const float c = std::abs(std::cos(yaw)), s = std::abs(std::sin(yaw));
        const float x = c * size_x + s * size_z, z = s * size_x + c * size_z;
        const auto place = find_place(floor, x, z, gap(), rng_, 100);
        if (!place) return {};
        return Vec3f{floor.middle.x + place->x0 + 0.5f * x, floor_top_, floor.middle.z + place->z0 + 0.5f * z};
    }
    float some_yaw() {
        return rng_.coin(0.7) ? static_cast<float>(rng_.below(4)) * 0.5f * std::numbers::pi_v<float>
                              : uni(rng_, 0, 2 * std::numbers::pi);
    }
    /// A board of the thing that stands at `at`, given in the thing's own axes, y above the floor.
    void add_part(RoomPart part, int item, Vec3f at, float yaw, Vec3f lo, Vec3f hi) {
        RoomBoard b;
        b.part = part, b.item = item, b.yaw_rad = yaw;
        b.center = at + turn_y((lo + hi) * 0.5f, std::cos(yaw), std::sin(yaw)), b.half = (hi - lo) * 0.5f;
        plan_.boards.push_back(std::move(b));
    }

    void add_table() {
        Support& floor = some_floor();
        const float w = uni(rng_, 0.6, 2.2), d = uni(rng_, 0.5, 1.1), h = uni(rng_, 0.35, 0.95), yaw = some_yaw();
        const float top = uni(rng_, 0.02, 0.06), leg = uni(rng_, 0.035, 0.09), in = uni(rng_, 0.0, 0.1);
        const auto at = stand(floor, w, d, yaw);
        if (!at) return;
        const int item = next_item_++;
        const auto sink = -static_cast<float>(rules_.sink);
        add_part(RoomPart::table, item, *at, yaw, {-w / 2, h - top, -d / 2}, {w / 2, h, d / 2});
        if (rng_.coin(0.75)) {
            for (const float sx : {-1.0f, 1.0f})
                for (const float sz : {-1.0f, 1.0f}) {
                    const float x = sx * (w / 2 - in - leg / 2), z = sz * (d / 2 - in - leg / 2);
                    add_part(RoomPart::table, item, *at, yaw, {x - leg / 2, sink, z - leg / 2},
                             {x + leg / 2, h - top / 2, z + leg / 2});
                }
        } else {  // two cheeks, as of a desk
            for (const float sx : {-1.0f, 1.0f}) {
                const float x = sx * (w / 2 - in - leg / 2);
                add_part(RoomPart::table, item, *at, yaw, {x - leg / 2, sink, -d / 2 + in},
                         {x + leg / 2, h - top / 2, d / 2 - in});
            }
        }
        tops_.push_back({item, *at + Vec3f{0, h, 0}, w / 2, d / 2, yaw, floor.clearance - h, {}});
    }

    void add_shelf() {
        Support& floor = some_floor();
        const float w = uni(rng_, 0.6, 1.8), d = uni(rng_, 0.25, 0.5), t = uni(rng_, 0.018, 0.045), yaw = some_yaw();
        const float h = std::min(uni(rng_, 0.7, 2.2), floor.clearance - 0.1f);
        const int boards = 2 + count(rng_, 4);
        const bool back = rng_.coin(0.5);
        if (h < 0.5f) return;
        const auto at = stand(floor, w, d, yaw);
        if (!at) return;
        const int item = next_item_++;
        const auto sink = -static_cast<float>(rules_.sink);
        for (const float sx : {-1.0f, 1.0f})
            add_part(RoomPart::shelf, item, *at, yaw, {sx * (w / 2 - t / 2) - t / 2, sink, -d / 2},
                     {sx * (w / 2 - t / 2) + t / 2, h, d / 2});
        if (back) add_part(RoomPart::shelf, item, *at, yaw, {-w / 2, sink, -d / 2}, {w / 2, h, -d / 2 + t});
        const float step = (h - 0.06f - t) / static_cast<float>(boards - 1);
        for (int i = 0; i < boards; ++i) {
            const float y = 0.06f + step * static_cast<float>(i);
            add_part(RoomPart::shelf, item, *at, yaw, {-w / 2, y, -d / 2}, {w / 2, y + t, d / 2});
            const bool last = i + 1 == boards;
            const float free = last ? floor.clearance - h : step - t;
            const Vec3f middle{0, y + t, back ? t / 2 : 0.0f};
            tops_.push_back({item,
                             *at + turn_y(middle, std::cos(yaw), std::sin(yaw)),
                             w / 2 - t,
                             d / 2 - (back ? t / 2 : 0.0f),
                             yaw,
                             free,
                             {}});
        }
    }

    bool add_object() {
        const std::size_t object = objects_.draw(rng_);
        const bool small = !tops_.empty() && rng_.coin(rules_.small_share);
        Support& on = small ? tops_[rng_.below(tops_.size())] : some_floor();
        float size = uni(rng_, small ? rules_.small_size : rules_.object_size);
        const float turn = uni(rng_, 0, 2 * std::numbers::pi);
        const Box3f unit = objects_.box(object, turn);
        if (!rules_.whole) {  // no larger than what it stands on
            const Vec3f s = unit.size();
            size = std::min({size, 1.9f * on.half_x / s.x, 1.9f * on.half_z / s.z, (on.clearance - 0.02f) / s.y});
            if (size < 0.03f) return false;
        }
        const Vec3f s = unit.size() * size;
        const auto place = find_place(on, s.x, s.z, gap(), rng_);
        if (!place) return false;
        RoomObject o;
        o.object = object, o.item = next_item_++, o.stands_on = on.item, o.size = size, o.yaw_rad = turn + on.yaw_rad;
        const Vec3f local{place->x0 - size * unit.lo.x, -size * unit.lo.y - static_cast<float>(rules_.sink),
                          place->z0 - size * unit.lo.z};
        o.translation = on.middle + turn_y(local, std::cos(on.yaw_rad), std::sin(on.yaw_rad));
        const Box3f turned = on.yaw_rad == 0 ? unit : objects_.box(object, o.yaw_rad);
        o.box = {o.translation + turned.lo * size, o.translation + turned.hi * size};
        plan_.objects.push_back(o);
        return true;
    }

    const RoomRules& rules_;
    RoomObjects& objects_;
    Rng& rng_;
    RoomPlan plan_;
    float longer_ = 0, half_x_ = 0, half_z_ = 0, floor_ = 0, wall_ = 0, bottom_ = 0, floor_top_ = 0, wall_height_ = 0;
    int next_item_ = 0;
    std::vector<Support> floors_, tops_;
};

void add_box(geom::TriMesh& mesh, const Box3f& b, const RoomBoard& board) {
    const auto first = static_cast<std::uint32_t>(mesh.vertices.size());
    const float c = std::cos(board.yaw_rad), s = std::sin(board.yaw_rad);
    for (int i = 0; i < 8; ++i) {
        const Vec3f p{i & 1 ? b.hi.x : b.lo.x, i & 2 ? b.hi.y : b.lo.y, i & 4 ? b.hi.z : b.lo.z};
        mesh.vertices.push_back(geom::Vec3d(board.center + turn_y(p, c, s)));
    }
    static constexpr std::uint32_t kFaces[12][3] = {{0, 2, 3}, {0, 3, 1}, {4, 5, 7}, {4, 7, 6}, {0, 1, 5}, {0, 5, 4},
                                                    {2, 6, 7}, {2, 7, 3}, {0, 4, 6}, {0, 6, 2}, {1, 3, 7}, {1, 7, 5}};
    for (const auto& f : kFaces) mesh.faces.push_back({first + f[0], first + f[1], first + f[2]});
}

geom::TriMesh cylinder_mesh(const RoomBoard& board) {
    constexpr std::uint32_t kSides = 32;
    geom::TriMesh mesh;
    for (std::uint32_t i = 0; i < kSides; ++i) {
        const double a = 2 * std::numbers::pi * i / kSides;
        for (const float y : {-1.0f, 1.0f})
            mesh.vertices.push_back(geom::Vec3d(board.center) +
                                    geom::Vec3d{board.half.x * std::cos(a), static_cast<double>(y * board.half.y),
                                                -static_cast<double>(board.half.z) * std::sin(a)});
    }
    const std::uint32_t low = 2 * kSides, high = low + 1;
    mesh.vertices.push_back(geom::Vec3d(board.center - Vec3f{0, board.half.y, 0}));
    mesh.vertices.push_back(geom::Vec3d(board.center + Vec3f{0, board.half.y, 0}));
    for (std::uint32_t i = 0; i < kSides; ++i) {
        const std::uint32_t a = 2 * i, b = 2 * ((i + 1) % kSides);
        mesh.faces.push_back({a, b, b + 1}), mesh.faces.push_back({a, b + 1, a + 1});
        mesh.faces.push_back({low, b, a}), mesh.faces.push_back({high, a + 1, b + 1});
    }
    return mesh;
}

}  // namespace

RoomPlan plan_room(const RoomRules& rules, RoomObjects& objects, Rng& rng) {
    for (;;) {
        objects.restart();
        if (auto plan = Planner(rules, objects, rng).run()) return *std::move(plan);
    }
}

geom::TriMesh mesh_of(const RoomBoard& board) {
    if (board.round) return cylinder_mesh(board);
    std::vector<Box3f> boxes = {{-board.half, board.half}};
    for (const Box3f& opening : board.openings) {  // what is left of a box: slabs before and behind along x, y, z
        const Box3f hole{opening.lo - board.center, opening.hi - board.center};
        std::vector<Box3f> rest;
        for (Box3f b : boxes) {
            const bool apart = hole.hi.x <= b.lo.x || hole.lo.x >= b.hi.x || hole.hi.y <= b.lo.y ||
                               hole.lo.y >= b.hi.y || hole.hi.z <= b.lo.z || hole.lo.z >= b.hi.z;
            if (apart) {
                rest.push_back(b);
                continue;
            }
            for (int a = 0; a < 3; ++a) {
                Box3f piece = b;
                if (hole.lo[a] > b.lo[a]) piece.hi[a] = hole.lo[a], rest.push_back(piece), b.lo[a] = hole.lo[a];
                piece = b;
                if (hole.hi[a] < b.hi[a]) piece.lo[a] = hole.hi[a], rest.push_back(piece), b.hi[a] = hole.hi[a];
            }
        }
        boxes = std::move(rest);
    }
    geom::TriMesh mesh;
    for (const Box3f& b : boxes) add_box(mesh, b, board);
    return mesh;
}

}  // namespace nir::data
