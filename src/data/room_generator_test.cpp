// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/data/room_generator.h"

#include "nir/base/parallel.h"
#include "nir/data/cascade_samples.h"
#include "nir/data/shape_mesh.h"
#include "nir/geom/inside.h"
#include "nir/geom/mesh_check.h"
#include "nir/geom/sampling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

namespace nir::data {
namespace {

using geom::Box3f;
using geom::Vec3d;

std::vector<Vec3f> points_in(const Box3f& box, std::size_t n, Rng& rng) {
    std::vector<Vec3f> out(n);
    for (auto& p : out)
        for (int a = 0; a < 3; ++a) p[a] = static_cast<float>(rng.uniform(box.lo[a], box.hi[a]));
    return out;
}

std::vector<float> values(const Solid& solid, const std::vector<Vec3f>& points) {
    std::vector<float> d(points.size());
    solid.eval(points.data(), points.size(), d.data());
    return d;
}

double volume(const Box3f& b) {
    const Vec3d s(b.size());
    return s.x * s.y * s.z;
}

/// Cubes, for rooms whose every number is known.
class Cubes final : public RoomObjects {
public:
    std::size_t draw(Rng&) override { return 0; }
    Box3f box(std::size_t, float yaw) const override {
        const float h = 0.5f * (std::abs(std::cos(yaw)) + std::abs(std::sin(yaw)));
        return {{-h, -0.5f, -h}, {h, 0.5f, h}};
    }
};

/// A room of boards alone, with everything that can be made of them.
Room bare_room(std::uint64_t seed) {
    RoomRules rules;
    rules.objects = {0, 0}, rules.window_probability = 1, rules.ceiling_probability = 0.5;
    Rng rng(seed);
    Cubes none;
    RoomPlan plan = plan_room(rules, none, rng);
    std::vector<RoomPiece> pieces;
    for (const auto& b : plan.boards) pieces.push_back({b.part, b.item, {}, b.box(), solid_of(b)});
    return Room(std::move(plan), std::move(pieces));
}

TEST(RoomPlan, PaperRulesHold) {
    static constexpr double kSizes[5][2] = {{.25, .45}, {.25, .4}, {.2, .3}, {.15, .25}, {.1, .25}};
    std::array<int, 4> walls{};
    int along_x = 0, rooms = 0;
    for (int n = 4; n <= 8; ++n)
        for (std::uint64_t seed = 0; seed < 16; ++seed) {
            Rng rng(seed);
            Cubes cubes;
            const RoomPlan plan = plan_room(RoomRules::paper(n), cubes, rng);
            ++rooms;
            ASSERT_EQ(plan.objects.size(), static_cast<std::size_t>(n));
            EXPECT_FLOAT_EQ(static_cast<float>(std::max(plan.extent[0], plan.extent[1])), 1.0f);
            EXPECT_GE(std::min(plan.extent[0], plan.extent[1]), 0.3 - 1e-6);
            along_x += plan.extent[0] > 0.999;
            const RoomBoard& floor = plan.boards.front();
            EXPECT_EQ(floor.part, RoomPart::floor);
            EXPECT_FLOAT_EQ(floor.box().lo.y, -0.5f);
            EXPECT_FLOAT_EQ(floor.box().hi.y, -0.49f);
            std::size_t board = 1;
            for (std::size_t k = 0; k < 4; ++k) {
                walls[k] += plan.walls[k];
                if (!plan.walls[k]) continue;
                const Box3f w = plan.boards[board++].box();
                EXPECT_FLOAT_EQ(w.lo.y, -0.49f);
                EXPECT_GE(w.size().y, 0.2f - 1e-5f);
                EXPECT_LE(w.size().y, 0.4f + 1e-5f);
                EXPECT_NEAR(k % 2 == 0 ? w.size().z : w.size().x, 0.01, 1e-6);
                const float side = k == 0 ? w.lo.z : k == 1 ? w.lo.x : k == 2 ? w.hi.z : w.hi.x;
                EXPECT_NEAR(std::abs(side), 0.5 * plan.extent[k % 2 == 0 ? 1 : 0], 1e-6);
                EXPECT_EQ(side < 0, k < 2);
            }
            EXPECT_EQ(board, plan.boards.size());
            for (const auto& o : plan.objects) {
                EXPECT_GE(o.size, kSizes[n - 4][0] - 1e-6);
                EXPECT_LE(o.size, kSizes[n - 4][1] + 1e-6);
                EXPECT_NEAR(o.box.lo.y, -0.49, 1e-6);
                const float t = 0.01f - 1e-5f;
                EXPECT_GE(o.box.lo.z, -0.5 * plan.extent[1] + (plan.walls[0] ? t : -1e-5f));
                EXPECT_GE(o.box.lo.x, -0.5 * plan.extent[0] + (plan.walls[1] ? t : -1e-5f));
                EXPECT_LE(o.box.hi.z, 0.5 * plan.extent[1] - (plan.walls[2] ? t : -1e-5f));
                EXPECT_LE(o.box.hi.x, 0.5 * plan.extent[0] - (plan.walls[3] ? t : -1e-5f));
                for (const auto& other : plan.objects)
                    EXPECT_TRUE(&o == &other || o.box.hi.x < other.box.lo.x + 1e-5f ||
                                other.box.hi.x < o.box.lo.x + 1e-5f || o.box.hi.z < other.box.lo.z + 1e-5f ||
                                other.box.hi.z < o.box.lo.z + 1e-5f);
            }
        }
    for (const int w : walls) EXPECT_NEAR(w, rooms / 2.0, 4 * std::sqrt(rooms / 4.0));
    EXPECT_NEAR(along_x, rooms / 2.0, 4 * std::sqrt(rooms / 4.0));
}

TEST(RoomGenerator, ClosedFormIsTheWindingNumberOfTheBoards) {
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
        const Room room = bare_room(seed);
        std::vector<geom::InsideTest> parts;
        for (const auto& b : room.plan().boards) {
            const geom::TriMesh mesh = mesh_of(b);
            EXPECT_TRUE(b.openings.empty() || mesh.faces.size() > 12u);
            for (std::size_t f = 0; f < mesh.faces.size(); f += b.round ? mesh.faces.size() : 12) {  // box by box
                geom::TriMesh one = mesh;
                if (!b.round)
                    one.faces.assign(mesh.faces.begin() + static_cast<std::ptrdiff_t>(f),
                                     mesh.faces.begin() + static_cast<std::ptrdiff_t>(f + 12));
                EXPECT_TRUE(geom::check_mesh(one).watertight());
                EXPECT_GT(geom::check_mesh(one).signed_volume, 0);
                parts.emplace_back(one);
            }
        }
        Rng rng(seed);
        std::vector<Vec3f> p = points_in(room.box().padded(0.2f), 3000, rng);
        for (const auto& piece : room.pieces())  // thin boards would hardly be met otherwise
            for (const auto& q : points_in(piece.box.padded(0.05f), 60, rng)) p.push_back(q);
        const auto d = values(*room.solid(), p);
        std::size_t inside = 0;
        for (std::size_t i = 0; i < p.size(); ++i) {
            // A cylinder's 32 sides stay up to 0.5 % of its radius inside of it; faces between boxes have no distance.
            if (std::abs(d[i]) < 0.003f) continue;
            const bool in = std::any_of(parts.begin(), parts.end(), [&](auto& t) { return t.contains(Vec3d(p[i])); });
            ASSERT_EQ(in, d[i] < 0) << "seed " << seed << ", d " << d[i];
            inside += in;
        }
        EXPECT_GT(inside, 300u);
    }
}

TEST(RoomGenerator, OccupiedVolumeIsThatOfItsParts) {
    // Plates that stand on the floor and overlap in the corners only: the volume is known.
    Rng rng(5);
    Cubes cubes;
    RoomRules rules = RoomRules::paper(4);
    rules.wall_probability = 1;
    const RoomPlan plan = plan_room(rules, cubes, rng);
    std::vector<RoomPiece> pieces;
    double expected = 0;
    for (const auto& b : plan.boards) {
        pieces.push_back({b.part, b.item, {}, b.box(), solid_of(b)});
        expected += volume(b.box());
    }
    expected -= 4 * 0.01 * 0.01 * plan.wall_height;
    for (const auto& o : plan.objects) {
        RoomBoard cube;
        cube.center = o.translation, cube.half = Vec3f{0.5f, 0.5f, 0.5f} * o.size, cube.yaw_rad = o.yaw_rad;
        pieces.push_back({RoomPart::object, o.item, "cube", o.box, solid_of(cube)});
        expected += std::pow(o.size, 3);
    }
    const Room room(plan, pieces);
    const Box3f box{{-0.55f, -0.55f, -0.55f}, {0.55f, 0.55f, 0.55f}};
    const auto d = values(*room.solid(), points_in(box, 400000, rng));
    const double share = static_cast<double>(std::ranges::count_if(d, [](float x) { return x < 0; })) / 400000;
    const double p = expected / volume(box);
    EXPECT_NEAR(share, p, 4 * std::sqrt(p * (1 - p) / 400000));
}

TEST(RoomGenerator, ClosedFormIsItsExtractedMesh) {
    Rng rng(3);
    RoomRules rules;
    rules.length = {4, 5}, rules.wall_thickness = {0.15, 0.2}, rules.plates_share = 0, rules.objects = {5, 5};
    const GeneratedShape shape = generate_room(rules, rng, 20000);
    const geom::TriMesh mesh = mesh_of(shape, 160);
    ASSERT_FALSE(mesh.empty());
    EXPECT_TRUE(geom::check_mesh(mesh).watertight());
    const geom::InsideTest inside(mesh);
    // The mesh is in the cube of its own box, which the lattice may have moved by a little.
    std::size_t same = 0, n = 0;
    const auto p = points_in(shape.box, 8000, rng);
    std::vector<float> d(p.size());
    signed_distances(*shape.solid, p, 1e-3f, d);
    for (std::size_t i = 0; i < p.size(); ++i) {
        if (std::abs(d[i]) < 0.01f) continue;
        same += inside.contains(Vec3d((p[i] - shape.box.center()) / shape.box.longest_side())) == (d[i] < 0), ++n;
    }
    EXPECT_GT(n, 4000u);
    EXPECT_GT(static_cast<double>(same), 0.998 * static_cast<double>(n));
}

TEST(RoomGenerator, ObjectsDoNotOverlap) {
    int small = 0, objects = 0;
    for (std::uint64_t seed = 0; seed < 12; ++seed) {
        Rng rng(seed);
        const GeneratedShape shape = generate_room({}, rng, 500);
        const auto& pieces = shape.room->pieces();
        for (std::size_t i = 0; i < pieces.size(); ++i) {
            if (pieces[i].part != RoomPart::object) continue;
            ++objects;
            const std::size_t o = i - shape.room->plan().boards.size();
            small += shape.room->plan().objects[o].stands_on != 0;
            const auto p = points_in(pieces[i].box, 4000, rng);
            const auto own = values(*pieces[i].solid, p);
            for (std::size_t j = 0; j < pieces.size(); ++j) {
                if (j == i || pieces[j].part == RoomPart::ceiling) continue;
                const bool under = pieces[j].item == shape.room->plan().objects[o].stands_on || pieces[j].item == 0;
                const auto other = values(*pieces[j].solid, p);
                for (std::size_t k = 0; k < p.size(); ++k)
                    // Into what they stand on they reach by millimetres.
                    ASSERT_FALSE(own[k] < 0 && other[k] < (under ? -0.06f : 0.0f))
                        << "seed " << seed << ": " << pieces[i].family << " and " << name_of(pieces[j].part);
            }
        }
    }
    EXPECT_GT(objects, 30);
    EXPECT_GT(small, 3);
}

TEST(RoomGenerator, SurfacePointsBelongToTheNearestPart) {
    Rng rng(8);
    const GeneratedShape shape = generate_room({}, rng, 6000);
    const Room& room = *shape.room;
    std::vector<Vec3f> p;
    for (const auto& q : shape.surface) {
        p.push_back(room.to_room(q));
        ASSERT_LT(norm(room.to_shape(p.back()) - q), 1e-5f);
    }
    std::vector<std::uint32_t> nearest(p.size());
    room.nearest_pieces(p, nearest);
    std::set<RoomPart> parts;
    for (std::size_t i = 0; i < p.size(); ++i) {
        const RoomPiece& piece = room.pieces()[nearest[i]];
        parts.insert(piece.part);
        ASSERT_TRUE(piece.box.padded(0.01f).contains(p[i]));
        // No other board has the point inside: boards are exact, their distance can be asked for.
        for (const auto& other : room.pieces())
            ASSERT_TRUE(other.part == RoomPart::object || values(*other.solid, {p[i]})[0] > -0.02f);
    }
    EXPECT_TRUE(parts.contains(RoomPart::floor));
    EXPECT_TRUE(parts.contains(RoomPart::object));
    // Points of the upper side of the floor, away from everything, are the floor's.
    const auto on = values(*room.pieces()[0].solid, p);
    for (std::size_t i = 0; i < p.size(); ++i) EXPECT_TRUE(nearest[i] != 0 || std::abs(on[i]) < 0.01f);
}

TEST(RoomGenerator, IsAShapeLikeAnyOther) {
    std::set<int> rooms;
    for (std::uint64_t seed = 20; seed < 36; ++seed) {
        Rng rng(seed);
        const GeneratedShape s = generate_room({}, rng, 2000);
        EXPECT_EQ(s.family, "room");
        ASSERT_GE(s.surface.size(), 2000u);
        EXPECT_LT(norm(s.box.center()), 0.1f);
        EXPECT_NEAR(s.box.longest_side(), 1, 0.1);
        EXPECT_GT(s.area, 0.5f);
        const auto d = values(*s.solid, s.surface);
        const auto far = std::ranges::count_if(d, [](float x) { return std::abs(x) > 2e-3f; });
        EXPECT_LT(static_cast<double>(far), 0.01 * static_cast<double>(d.size())) << "seed " << seed;
        rooms.insert(static_cast<int>(s.room->plan().interiors.size()));
    }
    EXPECT_GE(rooms.size(), 2u);  // sometimes several rooms
}

TEST(RoomGenerator, SameSeedSameBitsWhateverTheThreads) {
    std::vector<GeneratedShape> all;
    for (const int threads : {1, 3}) {
        set_threads(threads);
        Rng rng(77);
        all.push_back(generate_room({}, rng, 1500));
    }
    set_threads(0);
    Rng other(78);
    all.push_back(generate_room({}, other, 1500));
    ASSERT_EQ(all[0].surface.size(), all[1].surface.size());
    EXPECT_EQ(std::memcmp(all[0].surface.data(), all[1].surface.data(), all[0].surface.size() * sizeof(Vec3f)), 0);
    EXPECT_NE(std::memcmp(all[0].surface.data(), all[2].surface.data(), 1500 * sizeof(Vec3f)), 0);
}

// ------------------------------------------------------------------------------------------------- in the cascade

TEST(CascadeRooms, ThinWallsHaveSurfaceAndQueryPoints) {
    // Walls of 1/100 of the length are a third of a coarse cell; the windows must still know them.
    RoomRules rules;
    rules.length = {10, 10}, rules.aspect = {0.8, 0.9}, rules.plates_share = 1, rules.wall_probability = 1;
    rules.ceiling_probability = 0, rules.max_rooms = 1;
    Rng rng(4);
    const GeneratedShape shape = generate_room(rules, rng, 8000);
    const RoomBoard& wall = shape.room->plan().boards[1];
    ASSERT_NEAR(2 * std::min(wall.half.x, wall.half.z), 0.1f, 1e-4);
    const SolidPtr solid = solid_of(wall);
    std::size_t faces[2] = {0, 0};
    for (const auto& q : shape.surface) {
        const Vec3f p = shape.room->to_room(q);
        if (std::abs(values(*solid, {p})[0]) < 2e-3f) ++faces[p.z < wall.center.z ? 0 : 1];
    }
    EXPECT_GT(faces[0], 150u);
    EXPECT_GT(faces[1], 150u);

    CascadeDataConfig config;
    config.rooms = 1, config.min_points = 8000, config.max_points = 16000;
    std::size_t windows = 0, balanced = 0;
    for (std::uint64_t i = 0; i < 4; ++i) {
        const CascadeSample sample = make_cascade_sample(config, Rng(100 + i));
        EXPECT_EQ(sample.family, "room");
        for (std::size_t o = 1; o < sample.octaves.size(); ++o) {
            ++windows;
            const auto in = std::ranges::count(sample.octaves[o].inside, 1);
            EXPECT_EQ(sample.octaves[o].inside.size(), 1536u);
            balanced += in > 100 && in < 1436;
        }
    }
    EXPECT_GE(windows, 6u);
    EXPECT_GE(balanced, windows - 1);
}

TEST(CascadeRooms, OtherShapesStayWhatTheyWere) {
    CascadeDataConfig without, with;
    without.max_points = with.max_points = 600;
    with.rooms = 0.3;
    int rooms = 0;
    for (std::uint64_t i = 0; i < 24; ++i) {
        const CascadeSample b = make_cascade_sample(with, Rng(i));
        if (b.family == "room") {
            ++rooms;
            continue;
        }
        const CascadeSample a = make_cascade_sample(without, Rng(i));
        ASSERT_EQ(a.family, b.family);
        EXPECT_EQ(a.octaves[0].points, b.octaves[0].points);
        EXPECT_EQ(a.octaves.back().queries, b.octaves.back().queries);
    }
    EXPECT_GE(rooms, 2);
    EXPECT_LE(rooms, 15);
}

}  // namespace
}  // namespace nir::data
