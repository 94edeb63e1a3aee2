// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/config.h"
#include "nir/base/rng.h"
#include "nir/data/model_set.h"
#include "nir/data/view_samples.h"
#include "nir/geom/image.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nir::data {

/// Posed photos of many objects with a picture of each for an encoder: the layout of differentiable volumetric
/// rendering's ShapeNet (docs/formats/datasets.md).
struct PictureDataConfig {
    std::string path;                  ///< folder
    std::vector<std::string> classes;  ///< empty: all
    std::string split = "train", validation_split = "val";
    std::string input_folder = "img_choy2016";  ///< pictures for the encoder; equal to image_folder: the photos
    std::string image_folder = "image", mask_folder = "mask", depth_folder = "depth", normal_folder = "normal";
    std::string shadow_folder = "shadow";
    int image_size = 224;
    bool same_view = false;  ///< the photo that supervises is the encoder's picture too
    int pixels = 1024;
    double focus = 0.5;      ///< share of the pixels from the rectangle of the silhouette
    bool surface = false;    ///< only pixels of the object, with depth, normals and, where there are some, lamps
    bool depth = false;      ///< depth for the loss of depths
    int points = 0;          ///< of the true surface, for encoders of geometry
    bool hull = true;        ///< missing surface is asked for where all silhouettes allow it
    double cache_mb = 1024;  ///< of decoded photos
    void describe(ConfigVisitor& v);
    PaperFiles files() const;
};

/// Pixels of one photo, a picture for the encoder, and what the configuration asks for besides.
struct PictureSample : ViewSample {
    geom::RgbImage picture;
    std::vector<float> points;   ///< [points,3] of the surface
    std::vector<float> depth;    ///< [N] of the rays' parameter; infinite where nothing is known
    std::vector<float> normals;  ///< [N,3] of the surface
    std::vector<float> shadow;   ///< [N] share of the lamp that is seen
    std::vector<float> lamp;     ///< [3] its place
};

/// A split of such a set. Any thread may draw.
class PictureSet {
public:
    /// @throws Error config, input: no such folder, class or list.
    PictureSet(const PictureDataConfig& config, std::string_view split);
    ~PictureSet();

    std::size_t size() const;
    /// Pixels of a random photo with a random picture; without a training that of view 0.
    /// @throws Error input, format naming the file: no photos, no silhouettes, a picture of another size.
    PictureSample draw(std::size_t model, bool training, Rng rng) const;
    const ModelSet& models() const;

private:
    struct Photos;
    struct Cache;
    std::shared_ptr<const Photos> photos_of(std::size_t model) const;
    void draw_pixels(const Photos& photos, std::size_t view, PictureSample& out, Rng& rng) const;

    PictureDataConfig config_;
    std::unique_ptr<ModelSet> models_;
    std::unique_ptr<Cache> cache_;
};

}  // namespace nir::data
