// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/extract/scalar_field.h"
#include "nir/geom/shapes.h"

#include <functional>

namespace nir::extract {

/// Trilinear interpolation at a position in samples, clamped to the grid (2 samples per axis or more); NaN gives NaN.
float interpolate(const geom::VoxelGrid& grid, geom::Vec3d index);
/// Central differences of interpolate(), one sample to either side, per unit of the grid's frame.
geom::Vec3f interpolate_gradient(const geom::VoxelGrid& grid, geom::Vec3d index);

/// Trilinear interpolation of a voxel grid. The domain reaches from the first to the last sample; points outside get
/// the value of the nearest point of the domain. NaN coordinates give NaN.
class GridField final : public ScalarField {
public:
    /// @throws Error(input) unless the grid has 2 samples per axis or more, positive spacing and matching values.
    GridField(geom::VoxelGrid grid, float iso);

    void values(std::span<const geom::Vec3f> points, std::span<float> out) const override;
    /// Central differences one sample wide: smooth across cells.
    void gradients(std::span<const geom::Vec3f> points, std::span<geom::Vec3f> out) const override;
    geom::Box3f domain() const override;
    float iso() const override { return iso_; }
    const geom::VoxelGrid& grid() const { return grid_; }

private:
    geom::Vec3d index_of(geom::Vec3f point) const;
    geom::VoxelGrid grid_;
    float iso_;
};

/// A closed-form function as a field; evaluated in parallel, so it must be safe to call from several threads.
class FunctionField final : public ScalarField {
public:
    using Function = std::function<float(geom::Vec3f)>;
    FunctionField(Function f, geom::Box3f domain, float iso = 0.0f);

    void values(std::span<const geom::Vec3f> points, std::span<float> out) const override;
    geom::Box3f domain() const override { return domain_; }
    float iso() const override { return iso_; }

private:
    Function f_;
    geom::Box3f domain_;
    float iso_;
};

}  // namespace nir::extract
