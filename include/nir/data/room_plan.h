// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/rng.h"
#include "nir/geom/shapes.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace nir::data {

using geom::Vec3f;

/// What a part of a room is. Everything but objects is made of boards.
enum class RoomPart : std::uint8_t { floor, wall, ceiling, pillar, table, shelf, object };
std::string_view name_of(RoomPart part);

/// By which rules rooms are laid out. Lengths in metres, y up; a Range is drawn from uniformly, thicknesses uniformly
/// in the logarithm.
struct RoomRules {
    using Range = std::array<double, 2>;

    Range length = {4, 12};     ///< longer side of the ground
    Range aspect = {0.4, 1};    ///< shorter side / longer side
    double bottom = 0;          ///< y of the lower side of the floor
    Range height = {2.3, 3.5};  ///< of the walls above the floor
    Range floor_thickness = {0.06, 0.6};
    Range wall_thickness = {0.03, 0.2};
    double least_thickness = 1.0 / 250;  ///< of anything of the building, relative to the longer side
    double plates_share = 0.15;          ///< rooms whose floor and walls are plates of 1/100 of the longer side
    double wall_probability = 0.75;      ///< of each of the four sides
    double ceiling_probability = 0.3;    ///< where there is a wall
    double window_probability = 0.5;     ///< of each outer wall
    int max_rooms = 4;                   ///< inner walls with doors divide the ground
    int max_pillars = 2, max_tables = 3, max_shelves = 2;
    std::array<int, 2> objects = {3, 14};
    Range object_size = {0.3, 1.7};  ///< longest side of those on the floor
    Range small_size = {0.08, 0.5};  ///< of those on tables and shelves
    double small_share = 0.4;        ///< of the objects, if there is a table or shelf
    double sink = 0.004;             ///< objects reach this far into what they stand on, so that they touch it
    double gap = 0.02;               ///< between boxes
    bool joined = true;              ///< walls reach down through the floor
    bool whole = false;              ///< every object must find a place, or the room is drawn again

    /// The rules of the synthetic rooms of convolutional occupancy networks, in the unit cube: plates of 0.01, the
    /// floor from y = -0.5, 4 to 8 objects, sizes by their number. @throws nir::Error (internal) for other numbers.
    /// Ref: convonet2020 (supplementary). Deviation: the fourth wall, which their code leaves out by mistake, is built.
    static RoomRules paper(int n_objects);
};

/// Where the objects of a room come from. An object stands upright (y up) and its longest side is 1.
class RoomObjects {
public:
    virtual ~RoomObjects() = default;
    /// A room is begun; the draws of one that was given up do not count.
    virtual void restart() {}
    /// The next object; the number is the caller's name for it.
    virtual std::size_t draw(Rng& rng) = 0;
    /// Its box after a turn about the y axis.
    virtual geom::Box3f box(std::size_t object, float yaw_rad) const = 0;
};

/// p' of p turned about the y axis.
inline Vec3f turn_y(Vec3f p, float cos_yaw, float sin_yaw) {
    return {cos_yaw * p.x + sin_yaw * p.z, p.y, cos_yaw * p.z - sin_yaw * p.x};
}

/// A box (or an upright cylinder in that box) turned about the y axis through its middle, with openings cut out.
struct RoomBoard {
    RoomPart part = RoomPart::floor;
    int item = 0;  ///< boards of one table or shelf share their number
    Vec3f center{}, half{};
    float yaw_rad = 0;
    bool round = false;
    std::vector<geom::Box3f> openings;  ///< in the frame of the room; only with yaw 0

    geom::Box3f box() const;
};

/// p_room = turn_y(size * p_object) + translation.
struct RoomObject {
    std::size_t object = 0;  ///< number given by RoomObjects
    int item = 0, stands_on = 0;
    float size = 1, yaw_rad = 0;
    Vec3f translation{};
    geom::Box3f box;  ///< in the frame of the room
};

/// Where everything stands. Objects that stand on the same thing do not overlap seen from above.
struct RoomPlan {
    std::vector<RoomBoard> boards;  ///< the floor first
    std::vector<RoomObject> objects;
    std::vector<geom::Box3f> interiors;  ///< the air of each room, from floor to the height of the walls
    std::array<bool, 4> walls{};         ///< at -z, -x, +z, +x
    std::array<double, 2> extent{};      ///< of the ground along x and z
    double floor_thickness = 0, wall_thickness = 0, wall_height = 0;
    bool ceiling = false;
};

/// Draws a room. Objects that find no place in 1000 tries are left out, or start the room anew (rules.whole).
/// Deterministic in rng and in what `objects` answers.
RoomPlan plan_room(const RoomRules& rules, RoomObjects& objects, Rng& rng);

/// Closed outward box of 12 triangles per part of a board; openings divide it into several boxes that touch.
/// Cylinders get 32 sides.
geom::TriMesh mesh_of(const RoomBoard& board);

}  // namespace nir::data
