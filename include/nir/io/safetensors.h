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

/// An array whose values stay where they are; they need not be aligned.
struct TensorView {
    std::string name;
    DType dtype = DType::f32;
    std::vector<std::int64_t> shape;
    std::span<const std::byte> bytes;
};
/// A safetensors file without copying the values, for files that are mapped (mapped_file.h).
struct TensorFileView {
    std::vector<TensorView> arrays;
    std::map<std::string, std::string> metadata;

    const TensorView* find(std::string_view name) const;
};
/// Checks the header like parse_safetensors. `bytes` must outlive the result. @throws Error format.
TensorFileView view_safetensors(std::string_view bytes);

/// What stands in front of the values when arrays of these names, types and shapes follow in this order: for writers
/// that cannot hold all values at once. The values of `arrays` are not looked at.
/// @throws Error input as write_safetensors.
std::string safetensors_header(std::span<const TensorView> arrays, const std::map<std::string, std::string>& metadata);

/// Only the metadata (the data must still be whole). Cheap for `nir info` and model tables.
std::map<std::string, std::string> read_safetensors_metadata(const std::filesystem::path& path);

/// Writes the arrays in the given order; the header is padded so that the data starts at a multiple of 8.
/// @throws Error input if a name appears twice or is "__metadata__".
void write_safetensors(std::ostream& out, const TensorFile& file);
void write_safetensors(const std::filesystem::path& path, const TensorFile& file);

}  // namespace nir::io
