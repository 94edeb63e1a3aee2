// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/glb.h"

#include "nir/base/error.h"
#include "nir/io/png.h"

#include "io/binary.h"
#include "io/output.h"

#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <sstream>

namespace nir::io {
namespace {

using geom::Vec3d;
using geom::Vec3f;
using Json = nlohmann::ordered_json;

// Numbers of the glTF 2.0 specification.
constexpr int kFloat = 5126, kUnsignedInt = 5125, kUnsignedShort = 5123, kVertices = 34962, kIndices = 34963,
              kPoints = 0, kTriangles = 4, kLinear = 9729, kClampToEdge = 33071;

// sRGB byte -> linear 0..65535 (IEC 61966-2-1).
std::array<std::uint16_t, 256> linear_table() {
    std::array<std::uint16_t, 256> table{};
    for (std::size_t i = 0; i < 256; ++i) {
        const double s = static_cast<double>(i) / 255.0;
        const double linear = s <= 0.04045 ? s / 12.92 : std::pow((s + 0.055) / 1.055, 2.4);
        table[i] = static_cast<std::uint16_t>(std::lround(linear * 65535.0));
    }
    return table;
}

struct Layout {
    Json buffer_views = Json::array(), accessors = Json::array();
    std::uint64_t bytes = 0;

    /// Adds one column of n elements; returns the number of its accessor.
    std::size_t add(std::size_t n, std::uint64_t element_bytes, int component, const char* type, int target) {
        const std::uint64_t length = n * element_bytes;
        buffer_views.push_back({{"buffer", 0}, {"byteOffset", bytes}, {"byteLength", length}, {"target", target}});
        accessors.push_back(
            {{"bufferView", buffer_views.size() - 1}, {"componentType", component}, {"count", n}, {"type", type}});
        bytes += length;
        return accessors.size() - 1;
    }
};

// The centre if float needs it, and the box of the floats that are written.
struct Positions {
    Vec3d center{};
    Vec3f lo{}, hi{};

    Vec3f at(const Vec3d& p) const { return static_cast<Vec3f>(p - center); }
};

Positions measure(std::span<const Vec3d> points) {
    geom::Box3d box;
    for (std::size_t i = 0; i < points.size(); ++i) {
        if (!geom::is_finite(points[i]))
            fail(ErrorKind::input, "vertex {}: a coordinate is not a number; glTF cannot hold it", i);
        box.extend(points[i]);
    }
    Positions positions;
    if (needs_double(points)) positions.center = box.center();
    geom::Box3f written;
    for (const Vec3d& p : points) written.extend(positions.at(p));
    if (!geom::is_finite(written.lo) || !geom::is_finite(written.hi))
        fail(ErrorKind::input, "the coordinates are too large for glTF's floats");
    positions.lo = written.lo, positions.hi = written.hi;
    return positions;
}

/// A picture on the mesh, and where its vertices lie in it.
struct Texture {
    std::span<const geom::Uv> uv;
    std::string png;
};

// Colours come from the picture as they are: no light, as in photos.
void add_material(Json& gltf, Json& primitive, Layout& layout, std::size_t png_bytes) {
    layout.buffer_views.push_back({{"buffer", 0}, {"byteOffset", layout.bytes}, {"byteLength", png_bytes}});
    layout.bytes += (png_bytes + 3) / 4 * 4;
    primitive["material"] = 0;
    gltf["materials"] = {{{"pbrMetallicRoughness",
                           {{"baseColorTexture", {{"index", 0}}}, {"metallicFactor", 0}, {"roughnessFactor", 1}}},
                          {"extensions", {{"KHR_materials_unlit", Json::object()}}}}};
    gltf["extensionsUsed"] = {"KHR_materials_unlit"};
    gltf["textures"] = {{{"sampler", 0}, {"source", 0}}};
    gltf["samplers"] = {
        {{"magFilter", kLinear}, {"minFilter", kLinear}, {"wrapS", kClampToEdge}, {"wrapT", kClampToEdge}}};
    gltf["images"] = {{{"bufferView", layout.buffer_views.size() - 1}, {"mimeType", "image/png"}}};
}

std::string describe(const GeometryView& g, const Texture* texture, const Positions& positions, std::uint64_t& bytes) {
    Layout layout;
    Json attributes;
    const std::size_t n = g.points.size();
    const std::size_t position = layout.add(n, 12, kFloat, "VEC3", kVertices);
    const auto list = [](const Vec3f& v) { return Json{v.x, v.y, v.z}; };
    layout.accessors[position]["min"] = list(positions.lo), layout.accessors[position]["max"] = list(positions.hi);
    attributes["POSITION"] = position;
    if (!g.normals.empty()) attributes["NORMAL"] = layout.add(n, 12, kFloat, "VEC3", kVertices);
    if (!g.colors.empty()) {
        const std::size_t color = layout.add(n, 8, kUnsignedShort, "VEC4", kVertices);
        layout.accessors[color]["normalized"] = true;
        attributes["COLOR_0"] = color;
    }
    if (texture) attributes["TEXCOORD_0"] = layout.add(n, 8, kFloat, "VEC2", kVertices);
    Json primitive = {{"attributes", attributes}, {"mode", g.faces.empty() ? kPoints : kTriangles}};
    if (!g.faces.empty()) primitive["indices"] = layout.add(3 * g.faces.size(), 4, kUnsignedInt, "SCALAR", kIndices);
    Json material = Json::object();
    if (texture) add_material(material, primitive, layout, texture->png.size());
    bytes = layout.bytes;

    Json node = {{"mesh", 0}};
    if (positions.center != Vec3d{}) node["translation"] = {positions.center.x, positions.center.y, positions.center.z};
    Json gltf = {{"asset", {{"version", "2.0"}, {"generator", "nir"}}},
                 {"scene", 0},
                 {"scenes", {{{"nodes", {0}}}}},
                 {"nodes", Json::array({node})},
                 {"meshes", {{{"primitives", Json::array({primitive})}}}},
                 {"buffers", {{{"byteLength", layout.bytes}}}},
                 {"bufferViews", layout.buffer_views},
                 {"accessors", layout.accessors}};
    gltf.update(material);
    std::string text = gltf.dump();
    text.resize((text.size() + 3) / 4 * 4, ' ');
    return text;
}

void write(std::ostream& out, const GeometryView& g, const Texture* texture) {
    check_columns(g);
    if (g.points.empty()) fail(ErrorKind::input, "there are no points to write");
    const Positions positions = measure(g.points);
    std::uint64_t bytes = 0;
    const std::string json = describe(g, texture, positions, bytes);
    const std::uint64_t total = 12 + 8 + json.size() + 8 + bytes;
    if (total > std::numeric_limits<std::uint32_t>::max())
        fail(ErrorKind::input, "{} bytes do not fit in a GLB file (4 GiB); write PLY", total);

    ByteWriter to(out);
    const auto put_u32 = [&to](std::uint64_t v) { to.put(static_cast<std::uint32_t>(v)); };
    to.put_bytes("glTF"), put_u32(2), put_u32(total);
    put_u32(json.size()), to.put_bytes("JSON"), to.put_bytes(json);
    put_u32(bytes), to.put_bytes(std::string_view("BIN\0", 4));
    const auto put = [&to](const Vec3f& v) { to.put(v.x), to.put(v.y), to.put(v.z); };
    for (const Vec3d& p : g.points) put(positions.at(p));
    for (const Vec3f& n : g.normals) {
        // glTF asks for unit normals.
        const Vec3f unit = geom::normalized(n);
        put(geom::is_finite(unit) && unit != Vec3f{} ? unit : Vec3f{0, 0, 1});
    }
    if (!g.colors.empty()) {
        const std::array<std::uint16_t, 256> linear = linear_table();
        for (const geom::Rgb8& c : g.colors)
            to.put(linear[c.r]), to.put(linear[c.g]), to.put(linear[c.b]), to.put(std::uint16_t{65535});
    }
    if (texture)
        for (const geom::Uv& uv : texture->uv) to.put(uv[0]), to.put(uv[1]);
    for (const geom::Triangle& t : g.faces) to.put(t[0]), to.put(t[1]), to.put(t[2]);
    if (texture) to.put_bytes(texture->png), to.put_bytes(std::string((4 - texture->png.size() % 4) % 4, '\0'));
    to.flush();
}

}  // namespace

void write_glb(std::ostream& out, const GeometryView& g) { write(out, g, nullptr); }
void write_glb(const std::filesystem::path& path, const GeometryView& g) {
    write_path(path, [&](std::ostream& out) { write_glb(out, g); });
}

void write_glb(std::ostream& out, const geom::TexturedMesh& textured) {
    if (textured.uv.size() != textured.mesh.vertices.size() || textured.texture.empty())
        fail(ErrorKind::internal, "a textured mesh needs a picture and a place in it for each of {} vertices, not {}",
             textured.mesh.vertices.size(), textured.uv.size());
    geom::TriMesh mesh = textured.mesh;
    mesh.colors.clear();  // glTF multiplies them with the picture
    std::ostringstream png;
    write_png(png, textured.texture);
    const Texture texture{textured.uv, std::move(png).str()};
    write(out, GeometryView(mesh), &texture);
}
void write_glb(const std::filesystem::path& path, const geom::TexturedMesh& textured) {
    write_path(path, [&](std::ostream& out) { write_glb(out, textured); });
}

}  // namespace nir::io
