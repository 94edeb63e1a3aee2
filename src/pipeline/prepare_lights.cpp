// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/prepare_lights.h"

#include "nir/base/error.h"
#include "nir/base/output_file.h"
#include "nir/base/phase_timer.h"
#include "nir/base/progress.h"
#include "nir/base/rng.h"
#include "nir/io/formats.h"
#include "nir/io/png.h"
#include "nir/render/bake.h"

#include "pipeline/compare_pictures.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <numbers>

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using geom::Vec3d;

constexpr double kCameraDistance = 4, kLampDistance = 3, kFieldOfView = 0.6911112070083618;
constexpr double kGolden = 2.399963229728653;
constexpr float kStrength = 9 * std::numbers::pi_v<float>;  // white that faces a lamp is white in the picture

// The i-th of n directions spread evenly over the part of the ball with z from `lowest` to `highest`, turned by `turn`.
Vec3d spread(int i, int n, double lowest, double highest, double turn) {
    const double z = lowest + (highest - lowest) * (i + 0.5) / n, r = std::sqrt(1 - z * z), a = i * kGolden + turn;
    return {r * std::cos(a), r * std::sin(a), z};
}

struct Stage {
    std::vector<geom::Pose> views;
    std::vector<render::LightSource> lamps;
    int first = 0;  // number of the first view and lamp in the names
};

Stage stage(int views, int lamps, int first, double radius, Rng& rng) {
    Stage out;
    out.first = first;
    const double view_turn = rng.uniform(0, 2 * std::numbers::pi), lamp_turn = rng.uniform(0, 2 * std::numbers::pi);
    for (int i = 0; i < views; ++i)
        out.views.push_back(geom::look_at(spread(i, views, -0.5, 0.95, view_turn) * kCameraDistance, {}, {0, 0, 1}));
    for (int i = 0; i < lamps; ++i) {
        render::LightSource lamp;
        lamp.position = spread(i, lamps, 0.05, 0.95, lamp_turn) * kLampDistance, lamp.radius = radius;
        out.lamps.push_back(lamp);
    }
    return out;
}

Json matrix_of(const geom::Pose& p) {
    const auto row = [](double x, double y, double z, double t) { return Json{x, y, z, t}; };
    return {row(p.right.x, p.up.x, p.back.x, p.position.x), row(p.right.y, p.up.y, p.back.y, p.position.y),
            row(p.right.z, p.up.z, p.back.z, p.position.z), row(0, 0, 0, 1)};
}

geom::TriMesh centred(geom::TriMesh mesh) {
    const geom::Box3d box = geom::bounds(mesh.vertices);
    if (box.empty() || !(box.longest_side() > 0)) fail(ErrorKind::input, "the mesh has no size");
    for (Vec3d& v : mesh.vertices) v = (v - box.center()) * (2 / box.longest_side());
    return mesh;
}

class Drawing {
public:
    Drawing(const PrepareLightsOptions& o, const render::Surface& surface, Progress& progress, PhaseTimer& timer)
        : o_(o), surface_(surface), progress_(progress), timer_(timer) {}

    std::size_t split(const std::string& name, const Stage& views, const Stage& lamps) {
        make_folder(o_.out / name);
        const geom::Camera camera = geom::pinhole_camera(o_.size, o_.size, kFieldOfView);
        Json frames = Json::array();
        for (std::size_t v = 0; v < views.views.size(); ++v) {
            auto rendering = timer_.phase("render");
            const geom::Pose& pose = views.views[v];
            const render::ViewSamples samples = render::view_samples(surface_, camera, pose, o_.rays);
            std::vector<float> base;
            if (!surface_.mesh().colors.empty()) base = render::vertex_colors(surface_.mesh(), samples.points);
            rendering.close();
            for (std::size_t l = 0; l < lamps.lamps.size(); ++l)
                frames.push_back(picture(name, samples, base, pose, lamps.lamps[l], views.first + static_cast<int>(v),
                                         lamps.first + static_cast<int>(l)));
        }
        const Json json = {{"camera_angle_x", kFieldOfView},
                           {"w", o_.size},
                           {"h", o_.size},
                           {"fl_x", camera.fx},
                           {"fl_y", camera.fy},
                           {"cx", camera.cx},
                           {"cy", camera.cy},
                           {"frames", frames}};
        write_text(o_.out / ("transforms_" + name + ".json"), json.dump(1));
        return frames.size();
    }

    static void write_text(const fs::path& path, const std::string& text) {
        OutputFile file(path);
        file.stream() << text << '\n';
        file.commit();
    }

private:
    Json picture(const std::string& split, const render::ViewSamples& samples, const std::vector<float>& base,
                 const geom::Pose& pose, const render::LightSource& lamp, int view, int number) {
        const std::string name = fmt::format("v{:03}_l{:03}", view, number);
        auto rendering = timer_.phase("render");
        render::LightSource strong = lamp;
        strong.color = {kStrength, kStrength, kStrength};
        render::LitOptions how;
        how.ambient = o_.ambient;
        const geom::Image8 image = render::resolve_rgba(
            samples, render::lit_colors(surface_, samples.points, pose.position, {&strong, 1}, o_.material, base, how));
        rendering.close();
        const auto writing = timer_.phase("write");
        io::write_png(o_.out / split / (name + ".png"), image);
        if (!progress_.advance(1)) fail(ErrorKind::cancelled, "stopped; {} holds a part", o_.out.string());
        const Vec3d way = normalized(lamp.position);
        return {{"file_path", "./" + split + "/" + name},
                {"transform_matrix", matrix_of(pose)},
                {"view_index", view},
                {"light_index", number},
                {"light",
                 {{"type", "point"},
                  {"position", {lamp.position.x, lamp.position.y, lamp.position.z}},
                  {"direction", {way.x, way.y, way.z}},
                  {"intensity", static_cast<double>(kStrength)},
                  {"radius", lamp.radius},
                  {"color", {1.0, 1.0, 1.0}},
                  {"ambient", static_cast<double>(o_.ambient)}}}};
    }

    const PrepareLightsOptions& o_;
    const render::Surface& surface_;
    Progress& progress_;
    PhaseTimer& timer_;
};

}  // namespace

PrepareLightsResult prepare_lights(const PrepareLightsOptions& o, Progress& progress, PhaseTimer& timer) {
    std::error_code ignored;
    if (!o.force && fs::exists(o.out, ignored) && !fs::is_empty(o.out, ignored))
        fail(ErrorKind::usage, "{}: holds something already; --force writes into it", o.out.string());
    auto reading = timer.phase("read");
    const geom::TriMesh mesh = with_context(o.mesh.string(), [&] { return centred(io::read_mesh(o.mesh)); });
    const render::Surface surface(mesh);
    reading.close();
    make_folder(o.out);
    Rng rng(o.seed);
    const Stage train = stage(o.views, o.lights, 0, o.lamp_radius, rng),
                test = stage(o.test_views, o.test_lights, 100, o.lamp_radius, rng);
    Stage few = train;
    few.views.resize(std::min<std::size_t>(few.views.size(), 4));
    const std::size_t n = train.views.size() * train.lamps.size() + test.views.size() * train.lamps.size() +
                          few.views.size() * test.lamps.size() + test.views.size() * test.lamps.size();
    progress.begin("render", n, "pictures");
    Drawing draw(o, surface, progress, timer);
    PrepareLightsResult out;
    out.train = draw.split("train", train, train), out.test_view = draw.split("test_view", test, train);
    out.test_light = draw.split("test_light", few, test), out.test_both = draw.split("test_both", test, test);
    progress.end();
    const auto writing = timer.phase("write");
    io::write_geometry(o.out / "mesh.ply", mesh);
    const geom::Box3d box = geom::bounds(mesh.vertices);
    const Json scene = {{"scene", "lights"},
                        {"vertices", mesh.vertices.size()},
                        {"faces", mesh.faces.size()},
                        {"bbox_min", {box.lo.x, box.lo.y, box.lo.z}},
                        {"bbox_max", {box.hi.x, box.hi.y, box.hi.z}},
                        {"camera_radius", kCameraDistance},
                        {"light_radius", kLampDistance},
                        {"roughness", static_cast<double>(o.material.roughness)},
                        {"specular", static_cast<double>(o.material.specular)},
                        {"metallic", static_cast<double>(o.material.metallic)},
                        {"near", kCameraDistance - 2},
                        {"far", kCameraDistance + 2}};
    Drawing::write_text(o.out / "scene.json", scene.dump(1));
    return out;
}

}  // namespace nir::pipeline
