// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/brick_unet.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace nir::models {
namespace {

using kernels::BrickConv;

BrickConv layer(const std::string& name, std::int64_t in, std::int64_t out, std::size_t kernel,
                const WeightSource& weights) {
    return BrickConv(weights(name + ".weight"), weights(name + ".bias"), static_cast<std::size_t>(in),
                     static_cast<std::size_t>(out), kernel);
}

/// Bricks within a reach of the wanted ones.
std::int64_t rows_within(std::span<const std::int64_t> within, std::int64_t reach) {
    if (within.size() == 1) return within[0];
    const auto rings = static_cast<std::size_t>((reach + kBrickCells - 1) / kBrickCells);
    NIR_CHECK(rings < within.size());
    return within[rings];
}

using Floats = std::unique_ptr<float[]>;

Floats floats(std::int64_t n) { return std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(n)); }

std::int64_t channels_of(std::size_t n) { return static_cast<std::int64_t>(n); }

/// Calls f(first, count) on the pool for a few bricks at a time, so many that their volumes and the weights of 32
/// outputs stay in the second-level cache.
void for_each_part(std::int64_t rows, std::int64_t side,
                   const std::function<void(std::int64_t first, std::int64_t count)>& f) {
    const std::int64_t most = std::clamp<std::int64_t>(512 / (side * side * side), 1, 16);
    parallel_for(static_cast<std::size_t>(rows), static_cast<std::size_t>(most),
                 [&](std::size_t begin, std::size_t end) {
                     f(static_cast<std::int64_t>(begin), static_cast<std::int64_t>(end - begin));
                 });
}

/// The mean of each 2^3 cells. @param x [2 n, 2 n, 2 n, c]  @param y [n, n, n, c]
void pool_brick(const float* x, std::int64_t n, std::int64_t c, float* y) {
    const std::int64_t row = 2 * n * c, plane = 2 * n * row;
    for (std::int64_t cz = 0; cz < n; ++cz)
        for (std::int64_t cy = 0; cy < n; ++cy)
            for (std::int64_t cx = 0; cx < n; ++cx, y += c) {
                const float* p = x + 2 * cz * plane + 2 * cy * row + 2 * cx * c;
                for (std::int64_t k = 0; k < c; ++k) {
                    const float* q = p + k;
                    y[k] = 0.125f * (((q[0] + q[c]) + (q[row] + q[row + c])) +
                                     ((q[plane] + q[plane + c]) + (q[plane + row] + q[plane + row + c])));
                }
            }
}

/// Adds each cell of x to the 2^3 cells below it. @param x [n, n, n, c]  @param y [2 n, 2 n, 2 n, c]
void add_nearest(const float* x, std::int64_t n, std::int64_t c, float* y) {
    for (std::int64_t cz = 0; cz < 2 * n; ++cz)
        for (std::int64_t cy = 0; cy < 2 * n; ++cy)
            for (std::int64_t cx = 0; cx < 2 * n; ++cx, y += c) {
                const float* p = x + ((cz / 2 * n + cy / 2) * n + cx / 2) * c;
                for (std::int64_t k = 0; k < c; ++k) y[k] += p[k];
            }
}

std::span<const float> part(const float* p, std::int64_t n) { return {p, static_cast<std::size_t>(n)}; }
std::span<float> part(float* p, std::int64_t n) { return {p, static_cast<std::size_t>(n)}; }

}  // namespace

/// How far beyond the wanted cells the volumes of a level are needed, in cells of the finest level.
struct BrickUnet::Reach {
    std::int64_t down_a = 0, down = 0, skip = 0, up = 0;
};

/// Volumes of the first bricks of a set, channels last.
struct BrickUnet::Volumes {
    std::int64_t rows = 0, side = 0, channels = 0;
    Floats data;

    Volumes() = default;
    Volumes(std::int64_t n, std::int64_t s, std::int64_t c)
        : rows(n), side(s), channels(c), data(floats(n * s * s * s * c)) {}
    BrickView view() const { return {data.get(), rows, side, channels}; }
    std::int64_t row_floats() const { return side * side * side * channels; }
    float* row(std::int64_t i) const { return data.get() + i * row_floats(); }

    /// relu(3^3 convolution) of the first n bricks.
    Volumes convolved(const BrickSet& bricks, const BrickConv& conv, std::int64_t n) const {
        Volumes y(n, side, channels_of(conv.out()));
        const std::int64_t t = side + 2, padded = t * t * t * channels;
        for_each_part(n, side, [&](std::int64_t first, std::int64_t count) {
            const Floats x = floats(count * padded);
            gather_with_halo(bricks, view(), first, count, x.get(), channels);
            conv.run(part(x.get(), count * padded), static_cast<std::size_t>(side), true,
                     part(y.row(first), count * y.row_floats()));
        });
        return y;
    }
    Volumes pooled() const {
        Volumes y(rows, side / 2, channels);
        for_each_part(rows, side, [&](std::int64_t first, std::int64_t count) {
            for (std::int64_t i = first; i < first + count; ++i) pool_brick(row(i), side / 2, channels, y.row(i));
        });
        return y;
    }
    /// Adds the coarser volumes, lifted to these channels, to the nearest cells.
    void add_lifted(const Volumes& coarser, const BrickConv& lift) {
        const std::int64_t volume = coarser.side * coarser.side * coarser.side * channels;
        for_each_part(rows, coarser.side, [&](std::int64_t first, std::int64_t count) {
            const Floats lifted = floats(count * volume);
            lift.run(part(static_cast<const float*>(coarser.row(first)), count * coarser.row_floats()),
                     static_cast<std::size_t>(coarser.side), false, part(lifted.get(), count * volume));
            for (std::int64_t i = 0; i < count; ++i)
                add_nearest(lifted.get() + i * volume, coarser.side, channels, row(first + i));
        });
    }
};

BrickUnet::BrickUnet(const std::string& name, std::int64_t in, const std::vector<int>& widths, std::int64_t out,
                     const WeightSource& weights)
    : in_(in), out_(out) {
    std::int64_t before = in;
    for (std::size_t i = 0; i < widths.size(); ++i) {
        const std::int64_t w = widths[i];
        down_a_.push_back(layer(fmt::format("{}.down_a.{}", name, i), before, w, 3, weights));
        if (i > 0) down_b_.push_back(layer(fmt::format("{}.down_b.{}", name, i - 1), w, w, 3, weights));
        if (i + 1 < widths.size()) {
            lift_.push_back(layer(fmt::format("{}.lift.{}", name, i), widths[i + 1], w, 1, weights));
            up_.push_back(layer(fmt::format("{}.up.{}", name, i), w, w, 3, weights));
        }
        before = w;
    }
    last_.push_back(layer(name + ".last", widths[0], out, 1, weights));
}

double BrickUnet::flops() const {
    double sum = last_[0].flops(), cells = 1;
    for (std::size_t i = 0; i < down_a_.size(); ++i, cells /= 8) {
        sum += cells * down_a_[i].flops();
        if (i > 0) sum += cells * (down_b_[i - 1].flops() + lift_[i - 1].flops());
        if (i < up_.size()) sum += cells * up_[i].flops();
    }
    return sum;
}

std::vector<BrickUnet::Reach> BrickUnet::reaches() const {
    const std::size_t n = down_a_.size();
    const auto cell = [](std::size_t level) { return std::int64_t{1} << level; };
    std::vector<Reach> r(n);
    // Upwards from the wanted cells to the coarsest level, then down its inputs.
    for (std::size_t i = 0; i + 1 < n; ++i) {
        r[i].skip = r[i].up + cell(i);
        r[i + 1].up = (r[i].skip + cell(i + 1) - 1) / cell(i + 1) * cell(i + 1);
    }
    std::int64_t pooled = r[n - 1].up;
    for (std::size_t i = n; i-- > 0;) {
        r[i].down = std::max(pooled, r[i].skip);
        r[i].down_a = r[i].down + (i > 0 ? cell(i) : 0);
        pooled = r[i].down_a + cell(i);
    }
    return r;
}

/// The convolution of the finest level; keeps what the way up needs of it and returns the next level's input.
BrickUnet::Volumes BrickUnet::top_level(std::span<const std::int64_t> within, const Inputs& inputs,
                                        Volumes& skip) const {
    const Reach reach = reaches()[0];
    const std::int64_t rows = rows_within(within, reach.down), kept = rows_within(within, reach.skip);
    const BrickConv& conv = down_a_[0];
    const std::int64_t t = kBrickCells + 2, padded = t * t * t * in_;
    skip = Volumes(kept, kBrickCells, channels_of(conv.out()));
    Volumes pooled;
    if (down_a_.size() > 1) pooled = Volumes(rows, kBrickCells / 2, skip.channels);
    for_each_part(rows, kBrickCells, [&](std::int64_t first, std::int64_t count) {
        const Floats x = floats(count * padded);
        inputs(first, count, x.get());
        const bool keep = first + count <= kept;
        const Floats own = keep ? Floats() : floats(count * skip.row_floats());
        float* y = keep ? skip.row(first) : own.get();
        conv.run(part(static_cast<const float*>(x.get()), count * padded), kBrickCells, true,
                 part(y, count * skip.row_floats()));
        if (!keep && first < kept) std::copy_n(y, (kept - first) * skip.row_floats(), skip.row(first));
        for (std::int64_t i = 0; i < count && pooled.rows > 0; ++i)
            pool_brick(y + i * skip.row_floats(), kBrickCells / 2, skip.channels, pooled.row(first + i));
    });
    return pooled;
}

/// The last convolutions, on the finest level.
void BrickUnet::finish(const BrickSet& bricks, std::int64_t rows, const Volumes& sum, const Outputs& outputs) const {
    const std::int64_t t = kBrickCells + 2, padded = t * t * t * sum.channels;
    const std::int64_t cells = kBrickCells * kBrickCells * kBrickCells;
    for_each_part(rows, kBrickCells, [&](std::int64_t first, std::int64_t count) {
        const Floats y = floats(count * cells * out_);
        const float* x = sum.row(first);
        Floats up;
        if (!up_.empty()) {
            const Floats around = floats(count * padded);
            gather_with_halo(bricks, sum.view(), first, count, around.get(), sum.channels);
            up = floats(count * sum.row_floats());
            up_[0].run(part(static_cast<const float*>(around.get()), count * padded), kBrickCells, true,
                       part(up.get(), count * sum.row_floats()));
            x = up.get();
        }
        last_[0].run(part(x, count * sum.row_floats()), kBrickCells, false, part(y.get(), count * cells * out_));
        outputs(first, count, y.get());
    });
}

void BrickUnet::run(const BrickSet& bricks, std::span<const std::int64_t> within, const Inputs& inputs,
                    const Outputs& outputs) const {
    if (within[0] == 0) return;
    const std::size_t n = down_a_.size();
    const std::vector<Reach> reach = reaches();
    NIR_CHECK(rows_within(within, reach[0].down) <= bricks.size());
    std::vector<Volumes> skips(n);
    Volumes x = top_level(within, inputs, skips[0]);
    for (std::size_t i = 1; i < n; ++i) {
        x = x.convolved(bricks, down_a_[i], rows_within(within, reach[i].down_a));
        x = x.convolved(bricks, down_b_[i - 1], rows_within(within, reach[i].down));
        if (i + 1 == n) break;
        Volumes pooled = x.pooled();
        skips[i] = std::move(x);
        skips[i].rows = rows_within(within, reach[i].skip);
        x = std::move(pooled);
    }
    for (std::size_t i = n - 1; i-- > 0;) {
        skips[i].add_lifted(x, lift_[i]);
        if (i > 0) x = skips[i].convolved(bricks, up_[i], rows_within(within, reach[i].up));
        if (i > 0) skips[i] = {};
    }
    finish(bricks, within[0], skips[0], outputs);
}

}  // namespace nir::models
