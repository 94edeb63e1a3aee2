// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/conv_onet/crop_field.h"

#include "nir/base/error.h"
#include "nir/nn/decoders/local.h"
#include "nir/nn/seeded.h"
#include "nir/nn/torch_guard.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

namespace nir::models {

using geom::Vec3d;
using geom::Vec3f;
using geom::Vec3i;
using torch::Tensor;

namespace {

constexpr std::size_t kChunk = 8192;           // queries at once, as TorchField
constexpr double kMaxBoxes = double{1 << 24};  // 16 million

Vec3d corner(const CropLayout& layout, Vec3i crop) {
    return layout.lower + Vec3d{double(crop.x), double(crop.y), double(crop.z)} * layout.query_side;
}

Tensor tensor_of(Vec3d v) { return torch::tensor({{v.x, v.y, v.z}}, torch::kFloat64); }

Tensor tensor_of(std::span<const Vec3f> points) {
    Tensor t = torch::empty({1, static_cast<std::int64_t>(points.size()), 3}, torch::kFloat32);
    if (!points.empty()) std::memcpy(t.data_ptr<float>(), points.data(), points.size_bytes());
    return t;
}

/// Cuts maps of a window down to what queries in the box of this side in its middle can read.
nn::FeatureMaps cut_to_query(const nn::FeatureMaps& maps, std::int64_t resolution, double query_side) {
    const double side = maps.window_side, last = static_cast<double>(resolution - 1);
    const double lo = (side - query_side) / (2 * side) * last, hi = (side + query_side) / (2 * side) * last;
    const auto first = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor(lo - 1e-3)));
    const auto end = std::min(resolution - 1, static_cast<std::int64_t>(std::ceil(hi + 1e-3)));
    nn::FeatureMaps out = maps;
    for (Tensor& map : out.maps) {
        if (!map.defined()) continue;
        for (std::int64_t axis = 2; axis < map.dim(); ++axis) map = map.narrow(axis, first, end - first + 1);
        map = map.clone(at::MemoryFormat::Contiguous);
    }
    out.window_lower = maps.window_lower + side * static_cast<double>(first) / last;
    out.window_side = side * static_cast<double>(end - first) / last;
    return out;
}

std::size_t bytes_of(const nn::FeatureMaps& maps) {
    std::size_t n = 0;
    for (const Tensor& map : maps.maps)
        if (map.defined()) n += static_cast<std::size_t>(map.numel()) * sizeof(float);
    return n;
}

}  // namespace

Vec3d CropLayout::query_lower(Vec3i crop) const { return corner(*this, crop); }

Vec3d CropLayout::window_lower(Vec3i crop) const {
    const double shift = (query_side - window_side) / 2;
    return corner(*this, crop) + Vec3d{shift, shift, shift};
}

Vec3i CropLayout::crop_of(Vec3f p) const {
    Vec3i crop;
    for (int a = 0; a < 3; ++a) {
        const double at = static_cast<double>(p[a]);
        const double rounding = 1.2e-7 * std::max(std::abs(at), std::abs(lower[a])) / query_side + 1e-9;
        const double box = std::floor((at - lower[a]) / query_side + rounding);
        crop[a] = static_cast<int>(std::clamp(box, 0.0, static_cast<double>(n[a] - 1)));
    }
    return crop;
}

CropLayout crop_layout(Vec3f lowest, Vec3f highest, double margin, double query_side, double window_side) {
    CropLayout out;
    out.query_side = query_side, out.window_side = window_side;
    const auto m = static_cast<float>(margin);  // in single precision, as the papers' code
    double boxes = 1;
    Vec3d n;
    for (int a = 0; a < 3; ++a) {
        out.lower[a] = static_cast<double>(lowest[a] - m);
        const double upper = static_cast<double>(highest[a] + m);
        n[a] = std::max(1.0, std::ceil((upper - out.lower[a]) / query_side));
        boxes *= n[a];
    }
    if (!(boxes <= kMaxBoxes))
        fail(ErrorKind::input,
             "the scan covers {:.3g} boxes of side {:.3g}, more than {:.0f}; a larger unit_size suits its scale", boxes,
             query_side, kMaxBoxes);
    for (int a = 0; a < 3; ++a) out.n[a] = static_cast<int>(n[a]);
    return out;
}

CropField::CropField(ConvOnetCropModule net, const ConvOnetCropConfig& config, const Tensor& points,
                     std::size_t cache_bytes)
    : net_(std::move(net)),
      iso_(static_cast<float>(std::log(config.threshold / (1 - config.threshold)))),
      cache_limit_(cache_bytes) {
    const double query_side = static_cast<double>(config.query_cells) * config.unit_size;
    const double window_side = net_->encoder->window_side();
    NIR_CHECK(points.dim() == 3 && points.size(0) == 1 && points.size(1) > 0);
    if (config.window.empty()) {
        const Tensor lo = points[0].amin(0).contiguous(), hi = points[0].amax(0).contiguous();
        const float *l = lo.data_ptr<float>(), *h = hi.data_ptr<float>();
        layout_ = crop_layout({l[0], l[1], l[2]}, {h[0], h[1], h[2]}, config.margin, query_side, window_side);
    } else {
        layout_.query_side = query_side, layout_.window_side = window_side;
        for (int a = 0; a < 3; ++a)
            layout_.lower[a] = config.window[static_cast<std::size_t>(a)] + (window_side - query_side) / 2;
    }
    bin_points(points[0].contiguous());
}

void CropField::bin_points(const Tensor& points) {
    const auto n = static_cast<std::size_t>(points.size(0));
    const auto* p = reinterpret_cast<const Vec3f*>(points.data_ptr<float>());
    std::vector<std::uint32_t> box(n);
    first_.assign(static_cast<std::size_t>(layout_.count()) + 1, 0);
    for (std::size_t i = 0; i < n; ++i) {
        box[i] = static_cast<std::uint32_t>(layout_.number(layout_.crop_of(p[i])));
        ++first_[box[i] + 1];
    }
    std::partial_sum(first_.begin(), first_.end(), first_.begin());
    std::vector<std::size_t> next(first_.begin(), first_.end() - 1);
    points_.resize(n), rank_.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
        const std::size_t at = next[box[i]]++;
        points_[at] = p[i];
        rank_[at] = static_cast<std::uint32_t>(i);
    }
}

Tensor CropField::points_in_window(Vec3i crop) const {
    const Vec3d lo = layout_.window_lower(crop);
    const Vec3d hi = lo + Vec3d{1, 1, 1} * layout_.window_side;
    const Vec3i from = layout_.crop_of(Vec3f(lo)), to = layout_.crop_of(Vec3f(hi));
    std::vector<std::size_t> found;
    for (int x = std::max(0, from.x - 1); x <= std::min(layout_.n.x - 1, to.x + 1); ++x)
        for (int y = std::max(0, from.y - 1); y <= std::min(layout_.n.y - 1, to.y + 1); ++y) {
            // Boxes along z lie one behind the other.
            const auto a = static_cast<std::size_t>(layout_.number({x, y, std::max(0, from.z - 1)}));
            const auto b = static_cast<std::size_t>(layout_.number({x, y, std::min(layout_.n.z - 1, to.z + 1)}));
            for (std::size_t i = first_[a]; i < first_[b + 1]; ++i) {
                const Vec3d p(points_[i]);
                if (p.x >= lo.x && p.x < hi.x && p.y >= lo.y && p.y < hi.y && p.z >= lo.z && p.z < hi.z)
                    found.push_back(i);
            }
        }
    // In the order of the observation, so that sums do not depend on the boxes.
    std::sort(found.begin(), found.end(), [&](std::size_t a, std::size_t b) { return rank_[a] < rank_[b]; });
    std::vector<Vec3f> points;
    points.reserve(found.size());
    for (const std::size_t i : found) points.push_back(points_[i]);
    return tensor_of(std::span<const Vec3f>(points));
}

nn::FeatureMaps CropField::encode(Vec3i crop, const Tensor& points) const {
    return nn::torch_guard("encoding a window of the observation", [&] {
        const torch::NoGradGuard no_grad;
        const nn::EvalScope eval(*net_);
        ++n_encoded_;
        const nn::FeatureMaps maps = net_->encoder->encode_window(points, tensor_of(layout_.window_lower(crop)));
        return cut_to_query(maps, net_->encoder->resolution(), layout_.query_side);
    });
}

CropField::Window CropField::folded(nn::FeatureMaps maps) const {
    auto* patch = dynamic_cast<nn::PatchMlpImpl*>(net_->decoder.get());
    return nn::torch_guard("packing the decoder", [&] {
        auto function = patch ? patch->fold(maps) : nullptr;
        return Window{std::move(maps), std::move(function)};
    });
}

CropField::Window CropField::window(Vec3i crop) const {
    const std::int64_t number = layout_.number(crop);
    if (const auto it = where_.find(number); it != where_.end()) {
        cache_.splice(cache_.begin(), cache_, it->second);
        return it->second->window;
    }
    const Tensor points = points_in_window(crop);
    if (points.size(1) == 0) {
        if (!empty_.window_lower.defined()) empty_ = encode({0, 0, 0}, points);
        nn::FeatureMaps maps = empty_;
        const Tensor moved = tensor_of(layout_.window_lower(crop)) - tensor_of(layout_.window_lower({0, 0, 0}));
        maps.window_lower = empty_.window_lower + moved;
        return folded(std::move(maps));
    }
    cache_.push_front({number, folded(encode(crop, points))});
    where_[number] = cache_.begin();
    const std::size_t limit =
        std::max<std::size_t>(1, cache_limit_ / std::max<std::size_t>(1, 2 * bytes_of(cache_.front().window.maps)));
    while (cache_.size() > limit) {
        where_.erase(cache_.back().crop);
        cache_.pop_back();
    }
    return cache_.front().window;
}

void CropField::crop_values(Vec3i crop, std::span<const Vec3f> points, std::span<float> out) const {
    NIR_CHECK(points.size() == out.size());
    const Window known = window(crop);
    if (known.folded) {
        const auto* coordinates = reinterpret_cast<const float*>(points.data());
        return known.folded->values({coordinates, 3 * points.size()}, out);
    }
    nn::torch_guard("querying the network", [&] {
        const torch::NoGradGuard no_grad;
        const nn::EvalScope eval(*net_);
        for (std::size_t at = 0; at < points.size(); at += kChunk) {
            const std::size_t n = std::min(kChunk, points.size() - at);
            const Tensor v = net_->decoder->decode(tensor_of(points.subspan(at, n)), known.maps).contiguous();
            std::memcpy(out.data() + at, v.data_ptr<float>(), n * sizeof(float));
        }
    });
}

/// Calls body(crop, numbers of the points in it) for each box that holds points.
template <class Body>
void CropField::for_crops(std::span<const Vec3f> points, const Body& body) const {
    std::vector<std::pair<std::int64_t, std::size_t>> order(points.size());
    for (std::size_t i = 0; i < points.size(); ++i) order[i] = {layout_.number(layout_.crop_of(points[i])), i};
    std::sort(order.begin(), order.end());
    std::vector<std::size_t> members;
    for (std::size_t i = 0; i < order.size();) {
        members.clear();
        const std::int64_t number = order[i].first;
        for (; i < order.size() && order[i].first == number; ++i) members.push_back(order[i].second);
        const std::int64_t z = layout_.n.z, yz = z * layout_.n.y;
        body(Vec3i{static_cast<int>(number / yz), static_cast<int>(number % yz / z), static_cast<int>(number % z)},
             members);
    }
}

void CropField::values(std::span<const Vec3f> points, std::span<float> out) const {
    NIR_CHECK(points.size() == out.size());
    std::vector<Vec3f> asked;
    std::vector<float> logits;
    for_crops(points, [&](Vec3i crop, const std::vector<std::size_t>& members) {
        asked.clear();
        for (const std::size_t i : members) asked.push_back(points[i]);
        logits.resize(asked.size());
        crop_values(crop, asked, logits);
        for (std::size_t i = 0; i < members.size(); ++i) out[members[i]] = logits[i];
    });
}

void CropField::gradients(std::span<const Vec3f> points, std::span<Vec3f> out) const {
    NIR_CHECK(points.size() == out.size());
    for_crops(points, [&](Vec3i crop, const std::vector<std::size_t>& members) {
        const nn::FeatureMaps maps = window(crop).maps;
        nn::torch_guard("querying the network", [&] {
            const torch::AutoGradMode with_grad(true);
            const nn::EvalScope eval(*net_);
            for (std::size_t at = 0; at < members.size(); at += kChunk) {
                const std::size_t n = std::min(kChunk, members.size() - at);
                std::vector<Vec3f> asked;
                for (std::size_t i = at; i < at + n; ++i) asked.push_back(points[members[i]]);
                Tensor p = tensor_of(std::span<const Vec3f>(asked));
                p.requires_grad_(true);
                const Tensor g = torch::autograd::grad({net_->decoder->decode(p, maps).sum()}, {p})[0].contiguous();
                const float* v = g.data_ptr<float>();
                for (std::size_t i = 0; i < n; ++i) out[members[at + i]] = {v[3 * i], v[3 * i + 1], v[3 * i + 2]};
            }
        });
    });
}

geom::Box3f CropField::domain() const {
    const Vec3d hi = corner(layout_, layout_.n);
    return {Vec3f(layout_.lower), Vec3f(hi)};
}

}  // namespace nir::models
