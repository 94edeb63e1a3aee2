// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/brick_set.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include <torch/torch.h>

#include <algorithm>
#include <cstring>
#include <unordered_map>

namespace nir::models {

namespace {

std::uint64_t key_of(geom::Vec3i b) {
    const auto bits = [](int v) { return static_cast<std::uint64_t>(static_cast<std::uint32_t>(v + 1)) & 0x1FFFFF; };
    return bits(b.x) | bits(b.y) << 21 | bits(b.z) << 42;
}

/// One row of cells along x with its two neighbours. A missing brick gives zeros.
void copy_row(const float* left, const float* middle, const float* right, std::int64_t b, float* to) {
    to[0] = left ? left[b - 1] : 0.0f;
    if (middle)
        std::memcpy(to + 1, middle, static_cast<std::size_t>(b) * sizeof(float));
    else
        std::fill_n(to + 1, b, 0.0f);
    to[b + 1] = right ? right[0] : 0.0f;
}

}  // namespace

BrickSet::BrickSet(std::vector<geom::Vec3i> bricks) : bricks_(std::move(bricks)), neighbors_(bricks_.size()) {
    std::unordered_map<std::uint64_t, std::int32_t> rows;
    rows.reserve(bricks_.size());
    for (std::size_t i = 0; i < bricks_.size(); ++i) {
        const bool is_new = rows.emplace(key_of(bricks_[i]), static_cast<std::int32_t>(i)).second;
        NIR_CHECK(is_new);
    }
    for (std::size_t i = 0; i < bricks_.size(); ++i)
        for (int k = 0; k < 27; ++k) {
            const auto at = rows.find(key_of(bricks_[i] + geom::Vec3i{k % 3 - 1, k / 3 % 3 - 1, k / 9 - 1}));
            neighbors_[i][static_cast<std::size_t>(k)] = at == rows.end() ? -1 : at->second;
        }
}

at::Tensor cut_bricks(const at::Tensor& volume, std::span<const geom::Vec3i> bricks, std::int64_t b) {
    std::vector<at::Tensor> out;
    out.reserve(bricks.size());
    for (const auto& at : bricks)
        out.push_back(volume.narrow(1, at.z * b, b).narrow(2, at.y * b, b).narrow(3, at.x * b, b));
    return torch::stack(out);
}

void gather_with_halo(const BrickSet& bricks, const at::Tensor& x, std::int64_t first, std::int64_t count, float* to,
                      std::int64_t stride) {
    const std::int64_t c = x.size(1), b = x.size(2), t = b + 2, known = x.size(0);
    NIR_CHECK(x.is_contiguous() && known <= bricks.size() && first + count <= bricks.size() && stride >= c * t * t * t);
    const float* from = x.data_ptr<float>();
    const std::int64_t volume = b * b * b;
    parallel_for(static_cast<std::size_t>(count), 4, [&](std::size_t begin, std::size_t end) {
        for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
            const auto near = bricks.neighbors(first + i);
            for (std::int64_t k = 0; k < c; ++k) {
                float* row = to + i * stride + k * t * t * t;
                for (std::int64_t z = -1; z <= b; ++z)
                    for (std::int64_t y = -1; y <= b; ++y, row += t) {
                        const std::int64_t dz = z < 0 ? 0 : z < b ? 1 : 2, dy = y < 0 ? 0 : y < b ? 1 : 2;
                        const std::int64_t inside = (((z + b) % b) * b + (y + b) % b) * b;
                        const auto source = [&](std::int64_t dx) -> const float* {
                            const std::int32_t at = near[static_cast<std::size_t>((dz * 3 + dy) * 3 + dx)];
                            return at < 0 || at >= known ? nullptr : from + (at * c + k) * volume + inside;
                        };
                        copy_row(source(0), source(1), source(2), b, row);
                    }
            }
        }
    });
}

at::Tensor gather_with_halo(const BrickSet& bricks, const at::Tensor& x, std::int64_t first, std::int64_t count) {
    const std::int64_t t = x.size(2) + 2;
    at::Tensor out = torch::empty({count, x.size(1), t, t, t}, x.options());
    gather_with_halo(bricks, x, first, count, out.data_ptr<float>(), x.size(1) * t * t * t);
    return out;
}

void for_each_part(std::int64_t rows, std::int64_t floats,
                   const std::function<void(std::int64_t first, std::int64_t count)>& f) {
    constexpr std::int64_t kFloats = std::int64_t{1} << 21;  // 8 MB
    const std::int64_t most = std::max<std::int64_t>(2, kFloats / floats), parts = (rows + most - 1) / most;
    for (std::int64_t part = 0; part < parts; ++part) {
        const std::int64_t first = part * rows / parts;
        f(first, (part + 1) * rows / parts - first);
    }
}

at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
    if (x.size(0) != 1) return torch::conv3d(x, weight, bias);
    // oneDNN sums in another order for a batch of one, and there the order depends on the number of threads.
    return torch::conv3d(torch::cat({x, x}), weight, bias).narrow(0, 0, 1);
}

at::Tensor conv3_relu_on_bricks(const BrickSet& bricks, const at::Tensor& x, std::int64_t rows,
                                const at::Tensor& weight, const at::Tensor& bias) {
    const std::int64_t b = x.size(2), side = b + 2;
    at::Tensor out = torch::empty({rows, weight.size(0), b, b, b}, x.options());
    for_each_part(rows, x.size(1) * side * side * side, [&](std::int64_t first, std::int64_t count) {
        out.narrow(0, first, count).copy_(convolve(gather_with_halo(bricks, x, first, count), weight, bias).relu_());
    });
    return out;
}

}  // namespace nir::models
