// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/data/room_generator.h"

#include "nir/data/shape_mesh.h"

#include <array>
#include <cmath>
#include <numbers>
#include <utility>

namespace nir::data {

using geom::Box3f;

namespace {

constexpr float kMargin = 0.012f;  // of an object's size: what its surface samples may have missed

/// Objects are shapes of the generator's families; their boxes come from samples of their surface.
class ShapeObjects final : public RoomObjects {
public:
    void restart() override { shapes_.clear(); }
    std::size_t draw(Rng& rng) override {
        static constexpr std::pair<std::string_view, double> kShares[] = {
            {"furniture", 0.32}, {"vessel", 0.18}, {"creature", 0.15},   {"machine_part", 0.10},
            {"bumpy", 0.08},     {"csg", 0.07},    {"thin_shell", 0.06}, {"wires", 0.04}};
        double u = rng.uniform();
        std::string_view family = kShares[0].first;
        for (const auto& [name, share] : kShares)
            if ((u -= share) < 0) {
                family = name;
                break;
            }
        Rng own = rng.split();
        shapes_.push_back(generate_shape_of(family, own, 600));
        return shapes_.size() - 1;
    }
    Box3f box(std::size_t object, float yaw_rad) const override {
        const float c = std::cos(yaw_rad), s = std::sin(yaw_rad);
        Box3f box;
        for (const auto& p : shapes_[object].surface) box.extend(turn_y(p, c, s));
        box.lo = box.lo - Vec3f{kMargin, 0, kMargin};  // nothing below: it stands on the lowest point seen
        box.hi += Vec3f{kMargin, kMargin, kMargin};
        return box;
    }
    const GeneratedShape& shape(std::size_t object) const { return shapes_[object]; }

private:
    std::vector<GeneratedShape> shapes_;
};

/// The object where it stands, cut off at its box, so that nothing of it reaches into its neighbours.
RoomPiece piece_of(const RoomObject& object, const ShapeObjects& shapes) {
    const GeneratedShape& shape = shapes.shape(object.object);
    RoomPiece piece;
    piece.part = RoomPart::object, piece.item = object.item, piece.family = shape.family;
    piece.box = object.box;
    piece.box.lo.y -= 2 * kMargin * object.size;
    const float c = std::cos(object.yaw_rad), s = std::sin(object.yaw_rad);
    Pose pose;
    pose.axis_x = turn_y({1, 0, 0}, c, s), pose.axis_z = turn_y({0, 0, 1}, c, s);
    pose.translation = object.translation, pose.scale = object.size;
    Pose middle;
    middle.translation = piece.box.center();
    piece.solid = intersect(move(shape.solid, pose), move(rounded_box(piece.box.size() * 0.5f, 0), middle));
    return piece;
}

/// Most rooms stand upright, along y or z; some are turned by nothing, some by anything.
Pose draw_pose(Rng& rng) {
    const double kind = rng.uniform();
    const bool z_up = rng.coin(0.5);
    if (kind < 0.1) return random_rotation(rng);
    const float yaw = kind < 0.5 ? 0.0f : static_cast<float>(rng.uniform(0, 2 * std::numbers::pi));
    const float c = std::cos(yaw), s = std::sin(yaw);
    Pose pose;
    pose.axis_x = turn_y({1, 0, 0}, c, s), pose.axis_z = turn_y({0, 0, 1}, c, s);
    if (z_up)
        for (Vec3f* axis : {&pose.axis_x, &pose.axis_y, &pose.axis_z}) *axis = {axis->x, -axis->z, axis->y};
    return pose;
}

/// Box of all boards and objects after the rotation of `pose`.
Box3f turned_box(const Room& room, const Pose& pose) {
    Box3f out;
    for (const auto& piece : room.pieces())
        for (int i = 0; i < 8; ++i) {
            const Box3f& b = piece.box;
            const Vec3f p{i & 1 ? b.hi.x : b.lo.x, i & 2 ? b.hi.y : b.lo.y, i & 4 ? b.hi.z : b.lo.z};
            out.extend(pose.axis_x * p.x + pose.axis_y * p.y + pose.axis_z * p.z);
        }
    return out;
}

}  // namespace

GeneratedShape generate_room(const RoomRules& rules, Rng& rng, std::size_t n_surface) {
    for (;;) {
        ShapeObjects objects;
        RoomPlan plan = plan_room(rules, objects, rng);
        std::vector<RoomPiece> pieces;
        for (const auto& b : plan.boards) pieces.push_back({b.part, b.item, {}, b.box(), solid_of(b)});
        for (const auto& o : plan.objects) pieces.push_back(piece_of(o, objects));
        auto room = std::make_shared<Room>(std::move(plan), std::move(pieces));

        Pose pose = draw_pose(rng);
        const Box3f box = turned_box(*room, pose);
        pose.scale = 1.0f / box.longest_side();
        pose.translation = -(box.center() * pose.scale);
        room->place(pose);

        GeneratedShape shape;
        shape.family = "room";
        shape.solid = move(room->solid(), pose);
        const float radius = 0.52f * norm(box.size() * pose.scale) + 0.05f;
        shape.surface = sample_surface(*shape.solid, radius, n_surface, rng, &shape.area);
        if (shape.surface.size() < n_surface) continue;
        for (const auto& p : shape.surface) shape.box.extend(p);
        shape.room = std::move(room);
        return shape;
    }
}

}  // namespace nir::data
