// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/error.h"
#include "nir/io/array.h"
#include "nir/io/exr.h"
#include "nir/io/file_bytes.h"

#include "io/binary.h"

#include <fmt/ranges.h>
#include <zlib.h>

#include <algorithm>
#include <limits>

namespace nir::io {
namespace {

constexpr std::int64_t kMostPixels = std::int64_t{1} << 28;

struct Channel {
    std::string name;
    std::int32_t type = 2;  // 0 whole number, 1 half, 2 float
    std::size_t bytes() const { return type == 1 ? 2 : 4; }
};

struct Header {
    std::vector<Channel> channels;
    int compression = -1;
    std::int32_t x0 = 0, y0 = 0, x1 = -1, y1 = -1;
};

std::string text(ByteReader& in, std::string_view what) {
    std::string s;
    for (char c = *in.take(1, what); c != '\0'; c = *in.take(1, what)) s += c;
    return s;
}

std::vector<Channel> channels_of(std::string_view value) {
    std::vector<Channel> out;
    ByteReader in(value);
    for (std::string name = text(in, "a channel"); !name.empty(); name = text(in, "a channel")) {
        Channel c{std::move(name), in.get<std::int32_t>("a channel")};
        in.take(4, "a channel");
        const auto x = in.get<std::int32_t>("a channel"), y = in.get<std::int32_t>("a channel");
        if (c.type < 0 || c.type > 2) fail(ErrorKind::format, "channel \"{}\" has the unknown type {}", c.name, c.type);
        if (x != 1 || y != 1) fail(ErrorKind::format, "channel \"{}\" does not have a value for every pixel", c.name);
        out.push_back(std::move(c));
    }
    return out;
}

Header read_header(ByteReader& in) {
    if (in.get<std::uint32_t>("the header") != 20000630) fail(ErrorKind::format, "this is no OpenEXR file");
    const auto version = in.get<std::uint32_t>("the header");
    if ((version & 0xffu) != 2 || (version & 0x1a00u) != 0)
        fail(ErrorKind::format, "tiled and deep pictures and those of several parts are not read");
    Header h;
    for (std::string name = text(in, "the header"); !name.empty(); name = text(in, "the header")) {
        text(in, "the header");
        const auto size = in.get<std::int32_t>("the header");
        if (size < 0) fail(ErrorKind::format, "attribute \"{}\" has a negative size", name);
        const auto n = static_cast<std::size_t>(size);
        const std::string_view value(in.take(n, "the header"), n);
        ByteReader v(value);
        if (name == "channels") h.channels = channels_of(value);
        if (name == "compression") h.compression = static_cast<unsigned char>(*v.take(1, "the header"));
        if (name == "dataWindow")
            for (std::int32_t* x : {&h.x0, &h.y0, &h.x1, &h.y1}) *x = v.get<std::int32_t>("the data window");
    }
    if (h.channels.empty()) fail(ErrorKind::format, "there are no channels");
    if (h.compression != 0 && h.compression != 2 && h.compression != 3)
        fail(ErrorKind::format, "its compression (number {}) is not read; none, ZIP and ZIPS are", h.compression);
    const std::int64_t width = std::int64_t{h.x1} - h.x0 + 1, height = std::int64_t{h.y1} - h.y0 + 1;
    if (width < 1 || height < 1 || width > kMostPixels || height > kMostPixels || width * height > kMostPixels)
        fail(ErrorKind::format, "a picture of {} x {} pixels cannot be read", width, height);
    return h;
}

/// Undoes ZIP of EXR: deflate, differences, even bytes before odd ones.
std::string inflated(std::string_view packed, std::size_t size) {
    std::string t(size, '\0');
    uLongf got = static_cast<uLongf>(size);
    const int status = uncompress(reinterpret_cast<Bytef*>(t.data()), &got,
                                  reinterpret_cast<const Bytef*>(packed.data()), static_cast<uLong>(packed.size()));
    if (status != Z_OK || got != size) fail(ErrorKind::format, "a block of lines is damaged");
    for (std::size_t i = 1; i < size; ++i)
        t[i] = static_cast<char>(static_cast<unsigned char>(t[i - 1]) + static_cast<unsigned char>(t[i]) - 128);
    std::string out(size, '\0');
    const std::size_t half = (size + 1) / 2;
    for (std::size_t i = 0; i < size; ++i) out[i] = t[i % 2 ? half + i / 2 : i / 2];
    return out;
}

float value_of(const char* from, std::int32_t type) {
    if (type == 1) return float_from_half(load<std::uint16_t>(from));
    return type == 2 ? load<float>(from) : static_cast<float>(load<std::uint32_t>(from));
}

}  // namespace

std::size_t FloatImage::channel(std::string_view name) const {
    const auto at = std::find(channels.begin(), channels.end(), name);
    if (at == channels.end())
        fail(ErrorKind::format, "there is no channel \"{}\"; it holds {}", name, fmt::join(channels, ", "));
    return static_cast<std::size_t>(at - channels.begin());
}

FloatImage parse_exr(std::string_view bytes) {
    ByteReader in(bytes);
    const Header h = read_header(in);
    FloatImage out;
    out.width = h.x1 - h.x0 + 1, out.height = h.y1 - h.y0 + 1;
    std::size_t pixel_bytes = 0;
    for (const Channel& c : h.channels) out.channels.push_back(c.name), pixel_bytes += c.bytes();
    const auto width = static_cast<std::size_t>(out.width), height = static_cast<std::size_t>(out.height);
    const std::size_t lines = h.compression == 3 ? 16 : 1, blocks = (height + lines - 1) / lines;
    // A block that deflate made smallest still takes a thousandth.
    if (bytes.size() < width * height * pixel_bytes / 1100)
        fail(ErrorKind::format, "the file is too short for {} x {} pixels", width, height);
    in.take(8 * blocks, "the table of lines");
    out.values.resize(width * height * h.channels.size());
    std::vector<char> seen(blocks);
    for (std::size_t b = 0; b < blocks; ++b) {
        const std::int64_t first = std::int64_t{in.get<std::int32_t>("a block")} - h.y0;
        const auto size = in.get<std::int32_t>("a block");
        if (first < 0 || first >= out.height || first % static_cast<std::int64_t>(lines) != 0 || size < 0 ||
            seen[static_cast<std::size_t>(first) / lines]++)
            fail(ErrorKind::format, "block {} has no place in the picture", b);
        const std::string_view packed(in.take(static_cast<std::uint64_t>(size), "a block"),
                                      static_cast<std::size_t>(size));
        const std::size_t y0 = static_cast<std::size_t>(first), n = std::min(lines, height - y0),
                          want = n * width * pixel_bytes;
        if (packed.size() > want || (h.compression == 0 && packed.size() < want))
            fail(ErrorKind::format, "block {} has {} bytes instead of {}", b, packed.size(), want);
        const std::string raw = packed.size() == want ? std::string(packed) : inflated(packed, want);
        const char* at = raw.data();
        for (std::size_t y = y0; y < y0 + n; ++y)
            for (std::size_t c = 0; c < h.channels.size(); ++c)
                for (std::size_t x = 0; x < width; ++x, at += h.channels[c].bytes())
                    out.values[(y * width + x) * h.channels.size() + c] = value_of(at, h.channels[c].type);
    }
    return out;
}

FloatImage read_exr(const std::filesystem::path& path) {
    return read_path(path, [](std::string_view bytes) { return parse_exr(bytes); });
}

}  // namespace nir::io
