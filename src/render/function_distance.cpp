// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Signed distances of a mesh as a function to be learned, and back to a surface.
#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/base/rng.h"
#include "nir/base/splitmix.h"
#include "nir/geom/inside.h"
#include "nir/geom/sampling.h"
#include "nir/render/function_model.h"

#include <algorithm>
#include <cmath>

namespace nir::render {
namespace {

/// Every third of the offsets is so much larger: else nothing tells the fine levels what lies between the surface and
/// the few points that are anywhere.
constexpr double kWide = 20;

}  // namespace

DistanceSamples::DistanceSamples(const geom::TriMesh& mesh, const FieldFrame& frame, std::size_t count,
                                 std::uint64_t seed) {
    Rng rng(seed);
    const geom::SurfaceSamples on = geom::sample_surface(mesh, count - count / 8, rng);
    const auto bvh = std::make_shared<const geom::TriangleBvh>(mesh);
    const geom::InsideTest inside(bvh);
    const double scale = 0.5 * std::sqrt(3.0) * frame.side / 1024;
    std::vector<geom::Vec3d> points = on.points;
    for (std::size_t i = count / 2; i < points.size(); ++i)
        for (int a = 0; a < 3; ++a) {
            const double u = std::clamp(rng.uniform(), 1e-9, 1 - 1e-9);
            points[i][a] += (i < count - count / 4 ? 1 : kWide) * scale * std::log(u / (1 - u));
        }
    while (points.size() < count)
        points.push_back(frame.world_from_field({rng.uniform(), rng.uniform(), rng.uniform()}));
    x_.resize(count), y_.resize(count), z_.resize(count), distance_.resize(count);
    parallel_for(count, 1024, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            const geom::Vec3d p = frame.field_from_world(points[i]);
            x_[i] = static_cast<float>(p.x), y_[i] = static_cast<float>(p.y), z_[i] = static_cast<float>(p.z);
            if (i < count / 2) continue;  // on the surface
            const double d = std::sqrt(bvh->closest(points[i]).squared_distance) / frame.side;
            distance_[i] = static_cast<float>(inside.contains(points[i]) ? -d : d);
        }
    });
}

FunctionSource DistanceSamples::source() const {
    return [this](std::uint64_t seed, const FunctionSamples& out) {
        for (std::size_t i = 0; i < out.x.size(); ++i) {
            const std::size_t k = splitmix64(seed + i) % distance_.size();
            out.x[i] = x_[k], out.y[i] = y_[k], out.z[i] = z_[k], out.target[i] = distance_[k];
        }
    };
}

void inside_values(const FunctionModel& model, std::span<const geom::Vec3f> points, std::span<float> out) {
    std::vector<float> x, y, z;
    for (const geom::Vec3f& point : points) {
        const geom::Vec3d p = model.frame.field_from_world(static_cast<geom::Vec3d>(point));
        x.push_back(static_cast<float>(p.x)), y.push_back(static_cast<float>(p.y)),
            z.push_back(static_cast<float>(p.z));
    }
    model.field.values({x, y, z}, out);
    for (float& v : out) v = -v;
}

geom::Box3f FunctionSurface::domain() const {
    const geom::Vec3d half{0.5 * model_->frame.side, 0.5 * model_->frame.side, 0.5 * model_->frame.side};
    return {static_cast<geom::Vec3f>(model_->frame.center - half),
            static_cast<geom::Vec3f>(model_->frame.center + half)};
}

double function_iou(const FunctionModel& model, const geom::TriMesh& mesh, std::size_t points, std::uint64_t seed) {
    const geom::InsideTest inside(mesh);
    const geom::Box3d box = geom::bounds(mesh.vertices);
    Rng rng(seed);
    std::vector<geom::Vec3f> at(points);
    for (geom::Vec3f& p : at)
        for (int a = 0; a < 3; ++a) p[a] = static_cast<float>(rng.uniform(box.lo[a], box.hi[a]));
    std::vector<float> value(points);
    std::vector<std::uint8_t> truth(points);
    inside_values(model, at, value);
    inside.contains(at, truth);
    std::size_t both = 0, either = 0;
    for (std::size_t i = 0; i < points; ++i) {
        both += truth[i] && value[i] > 0;
        either += truth[i] || value[i] > 0;
    }
    if (either == 0) fail(ErrorKind::numeric, "neither the mesh nor the function has an inside");
    return static_cast<double>(both) / static_cast<double>(either);
}

}  // namespace nir::render
