// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/error.h"
#include "nir/base/output_file.h"

#include <filesystem>

namespace nir::io {

/// Calls write(std::ostream&) on a file that appears only when complete, and puts the file's name in front of any error
/// (errors of the disk name it already).
template <class F>
void write_path(const std::filesystem::path& path, F&& write) {
    OutputFile file(path);
    try {
        write(file.stream());
    } catch (Error& e) {
        if (e.kind() != ErrorKind::io) e.add_context(path.string());
        throw;
    }
    file.commit();
}

}  // namespace nir::io
