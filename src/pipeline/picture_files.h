// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/image.h"

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace nir::pipeline {

/// Names and writes the pictures of `nir render`: OUT.png or OUT.exr is one picture (several: OUT_000 and on), anything
/// without an ending is a folder of 000, 001, …
class PictureFiles {
public:
    /// @throws Error usage for another ending, io if the folder cannot be made.
    PictureFiles(std::filesystem::path out, std::size_t pictures);

    bool exr() const { return exr_; }
    /// @param suffix "", "_depth", … @param ending ".png" or ".exr"
    void write_png(std::size_t index, const std::string& suffix, const geom::Image8& image);
    void write_exr(std::size_t index, const std::string& suffix, const std::vector<std::string>& channels, int width,
                   int height, std::span<const float> values);
    const std::vector<std::filesystem::path>& files() const { return files_; }

private:
    std::filesystem::path name(std::size_t index, const std::string& suffix, const std::string& ending) const;

    std::filesystem::path out_;
    bool many_ = false, single_ = false, exr_ = false;
    std::vector<std::filesystem::path> files_;
};

}  // namespace nir::pipeline
