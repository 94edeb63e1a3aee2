// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// nir info: what is in a file.
#include "nir/base/error.h"
#include "nir/io/scene.h"
#include "nir/pipeline/info.h"

#include "verb.h"

#include <fmt/ranges.h>

#include <cmath>
#include <memory>

namespace nir::app {

void run_info_scene(const std::string& path, const std::string& picture, VerbContext& context);  // info_scene.cpp

namespace {

using Json = nlohmann::ordered_json;
using pipeline::FileInfo;

Json list(const geom::Vec3d& v) { return {v.x, v.y, v.z}; }
std::string text(const geom::Vec3d& v) { return fmt::format("{:.9g} {:.9g} {:.9g}", v.x, v.y, v.z); }
const char* text(geom::Severity s) {
    return s == geom::Severity::error ? "error" : s == geom::Severity::warning ? "warning" : "note";
}

std::vector<std::string> columns_of(const FileInfo& i) {
    std::vector<std::string> names;
    if (i.normals) names.emplace_back("normals");
    if (i.colors) names.emplace_back("colours");
    if (i.confidence) names.emplace_back("confidence");
    if (i.sensors) names.emplace_back("sensor positions");
    return names;
}

Json mesh_json(const geom::MeshReport& m) {
    return {{"watertight", m.watertight()},
            {"closed", m.closed},
            {"oriented", m.oriented},
            {"outward", m.outward},
            {"manifold", m.manifold()},
            {"components", m.components},
            {"euler_characteristic", m.euler_characteristic},
            {"genus", m.genus()},
            {"boundary_edges", m.boundary_edges},
            {"non_manifold_edges", m.non_manifold_edges},
            {"degenerate_faces", m.degenerate_faces},
            {"duplicate_faces", m.duplicate_faces},
            {"unused_vertices", m.unused_vertices},
            {"area", m.area},
            {"volume", m.signed_volume}};
}

void fill_json(const FileInfo& i, Json& json) {
    json["format"] = i.format, json["encoding"] = i.encoding, json["kind"] = i.kind, json["file_bytes"] = i.file_bytes;
    if (i.points > 0 || i.kind == "points" || i.kind == "mesh") {
        json["points"] = i.points, json["faces"] = i.faces, json["non_finite"] = i.non_finite;
        json["normals"] = i.normals, json["colors"] = i.colors, json["confidence"] = i.confidence,
        json["sensors"] = i.sensors;
        json["needs_double"] = i.geo_referenced;
        Json& findings = json["findings"] = Json::array();
        for (const auto& f : i.findings) findings.push_back({{"severity", text(f.severity)}, {"text", f.text}});
    }
    if (!i.bounds.empty()) json["bounds"] = {{"lo", list(i.bounds.lo)}, {"hi", list(i.bounds.hi)}};
    if (i.spacing)
        json["spacing"] = {{"nearest", i.spacing->nearest},
                           {"surface", i.spacing->surface},
                           {"noise", i.spacing->noise},
                           {"area", i.spacing->area}};
    if (i.mesh) {
        json["watertight"] = i.mesh->watertight();
        json["mesh"] = mesh_json(*i.mesh);
    }
    if (i.size != geom::Vec3i{}) json["size"] = {i.size.x, i.size.y, i.size.z};
    if (i.kind == "voxel grid") json["filled"] = i.filled, json["cell"] = i.cell;
    if (!i.arrays.empty()) {
        Json& arrays = json["arrays"] = Json::array();
        for (const auto& a : i.arrays)
            arrays.push_back({{"name", a.name},
                              {"type", a.type},
                              {"shape", a.shape},
                              {"lo", a.lo},
                              {"hi", a.hi},
                              {"non_finite", a.non_finite}});
    }
    if (!i.metadata.empty()) json["metadata"] = i.metadata;
    json["ignored"] = i.ignored;
    json["suggestion"] = i.suggestion;
}

void print_geometry(const FileInfo& i, const VerbContext& c) {
    c.print("points     {}{}\n", i.points,
            i.non_finite > 0 ? fmt::format(", {} of them not finite", i.non_finite) : "");
    if (i.faces > 0)
        c.print("triangles  {}{}\n", i.faces,
                i.polygons != i.faces ? fmt::format(" (of {} polygons)", i.polygons) : "");
    const auto columns = columns_of(i);
    c.print("columns    {}\n", columns.empty() ? "coordinates only" : fmt::format("{}", fmt::join(columns, ", ")));
    if (!i.bounds.empty()) {
        c.print("bounds     {}  to  {}\n", text(i.bounds.lo), text(i.bounds.hi));
        c.print("size       {}{}\n", text(i.bounds.size()), i.geo_referenced ? "  (coordinates need doubles)" : "");
    }
    if (i.spacing) {
        c.print(
            "spacing    {:.4g} to the nearest point (median), {:.4g} on the surface; longest side {:.0f} spacings; "
            "noise "
            "along the normal about {:.2g}\n",
            i.spacing->nearest, i.spacing->surface,
            i.spacing->surface > 0 ? i.bounds.longest_side() / i.spacing->surface : 0.0, i.spacing->noise);
    }
    if (i.mesh)
        c.print("surface    {}, area {:.6g}, volume {:.6g}\n", i.mesh->summary(), i.mesh->area, i.mesh->signed_volume);
    for (const auto& f : i.findings) c.print("{:<10} {}\n", text(f.severity), f.text);
}

void print_text(const FileInfo& i, const VerbContext& c) {
    c.print("format     {}{}{}, {} bytes\n", i.format, i.encoding.empty() ? "" : ", ", i.encoding, i.file_bytes);
    c.print("holds      {}\n", i.kind == "points" || i.kind == "arrays" ? i.kind : "a " + i.kind);
    if (i.kind == "points" || i.kind == "mesh") print_geometry(i, c);
    if (i.kind == "voxel grid") {
        c.print("cells      {} x {} x {}, {} filled, {:.6g} wide\n", i.size.x, i.size.y, i.size.z, i.filled, i.cell);
        c.print("bounds     {}  to  {}\n", text(i.bounds.lo), text(i.bounds.hi));
    }
    if (i.kind == "image") c.print("pixels     {} x {}, {} channels\n", i.size.x, i.size.y, i.size.z);
    for (const auto& [key, value] : i.metadata) {
        const bool long_text = value.size() > 80 || value.find('\n') != std::string::npos;
        c.print("metadata   {}: {}\n", key, long_text ? fmt::format("({} bytes of text)", value.size()) : value);
    }
    constexpr std::size_t kShown = 40;
    for (std::size_t k = 0; k < i.arrays.size() && k < kShown; ++k) {
        const auto& a = i.arrays[k];
        c.print("array      {} {} {}, {:.6g} to {:.6g}{}\n", a.name, a.type, a.shape, a.lo, a.hi,
                a.non_finite > 0 ? fmt::format(", {} not finite", a.non_finite) : "");
    }
    if (i.arrays.size() > kShown) c.print("           and {} more (--json lists all)\n", i.arrays.size() - kShown);
    if (!i.ignored.empty()) c.print("not used   {}\n", fmt::join(i.ignored, ", "));
    c.print("next       {}\n", i.suggestion);
}

}  // namespace

VerbRun add_info(CLI::App& app) {
    auto path = std::make_shared<std::string>(), picture = std::make_shared<std::string>();
    app.add_option("PATH", *path, "Points, mesh, voxel grid, image, arrays, model, or a folder of posed photos")
        ->required();
    app.add_option("--preview", *picture, "Posed photos: a picture of the cameras, the box and the sparse points")
        ->type_name("PNG");
    return [path, picture](VerbContext& context) {
        if (io::looks_like_scene(*path)) {
            run_info_scene(*path, *picture, context);
            return;
        }
        if (!picture->empty()) fail(ErrorKind::usage, "--preview draws posed photos; {} are none", *path);
        const FileInfo info = pipeline::info(*path, context.timer);
        fill_json(info, context.json);
        print_text(info, context);
    };
}

}  // namespace nir::app
