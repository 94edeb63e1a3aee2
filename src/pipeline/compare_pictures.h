// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Drawn pictures against photos, protocol "nir": photos on white.
#pragma once

#include "nir/render/posed_view.h"

#include <cstddef>
#include <filesystem>
#include <string>

namespace nir::pipeline {

/// Means over views.
class PictureComparison {
public:
    /// @param drawn three channels, on white
    void add(const render::PosedView& photo, const geom::Image8& drawn);

    std::size_t views() const { return views_; }
    double psnr() const { return psnr_ / static_cast<double>(views_); }
    double ssim() const { return ssim_ / static_cast<double>(views_); }
    /// Of the pixels whose photo is not transparent; equal to psnr() where photos have no transparency.
    double psnr_foreground() const { return foreground_ / static_cast<double>(views_); }
    static std::string convention();

private:
    std::size_t views_ = 0;
    double psnr_ = 0, ssim_ = 0, foreground_ = 0;
};

/// photo | drawn | four times their difference.
geom::Image8 beside(const geom::Image8& truth, const geom::Image8& drawn);
/// The same for a photo, on white.
geom::Image8 beside(const render::PosedView& photo, const geom::Image8& drawn);
/// A file name for the name of a view: "train/r_0.png" to "train_r_0.png".
std::string picture_name(const std::string& view);
/// Makes a folder (and those above it); nothing if the name is empty. @throws Error io.
void make_folder(const std::filesystem::path& folder);

}  // namespace nir::pipeline
