// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/camera.h"
#include "nir/geom/image.h"
#include "nir/geom/shapes.h"
#include "nir/kernels/volume_march.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nir::render {

/// How values become colour and opacity: linear between control points, constant outside.
struct TransferFunction {
    struct Point {
        double value = 0;
        double r = 1, g = 1, b = 1;  ///< 0..1, as on the screen
        double opacity = 0;          ///< of one sample spacing of material, 0..1
    };
    std::vector<Point> points;  ///< by ascending value

    /// "surface" (opaque above the middle), "smoke", "fire" or "tissue" over the range lo..hi.
    /// @throws Error{usage} naming the presets.
    static TransferFunction preset(std::string_view name, double lo, double hi);
    static std::vector<std::string> preset_names();
    /// Lines "value red green blue opacity"; # begins a comment. @throws Error{format} with the line.
    static TransferFunction parse(std::string_view text);
};

/// A volume of colours: values [x][y][z][4] (x slowest), opacity of one sample spacing, placed like a VoxelGrid.
struct RgbaGrid {
    geom::Vec3i size{};
    geom::Vec3d origin{}, spacing{1, 1, 1};
    std::vector<float> values;  ///< red, green, blue, opacity in 0..1
    bool premultiplied = false;
};

struct VolumeOptions {
    double step = 0.5;  ///< distance of the samples along a ray, in the smallest spacing
    bool shade = true;
    bool skip_empty = true;
    double stop = 1e-3;  ///< a ray ends where less gets through, and is made opaque; 0: never
    double ambient = 0.35, diffuse = 0.65, specular = 0.15;
};

/// A picture before it is encoded: premultiplied colour and opacity [y][x][4] (the colours of the transfer function, as
/// on the screen), and the opacity-weighted mean z-depth [y][x], 0 where nothing is seen.
struct VolumeView {
    int width = 0, height = 0;
    std::vector<float> rgba, depth;
};
/// On a background (RGB), or with straight alpha (RGBA).
geom::Image8 to_image(const VolumeView& view, std::optional<geom::Rgb8> background);

/// Emission and absorption through a grid of samples by ray marching. The box of the volume reaches half a spacing
/// beyond the outer samples (samples are the centres of cells); in that rim values are those of the border.
/// Ref: Max 1995; Levoy 1988, 1990; docs/methods/volumes.md.
class VolumeRenderer {
public:
    /// @throws Error{input} if the grid is empty, has values that are not finite, or is too large.
    VolumeRenderer(const geom::VoxelGrid& grid, const TransferFunction& look, const VolumeOptions& options = {});
    explicit VolumeRenderer(const RgbaGrid& grid, const VolumeOptions& options = {});

    geom::Box3d box() const { return box_; }
    /// Of a scalar volume.
    void set_transfer(const TransferFunction& look);
    /// On the pool; the picture does not depend on the number of threads. Pixels to which the lens gives no direction
    /// stay empty.
    VolumeView render(const geom::Camera& camera, const geom::Pose& world_from_camera) const;
    /// Bytes of the samples and of the empty-space table.
    std::size_t memory_bytes() const;

    /// The rays of a picture in sample coordinates, row by row, for tests and benchmarks.
    kernels::VolumeRays rays(const geom::Camera& camera, const geom::Pose& world_from_camera) const;
    kernels::VolumeLook look(const geom::Pose& world_from_camera) const;
    const kernels::BrickVolume& volume() const { return volume_; }
    std::span<const std::int32_t> leaps() const { return leaps_; }

private:
    struct Tile;
    void prepare(const geom::Vec3i& size, std::span<const float> values, int channels);
    void find_empty();
    double add_ray(kernels::VolumeRays& rays, std::size_t i, const std::optional<geom::Ray>& ray) const;
    void render_tile(const Tile& tile, VolumeView& out) const;

    VolumeOptions options_;
    geom::Vec3d origin_, spacing_;
    geom::Box3d box_;
    kernels::BrickVolume volume_;
    kernels::VolumeLook look_;
    std::vector<std::int32_t> leaps_;
};

/// A range for transfer functions: 0.5 % of the values below and above left out; all of them where that is empty (a
/// small object in 0/1 cells).
std::pair<double, double> value_range(const geom::VoxelGrid& grid);

/// Poses on a circle around a box, all of it in every picture: pose i stands at azimuth start + 2 pi i / n.
/// @param up axis of the world that points up; @param elevation_rad above the horizon.
std::vector<geom::Pose> orbit(const geom::Box3d& box, const geom::Camera& camera, int n, geom::Vec3d up = {0, 1, 0},
                              double elevation_rad = 0.38, double start_rad = 0.6);

}  // namespace nir::render
