// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/kernels/composite.h"
#include "nir/render/radiance_model.h"

#include "render/ray_source.h"
#include "render/wave_tracer.h"

#include <algorithm>
#include <cmath>

namespace nir::render {
namespace {

/// What the field says of empty cells.
constexpr float kEmpty = -12.0f;

bool occupied(const kernels::OccupancyView& grid, geom::Vec3d p) {
    const double away = std::max({std::abs(p.x - 0.5), std::abs(p.y - 0.5), std::abs(p.z - 0.5)});
    int cascade = 0;
    while (cascade < grid.cascades && away >= 0.5 * (1 << cascade)) ++cascade;
    if (cascade == grid.cascades) return false;
    std::array<std::uint32_t, 3> cell{};
    for (int a = 0; a < 3; ++a) {
        const double q = ((p[a] - 0.5) / (1 << cascade) + 0.5) * kernels::kOccupancyCells;
        cell[static_cast<std::size_t>(a)] =
            static_cast<std::uint32_t>(std::clamp(q, 0.0, kernels::kOccupancyCells - 1.0));
    }
    const std::uint32_t index = kernels::occupancy_cell(cell[0], cell[1], cell[2]);
    return (grid.bricks[static_cast<std::size_t>(cascade) * kernels::kBricksPerCascade + index / 64] >> (index % 64)) &
           1;
}

/// World points relative to the outermost cube.
struct FieldPoints {
    std::vector<float> x, y, z;
    void add(const RadianceModel& model, geom::Vec3d world) {
        const geom::Vec3d p = model.frame.field_from_world(world);
        const double shrink = 1.0 / (1 << (model.grid.cascades() - 1));
        x.push_back(static_cast<float>((p.x - 0.5) * shrink + 0.5));
        y.push_back(static_cast<float>((p.y - 0.5) * shrink + 0.5));
        z.push_back(static_cast<float>((p.z - 0.5) * shrink + 0.5));
    }
    kernels::PointArrays arrays() const { return {x, y, z}; }
};

}  // namespace

ViewDepths::ViewDepths(const RadianceModel& model, const std::vector<PosedView>& views, std::size_t most) {
    RenderOptions look;
    look.march = model.march;
    const std::size_t count = std::min(most, views.size());
    for (std::size_t i = 0; i < count; ++i) {
        const PosedView& view = views[i * views.size() / count];
        RenderedView picture =
            render_view(model.field, model.grid, model.frame, view.camera, view.world_from_camera, look);
        for (std::size_t p = 0; p < picture.depth.size(); ++p)
            if (picture.alpha[p] < 0.5f) picture.depth[p] = 0;
        maps_.push_back({view.camera, view.world_from_camera, std::move(picture.depth)});
    }
}

bool ViewDepths::hidden(geom::Vec3d world) const {
    std::size_t behind = 0, in_front = 0;
    for (const Map& map : maps_) {
        const auto at = geom::project(map.camera, map.pose, world);
        if (!at || !(at->at.x >= 0 && at->at.x < map.camera.width && at->at.y >= 0 && at->at.y < map.camera.height))
            continue;
        const auto row = static_cast<std::size_t>(at->at.y), column = static_cast<std::size_t>(at->at.x);
        const float depth = map.depth[row * static_cast<std::size_t>(map.camera.width) + column];
        if (depth == 0) return false;
        ++(at->depth > static_cast<double>(depth) ? behind : in_front);
        if (10 * in_front > maps_.size()) return false;
    }
    return behind > 0 && 10 * in_front <= behind + in_front;
}

bool ViewDepths::seen(geom::Vec3d world, double tolerance) const {
    return std::any_of(maps_.begin(), maps_.end(), [&](const Map& map) {
        const auto at = geom::project(map.camera, map.pose, world);
        if (!at || !(at->at.x >= 0 && at->at.x < map.camera.width && at->at.y >= 0 && at->at.y < map.camera.height))
            return false;
        const auto row = static_cast<std::size_t>(at->at.y), column = static_cast<std::size_t>(at->at.x);
        const float depth = map.depth[row * static_cast<std::size_t>(map.camera.width) + column];
        return depth == 0 || at->depth <= static_cast<double>(depth) + tolerance;
    });
}

DensityField::DensityField(const RadianceModel& model, double level, const ViewDepths* depths)
    : model_(model), level_(level), depths_(depths) {}

geom::Box3f DensityField::domain() const {
    const double half = 0.5 * model_.frame.side * (1 << (model_.grid.cascades() - 1));
    geom::Box3d box{model_.frame.center, model_.frame.center};
    box = box.padded(half);
    return {static_cast<geom::Vec3f>(box.lo), static_cast<geom::Vec3f>(box.hi)};
}

void DensityField::values(std::span<const geom::Vec3f> points, std::span<float> out) const {
    parallel_for(points.size(), 4096, [&](std::size_t begin, std::size_t end) {
        FieldPoints inside;
        const bool everywhere = model_.field.has_surface();
        std::vector<std::size_t> which;
        const auto grid = model_.grid.view();
        for (std::size_t i = begin; i < end; ++i) {
            out[i] = kEmpty;
            const auto world = static_cast<geom::Vec3d>(points[i]);
            if (!everywhere && !occupied(grid, model_.frame.field_from_world(world))) continue;
            inside.add(model_, world);
            which.push_back(i);
        }
        std::vector<float> density(which.size());
        model_.field.level_values(inside.arrays(), density);
        for (std::size_t k = 0; k < which.size(); ++k) out[which[k]] = std::max(density[k], kEmpty);
        if (!depths_) return;
        for (std::size_t i = begin; i < end; ++i)
            if (out[i] <= iso() && depths_->hidden(static_cast<geom::Vec3d>(points[i]))) out[i] = iso() + 1;
    });
}

std::optional<double> surface_level(const RadianceModel& model, const std::vector<PosedView>& views, std::size_t rays) {
    if (views.empty()) fail(ErrorKind::input, "the level of the surface needs views");
    const std::size_t per_view = std::max<std::size_t>(1, rays / views.size());
    std::vector<std::vector<float>> found(views.size());
    parallel_for(views.size(), 1, [&](std::size_t begin, std::size_t end) {
        WaveTracer tracer;
        for (std::size_t v = begin; v < end; ++v) {
            const auto directions =
                std::make_shared<const geom::PixelDirections>(geom::pixel_directions(views[v].camera));
            const ViewRays view(views[v].camera, views[v].world_from_camera, model.frame, directions);
            const std::size_t pixels = directions->directions.size();
            std::vector<kernels::MarchingRay> chunk;
            for (std::size_t i = 0; i < per_view; ++i) {
                RayRandom random(77, v, i);
                const auto pixel = static_cast<std::size_t>(random.uniform() * static_cast<float>(pixels));
                chunk.push_back(view.ray(std::min(pixel, pixels - 1), model.grid.view(),
                                         static_cast<float>(model.march.near / model.frame.side)));
            }
            tracer.trace(model.field, model.grid.view(), model.march.rule(model.frame), chunk, 0.4f, false);
            const std::size_t in = model.field.colour_net.in();
            for (std::size_t r = 0; r < chunk.size(); ++r) {
                float through = 1;
                for (std::size_t i = tracer.first[r]; i < tracer.first[r + 1] && through > 0.5f; ++i) {
                    through *= 1 - tracer.alpha.data[i];
                    if (through <= 0.5f) found[v].push_back(tracer.colour_in.data[i * in]);
                }
            }
        }
    });
    std::vector<float> all;
    for (const auto& part : found) all.insert(all.end(), part.begin(), part.end());
    if (all.size() < 16) return std::nullopt;
    const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
    std::nth_element(all.begin(), middle, all.end());
    return static_cast<double>(*middle) - std::log(2.0);
}

void color_vertices(const RadianceModel& model, geom::TriMesh& mesh) {
    if (mesh.normals.size() != mesh.vertices.size())
        fail(ErrorKind::internal, "colours need the normals of the vertices");
    mesh.colors.resize(mesh.vertices.size());
    parallel_for(mesh.vertices.size(), 4096, [&](std::size_t begin, std::size_t end) {
        FieldPoints points;
        std::vector<float> dx, dy, dz, rgb(3 * (end - begin)), density(end - begin);
        for (std::size_t i = begin; i < end; ++i) {
            points.add(model, mesh.vertices[i]);
            const geom::Vec3f n = mesh.normals[i];
            dx.push_back(-n.x), dy.push_back(-n.y), dz.push_back(-n.z);
        }
        model.field.query(points.arrays(), {dx, dy, dz}, rgb, density);
        const auto byte = [&](std::size_t k) { return static_cast<std::uint8_t>(std::lround(255 * rgb[k])); };
        for (std::size_t i = 0; i < end - begin; ++i)
            mesh.colors[begin + i] = {byte(3 * i), byte(3 * i + 1), byte(3 * i + 2)};
    });
}

}  // namespace nir::render
