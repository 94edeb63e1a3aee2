// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// XYZ text, PCD and binvox.
#include "nir/io/binvox.h"
#include "nir/io/pcd.h"
#include "nir/io/xyz.h"

#include "io/lzf.h"
#include "io/test_support.h"

#include <cmath>

namespace nir::io {
namespace {

using geom::Rgb8;
using geom::Vec3d;
using geom::Vec3f;
using testing::HasSubstr;

Geometry xyz(const std::string& text) {
    std::istringstream in(text);
    return read_xyz(in);
}
Geometry pcd(const std::string& text) {
    std::istringstream in(text);
    return read_pcd(in);
}

TEST(Xyz, SeparatorsCommentsAndLineEnds) {
    for (const std::string text : {"1 2 3\n4 5 6\n", "# x y z\n1,2,3\n4,5,6", "// made by\r\n1;2;3\r\n\r\n4;5;6\r\n",
                                   "\xef\xbb\xbf"
                                   "1\t2\t3\n  4 , 5,  6 # last\n",
                                   "2\n1 2 3\n4 5 6\n", "\"x\",\"y\",\"z\"\n1,2,3\n4,5,6\n", "X Y Z\n1 2 3\n4 5 6\n"}) {
        EXPECT_EQ(xyz(text).points, (std::vector<Vec3d>{{1, 2, 3}, {4, 5, 6}})) << text;
    }
}

TEST(Xyz, ColumnsAreToldApart) {
    const std::vector<Rgb8> red_blue{{255, 0, 0}, {0, 0, 255}};
    const std::vector<Vec3f> normals{{0, 0, 1}, {0.6f, 0, -0.8f}};
    EXPECT_TRUE(xyz("1 2 3 0.5\n4 5 6 0.25\n").normals.empty());
    EXPECT_EQ(xyz("0 0 0 255 0 0\n0 0 0 0 0 255\n").colors, red_blue);
    EXPECT_EQ(xyz("0 0 0 0 0 1\n0 0 0 0.6 0 -0.8\n").normals, normals);
    EXPECT_EQ(xyz("0 0 0 0.5 0.5 0\n0 0 0 0.2 0.4 0.6\n").colors.at(1), (Rgb8{51, 102, 153}));
    EXPECT_EQ(xyz("0 0 0 -1200 255 0 0\n0 0 0 17 0 0 255\n").colors, red_blue);   // PTS: intensity, colour
    EXPECT_EQ(xyz("0 0 0 255 0 0 0.125\n0 0 0 0 0 255 0.5\n").colors, red_blue);  // colour, scalar
    EXPECT_EQ(xyz("0 0 0 0 0 1 -3.5\n0 0 0 0.6 0 -0.8 7.5\n").normals, normals);
    for (const std::string text :
         {"0 0 0 255 0 0 0 0 1\n0 0 0 0 0 255 0.6 0 -0.8\n", "0 0 0 0 0 1 255 0 0\n0 0 0 0.6 0 -0.8 0 0 255\n"}) {
        EXPECT_EQ(xyz(text).colors, red_blue) << text;
        EXPECT_EQ(xyz(text).normals, normals) << text;
    }
    const Geometry named = xyz("id,nx,ny,nz,x,y,z,blue,green,red\n7,0,0,1,1,2,3,0,0,255\n");
    EXPECT_EQ(named.points.at(0), (Vec3d{1, 2, 3}));
    EXPECT_EQ(named.colors.at(0), (Rgb8{255, 0, 0}));
    EXPECT_EQ(named.normals.at(0), (Vec3f{0, 0, 1}));
}

TEST(Xyz, Malformed) {
    const auto f = [](const std::string& s) { return error_of([&] { xyz(s); }); };
    EXPECT_THAT(f(""), HasSubstr("empty"));
    EXPECT_THAT(f("# only\n\n"), HasSubstr("no points"));
    EXPECT_THAT(f("hello world again\n"), HasSubstr("line 1: neither numbers nor column names"));
    EXPECT_THAT(f("1 2\n"), HasSubstr("line 1: 2 columns"));
    EXPECT_THAT(f("1 2 3\n1 2\n"), HasSubstr("line 2: 2 columns where 3"));
    EXPECT_THAT(f("1 2 3\n1 2 3 4\n"), HasSubstr("line 2: more than 3"));
    EXPECT_THAT(f("1 2 3\n1 2 x\n"), HasSubstr("line 2: \"x\""));
    EXPECT_THAT(f("5\n1 2 3\n"), HasSubstr("5 points promised, 1 found"));
    EXPECT_THAT(f("1152921504606846976\n1 2 3\n"), HasSubstr("promised"));
    EXPECT_THAT(f("-5\n1 2 3\n"), HasSubstr("line 1"));
    EXPECT_THAT(f("a b x y z\n1 2 3\n"), HasSubstr("line 2: 3 columns, but 5 names"));
    EXPECT_THAT(f("x y z\n,\n"), HasSubstr("line 2: 0 columns, but 3 names"));
    EXPECT_THAT(f("1\n;\n"), HasSubstr("line 2: 0 columns"));
    EXPECT_EQ(count_non_finite(xyz("nan 0 0\n1 1e999 0\n-inf 0 0\n1 1e-999 0\n").points), 3u);
}

TEST(Xyz, RoundTripKeepsEveryDigit) {
    geom::PointCloud c;
    c.points = {{431234.5678901, 0.1, 1e-20}, {-1, 2, 3}};
    c.normals = {{0, 0, 1}, {0.6f, 0, -0.8f}};
    c.colors = {{255, 1, 2}, {3, 4, 5}};
    std::ostringstream out;
    write_xyz(out, c);
    const Geometry back = xyz(out.str());
    EXPECT_EQ(back.points, c.points);
    EXPECT_EQ(back.normals, c.normals);
    EXPECT_EQ(back.colors, c.colors);
}

std::string pcd_header(const std::string& data, int points,
                       const std::string& fields =
                           "FIELDS x y z rgb normal_x normal_y normal_z label\nSIZE 4 4 8 4 4 4 4 2\n"
                           "TYPE F F F F F F F U\nCOUNT 1 1 1 1 1 1 1 3\n") {
    return "# .PCD v0.7 - Point Cloud Data file format\nVERSION 0.7\n" + fields + "WIDTH " + std::to_string(points) +
           "\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS " + std::to_string(points) + "\nDATA " + data + "\n";
}
std::string pcd_rows(int n, bool by_field) {
    std::vector<std::string> fields(8);
    std::string rows;
    for (int i = 0; i < n; ++i) {
        const std::string values[8] = {raw(static_cast<float>(i)),
                                       raw(-1.5f),
                                       raw(i + 0.1),
                                       raw(0xff102030u | static_cast<unsigned>(i)),
                                       raw(0.f),
                                       raw(0.f),
                                       raw(1.f),
                                       raw(std::uint16_t{1}) + raw(std::uint16_t{2}) + raw(std::uint16_t{3})};
        for (std::size_t k = 0; k < 8; ++k) fields[k] += values[k], rows += values[k];
    }
    if (!by_field) return rows;
    rows.clear();
    for (const std::string& f : fields) rows += f;
    return rows;
}
void expect_pcd_points(const Geometry& g, std::size_t n) {
    ASSERT_EQ(g.points.size(), n);
    for (std::size_t i = 0; i < n; ++i) {
        EXPECT_EQ(g.points[i], (Vec3d{static_cast<double>(i), -1.5, static_cast<double>(i) + 0.1}));
        EXPECT_EQ(g.colors[i], (Rgb8{0x10, 0x20, static_cast<std::uint8_t>(0x30 | i)}));
        EXPECT_EQ(g.normals[i], (Vec3f{0, 0, 1}));
    }
    EXPECT_THAT(g.ignored, testing::ElementsAre("field label"));
}

TEST(Pcd, ViewpointIsTheSensorOfEveryPoint) {
    const std::string plain = pcd_header("binary", 3) + pcd_rows(3, false), zero = "VIEWPOINT 0 0 0 1 0 0 0";
    const auto with = [&](const std::string& viewpoint) {
        return std::string(plain).replace(plain.find(zero), zero.size(), viewpoint);
    };
    EXPECT_TRUE(pcd(plain).sensors.empty());  // the default says nothing
    EXPECT_EQ(pcd(with("VIEWPOINT 1.5 -2 3 1 0 0 0")).sensors, std::vector<Vec3d>(3, Vec3d{1.5, -2, 3}));
    EXPECT_EQ(pcd(with("VIEWPOINT 0 0 0 0 0 0 1")).sensors, std::vector<Vec3d>(3, Vec3d{}));
    EXPECT_TRUE(pcd(with("VIEWPOINT nan 0 0 1 0 0 0")).sensors.empty());
    EXPECT_THROW(pcd(with("VIEWPOINT 1 2 3")), Error);
    EXPECT_THROW(pcd(with("VIEWPOINT 1 2 here 1 0 0 0")), Error);
}

TEST(Pcd, AllThreeEncodings) {
    expect_pcd_points(pcd(pcd_header("binary", 3) + pcd_rows(3, false)), 3);
    const std::string columns = pcd_rows(500, true), packed = lzf_pack(columns);
    EXPECT_LT(packed.size(), columns.size() / 2);
    const Geometry g = pcd(pcd_header("binary_compressed", 500) + raw(static_cast<std::uint32_t>(packed.size())) +
                           raw(static_cast<std::uint32_t>(columns.size())) + packed);
    EXPECT_EQ(g.points.size(), 500u);
    EXPECT_EQ(g.points[499], (Vec3d{499, -1.5, 499.1}));
    std::string text = pcd_header("ascii", 2);
    text += "0 -1.5 0.1 4279246896 0 0 1 1 2 3\n";
    text += "1 -1.5 1.1 " + fmt::format("{}", std::bit_cast<float>(0x00102031u)) + " 0 0 1 1 2 3\r\n";
    expect_pcd_points(pcd(text), 2);
    // Organised cloud with holes.
    const Geometry holes =
        pcd("VERSION .7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nWIDTH 2\nHEIGHT 2\nDATA ascii\nnan nan nan\n1 2 3\n4 5 "
            "6\nnan nan nan\n");
    EXPECT_EQ(count_non_finite(holes.points), 2u);
}

TEST(Pcd, Malformed) {
    const auto f = [](const std::string& s) { return error_of([&] { pcd(s); }); };
    EXPECT_THAT(f(""), HasSubstr("empty"));
    EXPECT_THAT(f("hello"), HasSubstr("not a PCD file"));
    EXPECT_THAT(f("VERSION 0.7\nFIELDS x y\nDATA ascii\n"), HasSubstr("no field \"z\""));
    EXPECT_THAT(f("VERSION 0.7\nFIELDS x y z\nSIZE 4 4\n"), HasSubstr("line 3: 2 SIZE values for 3 fields"));
    EXPECT_THAT(f("VERSION 0.7\nFIELDS x y z\nTYPE F F Q\nDATA ascii\n"), HasSubstr("field \"z\" has type \"Q\""));
    EXPECT_THAT(f("VERSION 0.7\nFIELDS x y z\nSIZE 4 4 3\nTYPE F F F\nDATA ascii\n"), HasSubstr("of 3 bytes"));
    EXPECT_THAT(f("VERSION 0.7\nFIELDS x y z\nWIDTH -1\n"), HasSubstr("line 3: \"-1\" is not a count"));
    EXPECT_THAT(f("VERSION 0.7\nFIELDS x y z\nWIDTH 4611686018427387904\nHEIGHT 8\nDATA ascii\n"),
                HasSubstr("too large"));
    EXPECT_THAT(f("VERSION 0.7\nFIELDS x y z\nWIDTH 2\nHEIGHT 1\nPOINTS 3\nDATA ascii\n"),
                HasSubstr("POINTS 3 is not WIDTH 2"));
    EXPECT_THAT(f("VERSION 0.7\nFIELDS x y z\nPOINTS 3\n"), HasSubstr("no DATA"));
    for (const std::string data : {"ascii", "binary"}) {
        EXPECT_THAT(
            f("VERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nPOINTS 4000000000\nDATA " + data + "\n1 2 3\n"),
            HasSubstr("promised"));
        EXPECT_THAT(f("VERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nPOINTS 1152921504606846976\nDATA " + data +
                      "\n1 2 3\n"),
                    HasSubstr("points"));
    }
    EXPECT_THAT(f(pcd_header("binary", 3) + pcd_rows(2, false)), HasSubstr("3 points promised"));
    EXPECT_THAT(f(pcd_header("zipped", 0)), HasSubstr("DATA \"zipped\""));
    EXPECT_THAT(f(pcd_header("ascii", 1) + "0 0 0 0 0 0 0 0 0                \n"),
                HasSubstr("no value for field \"label\""));
    EXPECT_THAT(f(pcd_header("binary_compressed", 1) + raw(100u) + raw(38u) + "xx"),
                HasSubstr("100 compressed bytes promised"));
    EXPECT_THAT(f(pcd_header("binary_compressed", 1) + raw(2u) + raw(0xf0000000u) + "xx"), HasSubstr("LZF cannot do"));
    EXPECT_THAT(f(pcd_header("binary_compressed", 1) + raw(2u) + raw(38u) + "\xff\xff"), HasSubstr("broken LZF"));
}

TEST(Lzf, RoundTripsAndRefusesDamage) {
    std::string text;
    for (int i = 0; i < 3000; ++i) text += static_cast<char>((i * i / 7) % 11 + i % 3);
    for (const std::string& s :
         {std::string(), std::string("a"), std::string(1000, 'x'), text, text + std::string(5000, 'q') + text}) {
        const std::string packed = lzf_pack(s);
        std::string back;
        EXPECT_TRUE(lzf_unpack(packed, s.size(), back));
        EXPECT_EQ(back, s);
        EXPECT_FALSE(lzf_unpack(packed, s.size() + 1, back));
        for (std::size_t n = 0; n + 1 < packed.size(); n += 7)
            EXPECT_FALSE(lzf_unpack(packed.substr(0, n), s.size(), back));
    }
    std::string out;
    EXPECT_FALSE(lzf_unpack(std::string("\x20\x05", 2), 3, out)) << "a reference to before the beginning";
}

TEST(Binvox, OrderPlacementAndRoundTrip) {
    // 2 x 3 x 4 cells (x, y, z); the file runs y fastest, then z, then x.
    std::string cells;
    for (int x = 0; x < 2; ++x)
        for (int z = 0; z < 4; ++z)
            for (int y = 0; y < 3; ++y)
                cells += raw(static_cast<std::uint8_t>(x == 1 && y == 2 && z == 3 ? 1 : 0)) + raw(std::uint8_t{1});
    std::istringstream in("#binvox 1\ndim 2 4 3\ntranslate -1 0 10\nscale 2\ndata\n" + cells);
    const geom::VoxelGrid g = read_binvox(in);
    EXPECT_EQ(g.size, (geom::Vec3i{2, 3, 4}));
    EXPECT_EQ(g.spacing, (Vec3d{0.5, 0.5, 0.5}));
    EXPECT_EQ(g.origin, (Vec3d{-0.75, 0.25, 10.25}));
    EXPECT_EQ(g.values[g.index(1, 2, 3)], 1.0f);
    EXPECT_EQ(std::count(g.values.begin(), g.values.end(), 1.0f), 1);

    geom::VoxelGrid big;
    big.size = {20, 21, 22}, big.origin = {1, 2, 3}, big.spacing = {0.125, 0.125, 0.125};
    for (std::size_t i = 0; i < 20 * 21 * 22; ++i) big.values.push_back((i / 300) % 2 ? 0.9f : 0.1f);
    std::ostringstream out;
    write_binvox(out, big);
    const geom::VoxelGrid back = parse_binvox(out.str());
    EXPECT_EQ(back.origin, big.origin);
    EXPECT_EQ(back.spacing, big.spacing);
    for (std::size_t i = 0; i < big.values.size(); ++i) EXPECT_EQ(back.values[i], big.values[i] > 0.5f ? 1.0f : 0.0f);
}

TEST(Binvox, Malformed) {
    const auto f = [](const std::string& s) { return error_of([&] { parse_binvox(s); }); };
    EXPECT_THAT(f(""), HasSubstr("empty"));
    EXPECT_THAT(f("hello"), HasSubstr("not a binvox file"));
    EXPECT_THAT(f("#binvox 2\n"), HasSubstr("version 1"));
    EXPECT_THAT(f("#binvox 1\ndata\n"), HasSubstr("no \"dim\""));
    EXPECT_THAT(f("#binvox 1\ndim 2 2 2\n"), HasSubstr("no \"data\""));
    EXPECT_THAT(f("#binvox 1\ndim 2 -2 2\n"), HasSubstr("line 2"));
    EXPECT_THAT(f("#binvox 1\ndim 1 1 1\nscale 0\n"), HasSubstr("scale of 0"));
    EXPECT_THAT(f("#binvox 1\ndim 1 1 1\nscale nan\n"), HasSubstr("scale needs numbers"));
    EXPECT_THAT(f("#binvox 1\ndim 65536 65536 65536\ndata\n"), HasSubstr("limit is 2^30"));
    EXPECT_THAT(f("#binvox 1\ndim 1000 1000 1000\ndata\n\x01\xff"), HasSubstr("promised"));
    EXPECT_THAT(f("#binvox 1\ndim 2 2 2\ndata\n\x01\x09"), HasSubstr("more cells"));
    EXPECT_THAT(f("#binvox 1\ndim 2 2 2\ndata\n\x01\x07"), HasSubstr("ends at cell 7 of 8"));
    EXPECT_THAT(f("#binvox 1\ndim 2 2 2\ndata\n\x05\x08"), HasSubstr("cell value of 5"));
}

}  // namespace
}  // namespace nir::io
