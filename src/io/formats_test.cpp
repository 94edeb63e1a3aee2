// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/formats.h"

#include "nir/base/log.h"
#include "nir/io/npy.h"
#include "nir/io/ply.h"
#include "nir/io/png.h"

#include "io/test_support.h"

#include <fstream>
#include <set>

namespace nir::io {
namespace {

using geom::Vec3d;
using testing::AllOf;
using testing::HasSubstr;

geom::TriMesh sample_mesh() {
    geom::TriMesh m;
    m.vertices = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 0, 0.5}};
    m.faces = {{0, 2, 1}, {0, 1, 3}, {1, 2, 3}, {2, 0, 3}};
    m.colors = {{255, 0, 7}, {0, 128, 0}, {1, 2, 3}, {254, 253, 252}};
    return m;
}
void put(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

class Logged {
public:
    Logged() : former_(set_log_sink([this](LogLevel, std::string_view t) { text += std::string(t) + "\n"; })) {}
    ~Logged() { set_log_sink(std::move(former_)); }
    std::string text;

private:
    LogSink former_;
};

TEST(Formats, TheTableIsSound) {
    std::set<std::string_view> extensions, names;
    for (const Format& f : formats()) {
        EXPECT_TRUE(names.insert(f.name).second) << f.name;
        EXPECT_FALSE(f.extensions.empty());
        for (const std::string_view e : f.extensions) EXPECT_TRUE(extensions.insert(e).second) << e;
        if (f.readable())
            EXPECT_NE(f.matches, nullptr) << f.name;
        else
            EXPECT_FALSE(f.advice.empty()) << f.name;
    }
    EXPECT_GE(format_components().size(), 12u);
}

// Every format that writes and reads geometry gives it back, and its contents are recognised whatever the ending.
TEST(Formats, EveryGeometryFormatRoundTripsAndIsRecognised) {
    const TempFolder folder;
    for (const Format& f : formats()) {
        if (!f.write_geometry || (!f.parse_geometry && !f.parse_arrays)) continue;
        const auto path = folder / ("mesh." + std::string(f.extensions[0]));
        const Logged quiet;
        write_geometry(path, sample_mesh());
        EXPECT_EQ(read_point_cloud(path).points.size(), 4u) << f.name;
        const bool keeps_faces = f.name != "XYZ" && f.name != "NPY";
        if (keeps_faces) {
            EXPECT_EQ(read_mesh(path).faces.size(), 4u) << f.name;
        }
        if (keeps_faces && f.name != "STL") {  // STL numbers its vertices anew
            EXPECT_EQ(read_mesh(path).faces, sample_mesh().faces) << f.name;
        }
        if (f.name == "XYZ") continue;
        std::filesystem::copy_file(path, folder / (std::string(f.name) + ".dat"));
        EXPECT_EQ(read_point_cloud(folder / (std::string(f.name) + ".dat")).points.size(), 4u) << f.name;
    }
}

TEST(Formats, ContentsWinOverTheEnding) {
    const TempFolder folder;
    write_ply(folder / "scan.ply", sample_mesh());
    std::filesystem::rename(folder / "scan.ply", folder / "scan.OBJ");
    Logged log;
    EXPECT_EQ(read_mesh(folder / "scan.OBJ").faces.size(), 4u);
    EXPECT_THAT(log.text, HasSubstr("the ending says OBJ, the contents are PLY"));
}

TEST(Formats, WrongKindsAreNamed) {
    const TempFolder folder;
    write_png(folder / "a.png", geom::Image8(2, 2, 3));
    std::filesystem::copy_file(folder / "a.png", folder / "a.ply");
    const auto cloud = [&](const std::string& name) { return error_of([&] { read_point_cloud(folder / name); }); };
    EXPECT_THAT(cloud("a.png"), AllOf(HasSubstr("a.png: is an image (PNG), not a scan")));
    EXPECT_THAT(cloud("a.ply"), HasSubstr("a.ply: is an image (PNG), not a scan"));
    put(folder / "a.jpg", "\xff\xd8\xff\xe0....");
    EXPECT_THAT(cloud("a.jpg"), HasSubstr("is an image (JPEG), not a scan"));
    put(folder / "scan.las", "LASF....");
    EXPECT_THAT(cloud("scan.las"), HasSubstr("is a LAS file: convert it"));
    put(folder / "empty.ply", "");
    EXPECT_THAT(cloud("empty.ply"), HasSubstr("empty.ply: the file is empty"));
    put(folder / "what.foo", "\x01\x02\x03");
    EXPECT_THAT(cloud("what.foo"), AllOf(HasSubstr("unknown kind of file (\"foo\")"), HasSubstr(".ply, .obj")));
    put(folder / "broken.ply", "hello");
    EXPECT_THAT(cloud("broken.ply"), HasSubstr("not a PLY file"));
    put(folder / "v.binvox", "#binvox 1\ndim 1 1 1\ndata\n\x01\x01");
    EXPECT_THAT(cloud("v.binvox"), HasSubstr("voxel grids of 0 and 1), not a scan"));
    EXPECT_THAT(cloud("none.ply"), HasSubstr("no such file"));
    EXPECT_THAT(error_of([&] { read_point_cloud(folder / ""); }), HasSubstr("is a directory"));
    put(folder / "none.xyz",
        "ply\nformat ascii 1.0\nelement vertex 0\nproperty float x\nproperty float y\nproperty float z\nend_header\n");
    EXPECT_THAT(cloud("none.xyz"), HasSubstr("holds no points"));
    put(folder / "cloud.xyz", "1 2 3\n");
    EXPECT_THAT(error_of([&] { read_mesh(folder / "cloud.xyz"); }), HasSubstr("1 points and no faces"));
    EXPECT_EQ(read_voxel_grid(folder / "v.binvox").values.size(), 1u);
    EXPECT_THAT(error_of([&] { write_geometry(folder / "m.png", sample_mesh()); }),
                AllOf(HasSubstr("cannot write a mesh to a .png file"), HasSubstr(".ply")));
    EXPECT_THAT(error_of([&] { write_geometry(folder / "m", sample_mesh()); }), HasSubstr("without an ending"));
    EXPECT_FALSE(std::filesystem::exists(folder / "m.png"));
}

TEST(Formats, ArraysAsGeometry) {
    const auto file = [](std::vector<NamedArray> arrays) { return TensorFile{std::move(arrays), {}}; };
    const auto points = NamedArray::from("points", {2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
    EXPECT_EQ(to_geometry(file({points})).points, (std::vector<Vec3d>{{1, 2, 3}, {4, 5, 6}}));
    const Geometry six = to_geometry(file({NamedArray::from("a", {1, 1, 6}, std::vector<double>{1, 2, 3, 0, 0, 1})}));
    EXPECT_EQ(six.points, (std::vector<Vec3d>{{1, 2, 3}}));
    EXPECT_EQ(six.normals, (std::vector<geom::Vec3f>{{0, 0, 1}}));
    const Geometry full =
        to_geometry(file({points, NamedArray::from("colors", {2, 3}, std::vector<std::uint8_t>{255, 0, 0, 1, 2, 3}),
                          NamedArray::scalar("loc", 1.0f)}));
    EXPECT_EQ(full.colors.at(1), (geom::Rgb8{1, 2, 3}));
    EXPECT_THAT(full.ignored, testing::ElementsAre("array loc"));
    const auto failure = [&](std::vector<NamedArray> arrays) { return error_of([&] { to_geometry(file(arrays)); }); };
    EXPECT_THAT(failure({NamedArray::scalar("x", 1.f), NamedArray::scalar("y", 1.f)}),
                HasSubstr("no array \"points\"; the file holds \"x\", \"y\""));
    EXPECT_THAT(failure({NamedArray::from("points", {2, 2}, std::vector<float>{1, 2, 3, 4})}),
                HasSubstr("shape [2, 2]"));
    EXPECT_THAT(failure({points, NamedArray::from("normals", {1, 3}, std::vector<float>{1, 2, 3})}),
                HasSubstr("\"normals\" has shape [1, 3], but there are 2"));
    EXPECT_THAT(failure({points, NamedArray::from("faces", {1, 3}, std::vector<int>{0, 1, 2})}),
                HasSubstr("row 0: vertex 2 of 2"));
    EXPECT_THAT(failure({points, NamedArray::from("faces", {1, 3}, std::vector<int>{0, 1, -1})}),
                HasSubstr("vertex -1"));
    EXPECT_EQ(to_voxel_grid(file({points, NamedArray::from("v", {1, 2, 1}, std::vector<float>{3, 4})})).values,
              (std::vector<float>{3, 4}));
    EXPECT_THAT(error_of([&] { to_voxel_grid(file({points})); }), HasSubstr("found [2, 3]"));
}

}  // namespace
}  // namespace nir::io
