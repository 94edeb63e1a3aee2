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

/// Compares the gradients of a module's parameters with the arrays `grad/<parameter>`; returns how many there were.
/// Gradients that vanish in exact arithmetic (biases in front of a batch norm) are rounding noise in both: they must be
/// below 1e-6 and are not compared.
inline std::size_t expect_gradient_parity(const std::string& name, const torch::nn::Module& module,
                                          const io::TensorFile& file, double tolerance = 1e-4) {
    std::size_t compared = 0;
    for (const auto& p : module.named_parameters()) {
        const io::NamedArray* theirs = file.find("grad/" + p.key());
        if (!theirs) continue;
        const torch::Tensor expected = nn::tensor_from(*theirs);
        EXPECT_TRUE(p.value().grad().defined()) << p.key();
        if (!p.value().grad().defined()) continue;
        ++compared;
        if (expected.abs().max().item<double>() < 1e-6)
            EXPECT_LT(p.value().grad().abs().max().item<double>(), 1e-6) << p.key();
        else
            expect_parity(name, "gradients", p.value().grad(), expected, tolerance);
    }
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
