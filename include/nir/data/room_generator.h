// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/data/room_plan.h"
#include "nir/data/shape_generator.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace nir::data {

/// A board or an object of a room.
struct RoomPiece {
    RoomPart part = RoomPart::floor;
    int item = 0;
    std::string_view family;  ///< of an object; empty for boards
    geom::Box3f box;          ///< holds it, in the frame of the room
    SolidPtr solid;           ///< in the frame of the room
};

/// A room in closed form: the union of its boards and objects, in metres, y up.
class Room {
public:
    Room(RoomPlan plan, std::vector<RoomPiece> pieces);

    const RoomPlan& plan() const { return plan_; }
    /// Boards in the order of the plan, then objects in theirs.
    const std::vector<RoomPiece>& pieces() const { return pieces_; }
    const SolidPtr& solid() const { return solid_; }
    const geom::Box3f& box() const { return box_; }
    /// The piece with the least distance to each point. @param out [N], overwritten.
    void nearest_pieces(std::span<const Vec3f> points_room, std::span<std::uint32_t> out) const;

    /// From the frame of the room into that of its shape and back. The scale is uniform.
    const Pose& shape_from_room() const { return shape_from_room_; }
    Vec3f to_shape(Vec3f p_room) const;
    Vec3f to_room(Vec3f p_shape) const;
    /// The same room in a shape with another frame: p_shape' = translation + scale * p_shape.
    std::shared_ptr<const Room> moved(Vec3f translation, float scale) const;
    void place(const Pose& shape_from_room) { shape_from_room_ = shape_from_room; }

private:
    RoomPlan plan_;
    std::vector<RoomPiece> pieces_;
    SolidPtr solid_;
    geom::Box3f box_;
    Pose shape_from_room_;
};

/// The solid of a board, in the frame of the room.
SolidPtr solid_of(const RoomBoard& board);

/// Draws a room as a shape of the family "room": longest side about 1, centred at 0, upright along y or z with any
/// turn, or anyhow. Its objects are shapes of the other families. Endless; the same state of rng gives the same bits.
GeneratedShape generate_room(const RoomRules& rules, Rng& rng, std::size_t n_surface);

}  // namespace nir::data
