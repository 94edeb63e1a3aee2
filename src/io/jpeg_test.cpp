// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/jpeg.h"

#include "nir/io/formats.h"

#include "io/test_support.h"

#include <cstdio>
#include <cstdlib>
#include <jpeglib.h>

namespace nir::io {
namespace {

using testing::HasSubstr;

/// A JPEG file by libjpeg's own writer.
std::string written(const geom::Image8& image, bool progressive) {
    jpeg_compress_struct info{};
    jpeg_error_mgr errors;
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    unsigned char* bytes = nullptr;
    unsigned long size = 0;
    jpeg_mem_dest(&info, &bytes, &size);
    info.image_width = static_cast<JDIMENSION>(image.width), info.image_height = static_cast<JDIMENSION>(image.height);
    info.input_components = image.channels;
    info.in_color_space = image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, 100, TRUE);
    for (int c = 0; c < image.channels; ++c) info.comp_info[c].h_samp_factor = info.comp_info[c].v_samp_factor = 1;
    if (progressive) jpeg_simple_progression(&info);
    jpeg_start_compress(&info, TRUE);
    while (info.next_scanline < info.image_height) {
        JSAMPROW row = const_cast<std::uint8_t*>(image.pixel(0, static_cast<int>(info.next_scanline)));
        jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    std::string out(reinterpret_cast<const char*>(bytes), size);
    std::free(bytes);
    return out;
}

geom::Image8 gradient(int channels) {
    geom::Image8 image(37, 21, channels);
    for (int y = 0; y < 21; ++y)
        for (int x = 0; x < 37; ++x)
            for (int c = 0; c < channels; ++c)
                image.pixel(x, y)[c] = static_cast<std::uint8_t>(c == 0 ? 6 * x : c == 1 ? 10 * y : 200 - 4 * x);
    return image;
}

TEST(Jpeg, ReadsGreyAndColourBaselineAndProgressive) {
    for (const int channels : {1, 3})
        for (const bool progressive : {false, true}) {
            const geom::Image8 image = gradient(channels);
            const geom::Image8 back = parse_jpeg(written(image, progressive));
            ASSERT_EQ(back.width, 37);
            ASSERT_EQ(back.height, 21);
            ASSERT_EQ(back.channels, channels);
            for (std::size_t i = 0; i < image.data.size(); ++i) EXPECT_NEAR(back.data[i], image.data[i], 4) << i;
        }
}

TEST(Jpeg, DamagedFilesAreRefused) {
    const std::string good = written(gradient(3), false);
    const auto failure = [](const std::string& bytes) { return error_of([&] { parse_jpeg(bytes); }); };
    EXPECT_THAT(failure(""), HasSubstr("the file is empty"));
    EXPECT_THAT(failure("GIF89a"), HasSubstr("not a JPEG image"));
    for (const std::size_t keep : {std::size_t{3}, std::size_t{20}, std::size_t{300}, good.size() / 2, good.size() - 2})
        EXPECT_THAT(failure(good.substr(0, keep)), HasSubstr("broken JPEG")) << keep;
    std::string huge = good;  // height and width behind the frame marker
    const auto frame = huge.find("\xff\xc0");
    ASSERT_NE(frame, std::string::npos);
    for (const std::size_t i : {5u, 6u, 7u, 8u}) huge[frame + i] = static_cast<char>(0x7f);
    EXPECT_THAT(failure(huge), HasSubstr("32639 x 32639 pixels promised"));
}

TEST(Jpeg, IsAFormatOfTheTable) {
    const Format& format = detect_format("picture.png", written(gradient(3), false));
    EXPECT_EQ(format.name, "JPEG");
}

}  // namespace
}  // namespace nir::io
