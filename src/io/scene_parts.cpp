// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "io/scene_parts.h"

#include "nir/base/error.h"

#include "io/text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <fstream>

namespace nir::io {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kImageEndings[] = {".png", ".jpg", ".jpeg"};

bool has_image_ending(const fs::path& path) {
    const std::string ending = path.extension().string();
    return std::any_of(std::begin(kImageEndings), std::end(kImageEndings),
                       [&](std::string_view e) { return equals_ignoring_case(ending, e); });
}

unsigned byte_at(const std::array<char, 32>& b, std::size_t i) { return static_cast<unsigned char>(b[i]); }

ImageSize checked_size(unsigned long width, unsigned long height) {
    if (width == 0 || height == 0 || width > (1u << 15) || height > (1u << 15))
        fail(ErrorKind::format, "the picture's header promises {} x {} pixels", width, height);
    return {static_cast<int>(width), static_cast<int>(height)};
}

/// Walks over the segments of a JPEG file to the frame header.
ImageSize jpeg_size(std::ifstream& in) {
    std::array<char, 32> b{};
    in.seekg(2);
    while (in.read(b.data(), 4)) {
        if (byte_at(b, 0) != 0xff) break;
        const unsigned kind = byte_at(b, 1), length = byte_at(b, 2) << 8 | byte_at(b, 3);
        if (kind == 0xff) {  // fill bytes
            in.seekg(-3, std::ios::cur);
            continue;
        }
        const bool frame = kind >= 0xc0 && kind <= 0xcf && kind != 0xc4 && kind != 0xc8 && kind != 0xcc;
        if (frame) {
            if (!in.read(b.data(), 5)) break;
            return checked_size(byte_at(b, 3) << 8 | byte_at(b, 4), byte_at(b, 1) << 8 | byte_at(b, 2));
        }
        if (kind == 0xda || length < 2) break;
        in.seekg(static_cast<std::streamoff>(length) - 2, std::ios::cur);
    }
    fail(ErrorKind::format, "a damaged JPEG picture: it has no frame header");
}

}  // namespace

ImageSize image_size(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::error_code ignored;
    if (!in || fs::is_directory(file, ignored)) fail(ErrorKind::input, "cannot be read");
    std::array<char, 32> b{};
    in.read(b.data(), 24);
    const auto n = in.gcount();
    in.clear();
    if (n >= 24 && std::string_view(b.data(), 8) == "\x89PNG\r\n\x1a\n") {
        const auto word = [&b](std::size_t at) {
            return static_cast<unsigned long>(byte_at(b, at)) << 24 | byte_at(b, at + 1) << 16 |
                   byte_at(b, at + 2) << 8 | byte_at(b, at + 3);
        };
        return checked_size(word(16), word(20));
    }
    if (n >= 4 && byte_at(b, 0) == 0xff && byte_at(b, 1) == 0xd8) return jpeg_size(in);
    fail(ErrorKind::format, "neither a PNG nor a JPEG picture");
}

bool natural_less(std::string_view a, std::string_view b) {
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    std::size_t i = 0, j = 0;
    while (i < a.size() && j < b.size()) {
        if (digit(a[i]) && digit(b[j])) {
            const auto number = [&digit](std::string_view s, std::size_t& at) {
                while (at < s.size() && s[at] == '0') ++at;
                const std::size_t begin = at;
                while (at < s.size() && digit(s[at])) ++at;
                return s.substr(begin, at - begin);
            };
            const std::string_view x = number(a, i), y = number(b, j);
            if (x.size() != y.size()) return x.size() < y.size();
            if (x != y) return x < y;
            continue;
        }
        if (a[i] != b[j]) return a[i] < b[j];
        ++i, ++j;
    }
    if (a.size() - i != b.size() - j) return a.size() - i < b.size() - j;
    return a < b;
}

std::vector<fs::path> images_in(const fs::path& folder) {
    std::vector<fs::path> files;
    std::error_code ignored;
    if (!fs::is_directory(folder, ignored)) return files;
    for (const auto& entry : fs::directory_iterator(folder, ignored))
        if (has_image_ending(entry.path()) && entry.is_regular_file(ignored)) files.push_back(entry.path());
    std::sort(files.begin(), files.end(), [](const fs::path& a, const fs::path& b) {
        return natural_less(a.filename().string(), b.filename().string());
    });
    return files;
}

std::optional<fs::path> find_image(const fs::path& folder, std::string name) {
    std::replace(name.begin(), name.end(), '\\', '/');
    const auto exists = [](const fs::path& p) {
        std::error_code ignored;
        return fs::is_regular_file(p, ignored);
    };
    const fs::path plain = (folder / name).lexically_normal();
    if (exists(plain)) return plain;
    for (const char* ending : {".png", ".jpg", ".jpeg", ".PNG", ".JPG", ".JPEG"}) {
        fs::path with = plain;
        with += ending;
        if (exists(with)) return with;
    }
    return std::nullopt;
}

std::size_t CameraTable::index_of(const geom::Camera& camera) {
    const auto [begin, end] = by_focal_.equal_range(camera.fx);
    for (auto it = begin; it != end; ++it)
        if (scene_.cameras[it->second] == camera) return it->second;
    scene_.cameras.push_back(camera);
    by_focal_.emplace(camera.fx, scene_.cameras.size() - 1);
    return scene_.cameras.size() - 1;
}

std::string camera_problem(const geom::Camera& c) {
    if (c.width <= 0 || c.height <= 0 || c.width > (1 << 15) || c.height > (1 << 15))
        return fmt::format("the picture's size {} x {} is not usable", c.width, c.height);
    if (!std::isfinite(c.fx) || !std::isfinite(c.fy) || !(c.fx > 0) || !(c.fy > 0))
        return fmt::format("the focal lengths {:g} and {:g} are not usable", c.fx, c.fy);
    if (!std::isfinite(c.cx) || !std::isfinite(c.cy))
        return fmt::format("the principal point ({:g}, {:g}) is not finite", c.cx, c.cy);
    for (const double v : {c.lens.k[0], c.lens.k[1], c.lens.k[2], c.lens.k[3], c.lens.p1, c.lens.p2, c.lens.d[0],
                           c.lens.d[1], c.lens.d[2]})
        if (!std::isfinite(v)) return "a coefficient of the lens is not finite";
    return {};
}

std::optional<geom::Camera> fitted_to(const geom::Camera& camera, ImageSize size, Scene& scene) {
    if (camera.width == size.width && camera.height == size.height) return camera;
    // A scaled picture keeps its shape up to the rounding of its sides.
    const double s = static_cast<double>(size.width) / camera.width;
    if (std::abs(camera.height * s - size.height) > 1.0 + s) return std::nullopt;
    add_note(scene, fmt::format("intrinsics for {} x {} scaled to the pictures' {} x {}", camera.width, camera.height,
                                size.width, size.height));
    return geom::scaled(camera, size.width, size.height);
}

void add_note(Scene& scene, std::string note) {
    if (std::find(scene.notes.begin(), scene.notes.end(), note) == scene.notes.end())
        scene.notes.push_back(std::move(note));
}

}  // namespace nir::io
