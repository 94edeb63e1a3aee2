// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/read_sensors.h"

#include "nir/base/error.h"
#include "nir/io/file_bytes.h"
#include "nir/io/npy.h"
#include "nir/io/zip.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

namespace nir::pipeline {
namespace {

using geom::Vec3d;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

io::NamedArray* either(io::TensorFile& file, std::string_view a, std::string_view b) {
    for (const auto name : {a, b})
        for (auto& array : file.arrays)
            if (array.name == name) return &array;
    return nullptr;
}

void check_rows(const io::NamedArray& a) {
    if (a.shape.size() != 2 || a.shape[1] != 3)
        fail(ErrorKind::input, "array \"{}\" has shape {}; positions of sensors are [S, 3]", a.name, a.shape_text());
}

std::vector<Vec3d> rows_of(const io::NamedArray& a) {
    const std::vector<double> v = a.to_double();
    std::vector<Vec3d> rows;
    for (std::size_t i = 0; i < v.size(); i += 3) rows.push_back({v[i], v[i + 1], v[i + 2]});
    return rows;
}

/// Values [first, first + n) of an array.
io::NamedArray slice(const io::NamedArray& a, std::size_t first, std::size_t n) {
    const std::size_t unit = a.bytes.size() / a.count();
    const auto at = a.bytes.begin() + static_cast<std::ptrdiff_t>(first * unit);
    return {a.name, a.dtype, {static_cast<std::int64_t>(n)}, {at, at + static_cast<std::ptrdiff_t>(n * unit)}};
}

}  // namespace

std::uint64_t SensorTable::bytes_to_read(const std::filesystem::path& file) {
    return io::read_path(file, [](std::string_view bytes) {
        std::uint64_t all = bytes.size(), largest = 0;
        const io::ZipArchive archive(bytes);
        for (const auto& m : archive.members()) all += m.size, largest = std::max(largest, m.size);
        return all + largest;
    });
}

SensorTable::SensorTable(const std::filesystem::path& file) : file_(file) {
    io::TensorFile arrays = io::read_npz(file);
    with_context(file.string(), [&] { read(std::move(arrays)); });
}

void SensorTable::read(io::TensorFile file) {
    if (io::NamedArray* a = either(file, "sensors", "sensors")) {
        check_rows(*a);
        each_ = std::move(*a);
        return;
    }
    io::NamedArray* places = either(file, "stations", "origins");
    if (!places) {
        std::string names;
        for (const auto& a : file.arrays) names += (names.empty() ? "" : ", ") + a.name;
        fail(ErrorKind::input,
             "no array \"stations\" [S, 3] (with \"station\" [N]) and no \"sensors\" [N, 3]; the file has {}",
             names.empty() ? "none" : names);
    }
    check_rows(*places);
    stations_ = rows_of(*places);
    if (io::NamedArray* station = either(file, "station", "view"))
        each_ = std::move(*station);
    else if (stations_.size() != 1)
        fail(ErrorKind::input, "{} stations, but no array \"station\" [N] that says which of them saw each point",
             stations_.size());
}

void SensorTable::check_count(std::size_t points) const {
    if (!each_) return;
    const std::size_t n = each_->count() / (stations_.empty() ? 3 : 1);
    if (n != points)
        fail(ErrorKind::input, "{}: array \"{}\" has sensors for {} points, but the scan has {} points", file_.string(),
             each_->name, n, points);
}

std::vector<Vec3d> SensorTable::of(std::size_t first, std::size_t n) const {
    if (!each_) return std::vector<Vec3d>(n, stations_[0]);
    if (n == 0) return {};
    const std::size_t width = stations_.empty() ? 3 : 1;
    if (first + n > each_->count() / width) check_count(first + n);
    return with_context(file_.string(), [&] {
        const io::NamedArray part = slice(*each_, first * width, n * width);
        if (stations_.empty()) return rows_of(part);
        std::vector<Vec3d> out;
        out.reserve(n);
        for (const std::int64_t station : part.to_int64()) {
            if (station < 0 || static_cast<std::uint64_t>(station) >= stations_.size())
                fail(ErrorKind::input, "array \"{}\", point {}: station {} of {}", each_->name, first + out.size(),
                     station, stations_.size());
            out.push_back(stations_[static_cast<std::size_t>(station)]);
        }
        return out;
    });
}

std::vector<Vec3d> read_sensors(const std::filesystem::path& file, std::size_t n_points) {
    const SensorTable table(file);
    table.check_count(n_points);
    return table.of(0, n_points);
}

void append_scan(geom::PointCloud& scan, geom::PointCloud&& part) {
    const bool colors = (scan.empty() || !scan.colors.empty()) && !part.colors.empty();
    if (colors)
        scan.colors.insert(scan.colors.end(), part.colors.begin(), part.colors.end());
    else
        scan.colors.clear();
    if (!scan.sensors.empty() || !part.sensors.empty()) {
        scan.sensors.resize(scan.size(), {kNan, kNan, kNan});
        part.sensors.resize(part.size(), {kNan, kNan, kNan});
        scan.sensors.insert(scan.sensors.end(), part.sensors.begin(), part.sensors.end());
    }
    scan.points.insert(scan.points.end(), part.points.begin(), part.points.end());
}

}  // namespace nir::pipeline
