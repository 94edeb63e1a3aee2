// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/data/paper_layout.h"

#include "nir/base/error.h"
#include "nir/base/output_file.h"
#include "nir/io/npy.h"

#include <cstring>
#include <utility>

namespace nir::data {
namespace {

void add_frame(io::TensorFile& file, const geom::Frame& frame) {
    const std::vector<double> loc = {frame.center_user.x, frame.center_user.y, frame.center_user.z};
    file.arrays.push_back(io::NamedArray::from("loc", {3}, loc));
    file.arrays.push_back(io::NamedArray::scalar("scale", frame.scale));
}

/// A YAML 1.1 text in double quotes.
std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

std::string name_of_class(const std::string& id) {
    static constexpr std::pair<const char*, const char*> kShapeNet[] = {{"02691156", "airplane,aeroplane,plane"},
                                                                        {"02828884", "bench"},
                                                                        {"02933112", "cabinet"},
                                                                        {"02958343", "car,auto,automobile"},
                                                                        {"03001627", "chair"},
                                                                        {"03211117", "display,video display"},
                                                                        {"03636649", "lamp"},
                                                                        {"03691459", "speaker"},
                                                                        {"04090263", "rifle"},
                                                                        {"04256520", "sofa,couch,lounge"},
                                                                        {"04379243", "table"},
                                                                        {"04401088", "telephone,phone"},
                                                                        {"04530566", "vessel,watercraft"}};
    for (const auto& [synset, name] : kShapeNet)
        if (id == synset) return name;
    return id;
}

}  // namespace

io::NamedArray point_array(std::string name, std::span<const Vec3f> points, bool half) {
    const std::vector<std::int64_t> shape = {static_cast<std::int64_t>(points.size()), 3};
    if (!half) return io::NamedArray::from(std::move(name), shape, std::span(&points.data()->x, 3 * points.size()));
    io::NamedArray array{std::move(name), io::DType::f16, shape, {}};
    array.bytes.resize(6 * points.size());
    std::byte* to = array.bytes.data();
    for (const auto& p : points)
        for (int a = 0; a < 3; ++a, to += 2) {
            const std::uint16_t bits = io::half_from_float(p[a]);
            std::memcpy(to, &bits, 2);
        }
    return array;
}

Vec3f as_stored(Vec3f p, bool half) {
    if (!half) return p;
    for (int a = 0; a < 3; ++a) p[a] = io::float_from_half(io::half_from_float(p[a]));
    return p;
}

void write_points_file(const std::filesystem::path& path, std::span<const Vec3f> points,
                       std::span<const std::uint8_t> inside, const geom::Frame& frame, bool half) {
    NIR_CHECK(points.size() == inside.size());
    io::TensorFile file;
    file.arrays.push_back(point_array("points", points, half));
    const auto bits = io::pack_bits(inside);
    file.arrays.push_back(io::NamedArray::from("occupancies", {static_cast<std::int64_t>(bits.size())}, bits));
    add_frame(file, frame);
    io::write_npz(path, file, false);
}

void write_pointcloud_file(const std::filesystem::path& path, std::span<const Vec3f> points,
                           std::span<const Vec3f> normals, const geom::Frame& frame, bool half) {
    NIR_CHECK(points.size() == normals.size());
    io::TensorFile file;
    file.arrays.push_back(point_array("points", points, half));
    file.arrays.push_back(point_array("normals", normals, half));
    add_frame(file, frame);
    io::write_npz(path, file, false);
}

void write_room_cloud_file(const std::filesystem::path& path, std::span<const Vec3f> points,
                           std::span<const Vec3f> normals, std::span<const std::int16_t> semantics, bool half) {
    NIR_CHECK(points.size() == normals.size() && points.size() == semantics.size());
    io::TensorFile file;
    file.arrays.push_back(point_array("points", points, half));
    file.arrays.push_back(point_array("normals", normals, half));
    file.arrays.push_back(io::NamedArray::from("semantics", {static_cast<std::int64_t>(semantics.size())}, semantics));
    io::write_npz(path, file, false);
}

void write_room_points_file(const std::filesystem::path& path, std::span<const Vec3f> points,
                            std::span<const std::uint8_t> inside, std::span<const std::int16_t> semantics, bool half) {
    NIR_CHECK(points.size() == inside.size() && points.size() == semantics.size());
    io::TensorFile file;
    file.arrays.push_back(point_array("points", points, half));
    const auto bits = io::pack_bits(inside);
    file.arrays.push_back(io::NamedArray::from("occupancies", {static_cast<std::int64_t>(bits.size())}, bits));
    file.arrays.push_back(io::NamedArray::scalar("z_scale", std::int64_t{0}));
    file.arrays.push_back(io::NamedArray::from("semantics", {static_cast<std::int64_t>(semantics.size())}, semantics));
    io::write_npz(path, file, false);
}

void write_cameras_file(const std::filesystem::path& path, std::span<const geom::DatasetView> views,
                        const geom::Box3d& box) {
    io::TensorFile file;
    for (std::size_t i = 0; i < views.size(); ++i) {
        const auto world = geom::world_matrix(views[i], box);
        const auto camera = geom::camera_matrix();
        file.arrays.push_back(
            io::NamedArray::from(fmt::format("world_mat_{}", i), {3, 4}, std::span<const double>(world)));
        file.arrays.push_back(
            io::NamedArray::from(fmt::format("camera_mat_{}", i), {3, 3}, std::span<const double>(camera)));
    }
    io::write_npz(path, file, false);
}

void write_split_list(const std::filesystem::path& path, std::span<const std::string> names) {
    OutputFile file(path);
    for (std::size_t i = 0; i < names.size(); ++i) file.stream() << (i > 0 ? "\n" : "") << names[i];
    file.commit();
}

void write_metadata_file(const std::filesystem::path& path, std::span<const std::string> classes) {
    OutputFile file(path);
    for (const auto& c : classes)
        file.stream() << fmt::format("{}:\n  id: {}\n  name: {}\n", quoted(c), quoted(c), quoted(name_of_class(c)));
    file.commit();
}

}  // namespace nir::data
