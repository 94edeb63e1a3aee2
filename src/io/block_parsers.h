// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Parsers that hand on points in blocks (nir/io/point_blocks.h): the same code as for whole files.
#pragma once

#include "io/sliding_file.h"

#include <cstdint>
#include <optional>

namespace nir::io {

/// What a header says of the points.
struct BlockHeader {
    std::uint64_t points = 0;
    bool sensors = false;
};
/// Nothing if the file cannot be read in blocks. The beginning of the file is there.
std::optional<BlockHeader> ply_block_header(std::string_view bytes);
std::optional<BlockHeader> pcd_block_header(std::string_view bytes);
std::optional<BlockHeader> npy_block_header(std::string_view bytes);

void parse_ply_blocks(BlockSink& sink);
void parse_pcd_blocks(BlockSink& sink);
void parse_npy_blocks(BlockSink& sink);
/// Reads the file twice: what its columns hold shows in all of it.
void parse_xyz_blocks(BlockSink& sink);

}  // namespace nir::io
