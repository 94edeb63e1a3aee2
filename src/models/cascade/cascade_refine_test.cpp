// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/cascade_refine.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/base/rng.h"
#include "nir/nn/seeded.h"

#include "models/cascade/cascade_net.h"

#include <gtest/gtest.h>

#include <cmath>

namespace nir::models {
namespace {

using geom::Vec3d;
using geom::Vec3f;
using geom::Vec3i;

/// Adds an octave with these of all its bricks, x fastest.
void add_octave(FeatureOctree& tree, std::vector<char> active) {
    tree.add_octave({tree.whole(tree.octaves()), std::move(active)});
}

constexpr int kChannels = 4;
constexpr float kRadius = 0.6f, kSpacing = 0.06f;

CascadeConfig tiny() {
    CascadeConfig c;
    c.coarse_cells = 16;
    c.features = kChannels;
    c.decoder_hidden = 16;
    c.decoder_blocks = 1;
    c.coarse.widths = {8};
    c.fine.widths = {8};
    return c;
}

/// A decoder whose logit is 60 times the first feature plus a little of everything, so that it is not linear.
CascadeNet steep_net() {
    const nn::SeededScope seeded(4);
    CascadeNet net(tiny());
    const torch::NoGradGuard no_grad;
    auto p = net->named_parameters();
    auto& first = p["decoder.first.weight"];
    first.mul_(0.3f);
    first[0].zero_(), first[1].zero_();
    first[0][0] = 1, first[1][0] = -1;
    p["decoder.first.bias"].zero_();
    p["decoder.fc_1.0.weight"].mul_(0.1f);
    p["decoder.fc_1.0.bias"].zero_();
    p["decoder.last.weight"].mul_(0.5f);
    p["decoder.last.weight"][0][0] = 60, p["decoder.last.weight"][0][1] = -60;
    p["decoder.last.bias"].zero_();
    return net;
}

/// A sphere whose radius is `error` too large here and too small there, as features on two octaves.
FeatureOctree sphere_tree(float error) {
    FeatureOctree tree({-1, -1, -1}, 0.125f, 16, kChannels);
    Rng rng(9);
    add_octave(tree, std::vector<char>(8, 1));
    add_octave(tree, std::vector<char>(64, 1));
    for (int octave = 0; octave < 2; ++octave) {
        const auto& bricks = tree.brick_list(octave);
        for (std::size_t b = 0; b < bricks.size(); ++b) {
            const std::span<float> data = tree.brick_data(octave, b, 1);
            for (int i = 0; i < 512; ++i) {
                const Vec3i c = bricks[b] * kBrickCells + Vec3i{i % 8, i / 8 % 8, i / 64};
                const Vec3f p = tree.origin() + (static_cast<Vec3f>(c) + Vec3f{0.5f, 0.5f, 0.5f}) * tree.cell(octave);
                float* f = data.data() + static_cast<std::size_t>(i) * kChannels;
                f[0] = kRadius + error * std::sin(5 * p.x) * std::cos(4 * p.y) - norm(p);
                for (int k = 1; k < kChannels; ++k) f[k] = static_cast<float>(rng.uniform(-0.01, 0.01));
            }
        }
    }
    return tree;
}

class TestField final : public CascadeField {
public:
    explicit TestField(float error) : tree(sphere_tree(error)), net(steep_net()) {}
    void values(std::span<const Vec3f> points, std::span<float> out) const override {
        const torch::InferenceMode guard;
        torch::Tensor c = torch::empty({static_cast<std::int64_t>(points.size()), kChannels});
        for (std::size_t i = 0; i < points.size(); ++i) tree.sample(points[i], c.data_ptr<float>() + i * kChannels);
        auto decoder = net;
        const torch::Tensor v = decoder->decode_features(c).contiguous();
        std::copy_n(v.data_ptr<float>(), points.size(), out.begin());
    }
    geom::Box3f domain() const override { return {{-1, -1, -1}, {1, 1, 1}}; }
    float gradient_step() const override { return 0.25f * finest_cell(); }
    int octaves() const override { return 1; }
    float finest_cell() const override { return tree.cell(1); }
    std::size_t memory_bytes() const override { return tree.memory_bytes(); }
    RefineReport refine(std::span<const Vec3f> points, const RefineOptions& options, Progress& progress) override {
        FeatureCorrection correction(tree, kernels_of(net)->decoder, options.spacing);
        return refine_surface(*this, correction, points, options, progress);
    }
    std::vector<float> features() {
        const auto d = tree.brick_data(1, 0, 64);
        return {d.begin(), d.end()};
    }

    FeatureOctree tree;
    CascadeNet net;
};

std::vector<Vec3f> sphere_points(std::size_t n, double noise, std::uint64_t seed) {
    Rng rng(seed);
    std::vector<Vec3f> points;
    for (std::size_t i = 0; i < n; ++i) {
        const Vec3d d = normalized(Vec3d{rng.normal(), rng.normal(), rng.normal()});
        points.push_back(static_cast<Vec3f>(d * (static_cast<double>(kRadius) + noise * rng.normal())));
    }
    return points;
}

/// Mean distance of the level set from the true sphere, along rays at places that are not points of the scan.
double error_of(const CascadeField& field) {
    double sum = 0;
    const auto on = sphere_points(2000, 0, 77);
    std::vector<float> v(1);
    for (const Vec3f& p : on) {
        float lo = 0.8f, hi = 1.2f;  // inside, outside
        for (int k = 0; k < 14; ++k) {
            const float mid = 0.5f * (lo + hi);
            const std::vector<Vec3f> q{p * mid};
            field.values(q, v);
            (v[0] > 0 ? lo : hi) = mid;
        }
        sum += static_cast<double>(std::abs(0.5f * (lo + hi) - 1) * kRadius);
    }
    return sum / 2000;
}

RefineOptions steps(int n, double noise = 0) {
    RefineOptions o;
    o.steps = n;
    o.spacing = static_cast<double>(kSpacing);
    o.noise = noise;
    return o;
}

std::size_t scan_size() { return static_cast<std::size_t>(4 * 3.14159f * kRadius * kRadius / (kSpacing * kSpacing)); }

/// The packed decoder against the module and its autograd.
TEST(CascadeRefine, GradientOfTheDecoderIsThatOfAutograd) {
    const nn::SeededScope seeded(3);
    CascadeNet net(tiny());
    const torch::Tensor c = torch::randn({50, kChannels}).requires_grad_(true);
    const torch::Tensor value = net->decode_features(c);
    const torch::Tensor gradient = torch::autograd::grad({value.sum()}, {c})[0];
    std::vector<float> logits(50), slopes(50 * kChannels);
    kernels_of(net)->decoder.gradients({}, {c.data_ptr<float>(), slopes.size()}, 0, logits, {}, slopes);
    EXPECT_TRUE(torch::allclose(torch::from_blob(logits.data(), {50}), value, 1e-4, 1e-5));
    EXPECT_TRUE(torch::allclose(torch::from_blob(slopes.data(), {50, kChannels}), gradient, 1e-4, 1e-5));
}

TEST(CascadeRefine, OneWishIsFulfilledToFirstOrderAndTakenBackToTheBit) {
    TestField field(0);
    const auto before = field.features();
    const std::vector<Vec3f> place{{0.31f, 0.42f, -0.27f}};
    const std::vector<float> wanted{0.4f};
    std::vector<float> was(1), now(1);
    field.values(place, was);
    FeatureCorrection correction(field.tree, kernels_of(field.net)->decoder, static_cast<double>(kSpacing));
    EXPECT_GE(correction.scales(), 2);
    for (int scale = 0; scale < correction.scales(); ++scale) {
        correction.apply(scale, place, wanted, 0);
        field.values(place, now);
        // The damping takes a tenth; on wider lattices the cells see nodes next to them that nothing moved.
        const float share = (now[0] - was[0]) / wanted[0];
        EXPECT_LT(share, 1.0f) << scale;
        EXPECT_GT(share, scale + 1 == correction.scales() ? 0.87f : 0.5f) << scale;
        correction.undo();
        EXPECT_EQ(field.features(), before);
    }
}

TEST(CascadeRefine, SurfaceMovesOntoTheScanAndOntoTheShape) {
    TestField field(0.02f);
    const auto scan = sphere_points(scan_size(), 0, 1);
    const double before = error_of(field);
    NoProgress quiet;
    const RefineReport r = field.refine(scan, steps(60), quiet);
    EXPECT_GT(r.kept, 3);
    EXPECT_LE(r.steps, 60);
    EXPECT_EQ(r.points + r.held_out, scan.size());
    EXPECT_NEAR(static_cast<double>(r.held_out), 0.1 * static_cast<double>(scan.size()),
                0.04 * static_cast<double>(scan.size()));
    EXPECT_LT(r.residual_after, 0.3 * r.residual_before);
    EXPECT_LT(r.held_out_after, 0.4 * r.held_out_before);
    EXPECT_LT(error_of(field), 0.4 * before);  // at places that no point of the scan marks
    // The distances that it reports are distances.
    EXPECT_NEAR(r.held_out_before, before, 0.25 * before);
    // Still signed: nothing flipped a cell away from the surface.
    std::vector<Vec3f> in, out;
    for (const Vec3f& p : scan) in.push_back(p * 0.85f), out.push_back(p * 1.15f);
    std::vector<float> v(scan.size());
    field.values(in, v);
    for (const float x : v) ASSERT_GT(x, 0);
    field.values(out, v);
    for (const float x : v) ASSERT_LT(x, 0);
}

TEST(CascadeRefine, LevelOfTheSurfaceIsTheOneAskedFor) {
    TestField field(0.02f);
    const auto scan = sphere_points(scan_size(), 0, 1);
    NoProgress quiet;
    RefineOptions o = steps(60);
    o.level = 1.2f;
    const RefineReport r = field.refine(scan, o, quiet);
    EXPECT_LT(r.residual_after, 0.4 * r.residual_before);
    std::vector<float> v(scan.size());
    field.values(scan, v);
    double mean = 0;
    for (const float x : v) mean += static_cast<double>(x) / static_cast<double>(v.size());
    EXPECT_NEAR(mean, 1.2, 0.2);
}

TEST(CascadeRefine, NoiseIsNotFollowed) {
    NoProgress quiet;
    const double noise = 0.3 * static_cast<double>(kSpacing);
    const auto scan = sphere_points(scan_size(), noise, 2);
    {
        TestField field(0);
        const auto before = field.features();
        const RefineReport r = field.refine(scan, steps(30, 1.05 * noise), quiet);
        EXPECT_EQ(r.stopped_by, RefineReport::Stop::nothing_to_gain);
        EXPECT_EQ(r.steps, 0);
        EXPECT_EQ(r.residual_after, r.residual_before);
        EXPECT_EQ(field.features(), before);
    }
    {  // Noise that nobody told of: the points held out stop it.
        TestField field(0);
        const double before = error_of(field);
        const RefineReport r = field.refine(scan, steps(200), quiet);
        EXPECT_LE(r.held_out_after, r.held_out_before);
        EXPECT_LT(r.steps, 30);
        EXPECT_LT(error_of(field), before + 0.15 * noise);
    }
    {  // Noise and a surface that is wrong by more.
        TestField field(0.04f);
        const double before = error_of(field);
        const RefineReport r = field.refine(scan, steps(200, noise), quiet);
        EXPECT_GT(r.kept, 0);
        EXPECT_LT(r.held_out_after, r.held_out_before);
        EXPECT_LT(error_of(field), 0.7 * before);
    }
}

TEST(CascadeRefine, SameStepsSameBits) {
    const auto scan = sphere_points(scan_size(), 0.005, 3);
    NoProgress quiet;
    std::vector<float> seen[2];
    const int before = threads();
    for (const int n : {1, 3}) {
        set_threads(n);
        TestField field(0.02f);
        field.refine(scan, steps(8), quiet);
        seen[n == 3] = field.features();
    }
    set_threads(before);
    EXPECT_EQ(seen[0], seen[1]);
    TestField other(0.02f);
    RefineOptions o = steps(8);
    o.seed = 2;
    other.refine(scan, o, quiet);
    EXPECT_NE(seen[0], other.features());  // other points are held out
}

class CountingProgress final : public Progress {
public:
    explicit CountingProgress(int last) : last_(last) {}
    void begin(std::string_view phase, std::uint64_t total, std::string_view) override {
        EXPECT_EQ(phase, "refine");
        EXPECT_EQ(total, 10U);
        ++open;
    }
    bool advance(std::uint64_t n) override { return (seen += static_cast<int>(n)) < last_; }
    void end() override { --open; }
    int seen = 0, open = 0;

private:
    int last_;
};

TEST(CascadeRefine, StopsWhenAskedTo) {
    const auto scan = sphere_points(scan_size(), 0, 1);
    TestField field(0.02f);
    CountingProgress progress(2);
    try {
        field.refine(scan, steps(10), progress);
        ADD_FAILURE() << "did not stop";
    } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::cancelled);
    }
    EXPECT_EQ(progress.seen, 2);
    EXPECT_EQ(progress.open, 0);

    NoProgress quiet;
    RefineOptions o = steps(0);
    EXPECT_THROW(field.refine(scan, o, quiet), Error);  // neither seconds nor steps
    o.seconds = 1e-9;
    const RefineReport r = field.refine(scan, o, quiet);
    EXPECT_EQ(r.stopped_by, RefineReport::Stop::seconds);
    EXPECT_EQ(r.steps, 0);
    o.seconds = 0, o.steps = 2;
    const RefineReport two = field.refine(scan, o, quiet);
    EXPECT_EQ(two.stopped_by, RefineReport::Stop::steps);
    EXPECT_EQ(two.steps, 2);
}

TEST(CascadeRefine, PointsThatAreNoSurfaceChangeNothing) {
    TestField field(0.02f);
    const auto before = field.features();
    NoProgress quiet;
    std::vector<Vec3f> middle(300, Vec3f{0.01f, 0, 0});  // deep inside
    EXPECT_EQ(field.refine(middle, steps(5), quiet).points, 0U);
    EXPECT_EQ(field.refine({}, steps(5), quiet).points, 0U);
    EXPECT_EQ(field.features(), before);
}

}  // namespace
}  // namespace nir::models
