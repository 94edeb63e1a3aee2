// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/error.h"

#include <cstddef>
#include <filesystem>
#include <iosfwd>
#include <memory>
#include <string_view>

namespace nir::io {

/// The whole contents of a file or stream, read once. (Reading, not mapping: a file that shrinks meanwhile is then an
/// error sentence and not a signal.)
class FileBytes {
public:
    FileBytes() = default;
    FileBytes(std::unique_ptr<char[]> data, std::size_t size) : data_(std::move(data)), size_(size) {}
    std::string_view view() const { return {data_.get(), size_}; }
    std::size_t size() const { return size_; }

private:
    std::unique_ptr<char[]> data_;
    std::size_t size_ = 0;
};

/// Reads a file whole. Pipes and devices are read to their end, up to 4 GiB.
/// @throws Error input: missing, a directory, no permission, too large. The message does not name the file; callers add
/// it as context (see read_path).
FileBytes read_file(const std::filesystem::path& path);
/// Reads a stream to its end.
FileBytes read_stream(std::istream& in);

/// Calls parse(std::string_view) on the contents of a file and puts the file's name in front of any error.
template <class F>
auto read_path(const std::filesystem::path& path, F&& parse) {
    return with_context(path.string(), [&] {
        const FileBytes bytes = read_file(path);
        return parse(bytes.view());
    });
}
/// The same for a stream, which has no name.
template <class F>
auto read_stream(std::istream& in, F&& parse) {
    const FileBytes bytes = read_stream(in);
    return parse(bytes.view());
}

}  // namespace nir::io
