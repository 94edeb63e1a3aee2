// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/extract/scalar_field.h"
#include "nir/geom/vec.h"
#include "nir/nn/point_function.h"

#include "models/conv_onet/crop_model.h"

#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

namespace nir::models {

/// The boxes that cover a scan, and the window that is looked at for each.
struct CropLayout {
    geom::Vec3d lower{};     ///< lower corner of the first box
    geom::Vec3i n{1, 1, 1};  ///< boxes along each axis
    double query_side = 0;   ///< of a box
    double window_side = 0;  ///< of its window, around the same centre

    geom::Vec3d query_lower(geom::Vec3i crop) const;
    geom::Vec3d window_lower(geom::Vec3i crop) const;
    /// The box of a point; of points outside all boxes the nearest. Points on a face belong to the upper box, also if
    /// rounding has put them a little below it.
    geom::Vec3i crop_of(geom::Vec3f p) const;
    std::int64_t number(geom::Vec3i crop) const {
        return (static_cast<std::int64_t>(crop.x) * n.y + crop.y) * n.z + crop.z;
    }
    std::int64_t count() const { return static_cast<std::int64_t>(n.x) * n.y * n.z; }
};

/// Boxes over a scan: from `margin` below its lowest corner, as many as reach `margin` above the highest.
/// @throws nir::Error (input) if that were more than 2^24 boxes.
CropLayout crop_layout(geom::Vec3f lowest, geom::Vec3f highest, double margin, double query_side, double window_side);

/// The field of a crop model over a whole scan: each point is asked of the box it lies in, with the features of that
/// box's window, which are made when they are first needed and kept up to `cache_bytes`. Windows without a point share
/// their features. Only the part of a map that a box can read is kept. Not smooth, not even continuous, from box to
/// box. Ref: convonet2020 §3.4, Generator3D.generate_mesh_sliding of the papers' code. Called from one thread at a
/// time.
class CropField final : public extract::ScalarField {
public:
    static constexpr std::size_t kCacheBytes = std::size_t{512} << 20;

    /// @param points [1,N,3] f32, N >= 1
    CropField(ConvOnetCropModule net, const ConvOnetCropConfig& config, const torch::Tensor& points,
              std::size_t cache_bytes = kCacheBytes);

    void values(std::span<const geom::Vec3f> points, std::span<float> out) const override;
    bool has_gradients() const override { return true; }
    void gradients(std::span<const geom::Vec3f> points, std::span<geom::Vec3f> out) const override;
    geom::Box3f domain() const override;
    float iso() const override { return iso_; }

    const CropLayout& layout() const { return layout_; }
    /// Logits at points of one box.
    void crop_values(geom::Vec3i crop, std::span<const geom::Vec3f> points, std::span<float> out) const;
    /// Windows encoded so far.
    std::size_t n_encoded() const { return n_encoded_; }

private:
    /// What is known of a window: its maps, and the decoder with them as a kernel, null if there is none.
    struct Window {
        nn::FeatureMaps maps;
        std::shared_ptr<const nn::PointFunction> folded;
    };
    struct Cached {
        std::int64_t crop;
        Window window;
    };

    Window window(geom::Vec3i crop) const;
    Window folded(nn::FeatureMaps maps) const;
    nn::FeatureMaps encode(geom::Vec3i crop, const torch::Tensor& points) const;
    torch::Tensor points_in_window(geom::Vec3i crop) const;
    void bin_points(const torch::Tensor& points);
    template <class Body>
    void for_crops(std::span<const geom::Vec3f> points, const Body& body) const;

    mutable ConvOnetCropModule net_;
    CropLayout layout_;
    float iso_;
    std::vector<geom::Vec3f> points_;  // sorted by box
    std::vector<std::uint32_t> rank_;  // of points_: number in the observation
    std::vector<std::size_t> first_;   // of each box in points_
    std::size_t cache_limit_;          // bytes
    mutable std::list<Cached> cache_;  // most recent first
    mutable std::unordered_map<std::int64_t, std::list<Cached>::iterator> where_;
    mutable nn::FeatureMaps empty_;  // of a window without points
    mutable std::size_t n_encoded_ = 0;
};

}  // namespace nir::models
