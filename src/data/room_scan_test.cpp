// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "data/room_scan.h"

#include "nir/data/room_generator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace nir::data {
namespace {

GeneratedShape room_of(std::uint64_t seed, bool closed = false) {
    RoomRules rules;
    if (closed) rules.wall_probability = 1, rules.ceiling_probability = 1;
    Rng rng(seed);
    return generate_room(rules, rng, 4000);
}

ScanOptions options_of(double noise_free) {
    ScanOptions o;
    o.min_points = 200, o.noise_free_share = noise_free;
    return o;
}

std::vector<float> room_values(const GeneratedShape& shape, const std::vector<Vec3f>& p) {
    std::vector<float> d(p.size());
    shape.room->solid()->eval(p.data(), p.size(), d.data());
    return d;
}

TEST(TraceRays, MeetsSpheresWhereTheyAre) {
    const SolidPtr ball = sphere(0.5f);
    const std::vector<Vec3f> origins{{0, 0, -2}, {0.3f, 0, -2}, {0, 0.6f, -2}, {0, 0, 0}, {0, 0, -2}};
    const std::vector<Vec3f> rays{{0, 0, 1}, {0, 0, 1}, {0, 0, 1}, {0, 0, 1}, {0, 0, -1}};
    std::vector<float> t(5);
    trace_rays(*ball, origins, rays, 10, 0.002f, t);
    EXPECT_NEAR(t[0], 1.5, 1e-4);
    EXPECT_NEAR(t[1], 1.6, 1e-4);
    EXPECT_TRUE(std::isinf(t[2]));
    EXPECT_EQ(t[3], 0);
    EXPECT_TRUE(std::isinf(t[4]));
    trace_rays(*ball, std::span(origins).first(1), std::span(rays).first(1), 1.2f, 0.002f, std::span(t).first(1));
    EXPECT_TRUE(std::isinf(t[0]));
}

class RoomScan : public ::testing::TestWithParam<RoomSensor> {};

TEST_P(RoomScan, CleanPointsLieOnTheSurfaceAndAreSeen) {
    int scans = 0;
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
        const GeneratedShape shape = room_of(seed);
        const Room& room = *shape.room;
        Rng rng(seed);
        const auto scan = scan_room(shape, GetParam(), 3000, options_of(1), rng);
        if (!scan) continue;
        ++scans;
        EXPECT_EQ(scan->sensor, GetParam());
        EXPECT_EQ(scan->noise, 0.0f);
        EXPECT_GT(scan->points.size(), 200u);
        EXPECT_LE(scan->points.size(), 3000u);
        ASSERT_EQ(scan->sensors.size(), scan->points.size());
        std::vector<Vec3f> p, eyes;
        for (std::size_t i = 0; i < scan->points.size(); ++i)
            p.push_back(room.to_room(scan->points[i])), eyes.push_back(room.to_room(scan->sensors[i]));
        for (const float d : room_values(shape, p)) ASSERT_LT(std::abs(d), 2e-3f);
        // Nothing lies between a point and where it was seen from; steps of 1 cm, independent of the tracer's.
        for (std::size_t i = 0; i < p.size(); i += 11) {
            const float length = norm(p[i] - eyes[i]);
            ASSERT_GT(length, 0.29f);
            std::vector<Vec3f> way;
            for (float t = 0; t < length - 0.03f; t += 0.01f) way.push_back(eyes[i] + (p[i] - eyes[i]) * (t / length));
            for (const float d : room_values(shape, way)) ASSERT_GT(d, -6e-3f) << "seed " << seed;
        }
        // Stations are in the air of a room.
        for (const auto& e : eyes)
            ASSERT_TRUE(std::ranges::any_of(room.plan().interiors, [&](const auto& b) { return b.contains(e); }));
    }
    EXPECT_GE(scans, 4);
}

TEST_P(RoomScan, OuterSidesOfWallsAreNeverSeen) {
    for (std::uint64_t seed = 10; seed < 14; ++seed) {
        const GeneratedShape shape = room_of(seed, true);
        const auto& plan = shape.room->plan();
        Rng rng(seed);
        const auto scan = scan_room(shape, GetParam(), 2000, options_of(1), rng);
        ASSERT_TRUE(scan);
        const float x = static_cast<float>(plan.extent[0] / 2), z = static_cast<float>(plan.extent[1] / 2);
        for (const auto& q : scan->points) {
            const Vec3f p = shape.room->to_room(q);
            ASSERT_LT(std::abs(p.x), x - 1e-3f);
            ASSERT_LT(std::abs(p.z), z - 1e-3f);
            ASSERT_GT(p.y, plan.floor_thickness - 2e-3);
        }
    }
}

TEST_P(RoomScan, NoiseIsAlongTheRayAndAsLargeAsItSays) {
    const GeneratedShape shape = room_of(3);
    ScanOptions o = options_of(0);
    o.max_noise_spacings = 0.2;
    Rng a(5), b(5);
    const auto noisy = scan_room(shape, GetParam(), 4000, o, a), again = scan_room(shape, GetParam(), 4000, o, b);
    ASSERT_TRUE(noisy && again);
    EXPECT_GT(noisy->noise, 0.0f);
    EXPECT_LE(noisy->noise, 0.2001f * noisy->spacing);
    EXPECT_EQ(std::memcmp(noisy->points.data(), again->points.data(), noisy->points.size() * sizeof(Vec3f)), 0);
    std::vector<Vec3f> p;
    for (const auto& q : noisy->points) p.push_back(shape.room->to_room(q));
    std::vector<float> d(p.size());
    signed_distances(*shape.room->solid(), p, 1e-3f, d);
    double sum = 0;
    for (const float x : d) sum += static_cast<double>(x) * x;
    // The distance is the noise times the cosine at which the ray met the surface: less, but not by much.
    const double deviation = std::sqrt(sum / static_cast<double>(d.size())) * shape.room->shape_from_room().scale;
    EXPECT_LT(deviation, 1.05 * noisy->noise);
    EXPECT_GT(deviation, 0.3 * noisy->noise);
}

INSTANTIATE_TEST_SUITE_P(Sensors, RoomScan, ::testing::Values(RoomSensor::lidar, RoomSensor::depth),
                         [](const auto& s) { return s.param == RoomSensor::lidar ? "Lidar" : "Depth"; });

TEST(RoomScan, LidarIsDenserNearItsStation) {
    // One station in an empty box: points of the floor fall off with distance squared and the grazing angle.
    RoomRules rules;
    rules.length = {10, 10}, rules.aspect = {1, 1}, rules.wall_probability = 1, rules.max_rooms = 1;
    rules.max_pillars = rules.max_tables = rules.max_shelves = 0, rules.objects = {0, 0};
    Rng rng(1);
    const GeneratedShape shape = generate_room(rules, rng, 1000);
    double near = 0, far = 0;
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
        Rng own(seed);
        const auto scan = scan_room(shape, RoomSensor::lidar, 6000, options_of(1), own);
        ASSERT_TRUE(scan);
        for (std::size_t i = 0; i < scan->points.size(); ++i) {
            const Vec3f p = shape.room->to_room(scan->points[i]), e = shape.room->to_room(scan->sensors[i]);
            if (p.y > shape.room->plan().floor_thickness + 0.01) continue;
            const float r = std::hypot(p.x - e.x, p.z - e.z);
            near += r > 1.5f && r < 2.5f;  // per area of the rings: 4 pi against 8 pi, the larger cut by walls
            far += r > 3.5f && r < 4.5f;
        }
    }
    EXPECT_GT(near, 1.5 * far);
    EXPECT_GT(far, 100);
}

TEST(RoomScan, SimulatedScansOfRoomsAreOfAllKinds) {
    const GeneratedShape shape = room_of(6);
    int kinds[3] = {0, 0, 0};
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        Rng rng(seed);
        ScanOptions o;
        o.max_points = 800;
        const SimulatedScan scan = simulate_scan(shape, o, rng);
        ++kinds[static_cast<int>(scan.sensor)];
        EXPECT_GE(scan.points.size(), 250u);
        EXPECT_GT(scan.spacing, 0.005f);
        EXPECT_LT(scan.spacing, 0.3f);
        EXPECT_LE(scan.sensors.size(), scan.points.size());
    }
    EXPECT_GE(kinds[0], 5);
    EXPECT_GE(kinds[1], 8);
    EXPECT_GE(kinds[2], 4);
}

}  // namespace
}  // namespace nir::data
