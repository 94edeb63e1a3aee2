// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/image.h"

#include <filesystem>
#include <memory>

namespace nir::pipeline {

/// Hands pictures to the program ffmpeg, which makes an MP4 file (H.264) of them. The file appears when it is complete.
class VideoWriter {
public:
    /// @throws Error input if there is no ffmpeg in the PATH, io if it cannot be started.
    VideoWriter(const std::filesystem::path& out, int width, int height, double fps);
    ~VideoWriter();
    VideoWriter(const VideoWriter&) = delete;
    VideoWriter& operator=(const VideoWriter&) = delete;

    /// Three channels, of the size above. @throws Error io if ffmpeg has given up, with what it said.
    void add(const geom::Image8& image);
    void finish();

    /// Fails as the constructor would, before the pictures are rendered.
    static void require_ffmpeg();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace nir::pipeline
