// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Trains a radiance field on posed photos and prints the PSNR of the test views against CPU seconds, one JSON line
// each:
//     nir_train_radiance SCENE [--cpu SECONDS] [--log2 19] [--levels 8] [--features 4] [--finest 0] [--steps-across 0]
//                        [--batch 17] [--every SECONDS] [--views 8] [--out FOLDER] [--lr 0.01] [--cascades 1]
//                        [--cone 0] [--shape distance|occupancy] [--sharpness S] [--eikonal W] [--smoothness W]
//                        [--model M.safetensors] [--mesh M.ply] [--load M.safetensors] [--picture 800]
// 0 for --finest and --steps-across: from what a pixel covers.
#include "nir/base/parallel.h"
#include "nir/base/timer.h"
#include "nir/geom/mesh_clean.h"
#include "nir/io/ply.h"
#include "nir/io/png.h"
#include "nir/io/scene.h"
#include "nir/render/radiance_model.h"
#include "nir/render/radiance_trainer.h"

#include <fmt/core.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <sys/resource.h>

namespace {

using namespace nir;

double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto s = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    return s(usage.ru_utime) + s(usage.ru_stime);
}

struct Arguments {
    std::string scene;
    std::map<std::string, std::string> values;
    Arguments(int argc, char** argv) {
        for (int i = 1; i < argc; ++i) {
            const std::string word = argv[i];
            if (word.starts_with("--") && i + 1 < argc)
                values[word.substr(2)] = argv[++i];
            else
                scene = word;
        }
    }
    double number(const std::string& name, double otherwise) const {
        const auto it = values.find(name);
        return it == values.end() ? otherwise : std::atof(it->second.c_str());
    }
    std::string text(const std::string& name) const { return values.contains(name) ? values.at(name) : ""; }
};

std::vector<render::PosedView> read_views(const io::Scene& scene, io::Split split, std::size_t most) {
    std::vector<render::PosedView> out;
    const auto indices = scene.indices(split);
    const std::size_t count = std::min(most, indices.size());
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t v = indices[i * indices.size() / count];
        io::ViewPixels pixels = io::read_view(scene, v);
        out.push_back({scene.cameras[scene.views[v].camera], scene.views[v].world_from_camera, std::move(pixels.rgba),
                       std::move(pixels.valid)});
    }
    return out;
}

/// Pictures side by side: truth, then rendering.
void write_pair(const std::string& path, const std::vector<float>& truth, const render::RenderedView& view) {
    geom::Image8 out(2 * view.width, view.height, 3);
    render::RenderedView left = view;
    left.rgb = truth;
    const geom::Image8 a = left.image(), b = view.image();
    for (int y = 0; y < view.height; ++y) {
        std::copy_n(a.pixel(0, y), 3 * view.width, out.pixel(0, y));
        std::copy_n(b.pixel(0, y), 3 * view.width, out.pixel(view.width, y));
    }
    io::write_png(path, out);
}

/// The largest component of the surface, coloured.
void write_mesh(const std::string& path, const render::RadianceModel& model,
                const std::vector<render::PosedView>& views) {
    const Timer timer;
    const bool surface = model.field.has_surface();
    const std::optional<double> level = surface ? 0.0 : render::surface_level(model, views);
    if (!level) return;
    std::optional<render::ViewDepths> depths;
    if (!surface) depths.emplace(model, views);
    render::DensityField density(model, *level, depths ? &*depths : nullptr);
    extract::ExtractOptions options;
    options.resolution_0 = 64, options.upsampling = 2;
    geom::TriMesh mesh = extract::extract_mesh(density, options).mesh;
    geom::remove_small_components(mesh, {0, 0, 1});
    render::color_vertices(model, mesh);
    io::write_ply(path, mesh);
    fmt::print("{{\"level\": {:.2f}, \"vertices\": {}, \"mesh_wall_s\": {:.1f}}}\n", *level, mesh.vertices.size(),
               timer.seconds());
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arg(argc, argv);
    set_threads(static_cast<int>(arg.number("threads", 2)));
    const io::Scene scene = io::read_scene(arg.scene);
    const auto train = read_views(scene, io::Split::train, 100000);
    const auto test = read_views(scene, io::Split::test, static_cast<std::size_t>(arg.number("views", 8)));
    const int cascades = static_cast<int>(arg.number("cascades", 1));
    const double carve_from = cpu_seconds();
    render::FieldFrame frame = render::frame_of(io::scene_box(scene).box);
    render::OccupancyGrid grid(cascades);
    if (cascades > 1) frame.side /= static_cast<double>(1 << (cascades - 1));  // the box is the outermost cube
    if (cascades == 1) frame = render::frame_of(render::hull_box(train, frame), 0.01);
    grid.carve(train, frame);
    const double footprint = render::pixel_footprint(train, frame);
    fmt::print("{{\"carve_cpu_s\": {:.2f}, \"candidates\": {}, \"side\": {:.3f}, \"footprint\": {:.5f}}}\n",
               cpu_seconds() - carve_from, grid.candidates(), frame.side, footprint);

    render::RadianceFieldConfig config;
    config.grid.levels = static_cast<int>(arg.number("levels", 8));
    config.grid.features = static_cast<int>(arg.number("features", 4));
    config.grid.log2_entries = static_cast<int>(arg.number("log2", 19));
    config.grid.finest_resolution = arg.number("finest", 0) > 0
                                        ? arg.number("finest", 0)
                                        : std::clamp(3 / footprint, 64.0, 8192.0) * (1 << (cascades - 1));
    config.hidden = static_cast<int>(arg.number("hidden", 64));
    config.cascades = cascades;
    if (arg.text("shape") == "distance") config.shape = render::FieldShape::distance;
    if (arg.text("shape") == "occupancy") config.shape = render::FieldShape::occupancy;
    render::RadianceField field(config, 1);
    if (!arg.text("load").empty()) {  // no training: the mesh of a saved model
        write_mesh(arg.text("mesh"), render::load_radiance(arg.text("load")), train);
        return 0;
    }
    render::RadianceTrainerOptions options;
    options.march.steps_across = arg.number("steps-across", 0) > 0
                                     ? arg.number("steps-across", 0)
                                     : std::clamp(std::sqrt(3.0) / (0.5 * footprint), 128.0, 4096.0);
    options.last_sharpness = arg.number("sharpness", 2 * options.march.steps_across / std::sqrt(3.0));
    options.eikonal = arg.number("eikonal", options.eikonal);
    options.smoothness = arg.number("smoothness", options.smoothness);
    options.march.cone = arg.number("cone", 0);
    options.learning_rate = arg.number("lr", 1e-2);
    options.last_learning_rate = arg.number("last-lr", 3e-4);
    options.last_batch = std::size_t{1} << static_cast<int>(arg.number("batch", 17));
    options.first_batch =
        std::min(options.last_batch, std::size_t{1} << static_cast<int>(arg.number("first-batch", 14)));
    options.double_every = static_cast<std::size_t>(arg.number("double-every", 150));
    fmt::print("{{\"finest\": {:.0f}, \"steps_across\": {:.0f}, \"parameters\": {}}}\n", config.grid.finest_resolution,
               options.march.steps_across, field.parameters());
    render::RadianceTrainer trainer(field, grid, train, frame, options);
    render::RenderOptions look;
    look.march = options.march;
    std::fflush(stdout);

    const double budget = arg.number("cpu", 60), every = arg.number("every", 10);
    double spent = 0, next = every, trained = 0, evaluated = 0, rays = 0, mse = 0;
    double rays_s = 0, table_s = 0, grid_s = 0;
    const Timer wall;
    while (spent < budget) {
        const double before = cpu_seconds();
        const render::StepReport report = trainer.step(spent / budget);
        spent += cpu_seconds() - before;
        trained += static_cast<double>(report.trained), evaluated += static_cast<double>(report.evaluated);
        rays += static_cast<double>(report.rays);
        rays_s += report.rays_s, table_s += report.table_s, grid_s += report.grid_s;
        mse = report.mse;
        if (spent < next && spent < budget) continue;
        next += every;
        double sum = 0;
        const double render_from = cpu_seconds();
        for (std::size_t i = 0; i < test.size(); ++i) {
            const auto view = render::render_view(field, grid, frame, test[i].camera, test[i].world_from_camera, look);
            const auto truth = render::on_background(test[i], look.background);
            sum += render::psnr(view.rgb, truth);
            if (i == 0 && !arg.text("out").empty())
                write_pair(fmt::format("{}/{:06.1f}.png", arg.text("out"), spent), truth, view);
        }
        fmt::print(
            "{{\"cpu_s\": {:.1f}, \"wall_s\": {:.1f}, \"steps\": {}, \"psnr\": {:.2f}, \"train_mse_db\": {:.2f}, "
            "\"trained_per_cpu_s\": {:.0f}, \"evaluated_per_trained\": {:.2f}, \"rays_per_cpu_s\": {:.0f}, "
            "\"batch\": {}, \"occupied\": {}, \"share_rays\": {:.2f}, \"share_table\": {:.2f}, "
            "\"share_grid\": {:.2f}, \"view_cpu_s\": {:.3f}}}\n",
            spent, wall.seconds(), trainer.steps(), sum / static_cast<double>(std::max<std::size_t>(1, test.size())),
            -10 * std::log10(mse), trained / spent, evaluated / trained, rays / spent, report.trained, grid.occupied(),
            rays_s / (rays_s + table_s + grid_s), table_s / (rays_s + table_s + grid_s),
            grid_s / (rays_s + table_s + grid_s),
            (cpu_seconds() - render_from) / static_cast<double>(std::max<std::size_t>(1, test.size())));
        std::fflush(stdout);
    }
    const render::RadianceModel model{field, grid, frame, options.march};
    if (!arg.text("model").empty()) render::save_radiance(arg.text("model"), model);
    if (!arg.text("mesh").empty()) write_mesh(arg.text("mesh"), model, train);
    const int size = static_cast<int>(arg.number("picture", 0));  // one larger view, timed
    if (size == 0 || test.empty()) return 0;
    const auto camera = geom::scaled(test[0].camera, size, size * test[0].camera.height / test[0].camera.width);
    const double from = cpu_seconds();
    const Timer timer;
    const auto view = render::render_view(field, grid, frame, camera, test[0].world_from_camera, look);
    fmt::print("{{\"picture\": {}, \"wall_s\": {:.2f}, \"cpu_s\": {:.2f}}}\n", size, timer.seconds(),
               cpu_seconds() - from);
    if (!arg.text("out").empty()) io::write_png(arg.text("out") + "/picture.png", view.image());
    return 0;
}
