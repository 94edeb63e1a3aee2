// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/io/npy.h"
#include "nir/io/torch_checkpoint.h"
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

namespace nir::test {

/// Largest relative errors against the papers' code, case -> item -> error; printed at the end of the tests.
inline std::map<std::string, std::map<std::string, double>>& parity_table() {
    static std::map<std::string, std::map<std::string, double>> rows;
    return rows;
}

/// Register one in a test file: [[maybe_unused]] const auto* const kTable = register_parity_table();
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
        parity_table().clear();
    }
};
inline const ::testing::Environment* register_parity_table() {
    return ::testing::AddGlobalTestEnvironment(std::make_unique<ParityTable>().release());
}

/// |ours - theirs| over |theirs|, where values below the tensor's root mean square count as large as that.
inline void expect_parity(const std::string& name, const std::string& item, const torch::Tensor& ours,
                          const torch::Tensor& theirs, double tolerance = 1e-4) {
    ASSERT_EQ(ours.sizes(), theirs.sizes()) << name << " " << item;
    const torch::Tensor a = ours.detach().to(torch::kFloat64), b = theirs.to(torch::kFloat64);
    const torch::Tensor floor = b.square().mean().sqrt().clamp_min(1e-12);
    const double error = ((a - b).abs() / torch::maximum(b.abs(), floor)).max().item<double>();
    EXPECT_LE(error, tolerance) << name << " " << item;
    double& row = parity_table()[name][item];
    row = std::max(row, error);
}

/// Multiplies every parameter by 1 +- two units in the last place; `which` == 0 leaves them alone.
inline void round_differently(torch::nn::Module& module, int which) {
    if (which == 0) return;
    const torch::NoGradGuard no_grad;
    torch::manual_seed(static_cast<std::uint64_t>(which));
    for (auto& p : module.parameters()) p.mul_(1 + 2e-7 * torch::randn(p.sizes(), torch::kFloat64).to(p.dtype()));
}

/// Gradients by name of one evaluation whose weights are rounded differently.
using RoundedGradients = std::function<std::map<std::string, torch::Tensor>(int which)>;

inline std::map<std::string, torch::Tensor> gradients_of(const torch::nn::Module& module) {
    std::map<std::string, torch::Tensor> out;
    for (const auto& p : module.named_parameters())
        if (p.value().grad().defined()) out[p.key()] = p.value().grad().clone();
    return out;
}

/// Compares gradients with the arrays `grad/<parameter>` of `file`; returns how many there were. Gradients jump where
/// the input of a ReLU is zero, two features share the maximum or two points are equally near within rounding, and the
/// side that is taken depends on the instruction set: where the plain evaluation does not agree, a value must lie,
/// within the tolerance, in the range of at most 24 evaluations with other roundings, and that range must be narrow.
/// Gradients that vanish in exact arithmetic (biases in front of a batch norm) are noise in both: below 1e-6, not
/// compared.
inline std::size_t expect_gradient_parity(const std::string& name, const RoundedGradients& evaluate,
                                          const io::TensorFile& file, double tolerance = 1e-4) {
    std::map<std::string, torch::Tensor> lowest, highest, first;
    double error = 0, widest = 0;
    std::size_t compared = 0;
    for (int which = 0; which < 24; ++which) {
        error = widest = 0;
        compared = 0;
        for (const auto& [key, value] : evaluate(which)) {
            const io::NamedArray* array = file.find("grad/" + key);
            if (!array) continue;
            ++compared;
            const torch::Tensor theirs = nn::tensor_from(*array).to(torch::kFloat64), ours = value.to(torch::kFloat64);
            EXPECT_EQ(ours.sizes(), theirs.sizes()) << name << " " << key;
            if (theirs.abs().max().item<double>() < 1e-6) {
                EXPECT_LT(ours.abs().max().item<double>(), 1e-6) << name << " " << key;
                continue;
            }
            lowest[key] = which == 0 ? ours : torch::minimum(lowest[key], ours);
            highest[key] = which == 0 ? ours : torch::maximum(highest[key], ours);
            const torch::Tensor scale = torch::maximum(theirs.abs(), theirs.square().mean().sqrt());
            const torch::Tensor outside = torch::relu(theirs - highest[key]) + torch::relu(lowest[key] - theirs);
            error = std::max(error, (outside / scale).max().item<double>());
            widest = std::max(widest, ((highest[key] - lowest[key]) / scale).max().item<double>());
        }
        if (which == 0) parity_table()[name]["gradients"] = error;
        if (error <= tolerance) break;
    }
    EXPECT_LE(error, tolerance) << name << " gradients, beyond the range of 24 roundings";
    EXPECT_LE(widest, 0.05) << name << " gradients: the range of 24 roundings says nothing";
    if (widest > 0) parity_table()[name]["range of roundings"] = widest;
    return compared;
}

/// The state dictionary of a reference case: NAME.weights.npz, NAME.pt or NAME.pth; empty if there is none.
inline io::TensorFile read_parity_weights(const std::string& topic, const std::string& name) {
    if (const auto npz = find_fixture(topic, name + ".weights.npz"); !npz.empty()) return io::read_npz(npz);
    for (const char* ending : {".pt", ".pth"})
        if (const auto file = find_fixture(topic, name + ending); !file.empty())
            return io::read_torch_checkpoint(file).state_dict();
    return {};
}

}  // namespace nir::test
