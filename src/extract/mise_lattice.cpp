// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The finest lattice of Mise, handed out whole or by planes.
#include "nir/base/parallel.h"
#include "nir/extract/mise.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace nir::extract {

using geom::Vec3i;

template <class T>
std::vector<T> Mise<T>::to_dense() const {
    const Vec3i n = size();
    const auto ny = static_cast<std::size_t>(n.y), nz = static_cast<std::size_t>(n.z), plane_size = ny * nz;
    std::vector<T> dense(static_cast<std::size_t>(n.x) * plane_size, std::numeric_limits<T>::quiet_NaN());
    parallel_for(static_cast<std::size_t>(n.x), 4, [&](std::size_t begin, std::size_t end) {
        for (std::size_t x = begin; x < end; ++x) {
            T* out = dense.data() + x * plane_size;
            for (int y = 0; y < n.y; ++y) {
                for (int z = 0; z < n.z; ++z, ++out) {
                    const Vec3i p{static_cast<int>(x), y, z};
                    if (is_evaluated(p)) *out = value_at(p);
                }
            }
        }
    });
    for (std::size_t i = plane_size; i < dense.size(); ++i) {
        if (std::isnan(dense[i])) dense[i] = dense[i - plane_size];
    }
    for (std::size_t i = 0; i < dense.size(); ++i) {
        if (std::isnan(dense[i]) && i % plane_size >= nz) dense[i] = dense[i - nz];
    }
    for (std::size_t i = 0; i < dense.size(); ++i) {
        if (std::isnan(dense[i]) && i % nz != 0) dense[i] = dense[i - 1];
    }
    return dense;
}

/// A sample that was never asked lies on leaves only that were not halved, all of one side. So it has the side of the
/// sample before it along z, which lies on one of them, and takes its value; the first of a row takes that of the first
/// corner of its leaf.
template <class T>
const T* Mise<T>::plane(int x, std::vector<T>& scratch) const {
    const Vec3i n = size(), last_cell = n - Vec3i{2, 2, 2};
    scratch.resize(static_cast<std::size_t>(n.y) * static_cast<std::size_t>(n.z));
    for (int y = 0; y < n.y; ++y) {
        T* out = scratch.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(n.z);
        const std::size_t row = block_index({x, y, 0}), first = local_index({x, y, 0});
        Vec3i p{x, y, 0};
        if (!is_evaluated(p)) {
            const Vec3i cell{std::min(x, last_cell.x), std::min(y, last_cell.y), 0};
            const int extent = unit_ >> level_at(cell);
            p = {cell.x & -extent, cell.y & -extent, 0};
        }
        T before = value_at(p);
        for (int z = 0; z < n.z; z += unit_) {
            const std::size_t block = row + static_cast<std::size_t>(z >> options_.depth);
            if (first == 0) before = corner_values_[block];
            if (const Block* own = block_at(block)) {
                before = fill_run(*own, first, before, std::min(unit_, n.z - z), out + z);
            } else {
                std::fill(out + z, out + std::min(z + unit_, n.z), before);
            }
        }
    }
    return scratch.data();
}

/// Writes n samples of a block along z from one on. @param before  the sample before them @return the last one
template <class T>
T Mise<T>::fill_run(const Block& block, std::size_t first, T before, int n, T* out) const {
    const auto row_bytes = static_cast<std::size_t>(std::max(1, unit_ / 8));
    const std::uint8_t* at = block.masks + (first >> options_.depth) * row_bytes;
    std::uint64_t known = 0;
    for (std::size_t i = 0; i < row_bytes; ++i) known |= std::uint64_t{at[i] | unsigned{at[set_bytes_ + i]}} << 8 * i;
    for (int z = 0; z < n;) {
        const std::uint64_t left = known >> z;
        const int stop = std::min(n, z + (left & 1 ? std::countr_one(left) : std::countr_zero(left)));
        if (left & 1)
            std::copy(block.values + first + z, block.values + first + stop, out + z);
        else
            std::fill(out + z, out + stop, before);
        z = stop;
        before = out[z - 1];
    }
    return before;
}

template const float* Mise<float>::plane(int x, std::vector<float>& scratch) const;
template const double* Mise<double>::plane(int x, std::vector<double>& scratch) const;
template std::vector<float> Mise<float>::to_dense() const;
template std::vector<double> Mise<double>::to_dense() const;

}  // namespace nir::extract
