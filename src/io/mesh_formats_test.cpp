// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// OBJ, OFF, STL and GLB.
#include "nir/io/glb.h"
#include "nir/io/obj.h"
#include "nir/io/off.h"
#include "nir/io/png.h"
#include "nir/io/stl.h"

#include "io/test_support.h"

#include <nlohmann/json.hpp>

#include <cmath>

namespace nir::io {
namespace {

using geom::Rgb8;
using geom::Triangle;
using geom::Vec3d;
using geom::Vec3f;
using testing::HasSubstr;

template <Geometry (*Read)(std::istream&)>
Geometry read(const std::string& text) {
    std::istringstream in(text);
    return Read(in);
}
template <Geometry (*Read)(std::istream&)>
std::string failure(const std::string& text) {
    return error_of([&] { read<Read>(text); });
}

geom::TriMesh tetrahedron(Vec3d offset = {}) {
    geom::TriMesh m;
    m.vertices = {offset, offset + Vec3d{1, 0, 0}, offset + Vec3d{0, 1, 0}, offset + Vec3d{0, 0, 0.3}};
    m.faces = {{0, 2, 1}, {0, 1, 3}, {1, 2, 3}, {2, 0, 3}};
    m.normals = {{-0.6f, 0, -0.8f}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    m.colors = {{255, 0, 7}, {0, 128, 0}, {1, 2, 3}, {254, 253, 252}};
    return m;
}
const Vec3d kFar{431234.567, 5312345.678, 120.5};

TEST(Obj, FacesInEveryNotation) {
    const Geometry g = read<read_obj>(
        "# comment\r\nmtllib a.mtl\r\no thing\r\nv 0 0 0\r\nv 1 0 0 1.0\r\nv 1 1 0\r\nv 0 1 0\r\nvt 0 0\r\nvn 0 0 2\r\n"
        "s off\r\nf 1 2 3\r\nf 1/1 3/1 4/1\r\nf -4//-1 -3//1 -2//1\r\nf 1/1/1 2/1/1 \\\r\n3/1/1 4/1/1\r\nl 1 2\r\nf 1 "
        "2\r\n");
    EXPECT_EQ(g.faces, (std::vector<Triangle>{{0, 1, 2}, {0, 2, 3}, {0, 1, 2}, {0, 1, 2}, {0, 2, 3}}));
    EXPECT_EQ(g.normals[0], (Vec3f{0, 0, 1}));
    EXPECT_EQ(g.skipped_polygons, 1u);
    EXPECT_TRUE(g.colors.empty());
    EXPECT_THAT(g.ignored, testing::ElementsAre("OBJ keyword l"));
}

TEST(Obj, PointCloudWithColoursAndNormals) {
    const Geometry g = read<read_obj>("v 0 0 0 1 0 0.5\nv 1 2 3 0 1 0\nvn 0 0 1\nvn 1 0 0\n");
    EXPECT_EQ(g.colors, (std::vector<Rgb8>{{255, 0, 128}, {0, 255, 0}}));
    EXPECT_EQ(g.normals, (std::vector<Vec3f>{{0, 0, 1}, {1, 0, 0}}));
    EXPECT_TRUE(g.faces.empty());
}

TEST(Obj, Malformed) {
    const auto f = failure<read_obj>;
    EXPECT_THAT(f(""), HasSubstr("empty"));
    EXPECT_THAT(f("# nothing\n"), HasSubstr("no vertices"));
    EXPECT_THAT(f("v 0 0\n"), HasSubstr("line 1: a vertex needs three numbers, 2 found"));
    EXPECT_THAT(f("v 0 0 zero\n"), HasSubstr("line 1: \"zero\""));
    EXPECT_THAT(f("v 0 0 0\nf 1 1 2\n"), HasSubstr("line 2: a face names vertex 2, but there are 1"));
    EXPECT_THAT(f("v 0 0 0\nf 1 1 0\n"), HasSubstr("line 2: \"0\""));
    EXPECT_THAT(f("v 0 0 0\nf 1 1 -2\n"), HasSubstr("counts back too far"));
    EXPECT_THAT(f("v 0 0 0\nf 1 1 9223372036854775807\n"), HasSubstr("line 2"));
    EXPECT_THAT(f("v 0 0 0\nf 1 1 -9223372036854775808\n"), HasSubstr("line 2"));
    EXPECT_THAT(f("v 0 0 0\nf 1//1 1//1 1//1\n"), HasSubstr("names normal 1, but there are 0"));
    EXPECT_THAT(f(std::string("\x01\x02\x03\x04\n", 5)), HasSubstr("no OBJ keyword"));
}

TEST(Off, PrefixesCommentsAndCounts) {
    const std::vector<std::string> heads = {"OFF\n3 1 0\n", "OFF 3 1 0\n", "OFF3 1 0\n",
                                            "# first\nOFF # here\n\n3 1\n"};
    for (const std::string& head : heads) {
        const Geometry g = read<read_off>(head + "0 0 0\n1 0 0 # corner\n\n0 1 0\n3 0 1 2 255 0 0\n");
        EXPECT_EQ(g.points[1], (Vec3d{1, 0, 0})) << head;
        EXPECT_EQ(g.faces, (std::vector<Triangle>{{0, 1, 2}})) << head;
    }
    EXPECT_EQ(read<read_off>("COFF\n1 0 0\n1 2 3 255 128 0 255\n").colors, (std::vector<Rgb8>{{255, 128, 0}}));
    EXPECT_EQ(read<read_off>("COFF\n1 0 0\n1 2 3 1 0.5 0 1\n").colors, (std::vector<Rgb8>{{255, 128, 0}}));
    const Geometry cn = read<read_off>("CNOFF\n1 0 0\n1 2 3 0 0 1 255 128 0 255\n");
    EXPECT_EQ(cn.normals, (std::vector<Vec3f>{{0, 0, 1}}));
    EXPECT_EQ(cn.colors, (std::vector<Rgb8>{{255, 128, 0}}));
}

TEST(Off, Malformed) {
    const auto f = failure<read_off>;
    EXPECT_THAT(f(""), HasSubstr("empty"));
    EXPECT_THAT(f("OFX\n"), HasSubstr("line 1: not an OFF file"));
    EXPECT_THAT(f("OFF BINARY\n"), HasSubstr("binary"));
    EXPECT_THAT(f("4OFF\n1 0 0\n1 2 3 4\n"), HasSubstr("three-dimensional"));
    EXPECT_THAT(f("OFF\n"), HasSubstr("before the counts"));
    EXPECT_THAT(f("OFF\n-1 0 0\n"), HasSubstr("two counts"));
    EXPECT_THAT(f("OFF\n1152921504606846976 0 0\n"), HasSubstr("promised"));
    EXPECT_THAT(f("OFF\n0 1152921504606846976 0\n"), HasSubstr("promised"));
    EXPECT_THAT(f("OFF\n2 0 0\n0 0 0\n      \n"), HasSubstr("vertex 1 of 2"));
    EXPECT_THAT(f("OFF\n1 0 0\n0 0 a\n"), HasSubstr("line 3 (vertex 0): \"a\""));
    EXPECT_THAT(f("NOFF\n1 0 0\n0 0 0\n"), HasSubstr("3 numbers, 6 needed"));
    EXPECT_THAT(f("OFF\n1 1 0\n0 0 0\n3 0 0 1\n"), HasSubstr("line 4 (face 0): \"1\" is not one of the 1 vertices"));
    EXPECT_THAT(f("OFF\n1 1 0\n0 0 0\n3 0 0\n"), HasSubstr("3 corners promised, 2 found"));
    EXPECT_THAT(f("OFF\n1 1 0\n0 0 0\n99999999999 0 0\n"), HasSubstr("corners promised"));
}

std::string triangle_record(const std::vector<float>& nine) {
    std::string s(12, '\0');
    for (const float v : nine) s += raw(v);
    return s + std::string(2, '\0');
}

TEST(Stl, TextAndBinaryMergeEqualCorners) {
    const Geometry text = read<read_stl>(
        "solid two\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 1 1 0\nendloop\nendfacet\n"
        "FACET NORMAL 0 0 1\r\nOUTER LOOP\r\nVERTEX -0 0 0\r\nVERTEX 1 1 0\r\nVERTEX 0 1 "
        "0\r\nENDLOOP\r\nENDFACET\r\nendsolid two\n");
    EXPECT_EQ(text.points.size(), 4u);
    EXPECT_EQ(text.faces, (std::vector<Triangle>{{0, 1, 2}, {0, 2, 3}}));
    // The header of some binary files begins with "solid".
    std::string binary = "solid but binary";
    binary.resize(80, ' ');
    binary += raw(2u) + triangle_record({0, 0, 0, 1, 0, 0, 1, 1, 0}) + triangle_record({-0.0f, 0, 0, 1, 1, 0, 0, 1, 0});
    const Geometry b = read<read_stl>(binary);
    EXPECT_EQ(b.points, text.points);
    EXPECT_EQ(b.faces, text.faces);
    EXPECT_EQ(b.encoding, "binary");
    EXPECT_THAT(failure<read_stl>(binary.substr(0, binary.size() - 1)), HasSubstr("2 triangles promised"));
    binary[0] = 'x';
    EXPECT_THAT(failure<read_stl>(binary.substr(0, binary.size() - 1)), HasSubstr("2 triangles promised"));
}

TEST(Stl, ManyVerticesMergeOnce) {
    geom::TriMesh grid;
    const std::uint32_t n = 40;
    for (std::uint32_t i = 0; i < n; ++i)
        for (std::uint32_t j = 0; j < n; ++j) grid.vertices.push_back({0.25 * i, 0.5 * j, 0});
    for (std::uint32_t i = 0; i + 1 < n; ++i)
        for (std::uint32_t j = 0; j + 1 < n; ++j) {
            const std::uint32_t a = i * n + j;
            grid.faces.push_back({a, a + n, a + 1}), grid.faces.push_back({a + 1, a + n, a + n + 1});
        }
    std::ostringstream out;
    write_stl(out, grid);
    const Geometry back = read<read_stl>(out.str());
    EXPECT_EQ(back.points.size(), grid.vertices.size());
    EXPECT_EQ(back.faces.size(), grid.faces.size());
}

TEST(Stl, Malformed) {
    const auto f = failure<read_stl>;
    EXPECT_THAT(f(""), HasSubstr("empty"));
    EXPECT_THAT(f("solid x\n"), HasSubstr("without \"endsolid\""));
    EXPECT_THAT(f("solid x\nfacet normal 0 0 1\nouter loop\nvertex 0 0\n"),
                HasSubstr("line 4: a vertex needs three numbers"));
    EXPECT_THAT(f("solid x\nvertex 0 0 0\n"), HasSubstr("outside of a facet"));
    EXPECT_THAT(f("solid x\nfacet\nfacet\n"), HasSubstr("inside a facet"));
    EXPECT_THAT(f("hello"), HasSubstr("the STL header"));
    EXPECT_THAT(f(std::string(80, 'x') + raw(0xffffffffu)), HasSubstr("4294967295 triangles promised"));
    std::ostringstream out;
    geom::TriMesh none;
    EXPECT_THAT(error_of([&] { write_stl(out, none); }), HasSubstr("triangles"));
}

template <Geometry (*Read)(std::istream&), void (*Write)(std::ostream&, const GeometryView&)>
void expect_exact_round_trip() {
    for (const Vec3d offset : {Vec3d{}, kFar}) {
        const geom::TriMesh m = tetrahedron(offset);
        std::ostringstream out;
        Write(out, m);
        const geom::TriMesh back = to_mesh(read<Read>(out.str()));
        EXPECT_EQ(back.vertices, m.vertices);
        EXPECT_EQ(back.faces, m.faces);
        EXPECT_EQ(back.colors, m.colors);
        ASSERT_EQ(back.normals.size(), m.normals.size());
        for (std::size_t i = 0; i < m.normals.size(); ++i) EXPECT_LT(geom::norm(back.normals[i] - m.normals[i]), 1e-6f);
        // Every truncation is an error or a shorter mesh, never a crash.
        for (std::size_t n = 0; n < out.str().size(); ++n) {
            try {
                read<Read>(out.str().substr(0, n));
            } catch (const Error& e) {
                EXPECT_EQ(e.kind(), ErrorKind::format);
            }
        }
    }
}
TEST(Obj, RoundTripsExactly) { expect_exact_round_trip<read_obj, write_obj>(); }
TEST(Off, RoundTripsExactly) { expect_exact_round_trip<read_off, write_off>(); }

TEST(Stl, RoundTrip) {
    std::ostringstream out;
    write_stl(out, tetrahedron());
    EXPECT_EQ(out.str().size(), 84u + 4 * 50);
    const Geometry back = read<read_stl>(out.str());
    EXPECT_EQ(back.points.size(), 4u);
    EXPECT_EQ(back.faces.size(), 4u);
}

// The parts of a GLB file, read by hand from the specification.
struct Glb {
    nlohmann::json json;
    std::string bin;
};
Glb parts_of(const std::string& s) {
    const auto u32 = [&](std::size_t at) {
        std::uint32_t v = 0;
        std::memcpy(&v, s.data() + at, 4);
        return v;
    };
    EXPECT_EQ(s.substr(0, 4), "glTF");
    EXPECT_EQ(u32(4), 2u);
    EXPECT_EQ(u32(8), s.size());
    const std::uint32_t n = u32(12);
    EXPECT_EQ(n % 4, 0u);
    EXPECT_EQ(s.substr(16, 4), "JSON");
    const std::uint32_t m = u32(20 + n);
    EXPECT_EQ(s.substr(24 + n, 4), std::string("BIN\0", 4));
    EXPECT_EQ(28 + n + m, s.size());
    return {nlohmann::json::parse(s.substr(20, n)), s.substr(28 + n)};
}

TEST(Glb, APictureOnTheMesh) {
    geom::TexturedMesh m;
    m.mesh = tetrahedron();
    m.uv = {{0, 0}, {1, 0}, {0.25f, 0.5f}, {1, 1}};
    m.texture = geom::Image8(5, 3, 3, 77);
    m.texture.pixel(4, 2)[1] = 200;
    std::ostringstream out;
    write_glb(out, m);
    const Glb glb = parts_of(out.str());
    EXPECT_EQ(glb.bin.size() % 4, 0u);
    EXPECT_EQ(glb.json["buffers"][0]["byteLength"], glb.bin.size());
    const auto& primitive = glb.json["meshes"][0]["primitives"][0];
    EXPECT_FALSE(primitive["attributes"].contains("COLOR_0"));
    const auto view_of = [&](const nlohmann::json& view) {
        return glb.bin.substr(view["byteOffset"].get<std::size_t>(), view["byteLength"].get<std::size_t>());
    };
    const auto& accessor = glb.json["accessors"][primitive["attributes"]["TEXCOORD_0"].get<std::size_t>()];
    EXPECT_EQ(accessor["type"], "VEC2");
    const std::string uv = view_of(glb.json["bufferViews"][accessor["bufferView"].get<std::size_t>()]);
    ASSERT_EQ(uv.size(), 32u);
    EXPECT_EQ(std::memcmp(uv.data(), m.uv.data(), 32), 0);
    const auto& material = glb.json["materials"][primitive["material"].get<std::size_t>()];
    const auto& texture =
        glb.json["textures"][material["pbrMetallicRoughness"]["baseColorTexture"]["index"].get<std::size_t>()];
    const auto& image = glb.json["images"][texture["source"].get<std::size_t>()];
    EXPECT_EQ(image["mimeType"], "image/png");
    const geom::Image8 back = parse_png(view_of(glb.json["bufferViews"][image["bufferView"].get<std::size_t>()]));
    EXPECT_EQ(back.data, m.texture.data);
    m.uv.pop_back();
    EXPECT_THROW(write_glb(out, m), Error);
}

TEST(Glb, MeshWithColoursNormalsAndOffset) {
    for (const Vec3d offset : {Vec3d{}, kFar}) {
        const geom::TriMesh m = tetrahedron(offset);
        std::ostringstream out;
        write_glb(out, m);
        const Glb glb = parts_of(out.str());
        EXPECT_EQ(glb.json["asset"]["version"], "2.0");
        ASSERT_TRUE(glb.json["nodes"].is_array() && glb.json["scenes"].is_array() && glb.json["buffers"].is_array());
        EXPECT_EQ(glb.json["scenes"][0]["nodes"], nlohmann::json::array({0}));
        EXPECT_EQ(glb.json["buffers"][0]["byteLength"], glb.bin.size());
        const auto& primitive = glb.json["meshes"][0]["primitives"][0];
        EXPECT_EQ(primitive["mode"], 4);
        const auto column = [&](const nlohmann::json& accessor_index) {
            const auto& accessor = glb.json["accessors"][accessor_index.get<std::size_t>()];
            const auto& view = glb.json["bufferViews"][accessor["bufferView"].get<std::size_t>()];
            EXPECT_EQ(view["byteOffset"].get<std::size_t>() % 4, 0u);
            return glb.bin.data() + view["byteOffset"].get<std::size_t>();
        };
        Vec3d translation{};
        if (glb.json["nodes"][0].contains("translation"))
            for (int k = 0; k < 3; ++k)
                translation[k] = glb.json["nodes"][0]["translation"][static_cast<std::size_t>(k)];
        EXPECT_EQ(translation == Vec3d{}, offset == Vec3d{});
        const char* positions = column(primitive["attributes"]["POSITION"]);
        const char* colors = column(primitive["attributes"]["COLOR_0"]);
        for (std::size_t i = 0; i < 4; ++i) {
            float v[3];
            std::memcpy(v, positions + 12 * i, 12);
            const Vec3d p = translation + Vec3d{v[0], v[1], v[2]};
            EXPECT_LT(geom::norm(p - m.vertices[i]), 1e-7) << i;
            std::uint16_t c[4];
            std::memcpy(c, colors + 8 * i, 8);
            // Linear value of an sRGB byte, and opaque.
            EXPECT_NEAR(c[1] / 65535.0, std::pow((m.colors[i].g / 255.0 + 0.055) / 1.055, 2.4), 0.003);
            EXPECT_EQ(c[3], 65535);
        }
        Triangle last{};
        std::memcpy(last.data(), column(primitive["indices"]) + 36, 12);
        EXPECT_EQ(last, m.faces[3]);
        const auto& box = glb.json["accessors"][0];
        EXPECT_NEAR(box["max"][2].get<double>() - box["min"][2].get<double>(), 0.3, 1e-6);
    }
}

TEST(Glb, PointsAndBadInput) {
    geom::PointCloud cloud;
    std::ostringstream out;
    EXPECT_THAT(error_of([&] { write_glb(out, cloud); }), HasSubstr("no points"));
    cloud.points = {{0, 0, 0}, {1, NAN, 0}};
    EXPECT_THAT(error_of([&] { write_glb(out, cloud); }), HasSubstr("vertex 1"));
    cloud.points[1].y = 1e300;
    EXPECT_THAT(error_of([&] { write_glb(out, cloud); }), HasSubstr("too large"));
    cloud.points[1].y = 1;
    std::ostringstream good;
    write_glb(good, cloud);
    EXPECT_EQ(parts_of(good.str()).json["meshes"][0]["primitives"][0]["mode"], 0);
}

}  // namespace
}  // namespace nir::io
