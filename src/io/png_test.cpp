// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/png.h"

#include "io/test_support.h"

namespace nir::io {
namespace {

using testing::HasSubstr;

template <class Image>
Image sample(int channels) {
    Image image(7, 5, channels);
    for (std::size_t i = 0; i < image.data.size(); ++i)
        image.data[i] = static_cast<std::decay_t<decltype(image.data[0])>>(i * 2551 + 3);
    return image;
}
template <class Image>
std::string written(const Image& image) {
    std::ostringstream out;
    write_png(out, image);
    return out.str();
}
std::string failure(const std::string& s) {
    return error_of([&] {
        std::istringstream in(s);
        read_png(in);
    });
}

TEST(Png, RoundTrips) {
    for (int channels = 1; channels <= 4; ++channels) {
        const Image8 a = sample<Image8>(channels);
        const Image8 back = parse_png(written(a));
        EXPECT_EQ(back.width, 7);
        EXPECT_EQ(back.height, 5);
        EXPECT_EQ(back.channels, channels);
        EXPECT_EQ(back.data, a.data);
        const Image16 b = sample<Image16>(channels);
        EXPECT_EQ(parse_png16(written(b)).data, b.data);
        // The other depth: 8 -> 16 multiplies by 257, 16 -> 8 rounds.
        const Image16 wide = parse_png16(written(a));
        const Image8 narrow = parse_png(written(b));
        for (std::size_t i = 0; i < a.data.size(); ++i) {
            EXPECT_EQ(wide.data[i], a.data[i] * 257);
            EXPECT_NEAR(narrow.data[i], b.data[i] / 257.0, 0.51);
        }
    }
    const TempFolder folder;
    write_png(folder / "a.png", sample<Image8>(3));
    EXPECT_EQ(read_png(folder / "a.png").data, sample<Image8>(3).data);
}

TEST(Png, DamagedFiles) {
    const std::string whole = written(sample<Image8>(3));
    EXPECT_THAT(failure(""), HasSubstr("empty"));
    EXPECT_THAT(failure("ply\n"), HasSubstr("not a PNG"));
    for (std::size_t n = 8; n < whole.size(); ++n)
        EXPECT_THAT(failure(whole.substr(0, n)), HasSubstr("broken PNG")) << n;
    for (std::size_t n = 8; n < whole.size(); ++n) {
        std::string damaged = whole;
        damaged[n] = static_cast<char>(damaged[n] ^ 0x21);
        try {
            parse_png(damaged);
        } catch (const Error& e) {
            EXPECT_EQ(e.kind(), ErrorKind::format);
        }
    }
}

TEST(Png, HugePromisesAreRefused) {
    // A header with a right checksum and nothing behind it: 20000 x 10000 pixels.
    const std::string head = std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x4e\x20\0\0\x27\x10\x08\x02\0\0\0", 29);
    std::uint32_t crc = 0xffffffff;
    for (const char c : head.substr(12)) {
        crc ^= static_cast<std::uint8_t>(c);
        for (int k = 0; k < 8; ++k) crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1u)));
    }
    EXPECT_THAT(failure(head + raw(~crc, true) + std::string("\0\0\0\x04IDAT\x78\x9c\x03\x00", 12) + "1234"),
                testing::AnyOf(HasSubstr("20000 x 10000 pixels promised"), HasSubstr("broken PNG")));
}

}  // namespace
}  // namespace nir::io
