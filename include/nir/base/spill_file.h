// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace nir {

/// Scratch bytes on a disk, in a file without a name: whatever ends the program, nothing stays behind. Grows at its
/// end; read anywhere. Reading is thread-safe while nobody appends.
class SpillFile {
public:
    /// @param folder  on whose disk the bytes go. @throws Error io: no such folder, no permission.
    explicit SpillFile(const std::filesystem::path& folder);
    ~SpillFile();
    SpillFile(SpillFile&& other) noexcept;
    SpillFile& operator=(SpillFile&&) = delete;

    /// Where the bytes were put. @throws Error io: disk full.
    std::uint64_t append(std::span<const std::byte> bytes);
    /// Fills `out` from an offset. @throws Error io; internal beyond the end.
    void read(std::uint64_t offset, std::span<std::byte> out) const;
    std::uint64_t size() const { return size_; }

private:
    std::filesystem::path folder_;
    int fd_ = -1;
    std::uint64_t size_ = 0;
};

}  // namespace nir
