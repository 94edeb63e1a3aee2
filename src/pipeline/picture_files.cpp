// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/picture_files.h"

#include "nir/base/error.h"
#include "nir/io/exr.h"
#include "nir/io/png.h"

namespace nir::pipeline {

namespace fs = std::filesystem;

PictureFiles::PictureFiles(fs::path out, std::size_t pictures) : out_(std::move(out)), many_(pictures > 1) {
    const std::string ending = out_.extension().string();
    single_ = ending == ".png" || ending == ".exr";
    exr_ = ending == ".exr";
    if (!single_ && !ending.empty())
        fail(ErrorKind::usage, "{}: pictures are written as .png or .exr, or into a folder", out_.string());
    if (single_) return;
    std::error_code failed;
    fs::create_directories(out_, failed);
    if (failed) fail(ErrorKind::io, "{}: cannot make this folder: {}", out_.string(), failed.message());
}

fs::path PictureFiles::name(std::size_t index, const std::string& suffix, const std::string& ending) const {
    if (!single_) return out_ / fmt::format("{:03}{}{}", index, suffix, ending);
    const std::string number = many_ ? fmt::format("_{:03}", index) : "";
    return out_.parent_path() / (out_.stem().string() + number + suffix + ending);
}

void PictureFiles::write_png(std::size_t index, const std::string& suffix, const geom::Image8& image) {
    files_.push_back(name(index, suffix, ".png"));
    io::write_png(files_.back(), image);
}

void PictureFiles::write_exr(std::size_t index, const std::string& suffix, const std::vector<std::string>& channels,
                             int width, int height, std::span<const float> values) {
    files_.push_back(name(index, suffix, ".exr"));
    io::write_exr(files_.back(), {width, height, channels, values});
}

}  // namespace nir::pipeline
