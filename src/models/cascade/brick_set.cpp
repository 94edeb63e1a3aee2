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

at::Tensor gather_with_halo(const BrickSet& bricks, const at::Tensor& x, std::int64_t first, std::int64_t count) {
    const std::int64_t c = x.size(1), b = x.size(2), t = b + 2;
    NIR_CHECK(x.is_contiguous() && x.size(0) == bricks.size() && first + count <= bricks.size());
    at::Tensor out = torch::empty({count, c, t, t, t}, x.options());
    const float* from = x.data_ptr<float>();
    float* to = out.data_ptr<float>();
    const std::int64_t volume = b * b * b;
    parallel_for(static_cast<std::size_t>(count), 4, [&](std::size_t begin, std::size_t end) {
        for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
            const auto near = bricks.neighbors(first + i);
            for (std::int64_t k = 0; k < c; ++k) {
                float* row = to + (i * c + k) * t * t * t;
                for (std::int64_t z = -1; z <= b; ++z)
                    for (std::int64_t y = -1; y <= b; ++y, row += t) {
                        const std::int64_t dz = z < 0 ? 0 : z < b ? 1 : 2, dy = y < 0 ? 0 : y < b ? 1 : 2;
                        const std::int64_t inside = (((z + b) % b) * b + (y + b) % b) * b;
                        const auto source = [&](std::int64_t dx) -> const float* {
                            const std::int32_t at = near[static_cast<std::size_t>((dz * 3 + dy) * 3 + dx)];
                            return at < 0 ? nullptr : from + (at * c + k) * volume + inside;
                        };
                        copy_row(source(0), source(1), source(2), b, row);
                    }
            }
        }
    });
    return out;
}

at::Tensor conv3_relu_on_bricks(const BrickSet& bricks, const at::Tensor& x, const at::Tensor& weight,
                                const at::Tensor& bias, const std::function<at::Tensor(const at::Tensor&)>& then) {
    const std::int64_t b = x.size(2), n = bricks.size(), side = b + 2;
    constexpr std::int64_t kTileFloats = std::int64_t{1} << 21;  // 8 MB of input at a time
    const std::int64_t most = std::max<std::int64_t>(2, kTileFloats / (x.size(1) * side * side * side));
    const std::int64_t n_chunks = (n + most - 1) / most;
    at::Tensor out;
    for (std::int64_t chunk = 0; chunk < n_chunks; ++chunk) {
        const std::int64_t first = chunk * n / n_chunks, count = (chunk + 1) * n / n_chunks - first;
        at::Tensor tiles = gather_with_halo(bricks, x, first, count);
        // oneDNN sums in another order for a batch of one, and there the order depends on the number of threads.
        if (count == 1) tiles = torch::cat({tiles, tiles});
        const at::Tensor y = then(torch::conv3d(tiles, weight, bias).relu_()).narrow(0, 0, count);
        if (!out.defined()) out = torch::empty({n, y.size(1), b, b, b}, x.options());
        out.narrow(0, first, count).copy_(y);
    }
    return out;
}

}  // namespace nir::models
