// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/evaluation.h"

#include "nir/base/error.h"

#include "geom/evaluation_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace nir::geom {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
using Better = Metric::Better;

/// "0.5" -> "0_5": names stay usable as keys.
std::string percent_name(double percent) {
    std::string s = fmt::format("{:g}", percent);
    std::replace(s.begin(), s.end(), '.', '_');
    return s;
}

double or_undefined(const std::optional<double>& v) { return v.value_or(kUndefined); }

}  // namespace

const std::vector<ProtocolInfo>& evaluation_protocols() {
    static const std::vector<ProtocolInfo> kTable = {
        {EvaluationProtocol::nir, "nir",
         "user units, thresholds relative to the truth's size, exact surface distances, stratified IoU"},
        {EvaluationProtocol::onet, "onet", "Occupancy Networks: unit cube, 100,000 point samples, vertical parity"},
        {EvaluationProtocol::convonet, "convonet", "Convolutional Occupancy Networks: as onet, with F-scores"},
    };
    return kTable;
}

const Metric* Evaluation::find(std::string_view name) const {
    for (const auto& m : metrics)
        if (m.name == name) return &m;
    return nullptr;
}

double Evaluation::value(std::string_view name) const {
    const Metric* m = find(name);
    if (m == nullptr) fail(ErrorKind::internal, "no metric of the name {}", name);
    return m->value;
}

struct Evaluator::Impl {
    EvaluationOptions options;
    MeasuredShape truth;
    bool truth_is_mesh = false;
    double unit = 1.0;
    Box3d box;
    VolumeSamples volume;
    Rng prediction_rng;

    bool papers() const { return options.protocol != EvaluationProtocol::nir; }
    bool exact() const { return options.exact && !papers(); }

    Impl(EvaluationShape truth_shape, EvaluationOptions o) : options(std::move(o)) {
        Rng root(options.seed);
        const Rng truth_rng = root.split(), volume_rng = root.split();
        prediction_rng = root.split();
        truth_is_mesh = std::holds_alternative<TriMesh>(truth_shape);
        truth = measure_shape(truth_shape, papers() && !truth_is_mesh ? 0 : options.samples, truth_rng);
        if (truth.empty()) fail(ErrorKind::input, "the truth has no surface: nothing can be compared with it");
        box = bounds(truth_is_mesh ? truth.mesh.vertices : std::get<PointCloud>(truth_shape).points);
        unit = options.unit > 0.0 ? options.unit : papers() ? 1.0 : box.longest_side();
        if (!(unit > 0.0)) fail(ErrorKind::input, "the truth is a single point: its size cannot serve as the unit");
        if (truth_is_mesh && options.volume) sample_volume(volume_rng);
    }

    void sample_volume(Rng rng) {
        volume =
            papers() ? uniform_volume(unit, options.samples, rng) : stratified_volume(box, unit, options.samples, rng);
        const auto method = papers()              ? InsideMethod::vertical_parity
                            : truth.report.closed ? InsideMethod::parity
                                                  : InsideMethod::winding;
        volume.inside_truth.resize(volume.points.size());
        InsideTest(truth.bvh, method).contains(volume.points, volume.inside_truth);
    }

    std::vector<double> relative_thresholds() const {
        switch (options.protocol) {
            case EvaluationProtocol::nir:
                return {0.01, 0.005, 0.02};
            case EvaluationProtocol::convonet:
                return {0.01, 0.015, 0.02};
            case EvaluationProtocol::onet:
                break;
        }
        return {};
    }

    /// Absolute distances: the protocol's shares of the unit, then the user's own.
    std::vector<double> thresholds() const {
        std::vector<double> t;
        for (const double r : relative_thresholds()) t.push_back(r * unit);
        t.insert(t.end(), options.thresholds.begin(), options.thresholds.end());
        return t;
    }

    Evaluation run(const EvaluationShape& shape) const;
    void crop(MeasuredShape& prediction, Evaluation& out) const;
    void add_sampled(Evaluation& out, const SurfaceMetrics* m) const;
    void add_exact(Evaluation& out, const MeasuredShape& prediction) const;
    void add_volume(Evaluation& out, const MeasuredShape& prediction) const;
    void add_topology(Evaluation& out, const MeasuredShape& prediction) const;
    /// @param otherwise  what stands in for scores that are not there
    void add_f_scores(Evaluation& out, const std::vector<FScore>* scores, double otherwise, std::string_view suffix,
                      std::string_view how) const;
    double intersection(const MeasuredShape& prediction) const;
};

Evaluation Evaluator::Impl::run(const EvaluationShape& shape) const {
    Evaluation out;
    MeasuredShape prediction = measure_shape(shape, options.samples, prediction_rng);
    if (options.crop) crop(prediction, out);
    out.empty_prediction = prediction.empty();
    if (out.empty_prediction) {
        out.notes.push_back(papers() ? "the prediction is empty: distances are sqrt(3) and normals -1 by the protocol"
                                     : "the prediction is empty: distances are not defined, scores are 0");
        add_sampled(out, nullptr);
    } else {
        const auto m = surface_metrics(nearest_distances(prediction.oriented(), truth.oriented()),
                                       nearest_distances(truth.oriented(), prediction.oriented()), thresholds());
        add_sampled(out, &m);
        if (truth.normals.empty() || prediction.normals.empty())
            out.notes.push_back(fmt::format("the {} is a cloud without normals: normals are not compared",
                                            truth.normals.empty() ? "truth" : "prediction"));
    }
    if (prediction.is_cloud())
        out.notes.push_back(
            "the prediction is a cloud: figures of a volume, of triangles and of their topology are not defined for "
            "it");
    if (exact()) add_exact(out, prediction);
    if (truth_is_mesh && options.volume) add_volume(out, prediction);
    add_topology(out, prediction);
    return out;
}

void Evaluator::Impl::crop(MeasuredShape& prediction, Evaluation& out) const {
    const Box3d keep = box.padded(0.005 * unit);
    std::vector<Vec3d> points;
    std::vector<Vec3f> normals;
    for (std::size_t i = 0; i < prediction.points.size(); ++i) {
        if (!keep.contains(prediction.points[i])) continue;
        points.push_back(prediction.points[i]);
        if (!prediction.normals.empty()) normals.push_back(prediction.normals[i]);
    }
    if (points.size() < prediction.points.size())
        out.notes.push_back(fmt::format(
            "{:.1f} % of the prediction's samples lie outside the truth's box and are left out",
            100.0 - 100.0 * static_cast<double>(points.size()) / static_cast<double>(prediction.points.size())));
    prediction.points = std::move(points), prediction.normals = std::move(normals);
}

void Evaluator::Impl::add_f_scores(Evaluation& out, const std::vector<FScore>* scores, double otherwise,
                                   std::string_view suffix, std::string_view how) const {
    const auto relative = suffix == "_p2s" ? std::vector<double>{0.005, 0.002} : relative_thresholds();
    for (std::size_t i = 0; i < relative.size() + options.thresholds.size(); ++i) {
        const bool own = i >= relative.size();
        const double t = own ? options.thresholds[i - relative.size()] : relative[i] * unit;
        const std::string name = own ? fmt::format("f_score_tau_{:g}{}", t, suffix)
                                     : fmt::format("f_score_{}{}", percent_name(100.0 * relative[i]), suffix);
        const std::string share =
            own ? fmt::format("{:g}", t) : fmt::format("{:g} % of the unit = {:.4g}", 100.0 * relative[i], t);
        out.metrics.push_back({name, scores != nullptr ? (*scores)[i].value() : otherwise,
                               fmt::format("2PR/(P+R), share of samples within {}, {}", share, how), Better::higher});
    }
}

void Evaluator::Impl::add_sampled(Evaluation& out, const SurfaceMetrics* m) const {
    const double far = papers() ? std::sqrt(3.0) : kUndefined, far2 = papers() ? 3.0 : kUndefined;
    const double no_normals = papers() ? -1.0 : 0.0;
    const std::string n = fmt::format("{} area-weighted samples", options.samples);
    const auto add = [&](std::string name, double value, std::string how, Better better) {
        out.metrics.push_back({std::move(name), value, std::move(how), better});
    };
    const double l1 = m ? m->chamfer_l1() : far;
    add("accuracy", m ? m->accuracy : far, "mean distance prediction -> truth, not squared, " + n, Better::lower);
    add("completeness", m ? m->completeness : far, "mean distance truth -> prediction, not squared, " + n,
        Better::lower);
    add("chamfer_l1", l1, "(accuracy + completeness) / 2", Better::lower);
    if (papers()) add("chamfer_l1_x10", 10.0 * l1, "chamfer_l1 * 10, as the papers' tables print it", Better::lower);
    add("chamfer_l2", m ? m->chamfer_l2() : far2, "mean of the mean squared distances of both directions",
        Better::lower);
    add("normal_consistency", m ? or_undefined(m->normal_consistency()) : no_normals,
        "mean |cosine| of flat normals at nearest samples, both directions averaged", Better::higher);
    if (!papers())
        add("normal_consistency_signed", m ? or_undefined(m->normal_consistency_signed()) : no_normals,
            "the same with the sign kept: below normal_consistency where faces look inwards", Better::higher);
    add_f_scores(out, m ? &m->f_scores : nullptr, papers() ? kUndefined : 0.0, "", "to samples");
    if (papers()) return;
    add("hausdorff_99", m ? m->hausdorff_99 : kUndefined, "larger 99th percentile of both directions, to samples",
        Better::lower);
}

void Evaluator::Impl::add_exact(Evaluation& out, const MeasuredShape& prediction) const {
    DirectedDistances to_truth, to_prediction;
    if (!prediction.empty() && truth.bvh) {
        to_truth.distances.resize(prediction.points.size());
        truth.bvh->distances(prediction.points, to_truth.distances);
    }
    if (prediction.bvh && !prediction.empty()) {
        to_prediction.distances.resize(truth.points.size());
        prediction.bvh->distances(truth.points, to_prediction.distances);
    }
    const auto mean = [](const std::vector<double>& d) {
        double sum = 0.0;
        for (const double v : d) sum += v;
        return d.empty() ? kUndefined : sum / static_cast<double>(d.size());
    };
    const auto add = [&](const char* name, double value, const char* how) {
        out.metrics.push_back({name, value, how, Better::lower});
    };
    const bool prediction_is_mesh = prediction.empty() || prediction.bvh != nullptr;
    add("completeness_p2s", mean(to_prediction.distances), "mean exact distance truth samples -> predicted triangles");
    if (!truth.bvh) return;
    add("accuracy_p2s", mean(to_truth.distances), "mean exact distance predicted samples -> true triangles");
    std::optional<SurfaceMetrics> m;
    if (!to_truth.distances.empty() && !to_prediction.distances.empty()) {
        std::vector<double> t = {0.005 * unit, 0.002 * unit};
        t.insert(t.end(), options.thresholds.begin(), options.thresholds.end());
        m = surface_metrics(to_truth, to_prediction, t);
    }
    add("chamfer_l1_p2s", m ? m->chamfer_l1() : kUndefined,
        "(accuracy_p2s + completeness_p2s) / 2: no floor from sampling");
    add_f_scores(out, m ? &m->f_scores : nullptr, prediction_is_mesh ? 0.0 : kUndefined, "_p2s", "to triangles");
    add("hausdorff_99_p2s", m ? m->hausdorff_99 : kUndefined,
        "larger 99th percentile of both directions, to triangles");
    add("hausdorff_max_p2s", m ? m->hausdorff_max : kUndefined, "largest distance of a sample to the triangles");
}

double Evaluator::Impl::intersection(const MeasuredShape& prediction) const {
    if (!prediction.bvh) return prediction.empty() ? 0.0 : kUndefined;
    const auto method = papers()                   ? InsideMethod::vertical_parity
                        : prediction.report.closed ? InsideMethod::parity
                                                   : InsideMethod::winding;
    std::vector<std::uint8_t> inside(volume.points.size());
    InsideTest(prediction.bvh, method).contains(volume.points, inside);
    const double iou = intersection_over_union(inside, volume.inside_truth, volume.weights);
    return std::isnan(iou) && !papers() ? 0.0 : iou;
}

void Evaluator::Impl::add_volume(Evaluation& out, const MeasuredShape& prediction) const {
    out.metrics.push_back(
        {"iou", intersection(prediction),
         papers()
             ? fmt::format("{} uniform points of [-0.55, 0.55]^3 x {:g}, parity along z", options.samples, unit)
             : fmt::format("{} stratified points of the cube of side 1.1 x {:.4g} around the truth; parity of three "
                           "rays, |winding number| > 1/2 where a mesh is open",
                           options.samples, unit),
         Better::higher});
    if (!papers() && prediction.bvh && !prediction.report.closed)
        out.notes.push_back("the prediction is not watertight: its volume is where |winding number| > 1/2");
    if (!papers() && !truth.report.closed)
        out.notes.push_back("the truth is not watertight: its volume is where |winding number| > 1/2");
}

void Evaluator::Impl::add_topology(Evaluation& out, const MeasuredShape& prediction) const {
    const auto& r = prediction.report;
    const auto add = [&](const char* name, double value, const char* how, Better better) {
        out.metrics.push_back({name, value, how, better});
    };
    const auto if_mesh = [&](double v) { return prediction.is_cloud() ? kUndefined : v; };
    add("watertight", if_mesh(prediction.bvh && r.closed ? 1.0 : 0.0), "1 if every edge has exactly two faces",
        Better::higher);
    add("oriented", if_mesh(prediction.bvh && r.watertight() ? 1.0 : 0.0),
        "1 if watertight and neighbouring faces agree on the outside", Better::higher);
    add("components", if_mesh(prediction.bvh ? static_cast<double>(r.components) : 0.0),
        "sets of faces joined by edges", Better::neither);
}

Evaluator::Evaluator(EvaluationShape truth, EvaluationOptions options)
    : impl_(std::make_unique<Impl>(std::move(truth), std::move(options))) {}
Evaluator::~Evaluator() = default;
Evaluator::Evaluator(Evaluator&&) noexcept = default;
Evaluator& Evaluator::operator=(Evaluator&&) noexcept = default;

Evaluation Evaluator::evaluate(const EvaluationShape& prediction) const { return impl_->run(prediction); }

Evaluation evaluate(const EvaluationShape& prediction, EvaluationShape truth, const EvaluationOptions& options) {
    return Evaluator(std::move(truth), options).evaluate(prediction);
}

Evaluation mean_evaluation(const std::vector<Evaluation>& evaluations) {
    Evaluation out;
    for (const auto& e : evaluations)
        for (const auto& m : e.metrics)
            if (out.find(m.name) == nullptr) out.metrics.push_back({m.name, 0.0, m.convention, m.better});
    std::map<std::size_t, std::string> partial;  // number of pairs that define it -> names
    for (auto& metric : out.metrics) {
        std::size_t n = 0;
        double sum = 0.0;
        bool same = true;
        for (const auto& e : evaluations) {
            const Metric* m = e.find(metric.name);
            if (m == nullptr) continue;
            same = same && m->convention == metric.convention;
            if (!std::isnan(m->value)) sum += m->value, ++n;
        }
        if (!same) metric.convention += " (of the first pair: the unit differs by truth)";
        metric.value = n > 0 ? sum / static_cast<double>(n) : kUndefined;
        if (n < evaluations.size()) partial[n] += (partial[n].empty() ? "" : ", ") + metric.name;
    }
    for (const auto& [n, names] : partial)
        out.notes.push_back(
            fmt::format("not defined for every pair, mean over {} of {}: {}", n, evaluations.size(), names));
    const auto n_empty =
        std::count_if(evaluations.begin(), evaluations.end(), [](auto& e) { return e.empty_prediction; });
    if (n_empty > 0) out.notes.push_back(fmt::format("{} of {} predictions are empty", n_empty, evaluations.size()));
    return out;
}

}  // namespace nir::geom
