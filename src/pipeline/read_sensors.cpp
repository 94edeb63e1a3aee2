// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/read_sensors.h"

#include "nir/base/error.h"
#include "nir/io/npy.h"

#include <limits>

namespace nir::pipeline {
namespace {

using geom::Vec3d;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

const io::NamedArray* either(const io::TensorFile& file, std::string_view a, std::string_view b) {
    const io::NamedArray* found = file.find(a);
    return found ? found : file.find(b);
}

std::vector<Vec3d> rows_of(const io::NamedArray& a) {
    if (a.shape.size() != 2 || a.shape[1] != 3)
        fail(ErrorKind::input, "array \"{}\" has shape {}; positions of sensors are [S, 3]", a.name, a.shape_text());
    const std::vector<double> v = a.to_double();
    std::vector<Vec3d> rows;
    for (std::size_t i = 0; i < v.size(); i += 3) rows.push_back({v[i], v[i + 1], v[i + 2]});
    return rows;
}

std::vector<Vec3d> sensors_in(const io::TensorFile& file, std::size_t n_points) {
    const auto check_count = [&](const io::NamedArray& a, std::size_t n) {
        if (n != n_points)
            fail(ErrorKind::input, "array \"{}\" has sensors for {} points, but the scan has {} points", a.name, n,
                 n_points);
    };
    if (const io::NamedArray* a = file.find("sensors")) {
        std::vector<Vec3d> rows = rows_of(*a);
        check_count(*a, rows.size());
        return rows;
    }
    const io::NamedArray* stations = either(file, "stations", "origins");
    if (!stations) {
        std::string names;
        for (const auto& a : file.arrays) names += (names.empty() ? "" : ", ") + a.name;
        fail(ErrorKind::input,
             "no array \"stations\" [S, 3] (with \"station\" [N]) and no \"sensors\" [N, 3]; the file has {}",
             names.empty() ? "none" : names);
    }
    const std::vector<Vec3d> places = rows_of(*stations);
    const io::NamedArray* station = either(file, "station", "view");
    if (!station) {
        if (places.size() == 1) return std::vector<Vec3d>(n_points, places[0]);
        fail(ErrorKind::input, "{} stations, but no array \"station\" [N] that says which of them saw each point",
             places.size());
    }
    const std::vector<std::int64_t> of = station->to_int64();
    check_count(*station, of.size());
    std::vector<Vec3d> out;
    out.reserve(of.size());
    for (std::size_t i = 0; i < of.size(); ++i) {
        if (of[i] < 0 || static_cast<std::uint64_t>(of[i]) >= places.size())
            fail(ErrorKind::input, "array \"{}\", point {}: station {} of {}", station->name, i, of[i], places.size());
        out.push_back(places[static_cast<std::size_t>(of[i])]);
    }
    return out;
}

}  // namespace

std::vector<Vec3d> read_sensors(const std::filesystem::path& file, std::size_t n_points) {
    const io::TensorFile arrays = io::read_npz(file);
    return with_context(file.string(), [&] { return sensors_in(arrays, n_points); });
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
