// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Between the table of formats and the reader that only some programs are linked with.
#pragma once

#include "nir/geom/shapes.h"

#include <string_view>

namespace nir::io {

using VdbParser = geom::VoxelGrid (*)(std::string_view bytes);

/// Null until enable_openvdb().
inline VdbParser& vdb_parser() {
    static VdbParser parser = nullptr;
    return parser;
}

inline bool looks_like_vdb(std::string_view bytes) { return bytes.starts_with(std::string_view(" BDV\0\0\0\0", 8)); }

}  // namespace nir::io
