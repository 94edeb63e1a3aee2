// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "io/ply_header.h"

#include "nir/base/error.h"

#include "io/text.h"

#include <algorithm>
#include <optional>

namespace nir::io::ply {
namespace {

constexpr std::size_t kMaxElements = 256, kMaxProperties = 4096;

std::optional<Type> type_of(std::string_view word) {
    constexpr std::pair<std::string_view, Type> names[] = {
        {"char", Type::i8},   {"int8", Type::i8},     {"uchar", Type::u8},   {"uint8", Type::u8},
        {"short", Type::i16}, {"int16", Type::i16},   {"ushort", Type::u16}, {"uint16", Type::u16},
        {"int", Type::i32},   {"int32", Type::i32},   {"uint", Type::u32},   {"uint32", Type::u32},
        {"float", Type::f32}, {"float32", Type::f32}, {"double", Type::f64}, {"float64", Type::f64}};
    for (const auto& [name, type] : names) {
        if (name == word) return type;
    }
    return std::nullopt;
}

Type type_or_fail(std::string_view word, std::size_t line) {
    if (const auto type = type_of(word)) return *type;
    fail(ErrorKind::format, "line {}: unknown property type {}", line, in_quotes(word));
}

void parse_format(Words<>& words, std::size_t line, Header& header) {
    std::string_view encoding, version;
    words.next(encoding);
    words.next(version);
    if (encoding == "ascii")
        header.encoding = Encoding::ascii;
    else if (encoding == "binary_little_endian")
        header.encoding = Encoding::little;
    else if (encoding == "binary_big_endian")
        header.encoding = Encoding::big;
    else
        fail(ErrorKind::format, "line {}: unknown PLY encoding {}", line, in_quotes(encoding));
    if (version != "1.0") fail(ErrorKind::format, "line {}: PLY version {}; nir reads 1.0", line, in_quotes(version));
}

void parse_element(Words<>& words, std::size_t line, Header& header) {
    std::string_view name, count;
    if (!words.next(name) || !words.next(count))
        fail(ErrorKind::format, "line {}: element needs a name and a count", line);
    Element element;
    element.name = name;
    if (!parse_integer(count, element.count)) {
        fail(ErrorKind::format, "line {}: {} is not a count of {} elements", line, in_quotes(count), in_quotes(name));
    }
    if (header.elements.size() >= kMaxElements) fail(ErrorKind::format, "line {}: too many elements", line);
    header.elements.push_back(std::move(element));
}

void parse_property(Words<>& words, std::size_t line, Header& header) {
    if (header.elements.empty()) fail(ErrorKind::format, "line {}: property before any element", line);
    Property property;
    std::string_view type, name;
    words.next(type);
    if (type == "list") {
        property.is_list = true;
        words.next(type);
        property.count_type = type_or_fail(type, line);
        if (is_float(property.count_type))
            fail(ErrorKind::format, "line {}: a list length must be an integer type", line);
        words.next(type);
    }
    property.type = type_or_fail(type, line);
    if (!words.next(name)) fail(ErrorKind::format, "line {}: property without a name", line);
    property.name = name;
    Element& element = header.elements.back();
    if (element.properties.size() >= kMaxProperties) fail(ErrorKind::format, "line {}: too many properties", line);
    for (const Property& other : element.properties) {
        if (other.name == name) fail(ErrorKind::format, "line {}: property {} appears twice", line, in_quotes(name));
    }
    element.properties.push_back(std::move(property));
}

}  // namespace

bool Element::has_lists() const {
    return std::any_of(properties.begin(), properties.end(), [](const Property& p) { return p.is_list; });
}

std::uint64_t Element::min_row_bytes(Encoding encoding) const {
    // A text row has at least one character and one separator a value; the end of the file may stand for the last.
    if (encoding == Encoding::ascii) return properties.empty() ? 0 : 2 * properties.size() - 1;
    std::uint64_t bytes = 0;
    for (const Property& p : properties) bytes += size_of(p.is_list ? p.count_type : p.type);
    return bytes;
}

Header parse_header(std::string_view bytes) {
    LineReader lines(bytes);
    std::string_view line;
    if (!lines.next(line) || trim(line) != "ply")
        fail(ErrorKind::format, "line 1: not a PLY file (it must begin with \"ply\")");
    Header header;
    bool has_format = false;
    while (lines.next(line)) {
        Words<> words(line);
        std::string_view keyword;
        if (!words.next(keyword) || keyword == "comment" || keyword == "obj_info") continue;
        const std::size_t n = lines.number();
        if (keyword == "end_header") {
            if (!has_format) fail(ErrorKind::format, "line {}: the header has no \"format\" line", n);
            header.body_offset = lines.offset();
            header.lines = n;
            return header;
        }
        if (keyword == "format")
            parse_format(words, n, header), has_format = true;
        else if (keyword == "element")
            parse_element(words, n, header);
        else if (keyword == "property")
            parse_property(words, n, header);
        else
            fail(ErrorKind::format, "line {}: unknown header keyword {}", n, in_quotes(keyword));
    }
    fail(ErrorKind::format, "line {}: the file ends inside the header (no \"end_header\")", lines.number());
}

}  // namespace nir::io::ply
