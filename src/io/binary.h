// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Numbers in binary formats, checked against the end of the data.
#pragma once

#include "nir/base/error.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>

namespace nir::io {

static_assert(std::endian::native == std::endian::little, "io assumes a little-endian machine");

template <class T>
T byte_swapped(T v) {
    if constexpr (sizeof(T) == 1) {
        return v;
    } else if constexpr (sizeof(T) == 2) {
        return std::bit_cast<T>(__builtin_bswap16(std::bit_cast<std::uint16_t>(v)));
    } else if constexpr (sizeof(T) == 4) {
        return std::bit_cast<T>(__builtin_bswap32(std::bit_cast<std::uint32_t>(v)));
    } else {
        static_assert(sizeof(T) == 8);
        return std::bit_cast<T>(__builtin_bswap64(std::bit_cast<std::uint64_t>(v)));
    }
}

/// Loads a T from unaligned bytes; kSwap for big-endian files.
template <class T, bool kSwap = false>
T load(const char* from) {
    T v;
    std::memcpy(&v, from, sizeof v);
    if constexpr (kSwap) v = byte_swapped(v);
    return v;
}

/// a * b, or false if that does not fit.
inline bool multiply(std::uint64_t a, std::uint64_t b, std::uint64_t& product) {
    return !__builtin_mul_overflow(a, b, &product);
}

/// Reads numbers one after the other; running off the end is an error that names the byte.
class ByteReader {
public:
    explicit ByteReader(std::string_view bytes, std::size_t at = 0) : bytes_(bytes), at_(at) {}

    std::size_t offset() const { return at_; }
    std::size_t remaining() const { return bytes_.size() - at_; }

    const char* take(std::uint64_t n, std::string_view what) {
        if (n > remaining()) {
            fail(ErrorKind::format, "byte {}: the file ends inside {} ({} bytes needed, {} left)", at_, what, n,
                 remaining());
        }
        const char* p = bytes_.data() + at_;
        at_ += static_cast<std::size_t>(n);
        return p;
    }
    template <class T>
    T get(std::string_view what) {
        return load<T>(take(sizeof(T), what));
    }

private:
    std::string_view bytes_;
    std::size_t at_;
};

/// Collects little-endian numbers and hands them to a stream in large pieces.
class ByteWriter {
public:
    explicit ByteWriter(std::ostream& out) : out_(out) { buffer_.reserve(kSize + 64); }
    ByteWriter(const ByteWriter&) = delete;
    ByteWriter& operator=(const ByteWriter&) = delete;

    template <class T>
    void put(T v) {
        static_assert(std::is_arithmetic_v<T>);
        char raw[sizeof(T)];
        std::memcpy(raw, &v, sizeof(T));
        put_bytes({raw, sizeof(T)});
    }
    void put_bytes(std::string_view s) {
        buffer_.append(s);
        if (buffer_.size() >= kSize) flush();
    }
    /// Appends formatted text.
    template <class... Args>
    void format(fmt::format_string<Args...> f, Args&&... args) {
        fmt::format_to(std::back_inserter(buffer_), f, std::forward<Args>(args)...);
        if (buffer_.size() >= kSize) flush();
    }
    /// Must be called at the end.
    void flush() {
        out_.write(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
        buffer_.clear();
        if (!out_) fail(ErrorKind::io, "cannot write (is the disk full?)");
    }

private:
    static constexpr std::size_t kSize = std::size_t{1} << 20;
    std::ostream& out_;
    std::string buffer_;
};

}  // namespace nir::io
