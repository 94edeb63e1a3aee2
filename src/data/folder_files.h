// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <system_error>
#include <vector>

namespace nir::data {

/// The files of a folder with one of these endings (".png"), sorted by name; none if there is no such folder.
inline std::vector<std::filesystem::path> files_with_ending(const std::filesystem::path& folder,
                                                            std::initializer_list<const char*> endings) {
    std::vector<std::filesystem::path> out;
    std::error_code ec;
    for (const auto& e : std::filesystem::directory_iterator(folder, ec)) {
        const std::string ending = e.path().extension().string();
        if (std::any_of(endings.begin(), endings.end(), [&](const char* w) { return ending == w; }))
            out.push_back(e.path());
    }
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace nir::data
