// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// What prepare has to say: JSON for programs, a page for people.
#include "nir/base/error.h"
#include "nir/io/file_bytes.h"

#include "pipeline/prepare_parts.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace nir::pipeline {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kNamed = 12;  // worst meshes in the text

double mean(const std::vector<PreparedModel>& models, double PreparedModel::*member, bool closed_only) {
    double sum = 0, n = 0;
    for (const auto& m : models)
        if (m.closed || !closed_only) sum += m.*member, ++n;
    return n > 0 ? sum / n : 0;
}

/// Calls f("name", member) for every stored figure.
template <class Model, class F>
void visit(Model& m, F&& f) {
    f("class", m.model_class), f("name", m.name), f("source", m.source), f("split", m.split);
    f("vertices", m.vertices), f("faces", m.faces), f("components", m.components);
    f("boundary_edges", m.boundary_edges), f("non_manifold_edges", m.non_manifold_edges);
    f("turned_faces", m.turned_faces), f("closed", m.closed), f("watertight", m.watertight);
    f("parity_agreement", m.parity_agreement), f("doubtful", m.doubtful), f("inside", m.inside);
    f("volume", m.volume), f("signed_volume", m.signed_volume), f("scale", m.scale), f("center", m.center);
    f("seconds", m.seconds);
}

Json totals_json(const PrepareResult& r) {
    const auto count = [&](auto&& is) { return std::count_if(r.models.begin(), r.models.end(), is); };
    std::vector<std::string> classes;
    for (const auto& m : r.models)
        if (classes.empty() || classes.back() != m.model_class) classes.push_back(m.model_class);
    return {{"models", r.models.size()},
            {"classes", classes},
            {"failed", r.failed.size()},
            {"train", r.split_sizes[0]},
            {"val", r.split_sizes[1]},
            {"test", r.split_sizes[2]},
            {"watertight", count([](const auto& m) { return m.watertight; })},
            {"closed", count([](const auto& m) { return m.closed; })},
            {"good", count([](const auto& m) { return m.verdict() == "good"; })},
            {"open", count([](const auto& m) { return m.verdict() == "open"; })},
            {"doubtful_models", count([](const auto& m) { return m.verdict() == "doubtful"; })},
            {"empty", count([](const auto& m) { return m.verdict() == "empty"; })},
            {"kept", count([](const auto& m) { return m.kept; })},
            {"parity_agreement", mean(r.models, &PreparedModel::parity_agreement, false)},
            {"parity_agreement_closed", mean(r.models, &PreparedModel::parity_agreement, true)},
            {"doubtful", mean(r.models, &PreparedModel::doubtful, false)},
            {"seconds_per_model", mean(r.models, &PreparedModel::seconds, false)}};
}

}  // namespace

std::vector<const PreparedModel*> PrepareResult::worst() const {
    std::vector<const PreparedModel*> out;
    for (const auto& m : models)
        if (m.verdict() != "good") out.push_back(&m);
    const auto badness = [](const PreparedModel& m) {
        return (m.verdict() == "empty" ? 2.0 : 0.0) + m.doubtful + (1 - m.parity_agreement);
    };
    std::stable_sort(out.begin(), out.end(), [&](auto* a, auto* b) { return badness(*a) > badness(*b); });
    return out;
}

Json options_json(const PrepareOptions& o) {
    Json json = {{"points", o.points},
                 {"uniform_ratio", o.uniform_ratio},
                 {"near_sigma", o.near_sigma},
                 {"padding", o.padding},
                 {"samples", o.samples},
                 {"voxels", o.voxels},
                 {"voxel_rule", o.voxel_surface ? "surface" : "centre"},
                 {"labels", o.parity ? "parity" : "winding"},
                 {"winding_accuracy", o.winding_accuracy},
                 {"surface_points", o.surface_points},
                 {"generated_cells", o.generated_cells},
                 {"views", o.views},
                 {"azimuth", o.azimuth},
                 {"view_size", o.view_size},
                 {"up", o.z_up ? "z" : "y"},
                 {"type", o.half ? "float16" : "float32"},
                 {"seed", o.seed}};
    if (o.photos > 0) json["photos"] = o.photos, json["photo_size"] = o.photo_size, json["lit"] = o.lit;
    if (o.rooms == 0) return json;
    json["rooms"] = o.rooms;  // of each kind: their splits follow from it
    json["room_files"] = o.room_files;
    json["split"] = o.split;
    json["families"] = o.families;
    auto& objects = json["objects"] = Json::array();
    for (const auto& path : o.objects) objects.push_back(path.string());
    return json;
}

Json model_json(const PreparedModel& model) {
    Json json = Json::object();
    visit(model, [&](const char* name, const auto& value) { json[name] = value; });
    json["verdict"] = model.verdict();
    return json;
}

PreparedModel model_from_json(const Json& json) {
    PreparedModel model;
    try {
        visit(model, [&](const char* name, auto& value) { json.at(name).get_to(value); });
    } catch (const nlohmann::json::exception& e) {
        const std::string_view text = e.what();
        fail(ErrorKind::format, "is no report of nir prepare ({})", text.substr(0, 120));
    }
    return model;
}

PreparedModel read_model_report(const std::filesystem::path& folder) {
    return io::read_path(folder / "report.json", [](std::string_view text) {
        const Json json = Json::parse(text, nullptr, false);
        if (!json.is_object()) fail(ErrorKind::format, "is no report of nir prepare");
        return model_from_json(json);
    });
}

std::string prepare_report_json(const PrepareResult& result, const PrepareOptions& options) {
    Json json = {{"options", options_json(options)}, {"totals", totals_json(result)}};
    if (options.generate > 0)
        json["options"]["generate"] = {{"per_family", options.generate}, {"families", json["totals"]["classes"]}};
    auto& models = json["models"] = Json::array();
    for (const auto& m : result.models) models.push_back(model_json(m));
    auto& failed = json["failed"] = Json::array();
    for (const auto& f : result.failed) failed.push_back({{"file", f.file.string()}, {"reason", f.reason}});
    auto& packed = json["packed"] = Json::array();
    for (const auto& p : result.packed)
        packed.push_back({{"file", p.file.string()},
                          {"split", p.split},
                          {"models", p.models},
                          {"bytes", p.bytes},
                          {"voxels", p.voxels},
                          {"views", p.views}});
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string prepare_report_text(const PrepareResult& r, const PrepareOptions& o) {
    std::string text;
    const auto line = [&]<class... A>(fmt::format_string<A...> f, A&&... args) {
        text += fmt::format(f, std::forward<A>(args)...) + "\n";
    };
    if (!r.models.empty()) {
        const Json t = totals_json(r);
        const auto n = [&](const char* key) { return t[key].get<std::int64_t>(); };
        line("{} models of {} classes in {}: {} train, {} val, {} test{}", r.models.size(), t["classes"].size(),
             o.out.string(), r.split_sizes[0], r.split_sizes[1], r.split_sizes[2],
             n("kept") > 0 ? fmt::format("; {} kept from an earlier run", n("kept")) : "");
        line("{} watertight, {} closed; labels: {} good, {} open, {} doubtful, {} empty", n("watertight"), n("closed"),
             n("good"), n("open"), n("doubtful_models"), n("empty"));
        line(
            "ray parity agrees with the winding number at {:.4f} % of the points ({:.4f} % on closed meshes); {:.4f} % "
            "are doubtful",
            100 * t["parity_agreement"].get<double>(), 100 * t["parity_agreement_closed"].get<double>(),
            100 * t["doubtful"].get<double>());
        const auto worst = r.worst();
        if (!worst.empty()) line("worst meshes:");
        for (std::size_t i = 0; i < std::min(worst.size(), kNamed); ++i) {
            const PreparedModel& m = *worst[i];
            line("  {:<8}  {}/{}: {:.2f} % doubtful, parity agrees at {:.2f} %, {} open edges, {} components ({})",
                 m.verdict(), m.model_class, m.name, 100 * m.doubtful, 100 * m.parity_agreement, m.boundary_edges,
                 m.components, m.source);
        }
        if (worst.size() > kNamed) line("  and {} more in {}", worst.size() - kNamed, r.report.string());
    }
    for (const auto& p : r.packed)
        line("{}: {} models, {:.1f} MB{}{}", p.file.string(), p.models, static_cast<double>(p.bytes) / 1e6,
             p.voxels ? ", voxel grids" : "", p.views ? ", pictures" : "");
    for (const auto& f : r.failed) line("not used: {}", f.reason);
    return text;
}

}  // namespace nir::pipeline
