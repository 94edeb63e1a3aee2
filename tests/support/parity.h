// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// What the comparisons of models with the papers' code share (src/models/*/parity_test.cpp).
#pragma once

#include "nir/geom/shapes.h"
#include "nir/io/npy.h"
#include "nir/io/torch_checkpoint.h"
#include "nir/models/registry.h"
#include "nir/nn/checkpoint.h"
#include "nir/nn/tensor_io.h"

#include "support/fixtures.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace nir::test {

constexpr double kParityTolerance = 1e-4;

using NamedTensors = std::map<std::string, torch::Tensor>;

// --------------------------------------------------------------------------------------------------------- the table

/// Largest relative errors against the papers' code, case -> item -> error; printed at the end of the tests.
inline std::map<std::string, std::map<std::string, double>>& parity_table() {
    static std::map<std::string, std::map<std::string, double>> rows;
    return rows;
}
inline void record_parity(const std::string& name, const std::string& item, double error) {
    double& row = parity_table()[name][item];
    row = std::max(row, error);
}

class ParityTable : public ::testing::Environment {
public:
    void SetUp() override { ::setenv("DNNL_MAX_CPU_ISA", "AVX2", 1); }  // convolutions as the reference made them
    void TearDown() override {
        if (parity_table().empty()) return;
        fmt::print("\nlargest relative error against the papers' code\n");
        for (const auto& [name, items] : parity_table()) {
            fmt::print("  {:<38}", name);
            for (const auto& [item, error] : items) fmt::print(" {} {:.1e}", item, error);
            fmt::print("\n");
        }
    }
};
/// One for each program that includes this file.
inline const ::testing::Environment* const kParityTable =
    ::testing::AddGlobalTestEnvironment(std::make_unique<ParityTable>().release());

// -------------------------------------------------------------------------------------------------- smooth quantities

/// |ours - theirs| over |theirs|, where values below the tensor's root mean square count as large as that.
inline torch::Tensor relative_errors(const torch::Tensor& ours, const torch::Tensor& theirs) {
    const torch::Tensor a = ours.detach().to(torch::kFloat64), b = theirs.to(torch::kFloat64);
    const torch::Tensor floor = b.square().mean().sqrt().clamp_min(1e-12);
    return (a - b).abs() / torch::maximum(b.abs(), floor);
}

inline void expect_parity(const std::string& name, const std::string& item, const torch::Tensor& ours,
                          const torch::Tensor& theirs, double tolerance = kParityTolerance) {
    ASSERT_EQ(ours.sizes(), theirs.sizes()) << name << " " << item;
    const double error = relative_errors(ours, theirs).max().item<double>();
    EXPECT_LT(error, tolerance) << name << " " << item;
    record_parity(name, item, error);
}

// ------------------------------------------------------------------------------------------- what rounding decides

// Gradients jump where the input of a ReLU is zero, two features share the maximum or two points are equally near
// within rounding, and which side is taken depends on the instruction set of BLAS and of the convolutions:
// conv_grid_small.train differs from the papers' numbers by 6 % in fc_p with AVX-512 convolutions, and by 5e-6 with
// DNNL_MAX_CPU_ISA=AVX2, which the reference ran on. So such quantities are compared with several evaluations of ours,
// whose weights differ by a rounding error.
constexpr int kRoundings = 24;
constexpr double kRounding = 2e-7;  ///< relative, about two units in the last place

/// Multiplies every parameter by 1 +- kRounding; `which` == 0 leaves them alone.
inline void round_differently(torch::nn::Module& module, int which) {
    if (which == 0) return;
    const torch::NoGradGuard no_grad;
    torch::manual_seed(static_cast<std::uint64_t>(which));
    for (auto& p : module.parameters()) p.mul_(1 + kRounding * torch::randn(p.sizes(), torch::kFloat64).to(p.dtype()));
}

/// Gradients by name of one evaluation whose weights are rounded differently.
using RoundedEvaluation = std::function<NamedTensors(int which)>;

/// Gradients that are zero in exact arithmetic (biases in front of a batch normalisation) are rounding noise in both.
inline bool vanishes(const torch::Tensor& t) { return t.abs().max().item<double>() < 1e-6; }

/// Expects each reference value to agree with one of kRoundings evaluations, which a wrong formula does with none of
/// them; stops at the first that leaves nothing open. Gradients that vanish in theirs must vanish in ours.
/// @param most_apart  how far the evaluations may lie apart: a gradient of a weight is a sum in which one kink counts
///                    little, that of a point may turn round
inline void expect_parity_up_to_kinks(const std::string& name, const std::string& item, const NamedTensors& theirs,
                                      const RoundedEvaluation& evaluate, double tolerance = kParityTolerance,
                                      double most_apart = 0.05) {
    NamedTensors errors, lowest, highest;
    double worst = 0, widest = 0;
    int used = 0;
    while (used < kRoundings) {
        const NamedTensors ours = evaluate(used++);
        worst = 0;
        for (const auto& [key, value] : theirs) {
            ASSERT_TRUE(ours.contains(key) && ours.at(key).sizes() == value.sizes()) << name << " " << key;
            if (vanishes(value)) {
                EXPECT_TRUE(vanishes(ours.at(key))) << name << " " << key;
                continue;
            }
            const torch::Tensor x = ours.at(key).to(torch::kFloat64), e = relative_errors(x, value);
            const bool first = used == 1;
            errors[key] = first ? e : torch::minimum(errors[key], e);
            lowest[key] = first ? x : torch::minimum(lowest[key], x);
            highest[key] = first ? x : torch::maximum(highest[key], x);
            worst = std::max(worst, errors[key].max().item<double>());
            const torch::Tensor range = relative_errors(highest[key] - lowest[key] + value, value);
            widest = std::max(widest, range.max().item<double>());
        }
        if (worst < tolerance) break;
    }
    ASSERT_FALSE(errors.empty()) << name << " " << item << ": nothing to compare";
    for (const auto& [key, e] : errors)
        EXPECT_LT(e.max().item<double>(), tolerance) << name << " " << item << " " << key;
    EXPECT_LE(widest, most_apart) << name << " " << item << ": evaluations that far apart say nothing";
    record_parity(name, item, worst);
    if (used > 1) record_parity(name, item + ", roundings tried", used);
}

/// How far the exact result of float64 moves when weights are rounded to float32 is how far a float32 evaluation can be
/// expected to lie from it. Expects theirs, tensor by tensor, to be within `tolerance` of evaluate(0), or no farther
/// from it than twice what evaluate(1 .. n-1) reach: for cases whose gradients depend so much on the weights that 1e-4
/// cannot be asked for. All evaluations are in float64, so the outcome does not depend on the machine.
/// @param theirs_most  each value of theirs must be this near to evaluate(0) in any case, each tensor in norm five
/// times
/// @param ours_most    in norm, tensors of the evaluations must be this near to it, or the comparison says nothing
inline void expect_parity_within_rounding(const std::string& name, const std::string& item, const NamedTensors& theirs,
                                          const RoundedEvaluation& evaluate, int n, double theirs_most,
                                          double ours_most, double tolerance = kParityTolerance) {
    const NamedTensors exact = evaluate(0);
    std::map<std::string, double> reach, reach_of_norm;
    const auto norm_error = [](const torch::Tensor& a, const torch::Tensor& b) {
        return ((a - b).norm() / b.norm()).item<double>();
    };
    for (int which = 1; which < n; ++which)
        for (const auto& [key, value] : evaluate(which)) {
            ASSERT_TRUE(value.scalar_type() == torch::kFloat64);
            reach[key] = std::max(reach[key], relative_errors(value, exact.at(key)).max().item<double>());
            reach_of_norm[key] = std::max(reach_of_norm[key], norm_error(value, exact.at(key)));
        }
    for (const auto& [key, value] : theirs) {
        ASSERT_TRUE(exact.contains(key) && exact.at(key).sizes() == value.sizes()) << name << " " << key;
        const torch::Tensor x = value.to(torch::kFloat64);
        if (vanishes(x)) {
            EXPECT_LT(exact.at(key).abs().max().item<double>(), 1e-12) << name << " " << key;
            continue;
        }
        const double error = relative_errors(x, exact.at(key)).max().item<double>();
        EXPECT_LE(error, std::max(tolerance, 2 * reach.at(key))) << name << " " << item << " " << key;
        EXPECT_LE(norm_error(x, exact.at(key)), std::max(tolerance, 2 * reach_of_norm.at(key))) << name << " " << key;
        EXPECT_LE(error, theirs_most) << name << " " << item << " " << key;
        EXPECT_LE(reach_of_norm.at(key), ours_most) << name << " " << item << " " << key;
        EXPECT_LE(norm_error(x, exact.at(key)), theirs_most / 5) << name << " " << item << " " << key;
        record_parity(name, item + " (float64)", error);
        record_parity(name, item + " (float64, in norm)", norm_error(x, exact.at(key)));
        record_parity(name, "float64 with rounded weights", reach.at(key));
        record_parity(name, "float64 with rounded weights, in norm", reach_of_norm.at(key));
    }
}

inline NamedTensors gradients_of(const torch::nn::Module& module) {
    NamedTensors out;
    for (const auto& p : module.named_parameters())
        if (p.value().grad().defined()) out[p.key()] = p.value().grad().clone();
    return out;
}

/// The arrays `grad/<parameter>` of a file.
inline NamedTensors reference_gradients(const io::TensorFile& file) {
    const std::string prefix = "grad/";
    NamedTensors out;
    for (const auto& a : file.arrays)
        if (a.name.starts_with(prefix)) out[a.name.substr(prefix.size())] = nn::tensor_from(a);
    return out;
}

// -------------------------------------------------------------------------------------------------- cases, their data

/// The state dictionary of a reference case: NAME.weights.npz, NAME.pt or NAME.pth; empty if there is none.
inline io::TensorFile read_parity_weights(const std::string& topic, const std::string& name) {
    if (const auto npz = find_fixture(topic, name + ".weights.npz"); !npz.empty()) return io::read_npz(npz);
    for (const char* ending : {".pt", ".pth"})
        if (const auto file = find_fixture(topic, name + ending); !file.empty())
            return io::read_torch_checkpoint(file).state_dict();
    return {};
}

/// tests/parity/NAME.toml with these weights.
inline std::unique_ptr<models::Model> build_parity_model(const std::string& name, const io::TensorFile& weights) {
    auto model = models::build_model(Config::load(NIR_SOURCE_DIR "/tests/parity/" + name + ".toml"), 0);
    nn::load_state(model->module(), weights, name);
    return model;
}

/// @param points [N,3]
inline geom::PointCloud cloud_of(const torch::Tensor& points) {
    const torch::Tensor p = points.to(torch::kFloat64).contiguous();
    const double* v = p.data_ptr<double>();
    geom::PointCloud cloud;
    for (std::int64_t i = 0; i < p.size(0); ++i, v += 3) cloud.points.push_back({v[0], v[1], v[2]});
    return cloud;
}
/// @param points [N,3]
inline std::vector<geom::Vec3f> vectors_of(const torch::Tensor& points) {
    const torch::Tensor p = points.to(torch::kFloat32).contiguous();
    const float* f = p.data_ptr<float>();
    std::vector<geom::Vec3f> out(static_cast<std::size_t>(p.size(0)));
    for (auto& v : out) v = {f[0], f[1], f[2]}, f += 3;
    return out;
}
/// @param image [3,H,W]
inline geom::RgbImage image_of(const torch::Tensor& image) {
    const torch::Tensor t = image.contiguous();
    const float* p = t.data_ptr<float>();
    return {static_cast<int>(t.size(2)), static_cast<int>(t.size(1)), {p, p + t.numel()}};
}

}  // namespace nir::test
