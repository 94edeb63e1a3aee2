// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// nir evaluate: meshes, clouds and radiance fields against the truth, each figure with its convention.
#include "nir/base/error.h"
#include "nir/pipeline/evaluate.h"
#include "nir/pipeline/light.h"
#include "nir/pipeline/radiance_evaluate.h"
#include "nir/pipeline/radiance_render.h"

#include "verb.h"

#include <algorithm>
#include <cmath>
#include <memory>

namespace nir::app {
namespace {

using nlohmann::ordered_json;

struct Arguments {
    pipeline::EvaluateOptions options;
    pipeline::EvaluateRadianceOptions radiance;
    std::string protocol = "nir", prediction, truth;
    bool no_volume = false, no_exact = false;
};

ordered_json json_value(const geom::Metric& m, bool mean) {
    if (std::isnan(m.value)) return nullptr;
    if (!mean && (m.name == "watertight" || m.name == "oriented")) return m.value != 0.0;
    if (!mean && m.name == "components") return static_cast<std::int64_t>(m.value);
    return m.value;
}

void add_metrics(ordered_json& json, const geom::Evaluation& e, bool mean) {
    for (const auto& m : e.metrics) json[m.name] = json_value(m, mean);
    json["notes"] = e.notes;
}

void write_json(VerbContext& context, const pipeline::EvaluateResult& result, const Arguments& a) {
    auto& json = context.json;
    json["prediction"] = a.options.prediction.string();
    json["truth"] = a.options.truth.string();
    json["protocol"] = a.protocol;
    const geom::Evaluation& shown = result.folders ? result.mean : result.pairs.front().evaluation;
    if (result.folders) json["pairs_measured"] = result.pairs.size();
    add_metrics(json, shown, result.folders);
    auto& conventions = json["conventions"] = ordered_json::object();
    for (const auto& m : shown.metrics) conventions[m.name] = m.convention;
    if (!result.folders) return;
    auto& pairs = json["pairs"] = ordered_json::array();
    for (const auto& p : result.pairs) {
        ordered_json row = {{"truth", p.truth.string()}};
        row["prediction"] = p.prediction.empty() ? ordered_json(nullptr) : ordered_json(p.prediction.string());
        add_metrics(row, p.evaluation, false);
        pairs.push_back(std::move(row));
    }
    auto& unmatched = json["unmatched"] = ordered_json::array();
    for (const auto& p : result.unmatched) unmatched.push_back(p.string());
}

std::string text_value(const geom::Metric* m) {
    return m == nullptr || std::isnan(m->value) ? "-" : fmt::format("{:.6g}", m->value);
}

void print_pairs(const VerbContext& context, const pipeline::EvaluateResult& result) {
    constexpr const char* kColumns[] = {
        "chamfer_l1", "chamfer_l1_p2s", "normal_consistency", "f_score_1", "f_score_0_5_p2s", "iou", "watertight"};
    std::size_t width = 10;
    for (const auto& p : result.pairs)
        width = std::max(width, (p.prediction.empty() ? p.truth : p.prediction).filename().string().size());
    context.print("{:<{}}", "prediction", width);
    for (const char* c : kColumns)
        if (result.mean.find(c) != nullptr)
            context.print("  {:>{}}", c, std::max<std::size_t>(10, std::string(c).size()));
    context.print("\n");
    for (const auto& p : result.pairs) {
        context.print("{:<{}}", (p.prediction.empty() ? p.truth : p.prediction).filename().string(), width);
        for (const char* c : kColumns)
            if (result.mean.find(c) != nullptr)
                context.print("  {:>{}}", text_value(p.evaluation.find(c)),
                              std::max<std::size_t>(10, std::string(c).size()));
        context.print("{}\n", p.prediction.empty()            ? "  no prediction file"
                              : p.evaluation.empty_prediction ? "  empty"
                                                              : "");
    }
    context.print("\nmean of {} pairs\n", result.pairs.size());
}

void print_text(const VerbContext& context, const pipeline::EvaluateResult& result, const std::string& protocol) {
    context.print("protocol {}\n", protocol);
    if (result.folders) print_pairs(context, result);
    const geom::Evaluation& e = result.folders ? result.mean : result.pairs.front().evaluation;
    std::size_t width = 0;
    for (const auto& m : e.metrics) width = std::max(width, m.name.size());
    for (const auto& m : e.metrics) context.print("{:<{}}  {:>12}  {}\n", m.name, width, text_value(&m), m.convention);
    for (const auto& n : e.notes) context.print("note: {}\n", n);
}

void evaluate_radiance(const pipeline::EvaluateRadianceOptions& options, VerbContext& context) {
    const auto r = pipeline::evaluate_radiance(options, context.progress, context.timer);
    auto& json = context.json;
    json["prediction"] = options.model.string(), json["truth"] = r.scene;
    json["protocol"] = options.protocol, json["split"] = r.split;
    json["psnr"] = r.psnr;
    json["ssim"] = std::isnan(r.ssim) ? ordered_json(nullptr) : ordered_json(r.ssim);
    json["seconds_per_view"] = r.seconds_per_view;
    json["conventions"] = {{"psnr", r.psnr_convention}, {"ssim", r.ssim_convention}};
    json["notes"] = r.notes;
    auto& views = json["views"] = ordered_json::array();
    std::size_t width = 4;
    for (const auto& v : r.views) {
        views.push_back({{"name", v.name}, {"psnr", v.psnr}, {"ssim", v.ssim}, {"seconds", v.seconds}});
        width = std::max(width, v.name.size());
    }
    context.print("protocol {}, {} views of {}\n", options.protocol, r.split, r.scene);
    context.print("{:<{}}  {:>7}  {:>7}\n", "view", width, "psnr", "ssim");
    for (const auto& v : r.views) context.print("{:<{}}  {:>7.2f}  {:>7.4f}\n", v.name, width, v.psnr, v.ssim);
    context.print("\npsnr  {:>8.3f}  {}\n", r.psnr, r.psnr_convention);
    context.print("ssim  {:>8.4f}  {}\n", r.ssim, r.ssim_convention);
    for (const auto& n : r.notes) context.print("note: {}\n", n);
}

void evaluate_light(const pipeline::EvaluateLightOptions& options, VerbContext& context) {
    const auto r = pipeline::evaluate_light(options, context.progress, context.timer);
    auto& json = context.json;
    json["prediction"] = options.model.string(), json["truth"] = r.scene, json["protocol"] = "nir";
    json["psnr"] = r.psnr, json["psnr_foreground"] = r.psnr_foreground, json["ssim"] = r.ssim;
    json["seconds_per_view"] = r.seconds_per_view, json["convention"] = r.convention;
    auto& views = json["views"] = ordered_json::array();
    for (const auto& v : r.views) views.push_back({{"name", v.name}, {"psnr", v.psnr}});
    for (const auto& v : r.views) context.print("{:<24} {:>7.2f}\n", v.name, v.psnr);
    context.print("\npsnr  {:>8.3f}  (object alone {:.3f})  {}\nssim  {:>8.4f}\n", r.psnr, r.psnr_foreground,
                  r.convention, r.ssim);
}

}  // namespace

VerbRun add_evaluate(CLI::App& app) {
    auto a = std::make_shared<Arguments>();
    auto& e = a->options.evaluation;
    std::vector<std::string> names;
    std::string summaries;
    for (const auto& p : geom::evaluation_protocols()) {
        names.emplace_back(p.name);
        summaries += fmt::format("{}{} ({})", summaries.empty() ? "" : "; ", p.name, p.summary);
    }
    std::string pictures;
    for (const auto& p : pipeline::image_protocols()) {
        pictures += fmt::format("{}{} ({})", pictures.empty() ? "" : "; ", p.name, p.summary);
        if (std::find(names.begin(), names.end(), p.name) == names.end()) names.emplace_back(p.name);
    }
    summaries += ". Radiance fields: " + pictures;
    app.add_option(
           "PRED", a->prediction,
           "Mesh, cloud, voxel grid (binvox), or folder of them; or a radiance or light field (model or run folder)")
        ->required();
    app.add_option("--truth,TRUTH", a->truth,
                   "What is right: mesh, cloud with normals, or folder of them; of a radiance field: posed photos "
                   "[those that it was trained with]");
    auto& r = a->radiance;
    auto* split_given = app.add_option("--split", r.split, "Radiance fields: the photos that are compared")
                            ->check(CLI::IsMember({"train", "val", "test"}))
                            ->capture_default_str();
    app.add_option("--views", r.views, "Radiance fields: at most so many views [all]");
    app.add_option("--pictures", r.pictures,
                   "Radiance fields: a folder for photo, rendering and difference side by side")
        ->type_name("DIR");
    app.add_option("--protocol", a->protocol, summaries)->check(CLI::IsMember(names))->capture_default_str();
    app.add_option("--samples", e.samples, "Points drawn on each surface and in the volume")
        ->check(CLI::Range(std::size_t{1}, std::size_t{100000000}))
        ->capture_default_str();
    app.add_option("--unit", e.unit,
                   "Length that relative thresholds and the IoU box refer to; default: longest side of the truth's box "
                   "(nir), 1 (onet, convonet)")
        ->check(CLI::PositiveNumber);
    app.add_option("--threshold", e.thresholds, "Also F-scores at these distances, user units")
        ->check(CLI::PositiveNumber);
    app.add_flag("--crop", e.crop, "Leave out predicted surface outside the truth's box (open scenes)");
    app.add_flag("--no-volume", a->no_volume, "No IoU");
    app.add_flag("--no-exact", a->no_exact, "No distances to the triangles themselves");
    return [a, split_given](VerbContext& context) {
        if (const auto model = pipeline::radiance_model_file(a->prediction)) {
            a->radiance.model = *model, a->radiance.scene = a->truth, a->radiance.protocol = a->protocol;
            evaluate_radiance(a->radiance, context);
            return;
        }
        if (const auto model = pipeline::light_model_file(a->prediction)) {
            if (a->protocol != "nir")
                fail(ErrorKind::usage, "--protocol {}: light fields are compared by nir", a->protocol);
            evaluate_light({*model, a->truth, split_given->count() > 0 ? a->radiance.split : "all", a->radiance.views,
                            a->radiance.pictures},
                           context);
            return;
        }
        if (a->truth.empty()) fail(ErrorKind::usage, "{}: compared with what? --truth is missing", a->prediction);
        a->options.prediction = a->prediction, a->options.truth = a->truth;
        auto& options = a->options.evaluation;
        bool known = false;
        for (const auto& p : geom::evaluation_protocols())
            if (p.name == a->protocol) options.protocol = p.protocol, known = true;
        if (!known) fail(ErrorKind::usage, "--protocol {} is for radiance fields", a->protocol);
        options.volume = !a->no_volume, options.exact = !a->no_exact, options.seed = context.seed;
        const auto result = pipeline::evaluate(a->options, context.progress, context.timer);
        write_json(context, result, *a);
        print_text(context, result, a->protocol);
    };
}

}  // namespace nir::app
