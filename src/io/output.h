// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/error.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace nir::io {

/// Calls write(std::ostream&) and puts the file's name in front of any error.
template <class F>
void write_path(const std::filesystem::path& path, F&& write) {
    with_context(path.string(), [&] {
        std::ofstream out(path, std::ios::binary);
        if (!out) fail(ErrorKind::io, "cannot write: {}", std::strerror(errno));
        write(static_cast<std::ostream&>(out));
        out.close();
        if (!out) fail(ErrorKind::io, "cannot write (is the disk full?)");
    });
}

}  // namespace nir::io
