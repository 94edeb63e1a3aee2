// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "io/colmap_model.h"

#include "nir/base/error.h"
#include "nir/io/file_bytes.h"

#include "io/binary.h"
#include "io/text.h"

#include <cmath>

namespace nir::io {
namespace {

namespace fs = std::filesystem;

constexpr ColmapCameraModel kModels[] = {{0, "SIMPLE_PINHOLE", 3},
                                         {1, "PINHOLE", 4},
                                         {2, "SIMPLE_RADIAL", 4},
                                         {3, "RADIAL", 5},
                                         {4, "OPENCV", 8},
                                         {5, "OPENCV_FISHEYE", 8},
                                         {6, "FULL_OPENCV", 12},
                                         {7, "FOV", 5},
                                         {8, "SIMPLE_RADIAL_FISHEYE", 4},
                                         {9, "RADIAL_FISHEYE", 5},
                                         {10, "THIN_PRISM_FISHEYE", 12}};

bool is_file(const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored);
}

/// A promised count cannot exceed what the bytes that are left can hold.
std::uint64_t count(ByteReader& in, std::size_t least_bytes, std::string_view what) {
    const auto n = in.get<std::uint64_t>(what);
    if (n > in.remaining() / least_bytes)
        fail(ErrorKind::format, "{} {} are promised, the file has room for {}", n, what, in.remaining() / least_bytes);
    return n;
}

std::vector<ColmapCamera> parse_cameras(std::string_view bytes) {
    ByteReader in(bytes);
    std::vector<ColmapCamera> out(static_cast<std::size_t>(count(in, 24, "cameras")));
    for (ColmapCamera& c : out) {
        c.id = in.get<std::uint32_t>("a camera");
        const auto number = in.get<std::int32_t>("a camera");
        const ColmapCameraModel* model = colmap_camera_model(number);
        if (!model) fail(ErrorKind::format, "camera {}: {} is no camera model of COLMAP", c.id, number);
        c.model = model->name;
        c.width = in.get<std::uint64_t>("a camera"), c.height = in.get<std::uint64_t>("a camera");
        for (std::size_t i = 0; i < model->params; ++i) c.params.push_back(in.get<double>("a camera's parameters"));
    }
    return out;
}

std::vector<ColmapImage> parse_images(std::string_view bytes) {
    ByteReader in(bytes);
    std::vector<ColmapImage> out(static_cast<std::size_t>(count(in, 73, "images")));
    for (ColmapImage& image : out) {
        image.id = in.get<std::uint32_t>("an image");
        for (double& q : image.pose.qvec) q = in.get<double>("an image");
        for (double& t : image.pose.tvec) t = in.get<double>("an image");
        image.camera_id = in.get<std::uint32_t>("an image");
        for (char c = *in.take(1, "an image's name"); c != '\0'; c = *in.take(1, "an image's name")) {
            if (image.name.size() > 4096) fail(ErrorKind::format, "image {}: its name does not end", image.id);
            image.name += c;
        }
        const std::uint64_t points = count(in, 24, "points of an image");
        in.take(points * 24, "an image's points");
    }
    return out;
}

geom::PointCloud parse_points(std::string_view bytes) {
    ByteReader in(bytes);
    const auto n = static_cast<std::size_t>(count(in, 51, "points"));
    geom::PointCloud out;
    out.points.reserve(n), out.colors.reserve(n);
    for (std::size_t i = 0; i < n; ++i) {
        in.take(8, "a point");
        geom::Vec3d p;
        for (int c = 0; c < 3; ++c) p[c] = in.get<double>("a point");
        geom::Rgb8 color;
        color.r = in.get<std::uint8_t>("a point"), color.g = in.get<std::uint8_t>("a point");
        color.b = in.get<std::uint8_t>("a point");
        in.take(8, "a point");  // reprojection error
        in.take(count(in, 8, "images of a point") * 8, "a point's track");
        if (!geom::is_finite(p)) continue;
        out.points.push_back(p), out.colors.push_back(color);
    }
    return out;
}

/// Words of one line; a missing or broken one is an error that names line and what.
class LineWords {
public:
    LineWords(std::string_view line, std::size_t number) : words_(line), line_(number) {}

    std::string_view word(std::string_view what) {
        std::string_view w;
        if (!words_.next(w)) fail(ErrorKind::format, "line {}: {} is missing", line_, what);
        return w;
    }
    double number(std::string_view what) {
        const std::string_view w = word(what);
        double v = 0;
        if (!parse_number(w, v)) fail(ErrorKind::format, "line {}: {} is {}, not a number", line_, what, in_quotes(w));
        return v;
    }
    template <class Int>
    Int integer(std::string_view what) {
        const std::string_view w = word(what);
        Int v = 0;
        if (!parse_integer(w, v))
            fail(ErrorKind::format, "line {}: {} is {}, not a whole number", line_, what, in_quotes(w));
        return v;
    }
    bool next(std::string_view& w) { return words_.next(w); }
    std::string_view rest() { return trim(words_.rest()); }
    std::size_t line() const { return line_; }

private:
    Words<> words_;
    std::size_t line_;
};

bool skipped(std::string_view line) { return line.starts_with("#") || trim(line).empty(); }

std::vector<ColmapCamera> parse_cameras_text(std::string_view text) {
    std::vector<ColmapCamera> out;
    LineReader lines(text);
    for (std::string_view line; lines.next(line);) {
        if (skipped(line)) continue;
        LineWords words(line, lines.number());
        ColmapCamera c;
        c.id = words.integer<std::uint32_t>("the camera's number");
        c.model = std::string(words.word("the camera model"));
        const ColmapCameraModel* model = colmap_camera_model(c.model);
        if (!model)
            fail(ErrorKind::format, "line {}: {} is no camera model of COLMAP", words.line(), in_quotes(c.model));
        c.width = words.integer<std::uint64_t>("the width"), c.height = words.integer<std::uint64_t>("the height");
        for (std::size_t i = 0; i < model->params; ++i) c.params.push_back(words.number("a parameter of the camera"));
        if (!words.rest().empty())
            fail(ErrorKind::format, "line {}: {} has {} parameters, the line holds more", words.line(), c.model,
                 model->params);
        out.push_back(std::move(c));
    }
    return out;
}

std::vector<ColmapImage> parse_images_text(std::string_view text) {
    std::vector<ColmapImage> out;
    LineReader lines(text);
    for (std::string_view line; lines.next(line);) {
        if (skipped(line)) continue;
        LineWords words(line, lines.number());
        ColmapImage image;
        image.id = words.integer<std::uint32_t>("the image's number");
        for (double& q : image.pose.qvec) q = words.number("the quaternion");
        for (double& t : image.pose.tvec) t = words.number("the translation");
        image.camera_id = words.integer<std::uint32_t>("the camera's number");
        image.name = std::string(words.rest());
        if (image.name.empty()) fail(ErrorKind::format, "line {}: the image has no name", words.line());
        out.push_back(std::move(image));
        lines.next(line);  // the points seen, which may be an empty line
    }
    return out;
}

geom::PointCloud parse_points_text(std::string_view text) {
    geom::PointCloud out;
    LineReader lines(text);
    for (std::string_view line; lines.next(line);) {
        if (skipped(line)) continue;
        LineWords words(line, lines.number());
        words.integer<std::uint64_t>("the point's number");
        geom::Vec3d p;
        for (int c = 0; c < 3; ++c) p[c] = words.number("a coordinate");
        geom::Rgb8 color;
        for (std::uint8_t* to : {&color.r, &color.g, &color.b}) *to = words.integer<std::uint8_t>("a colour");
        if (!geom::is_finite(p)) continue;
        out.points.push_back(p), out.colors.push_back(color);
    }
    return out;
}

}  // namespace

const ColmapCameraModel* colmap_camera_model(std::int32_t number) {
    for (const auto& m : kModels)
        if (m.number == number) return &m;
    return nullptr;
}
const ColmapCameraModel* colmap_camera_model(std::string_view name) {
    for (const auto& m : kModels)
        if (m.name == name) return &m;
    return nullptr;
}

geom::Camera camera_from_colmap(const ColmapCamera& c) {
    const ColmapCameraModel* model = colmap_camera_model(c.model);
    NIR_CHECK(model && c.params.size() == model->params);
    if (c.width == 0 || c.height == 0 || c.width > (1u << 15) || c.height > (1u << 15))
        fail(ErrorKind::format, "camera {}: the picture's size {} x {} is not usable", c.id, c.width, c.height);
    geom::Camera out;
    out.width = static_cast<int>(c.width), out.height = static_cast<int>(c.height);
    const std::vector<double>& p = c.params;
    const std::string_view name = c.model;
    const bool two_focals = name == "PINHOLE" || name == "OPENCV" || name == "OPENCV_FISHEYE" || name == "FULL_OPENCV";
    out.fx = p[0], out.fy = two_focals ? p[1] : p[0];
    const std::size_t k = two_focals ? 4 : 3;
    out.cx = p[k - 2], out.cy = p[k - 1];
    if (name == "SIMPLE_RADIAL" || name == "RADIAL" || name == "SIMPLE_RADIAL_FISHEYE" || name == "RADIAL_FISHEYE") {
        out.lens.model = name.ends_with("FISHEYE") ? geom::LensModel::opencv_fisheye : geom::LensModel::opencv;
        out.lens.k = {p[k], p.size() > k + 1 ? p[k + 1] : 0, 0, 0};
    } else if (name == "OPENCV") {
        out.lens = {geom::LensModel::opencv, {p[4], p[5], 0, 0}, p[6], p[7], {}};
    } else if (name == "OPENCV_FISHEYE") {
        out.lens = {geom::LensModel::opencv_fisheye, {p[4], p[5], p[6], p[7]}, 0, 0, {}};
    } else if (name == "FULL_OPENCV") {
        out.lens = {geom::LensModel::opencv, {p[4], p[5], p[8], 0}, p[6], p[7], {p[9], p[10], p[11]}};
    } else if (!name.ends_with("PINHOLE")) {
        fail(ErrorKind::format,
             "camera {}: the model {} is not supported; undistort the pictures first (colmap image_undistorter)", c.id,
             name);
    }
    if (out.lens.model == geom::LensModel::opencv && out.lens == geom::Lens{geom::LensModel::opencv, {}, 0, 0, {}})
        out.lens = {};
    return out;
}

ColmapCamera colmap_from_camera(const geom::Camera& c) {
    ColmapCamera out;
    out.width = static_cast<std::uint64_t>(c.width), out.height = static_cast<std::uint64_t>(c.height);
    out.params = {c.fx, c.fy, c.cx, c.cy};
    const geom::Lens& l = c.lens;
    const auto add = [&out](std::initializer_list<double> more) {
        out.params.insert(out.params.end(), more.begin(), more.end());
    };
    if (l.model == geom::LensModel::pinhole) {
        out.model = "PINHOLE";
    } else if (l.model == geom::LensModel::opencv_fisheye) {
        out.model = "OPENCV_FISHEYE";
        add({l.k[0], l.k[1], l.k[2], l.k[3]});
    } else if (l.k[2] == 0 && l.d == std::array<double, 3>{}) {
        out.model = "OPENCV";
        add({l.k[0], l.k[1], l.p1, l.p2});
    } else {
        out.model = "FULL_OPENCV";
        add({l.k[0], l.k[1], l.p1, l.p2, l.k[2], l.d[0], l.d[1], l.d[2]});
    }
    return out;
}

ColmapModel read_colmap_binary(const fs::path& folder) {
    ColmapModel out;
    out.cameras = read_path(folder / "cameras.bin", parse_cameras);
    out.images = read_path(folder / "images.bin", parse_images);
    if (is_file(folder / "points3D.bin")) out.points = read_path(folder / "points3D.bin", parse_points);
    return out;
}

ColmapModel read_colmap_text(const fs::path& folder) {
    ColmapModel out;
    out.cameras = read_path(folder / "cameras.txt", parse_cameras_text);
    out.images = read_path(folder / "images.txt", parse_images_text);
    if (is_file(folder / "points3D.txt")) out.points = read_path(folder / "points3D.txt", parse_points_text);
    return out;
}

}  // namespace nir::io
