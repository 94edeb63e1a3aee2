// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Runs the tests of a kernel on every instruction set that this machine has.
#pragma once

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cstdint>
#include <string>

namespace nir::kernels {

class SimdTargetTest : public ::testing::TestWithParam<std::int64_t> {
protected:
    void SetUp() override { choose(GetParam()); }
    void TearDown() override { choose(0); }
    static void choose(std::int64_t target) {
        hwy::SetSupportedTargetsForTest(target);
        hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    }
};

inline auto all_simd_targets() { return ::testing::ValuesIn(hwy::SupportedAndGeneratedTargets()); }
inline std::string simd_target_name(const ::testing::TestParamInfo<std::int64_t>& target) {
    return hwy::TargetName(target.param);
}

}  // namespace nir::kernels
