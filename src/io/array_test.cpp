// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/array.h"

#include "io/test_support.h"

#include <cmath>
#include <limits>

namespace nir::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Half, EveryHalfComesBack) {
    for (unsigned h = 0; h < 0x10000; ++h) {
        const auto bits = static_cast<std::uint16_t>(h);
        const float f = float_from_half(bits);
        if (std::isnan(f)) {
            EXPECT_TRUE(std::isnan(float_from_half(half_from_float(f))));
        } else {
            EXPECT_EQ(half_from_float(f), bits) << h;
        }
    }
}

// Closed form: the values of 2^e (1 + m / 1024), and nearest-even rounding at the midpoints between neighbours.
TEST(Half, ValuesAndRounding) {
    EXPECT_EQ(float_from_half(0x3c00), 1.0f);
    EXPECT_EQ(float_from_half(0xc000), -2.0f);
    EXPECT_EQ(float_from_half(0x7bff), 65504.0f);
    EXPECT_EQ(float_from_half(0x0001), 0x1p-24f);
    EXPECT_EQ(float_from_half(0x03ff), 1023 * 0x1p-24f);
    EXPECT_TRUE(std::isinf(float_from_half(0x7c00)));
    EXPECT_EQ(half_from_float(65519.0f), 0x7bff);
    EXPECT_EQ(half_from_float(65520.0f), 0x7c00);
    EXPECT_EQ(half_from_float(-std::numeric_limits<float>::infinity()), 0xfc00);
    for (unsigned h = 0; h < 0x7bff; ++h) {
        const float middle = 0.5f * (float_from_half(static_cast<std::uint16_t>(h)) +
                                     float_from_half(static_cast<std::uint16_t>(h + 1)));
        EXPECT_EQ(half_from_float(middle), h + (h & 1)) << h;
        EXPECT_EQ(half_from_float(std::nextafter(middle, 1e9f)), h + 1) << h;
        EXPECT_EQ(half_from_float(std::nextafter(middle, -1.0f)), h) << h;
    }
}

TEST(NamedArray, ConversionsAndViews) {
    const NamedArray a = NamedArray::from("a", {2, 2}, std::vector<std::int16_t>{-1, 2, 300, -400});
    EXPECT_THAT(a.to_float(), ElementsAre(-1.f, 2.f, 300.f, -400.f));
    EXPECT_THAT(a.to_int64(), ElementsAre(-1, 2, 300, -400));
    EXPECT_THAT(a.view<std::int16_t>(), ElementsAre(-1, 2, 300, -400));
    EXPECT_THROW(a.view<float>(), Error);
    EXPECT_EQ(a.shape_text(), "[2, 2]");
    EXPECT_THROW(NamedArray::from("a", {3}, std::vector<float>{1, 2}), Error);
    EXPECT_THAT(error_of([] { NamedArray::from("f", {1}, std::vector<float>{1.5f}).to_int64(); }),
                HasSubstr("not a whole number"));
    const NamedArray s = NamedArray::scalar("s", std::uint64_t{1} << 63);
    EXPECT_EQ(s.count(), 1u);
    EXPECT_THAT(error_of([&] { s.to_int64(); }), HasSubstr("9223372036854775808"));
    EXPECT_EQ(s.to_double().at(0), 0x1p63);
    NamedArray b{"b", DType::bf16, {1}, {std::byte{0x80}, std::byte{0x3f}}};
    EXPECT_THAT(b.to_float(), ElementsAre(1.0f));
}

TEST(NamedArray, ByteCountsAreChecked) {
    const auto bytes = [](std::vector<std::int64_t> shape) { return checked_byte_count(shape, DType::f64); };
    EXPECT_EQ(bytes({}), 8u);
    EXPECT_EQ(bytes({2, 3}), 48u);
    EXPECT_EQ(bytes({std::int64_t{1} << 62, 0, std::int64_t{1} << 62}), 0u);
    EXPECT_THAT(error_of([&] { bytes({std::int64_t{1} << 60, 8}); }), HasSubstr("2^63"));
    EXPECT_THAT(error_of([&] { bytes({-1}); }), HasSubstr("size -1"));
}

TEST(Bits, MostSignificantFirst) {
    const std::vector<std::uint8_t> bytes{0b10110000, 0b01000000};
    EXPECT_THAT(unpack_bits(bytes, 10), ElementsAre(1, 0, 1, 1, 0, 0, 0, 0, 0, 1));
    EXPECT_THAT(pack_bits(unpack_bits(bytes, 10)), ElementsAre(0b10110000, 0b01000000));
    EXPECT_THAT(error_of([&] { unpack_bits(bytes, 17); }), HasSubstr("17 packed bits"));
    EXPECT_THAT(error_of([&] { unpack_bits(bytes, std::numeric_limits<std::size_t>::max()); }),
                HasSubstr("packed bits"));
}

TEST(TensorFile, MissingArrayNamesTheOthers) {
    const TensorFile f{{NamedArray::scalar("points", 1.0f)}, {}};
    EXPECT_THAT(error_of([&] { f.at("normals"); }), HasSubstr("no array \"normals\"; the file holds \"points\""));
}

}  // namespace
}  // namespace nir::io
