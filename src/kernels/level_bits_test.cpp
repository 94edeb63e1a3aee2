// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/level_bits.h"

#include "kernels/test_networks.h"

#include <limits>

namespace nir::kernels {
namespace {

class LevelBits : public EveryTarget {};

TEST_P(LevelBits, AreThoseOfThePlainComparison) {
    Rng rng(1);
    for (const std::size_t n : {0u, 1u, 3u, 63u, 64u, 65u, 127u, 128u, 200u}) {
        std::vector<float> v = random_floats(n + 1, rng);
        for (std::size_t i = 0; i < v.size(); i += 7) v[i] = 0.25f;  // equal to the threshold
        if (n > 5) v[5] = std::numeric_limits<float>::quiet_NaN(), v[2] = std::numeric_limits<float>::infinity();
        const std::span<const float> values = std::span(v).subspan(1);
        std::vector<std::uint64_t> bits(words_of_bits(n) + 1, 77), exact(words_of_bits(n));
        not_above_bits(values, 0.25f, std::span(bits).first(words_of_bits(n)));
        const std::vector<double> d(values.begin(), values.end());
        not_above_bits(d, 0.25, exact);
        EXPECT_EQ(bits.back(), 77u);
        bits.pop_back();
        EXPECT_EQ(bits, exact);
        for (std::size_t i = 0; i < 64 * exact.size(); ++i)
            EXPECT_EQ(exact[i / 64] >> i % 64 & 1u, i < n && !(values[i] > 0.25f) ? 1u : 0u) << i;
    }
}

INSTANTIATE_TEST_SUITE_P(Targets, LevelBits, ::testing::ValuesIn(hwy::SupportedAndGeneratedTargets()),
                         [](const auto& target) { return std::string(hwy::TargetName(target.param)); });

}  // namespace
}  // namespace nir::kernels
