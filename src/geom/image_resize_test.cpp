// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/image_resize.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace nir::geom {
namespace {

Image8 row(std::vector<std::uint8_t> values) {
    Image8 image(static_cast<int>(values.size()), 1, 1);
    image.data = std::move(values);
    return image;
}

TEST(ResizeImage, TwiceAsLarge) {
    // Output centres lie at a quarter and three quarters of the pixels; the border repeats.
    EXPECT_EQ(resize_image(row({0, 100, 200}), 6, 1).data, (std::vector<std::uint8_t>{0, 25, 75, 125, 175, 200}));
}

TEST(ResizeImage, HalfAsLargeAveragesMoreThanTwo) {
    // Shrinking by two: triangle weights 1 3 3 1 in eighths; 3 3 1 in sevenths at the border.
    EXPECT_EQ(resize_image(row({0, 0, 80, 80, 160, 160}), 3, 1).data, (std::vector<std::uint8_t>{11, 80, 149}));
}

TEST(ResizeImage, FlatStaysFlatAndChannelsStayApart) {
    Image8 image(5, 7, 3);
    for (std::size_t i = 0; i < image.data.size(); i += 3)
        image.data[i] = 10, image.data[i + 1] = 128, image.data[i + 2] = 255;
    for (const auto& [w, h] : {std::pair{11, 3}, {5, 7}, {2, 20}}) {
        const Image8 out = resize_image(image, w, h);
        ASSERT_EQ(out.width, w);
        ASSERT_EQ(out.height, h);
        for (std::size_t i = 0; i < out.data.size(); i += 3) {
            EXPECT_EQ(out.data[i], 10);
            EXPECT_EQ(out.data[i + 1], 128);
            EXPECT_EQ(out.data[i + 2], 255);
        }
    }
}

TEST(ResizeImage, SquareFromTheMiddle) {
    Image8 wide(9, 3, 1);
    for (int y = 0; y < 3; ++y)
        for (int x = 0; x < 9; ++x) *wide.pixel(x, y) = static_cast<std::uint8_t>(x * 20);
    const Image8 square = resize_to_square(wide, 3);
    ASSERT_EQ(square.width, 3);
    ASSERT_EQ(square.height, 3);
    EXPECT_EQ(square.pixel(0, 1)[0], 60);
    EXPECT_EQ(square.pixel(2, 2)[0], 100);
    EXPECT_EQ(crop_image(wide, 8, 2, 1, 1).data, std::vector<std::uint8_t>{160});
}

TEST(RgbPlanes, GreyIsRepeatedAndTransparencyIsWhite) {
    Image8 grey(2, 1, 1), grey_alpha(2, 1, 2), rgba(2, 1, 4);
    grey.data = {0, 51};
    grey_alpha.data = {100, 0, 100, 255};
    rgba.data = {0, 100, 200, 0, 0, 100, 200, 128};
    EXPECT_EQ(rgb_on_white(grey).data, (std::vector<std::uint8_t>{0, 0, 0, 51, 51, 51}));
    EXPECT_EQ(rgb_on_white(grey_alpha).data, (std::vector<std::uint8_t>{255, 255, 255, 100, 100, 100}));
    // 128/255 of the colour, 127/255 of white.
    EXPECT_EQ(rgb_on_white(rgba).data, (std::vector<std::uint8_t>{255, 255, 255, 127, 177, 227}));
    const RgbImage planes = rgb_planes(grey);
    EXPECT_EQ(planes.data, (std::vector<float>{0, 0.2f, 0, 0.2f, 0, 0.2f}));
}

TEST(RgbPlanes, ResizeIsThatOfTheBytes) {
    Image8 picture(13, 9, 3);
    for (std::size_t i = 0; i < picture.data.size(); ++i) picture.data[i] = static_cast<std::uint8_t>(i * 53 % 256);
    for (const int side : {5, 9, 20})
        EXPECT_EQ(resize_to_square(rgb_planes(picture), side).data, rgb_planes(resize_to_square(picture, side)).data);
    // A picture of that size is untouched, whatever its values.
    RgbImage odd{2, 2, {}};
    for (int i = 0; i < 12; ++i) odd.data.push_back(0.07123f * static_cast<float>(i));
    EXPECT_EQ(resize_to_square(odd, 2).data, odd.data);
    const Image8 wide = resize_image(picture, 20, 9);  // only cut: bytes and planes agree
    EXPECT_EQ(resize_to_square(rgb_planes(wide), 9).data, rgb_planes(resize_to_square(wide, 9)).data);
}

}  // namespace
}  // namespace nir::geom
