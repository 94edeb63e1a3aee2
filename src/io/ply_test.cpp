// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/ply.h"

#include "nir/base/timer.h"

#include "io/test_support.h"

#include <fstream>
#include <limits>

namespace nir::io {
namespace {

using geom::Rgb8;
using geom::Triangle;
using geom::Vec3d;
using testing::HasSubstr;

Geometry read(const std::string& text) {
    std::istringstream in(text);
    return read_ply(in);
}
std::string failure(const std::string& text) {
    return error_of([&] { read(text); });
}

const std::string kAsciiMesh =
    "ply\nformat ascii 1.0\ncomment made by hand\nelement vertex 4\nproperty float x\nproperty float y\nproperty float "
    "z\n"
    "property uchar red\nproperty uchar green\nproperty uchar blue\nproperty float quality\n"
    "element face 2\nproperty list uchar int vertex_indices\nproperty int material\nelement edge 1\nproperty int "
    "a\nend_header\n"
    "0 0 0 255 0 0 0.5\n1 0 0 0 255 0 0.5\n1 1 0 0 0 255 0.5\n0 1 0 9 9 9 0.5\n4 0 1 2 3 7\n2 0 1 7\n5\n";

TEST(Ply, AsciiMeshWithUnknownParts) {
    const Geometry g = read(kAsciiMesh);
    ASSERT_EQ(g.points.size(), 4u);
    EXPECT_EQ(g.points[2], (Vec3d{1, 1, 0}));
    EXPECT_EQ(g.colors[2], (Rgb8{0, 0, 255}));
    EXPECT_EQ(g.faces, (std::vector<Triangle>{{0, 1, 2}, {0, 2, 3}}));
    EXPECT_EQ(g.polygons, 2u);
    EXPECT_EQ(g.skipped_polygons, 1u);
    EXPECT_THAT(g.ignored, testing::ElementsAre("vertex property quality", "element edge"));
}

TEST(Ply, CrlfGivesTheSame) {
    std::string text;
    for (const char c : kAsciiMesh) text += c == '\n' ? std::string("\r\n") : std::string(1, c);
    EXPECT_EQ(read(text).faces, read(kAsciiMesh).faces);
    EXPECT_EQ(read(text).colors, read(kAsciiMesh).colors);
}

// Every scalar type, by either naming, in all three encodings.
TEST(Ply, EveryTypeAndEncoding) {
    const std::vector<std::vector<std::string>> namings = {
        {"char", "uchar", "short", "ushort", "int", "uint", "float", "double"},
        {"int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64"}};
    for (const auto& names : namings) {
        for (const std::string encoding : {"ascii", "binary_little_endian", "binary_big_endian"}) {
            std::string text = "ply\nformat " + encoding + " 1.0\nelement vertex 2\nproperty list uchar short junk\n";
            for (std::size_t i = 0; i < 8; ++i)
                text += "property " + names[i] +
                        (i < 5    ? " p" + std::to_string(i)
                         : i == 5 ? " x"
                         : i == 6 ? " y"
                                  : " z") +
                        "\n";
            text += "end_header\n";
            const bool big = encoding == "binary_big_endian";
            for (int v = 0; v < 2; ++v) {
                if (encoding == "ascii") {
                    text += "2 5 6 -1 200 -300 60000 -70000 4000000000 1.5 " + std::to_string(v) + ".25\n";
                    continue;
                }
                text += raw(std::uint8_t{2}) + raw(std::int16_t{5}, big) + raw(std::int16_t{6}, big) +
                        raw(std::int8_t{-1}) + raw(std::uint8_t{200}) + raw(std::int16_t{-300}, big) +
                        raw(std::uint16_t{60000}, big) + raw(std::int32_t{-70000}, big) +
                        raw(std::uint32_t{4000000000u}, big) + raw(1.5f, big) + raw(v + 0.25, big);
            }
            const Geometry g = read(text);
            ASSERT_EQ(g.points.size(), 2u) << encoding;
            EXPECT_EQ(g.points[1], (Vec3d{4e9, 1.5, 1.25})) << encoding;
        }
    }
}

TEST(Ply, BigEndianFixedRows) {
    std::string text =
        "ply\nformat binary_big_endian 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty double z\n"
        "property float nx\nproperty float ny\nproperty float nz\nelement face 1\nproperty list uchar uint "
        "vertex_index\nend_header\n";
    for (int i = 0; i < 3; ++i)
        text +=
            raw(float(i), true) + raw(2.0f, true) + raw(3.5, true) + raw(0.f, true) + raw(0.f, true) + raw(1.f, true);
    text += raw(std::uint8_t{3}) + raw(0u, true) + raw(1u, true) + raw(2u, true);
    const Geometry g = read(text);
    EXPECT_EQ(g.points[2], (Vec3d{2, 2, 3.5}));
    EXPECT_EQ(g.normals[0], (geom::Vec3f{0, 0, 1}));
    EXPECT_EQ(g.faces, (std::vector<Triangle>{{0, 1, 2}}));
}

TEST(Ply, FloatAndShortColours) {
    const auto with = [](const std::string& type, const std::string& values) {
        return read(
                   "ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\nproperty float "
                   "z\nproperty " +
                   type + " red\nproperty " + type + " green\nproperty " + type + " blue\nend_header\n0 0 0 " + values)
            .colors.at(0);
    };
    EXPECT_EQ(with("float", "0 0.5 1"), (Rgb8{0, 128, 255}));
    EXPECT_EQ(with("double", "0 127.6 255"), (Rgb8{0, 128, 255}));
    EXPECT_EQ(with("ushort", "0 32896 65535"), (Rgb8{0, 128, 255}));
    EXPECT_EQ(with("int", "-4 128 300"), (Rgb8{0, 128, 255}));
    EXPECT_EQ(with("float", "nan -1 1"), (Rgb8{0, 0, 255}));
}

TEST(Ply, TriStrips) {
    const Geometry g = read(
        "ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\nelement "
        "tristrips 1\n"
        "property list int int vertex_indices\nend_header\n0 0 0\n1 0 0\n0 1 0\n1 1 0\n8 0 1 2 3 -1 3 2 1\n");
    EXPECT_EQ(g.faces, (std::vector<Triangle>{{0, 1, 2}, {2, 1, 3}, {3, 2, 1}}));
}

TEST(Ply, NonFinitePointsAreKeptAndCanBeDropped) {
    Geometry g = read(
        "ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\nproperty uchar "
        "red\n"
        "property uchar green\nproperty uchar blue\nend_header\nnan 0 0 1 1 1\n1 2 3 2 2 2\ninf 0 0 3 3 3\n4 5 -inf 4 "
        "4 4");
    EXPECT_EQ(count_non_finite(g.points), 3u);
    geom::PointCloud cloud = to_point_cloud(std::move(g));
    EXPECT_EQ(drop_non_finite(cloud), 3u);
    EXPECT_EQ(cloud.points, (std::vector<Vec3d>{{1, 2, 3}}));
    EXPECT_EQ(cloud.colors, (std::vector<Rgb8>{{2, 2, 2}}));
}

geom::TriMesh sample_mesh(Vec3d offset) {
    geom::TriMesh m;
    for (int i = 0; i < 5; ++i) {
        m.vertices.push_back(offset + Vec3d{0.125 * i, 0.1 * i * i, 1.0 / (i + 1)});
        m.normals.push_back({0, 0.6f, 0.8f});
        m.colors.push_back({static_cast<std::uint8_t>(i), 20, 255});
        m.confidence.push_back(0.25f * static_cast<float>(i));
    }
    m.faces = {{0, 1, 2}, {2, 3, 4}};
    return m;
}

TEST(Ply, RoundTripsExactly) {
    for (const bool ascii : {false, true}) {
        for (const Vec3d offset : {Vec3d{}, Vec3d{431234.567, 5312345.678, 120.5}}) {
            const geom::TriMesh m = sample_mesh(offset);
            std::ostringstream out;
            write_ply(out, m, {.ascii = ascii, .comments = {"two\nlines"}});
            EXPECT_THAT(out.str(), HasSubstr(offset == Vec3d{} ? "property float x" : "property double x"));
            const geom::TriMesh back = to_mesh(read(out.str()));
            for (std::size_t i = 0; i < m.vertices.size(); ++i) {
                if (offset == Vec3d{})
                    EXPECT_EQ(static_cast<geom::Vec3f>(back.vertices[i]), static_cast<geom::Vec3f>(m.vertices[i]));
                else
                    EXPECT_EQ(back.vertices[i], m.vertices[i]);
            }
            EXPECT_EQ(back.faces, m.faces);
            EXPECT_EQ(back.normals, m.normals);
            EXPECT_EQ(back.colors, m.colors);
            EXPECT_EQ(back.confidence, m.confidence);
        }
    }
}

TEST(Ply, CloudWithSensorsAndEmptyCloudRoundTrip) {
    geom::PointCloud c;
    c.points = {{1, 2, 3}, {4, 5, 6}}, c.sensors = {{0, 0, 0.1}, {9, 9, 9}};
    std::ostringstream out;
    write_ply(out, c);
    EXPECT_EQ(to_point_cloud(read(out.str())).sensors, c.sensors);
    std::ostringstream none;
    write_ply(none, geom::PointCloud{});
    EXPECT_TRUE(read(none.str()).points.empty());
}

const std::string kXyz = "property float x\nproperty float y\nproperty float z\n";

TEST(Ply, MalformedInputsNameThePlace) {
    const std::string head = "ply\nformat ascii 1.0\n";
    EXPECT_THAT(failure(""), HasSubstr("empty"));
    EXPECT_THAT(failure("plx\n"), HasSubstr("not a PLY file"));
    EXPECT_THAT(failure("ply\nformat ascii 2.0\n"), HasSubstr("line 2"));
    EXPECT_THAT(failure(head + "element vertex 1\n"), HasSubstr("inside the header"));
    EXPECT_THAT(failure(head + "element vertex -1\n"), HasSubstr("line 3: \"-1\" is not a count"));
    EXPECT_THAT(failure(head + "element vertex 99999999999999999999\n"), HasSubstr("line 3"));
    EXPECT_THAT(failure(head + "element vertex 1\nproperty quad x\n"),
                HasSubstr("line 4: unknown property type \"quad\""));
    EXPECT_THAT(failure(head + "element vertex 1\nproperty float x\nproperty float x\n"), HasSubstr("twice"));
    EXPECT_THAT(failure(head + "element vertex 1\nproperty float x\nend_header\n1\n"), HasSubstr("no property \"y\""));
    EXPECT_THAT(failure(head + "element face 0\nend_header\n"), HasSubstr("no vertex element"));
    EXPECT_THAT(failure(head + "element vertex 2\n" + kXyz + "end_header\n1 2 3\n4 5\n"),
                HasSubstr("line 9 (vertex 1): no value for property \"z\""));
    EXPECT_THAT(failure(head + "element vertex 1\n" + kXyz + "end_header\n1 2 x3\n"),
                HasSubstr("\"x3\" is not a number"));
    EXPECT_THAT(failure(head + "element vertex 1\n" + kXyz + "end_header\n1 2 3 4\n"), HasSubstr("more values"));
    EXPECT_THAT(failure(head + "element vertex 3\n" + kXyz + "end_header\n1 2 3\n1 2 3\n     \n"),
                HasSubstr("vertex 2): the file ends here, 3 promised"));
    const std::string face = head + "element vertex 1\n" + kXyz +
                             "element face 1\nproperty list uchar int vertex_index\nend_header\n1 2 3\n";
    EXPECT_THAT(failure(face + "3 0 0 1\n"), HasSubstr("names vertex 1, but there are 1"));
    EXPECT_THAT(failure(face + "3 0 0 -2\n"), HasSubstr("names vertex -2"));
    EXPECT_THAT(failure(face + "-3 0 0 0\n"), HasSubstr("list length -3"));
    EXPECT_THAT(failure(face + "1e18 0 0 0\n"), HasSubstr("does not fit"));
    EXPECT_THAT(failure(face + "nan 0 0 0\n"), HasSubstr("list length nan"));
}

TEST(Ply, HugeCountsAreRefusedWithoutMemory) {
    for (const std::string encoding : {"ascii", "binary_little_endian", "binary_big_endian"}) {
        for (const std::string count : {"1152921504606846976", "18446744073709551615", "4294967295"}) {
            const std::string head = "ply\nformat " + encoding + " 1.0\n";
            EXPECT_THAT(failure(head + "element vertex " + count + "\n" + kXyz + "end_header\n0 0 0\n"),
                        HasSubstr("promised"));
            EXPECT_THAT(failure(head + "element vertex 0\n" + kXyz + "element face " + count +
                                "\nproperty list uchar int vertex_index\nend_header\n"),
                        HasSubstr("promised"));
        }
    }
    // An element without properties takes no bytes, whatever its count.
    EXPECT_TRUE(
        read("ply\nformat ascii 1.0\nelement ghost 18446744073709551615\nelement vertex 0\n" + kXyz + "end_header\n")
            .points.empty());
}

TEST(Ply, EveryTruncationIsAnError) {
    std::ostringstream out;
    write_ply(out, sample_mesh({}));
    const std::string whole = out.str();
    for (std::size_t n = 0; n < whole.size(); ++n) EXPECT_NE(failure(whole.substr(0, n)), "") << n;
}

TEST(Ply, PathOverloadNamesTheFile) {
    const TempFolder folder;
    EXPECT_THAT(error_of([&] { read_ply(folder / "none.ply"); }), HasSubstr("none.ply: no such file"));
    EXPECT_THAT(error_of([&] { read_ply(folder / ""); }), HasSubstr("is a directory"));
    std::ofstream(folder / "bad.ply") << "ply\nformat ascii 1.0\nelement vertex x\n";
    EXPECT_THAT(error_of([&] { read_ply(folder / "bad.ply"); }), HasSubstr("bad.ply: line 3:"));
    write_ply(folder / "good.ply", sample_mesh({}));
    EXPECT_EQ(read_ply(folder / "good.ply").faces.size(), 2u);
    EXPECT_THAT(error_of([&] { write_ply(folder / "no/such/folder.ply", sample_mesh({})); }), HasSubstr("folder.ply"));
}

}  // namespace
}  // namespace nir::io
