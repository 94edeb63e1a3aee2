// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/render/image_error.h"

#include "nir/base/error.h"

#include <cmath>
#include <limits>
#include <span>
#include <vector>

namespace nir::render {
namespace {

constexpr double kC1 = 0.01 * 0.01, kC2 = 0.03 * 0.03;

struct Plane {
    int width = 0, height = 0;
    std::vector<double> values;
    double at(int x, int y) const {
        return values[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)];
    }
};

/// Index of a mirrored picture (the border value twice).
int mirrored(int i, int n) {
    while (i < 0 || i >= n) i = i < 0 ? -1 - i : 2 * n - 1 - i;
    return i;
}

/// Windowed means, along x and then along y; without `mirror` only where the window lies within.
Plane blurred(const Plane& in, std::span<const double> taps, bool mirror) {
    const int r = static_cast<int>(taps.size()) / 2, lost = mirror ? 0 : r;
    const auto pass = [&](const Plane& from, bool along_x) {
        Plane out;
        out.width = from.width - (along_x ? 2 * lost : 0), out.height = from.height - (along_x ? 0 : 2 * lost);
        out.values.reserve(static_cast<std::size_t>(out.width) * static_cast<std::size_t>(out.height));
        for (int y = 0; y < out.height; ++y)
            for (int x = 0; x < out.width; ++x) {
                double sum = 0;
                for (int k = -r; k <= r; ++k) {
                    const double v = along_x ? from.at(mirrored(x + lost + k, from.width), y)
                                             : from.at(x, mirrored(y + lost + k, from.height));
                    sum += taps[static_cast<std::size_t>(k + r)] * v;
                }
                out.values.push_back(sum);
            }
        return out;
    };
    return pass(pass(in, true), false);
}

Plane product(const Plane& a, const Plane& b) {
    Plane out = a;
    for (std::size_t i = 0; i < out.values.size(); ++i) out.values[i] *= b.values[i];
    return out;
}

double ssim_of(const Plane& a, const Plane& b, std::span<const double> taps, bool mirror) {
    const Plane ma = blurred(a, taps, mirror), mb = blurred(b, taps, mirror), aa = blurred(product(a, a), taps, mirror),
                bb = blurred(product(b, b), taps, mirror), ab = blurred(product(a, b), taps, mirror);
    double sum = 0;
    for (std::size_t i = 0; i < ma.values.size(); ++i) {
        const double x = ma.values[i], y = mb.values[i];
        const double va = aa.values[i] - x * x, vb = bb.values[i] - y * y, covariance = ab.values[i] - x * y;
        sum += (2 * x * y + kC1) / (x * x + y * y + kC1) * (2 * covariance + kC2) / (va + vb + kC2);
    }
    return sum / static_cast<double>(ma.values.size());
}

void check(const geom::Image8& a, const geom::Image8& b) {
    if (a.width != b.width || a.height != b.height || a.channels != b.channels || a.empty())
        fail(ErrorKind::internal, "ssim: pictures of {} x {} x {} and {} x {} x {}", a.width, a.height, a.channels,
             b.width, b.height, b.channels);
}

/// Weighted sum of the channels.
Plane plane(const geom::Image8& image, std::span<const double> weights) {
    Plane out{image.width, image.height, {}};
    const auto channels = static_cast<std::size_t>(image.channels);
    for (std::size_t i = 0; i < image.data.size(); i += channels) {
        double v = 0;
        for (std::size_t c = 0; c < weights.size(); ++c) v += weights[c] * image.data[i + c] / 255;
        out.values.push_back(v);
    }
    return out;
}

}  // namespace

double ssim(const geom::Image8& a, const geom::Image8& b) {
    check(a, b);
    constexpr int kRadius = 5;
    if (a.width <= 2 * kRadius || a.height <= 2 * kRadius) return std::numeric_limits<double>::quiet_NaN();
    std::vector<double> taps;
    double total = 0;
    for (int k = -kRadius; k <= kRadius; ++k) taps.push_back(std::exp(-0.5 * k * k / (1.5 * 1.5)));
    for (const double t : taps) total += t;
    for (double& t : taps) t /= total;
    double sum = 0;
    for (int c = 0; c < a.channels; ++c) {
        std::vector<double> weights(static_cast<std::size_t>(a.channels));
        weights[static_cast<std::size_t>(c)] = 1;
        sum += ssim_of(plane(a, weights), plane(b, weights), taps, false);
    }
    return sum / a.channels;
}

double ssim_luminance(const geom::Image8& a, const geom::Image8& b) {
    check(a, b);
    NIR_CHECK(a.channels == 3);
    constexpr double kWeights[] = {0.2126, 0.7152, 0.0722};
    constexpr double kTaps[] = {0.120078, 0.233881, 0.292082, 0.233881, 0.120078};
    return ssim_of(plane(a, kWeights), plane(b, kWeights), kTaps, true);
}

}  // namespace nir::render
