// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace nir::io {

/// One member of a zip archive.
struct ZipMember {
    std::string name;
    std::uint64_t compressed_size = 0;
    std::uint64_t size = 0;         ///< promised size after inflating
    std::uint64_t data_offset = 0;  ///< first byte of the data in the archive
    std::uint32_t crc32 = 0;
    bool deflated = false;
};

/// Reads zip archives (stored and deflated members, zip64) from memory; what NPZ and torch.save files are made of. The
/// archive is treated as hostile: members must lie inside the file without overlap, no member may promise more than
/// deflate can hold, checksums are checked. Hand-written because libzip's error texts name no place and minizip's
/// allocation follows the promise.
class ZipArchive {
public:
    /// Largest size of one member after inflating.
    static constexpr std::uint64_t kMaxMemberBytes = std::uint64_t{8} << 30;

    /// Reads the directory. `bytes` must outlive the archive. @throws Error format.
    explicit ZipArchive(std::string_view bytes);

    const std::vector<ZipMember>& members() const { return members_; }
    const ZipMember* find(std::string_view name) const;
    /// The whole contents of a member, checksum checked. @throws Error format.
    std::vector<std::byte> read(const ZipMember& member) const;
    /// The first bytes of a member, at most n.
    std::string read_prefix(const ZipMember& member, std::size_t n) const;

private:
    std::string_view data_of(const ZipMember& member) const;
    std::string_view bytes_;
    std::vector<ZipMember> members_;
};

/// True if the bytes begin like a zip archive.
bool looks_like_zip(std::string_view bytes);

/// Writes a zip archive member by member; no member or archive may pass 4 GiB (checked).
class ZipWriter {
public:
    explicit ZipWriter(std::ostream& out, bool deflate = true) : out_(out), deflate_(deflate) {}
    /// The contents are the pieces one after the other.
    void add(std::string name, const std::vector<std::string_view>& pieces);
    /// Writes the directory; must be called at the end.
    void finish();

private:
    std::ostream& out_;
    bool deflate_;
    std::uint64_t at_ = 0;
    std::vector<ZipMember> members_;
    std::vector<std::uint64_t> header_offsets_;
};

}  // namespace nir::io
