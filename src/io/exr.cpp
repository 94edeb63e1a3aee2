// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Hand-written because scan lines of floats need 150 lines, and libopenexr would be a package more for every user.
#include "nir/io/exr.h"

#include "nir/base/error.h"
#include "nir/base/output_file.h"

#include "io/binary.h"

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

namespace nir::io {
namespace {

constexpr int kLines = 16;  // of a ZIP block

template <class T>
void put(std::string& to, T v) {
    char raw[sizeof(T)];
    std::memcpy(raw, &v, sizeof v);
    to.append(raw, sizeof v);
}
void put_text(std::string& to, std::string_view s) { to.append(s), to += '\0'; }
void put_attribute(std::string& to, std::string_view name, std::string_view type, std::string_view value) {
    put_text(to, name), put_text(to, type);
    put(to, static_cast<std::int32_t>(value.size()));
    to += value;
}
template <class... T>
std::string bytes_of(T... v) {
    std::string s;
    (put(s, v), ...);
    return s;
}

/// Channels in the order of the file: by name.
std::vector<std::size_t> channel_order(const FloatImageView& image) {
    std::vector<std::size_t> order(image.channels.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return image.channels[a] < image.channels[b]; });
    for (std::size_t i = 0; i < order.size(); ++i) {
        const std::string& name = image.channels[order[i]];
        NIR_CHECK(!name.empty() && name.size() < 32 && name.find('\0') == std::string::npos);
        NIR_CHECK(i == 0 || name != image.channels[order[i - 1]]);
    }
    return order;
}

std::string header(const FloatImageView& image, const std::vector<std::size_t>& order) {
    std::string channels;
    for (const std::size_t c : order) {
        put_text(channels, image.channels[c]);
        put(channels, std::int32_t{2});  // float
        put(channels, std::int32_t{0});  // pLinear and three reserved bytes
        put(channels, std::int32_t{1}), put(channels, std::int32_t{1});
    }
    channels += '\0';
    const std::string window = bytes_of(std::int32_t{0}, std::int32_t{0}, static_cast<std::int32_t>(image.width - 1),
                                        static_cast<std::int32_t>(image.height - 1));
    std::string h = bytes_of(std::uint32_t{20000630}, std::uint32_t{2});
    put_attribute(h, "channels", "chlist", channels);
    put_attribute(h, "compression", "compression", std::string(1, '\3'));
    put_attribute(h, "dataWindow", "box2i", window);
    put_attribute(h, "displayWindow", "box2i", window);
    put_attribute(h, "lineOrder", "lineOrder", std::string(1, '\0'));
    put_attribute(h, "pixelAspectRatio", "float", bytes_of(1.0f));
    put_attribute(h, "screenWindowCenter", "v2f", bytes_of(0.0f, 0.0f));
    put_attribute(h, "screenWindowWidth", "float", bytes_of(1.0f));
    h += '\0';
    return h;
}

/// ZIP of EXR: even bytes before odd ones, differences, deflate. Blocks that do not get smaller stay as they are.
std::string compressed(const std::string& raw) {
    std::string t(raw.size(), '\0');
    const std::size_t half = (raw.size() + 1) / 2;
    for (std::size_t i = 0; i < raw.size(); ++i) t[i % 2 ? half + i / 2 : i / 2] = raw[i];
    int before = static_cast<unsigned char>(t[0]);
    for (std::size_t i = 1; i < t.size(); ++i) {
        const int now = static_cast<unsigned char>(t[i]);
        t[i] = static_cast<char>(now - before + 128);
        before = now;
    }
    uLongf size = compressBound(static_cast<uLong>(t.size()));
    std::string out(size, '\0');
    const int status = compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(t.data()),
                                 static_cast<uLong>(t.size()), 6);
    NIR_CHECK(status == Z_OK);
    out.resize(size);
    return out.size() < raw.size() ? out : raw;
}

}  // namespace

void write_exr(std::ostream& out, const FloatImageView& image) {
    const std::size_t n_channels = image.channels.size(), width = static_cast<std::size_t>(std::max(image.width, 0)),
                      height = static_cast<std::size_t>(std::max(image.height, 0));
    NIR_CHECK(width > 0 && height > 0 && n_channels > 0 && image.values.size() == width * height * n_channels);
    const std::vector<std::size_t> order = channel_order(image);
    std::string file = header(image, order);
    const std::size_t n_blocks = (height + kLines - 1) / kLines;
    std::uint64_t at = file.size() + 8 * n_blocks;
    std::string blocks;
    for (std::size_t b = 0; b < n_blocks; ++b) {
        std::string raw;
        for (std::size_t y = b * kLines; y < std::min((b + 1) * kLines, height); ++y)
            for (const std::size_t c : order)
                for (std::size_t x = 0; x < width; ++x) put(raw, image.values[(y * width + x) * n_channels + c]);
        const std::string packed = compressed(raw);
        put(file, at + blocks.size());
        put(blocks, static_cast<std::int32_t>(b * kLines));
        put(blocks, static_cast<std::int32_t>(packed.size()));
        blocks += packed;
    }
    for (const std::string* s : {&file, &blocks}) out.write(s->data(), static_cast<std::streamsize>(s->size()));
    if (!out) fail(ErrorKind::io, "cannot write (is the disk full?)");
}

void write_exr(const std::filesystem::path& path, const FloatImageView& image) {
    OutputFile file(path);
    write_exr(file.stream(), image);
    file.commit();
}

}  // namespace nir::io
