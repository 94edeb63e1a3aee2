// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/rasterizer.h"

#include "nir/geom/draw.h"
#include "nir/geom/piece_renderer.h"
#include "nir/geom/spacing.h"

#include "geom/raster.h"

#include <fmt/format.h>

#include <numbers>

namespace nir::geom {
namespace raster {

View make_view(const ViewCamera& camera, int width, int height) {
    NIR_CHECK(width > 0 && height > 0 && is_finite(camera.eye) && is_finite(camera.target));
    NIR_CHECK(camera.fov_y_rad > 0.0 && camera.fov_y_rad < std::numbers::pi);
    View v;
    v.origin = camera.eye;
    v.back = normalized(camera.eye - camera.target);
    v.right = normalized(cross(camera.up, v.back));
    NIR_CHECK(norm(v.right) > 0.5);  // eye and target differ, and up is not along the view
    v.up = cross(v.back, v.right);
    v.focal = 0.5 * height / std::tan(0.5 * camera.fov_y_rad);
    v.width = width, v.height = height;
    return v;
}

View make_light_view(Vec3d direction, Vec3d center, double radius, int size) {
    View v;
    v.back = normalized(direction);
    v.origin = center + v.back * (2.0 * radius);
    const Vec3d other = std::abs(v.back.x) < 0.6 ? Vec3d{1, 0, 0} : Vec3d{0, 1, 0};
    v.right = normalized(cross(other, v.back));
    v.up = cross(v.back, v.right);
    v.perspective = false;
    v.focal = 0.5 * size / (1.01 * radius);
    v.width = v.height = size;
    return v;
}

std::vector<ScreenPoint> project(const View& view, std::span<const Vec3d> points) {
    std::vector<ScreenPoint> out(points.size());
    parallel_for(points.size(), 4096, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            const Vec3d d = points[i] - view.origin;
            const double depth = -dot(d, view.back);
            if (view.perspective && !(depth > 0.0)) continue;
            const double s = view.scale_at(depth);
            out[i] = {static_cast<float>(view.center_x() + s * dot(d, view.right)),
                      static_cast<float>(view.center_y() - s * dot(d, view.up)), static_cast<float>(depth)};
        }
    });
    return out;
}

}  // namespace raster

namespace {

using raster::Surfel;

void check_options(const RenderOptions& o) {
    NIR_CHECK(o.width > 0 && o.height > 0 && o.width <= 16384 && o.height <= 16384);
    NIR_CHECK(o.supersampling >= 1 && o.supersampling <= 4 && o.lights >= 0);
}

void check_finite(std::span<const Vec3d> points) {
    for (std::size_t i = 0; i < points.size(); ++i)
        if (!is_finite(points[i])) fail(ErrorKind::input, "point {} is not finite and cannot be drawn", i);
}

void check_mesh_to_draw(const TriMesh& mesh) {
    check_finite(mesh.vertices);
    for (std::size_t f = 0; f < mesh.faces.size(); ++f)
        for (const auto v : mesh.faces[f])
            if (v >= mesh.vertices.size())
                fail(ErrorKind::input, "face {} names vertex {}, but there are only {}", f, v, mesh.vertices.size());
}

raster::View view_of(const ViewCamera& camera, const RenderOptions& options) {
    return raster::make_view(camera, options.width * options.supersampling, options.height * options.supersampling);
}

/// Normals of the vertices, weighted by area; the mesh's own where it has some.
std::vector<Vec3f> vertex_normals(const TriMesh& mesh) {
    if (mesh.normals.size() == mesh.vertices.size()) return mesh.normals;
    std::vector<Vec3d> sum(mesh.vertices.size());
    for (const auto& f : mesh.faces) {
        const Vec3d a = mesh.vertices[f[0]];
        const Vec3d n = cross(mesh.vertices[f[1]] - a, mesh.vertices[f[2]] - a);
        for (const auto v : f) sum[v] += n;
    }
    std::vector<Vec3f> out;
    out.reserve(sum.size());
    for (const auto& n : sum) out.push_back(Vec3f(normalized(n)));
    return out;
}

std::vector<Surfel> empty_picture(const raster::View& view) {
    return std::vector<Surfel>(static_cast<std::size_t>(view.width) * static_cast<std::size_t>(view.height));
}

void draw_faces(const TriMesh& mesh, const raster::View& view, const RenderOptions& options, std::vector<Surfel>& out) {
    const auto screen = raster::project(view, mesh.vertices);
    const auto normals = options.flat ? std::vector<Vec3f>() : vertex_normals(mesh);
    const bool colored = options.use_colors && mesh.colors.size() == mesh.vertices.size();
    const Vec3f surface = raster::linear(options.surface), back_side = raster::linear(options.back_side);
    raster::for_bands(view.height, [&](int y0, int y1) {
        for (const auto& f : mesh.faces) {
            const Vec3d a = mesh.vertices[f[0]];
            const Vec3d face = normalized(cross(mesh.vertices[f[1]] - a, mesh.vertices[f[2]] - a));
            const bool back = dot(face, view.origin - a) < 0.0;
            Vec3d corner[3] = {face, face, face};
            Vec3f tint[3] = {surface, surface, surface};
            for (std::size_t k = 0; k < 3; ++k) {
                if (!options.flat && dot(Vec3d(normals[f[k]]), face) > options.crease_cos)
                    corner[k] = Vec3d(normals[f[k]]);
                if (colored) tint[k] = raster::linear(mesh.colors[f[k]]);
            }
            raster::visit_triangle(
                view, screen[f[0]], screen[f[1]], screen[f[2]], y0, y1,
                [&](int x, int y, double depth, double u, double v, double w) {
                    Surfel& s = out[static_cast<std::size_t>(y) * static_cast<std::size_t>(view.width) +
                                    static_cast<std::size_t>(x)];
                    if (static_cast<float>(depth) >= s.depth) return;
                    const Vec3d n = normalized(corner[0] * u + corner[1] * v + corner[2] * w);
                    const Vec3f c = tint[0] * static_cast<float>(u) + tint[1] * static_cast<float>(v) +
                                    tint[2] * static_cast<float>(w);
                    s = {static_cast<float>(depth), Vec3f(back ? -n : n), back ? back_side : c};
                });
        }
    });
}

/// A calm scale from far to near.
Vec3f depth_color(double t) {
    constexpr Rgb8 kScale[] = {{38, 70, 120}, {42, 120, 160}, {64, 160, 150}, {170, 190, 110}, {236, 176, 86}};
    const double at = std::clamp(t, 0.0, 1.0) * 4.0;
    const auto i = std::min<std::size_t>(static_cast<std::size_t>(at), 3);
    const auto f = static_cast<float>(at - static_cast<double>(i));
    return raster::linear(kScale[i]) * (1.0f - f) + raster::linear(kScale[i + 1]) * f;
}

std::vector<Surfel> draw_balls(const PointCloud& cloud, double radius, const raster::View& view,
                               const RenderOptions& options) {
    const auto screen = raster::project(view, cloud.points);
    const bool colored = options.use_colors && cloud.colors.size() == cloud.size();
    double near = std::numeric_limits<double>::max(), far = std::numeric_limits<double>::lowest();
    for (const auto& p : cloud.points) near = std::min(near, view.depth_of(p)), far = std::max(far, view.depth_of(p));
    std::vector<Surfel> out(static_cast<std::size_t>(view.width) * static_cast<std::size_t>(view.height));
    raster::for_bands(view.height, [&](int y0, int y1) {
        for (std::size_t i = 0; i < cloud.size(); ++i) {
            const Vec3f tint = colored
                                   ? raster::linear(cloud.colors[i])
                                   : depth_color((far - view.depth_of(cloud.points[i])) / std::max(far - near, 1e-300));
            raster::visit_ball(
                view, screen[i], radius, y0, y1, [&](int x, int y, double depth, double dx, double dy, double dz) {
                    Surfel& s = out[static_cast<std::size_t>(y) * static_cast<std::size_t>(view.width) +
                                    static_cast<std::size_t>(x)];
                    if (static_cast<float>(depth) >= s.depth) return;
                    s = {static_cast<float>(depth), Vec3f(view.right * dx + view.up * dy + view.back * dz), tint};
                });
        }
    });
    return out;
}

}  // namespace

Vec3d guess_up(const Box3d& box) {
    if (box.empty()) return {0, 1, 0};
    const Vec3d s = box.size();
    return s.z < 0.6 * s.x && s.z < 0.6 * s.y ? Vec3d{0, 0, 1} : Vec3d{0, 1, 0};
}

ViewCamera frame_view(const Box3d& box, double aspect, Vec3d up, double azimuth, double elevation) {
    NIR_CHECK(!box.empty());
    std::vector<Vec3d> corners;
    const Vec3d s = box.size();
    for (int i = 0; i < 8; ++i)
        corners.push_back(box.lo + Vec3d{i & 1 ? s.x : 0.0, i & 2 ? s.y : 0.0, i & 4 ? s.z : 0.0});
    return frame_view(corners, aspect, up, azimuth, elevation);
}

ViewCamera frame_view(std::span<const Vec3d> points, double aspect, Vec3d up, double azimuth, double elevation) {
    NIR_CHECK(!points.empty() && aspect > 0.0);
    ViewCamera camera;
    camera.up = normalized(up);
    camera.fov_y_rad = 0.45;
    const Vec3d front = camera.up.y > 0.5 ? Vec3d{0, 0, 1} : camera.up.z > 0.5 ? Vec3d{0, -1, 0} : Vec3d{0, 1, 0};
    const Vec3d side = cross(camera.up, front);
    const Vec3d back = normalized((front * std::cos(azimuth) + side * std::sin(azimuth)) * std::cos(elevation) +
                                  camera.up * std::sin(elevation));
    const Vec3d right = normalized(cross(camera.up, back)), above = cross(back, right);
    // In view axes (x right, y above, z back) point p is inside the picture of an eye e if |p.x - e.x| <= t (e.z -
    // p.z): two half-planes a side, whose extremes give the eye in closed form. A sixth of the picture stays free.
    const double tan_y = std::tan(0.5 * camera.fov_y_rad) * 0.83, tan_x = tan_y * aspect;
    constexpr double kLow = std::numeric_limits<double>::lowest();
    double x0 = kLow, x1 = kLow, y0 = kLow, y1 = kLow, z1 = kLow;
    const Vec3d o = points[0];
    for (const auto& p : points) {
        const double x = dot(p - o, right), y = dot(p - o, above), z = dot(p - o, back);
        x0 = std::max(x0, tan_x * z - x), x1 = std::max(x1, tan_x * z + x);
        y0 = std::max(y0, tan_y * z - y), y1 = std::max(y1, tan_y * z + y);
        z1 = std::max(z1, z);
    }
    double distance = std::max((x0 + x1) / (2.0 * tan_x), (y0 + y1) / (2.0 * tan_y));
    if (!(distance > z1)) distance = z1 + 1.0;  // a single point
    double ex = 0.5 * (x1 - x0), ey = 0.5 * (y1 - y0);
    for (int pass = 0; pass < 4; ++pass) {  // the side with room to spare is centred in the picture
        double left = 0, right_end = 0, low = 0, high = 0;
        for (const auto& p : points) {
            const double depth = distance - dot(p - o, back), x = (dot(p - o, right) - ex) / depth,
                         y = (dot(p - o, above) - ey) / depth;
            left = std::min(left, x), right_end = std::max(right_end, x), low = std::min(low, y),
            high = std::max(high, y);
        }
        ex += 0.5 * (left + right_end) * (distance - z1), ey += 0.5 * (low + high) * (distance - z1);
    }
    camera.eye = o + right * ex + above * ey + back * distance;
    camera.target = camera.eye - back * (distance - z1 + 1e-3 * std::abs(distance));
    return camera;
}

Image8 render_mesh(const TriMesh& mesh, const ViewCamera& camera, const RenderOptions& options) {
    check_options(options);
    check_mesh_to_draw(mesh);
    const auto view = view_of(camera, options);
    raster::Scene scene;
    if (!mesh.faces.empty()) scene.points = mesh.vertices, scene.faces = mesh.faces;
    for (const auto& f : mesh.faces)
        for (const auto v : f) scene.box.extend(mesh.vertices[v]);
    std::vector<Surfel> picture = empty_picture(view);
    draw_faces(mesh, view, options, picture);
    return raster::resolve(scene, view, picture, normalized(camera.up), options);
}

struct PieceRenderer::Impl {
    RenderOptions options;
    Vec3d up;
    Box3d box;
    raster::View view;
    std::vector<Surfel> picture;
    raster::LightMaps maps;
};

PieceRenderer::PieceRenderer(const Box3d& box, std::size_t faces, const ViewCamera& camera,
                             const RenderOptions& options) {
    check_options(options);
    const auto view = view_of(camera, options);
    const Vec3d up = normalized(camera.up);
    impl_ = std::make_unique<Impl>(Impl{options, up, box, view, empty_picture(view),
                                        raster::make_light_maps(box, faces, view, up, options.lights)});
}
PieceRenderer::~PieceRenderer() = default;

void PieceRenderer::add(const TriMesh& piece) {
    check_mesh_to_draw(piece);
    draw_faces(piece, impl_->view, impl_->options, impl_->picture);
    impl_->maps.add(piece.vertices, piece.faces);
}

Image8 PieceRenderer::finish() {
    raster::Scene scene;
    scene.box = impl_->box;
    if (!scene.box.empty()) scene.maps = &impl_->maps;
    return raster::resolve(scene, impl_->view, impl_->picture, impl_->up, impl_->options);
}

Image8 render_points(const PointCloud& cloud, const ViewCamera& camera, const RenderOptions& options) {
    check_options(options);
    check_finite(cloud.points);
    const auto view = view_of(camera, options);
    double radius = options.point_radius;
    if (!(radius > 0.0) && cloud.size() > 1) {
        const auto spacing = estimate_spacing(cloud.points);
        radius = 0.5 * std::min(spacing.surface, 3.0 * spacing.nearest);
    }
    raster::Scene scene;
    scene.points = cloud.points, scene.radius = radius;
    for (const auto& p : cloud.points) scene.box.extend(p);
    if (!scene.box.empty()) scene.box = scene.box.padded(radius);
    return raster::resolve(scene, view, draw_balls(cloud, radius, view, options), normalized(camera.up), options);
}

Image8 compose_panels(std::span<const Panel> panels) {
    NIR_CHECK(!panels.empty());
    int width = 0;
    const int height = panels[0].image.height;
    for (const auto& p : panels) {
        NIR_CHECK(p.image.channels == 3 && p.image.height == height);
        width += p.image.width;
    }
    Image8 out(width, height, 3);
    int x = 0;
    for (const auto& p : panels) {
        for (int y = 0; y < height; ++y) std::copy_n(p.image.pixel(0, y), p.image.width * 3, out.pixel(x, y));
        const double size = std::max(7.0, height / 46.0);
        draw_text(out, x + 1.6 * size, 2.6 * size, size, p.label, {70, 76, 88});
        x += p.image.width;
    }
    return out;
}

Image8 preview(const PointCloud& scan, const TriMesh& mesh, const RenderOptions& options) {
    const auto report = inspect_scan(scan.points);
    PointCloud shown;  // without far outliers and repetitions
    Box3d box = report.robust_box;
    for (const auto i : report.kept) {
        shown.points.push_back(scan.points[i]);
        if (scan.colors.size() == scan.size()) shown.colors.push_back(scan.colors[i]);
    }
    std::vector<Vec3d> seen = shown.points;
    for (const auto& v : mesh.vertices)
        if (is_finite(v)) seen.push_back(v), box.extend(v);
    const auto camera = preview_camera(seen, box, options);
    return preview_panels(shown, scan.size(), render_mesh(mesh, camera, options), mesh.faces.size(), camera, options);
}

ViewCamera preview_camera(std::span<const Vec3d> seen, const Box3d& box, const RenderOptions& options) {
    const std::vector<Vec3d> nothing{{-0.5, -0.5, -0.5}, {0.5, 0.5, 0.5}};
    return frame_view(seen.empty() ? nothing : seen, static_cast<double>(options.width) / options.height, guess_up(box),
                      options.azimuth_rad, options.elevation_rad);
}

Image8 preview_panels(const PointCloud& shown, std::size_t points, Image8 mesh, std::size_t faces,
                      const ViewCamera& camera, const RenderOptions& options) {
    const Panel panels[] = {
        {render_points(shown, camera, options), fmt::format("scan  {} points", with_thousands(points))},
        {std::move(mesh), faces == 0 ? "no mesh" : fmt::format("mesh  {} faces", with_thousands(faces))}};
    return compose_panels(panels);
}

}  // namespace nir::geom
