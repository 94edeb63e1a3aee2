// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

namespace nir::io {

/// A regular file mapped read-only: for large sets of which each reader needs small parts. Unlike FileBytes the
/// contents are read when they are touched, so the file must stay as it is while this object lives: a file that another
/// program cuts off meanwhile ends the process with a bus error. Replacing a file by rename is safe.
class MappedFile {
public:
    /// @throws Error input: missing, a directory, no permission, no regular file. The message does not name the file.
    explicit MappedFile(const std::filesystem::path& path);
    ~MappedFile();
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;

    std::string_view view() const { return {data_, size_}; }

private:
    const char* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace nir::io
