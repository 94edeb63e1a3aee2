// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/config.h"
#include "nir/base/error.h"
#include "nir/nn/checkpoint.h"
#include "nir/nn/seeded.h"

#include "support/golden_fill.h"
#include "support/grad_check.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

namespace nir::test {

/// A row of a registry as the suite sees it. The suite runs every check on every row; a row may weaken one only with a
/// written reason.
struct ComponentCase {
    std::string name;
    std::span<const ConfigAlternative> alternatives;
    std::string small_toml;  ///< options that make an instance small enough for finite differences
    std::function<std::shared_ptr<torch::nn::Module>(const AnyConfig&)> make;
    /// Runs the module on points [B,N,3]; every output has the batch first.
    std::function<std::vector<torch::Tensor>(torch::nn::Module&, const torch::Tensor& points)> run;
    /// Checks the shapes of the outputs for B = 2 and N points.
    std::function<void(const std::vector<torch::Tensor>&, std::int64_t n)> check_shapes;
    double kink_share = 0;     ///< part of the finite differences that may step over a kink
    std::string kink_reason;   ///< required if kink_share > 0
    std::string variant = {};  ///< tells cases of one row apart

    friend std::ostream& operator<<(std::ostream& out, const ComponentCase& c) { return out << c.name; }
};

class ComponentSuite : public ::testing::TestWithParam<ComponentCase> {
protected:
    /// One thread: the instances are tiny, and thousands of evaluations should not wait for each other.
    void SetUp() override { torch::set_num_threads(1); }

    struct Holder {
        AnyConfig part;
        void describe(ConfigVisitor& v) { v.table("part", part, "the part under test"); }
    };
    AnyConfig parse(const std::string& toml) const {
        const Config config = Config::parse("[part]\nname = \"" + GetParam().name + "\"\n" + toml, "test.toml");
        Diagnostics problems("test.toml");
        Holder holder{AnyConfig(GetParam().alternatives, "")};
        nir::detail::parse_with(
            config, [&](ConfigVisitor& v) { holder.describe(v); }, problems);
        problems.throw_if_any(ErrorKind::config);
        return holder.part;
    }
    std::shared_ptr<torch::nn::Module> make_small(std::uint64_t seed = 1) const {
        const nn::SeededScope seeded(seed);
        return GetParam().make(parse(GetParam().small_toml));
    }
    static torch::Tensor points(std::int64_t batch, std::int64_t n, std::uint64_t seed = 21) {
        return golden_tensor(seed, {batch, n, 3}, -.5, .5);
    }
    std::vector<torch::Tensor> run(torch::nn::Module& module, const torch::Tensor& p) const {
        return GetParam().run(module, p);
    }
    /// A scalar that weighs every output differently.
    torch::Tensor scalar(torch::nn::Module& module, const torch::Tensor& p) const {
        torch::Tensor sum = torch::zeros({}, p.options());
        for (const auto& y : run(module, p))
            sum = sum + (y * torch::arange(y.numel(), y.options()).view(y.sizes()).sin()).sum();
        return sum;
    }
};

TEST_P(ComponentSuite, ShapesForAnyNumberOfPoints) {
    const auto module = make_small();
    module->eval();
    const torch::NoGradGuard no_grad;
    for (const std::int64_t n : {0, 1, 7, 257}) {
        const auto out = run(*module, points(2, n));
        GetParam().check_shapes(out, n);
        for (const auto& y : out) EXPECT_TRUE(torch::isfinite(y).all().item<bool>()) << n << " points";
    }
}

TEST_P(ComponentSuite, GradientsMatchFiniteDifferences) {
    ASSERT_TRUE(GetParam().kink_share == 0 || !GetParam().kink_reason.empty());
    const auto module = make_small();
    golden_fill(*module);
    module->to(torch::kFloat64);
    module->eval();
    torch::Tensor p = points(2, 7).to(torch::kFloat64);
    const auto f = [&] { return scalar(*module, p); };
    expect_gradients_in_place(f, p, GetParam().kink_share);
    p.requires_grad_(false);
    for (const auto& item : module->named_parameters()) {
        SCOPED_TRACE(item.key());
        expect_gradients_in_place(f, item.value(), GetParam().kink_share, 5);
    }
}

TEST_P(ComponentSuite, PermutingTheBatchPermutesTheOutput) {
    const auto module = make_small();
    module->eval();
    const torch::NoGradGuard no_grad;
    const torch::Tensor p = points(3, 40), order = torch::tensor({2, 0, 1});
    const auto straight = run(*module, p), permuted = run(*module, p.index_select(0, order));
    for (std::size_t i = 0; i < straight.size(); ++i)
        EXPECT_TRUE(torch::allclose(straight[i].index_select(0, order), permuted[i], 1e-5, 1e-6));
}

TEST_P(ComponentSuite, SameSeedSameBits) {
    const auto a = make_small(7), b = make_small(7), c = make_small(8);
    const auto pa = a->parameters(), pb = b->parameters(), pc = c->parameters();
    bool differs = false;
    for (std::size_t i = 0; i < pa.size(); ++i) {
        EXPECT_TRUE(torch::equal(pa[i], pb[i]));
        differs |= !torch::equal(pa[i], pc[i]);
    }
    EXPECT_TRUE(differs);
    const torch::NoGradGuard no_grad;
    a->eval(), b->eval();
    const auto ya = run(*a, points(2, 100)), yb = run(*b, points(2, 100));
    for (std::size_t i = 0; i < ya.size(); ++i) EXPECT_TRUE(torch::equal(ya[i], yb[i]));
}

TEST_P(ComponentSuite, SavedAndLoadedIsEqual) {
    const auto a = make_small(1), b = make_small(2);
    nn::load_state(*b, nn::state_of(*a), "memory");
    a->eval(), b->eval();
    const torch::NoGradGuard no_grad;
    const auto ya = run(*a, points(2, 50)), yb = run(*b, points(2, 50));
    for (std::size_t i = 0; i < ya.size(); ++i) EXPECT_TRUE(torch::equal(ya[i], yb[i]));
}

TEST_P(ComponentSuite, ConfigurationSurvivesDumpAndParse) {
    Holder first{parse(GetParam().small_toml)};
    const std::string text = dump_toml(first);
    Diagnostics problems("dump");
    Holder second{AnyConfig(GetParam().alternatives, "")};
    nir::detail::parse_with(
        Config::parse(text), [&](ConfigVisitor& v) { second.describe(v); }, problems);
    EXPECT_TRUE(problems.empty());
    EXPECT_EQ(dump_toml(second), text);
}

TEST_P(ComponentSuite, UnknownKeyNamesTheLine) {
    try {
        (void)parse("no_such_key = 1\n");
        FAIL() << "accepted";
    } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::config);
        EXPECT_NE(std::string(e.what()).find("test.toml:3:"), std::string::npos) << e.what();
        EXPECT_NE(std::string(e.what()).find("no_such_key"), std::string::npos) << e.what();
    }
}

}  // namespace nir::test
