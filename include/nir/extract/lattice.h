// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/vec.h"

#include <cstddef>
#include <span>
#include <vector>

namespace nir::extract {

/// Samples on a regular lattice, handed out one x-plane at a time, so that sparse storage never has to be unrolled into
/// a whole volume. T is float or double.
template <class T>
class LatticeSource {
public:
    virtual ~LatticeSource() = default;
    /// Samples per axis.
    virtual geom::Vec3i size() const = 0;
    /// The samples (x, y, z) of one x, index y * size.z + z. Either a view into the source or into `scratch`, which the
    /// source resizes; valid until the next call with the same scratch. Called from several threads at once.
    virtual const T* plane(int x, std::vector<T>& scratch) const = 0;
};

/// A volume that lies in memory, x slowest: value(i,j,k) = values[(i * size.y + j) * size.z + k]. Does not own it.
template <class T>
class DenseLattice final : public LatticeSource<T> {
public:
    /// @throws Error(internal) if values.size() differs from the product of size.
    DenseLattice(std::span<const T> values, geom::Vec3i size);
    geom::Vec3i size() const override { return size_; }
    const T* plane(int x, std::vector<T>& /*scratch*/) const override {
        return values_.data() +
               static_cast<std::size_t>(x) * static_cast<std::size_t>(size_.y) * static_cast<std::size_t>(size_.z);
    }

private:
    std::span<const T> values_;
    geom::Vec3i size_;
};

}  // namespace nir::extract
