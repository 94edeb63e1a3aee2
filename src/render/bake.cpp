// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/render/bake.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/geom/kd_tree.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nir::render {
namespace {

using geom::Vec3d;
using geom::Vec3f;
using Rgb = std::array<float, 3>;

constexpr float kOutside = 1e30f;     // distance where a photo shows nothing of the surface
constexpr double kSteepest = 8;       // change of distance per pixel footprint that is still one surface
constexpr float kEdgeWeight = 1e-3f;  // what a photo counts at its very edge: only where there is nothing better
constexpr std::size_t kGainPoints = 20000;
constexpr int kGainRounds = 30, kRobustRounds = 3;

// What one photo knows: the distance of the surface at pixel centres, and how far pixels lie from edges.
struct PhotoMap {
    std::vector<float> distance, weight;
};

struct Sample {
    Rgb rgb{};
    float weight = 0;
};

// The four pixels around a place and their shares.
struct Taps {
    std::array<std::size_t, 4> pixel{};
    std::array<float, 4> share{};
};

std::size_t pixels_of(const geom::Camera& c) {
    return static_cast<std::size_t>(c.width) * static_cast<std::size_t>(c.height);
}

Taps taps_at(const geom::Camera& c, geom::PixelPosition at) {
    const double x = std::clamp(at.x - 0.5, 0.0, c.width - 1.0), y = std::clamp(at.y - 0.5, 0.0, c.height - 1.0);
    const int i = std::min(static_cast<int>(x), std::max(c.width - 2, 0)),
              j = std::min(static_cast<int>(y), std::max(c.height - 2, 0));
    const auto u = static_cast<float>(x - i), v = static_cast<float>(y - j);
    const auto index = [&](int a, int b) {
        return static_cast<std::size_t>(std::min(b, c.height - 1)) * static_cast<std::size_t>(c.width) +
               static_cast<std::size_t>(std::min(a, c.width - 1));
    };
    return {{index(i, j), index(i + 1, j), index(i, j + 1), index(i + 1, j + 1)},
            {(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v}};
}

float alpha_of(const PosedView& photo, std::size_t pixel) {
    if (!photo.valid.empty() && photo.valid[pixel] == 0) return 0;
    return photo.rgba.channels == 4 ? static_cast<float>(photo.rgba.data[4 * pixel + 3]) / 255 : 1.0f;
}

// Distance in pixels to the nearest pixel where it is 0 and to the picture's border (chamfer, two passes).
void spread_distance(std::vector<float>& d, int w, int h) {
    const auto at = [&](int x, int y) -> float {
        return x < 0 || y < 0 || x >= w || y >= h
                   ? 0.0f
                   : d[static_cast<std::size_t>(y) * static_cast<std::size_t>(w) + static_cast<std::size_t>(x)];
    };
    const auto relax = [&](int x, int y, int s) {
        float& v = d[static_cast<std::size_t>(y) * static_cast<std::size_t>(w) + static_cast<std::size_t>(x)];
        v = std::min({v, at(x - s, y) + 1, at(x, y - s) + 1, at(x - s, y - s) + 1.414f, at(x + s, y - s) + 1.414f});
    };
    for (int y = 0; y < h; ++y)
        for (int x = 0; x < w; ++x) relax(x, y, 1);
    for (int y = h - 1; y >= 0; --y)
        for (int x = w - 1; x >= 0; --x) relax(x, y, -1);
}

PhotoMap map_of(const Surface& surface, const PosedView& photo, double feather) {
    const geom::Camera& c = photo.camera;
    PhotoMap map{std::vector<float>(pixels_of(c), kOutside), std::vector<float>(pixels_of(c))};
    const ViewSamples samples = view_samples(surface, c, photo.world_from_camera, 1);
    for (std::size_t i = 0; i < samples.points.size(); ++i) map.distance[samples.pixel[i]] = samples.points[i].t;
    const auto w = static_cast<std::size_t>(c.width), h = static_cast<std::size_t>(c.height);
    const double steepest = kSteepest / c.fx;
    const auto torn = [&](std::size_t a, std::size_t b) {
        return std::abs(map.distance[a] - map.distance[b]) > steepest * static_cast<double>(map.distance[a]);
    };
    for (std::size_t p = 0; p < map.distance.size(); ++p) {
        const std::size_t x = p % w, y = p / w;
        const bool edge = map.distance[p] >= kOutside || alpha_of(photo, p) < 0.99f || (x > 0 && torn(p, p - 1)) ||
                          (x + 1 < w && torn(p, p + 1)) || (y > 0 && torn(p, p - w)) || (y + 1 < h && torn(p, p + w));
        map.weight[p] = edge ? 0.0f : 1e6f;
    }
    spread_distance(map.weight, c.width, c.height);
    for (float& v : map.weight) v = std::clamp((v - 0.5f) / static_cast<float>(feather), 0.0f, 1.0f);
    return map;
}

std::vector<float> rgb_of(const PosedView& photo) {
    std::vector<float> out;
    const auto channels = static_cast<std::size_t>(photo.rgba.channels);
    for (std::size_t p = 0; p < pixels_of(photo.camera); ++p)
        for (std::size_t k = 0; k < 3; ++k) out.push_back(static_cast<float>(photo.rgba.data[p * channels + k]) / 255);
    return out;
}

float weighted_median(std::vector<std::pair<float, float>> values) {
    std::sort(values.begin(), values.end());
    float whole = 0, sum = 0;
    for (const auto& v : values) whole += v.second;
    for (const auto& v : values)
        if ((sum += v.second) >= whole / 2) return v.first;
    return values.back().first;
}

Rgb weighted_mean(const std::vector<Sample>& samples, const std::vector<float>& trust) {
    Rgb sum{};
    float whole = 0;
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const float w = samples[i].weight * trust[i];
        whole += w;
        for (std::size_t k = 0; k < 3; ++k) sum[k] += w * samples[i].rgb[k];
    }
    for (float& v : sum) v /= whole;
    return sum;
}

// What a photo counts in a vote on what is right: the sharpest one must not outvote all others.
float vote(const Sample& s) { return std::sqrt(std::sqrt(s.weight)); }

// Iteratively reweighted (Geman and McClure), from the medians of the votes on.
Rgb robust_mean(const std::vector<Sample>& samples, float outlier) {
    std::vector<float> trust(samples.size(), 1);
    if (samples.size() < 3) return weighted_mean(samples, trust);
    Rgb middle{};
    std::vector<std::pair<float, float>> values(samples.size());
    for (std::size_t k = 0; k < 3; ++k) {
        for (std::size_t i = 0; i < samples.size(); ++i) values[i] = {samples[i].rgb[k], vote(samples[i])};
        middle[k] = weighted_median(values);
    }
    const auto off = [&](std::size_t i) {
        float d = 0;
        for (std::size_t k = 0; k < 3; ++k) d += (samples[i].rgb[k] - middle[k]) * (samples[i].rgb[k] - middle[k]) / 3;
        return d;
    };
    for (std::size_t i = 0; i < samples.size(); ++i) values[i] = {std::sqrt(off(i)), vote(samples[i])};
    const float width = std::max(outlier, 1.5f * weighted_median(values));
    for (int round = 0; round < kRobustRounds; ++round) {
        for (std::size_t i = 0; i < samples.size(); ++i) {
            const float one = 1 / (1 + off(i) / (width * width));
            trust[i] = one * one;
        }
        // The first mean still counts by votes: weights differ by orders of magnitude.
        for (std::size_t i = 0; round == 0 && i < samples.size(); ++i) trust[i] *= vote(samples[i]) / samples[i].weight;
        middle = weighted_mean(samples, trust);
    }
    return middle;
}

}  // namespace

std::size_t BakedColors::unseen() const {
    return static_cast<std::size_t>(std::count(photos.begin(), photos.end(), 0));
}

struct PhotoBaker::Impl {
    const Surface& surface;
    std::vector<PosedView> photos;
    BakeOptions options;
    std::vector<PhotoMap> maps;
    std::vector<std::vector<float>> rgb;
    std::vector<Rgb> gains;

    Impl(const Surface& s, std::vector<PosedView> p, const BakeOptions& o)
        : surface(s), photos(std::move(p)), options(o), gains(photos.size(), Rgb{1, 1, 1}) {
        for (const PosedView& photo : photos) {
            maps.push_back(map_of(surface, photo, o.feather_px));
            rgb.push_back(rgb_of(photo));
        }
    }

    bool visible(const SurfacePoint& p, const PosedView& photo, const PhotoMap& map, const Taps& taps,
                 double distance) const {
        float nearest = kOutside, farthest = 0;
        for (const std::size_t t : taps.pixel)
            nearest = std::min(nearest, map.distance[t]), farthest = std::max(farthest, map.distance[t]);
        const double slack = 1e-3 * surface.size();
        if (distance < static_cast<double>(nearest) + slack) return true;
        if (distance > static_cast<double>(farthest) + 0.02 * surface.size()) return false;
        return !surface.blocked(p, photo.world_from_camera.position);
    }

    Sample sample(const SurfacePoint& p, std::size_t i, const std::vector<float>& image) const {
        const PosedView& photo = photos[i];
        const Vec3d way = photo.world_from_camera.position - p.position;
        const double distance = norm(way), cosine = dot(static_cast<Vec3d>(p.face_normal), way) / distance;
        if (!(cosine > options.least_cos)) return {};
        const auto seen = geom::project(photo.camera, photo.world_from_camera, p.position);
        if (!seen || seen->at.x < 0 || seen->at.y < 0 || seen->at.x > photo.camera.width ||
            seen->at.y > photo.camera.height)
            return {};
        const Taps taps = taps_at(photo.camera, seen->at);
        Sample out;
        float opaque = 0, inner = 0;
        for (std::size_t t = 0; t < 4; ++t) {
            const float share = taps.share[t] * alpha_of(photo, taps.pixel[t]);
            opaque += share, inner += taps.share[t] * maps[i].weight[taps.pixel[t]];
            for (std::size_t k = 0; k < 3; ++k) out.rgb[k] += share * image[3 * taps.pixel[t] + k];
        }
        if (opaque < 0.5f || !visible(p, photo, maps[i], taps, distance)) return {};
        for (std::size_t k = 0; k < 3; ++k) out.rgb[k] /= opaque * gains[i][k];
        const double density =
            cosine * photo.camera.fx * photo.camera.fy / (distance * distance) * surface.size() * surface.size() * 1e-4;
        out.weight = static_cast<float>(density * density) * (inner + kEdgeWeight);
        return out;
    }

    template <class Merge>
    BakedColors gather(std::span<const SurfacePoint> points, const std::vector<std::vector<float>>& images,
                       const Merge& merge) const {
        BakedColors out{std::vector<float>(3 * points.size()), std::vector<std::uint16_t>(points.size())};
        parallel_for(points.size(), 256, [&](std::size_t begin, std::size_t end) {
            std::vector<Sample> samples;
            for (std::size_t n = begin; n < end; ++n) {
                samples.clear();
                for (std::size_t i = 0; i < photos.size(); ++i)
                    if (const Sample s = sample(points[n], i, images[i]); s.weight > 0) samples.push_back(s);
                out.photos[n] = static_cast<std::uint16_t>(std::min<std::size_t>(samples.size(), 65535));
                if (samples.empty()) continue;
                const Rgb mean = merge(samples);
                std::copy(mean.begin(), mean.end(), out.rgb.begin() + static_cast<std::ptrdiff_t>(3 * n));
            }
        });
        return out;
    }

    BakedColors bake(std::span<const SurfacePoint> points) const {
        const auto outlier = static_cast<float>(options.outlier);
        return gather(points, rgb, [&](const std::vector<Sample>& s) { return robust_mean(s, outlier); });
    }

    // What each photo shows of some points.
    std::vector<std::vector<Sample>> samples_for_gains(std::vector<std::vector<std::size_t>>& photo) const {
        std::vector<std::vector<Sample>> out;
        const std::size_t faces = surface.mesh().faces.size(), every = std::max<std::size_t>(faces / kGainPoints, 1);
        for (std::size_t f = 0; f < faces; f += every) {
            const SurfacePoint point = surface.at(static_cast<std::uint32_t>(f), 1 / 3.f, 1 / 3.f);
            std::vector<Sample> samples;
            std::vector<std::size_t> from;
            for (std::size_t i = 0; i < photos.size(); ++i)
                if (Sample s = sample(point, i, rgb[i]); s.weight > 0) {
                    s.weight = vote(s);
                    samples.push_back(s), from.push_back(i);
                }
            if (samples.size() > 1) out.push_back(std::move(samples)), photo.push_back(std::move(from));
        }
        return out;
    }

    // Alternates between colours of some points and gains that explain the photos best.
    void find_gains() {
        std::vector<std::vector<std::size_t>> photo;
        const std::vector<std::vector<Sample>> shown = samples_for_gains(photo);
        for (int round = 0; round < kGainRounds; ++round) {
            std::vector<std::array<double, 3>> above(photos.size()), below(photos.size());
            for (std::size_t n = 0; n < shown.size(); ++n) {
                std::vector<Sample> even = shown[n];
                for (std::size_t i = 0; i < even.size(); ++i)
                    for (std::size_t k = 0; k < 3; ++k) even[i].rgb[k] /= gains[photo[n][i]][k];
                const Rgb color = robust_mean(even, static_cast<float>(options.outlier));
                for (std::size_t i = 0; i < even.size(); ++i)
                    for (std::size_t k = 0; k < 3; ++k) {
                        const auto c = static_cast<double>(color[k]), w = static_cast<double>(even[i].weight);
                        above[photo[n][i]][k] += w * c * static_cast<double>(shown[n][i].rgb[k]);
                        below[photo[n][i]][k] += w * c * c;
                    }
            }
            Rgb mean{};
            for (std::size_t i = 0; i < photos.size(); ++i)
                for (std::size_t k = 0; k < 3; ++k) {
                    if (below[i][k] > 0)
                        gains[i][k] = static_cast<float>(std::clamp(above[i][k] / below[i][k], 0.1, 10.0));
                    mean[k] += gains[i][k] / static_cast<float>(photos.size());
                }
            for (Rgb& g : gains)
                for (std::size_t k = 0; k < 3; ++k) g[k] /= mean[k];
        }
    }
};

PhotoBaker::PhotoBaker(const Surface& surface, std::vector<PosedView> photos, const BakeOptions& options) {
    if (photos.empty()) fail(ErrorKind::input, "there are no photos to take colours from");
    impl_ = std::make_unique<Impl>(surface, std::move(photos), options);
    if (options.exposure) impl_->find_gains();
}
PhotoBaker::~PhotoBaker() = default;
PhotoBaker::PhotoBaker(PhotoBaker&&) noexcept = default;

const std::vector<PosedView>& PhotoBaker::photos() const { return impl_->photos; }
const std::vector<Rgb>& PhotoBaker::gains() const { return impl_->gains; }
BakedColors PhotoBaker::bake(std::span<const SurfacePoint> points) const { return impl_->bake(points); }

BakedColors PhotoBaker::mean(std::span<const SurfacePoint> points,
                             const std::vector<std::vector<float>>& images) const {
    NIR_CHECK(images.size() == impl_->photos.size());
    return impl_->gather(
        points, images, [](const std::vector<Sample>& s) { return weighted_mean(s, std::vector<float>(s.size(), 1)); });
}

std::size_t fill_unseen(std::span<const SurfacePoint> points, BakedColors& colors) {
    std::vector<Vec3d> seen;
    std::vector<std::size_t> index;
    for (std::size_t i = 0; i < points.size(); ++i)
        if (colors.photos[i] > 0) seen.push_back(points[i].position), index.push_back(i);
    if (seen.empty())
        fail(ErrorKind::input,
             "no photo sees the mesh: is it in the coordinates of the cameras, and are its faces "
             "turned to the outside?");
    if (seen.size() == points.size()) return 0;
    const geom::KdTree tree(seen);
    const std::size_t k = std::min<std::size_t>(4, seen.size());
    for (std::size_t i = 0; i < points.size(); ++i) {
        if (colors.photos[i] > 0) continue;
        Rgb sum{};
        float whole = 0;
        for (const geom::Neighbor& n : tree.nearest(points[i].position, k)) {
            const float w = 1 / (static_cast<float>(std::sqrt(n.squared_distance)) + 1e-12f);
            whole += w;
            for (std::size_t c = 0; c < 3; ++c) sum[c] += w * colors.rgb[3 * index[n.index] + c];
        }
        for (std::size_t c = 0; c < 3; ++c) colors.rgb[3 * i + c] = sum[c] / whole;
    }
    return points.size() - seen.size();
}

std::vector<float> vertex_colors(const geom::TriMesh& mesh, std::span<const SurfacePoint> points) {
    NIR_CHECK(mesh.colors.size() == mesh.vertices.size());
    std::array<float, 256> linear{};
    for (std::size_t i = 0; i < 256; ++i) linear[i] = linear_from_srgb(static_cast<float>(i) / 255);
    std::vector<float> out;
    out.reserve(3 * points.size());
    for (const SurfacePoint& p : points) {
        const geom::Triangle& t = mesh.faces[p.face];
        const std::array<float, 3> share{1 - p.b1 - p.b2, p.b1, p.b2};
        Rgb sum{};
        for (std::size_t k = 0; k < 3; ++k) {
            const geom::Rgb8 c = mesh.colors[t[k]];
            sum[0] += share[k] * linear[c.r], sum[1] += share[k] * linear[c.g], sum[2] += share[k] * linear[c.b];
        }
        out.insert(out.end(), sum.begin(), sum.end());
    }
    return out;
}

}  // namespace nir::render
