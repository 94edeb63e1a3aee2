// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace nir::test {

/// A reference file: in tests/golden/<topic>, or in the optional folder of larger fixtures (../shared/fixtures beside
/// the source tree, or $NIR_SHARED/fixtures). Empty if it is in neither; such tests skip.
inline std::filesystem::path find_fixture(const std::string& topic, const std::string& name) {
    const std::filesystem::path root(NIR_SOURCE_DIR);
    const char* shared = std::getenv("NIR_SHARED");
    for (const auto& folder :
         {root / "tests/golden" / topic, (shared ? std::filesystem::path(shared) : root / "../shared") / "fixtures"})
        if (std::filesystem::exists(folder / name)) return folder / name;
    return {};
}

}  // namespace nir::test
