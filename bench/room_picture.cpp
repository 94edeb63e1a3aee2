// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// A generated room as it is, and as LiDAR stations and depth cameras in it see it:
//   nir_room_picture OUT.png SEED [HEIGHT]
#include "nir/base/error.h"
#include "nir/data/room_generator.h"
#include "nir/data/shape_mesh.h"
#include "nir/geom/draw.h"
#include "nir/geom/rasterizer.h"
#include "nir/io/png.h"

#include "data/room_scan.h"

#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

using namespace nir;

/// Points of a scan, in the cube that the mesh is shown in.
geom::PointCloud cloud_of(const data::GeneratedShape& shape, data::RoomSensor sensor) {
    data::ScanOptions options;
    options.noise_free_share = 1;
    Rng rng(5);
    const auto scan = data::scan_room(shape, sensor, 15000, options, rng);
    if (!scan) fail(ErrorKind::input, "the sensors see nothing of this room; take another seed");
    const geom::Box3f& box = shape.room->box();
    geom::PointCloud cloud;
    for (const auto& p : scan->points)
        cloud.points.push_back(geom::Vec3d((shape.room->to_room(p) - box.center()) / box.longest_side()));
    return cloud;
}

void run(const char* out, std::uint64_t seed, int height) {
    Rng rng(seed);
    data::RoomRules rules;
    rules.ceiling_probability = 0;  // to look into it
    const data::GeneratedShape shape = data::generate_room(rules, rng, 60000);
    data::GeneratedShape upright;
    upright.solid = shape.room->solid(), upright.box = shape.room->box();
    for (const auto& p : shape.surface) upright.surface.push_back(shape.room->to_room(p));
    const geom::TriMesh mesh = data::mesh_of(upright, 384);

    geom::RenderOptions options;
    options.width = height * 5 / 4, options.height = height;
    const geom::ViewCamera camera = geom::frame_view(mesh.vertices, 1.25, {0, 1, 0}, 0.5, 0.8);
    const geom::PointCloud lidar = cloud_of(shape, data::RoomSensor::lidar),
                           depth = cloud_of(shape, data::RoomSensor::depth);
    std::vector<geom::Panel> panels;
    panels.push_back({geom::render_mesh(mesh, camera, options), "seed " + std::to_string(seed)});
    options.ground_shadow = false, options.point_radius = 0.003;
    panels.push_back(
        {geom::render_points(lidar, camera, options), "LiDAR " + geom::with_thousands(lidar.size()) + " points"});
    panels.push_back({geom::render_points(depth, camera, options),
                      "depth cameras " + geom::with_thousands(depth.size()) + " points"});
    io::write_png(out, geom::compose_panels(panels));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fprintf(stderr, "nir_room_picture OUT.png SEED [HEIGHT]\n");
        return 2;
    }
    try {
        run(argv[1], std::strtoull(argv[2], nullptr, 10), argc > 3 ? std::atoi(argv[3]) : 300);
    } catch (const nir::Error& e) {
        std::fprintf(stderr, "error: %s\n", e.what());
        return 3;
    }
    return 0;
}
