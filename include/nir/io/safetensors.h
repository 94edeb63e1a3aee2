// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/io/array.h"

#include <filesystem>
#include <iosfwd>
#include <string_view>

namespace nir::io {

/// Reads a safetensors file: named arrays in file order and string metadata. Treated as hostile: header up to 100 MB,
/// known dtypes, overflow-checked shapes that agree with their ranges, ranges that cover the data without overlap or
/// gap, no name twice.
/// @throws Error input, format. Ref: https://github.com/huggingface/safetensors#format
TensorFile read_safetensors(std::istream& in);
TensorFile read_safetensors(const std::filesystem::path& path);
TensorFile parse_safetensors(std::string_view bytes);

/// Only the metadata (the data must still be whole). Cheap for `nir info` and model tables.
std::map<std::string, std::string> read_safetensors_metadata(const std::filesystem::path& path);

/// Writes the arrays in the given order; the header is padded so that the data starts at a multiple of 8.
/// @throws Error input if a name appears twice or is "__metadata__".
void write_safetensors(std::ostream& out, const TensorFile& file);
void write_safetensors(const std::filesystem::path& path, const TensorFile& file);

}  // namespace nir::io
