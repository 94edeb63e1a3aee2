// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/io/array.h"
#include "nir/io/file_bytes.h"
#include "nir/io/zip.h"

#include <filesystem>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace nir::io {

/// Reads an NPY file (versions 1 to 3): bool, ints and floats of every width, either byte order, C or Fortran order,
/// any number of dimensions; the result is C order, little endian. Pickled objects, strings, complex and structured
/// arrays are refused.
/// @throws Error input, format.
NamedArray read_npy(std::istream& in);
NamedArray read_npy(const std::filesystem::path& path);
NamedArray parse_npy(std::string_view bytes);

void write_npy(std::ostream& out, const NamedArray& array);
void write_npy(const std::filesystem::path& path, const NamedArray& array);

/// Reads an NPZ file whole; array names lose the ending ".npy".
TensorFile read_npz(std::istream& in);
TensorFile read_npz(const std::filesystem::path& path);
TensorFile parse_npz(std::string_view bytes);

/// Writes an NPZ file; metadata is not kept (NPZ has no place for it). The same arrays give the same bytes.
void write_npz(std::ostream& out, const TensorFile& file, bool deflate = true);
void write_npz(const std::filesystem::path& path, const TensorFile& file, bool deflate = true);

/// Reads single arrays of an NPZ file; the others are not inflated.
class NpzFile {
public:
    explicit NpzFile(const std::filesystem::path& path);
    /// Array names without ".npy".
    std::vector<std::string> names() const;
    bool contains(std::string_view name) const;
    /// @throws Error format, with the file's name; names the arrays that are there if `name` is not.
    NamedArray read(std::string_view name) const;

private:
    std::string path_;
    FileBytes bytes_;
    ZipArchive archive_;
};

}  // namespace nir::io
