// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <ostream>
#include <span>

namespace nir {

/// A file that appears under its name only when it is complete: bytes go to a temporary name in the same folder,
/// commit() flushes them to the disk and renames. Without commit() (an exception, a second Ctrl-C) nothing stays, and
/// an older file of that name is untouched. A link is followed; pipes and devices (/dev/stdout) are written directly.
///
///     OutputFile file(path);
///     write_ply(file.stream(), mesh);
///     file.commit();
///
/// @throws Error of kind io, one sentence that names the target: no such folder, a folder of that name, no permission,
/// disk full. The stream itself never fails silently: the first failed write throws from the writing call.
class OutputFile {
public:
    explicit OutputFile(const std::filesystem::path& target);
    ~OutputFile();
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;

    std::ostream& stream();
    void write(std::span<const std::byte> bytes);
    /// Makes the file visible; writing afterwards is a bug.
    void commit();
    const std::filesystem::path& target() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

/// Refuses a target that OutputFile would refuse, before hours of work are spent on what should go there.
/// @throws Error of kind io.
void check_writable(const std::filesystem::path& target);

}  // namespace nir
