// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/vdb.h"

#include "nir/base/error.h"
#include "nir/base/log.h"

#include "io/text.h"
#include "io/vdb_hook.h"

#include <cmath>
#include <openvdb/io/Stream.h>
#include <openvdb/openvdb.h>
#include <openvdb/tools/Dense.h>
#include <sstream>

namespace nir::io {
namespace {

constexpr double kMostSamples = 2147483648.0;

/// Box of a grid's active voxels and one more around it: level sets then end outside.
openvdb::CoordBBox box_of(const openvdb::GridBase& grid) {
    openvdb::CoordBBox box = grid.evalActiveVoxelBoundingBox();
    if (box.empty())
        fail(ErrorKind::input, "grid {} of the OpenVDB file has no active voxel", in_quotes(grid.getName()));
    const auto side = [&](std::size_t a) { return static_cast<double>(box.max()[a]) - box.min()[a] + 3; };
    if (side(0) * side(1) * side(2) > kMostSamples)
        fail(ErrorKind::input,
             "the active voxels of the OpenVDB grid {} span {:.0f} x {:.0f} x {:.0f} samples, more than 2^31",
             in_quotes(grid.getName()), side(0), side(1), side(2));
    box.expand(1);
    return box;
}

geom::Vec3d vector_of(const openvdb::Vec3d& v) { return {v.x(), v.y(), v.z()}; }

/// Where the lattice of the grid lies: axes of the world, or an error.
void place(geom::VoxelGrid& out, const openvdb::GridBase& grid, const openvdb::CoordBBox& box) {
    const auto at = [&](double x, double y, double z) {
        return vector_of(grid.transform().indexToWorld(openvdb::Vec3d(x, y, z)));
    };
    const openvdb::Coord lo = box.min();
    out.origin = at(lo.x(), lo.y(), lo.z());
    const geom::Vec3d zero = at(0, 0, 0), x = at(1, 0, 0) - zero, y = at(0, 1, 0) - zero, z = at(0, 0, 1) - zero,
                      opposite = at(1, 1, 1) - zero;
    out.spacing = {x.x, y.y, z.z};
    const double across = norm(opposite), off = norm(x - geom::Vec3d{x.x, 0, 0}) + norm(y - geom::Vec3d{0, y.y, 0}) +
                                                norm(z - geom::Vec3d{0, 0, z.z}) + norm(opposite - x - y - z);
    if (!(std::isfinite(across) && x.x > 0 && y.y > 0 && z.z > 0 && off < 1e-6 * across))
        fail(ErrorKind::format,
             "the transform of the OpenVDB grid {} rotates, shears or mirrors; only scale and translation are read",
             in_quotes(grid.getName()));
}

/// @return nothing if the grid's type is not Grid's.
template <class Grid>
bool sampled(const openvdb::GridBase& base, geom::VoxelGrid& out) {
    if (!base.isType<Grid>()) return false;
    const auto& grid = static_cast<const Grid&>(base);
    const openvdb::CoordBBox box = box_of(grid);
    place(out, grid, box);
    const openvdb::Coord size = box.dim();
    out.size = {size.x(), size.y(), size.z()};
    out.values.resize(box.volume());
    openvdb::tools::Dense<float, openvdb::tools::LayoutZYX> dense(box, out.values.data());
    openvdb::tools::copyToDense(grid, dense, true);
    if (grid.getGridClass() == openvdb::GRID_LEVEL_SET)
        for (float& v : out.values) v = -v;
    return true;
}

bool read_scalars(const openvdb::GridBase& grid, geom::VoxelGrid& out) {
    return sampled<openvdb::FloatGrid>(grid, out) || sampled<openvdb::DoubleGrid>(grid, out) ||
           sampled<openvdb::Int32Grid>(grid, out) || sampled<openvdb::Int64Grid>(grid, out) ||
           sampled<openvdb::BoolGrid>(grid, out);
}

openvdb::GridPtrVecPtr grids_of(std::string_view bytes) {
    openvdb::initialize();
    std::istringstream in{std::string(bytes), std::ios::binary};
    in.exceptions(std::ios::failbit | std::ios::badbit);  // else cut files are read as long as their counts say
    try {
        return openvdb::io::Stream(in, false).getGrids();
    } catch (const std::ios_base::failure&) {
        fail(ErrorKind::format, "the OpenVDB file ends early");
    } catch (const std::exception& e) {
        fail(ErrorKind::format, "the OpenVDB file cannot be read: {}", e.what());
    }
}

}  // namespace

geom::VoxelGrid parse_vdb(std::string_view bytes) {
    if (!looks_like_vdb(bytes)) fail(ErrorKind::format, "not an OpenVDB file");
    const openvdb::GridPtrVecPtr grids = grids_of(bytes);
    openvdb::GridPtrVec order;
    std::string names;
    for (const auto& grid : *grids) {
        names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", in_quotes(grid->getName()), grid->valueType());
        order.insert(grid->getName() == "density" ? order.begin() : order.end(), grid);
    }
    for (const auto& grid : order) {
        geom::VoxelGrid out;
        if (!read_scalars(*grid, out)) continue;
        if (grids->size() > 1) log_info("OpenVDB grid {} is read, of {}", in_quotes(grid->getName()), names);
        return out;
    }
    fail(ErrorKind::format, "the OpenVDB file holds no grid of scalars{}{}", names.empty() ? "" : ", but ", names);
}

void enable_openvdb() { vdb_parser() = parse_vdb; }

}  // namespace nir::io
