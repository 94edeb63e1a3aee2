// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/image_resize.h"

#include "nir/base/error.h"

#include <algorithm>
#include <cmath>

namespace nir::geom {
namespace {

/// Weights of the input samples first, first + 1, … for one output sample.
struct Taps {
    int first = 0;
    std::vector<double> weights;
};

/// Triangle filter of half width max(1, shrink factor), cut at the border and normalised.
std::vector<Taps> make_taps(int from, int to) {
    const double scale = static_cast<double>(from) / to, support = std::max(scale, 1.0);
    std::vector<Taps> out(static_cast<std::size_t>(to));
    for (int i = 0; i < to; ++i) {
        const double center = (i + 0.5) * scale;
        Taps& t = out[static_cast<std::size_t>(i)];
        t.first = std::max(0, static_cast<int>(center - support + 0.5));
        const int end = std::min(from, static_cast<int>(center + support + 0.5));
        double sum = 0;
        for (int x = t.first; x < end; ++x) {
            t.weights.push_back(std::max(0.0, 1.0 - std::abs(x + 0.5 - center) / support));
            sum += t.weights.back();
        }
        for (double& w : t.weights) w /= sum;
    }
    return out;
}

/// The square in the middle, values as they are.
RgbImage middle_of(const RgbImage& image, int side) {
    if (image.width == side && image.height == side) return image;
    RgbImage out{side, side, {}};
    const int x = (image.width - side) / 2, y = (image.height - side) / 2;
    for (int row = 0; row < 3 * side; ++row) {
        const int from = (row / side * image.height + y + row % side) * image.width + x;
        out.data.insert(out.data.end(), image.data.begin() + from, image.data.begin() + from + side);
    }
    return out;
}

std::uint8_t rounded(double v) { return static_cast<std::uint8_t>(std::clamp(std::floor(v + 0.5), 0.0, 255.0)); }

}  // namespace

Image8 resize_image(const Image8& image, int width, int height) {
    NIR_CHECK(!image.empty() && width > 0 && height > 0);
    const int n = image.channels;
    Image8 rows = image;
    if (width != image.width) {
        const auto taps = make_taps(image.width, width);
        rows = Image8(width, image.height, n);
        for (int y = 0; y < image.height; ++y)
            for (int x = 0; x < width; ++x)
                for (int c = 0; c < n; ++c) {
                    const Taps& t = taps[static_cast<std::size_t>(x)];
                    double sum = 0;
                    for (std::size_t k = 0; k < t.weights.size(); ++k)
                        sum += t.weights[k] * image.pixel(t.first + static_cast<int>(k), y)[c];
                    rows.pixel(x, y)[c] = rounded(sum);
                }
    }
    if (height == image.height) return rows;
    const auto taps = make_taps(image.height, height);
    Image8 out(width, height, n);
    for (int y = 0; y < height; ++y) {
        const Taps& t = taps[static_cast<std::size_t>(y)];
        for (int x = 0; x < width; ++x)
            for (int c = 0; c < n; ++c) {
                double sum = 0;
                for (std::size_t k = 0; k < t.weights.size(); ++k)
                    sum += t.weights[k] * rows.pixel(x, t.first + static_cast<int>(k))[c];
                out.pixel(x, y)[c] = rounded(sum);
            }
    }
    return out;
}

Image8 crop_image(const Image8& image, int x, int y, int width, int height) {
    NIR_CHECK(x >= 0 && y >= 0 && width > 0 && height > 0);
    NIR_CHECK(x <= image.width - width && y <= image.height - height);
    Image8 out(width, height, image.channels);
    for (int row = 0; row < height; ++row)
        std::copy_n(image.pixel(x, y + row), width * image.channels, out.pixel(0, row));
    return out;
}

Image8 resize_to_square(const Image8& image, int side) {
    NIR_CHECK(!image.empty() && side > 0);
    const int shorter = std::min(image.width, image.height);
    const auto scaled = [&](int v) {
        return v == shorter ? side : static_cast<int>(static_cast<std::int64_t>(side) * v / shorter);
    };
    const Image8 out = resize_image(image, scaled(image.width), scaled(image.height));
    return crop_image(out, (out.width - side) / 2, (out.height - side) / 2, side, side);
}

Image8 rgb_on_white(const Image8& image) {
    if (image.channels == 3) return image;
    Image8 out(image.width, image.height, 3);
    const auto n = static_cast<std::size_t>(image.channels), colours = n >= 3 ? std::size_t{3} : std::size_t{1};
    for (std::size_t i = 0; i < out.data.size() / 3; ++i) {
        const std::uint8_t* p = image.data.data() + i * n;
        const double alpha = n > colours ? p[colours] / 255.0 : 1.0;
        for (std::size_t c = 0; c < 3; ++c)
            out.data[3 * i + c] = rounded(alpha * p[std::min(c, colours - 1)] + (1 - alpha) * 255);
    }
    return out;
}

RgbImage rgb_planes(const Image8& image) {
    const Image8 rgb = rgb_on_white(image);
    RgbImage out{rgb.width, rgb.height, std::vector<float>(rgb.data.size())};
    const std::size_t pixels = rgb.data.size() / 3;
    for (std::size_t i = 0; i < pixels; ++i)
        for (std::size_t c = 0; c < 3; ++c) out.data[c * pixels + i] = static_cast<float>(rgb.data[3 * i + c]) / 255.0f;
    return out;
}

RgbImage resize_to_square(const RgbImage& image, int side) {
    NIR_CHECK(!image.empty() && side > 0);
    const std::size_t pixels = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
    NIR_CHECK(image.data.size() == 3 * pixels);
    if (std::min(image.width, image.height) == side) return middle_of(image, side);
    Image8 bytes(image.width, image.height, 3);
    for (std::size_t i = 0; i < pixels; ++i)
        for (std::size_t c = 0; c < 3; ++c)
            bytes.data[3 * i + c] = rounded(255.0 * static_cast<double>(image.data[c * pixels + i]));
    return rgb_planes(resize_to_square(bytes, side));
}

}  // namespace nir::geom
