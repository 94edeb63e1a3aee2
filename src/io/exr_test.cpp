// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/exr.h"

#include "nir/base/rng.h"
#include "nir/io/array.h"

#include "io/binary.h"
#include "io/test_support.h"

#include <zlib.h>

namespace nir::io {
namespace {

std::string text(ByteReader& in) {
    std::string s;
    for (char c = *in.take(1, "text"); c != '\0'; c = *in.take(1, "text")) s += c;
    return s;
}

/// A reader by the published layout, as strict as the test needs.
std::vector<float> read_back(const std::string& bytes, int width, int height, std::vector<std::string>& names) {
    ByteReader in(bytes);
    EXPECT_EQ(in.get<std::uint32_t>("magic"), 0x01312f76u);
    EXPECT_EQ(in.get<std::uint32_t>("version"), 2u);
    for (std::string name = text(in); !name.empty(); name = text(in)) {
        const std::string type = text(in);
        const auto size = in.get<std::int32_t>("size");
        const std::string value(in.take(static_cast<std::uint64_t>(size), "value"), static_cast<std::size_t>(size));
        ByteReader v(value);
        if (name == "channels") {
            for (std::string c = text(v); !c.empty(); c = text(v)) {
                names.push_back(c);
                EXPECT_EQ(v.get<std::int32_t>("type"), 2);
                v.take(4, "linear");
                EXPECT_EQ(v.get<std::int32_t>("x"), 1);
                EXPECT_EQ(v.get<std::int32_t>("y"), 1);
            }
        }
        if (name == "compression") {
            EXPECT_EQ(value, std::string(1, '\3'));
        }
        if (name == "dataWindow") {
            v.take(8, "origin");
            EXPECT_EQ(v.get<std::int32_t>("x"), width - 1);
            EXPECT_EQ(v.get<std::int32_t>("y"), height - 1);
        }
    }
    const int blocks = (height + 15) / 16;
    std::vector<std::uint64_t> offsets;
    for (int b = 0; b < blocks; ++b) offsets.push_back(in.get<std::uint64_t>("offset"));
    std::vector<float> out;
    for (int b = 0; b < blocks; ++b) {
        EXPECT_EQ(offsets[static_cast<std::size_t>(b)], in.offset());
        EXPECT_EQ(in.get<std::int32_t>("y"), 16 * b);
        const auto size = static_cast<std::size_t>(in.get<std::int32_t>("size"));
        const std::size_t want = static_cast<std::size_t>(std::min(16, height - 16 * b) * width) * names.size() * 4;
        std::string raw(in.take(size, "block"), size);
        if (size < want) {
            std::string t(want, '\0');
            uLongf got = static_cast<uLongf>(want);
            EXPECT_EQ(uncompress(reinterpret_cast<Bytef*>(t.data()), &got, reinterpret_cast<const Bytef*>(raw.data()),
                                 static_cast<uLong>(size)),
                      Z_OK);
            EXPECT_EQ(got, want);
            for (std::size_t i = 1; i < want; ++i)
                t[i] = static_cast<char>(static_cast<unsigned char>(t[i - 1]) + static_cast<unsigned char>(t[i]) - 128);
            raw.assign(want, '\0');
            for (std::size_t i = 0; i < want; ++i) raw[i] = t[i % 2 ? (want + 1) / 2 + i / 2 : i / 2];
        }
        for (std::size_t i = 0; i < want; i += 4) out.push_back(load<float>(raw.data() + i));
    }
    EXPECT_EQ(in.remaining(), 0u);
    return out;
}

TEST(Exr, ValuesComeBackBitByBit) {
    Rng rng(3);
    for (const auto& [width, height] : {std::pair(1, 1), std::pair(7, 16), std::pair(33, 35)}) {
        const std::vector<std::string> channels = {"R", "G", "B", "A", "Z"};
        std::vector<float> values;
        for (int i = 0; i < width * height * 5; ++i)
            values.push_back(i % 3 ? static_cast<float>(rng.uniform(-1e3, 1e3)) : static_cast<float>(i / 50));
        std::ostringstream out;
        write_exr(out, {width, height, channels, values});
        std::vector<std::string> names;
        const std::vector<float> back = read_back(out.str(), width, height, names);
        EXPECT_EQ(names, (std::vector<std::string>{"A", "B", "G", "R", "Z"})) << "by name";
        ASSERT_EQ(back.size(), values.size());
        const std::size_t order[5] = {3, 2, 1, 0, 4};
        for (std::size_t y = 0; y < static_cast<std::size_t>(height); ++y)
            for (std::size_t c = 0; c < 5; ++c)
                for (std::size_t x = 0; x < static_cast<std::size_t>(width); ++x) {
                    const auto w = static_cast<std::size_t>(width);
                    ASSERT_EQ(back[(y * 5 + c) * w + x], values[(y * w + x) * 5 + order[c]]);
                }
    }
}

TEST(Exr, OwnFilesAreReadBack) {
    Rng rng(4);
    for (const auto& [width, height] : {std::pair(1, 1), std::pair(40, 33)}) {
        const std::vector<std::string> channels = {"Z", "R"};
        std::vector<float> values;
        for (int i = 0; i < 2 * width * height; ++i)
            values.push_back(i % 5 == 0 ? INFINITY : static_cast<float>(rng.uniform(-1e3, 1e3)));
        std::ostringstream out;
        write_exr(out, {width, height, channels, values});
        const FloatImage back = parse_exr(out.str());
        EXPECT_EQ(back.width, width);
        EXPECT_EQ(back.height, height);
        ASSERT_EQ(back.values.size(), values.size());
        const std::size_t z = back.channel("Z"), r = back.channel("R");
        for (std::size_t i = 0; i < values.size() / 2; ++i) {
            EXPECT_EQ(back.values[2 * i + z], values[2 * i]);
            EXPECT_EQ(back.values[2 * i + r], values[2 * i + 1]);
        }
        EXPECT_THROW(back.channel("G"), Error);
    }
}

template <class T>
void put(std::string& to, T v) {
    to.append(reinterpret_cast<const char*>(&v), sizeof v);
}

/// Two lines of three halves without compression; the data window begins at (-1, 5), lines come from below.
std::string plain_halves(std::int32_t compression = 0, std::uint32_t version = 2) {
    std::string s, channel("V\0", 2);
    put(s, std::uint32_t{20000630}), put(s, version);
    for (const std::int32_t v : {1, 0, 1, 1}) put(channel, v);
    channel += '\0';
    std::string window;
    for (const std::int32_t v : {-1, 5, 1, 6}) put(window, v);
    const auto attribute = [&](const char* name, const char* type, const std::string& value) {
        s.append(name), s += '\0', s.append(type), s += '\0';
        put(s, static_cast<std::int32_t>(value.size())), s += value;
    };
    attribute("channels", "chlist", channel);
    attribute("compression", "compression", std::string(1, static_cast<char>(compression)));
    attribute("dataWindow", "box2i", window);
    s += '\0';
    put(s, std::uint64_t{0}), put(s, std::uint64_t{0});
    for (const std::int32_t y : {6, 5}) {
        put(s, y), put(s, std::int32_t{6});
        for (int x = 0; x < 3; ++x) put(s, half_from_float(static_cast<float>(y) + 0.25f * static_cast<float>(x)));
    }
    return s;
}

TEST(Exr, HalvesWithoutCompressionInAnyOrderOfLines) {
    const FloatImage image = parse_exr(plain_halves());
    EXPECT_EQ(image.width, 3);
    EXPECT_EQ(image.height, 2);
    EXPECT_EQ(image.values, (std::vector<float>{5, 5.25, 5.5, 6, 6.25, 6.5}));
}

TEST(Exr, WhatCannotBeReadIsSaid) {
    const std::string good = plain_halves();
    for (std::size_t n = 0; n < good.size(); ++n) EXPECT_THROW(parse_exr(good.substr(0, n)), Error) << n;
    EXPECT_THROW(parse_exr(plain_halves(4)), Error);         // PIZ
    EXPECT_THROW(parse_exr(plain_halves(0, 0x202)), Error);  // tiles
    std::ostringstream out;
    const std::vector<std::string> channels = {"Z"};
    const std::vector<float> zeros(40 * 40);
    write_exr(out, {40, 40, channels, zeros});
    Rng rng(5);
    for (int i = 0; i < 300; ++i) {
        std::string bad = out.str();
        bad[rng.below(bad.size())] = static_cast<char>(rng.below(256));
        try {
            (void)parse_exr(bad);
        } catch (const Error&) {
        }
    }
}

}  // namespace
}  // namespace nir::io
