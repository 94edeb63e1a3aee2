// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Synthetic rooms after convolutional occupancy networks: which objects, where, labels, points, files.
#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/base/timer.h"
#include "nir/data/paper_layout.h"
#include "nir/data/room_plan.h"
#include "nir/geom/inside.h"
#include "nir/geom/mesh_check.h"
#include "nir/geom/sampling.h"
#include "nir/io/npy.h"
#include "nir/io/ply.h"

#include "pipeline/prepare_parts.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;
using geom::Vec3d;
using geom::Vec3f;

constexpr std::array<const char*, 3> kSplits = {"train", "val", "test"};
constexpr double kWallWeight = 0.2;  // of walls and ground beside objects, per area
constexpr std::int16_t kBuilding = -1;

std::size_t split_number(const std::string& split) {
    return static_cast<std::size_t>(std::find(kSplits.begin(), kSplits.end(), split) - kSplits.begin());
}

// --------------------------------------------------------------------------------------------------------- objects

struct Object {
    std::size_t class_number = 0;
    std::string title;
    geom::TriMesh mesh;  // in the unit cube
    PreparedModel report;
};

/// Meshes as objects of a room, read or made when they are drawn. A room that is drawn anew takes the same ones.
class MeshObjects final : public data::RoomObjects {
public:
    MeshObjects(const MeshSource& room, const RoomStock& stock, const PrepareOptions& options)
        : room_(room), stock_(stock), options_(options) {}

    void restart() override { next_ = 0; }
    std::size_t draw(Rng& rng) override {
        if (next_ == objects_.size()) objects_.push_back(read(rng));
        return next_++;
    }
    geom::Box3f box(std::size_t object, float yaw_rad) const override {
        const float c = std::cos(yaw_rad), s = std::sin(yaw_rad);
        geom::Box3f box;
        for (const auto& v : objects_[object].mesh.vertices) box.extend(data::turn_y(Vec3f(v), c, s));
        return box;
    }
    const Object& operator[](std::size_t object) const { return objects_[object]; }

private:
    Object read(Rng& rng) const {
        Object out;
        const MeshSource source = stock_.draw(room_, objects_.size(), rng, out.class_number);
        out.title = source.file.string();
        const geom::TriMesh mesh = read_source(source, options_);
        return with_context(out.title, [&] {
            const geom::Box3d box = used_box(mesh);
            const double side = box.longest_side();
            if (!(side > 0) || !std::isfinite(side)) fail(ErrorKind::input, "all vertices lie in one place");
            out.mesh = label_mesh(mesh, {box.center(), side}, out.report);
            return std::move(out);
        });
    }

    const MeshSource& room_;
    const RoomStock& stock_;
    const PrepareOptions& options_;
    std::vector<Object> objects_;
    std::size_t next_ = 0;
};

// ------------------------------------------------------------------------------------------------------------ room

/// A mesh of the room with its labeller.
struct Part {
    geom::TriMesh mesh;
    geom::Box3d box;
    std::int16_t semantics = kBuilding;
    std::unique_ptr<geom::TriangleBvh> bvh;
    std::unique_ptr<geom::WindingNumber> winding;

    Part(geom::TriMesh m, std::int16_t number, double accuracy) : mesh(std::move(m)), semantics(number) {
        for (const auto& v : mesh.vertices) box.extend(v);
        bvh = std::make_unique<geom::TriangleBvh>(mesh);
        winding = std::make_unique<geom::WindingNumber>(*bvh, accuracy);
    }
};

/// Objects first, then walls, the ground last: labels of later parts win.
std::vector<Part> make_parts(const data::RoomPlan& plan, const MeshObjects& objects, const PrepareOptions& options) {
    std::vector<Part> parts;
    for (const auto& o : plan.objects) {
        geom::TriMesh mesh = objects[o.object].mesh;
        mesh.normals.clear();
        const double c = std::cos(static_cast<double>(o.yaw_rad)), s = std::sin(static_cast<double>(o.yaw_rad));
        for (auto& v : mesh.vertices)
            v = Vec3d{c * v.x + s * v.z, v.y, c * v.z - s * v.x} * static_cast<double>(o.size) + Vec3d(o.translation);
        parts.emplace_back(std::move(mesh), static_cast<std::int16_t>(objects[o.object].class_number),
                           options.winding_accuracy);
    }
    for (std::size_t b = 1; b <= plan.boards.size(); ++b)
        parts.emplace_back(data::mesh_of(plan.boards[b % plan.boards.size()]), kBuilding, options.winding_accuracy);
    return parts;
}

struct Labelled {
    std::vector<Vec3f> points;
    std::vector<std::uint8_t> inside;
    std::vector<std::int16_t> semantics;
};

/// Uniform points of the padded cube, as they will be read again, with the union of all parts as label.
/// @param report receives how parity and winding number agree, if given.
Labelled label_points(const std::vector<Part>& parts, std::int16_t nothing, const PrepareOptions& o, Rng& rng,
                      PreparedModel* report) {
    Labelled out;
    const double half = 0.5 * (1 + o.padding);
    for (std::size_t i = 0; i < o.points; ++i) {
        Vec3f p;
        for (int a = 0; a < 3; ++a) p[a] = static_cast<float>(rng.uniform(-half, half));
        out.points.push_back(data::as_stored(p, o.half));
    }
    out.inside.assign(o.points, 0), out.semantics.assign(o.points, nothing);
    std::vector<std::uint8_t> by_parity(o.points, 0), doubt(o.points, 0);
    for (const Part& part : parts) {
        std::vector<std::size_t> rows;
        std::vector<Vec3f> asked;
        for (std::size_t i = 0; i < o.points; ++i)
            if (part.box.contains(Vec3d(out.points[i]))) rows.push_back(i), asked.push_back(out.points[i]);
        std::vector<float> w(rows.size());
        part.winding->evaluate(std::span<const Vec3f>(asked), w);
        std::vector<std::uint8_t> crossed(rows.size());
        if (o.parity || report != nullptr) {
            // A second tree of the same mesh: the test wants to share its own.
            geom::InsideTest(part.mesh, geom::InsideMethod::parity).contains(std::span<const Vec3f>(asked), crossed);
        }
        for (std::size_t k = 0; k < rows.size(); ++k) {
            const double v = std::abs(static_cast<double>(w[k]));
            by_parity[rows[k]] |= crossed[k];
            doubt[rows[k]] |= static_cast<std::uint8_t>(std::abs(v - std::round(v)) > 0.1);
            if (o.parity ? crossed[k] != 0 : v > 0.5) out.inside[rows[k]] = 1, out.semantics[rows[k]] = part.semantics;
        }
    }
    if (report != nullptr && o.points > 0) {
        const auto n = static_cast<double>(o.points);
        std::size_t agree = 0;
        for (std::size_t i = 0; i < o.points; ++i) agree += by_parity[i] == out.inside[i];
        report->parity_agreement = static_cast<double>(agree) / n;
        report->doubtful = static_cast<double>(std::count(doubt.begin(), doubt.end(), 1)) / n;
    }
    return out;
}

struct Cloud {
    std::vector<Vec3f> points, normals;
    std::vector<std::int16_t> semantics;
};

/// Points by area with less weight on walls and ground; of the ground the upper side only, of walls not the outer.
Cloud draw_cloud(const std::vector<Part>& parts, const data::RoomPlan& plan, const PrepareOptions& o, Rng& rng) {
    std::vector<double> weight;
    double sum = 0;
    for (const Part& part : parts) {
        weight.push_back(geom::surface_area(part.mesh) * (part.semantics == kBuilding ? kWallWeight : 1.0));
        sum += weight.back();
    }
    const double x = plan.extent[0] / 2 - plan.wall_thickness + 1e-3,
                 z = plan.extent[1] / 2 - plan.wall_thickness + 1e-3;
    const double top = plan.boards.front().box().hi.y - 1e-4;
    Cloud out;
    for (std::size_t k = 0; k < parts.size(); ++k) {
        const auto n = static_cast<std::size_t>(weight[k] / sum * static_cast<double>(o.samples));
        const geom::SurfaceSamples samples = geom::sample_surface(parts[k].mesh, n, rng);
        for (std::size_t i = 0; i < samples.size(); ++i) {
            const Vec3d p = samples.points[i];
            if (k + 1 == parts.size() && !(p.y > top)) continue;
            if ((plan.walls[0] && p.z < -z) || (plan.walls[1] && p.x < -x) || (plan.walls[2] && p.z > z) ||
                (plan.walls[3] && p.x > x))
                continue;
            out.points.push_back(Vec3f(p)), out.normals.push_back(samples.normals[i]);
            out.semantics.push_back(parts[k].semantics);
        }
    }
    return out;
}

// ----------------------------------------------------------------------------------------------------------- files

/// What was drawn, under the names of the papers' code. Texts (split, names of objects) are in report.json instead.
void write_item_dict(const fs::path& path, std::size_t number, const data::RoomPlan& plan, const MeshObjects& objects,
                     const data::RoomRules& rules) {
    const auto n = static_cast<std::int64_t>(plan.objects.size());
    std::vector<std::int64_t> classes, walls(plan.walls.begin(), plan.walls.end());
    std::vector<double> scales, angles, boxes;
    for (const auto& o : plan.objects) {
        classes.push_back(static_cast<std::int64_t>(objects[o.object].class_number));
        scales.push_back(static_cast<double>(o.size));
        angles.push_back(static_cast<double>(o.yaw_rad) * 180 / std::numbers::pi);
        for (const double v : {o.box.lo.x, o.box.lo.z, o.box.hi.x, o.box.hi.z}) boxes.push_back(v);
    }
    io::TensorFile file;
    const auto add = [&]<class T>(const char* name, std::vector<std::int64_t> shape, const std::vector<T>& values) {
        file.arrays.push_back(io::NamedArray::from(name, std::move(shape), values));
    };
    add("room_idx", {}, std::vector{static_cast<std::int64_t>(number)});
    add("n_objects", {}, std::vector{n});
    add("classes", {n}, classes), add("scales", {n}, scales);
    add("xz_groundplane_range", {2}, std::vector(plan.extent.begin(), plan.extent.end()));
    add("y_angle_range", {2}, std::vector{0.0, 360.0}), add("y_angles", {n}, angles);
    add("wall_probabilities", {4}, std::vector(4, rules.wall_probability)), add("walls", {4}, walls);
    add("wall_thickness", {}, std::vector{plan.wall_thickness});
    add("wall_height_range", {2}, std::vector(rules.height.begin(), rules.height.end()));
    add("wall_height", {1}, std::vector{plan.wall_height});
    add("bboxes", {n, 2, 2}, boxes);
    io::write_npz(path, file, false);
}

PreparedModel begin_report(const MeshSource& room, const data::RoomPlan& plan, const MeshObjects& objects,
                           const std::vector<Part>& parts) {
    PreparedModel report;
    report.model_class = room.id.model_class, report.name = room.id.name, report.split = room.split;
    report.source = fmt::format("room of {} objects", room.room_objects);
    report.scale = 1, report.closed = report.watertight = true;
    for (const auto& o : plan.objects) {
        const PreparedModel& r = objects[o.object].report;
        report.components += r.components, report.boundary_edges += r.boundary_edges;
        report.non_manifold_edges += r.non_manifold_edges, report.turned_faces += r.turned_faces;
        report.closed = report.closed && r.closed, report.watertight = report.watertight && r.watertight;
    }
    report.components += plan.boards.size();
    for (const Part& part : parts) {
        report.vertices += part.mesh.vertices.size(), report.faces += part.mesh.faces.size();
        report.signed_volume += geom::signed_volume(part.mesh);
    }
    return report;
}

geom::TriMesh merged(const std::vector<Part>& parts) {
    geom::TriMesh out;
    for (const Part& part : parts) {
        const auto first = static_cast<std::uint32_t>(out.vertices.size());
        out.vertices.insert(out.vertices.end(), part.mesh.vertices.begin(), part.mesh.vertices.end());
        for (const auto& f : part.mesh.faces) out.faces.push_back({f[0] + first, f[1] + first, f[2] + first});
    }
    return out;
}

void write_room_report(const fs::path& path, const PreparedModel& report, const data::RoomPlan& plan,
                       const MeshObjects& objects, const RoomStock& stock) {
    nlohmann::ordered_json json = model_json(report);
    auto& list = json["objects"] = nlohmann::ordered_json::array();
    for (const auto& o : plan.objects)
        list.push_back({{"class", stock.classes()[objects[o.object].class_number]},
                        {"semantics", objects[o.object].class_number},
                        {"source", objects[o.object].title}});
    write_text(path, json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

}  // namespace

std::vector<MeshSource> room_sources(const PrepareOptions& options) {
    const auto n = static_cast<double>(options.rooms);
    const auto share = [&](double s) {
        const auto k = static_cast<std::size_t>(std::llround(s * n));
        return s > 0 && options.rooms >= 3 ? std::max<std::size_t>(k, 1) : k;
    };
    const std::size_t n_val = std::min(share(options.split[1]), options.rooms);
    const std::size_t n_test = std::min(share(options.split[2]), options.rooms - n_val);
    const std::size_t n_train = options.rooms - n_val - n_test;
    std::vector<MeshSource> out;
    for (int objects = 4; objects <= 8; ++objects)
        for (std::size_t i = 0; i < options.rooms; ++i) {
            MeshSource room;
            room.id = {fmt::format("rooms_{:02}", objects), fmt::format("{:08}", i)};
            room.file = fmt::format("{}/{}", room.id.model_class, room.id.name);
            room.room_objects = objects;
            room.split = kSplits[i < n_train ? 0 : i < n_train + n_val ? 1 : 2];
            out.push_back(std::move(room));
        }
    return out;
}

RoomStock::RoomStock(const PrepareOptions& options) : generated_(options.objects.empty()) {
    PrepareOptions o = options;
    if (generated_) {
        static const std::vector<std::string> kFamilies = {"bumpy", "creature", "furniture", "machine_part", "vessel"};
        o.generate = 1;
        if (o.families.empty()) o.families = kFamilies;
        for (const auto& source : generated_sources(o)) classes_.push_back(source.id.model_class);
        return;
    }
    o.inputs = options.objects;
    const std::vector<MeshSource> all = find_meshes(o);  // sorted by class
    for (std::size_t begin = 0, end = 0; begin < all.size(); begin = end) {
        const std::string& name = all[begin].id.model_class;
        std::vector<std::string> models;
        for (end = begin; end < all.size() && all[end].id.model_class == name; ++end)
            models.push_back(all[end].id.name);
        const auto splits = split_models(name, models, options);
        classes_.push_back(name);
        for (std::size_t s = 0; s < 3; ++s) {
            auto& into = meshes_[s].emplace_back();
            for (std::size_t i = begin; i < end; ++i)
                if (std::find(splits[s].begin(), splits[s].end(), all[i].id.name) != splits[s].end())
                    into.push_back(all[i]);
            if (!into.empty() || !(options.split[s] > 0)) continue;
            log_warning("{}: {} meshes are too few for three splits; the {} rooms hold all of them", name, end - begin,
                        kSplits[s]);
            into.assign(all.begin() + static_cast<std::ptrdiff_t>(begin),
                        all.begin() + static_cast<std::ptrdiff_t>(end));
        }
    }
    if (classes_.size() > 30000) fail(ErrorKind::usage, "--objects: {} classes are too many", classes_.size());
}

std::string RoomStock::semantics_text() const {
    std::string out = fmt::format("{} wall or ground\n", kBuilding);
    for (std::size_t i = 0; i < classes_.size(); ++i) out += fmt::format("{} {}\n", i, classes_[i]);
    return out;
}

MeshSource RoomStock::draw(const MeshSource& room, std::size_t k, Rng& rng, std::size_t& class_number) const {
    class_number = rng.below(classes_.size());
    if (generated_) {
        const data::ModelId id{classes_[class_number], fmt::format("{}_{}_{}", room.id.model_class, room.id.name, k)};
        return {fmt::format("generated {}/{}", id.model_class, id.name), id, true, 0, {}};
    }
    const auto& models = meshes_[split_number(room.split)][class_number];
    return models[rng.below(models.size())];
}

PreparedModel make_room(const fs::path& folder, const MeshSource& room, const RoomStock& stock,
                        const PrepareOptions& options) {
    const Timer timer;
    Rng root = model_rng(options.seed, room.id);
    Rng plan_rng = root.split(), cloud_rng = root.split(), point_rng = root.split();
    const data::RoomRules rules = data::RoomRules::paper(room.room_objects);
    MeshObjects objects(room, stock, options);
    return with_context(room.file.string(), [&] {
        const data::RoomPlan plan = data::plan_room(rules, objects, plan_rng);
        const std::vector<Part> parts = make_parts(plan, objects, options);
        PreparedModel report = begin_report(room, plan, objects, parts);
        // A number that is no class, as in the papers' code: as many as there are meshes.
        const auto nothing = static_cast<std::int16_t>(std::max(parts.size(), stock.classes().size()));
        write_folder(folder, [&](const fs::path& at) {
            fs::create_directories(at / "pointcloud"), fs::create_directories(at / "points_iou");
            std::size_t filled = 0;
            for (int f = 0; f < options.room_files; ++f) {
                const Cloud cloud = draw_cloud(parts, plan, options, cloud_rng);
                data::write_room_cloud_file(at / "pointcloud" / fmt::format("pointcloud_{:02}.npz", f), cloud.points,
                                            cloud.normals, cloud.semantics, options.half);
                if (f == 0) {
                    geom::PointCloud shown;
                    for (const auto& p : cloud.points) shown.points.push_back(Vec3d(p));
                    shown.normals = cloud.normals;
                    io::write_ply(at / "pointcloud0.ply", shown);
                }
                const Labelled points = label_points(parts, nothing, options, point_rng, f == 0 ? &report : nullptr);
                filled += static_cast<std::size_t>(std::count(points.inside.begin(), points.inside.end(), 1));
                data::write_room_points_file(at / "points_iou" / fmt::format("points_iou_{:02}.npz", f), points.points,
                                             points.inside, points.semantics, options.half);
            }
            report.inside = static_cast<double>(filled) /
                            (static_cast<double>(options.points) * static_cast<double>(options.room_files));
            report.volume = report.inside * std::pow(1 + options.padding, 3);
            write_item_dict(at / "item_dict.npz", static_cast<std::size_t>(std::stoull(room.id.name)), plan, objects,
                            rules);
            if (options.keep_meshes) io::write_ply(at / "mesh.ply", merged(parts));
            report.seconds = timer.seconds();
            write_room_report(at / "report.json", report, plan, objects, stock);
        });
        return report;
    });
}

}  // namespace nir::pipeline
