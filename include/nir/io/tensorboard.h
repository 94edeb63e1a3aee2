// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/image.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

namespace nir::io {

/// Appends events to a TensorBoard file "events.out.tfevents.<seconds>.nir" in a run folder: scalars and PNG images.
/// Every event reaches the file at once, so that TensorBoard follows a running training and a crash loses nothing.
/// A resumed run makes a further file; TensorBoard shows them as one.
/// The few protocol buffer fields (Event, Summary) are written by hand. Ref: docs/formats/tensorboard.md.
class EventWriter {
public:
    /// @throws Error io if the file cannot be made.
    explicit EventWriter(const std::filesystem::path& folder);

    /// @param tag "loss", or "val/iou" for a group. NaN is kept: TensorBoard marks it.
    void scalar(std::string_view tag, std::int64_t step, double value);
    void image(std::string_view tag, std::int64_t step, const geom::Image8& image);
    const std::filesystem::path& path() const { return path_; }

private:
    void append(std::string_view event);
    std::filesystem::path path_;
    std::ofstream out_;
};

/// One event as protocol buffer bytes. `wall_time` in seconds since 1970.
std::string encode_version_event(double wall_time);
std::string encode_scalar_event(double wall_time, std::int64_t step, std::string_view tag, float value);
std::string encode_image_event(double wall_time, std::int64_t step, std::string_view tag, const geom::Image8& image);

/// A record as TensorFlow frames it: length, masked checksum, bytes, masked checksum.
std::string tfrecord(std::string_view bytes);

/// CRC-32C (Castagnoli), as in RFC 3720.
std::uint32_t crc32c(std::string_view bytes);

}  // namespace nir::io
