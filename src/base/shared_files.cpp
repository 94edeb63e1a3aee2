// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/shared_files.h"

#include <cstdlib>

namespace nir {

namespace fs = std::filesystem;

std::vector<fs::path> shared_folders() {
    std::vector<fs::path> folders;
    if (const char* named = std::getenv("NIR_SHARE"); named && *named) folders.emplace_back(named);
    std::error_code ec;
    if (const fs::path program = fs::read_symlink("/proc/self/exe", ec); !ec)
        folders.push_back(program.parent_path().parent_path() / "share" / "nir");
    folders.emplace_back(NIR_INSTALLED_SHARE);  // both set by CMakeLists.txt for this file alone
    folders.emplace_back(NIR_SOURCE_TREE);
    return folders;
}

std::optional<fs::path> find_shared_file(std::string_view relative) {
    std::error_code ec;
    for (const auto& folder : shared_folders())
        if (fs::path file = folder / relative; fs::exists(file, ec)) return file;
    return std::nullopt;
}

}  // namespace nir
