// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/texture.h"

#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/base/output_file.h"
#include "nir/base/phase_timer.h"
#include "nir/base/progress.h"
#include "nir/geom/subdivide.h"
#include "nir/io/formats.h"
#include "nir/io/glb.h"
#include "nir/io/png.h"
#include "nir/io/scene.h"
#include "nir/render/bake.h"
#include "nir/render/image_error.h"

#include "pipeline/compare_pictures.h"
#include "pipeline/radiance_scene.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace nir::pipeline {
namespace {

constexpr int kCheckSide = 4;  // rays a side of a pixel, for the comparison with photos
constexpr std::size_t kMostVertices = 8u << 20;

std::vector<std::size_t> chosen_views(const io::Scene& scene, const TextureOptions& o) {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < scene.views.size(); ++i)
        if (o.split == "all" || io::name_of(scene.views[i].split) == o.split) all.push_back(i);
    if (all.empty())
        fail(ErrorKind::input, "{}: there are no {} photos ({} train, {} val, {} test)", o.photos.string(), o.split,
             scene.count(io::Split::train), scene.count(io::Split::val), scene.count(io::Split::test));
    if (o.most_photos == 0 || o.most_photos >= all.size()) return all;
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < o.most_photos; ++i) out.push_back(all[i * all.size() / o.most_photos]);
    return out;
}

// Length on the surface that a pixel covers, median over the photos, from the middle of the mesh.
double pixel_size(const std::vector<render::PosedView>& photos, const geom::TriMesh& mesh) {
    geom::Box3d box = geom::bounds(mesh.vertices);
    std::vector<double> sizes;
    for (const render::PosedView& p : photos)
        sizes.push_back(norm(p.world_from_camera.position - box.center()) / p.camera.fx);
    std::nth_element(sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2), sizes.end());
    return sizes[sizes.size() / 2];
}

int texture_side(const geom::TriMesh& mesh, double pixel) {
    double area = 0;
    for (const geom::Triangle& t : mesh.faces)
        area += norm(cross(mesh.vertices[t[1]] - mesh.vertices[t[0]], mesh.vertices[t[2]] - mesh.vertices[t[0]])) / 2;
    const double texels = area / (pixel * pixel) * 4 / 0.6;  // two a pixel each way; charts fill about 60 %
    int side = 256;
    while (side < 8192 && static_cast<double>(side) * side < texels) side *= 2;
    return side;
}

// What was made, ready to be drawn.
struct Baked {
    std::optional<geom::TexturedMesh> textured;
    geom::TriMesh mesh;

    std::vector<float> colors(std::span<const render::SurfacePoint> points) const {
        return textured ? render::texture_colors(*textured, points) : render::vertex_colors(mesh, points);
    }
};

geom::TriMesh colored_vertices(geom::TriMesh mesh, std::vector<render::PosedView> photos, const TextureOptions& o,
                               const render::BakeOptions& how, TextureResult& result) {
    const double edge = o.edge < 0 ? pixel_size(photos, mesh) : o.edge;
    if (edge > 0) mesh = geom::split_long_edges(mesh, edge, kMostVertices * 2);
    const render::Surface surface(mesh);
    const render::PhotoBaker baker(surface, std::move(photos), how);
    std::vector<render::SurfacePoint> points(mesh.vertices.size());
    std::vector<std::uint8_t> used(points.size());
    for (std::size_t f = 0; f < mesh.faces.size(); ++f)
        for (std::size_t k = 0; k < 3; ++k) {
            const std::uint32_t v = mesh.faces[f][k];
            points[v] = surface.at(static_cast<std::uint32_t>(f), k == 1 ? 1.0f : 0.0f, k == 2 ? 1.0f : 0.0f);
            points[v].face_normal = points[v].normal, used[v] = 1;
        }
    for (std::size_t v = 0; v < points.size(); ++v)
        if (!used[v]) points[v].position = mesh.vertices[v];
    render::BakedColors colors = baker.bake(points);
    result.points = points.size();
    result.unseen = static_cast<double>(render::fill_unseen(points, colors)) /
                    static_cast<double>(std::max<std::size_t>(points.size(), 1));
    mesh.colors.clear();
    const auto byte = [](float v) { return static_cast<std::uint8_t>(std::lround(std::clamp(v, 0.0f, 1.0f) * 255)); };
    for (std::size_t v = 0; v < points.size(); ++v)
        mesh.colors.push_back({byte(colors.rgb[3 * v]), byte(colors.rgb[3 * v + 1]), byte(colors.rgb[3 * v + 2])});
    return mesh;
}

Baked bake(geom::TriMesh mesh, std::vector<render::PosedView> photos, const TextureOptions& o, TextureResult& result) {
    render::BakeOptions how;
    how.exposure = o.exposure;
    Baked out;
    if (o.vertex_colors || o.out.extension() != ".glb") {
        out.mesh = colored_vertices(std::move(mesh), std::move(photos), o, how, result);
        return out;
    }
    geom::UvAtlasOptions atlas;
    atlas.side = result.side = o.side > 0 ? o.side : texture_side(mesh, pixel_size(photos, mesh));
    const render::Surface surface(std::move(mesh));
    const render::PhotoBaker baker(surface, std::move(photos), how);
    render::TextureBake baked = render::bake_texture(baker, surface, atlas, o.rounds);
    result.charts = baked.charts, result.texels = result.points = baked.texels, result.sharpened = baked.sharpened;
    result.unseen = static_cast<double>(baked.unseen) / static_cast<double>(std::max<std::size_t>(baked.texels, 1));
    out.textured = std::move(baked.mesh);
    return out;
}

void check(const Baked& baked, const io::Scene& scene, const std::vector<std::size_t>& trained, const TextureOptions& o,
           Progress& progress, PhaseTimer& timer, TextureResult& result) {
    std::vector<std::size_t> views;
    for (std::size_t i = 0; i < scene.views.size(); ++i)
        if (scene.views[i].split == io::Split::test && std::find(trained.begin(), trained.end(), i) == trained.end())
            views.push_back(i);
    if (views.empty()) return;
    make_folder(o.look);
    result.checked_with = "test", result.checked = views.size();
    const render::Surface surface(baked.textured ? baked.textured->mesh : baked.mesh);
    PictureComparison compare;
    progress.begin("check", views.size(), "photos");
    for (const std::size_t v : views) {
        const render::PosedView photo = read_posed_view(scene, v);
        const auto rendering = timer.phase("render");
        const render::ViewSamples samples =
            render::view_samples(surface, photo.camera, photo.world_from_camera, kCheckSide);
        const geom::Image8 drawn = render::resolve(samples, baked.colors(samples.points), {1, 1, 1}).image();
        compare.add(photo, drawn);
        if (!o.look.empty()) io::write_png(o.look / picture_name(scene.views[v].name), beside(photo, drawn));
        if (!progress.advance(1)) {
            progress.end();
            fail(ErrorKind::cancelled, "stopped while comparing with photos");
        }
    }
    progress.end();
    result.psnr = compare.psnr(), result.ssim = compare.ssim(), result.psnr_foreground = compare.psnr_foreground();
    result.convention = PictureComparison::convention();
}

}  // namespace

TextureResult texture(const TextureOptions& o, Progress& progress, PhaseTimer& timer) {
    if (o.out.extension() != ".glb")
        io::format_for_writing(
            o.out, [](const io::Format& f) { return f.write_geometry != nullptr; }, "a mesh");
    check_writable(o.out);
    auto reading = timer.phase("read");
    geom::TriMesh mesh = io::read_mesh(o.mesh);
    io::SceneOptions how;
    how.hold_out = o.hold_out;
    const io::Scene scene = io::read_scene(o.photos, how);
    const std::vector<std::size_t> views = chosen_views(scene, o);
    std::vector<render::PosedView> photos;
    for (const std::size_t v : views) photos.push_back(read_posed_view(scene, v));
    reading.close();
    TextureResult result;
    result.photos = photos.size();
    auto baking = timer.phase("bake");
    const Baked baked =
        with_context(o.mesh.string(), [&] { return bake(std::move(mesh), std::move(photos), o, result); });
    baking.close();
    const geom::TriMesh& made = baked.textured ? baked.textured->mesh : baked.mesh;
    result.vertices = made.vertices.size(), result.faces = made.faces.size();
    if (o.check) check(baked, scene, views, o, progress, timer, result);
    const auto writing = timer.phase("write");
    if (baked.textured)
        io::write_glb(o.out, *baked.textured);
    else
        io::write_geometry(o.out, baked.mesh);
    return result;
}

}  // namespace nir::pipeline
