// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/observations.h"

#include "nir/base/error.h"
#include "nir/geom/image_resize.h"
#include "nir/io/formats.h"
#include "nir/io/jpeg.h"
#include "nir/io/npy.h"
#include "nir/io/png.h"

#include <algorithm>
#include <fstream>
#include <string_view>

namespace nir::pipeline {
namespace {

using models::Observation;
using models::ObservationKind;

/// The first bytes of a file; readers of the whole say what is wrong with one that cannot be read.
std::string head_of(const std::filesystem::path& file) {
    std::string head(16, '\0');
    std::ifstream in(file, std::ios::binary);
    in.read(head.data(), static_cast<std::streamsize>(head.size()));
    head.resize(static_cast<std::size_t>(in.gcount()));
    return head;
}

bool is_npy(const std::filesystem::path& file) { return head_of(file).starts_with("\x93NUMPY"); }

/// An array of `each` dimensions, or a batch of them: calls make(values, shape) once for each.
template <class T, class Make>
std::vector<Observation> split(const std::vector<T>& values, const io::NamedArray& array, std::size_t each,
                               const Make& make) {
    const bool batched = array.shape.size() == each + 1;
    const std::size_t batch = batched ? static_cast<std::size_t>(array.shape[0]) : 1;
    const std::vector<std::int64_t> shape(array.shape.begin() + (batched ? 1 : 0), array.shape.end());
    const std::size_t n = batch ? values.size() / batch : 0;
    std::vector<Observation> out;
    for (std::size_t b = 0; b < batch; ++b) out.push_back(make(std::span(values).subspan(b * n, n), shape));
    return out;
}

[[noreturn]] void wrong_shape(const std::filesystem::path& file, const io::NamedArray& array,
                              std::string_view model_takes) {
    fail(ErrorKind::input, "{}: an array {} is no observation for this model, which takes {}", file.string(),
         array.shape_text(), model_takes);
}

/// A file that is there but of no kind that would do; one that is not there is named by the reader.
[[noreturn]] void not_this_file(const std::filesystem::path& file, std::string_view model_takes) {
    if (!std::filesystem::exists(file)) fail(ErrorKind::input, "{}: no such file", file.string());
    fail(ErrorKind::input, "{}: this model takes {}", file.string(), model_takes);
}

std::vector<Observation> points_of(const std::filesystem::path& file) {
    if (!is_npy(file)) return {io::read_point_cloud(file)};
    const io::NamedArray array = io::read_npy(file);
    const auto& shape = array.shape;
    if (shape.size() == 2 && shape[1] != 3) return {io::read_point_cloud(file)};  // with normals
    if (shape.size() < 2 || shape.size() > 3 || shape.back() != 3)
        wrong_shape(file, array, "points [N,3], or [B,N,3] for several observations");
    return split(array.to_double(), array, 2, [](std::span<const double> v, const auto&) -> Observation {
        geom::PointCloud cloud;
        for (std::size_t i = 0; i + 2 < v.size(); i += 3) cloud.points.push_back({v[i], v[i + 1], v[i + 2]});
        return cloud;
    });
}

std::vector<Observation> voxels_of(const std::filesystem::path& file) {
    if (!is_npy(file)) return {io::read_voxel_grid(file)};
    const io::NamedArray array = io::read_npy(file);
    if (array.shape.size() < 3 || array.shape.size() > 4)
        wrong_shape(file, array, "voxels [X,Y,Z], or [B,X,Y,Z] for several observations");
    return split(array.to_float(), array, 3, [](std::span<const float> v, const auto& shape) -> Observation {
        geom::VoxelGrid grid;
        grid.size = {static_cast<int>(shape[0]), static_cast<int>(shape[1]), static_cast<int>(shape[2])};
        grid.values.assign(v.begin(), v.end());
        return grid;
    });
}

std::vector<Observation> images_of(const std::filesystem::path& file) {
    if (io::looks_like_png(head_of(file))) return {geom::rgb_planes(io::read_png(file))};
    if (io::looks_like_jpeg(head_of(file))) return {geom::rgb_planes(io::read_jpeg(file))};
    if (!is_npy(file)) not_this_file(file, "an image: a PNG or JPEG file or an NPY array [3,H,W]");
    const io::NamedArray array = io::read_npy(file);
    const auto& shape = array.shape;
    if (shape.size() < 3 || shape.size() > 4 || shape[shape.size() - 3] != 3)
        wrong_shape(file, array, "an image [3,H,W], or [B,3,H,W] for several observations");
    std::vector<float> values = array.to_float();
    if (array.dtype == io::DType::u8)
        for (float& v : values) v /= 255;
    if (!std::ranges::all_of(values, [](float v) { return v >= 0 && v <= 1; }))
        fail(ErrorKind::input, "{}: the values of an image must lie in 0..1 (or be bytes)", file.string());
    return split(values, array, 3, [](std::span<const float> v, const auto& s) -> Observation {
        return geom::RgbImage{static_cast<int>(s[2]), static_cast<int>(s[1]), {v.begin(), v.end()}};
    });
}

std::vector<Observation> indices_of(const std::filesystem::path& file) {
    if (!is_npy(file)) not_this_file(file, "numbers of shapes: an NPY array of whole numbers");
    const io::NamedArray array = io::read_npy(file);
    std::vector<Observation> out;
    for (const std::int64_t v : with_context(file.string(), [&] { return array.to_int64(); }))
        out.push_back(models::ShapeIndex{v});
    return out;
}

}  // namespace

std::vector<Observation> read_observations(const std::filesystem::path& file, ObservationKind kind) {
    if (kind == ObservationKind::none)
        fail(ErrorKind::usage, "this model makes shapes of nothing and takes no --input ({})", file.string());
    std::vector<Observation> out;
    switch (kind) {
        case ObservationKind::none:
            break;
        case ObservationKind::points:
            out = points_of(file);
            break;
        case ObservationKind::voxels:
            out = voxels_of(file);
            break;
        case ObservationKind::image:
            out = images_of(file);
            break;
        case ObservationKind::index:
            out = indices_of(file);
            break;
    }
    if (out.empty()) fail(ErrorKind::input, "{}: holds no observation", file.string());
    return out;
}

Observation read_observation(const std::filesystem::path& file, ObservationKind kind) {
    auto all = read_observations(file, kind);
    if (all.size() != 1) fail(ErrorKind::input, "{}: holds {} observations, one is wanted", file.string(), all.size());
    return std::move(all.front());
}

}  // namespace nir::pipeline
