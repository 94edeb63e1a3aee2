// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/tensorboard.h"

#include "nir/base/error.h"
#include "nir/io/png.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <sstream>

namespace nir::io {
namespace {

// Protocol buffer wire format: a field is its number and kind, then the value.
enum Kind : std::uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

void put_varint(std::string& to, std::uint64_t v) {
    for (; v >= 0x80; v >>= 7) to += static_cast<char>(v | 0x80);
    to += static_cast<char>(v);
}
void put_key(std::string& to, std::uint32_t field, Kind kind) { put_varint(to, field << 3 | kind); }
template <class T>
void put_raw(std::string& to, T v) {
    char raw[sizeof v];
    std::memcpy(raw, &v, sizeof v);
    to.append(raw, sizeof v);
}
void put_bytes(std::string& to, std::uint32_t field, std::string_view bytes) {
    put_key(to, field, kBytes);
    put_varint(to, bytes.size());
    to.append(bytes);
}

// Event: wall_time = 1, step = 2, file_version = 3, summary = 5. Summary: value = 1. Value: tag = 1, simple_value = 2,
// image = 4. Image: height = 1, width = 2, colorspace = 3 (channels), encoded_image_string = 4.
std::string event(double wall_time, std::int64_t step) {
    std::string e;
    put_key(e, 1, kFixed64), put_raw(e, wall_time);
    put_key(e, 2, kVarint), put_varint(e, static_cast<std::uint64_t>(step));
    return e;
}
std::string summary_event(double wall_time, std::int64_t step, const std::string& value) {
    std::string summary, e = event(wall_time, step);
    put_bytes(summary, 1, value);
    put_bytes(e, 5, summary);
    return e;
}

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::uint32_t masked_crc(std::string_view bytes) {
    const std::uint32_t crc = crc32c(bytes);
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
    static const auto table = [] {
        std::array<std::uint32_t, 256> t{};
        for (std::uint32_t i = 0; i < 256; ++i) {
            t[i] = i;
            for (int k = 0; k < 8; ++k) t[i] = (t[i] >> 1) ^ (0x82f63b78u & (0u - (t[i] & 1u)));
        }
        return t;
    }();
    std::uint32_t crc = 0xffffffffu;
    for (const char c : bytes) crc = (crc >> 8) ^ table[(crc ^ static_cast<std::uint8_t>(c)) & 255u];
    return ~crc;
}

std::string tfrecord(std::string_view bytes) {
    std::string length, record;
    put_raw(length, static_cast<std::uint64_t>(bytes.size()));
    record = length;
    put_raw(record, masked_crc(length));
    record.append(bytes);
    put_raw(record, masked_crc(bytes));
    return record;
}

std::string encode_version_event(double wall_time) {
    std::string e = event(wall_time, 0);
    put_bytes(e, 3, "brain.Event:2");
    return e;
}

std::string encode_scalar_event(double wall_time, std::int64_t step, std::string_view tag, float value) {
    std::string v;
    put_bytes(v, 1, tag);
    put_key(v, 2, kFixed32), put_raw(v, value);
    return summary_event(wall_time, step, v);
}

std::string encode_image_event(double wall_time, std::int64_t step, std::string_view tag, const geom::Image8& image) {
    std::ostringstream png;
    write_png(png, image);
    std::string picture, v;
    const auto put_int = [&picture](std::uint32_t field, int n) {
        put_key(picture, field, kVarint), put_varint(picture, static_cast<std::uint64_t>(n));
    };
    put_int(1, image.height), put_int(2, image.width), put_int(3, image.channels);
    put_bytes(picture, 4, png.str());
    put_bytes(v, 1, tag);
    put_bytes(v, 4, picture);
    return summary_event(wall_time, step, v);
}

EventWriter::EventWriter(const std::filesystem::path& folder) {
    const double start = now();
    // A resumed run may start within the same second.
    for (int n = 0; n == 0 || std::filesystem::exists(path_); ++n) {
        path_ = folder / fmt::format("events.out.tfevents.{}.nir{}", static_cast<std::int64_t>(start),
                                     n == 0 ? "" : fmt::format(".{}", n));
    }
    out_.open(path_, std::ios::binary);
    if (!out_) fail(ErrorKind::io, "{}: cannot write: {}", path_.string(), std::strerror(errno));
    append(encode_version_event(start));
}

void EventWriter::append(std::string_view event_bytes) {
    const std::string record = tfrecord(event_bytes);
    out_.write(record.data(), static_cast<std::streamsize>(record.size()));
    out_.flush();
    if (!out_) fail(ErrorKind::io, "{}: cannot write (is the disk full?)", path_.string());
}

void EventWriter::scalar(std::string_view tag, std::int64_t step, double value) {
    append(encode_scalar_event(now(), step, tag, static_cast<float>(value)));
}
void EventWriter::image(std::string_view tag, std::int64_t step, const geom::Image8& image) {
    append(encode_image_event(now(), step, tag, image));
}

}  // namespace nir::io
