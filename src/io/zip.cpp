// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/zip.h"

#include "nir/base/error.h"

#include "io/binary.h"
#include "io/text.h"

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <new>

namespace nir::io {
namespace {

constexpr std::uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50, kEnd64 = 0x06064b50,
                        kLocator64 = 0x07064b50;
constexpr std::uint64_t kFull32 = 0xffffffff;
constexpr std::uint64_t kMaxDeflateRatio = 1032;  // a deflate block cannot do better

struct Directory {
    std::uint64_t entries = 0, size = 0, offset = 0;
};

Directory find_directory(std::string_view bytes) {
    // The end record is 22 bytes and a comment of up to 65535.
    const std::size_t lowest = bytes.size() > 22 + 65535 ? bytes.size() - 22 - 65535 : 0;
    for (std::size_t at = bytes.size() < 22 ? 0 : bytes.size() - 21; at-- > lowest;) {
        if (load<std::uint32_t>(bytes.data() + at) != kEnd) continue;
        ByteReader r(bytes, at + 10);
        Directory d;
        d.entries = r.get<std::uint16_t>("the zip directory");
        d.size = r.get<std::uint32_t>("the zip directory");
        d.offset = r.get<std::uint32_t>("the zip directory");
        if ((d.entries == 0xffff || d.size == kFull32 || d.offset == kFull32) && at >= 20 &&
            load<std::uint32_t>(bytes.data() + at - 20) == kLocator64) {
            const auto where = load<std::uint64_t>(bytes.data() + at - 12);
            if (where > bytes.size() || bytes.size() - where < 56 ||
                load<std::uint32_t>(bytes.data() + where) != kEnd64)
                fail(ErrorKind::format, "byte {}: the zip64 end record is not where it should be", at);
            ByteReader r64(bytes, static_cast<std::size_t>(where) + 32);
            d.entries = r64.get<std::uint64_t>("the zip64 directory");
            d.size = r64.get<std::uint64_t>("the zip64 directory");
            d.offset = r64.get<std::uint64_t>("the zip64 directory");
        }
        if (d.offset > at || d.size > at - d.offset)
            fail(ErrorKind::format, "byte {}: the zip directory lies outside the file", at);
        if (d.entries > d.size / 46)
            fail(ErrorKind::format, "byte {}: {} members do not fit in the zip directory", at, d.entries);
        return d;
    }
    fail(ErrorKind::format, "not a zip archive, or cut off (no end record)");
}

// Sizes of 2^32 - 1 stand for "see the zip64 extra field".
void read_zip64(std::string_view extra, ZipMember& m, std::uint64_t& header_offset) {
    ByteReader r(extra);
    while (r.remaining() >= 4) {
        const auto id = r.get<std::uint16_t>("an extra field");
        const auto size = r.get<std::uint16_t>("an extra field");
        if (size > r.remaining()) return;
        ByteReader field(std::string_view(r.take(size, "an extra field"), size));
        if (id != 1) continue;
        if (m.size == kFull32) m.size = field.get<std::uint64_t>("a zip64 size");
        if (m.compressed_size == kFull32) m.compressed_size = field.get<std::uint64_t>("a zip64 size");
        if (header_offset == kFull32) header_offset = field.get<std::uint64_t>("a zip64 offset");
        return;
    }
}

ZipMember read_entry(ByteReader& r, std::string_view bytes) {
    const std::size_t at = r.offset();
    const std::string_view fixed(r.take(46, "the zip directory"), 46);
    if (load<std::uint32_t>(fixed.data()) != kCentral) fail(ErrorKind::format, "byte {}: broken zip directory", at);
    const auto u16 = [&](std::size_t o) { return load<std::uint16_t>(fixed.data() + o); };
    const auto u32 = [&](std::size_t o) { return load<std::uint32_t>(fixed.data() + o); };
    ZipMember m;
    m.crc32 = u32(16), m.compressed_size = u32(20), m.size = u32(24);
    std::uint64_t header_offset = u32(42);
    m.name = std::string(r.take(u16(28), "a member name"), u16(28));
    const std::string_view extra(r.take(u16(30), "an extra field"), u16(30));
    r.take(u16(32), "a member comment");
    read_zip64(extra, m, header_offset);

    const auto refuse = [&](std::string_view why) { fail(ErrorKind::format, "member {}: {}", in_quotes(m.name), why); };
    if (u16(8) & 1) refuse("is encrypted");
    if (u16(10) != 0 && u16(10) != 8)
        refuse(fmt::format("compression method {}; nir reads stored and deflate", u16(10)));
    m.deflated = u16(10) == 8;
    if (!m.deflated && m.size != m.compressed_size) refuse("is stored, but its two sizes differ");
    if (m.size > ZipArchive::kMaxMemberBytes) refuse(fmt::format("promises {} bytes; the limit is 8 GiB", m.size));
    if (m.deflated && m.size / kMaxDeflateRatio > m.compressed_size) {
        refuse(fmt::format("promises {} bytes out of {}, which deflate cannot do", m.size, m.compressed_size));
    }
    if (header_offset > bytes.size() || bytes.size() - header_offset < 30) refuse("lies outside the file");
    const char* local = bytes.data() + header_offset;
    if (load<std::uint32_t>(local) != kLocal) refuse("has no local header where it should be");
    m.data_offset = header_offset + 30 + load<std::uint16_t>(local + 26) + load<std::uint16_t>(local + 28);
    if (m.data_offset > bytes.size() || bytes.size() - m.data_offset < m.compressed_size)
        refuse("lies outside the file");
    return m;
}

class Inflater {
public:
    explicit Inflater(std::string_view in) : in_(in) { NIR_CHECK(inflateInit2(&z_, -MAX_WBITS) == Z_OK); }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;
    ~Inflater() { inflateEnd(&z_); }

    /// Inflates up to n bytes; fewer at the end. False if the data is broken.
    bool read(char* to, std::size_t n, std::size_t& got) {
        got = 0;
        while (got < n && !done_) {
            if (z_.avail_in == 0) {
                const std::size_t piece = std::min<std::size_t>(in_.size(), 1u << 30);
                z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in_.data()));
                z_.avail_in = static_cast<uInt>(piece);
                in_.remove_prefix(piece);
            }
            const std::size_t room = std::min<std::size_t>(n - got, 1u << 30);
            z_.next_out = reinterpret_cast<Bytef*>(to + got);
            z_.avail_out = static_cast<uInt>(room);
            const int status = inflate(&z_, Z_NO_FLUSH);
            got += room - z_.avail_out;
            if (status == Z_STREAM_END)
                done_ = true;
            else if (status != Z_OK)
                return false;
        }
        return true;
    }
    /// True if the stream ends exactly here.
    bool at_end() {
        char extra = 0;
        std::size_t got = 0;
        return read(&extra, 1, got) && got == 0 && done_;
    }

private:
    z_stream z_{};
    std::string_view in_;
    bool done_ = false;
};

std::uint32_t crc_of(std::string_view s, std::uint32_t crc = 0) {
    return static_cast<std::uint32_t>(crc32_z(crc, reinterpret_cast<const Bytef*>(s.data()), s.size()));
}

}  // namespace

bool looks_like_zip(std::string_view bytes) {
    return bytes.substr(0, 4) == std::string_view("PK\3\4", 4) || bytes.substr(0, 4) == std::string_view("PK\5\6", 4);
}

ZipArchive::ZipArchive(std::string_view bytes) : bytes_(bytes) {
    if (bytes.empty()) fail(ErrorKind::format, "the file is empty");
    const Directory d = find_directory(bytes);
    ByteReader r(bytes.substr(0, static_cast<std::size_t>(d.offset + d.size)), static_cast<std::size_t>(d.offset));
    for (std::uint64_t i = 0; i < d.entries; ++i) members_.push_back(read_entry(r, bytes));

    std::vector<const ZipMember*> sorted;
    for (const ZipMember& m : members_) sorted.push_back(&m);
    std::sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return a->data_offset < b->data_offset; });
    for (std::size_t i = 1; i < sorted.size(); ++i) {
        const ZipMember &a = *sorted[i - 1], &b = *sorted[i];
        if (b.data_offset < a.data_offset + a.compressed_size)
            fail(ErrorKind::format, "members {} and {} overlap", in_quotes(a.name), in_quotes(b.name));
    }
}

const ZipMember* ZipArchive::find(std::string_view name) const {
    for (const ZipMember& m : members_) {
        if (m.name == name) return &m;
    }
    return nullptr;
}

std::string_view ZipArchive::data_of(const ZipMember& m) const {
    return bytes_.substr(static_cast<std::size_t>(m.data_offset), static_cast<std::size_t>(m.compressed_size));
}

std::vector<std::byte> ZipArchive::read(const ZipMember& m) const {
    const std::string_view data = data_of(m);
    std::vector<std::byte> out;
    try {
        out.resize(static_cast<std::size_t>(m.size));
    } catch (const std::bad_alloc&) {
        fail(ErrorKind::format, "member {}: no memory for its {} bytes", in_quotes(m.name), m.size);
    }
    if (m.deflated) {
        Inflater inflater(data);
        std::size_t got = 0;
        const bool good = inflater.read(reinterpret_cast<char*>(out.data()), out.size(), got);
        if (!good || got != out.size() || !inflater.at_end()) {
            fail(ErrorKind::format, "member {}: broken deflate data, or not the {} bytes promised", in_quotes(m.name),
                 m.size);
        }
    } else if (!out.empty()) {
        std::memcpy(out.data(), data.data(), out.size());
    }
    if (crc_of({reinterpret_cast<const char*>(out.data()), out.size()}) != m.crc32) {
        fail(ErrorKind::format, "member {}: wrong checksum, the file is damaged", in_quotes(m.name));
    }
    return out;
}

std::string ZipArchive::read_prefix(const ZipMember& m, std::size_t n) const {
    const std::string_view data = data_of(m);
    if (!m.deflated) return std::string(data.substr(0, n));
    std::string out(static_cast<std::size_t>(std::min<std::uint64_t>(n, m.size)), '\0');
    Inflater inflater(data);
    std::size_t got = 0;
    if (!inflater.read(out.data(), out.size(), got))
        fail(ErrorKind::format, "member {}: broken deflate data", in_quotes(m.name));
    out.resize(got);
    return out;
}

void ZipWriter::add(std::string name, const std::vector<std::string_view>& pieces) {
    ZipMember m;
    m.name = std::move(name);
    for (const std::string_view p : pieces) m.size += p.size(), m.crc32 = crc_of(p, m.crc32);
    if (m.size >= kFull32 || at_ >= kFull32)
        fail(ErrorKind::input, "array {} is too large for an NPZ file (4 GiB)", in_quotes(m.name));

    std::string deflated;
    if (deflate_) {
        z_stream z{};
        NIR_CHECK(deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
        deflated.resize(deflateBound(&z, static_cast<uLong>(m.size)) + 64);
        z.next_out = reinterpret_cast<Bytef*>(deflated.data());
        z.avail_out = static_cast<uInt>(std::min<std::size_t>(deflated.size(), std::numeric_limits<uInt>::max()));
        for (const std::string_view p : pieces) {
            z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(p.data()));
            z.avail_in = static_cast<uInt>(p.size());
            deflate(&z, Z_NO_FLUSH);
        }
        const int status = deflate(&z, Z_FINISH);
        deflated.resize(z.total_out);
        deflateEnd(&z);
        NIR_CHECK(status == Z_STREAM_END);
    }
    m.deflated = deflate_;
    m.compressed_size = deflate_ ? deflated.size() : m.size;

    header_offsets_.push_back(at_);
    ByteWriter to(out_);
    to.put(kLocal), to.put<std::uint16_t>(20), to.put<std::uint16_t>(0), to.put<std::uint16_t>(m.deflated ? 8 : 0);
    to.put<std::uint16_t>(0), to.put<std::uint16_t>(0x21);  // 1980-01-01: the same bytes on every run
    to.put(m.crc32), to.put(static_cast<std::uint32_t>(m.compressed_size)), to.put(static_cast<std::uint32_t>(m.size));
    to.put(static_cast<std::uint16_t>(m.name.size())), to.put<std::uint16_t>(0);
    to.put_bytes(m.name);
    if (deflate_)
        to.put_bytes(deflated);
    else
        for (const std::string_view p : pieces) to.put_bytes(p);
    to.flush();
    m.data_offset = at_ + 30 + m.name.size();
    at_ = m.data_offset + m.compressed_size;
    members_.push_back(std::move(m));
}

void ZipWriter::finish() {
    ByteWriter to(out_);
    std::uint64_t size = 0;
    if (at_ >= kFull32 || members_.size() >= 0xffff)
        fail(ErrorKind::input, "the archive is too large for an NPZ file (4 GiB)");
    for (std::size_t i = 0; i < members_.size(); ++i) {
        const ZipMember& m = members_[i];
        to.put(kCentral), to.put<std::uint16_t>(20), to.put<std::uint16_t>(20), to.put<std::uint16_t>(0);
        to.put<std::uint16_t>(m.deflated ? 8 : 0), to.put<std::uint16_t>(0), to.put<std::uint16_t>(0x21);
        to.put(m.crc32), to.put(static_cast<std::uint32_t>(m.compressed_size)),
            to.put(static_cast<std::uint32_t>(m.size));
        to.put(static_cast<std::uint16_t>(m.name.size()));
        for (int k = 0; k < 4; ++k) to.put<std::uint16_t>(0);
        to.put<std::uint32_t>(0), to.put(static_cast<std::uint32_t>(header_offsets_[i]));
        to.put_bytes(m.name);
        size += 46 + m.name.size();
    }
    const auto n = static_cast<std::uint16_t>(members_.size());
    to.put(kEnd), to.put<std::uint32_t>(0), to.put(n), to.put(n);
    to.put(static_cast<std::uint32_t>(size)), to.put(static_cast<std::uint32_t>(at_)), to.put<std::uint16_t>(0);
    to.flush();
}

}  // namespace nir::io
