// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/config.h"
#include "nir/base/rng.h"
#include "nir/geom/shapes.h"
#include "nir/io/scene.h"

#include <cstdint>
#include <string>
#include <vector>

namespace nir::data {

/// Posed photos with silhouettes, for models that learn a shape from pictures alone.
struct ViewDataConfig {
    std::string path;       ///< posed photos, as io::read_scene() takes them
    int pixels = 512;       ///< rays of a photo a step
    int hold_out = 8;       ///< every n-th photo is held out where the scene has no split; 0 = none
    std::string masks;      ///< meaning of the scene's masks; empty: as the files say
    bool hull = true;       ///< where surface is missing, it is asked for inside the visual hull
    std::vector<int> skip;  ///< numbers of photos that are left out, by the order of their names
    int hull_cells = 64;    ///< of the visual hull, along a side
    int sparse = 0;         ///< rays of a photo a step through points of structure from motion that it sees (pcl.npz)
    void describe(ConfigVisitor& v);
};

/// Pixels of one photo with what supervises their rays, frame of the model. A ray's parameter is the depth along the
/// camera's axis, in sides of the frame.
struct ViewSample {
    std::vector<float> origins, directions;  ///< [N,3]; directions end at depth 1
    std::vector<float> rgb;                  ///< [N,3] as the photo holds it, 0..1
    std::vector<float> object;               ///< [N] 1 = the pixel shows the object
    std::vector<float> freespace;            ///< [N,3] a place on the ray in the cube of side 1.1, uniform
    std::vector<float> occupied;             ///< [N,3] a place on the ray in the visual hull or the unit cube, uniform
    std::vector<float> sparse_origins, sparse_directions;  ///< [K,3] rays through points of structure from motion
    std::vector<float> sparse_depth;  ///< [K] parameter of the point; infinite: the photo sees none
};

/// Photos in memory with the frame that their silhouettes give. Any thread may draw.
class PosedPictures {
public:
    /// Reads all photos. The frame is the cube around the visual hull, 10 % wider, of the training photos.
    /// With `sparse`: pcl.npz in the scene's folder holds points [M,3] in the cameras' coordinates, visibility_0000, …
    /// (the points that a photo sees, by the order of the photos' names) and perhaps is_in_visual_hull [M], the layout
    /// of DVR. @throws Error input, format: unreadable, photos without silhouettes, silhouettes that have nothing in
    /// common.
    explicit PosedPictures(const ViewDataConfig& config);

    std::size_t training_views() const { return train_.size(); }
    /// Held-out photos; those trained with, if there are none.
    std::size_t held_out_views() const { return held_out_.size(); }
    bool holds_out() const { return holds_out_; }
    /// Brings the object into the unit cube around 0.
    const geom::Frame& frame() const { return frame_; }
    /// Centres of the cells of the visual hull, frame of the model.
    std::vector<geom::Vec3f> hull_points() const;

    /// A random training photo. Pixels are drawn evenly from the rectangle in which the frame's cube is seen, among
    /// those that count (the papers' code: from the whole picture).
    ViewSample draw(Rng rng) const;
    /// A held-out photo; its pixels depend on `index` alone.
    ViewSample draw_held_out(std::uint64_t index) const;

private:
    struct View {
        geom::Camera camera;
        geom::Pose pose;
        io::ViewPixels pixels;
        int x0 = 0, y0 = 0, x1 = 0, y1 = 0;    ///< half-open rectangle
        std::vector<geom::Vec3d> sparse = {};  ///< points that it sees, world
        bool shows_object(int x, int y) const { return pixels.rgba.pixel(x, y)[3] >= 128; }
    };

    void carve(const std::vector<const View*>& views);
    ViewSample draw(const View& view, Rng& rng) const;
    void draw_sparse(const View& view, Rng& rng, ViewSample& out) const;
    bool in_hull(geom::Vec3d p) const;

    ViewDataConfig config_;
    std::vector<View> train_, held_out_;
    bool holds_out_ = false;
    geom::Frame frame_;
    std::vector<std::uint8_t> hull_;  ///< [cells]^3 of the unit cube, x fastest
};

}  // namespace nir::data
