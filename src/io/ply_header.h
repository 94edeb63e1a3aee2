// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nir::io::ply {

enum class Type : std::uint8_t { i8, u8, i16, u16, i32, u32, f32, f64 };
enum class Encoding : std::uint8_t { ascii, little, big };

inline std::size_t size_of(Type t) {
    constexpr std::size_t sizes[] = {1, 1, 2, 2, 4, 4, 4, 8};
    return sizes[static_cast<std::size_t>(t)];
}
inline bool is_float(Type t) { return t >= Type::f32; }

struct Property {
    std::string name;
    Type type = Type::f32;
    bool is_list = false;
    Type count_type = Type::u8;
};

struct Element {
    std::string name;
    std::uint64_t count = 0;
    std::vector<Property> properties;

    bool has_lists() const;
    /// Fewest bytes that one row can take in the file.
    std::uint64_t min_row_bytes(Encoding encoding) const;
};

struct Header {
    Encoding encoding = Encoding::ascii;
    std::vector<Element> elements;
    std::size_t body_offset = 0;  ///< first byte behind "end_header"
    std::size_t lines = 0;        ///< lines of the header
};

/// Reads and checks the header. @throws Error format with the line.
Header parse_header(std::string_view bytes);

}  // namespace nir::io::ply
