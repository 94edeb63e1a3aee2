// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/evaluation.h"

#include "nir/base/error.h"
#include "nir/base/rng.h"
#include "nir/geom/sampling.h"

#include "support/meshes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace nir::geom {
namespace {

EvaluationOptions with(EvaluationProtocol protocol, std::size_t samples = 15000) {
    EvaluationOptions o;
    o.protocol = protocol, o.samples = samples;
    return o;
}

TriMesh sphere(double radius, Vec3d center = {}) { return testing::make_sphere(radius, 64, center); }

/// Mean distance between two independent samplings of one surface: about 0.5 sqrt(area / n).
double sampling_floor(double area, std::size_t n) { return 0.5 * std::sqrt(area / static_cast<double>(n)); }

TEST(Evaluation, ConcentricSpheresOfRadius35And36) {
    const std::size_t n = 40000;
    for (const auto& info : evaluation_protocols()) {
        SCOPED_TRACE(std::string(info.name));
        const auto e = evaluate(sphere(0.35), sphere(0.36), with(info.protocol, n));
        const double floor = sampling_floor(4 * M_PI * 0.36 * 0.36, n);
        // Nearest samples lie beside the foot point: sqrt(d^2 + r^2) with mean r^2 = area / (pi n).
        const double expected = std::hypot(0.01, std::sqrt(4.0 * 0.36 * 0.36 / static_cast<double>(n)));
        EXPECT_NEAR(e.value("accuracy"), expected, 2e-4);
        EXPECT_NEAR(e.value("completeness"), expected, 2e-4);
        EXPECT_NEAR(e.value("chamfer_l1"), expected, 2e-4);
        EXPECT_LT(e.value("chamfer_l1"), 0.01 + floor);
        EXPECT_NEAR(e.value("chamfer_l2"), expected * expected, 5e-6);
        EXPECT_GT(e.value("normal_consistency"), 0.997);
        EXPECT_NEAR(e.value("iou"), std::pow(35.0 / 36.0, 3), 1.2e-2);
        EXPECT_EQ(e.value("watertight"), 1.0);
        EXPECT_EQ(e.value("components"), 1.0);
        EXPECT_FALSE(e.empty_prediction);
        EXPECT_TRUE(e.notes.empty());
        for (const auto& m : e.metrics) EXPECT_FALSE(m.convention.empty()) << m.name;
    }
}

TEST(Evaluation, ExactDistancesHaveNoSamplingFloor) {
    auto options = with(EvaluationProtocol::nir);
    options.unit = 1.0;
    const auto e = evaluate(sphere(0.35), sphere(0.36), options);
    EXPECT_NEAR(e.value("accuracy_p2s"), 0.01, 1e-4);
    EXPECT_NEAR(e.value("completeness_p2s"), 0.01, 1e-4);
    EXPECT_NEAR(e.value("chamfer_l1_p2s"), 0.01, 1e-4);
    EXPECT_NEAR(e.value("hausdorff_99_p2s"), 0.01, 3e-4);
    EXPECT_EQ(e.value("f_score_0_5_p2s"), 0.0);
    EXPECT_GT(e.value("f_score_2"), 0.999);
    EXPECT_LT(e.value("f_score_1"), 0.01);  // samples are never nearer than the surfaces
    const auto same = evaluate(sphere(0.36), sphere(0.36), options);
    EXPECT_LT(same.value("chamfer_l1_p2s"), 1e-9);
    EXPECT_NEAR(same.value("chamfer_l1"), sampling_floor(4 * M_PI * 0.36 * 0.36, options.samples), 4e-4);
    EXPECT_EQ(same.value("f_score_0_2_p2s"), 1.0);
    EXPECT_EQ(same.value("iou"), 1.0);
}

TEST(Evaluation, ShiftedBoxesHaveTheClosedForm) {
    const auto truth = testing::make_box({-0.5, -0.4, -0.3}, {0.5, 0.4, 0.3});
    const auto moved = testing::make_box({-0.4, -0.4, -0.3}, {0.6, 0.4, 0.3});
    const auto e = evaluate(moved, truth, with(EvaluationProtocol::nir, 40000));
    // Clipped by the cube of side 1.1 around the truth: the intersection is 0.9 long, the union 1.05.
    EXPECT_NEAR(e.value("iou"), 0.9 / 1.05, 1e-2);
    // Moved end faces are 0.1 away; of the side faces a tenth of the length sticks out, 0.05 away on average.
    const double end = 0.8 * 0.6, side = 2.0 * (0.8 + 0.6);
    const double area = 2.0 * end + side;
    // The end face inside the truth is nearest to the sides where those are closer than 0.1.
    const auto inner = [](double w, double h) {  // mean of min(distance to the border, 0.1) over a w x h rectangle
        double sum = 0.0;
        constexpr int k = 400;
        for (int i = 0; i < k; ++i)
            for (int j = 0; j < k; ++j) {
                const double x = (i + 0.5) / k * w, y = (j + 0.5) / k * h;
                sum += std::min({x, w - x, y, h - y, 0.1});
            }
        return sum / (k * k);
    };
    const double accuracy = (end * 0.1 + end * inner(0.8, 0.6) + side * 0.1 * 0.05) / area;
    EXPECT_NEAR(e.value("accuracy_p2s"), accuracy, 2e-3);
    EXPECT_NEAR(e.value("completeness_p2s"), accuracy, 2e-3);
}

TEST(Evaluation, UnitFollowsTheTruthAndUserUnitsAreKept) {
    const Vec3d offset{4.5e6, 5.2e6, 100};
    auto options = with(EvaluationProtocol::nir);
    const auto small = evaluate(sphere(0.495), sphere(0.5), options);
    const auto large = evaluate(sphere(495, offset), sphere(500, offset), options);
    EXPECT_NEAR(large.value("chamfer_l1_p2s"), 1000.0 * small.value("chamfer_l1_p2s"), 1e-3);
    EXPECT_NEAR(large.value("f_score_1"), small.value("f_score_1"), 1e-12);
    EXPECT_NEAR(large.value("iou"), small.value("iou"), 1e-12);
    options.thresholds = {4.0, 6.0};
    const auto own = evaluate(sphere(495, offset), sphere(500, offset), options);
    EXPECT_EQ(own.value("f_score_tau_4_p2s"), 0.0);
    EXPECT_EQ(own.value("f_score_tau_6_p2s"), 1.0);
}

TEST(Evaluation, FlippedFacesShowInTheSignOnly) {
    auto flipped = sphere(0.5);
    for (auto& f : flipped.faces) std::swap(f[1], f[2]);
    const auto e = evaluate(flipped, sphere(0.5), with(EvaluationProtocol::nir));
    EXPECT_GT(e.value("normal_consistency"), 0.997);
    EXPECT_LT(e.value("normal_consistency_signed"), -0.997);
    EXPECT_EQ(e.value("watertight"), 1.0);
    EXPECT_NEAR(e.value("iou"), 1.0, 1e-9);
}

TEST(Evaluation, OpenPredictionUsesTheWindingNumberAndSaysSo) {
    auto open = sphere(0.5);
    open.faces.resize(open.faces.size() * 49 / 50);
    const auto e = evaluate(open, sphere(0.5), with(EvaluationProtocol::nir));
    EXPECT_EQ(e.value("watertight"), 0.0);
    EXPECT_GT(e.value("iou"), 0.97);
    ASSERT_EQ(e.notes.size(), 1u);
    EXPECT_THAT(e.notes[0], ::testing::HasSubstr("not watertight"));
}

TEST(Evaluation, TriangleSoupIsJoinedByEqualVertices) {
    const auto mesh = sphere(0.5);
    TriMesh soup;
    for (const auto& f : mesh.faces) {
        const auto base = static_cast<std::uint32_t>(soup.vertices.size());
        for (const auto v : f) soup.vertices.push_back(mesh.vertices[v]);
        soup.faces.push_back({base, base + 1, base + 2});
    }
    const auto e = evaluate(soup, mesh, with(EvaluationProtocol::nir));
    EXPECT_EQ(e.value("watertight"), 1.0);
    EXPECT_EQ(e.value("components"), 1.0);
}

TEST(Evaluation, EmptyPredictionIsReportedNotDropped) {
    const auto truth = sphere(0.5);
    for (const TriMesh& nothing : {TriMesh{}, TriMesh{{{0, 0, 0}, {1, 1, 1}}, {{0, 1, 1}}, {}, {}, {}}}) {
        const auto e = evaluate(nothing, truth, with(EvaluationProtocol::nir));
        EXPECT_TRUE(e.empty_prediction);
        EXPECT_TRUE(std::isnan(e.value("chamfer_l1")));
        EXPECT_EQ(e.value("iou"), 0.0);
        EXPECT_EQ(e.value("f_score_1"), 0.0);
        EXPECT_EQ(e.value("f_score_0_5_p2s"), 0.0);
        EXPECT_EQ(e.value("watertight"), 0.0);
        EXPECT_THAT(e.notes.at(0), ::testing::HasSubstr("empty"));
        const auto p = evaluate(nothing, truth, with(EvaluationProtocol::convonet));
        EXPECT_NEAR(p.value("chamfer_l1"), std::sqrt(3.0), 1e-15);
        EXPECT_EQ(p.value("chamfer_l2"), 3.0);
        EXPECT_EQ(p.value("normal_consistency"), -1.0);
        EXPECT_EQ(p.value("iou"), 0.0);
    }
    EXPECT_TRUE(evaluate(PointCloud{}, truth, with(EvaluationProtocol::nir)).empty_prediction);
    EXPECT_THROW(evaluate(truth, TriMesh{}), Error);
    EXPECT_THROW(evaluate(truth, PointCloud{}), Error);
}

TEST(Evaluation, CloudsAsTruthAndPrediction) {
    Rng rng(1);
    auto samples = sample_surface(sphere(0.5), 20000, rng);
    const PointCloud cloud{samples.points, samples.normals, {}, {}};
    const auto e = evaluate(sphere(0.49), cloud, with(EvaluationProtocol::nir, 20000));
    EXPECT_EQ(e.find("iou"), nullptr);
    EXPECT_EQ(e.find("accuracy_p2s"), nullptr);
    EXPECT_NEAR(e.value("completeness_p2s"), 0.01, 3e-4);
    EXPECT_GT(e.value("normal_consistency"), 0.997);
    const auto f = evaluate(PointCloud{samples.points, {}, {}, {}}, sphere(0.49), with(EvaluationProtocol::nir, 20000));
    EXPECT_NEAR(f.value("accuracy_p2s"), 0.01, 3e-4);
    EXPECT_TRUE(std::isnan(f.value("iou")));
    EXPECT_TRUE(std::isnan(f.value("normal_consistency")));
    EXPECT_TRUE(std::isnan(f.value("chamfer_l1_p2s")));
    EXPECT_THAT(f.notes.at(0), ::testing::HasSubstr("the prediction is a cloud without normals"));
    EXPECT_THAT(f.notes.at(1), ::testing::HasSubstr("not defined"));
    for (const char* name : {"watertight", "oriented", "components", "f_score_0_5_p2s", "hausdorff_99_p2s"})
        EXPECT_TRUE(std::isnan(f.value(name))) << name;
    EXPECT_GT(f.value("f_score_2"), 0.9);  // what points alone decide is there
}

TEST(Evaluation, CropLeavesOutWhatTheTruthDoesNotCover) {
    auto both = sphere(0.5);
    testing::append(both, sphere(0.5, {5, 0, 0}));
    auto options = with(EvaluationProtocol::nir);
    EXPECT_GT(evaluate(both, sphere(0.5), options).value("accuracy"), 1.0);
    options.crop = true;
    const auto e = evaluate(both, sphere(0.5), options);
    EXPECT_LT(e.value("accuracy_p2s"), 1e-9);
    EXPECT_THAT(e.notes.at(0), ::testing::HasSubstr("outside the truth's box"));
}

TEST(Evaluation, SameSeedSameFigures) {
    const Evaluator evaluator(sphere(0.5), with(EvaluationProtocol::nir, 5000));
    const auto a = evaluator.evaluate(sphere(0.48)), b = evaluator.evaluate(sphere(0.48));
    for (std::size_t i = 0; i < a.metrics.size(); ++i) EXPECT_EQ(a.metrics[i].value, b.metrics[i].value);
    auto other = with(EvaluationProtocol::nir, 5000);
    other.seed = 1;
    EXPECT_NE(evaluate(sphere(0.48), sphere(0.5), other).value("chamfer_l1"), a.value("chamfer_l1"));
}

TEST(Evaluation, BadInputIsNamed) {
    const TriMesh broken{{{0, 0, 0}}, {{0, 1, 2}}, {}, {}, {}};
    EXPECT_THROW(evaluate(broken, sphere(0.5)), Error);
    const TriMesh nan{
        {{0, 0, 0}, {1, 0, 0}, {0, std::numeric_limits<double>::quiet_NaN(), 0}}, {{0, 1, 2}}, {}, {}, {}};
    EXPECT_THROW(evaluate(nan, sphere(0.5)), Error);
    EXPECT_THROW(evaluate(sphere(0.5), PointCloud{{{1, 1, 1}}, {}, {}, {}}), Error);
}

TEST(Evaluation, MeanSaysWhatIsMissing) {
    const Evaluator evaluator(sphere(0.5), with(EvaluationProtocol::nir, 5000));
    const auto a = evaluator.evaluate(sphere(0.48)), b = evaluator.evaluate(sphere(0.46)),
               none = evaluator.evaluate(TriMesh{});
    const auto mean = mean_evaluation({a, b, none});
    EXPECT_DOUBLE_EQ(mean.value("chamfer_l1"), 0.5 * (a.value("chamfer_l1") + b.value("chamfer_l1")));
    EXPECT_DOUBLE_EQ(mean.value("iou"), (a.value("iou") + b.value("iou")) / 3.0);
    EXPECT_NEAR(mean.value("watertight"), 2.0 / 3.0, 1e-15);
    EXPECT_THAT(mean.notes,
                ::testing::Contains(::testing::HasSubstr("mean over 2 of 3: accuracy, completeness, chamfer_l1")));
    EXPECT_THAT(mean.notes, ::testing::Contains("1 of 3 predictions are empty"));
}

}  // namespace
}  // namespace nir::geom
