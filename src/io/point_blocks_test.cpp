// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/point_blocks.h"

#include "nir/base/error.h"
#include "nir/base/rng.h"
#include "nir/io/formats.h"
#include "nir/io/npy.h"
#include "nir/io/ply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <unistd.h>

namespace nir::io {
namespace {

namespace fs = std::filesystem;
using geom::PointCloud;
using ::testing::HasSubstr;

constexpr std::size_t kPoints = 150001;  // more than two blocks

class PointBlocksTest : public ::testing::Test {
protected:
    void SetUp() override { fs::create_directories(dir_); }
    void TearDown() override { fs::remove_all(dir_); }
    fs::path text_file(const std::string& name, const std::string& bytes) const {
        std::ofstream(dir_ / name, std::ios::binary) << bytes;
        return dir_ / name;
    }
    const fs::path dir_ = fs::temp_directory_path() / ("nir_blocks_" + std::to_string(::getpid()));
};

PointCloud scan(std::size_t n, bool far_away = false) {
    Rng rng(9);
    PointCloud c;
    for (std::size_t i = 0; i < n; ++i) {
        c.points.push_back(geom::Vec3d{rng.uniform(), rng.uniform(), rng.uniform()} +
                           geom::Vec3d{far_away ? 5e6 : 0, 0, 0});
        c.colors.push_back({static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i / 300), 7});
        c.sensors.push_back({static_cast<double>(i % 4), 2, 3});
    }
    return c;
}

PointCloud joined(PointBlocks& blocks, std::size_t* most = nullptr) {
    PointCloud all;
    blocks.read([&](PointCloud&& part) {
        if (most) *most = std::max(*most, part.size());
        all.points.insert(all.points.end(), part.points.begin(), part.points.end());
        all.colors.insert(all.colors.end(), part.colors.begin(), part.colors.end());
        all.sensors.insert(all.sensors.end(), part.sensors.begin(), part.sensors.end());
    });
    return all;
}

void expect_the_whole(const fs::path& path, std::size_t n = kPoints) {
    const auto blocks = open_point_blocks(path);
    ASSERT_TRUE(blocks) << path;
    EXPECT_GE(blocks->points(), n);
    EXPECT_LE(blocks->points(), n + 3);
    const PointCloud whole = read_point_cloud(path);
    ASSERT_EQ(whole.size(), n);
    for (int round = 0; round < 2; ++round) {
        std::size_t most = 0;
        const PointCloud parts = joined(*blocks, &most);
        EXPECT_LT(most, 70000u);
        EXPECT_TRUE(parts.points == whole.points) << path;
        EXPECT_TRUE(parts.sensors == whole.sensors) << path;
        EXPECT_TRUE(std::ranges::equal(parts.colors, whole.colors, [](geom::Rgb8 a, geom::Rgb8 b) {
            return a.r == b.r && a.g == b.g && a.b == b.b;
        })) << path;
    }
}

TEST_F(PointBlocksTest, AreTheWholeFile) {
    const PointCloud c = scan(kPoints), far = scan(kPoints, true);
    for (const std::string name : {"a.ply", "a.xyz", "a.npy"}) {
        write_geometry(dir_ / name, c);
        expect_the_whole(dir_ / name);
    }
    write_geometry(dir_ / "far.ply", far);
    expect_the_whole(dir_ / "far.ply");
    PlyWriteOptions text;
    text.ascii = true;
    write_ply(dir_ / "text.ply", c, text);
    expect_the_whole(dir_ / "text.ply");
    write_ply(dir_ / "small.ply", scan(3));
    expect_the_whole(dir_ / "small.ply", 3);
}

TEST_F(PointBlocksTest, OtherFormatsAndTurnsOfThem) {
    const PointCloud c = scan(kPoints);
    std::string rows, binary;
    for (const auto& p : c.points) {
        const float v[3] = {static_cast<float>(p.x), static_cast<float>(p.y), static_cast<float>(p.z)};
        rows += fmt::format("{} {} {} 5\n", v[0], v[1], v[2]);
        binary.append(reinterpret_cast<const char*>(v), sizeof v);
    }
    const std::string head = fmt::format(
        "# .PCD v0.7\nVERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nWIDTH {}\nHEIGHT "
        "1\nVIEWPOINT 1 2 3 1 0 0 0\n",
        kPoints);
    expect_the_whole(text_file("b.pcd", head + "DATA binary\n" + binary));
    const std::string four =
        fmt::format("VERSION 0.7\nFIELDS x y z s\nSIZE 4 4 4 4\nTYPE F F F F\nWIDTH {}\nHEIGHT 1\n", kPoints);
    expect_the_whole(text_file("t.pcd", four + "DATA ascii\n" + rows));
    expect_the_whole(text_file("four.xyz", "# a comment\n" + rows));
    // Colours from 0 to 1, but for one in the last block; names, and another order of columns.
    std::string named = "r g b x y z\n", small = "\xef\xbb\xbf// points\n";
    for (std::size_t i = 0; i < kPoints; ++i) {
        const double bright = i + 5 == kPoints ? 200 : 0.5;
        named += fmt::format("{} 0.25 1 {} 1 2\n", bright, i);
        small += fmt::format("{} 1 2 {} 0.25 1\r\n\n", i, bright);
    }
    expect_the_whole(text_file("named.csv", named));
    const auto blocks = open_point_blocks(text_file("small.xyz", small));
    const PointCloud parts = joined(*blocks), whole = read_point_cloud(dir_ / "small.xyz");
    EXPECT_TRUE(parts.points == whole.points);
    ASSERT_EQ(parts.colors.size(), kPoints);
    EXPECT_EQ(parts.colors[0].r, whole.colors[0].r);
    EXPECT_EQ(parts.colors.back().b, whole.colors.back().b);
    std::vector<double> six;
    for (const auto& p : c.points) six.insert(six.end(), {p.x, p.y, p.z, 0, 0, 1});
    TensorFile file;
    write_npy(dir_ / "six.npy", NamedArray::from("", {1, static_cast<std::int64_t>(kPoints), 6}, six));
    expect_the_whole(dir_ / "six.npy");
}

TEST_F(PointBlocksTest, WhatIsReadAsAWhole) {
    write_geometry(dir_ / "a.npz", scan(100));
    EXPECT_FALSE(open_point_blocks(dir_ / "a.npz"));
    const std::string ply =
        "ply\nformat binary_little_endian 1.0\nelement vertex 1\nproperty float x\nproperty float y\n"
        "property float z\nproperty float red\nproperty float green\nproperty float blue\n"
        "end_header\n";
    EXPECT_FALSE(open_point_blocks(text_file("float.ply", ply + std::string(24, 'x'))));
    const std::string lists =
        "ply\nformat binary_little_endian 1.0\nelement face 1\nproperty list uchar int vertex_index\n"
        "element vertex 1\nproperty float x\nproperty float y\nproperty float z\nend_header\n";
    EXPECT_FALSE(open_point_blocks(text_file("lists.ply", lists + std::string(24, 'x'))));
}

std::string message_of(
    const fs::path& path, const std::function<void(PointCloud&&)>& f = [](PointCloud&&) {}) {
    try {
        with_context(path.string(), [&] { open_point_blocks(path)->read(f); });
    } catch (const Error& e) {
        return e.what();
    }
    return "";
}

TEST_F(PointBlocksTest, SayWhatIsWrongAndWhere) {
    EXPECT_THAT(message_of(dir_ / "none.ply"), HasSubstr("no such file"));
    for (const std::string name : {"cut.ply", "cut.npy"}) {
        const fs::path path = dir_ / name;
        write_geometry(path, scan(kPoints));
        fs::resize_file(path, fs::file_size(path) - 100);
        EXPECT_THAT(message_of(path), HasSubstr("follow"));
    }
    std::string rows;
    for (int i = 0; i < 100000; ++i) rows += "1 2 3\n";
    EXPECT_THAT(message_of(text_file("bad.xyz", rows + "1 2 three\n")), HasSubstr("line 100001: \"three\""));
    EXPECT_THAT(message_of(text_file("long.xyz", rows + "1 2 " + std::string(20 << 20, '3') + "\n" + rows)),
                HasSubstr("line 100001"));
    const std::string head =
        "ply\nformat ascii 1.0\nelement vertex 100002\nproperty float x\nproperty float y\nproperty "
        "float z\nend_header\n";
    EXPECT_THAT(message_of(text_file("bad.ply", head + rows + "1 2 3\n4 x 5\n")),
                HasSubstr("line 100009 (vertex 100001)"));
    // Cut off while it is read.
    const fs::path path = dir_ / "shrinks.ply";
    write_geometry(path, scan(1000000));
    bool first = true;
    EXPECT_THAT(message_of(path,
                           [&](PointCloud&&) {
                               if (first) fs::resize_file(path, 100000);
                               first = false;
                           }),
                HasSubstr("became shorter while it was read"));
}

}  // namespace
}  // namespace nir::io
