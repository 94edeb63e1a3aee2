// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/exr.h"

#include "nir/base/rng.h"

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

}  // namespace
}  // namespace nir::io
