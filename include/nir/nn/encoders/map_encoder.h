// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/nn/encoders/local_encoder.h"
#include "nir/nn/ops/scatter.h"
#include "nir/nn/unet2d.h"
#include "nir/nn/unet3d.h"

#include <array>
#include <string>
#include <vector>

namespace nir {
class ConfigVisitor;
}

namespace nir::nn {

/// Which maps an encoder makes and what they pass through.
struct MapConfig {
    std::vector<std::string> features = {"xz", "xy", "yz"};
    std::int64_t plane_resolution = 64;
    std::int64_t grid_resolution = 32;
    bool use_unet = true;
    UNet2dConfig unet;  // in_channels and out_channels follow c_dim
    bool use_unet3d = true;
    UNet3dConfig unet3d;

    bool has(Representation r) const;
    bool has_planes() const;
    std::int64_t resolution(Representation r) const {
        return r == Representation::grid ? grid_resolution : plane_resolution;
    }
    void describe_features(ConfigVisitor& v);
    void describe_resolutions(ConfigVisitor& v);
    void describe_unets(ConfigVisitor& v);
};

/// What happens on the way, for tests and pictures.
struct MapTrace {
    torch::Tensor point_features;                              // [B,N,c_dim]
    std::array<torch::Tensor, kRepresentations.size()> index;  // [B,N] int64
    FeatureMaps scattered;                                     // before the U-Nets
};

/// The end that local encoders share: features of points or voxels are averaged per cell into planes and a volume,
/// planes pass through one 2-D U-Net, the volume through a 3-D U-Net. State: [unet.*], [unet3d.*].
class MapEncoder : public LocalEncoder {
protected:
    /// @throws nir::Error (config) if there is no map, or c_dim is below 1; `name` is the encoder's.
    MapEncoder(const MapConfig& config, const LocalDims& dims, const char* name);
    /// Adds the U-Nets; last in a constructor.
    void register_unets();
    /// Cells of points in the cube of side 1 + padding, one table for each of active().
    std::vector<CellTable> cells_of(const torch::Tensor& points) const;
    /// @param features  [B,N,c_dim]  @param cells  one table for each of active(); tables with one cell more than the
    ///                  map has keep in it what lies outside, and it is dropped.
    FeatureMaps maps_of(const torch::Tensor& features, const std::vector<CellTable>& cells, MapTrace* trace);
    /// In the order of pooling: planes, then the volume.
    const std::vector<Representation>& active() const { return active_; }
    const MapConfig& map_config() const { return maps_; }
    const LocalDims& dims() const { return dims_; }

private:
    MapConfig maps_;
    LocalDims dims_;
    std::vector<Representation> active_;
    UNet2d unet_{nullptr};
    UNet3d unet3d_{nullptr};
};

}  // namespace nir::nn
