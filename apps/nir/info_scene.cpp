// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// nir info for folders of posed photos.
#include "nir/pipeline/scene.h"

#include "verb.h"

#include <fmt/ranges.h>

#include <numbers>

namespace nir::app {
namespace {

using Json = nlohmann::ordered_json;

Json list(const geom::Vec3d& v) { return {v.x, v.y, v.z}; }
std::string text(const geom::Vec3d& v) { return fmt::format("{:.5g} {:.5g} {:.5g}", v.x, v.y, v.z); }
const char* text(geom::Severity s) {
    return s == geom::Severity::error ? "error" : s == geom::Severity::warning ? "warning" : "note";
}

/// "+z", or the vector where no axis is near.
std::string axis_of(const geom::Vec3d& up) {
    constexpr const char* kNames[3] = {"x", "y", "z"};
    if (norm(up) < 0.25) return "not clear";
    const geom::Vec3d u = normalized(up);
    for (int a = 0; a < 3; ++a)
        if (std::abs(u[a]) > 0.9) return (u[a] > 0 ? "+" : "-") + std::string(kNames[a]);
    return text(u);
}

void fill_json(const pipeline::SceneInfo& info, Json& json) {
    const io::Scene& s = info.scene;
    json["kind"] = "scene", json["format"] = s.layout;
    json["views"] = {
        {"train", s.count(io::Split::train)}, {"val", s.count(io::Split::val)}, {"test", s.count(io::Split::test)}};
    json["missing_images"] = info.report.missing_images;
    Json& cameras = json["cameras"] = Json::array();
    for (const geom::Camera& c : s.cameras)
        cameras.push_back({{"width", c.width},
                           {"height", c.height},
                           {"fl_x", c.fx},
                           {"fl_y", c.fy},
                           {"cx", c.cx},
                           {"cy", c.cy},
                           {"lens", geom::name_of(c.lens.model)}});
    json["points"] = s.points.size();
    if (info.report.focus) {
        json["focus"] = list(*info.report.focus);
        json["focus_distance"] = info.report.focus_distance;
    }
    json["up"] = list(info.report.up);
    json["box"] = {
        {"lo", list(info.report.box.box.lo)}, {"hi", list(info.report.box.box.hi)}, {"origin", info.report.box.origin}};
    Json& findings = json["findings"] = Json::array();
    for (const auto& f : info.report.findings) findings.push_back({{"severity", text(f.severity)}, {"text", f.text}});
    json["notes"] = s.notes;
    json["suggestion"] = info.suggestion;
}

void print_cameras(const io::Scene& s, const VerbContext& c) {
    constexpr std::size_t kShown = 4;
    for (std::size_t i = 0; i < std::min(s.cameras.size(), kShown); ++i) {
        const geom::Camera& k = s.cameras[i];
        c.print("camera     {} x {}, focal length {:.2f} {:.2f}, centre {:.2f} {:.2f}, {}, {:.1f} degrees across\n",
                k.width, k.height, k.fx, k.fy, k.cx, k.cy, geom::name_of(k.lens.model),
                k.fov_x_rad() * 180 / std::numbers::pi);
    }
    if (s.cameras.size() > kShown) c.print("           and {} more (--json lists all)\n", s.cameras.size() - kShown);
}

}  // namespace

void run_info_scene(const std::string& path, const std::string& picture, VerbContext& c) {
    const auto info = pipeline::scene_info(
        path, picture.empty() ? std::nullopt : std::optional<std::filesystem::path>(picture), c.timer);
    const io::Scene& s = info.scene;
    fill_json(info, c.json);
    c.print("format     {}\n", s.layout);
    c.print("views      {} train, {} val, {} test{}\n", s.count(io::Split::train), s.count(io::Split::val),
            s.count(io::Split::test),
            info.report.missing_images ? fmt::format("; {} without picture", info.report.missing_images) : "");
    print_cameras(s, c);
    if (s.points.size() > 0) c.print("points     {}\n", s.points.size());
    if (info.report.focus)
        c.print("looks at   {}, from {:.4g} away (median)\n", text(*info.report.focus), info.report.focus_distance);
    c.print("up         {}\n", axis_of(info.report.up));
    c.print("box        {}  to  {}  ({})\n", text(info.report.box.box.lo), text(info.report.box.box.hi),
            info.report.box.origin);
    for (const auto& f : info.report.findings) c.print("{:<10} {}\n", text(f.severity), f.text);
    if (info.report.findings.empty()) c.print("check      nothing looks wrong\n");
    for (const std::string& note : s.notes) c.print("note       {}\n", note);
    if (!picture.empty()) c.print("picture    {}\n", picture);
    c.print("next       {}\n", info.suggestion);
}

}  // namespace nir::app
