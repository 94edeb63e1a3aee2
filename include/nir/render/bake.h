// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/uv_atlas.h"
#include "nir/render/posed_view.h"
#include "nir/render/surface.h"

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace nir::render {

struct BakeOptions {
    double least_cos = 0.1;  ///< of the angle between normal and view; flatter views say nothing
    double feather_px = 4;   ///< a photo fades out towards its border and towards silhouettes
    double outlier = 0.03;   ///< 0..1: a colour this far from the others' weighted median counts half
    bool exposure = false;   ///< photos get a gain a channel, so that they agree; their mean is kept
};

/// Colours of points, sRGB-encoded in 0..1.
struct BakedColors {
    std::vector<float> rgb;             ///< [N, 3]; 0 where no photo sees the point
    std::vector<std::uint16_t> photos;  ///< [N]: how many do

    std::size_t unseen() const;
};

/// Colours of a surface from posed photos. A photo says something about a point where the surface faces it, nothing
/// lies between (depth maps of the surface decide what is clear, rays the rest) and the photo is opaque. Weights:
/// square of the pixels per area there, less near silhouettes and borders (seams soften), less for what disagrees with
/// the weighted median (highlights, people, errors of the poses). Ref: Lempitsky and Ivanov 2007; Waechter et al. 2014
/// for the terms; here they are averaged, not chosen.
class PhotoBaker {
public:
    /// Keeps a reference to the surface. @throws Error{input} if there is no photo.
    PhotoBaker(const Surface& surface, std::vector<PosedView> photos, const BakeOptions& options = {});
    ~PhotoBaker();
    PhotoBaker(PhotoBaker&&) noexcept;

    const std::vector<PosedView>& photos() const;
    /// Of each photo, 1 unless options.exposure.
    const std::vector<std::array<float, 3>>& gains() const;

    BakedColors bake(std::span<const SurfacePoint> points) const;
    /// Weighted means of other pictures of the same views. @param images one a photo, [pixels, 3]
    BakedColors mean(std::span<const SurfacePoint> points, const std::vector<std::vector<float>>& images) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// Points without a photo take the colours of the four nearest points that have one, weighted by inverse distance.
/// @return how many there were. @throws Error{input} if no point is seen by any photo.
std::size_t fill_unseen(std::span<const SurfacePoint> points, BakedColors& colors);

struct TextureBake {
    geom::TexturedMesh mesh;
    std::size_t charts = 0, texels = 0, unseen = 0;  ///< texels of faces; those without a photo
    double sharpened = 0;                            ///< root mean square of what the last round still changed
};
/// Unfolds the surface and bakes its picture. `rounds` of iterative back-projection make it as sharp as photos of many
/// sides allow: the difference between photos and what the texture shows in them is added (Irani and Peleg 1991).
TextureBake bake_texture(const PhotoBaker& baker, const Surface& surface, const geom::UvAtlasOptions& atlas,
                         int rounds);

/// Linear colours [points, 3] of points of a textured mesh (faces as in its atlas), bilinear.
std::vector<float> texture_colors(const geom::TexturedMesh& mesh, std::span<const SurfacePoint> points);
/// The same from colours of the vertices, interpolated. @throws Error{internal} if the mesh has none.
std::vector<float> vertex_colors(const geom::TriMesh& mesh, std::span<const SurfacePoint> points);

}  // namespace nir::render
