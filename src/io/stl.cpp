// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/stl.h"

#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/io/file_bytes.h"

#include "io/binary.h"
#include "io/output.h"
#include "io/polygons.h"
#include "io/text.h"

#include <bit>
#include <limits>

namespace nir::io {
namespace {

using geom::Vec3d;

constexpr std::size_t kHeader = 84, kRecord = 50;

// Gives equal positions the same number: a hash table with open addressing that grows with the number of vertices.
class VertexTable {
public:
    explicit VertexTable(Geometry& out) : out_(out), slots_(1024, kFree) {}

    std::int64_t add(Vec3d p) {
        p = {p.x + 0.0, p.y + 0.0, p.z + 0.0};  // -0 becomes 0
        if (2 * out_.points.size() >= slots_.size()) grow();
        std::size_t at = slot_of(p);
        for (; slots_[at] != kFree; at = (at + 1) & (slots_.size() - 1)) {
            if (same_bits(out_.points[slots_[at]], p)) return slots_[at];
        }
        if (out_.points.size() >= kFree) fail(ErrorKind::format, "too many vertices");
        slots_[at] = static_cast<std::uint32_t>(out_.points.size());
        out_.points.push_back(p);
        return slots_[at];
    }

private:
    static constexpr std::uint32_t kFree = std::numeric_limits<std::uint32_t>::max();

    static std::uint64_t bits(double v) { return std::bit_cast<std::uint64_t>(v); }
    static bool same_bits(const Vec3d& a, const Vec3d& b) {
        return bits(a.x) == bits(b.x) && bits(a.y) == bits(b.y) && bits(a.z) == bits(b.z);
    }
    std::size_t slot_of(const Vec3d& p) const {
        std::uint64_t h = bits(p.x) * 0x9e3779b97f4a7c15u;
        h = (std::rotl(h, 29) ^ bits(p.y)) * 0xbf58476d1ce4e5b9u;
        h = (std::rotl(h, 29) ^ bits(p.z)) * 0x94d049bb133111ebu;
        return static_cast<std::size_t>(h ^ (h >> 32)) & (slots_.size() - 1);
    }
    void grow() {
        slots_.assign(slots_.size() * 2, kFree);
        for (std::size_t i = 0; i < out_.points.size(); ++i) {
            std::size_t at = slot_of(out_.points[i]);
            while (slots_[at] != kFree) at = (at + 1) & (slots_.size() - 1);
            slots_[at] = static_cast<std::uint32_t>(i);
        }
    }
    Geometry& out_;
    std::vector<std::uint32_t> slots_;
};

Geometry parse_binary(std::string_view bytes) {
    ByteReader r(bytes);
    r.take(80, "the STL header");
    const auto n = r.get<std::uint32_t>("the number of triangles");
    if (n > r.remaining() / kRecord)
        fail(ErrorKind::format, "{} triangles promised, but only {} bytes follow", n, r.remaining());
    Geometry out;
    out.encoding = "binary";
    out.polygons = n;
    out.faces.reserve(n);
    VertexTable table(out);
    for (std::uint32_t i = 0; i < n; ++i) {
        const char* p = r.take(kRecord, "a triangle") + 12;
        geom::Triangle t{};
        for (std::size_t k = 0; k < 3; ++k, p += 12) {
            const Vec3d v{static_cast<double>(load<float>(p)), static_cast<double>(load<float>(p + 4)),
                          static_cast<double>(load<float>(p + 8))};
            t[k] = static_cast<std::uint32_t>(table.add(v));
        }
        out.faces.push_back(t);
    }
    return out;
}

Geometry parse_text(std::string_view bytes) {
    Geometry out;
    out.encoding = "ascii";
    VertexTable table(out);
    std::vector<std::int64_t> corners;
    LineReader lines(bytes);
    std::string_view line, word;
    bool in_facet = false, ended = false;
    while (lines.next(line)) {
        Words<> words(line);
        if (!words.next(word)) continue;
        const auto is = [&](std::string_view keyword) { return equals_ignoring_case(word, keyword); };
        const auto at = [&] { return lines.number(); };
        if (is("vertex")) {
            if (!in_facet) fail(ErrorKind::format, "line {}: a vertex outside of a facet", at());
            double v[3];
            for (double& x : v) {
                if (!words.next(word) || !parse_number(word, x))
                    fail(ErrorKind::format, "line {}: a vertex needs three numbers", at());
            }
            corners.push_back(table.add({v[0], v[1], v[2]}));
        } else if (is("facet")) {
            if (in_facet) fail(ErrorKind::format, "line {}: a facet inside a facet", at());
            in_facet = true, corners.clear();
        } else if (is("endfacet")) {
            if (!in_facet) fail(ErrorKind::format, "line {}: \"endfacet\" without \"facet\"", at());
            in_facet = false;
            add_polygon(corners, out);
        } else if (is("solid") || is("endsolid")) {
            if (in_facet) fail(ErrorKind::format, "line {}: {} inside a facet", at(), in_quotes(word));
            ended = is("endsolid");
        } else if (!is("outer") && !is("endloop")) {
            fail(ErrorKind::format, "line {}: {} is no STL keyword", at(), in_quotes(word));
        }
    }
    if (!ended || in_facet) fail(ErrorKind::format, "line {}: the file ends without \"endsolid\"", lines.number());
    return out;
}

bool is_text(std::string_view bytes) {
    if (!equals_ignoring_case(trim(bytes.substr(0, 512)).substr(0, 5), "solid")) return false;
    // Some programs begin the header of a binary file with "solid": zero bytes or the length decide.
    if (bytes.substr(0, 1024).find('\0') != std::string_view::npos) return false;
    return bytes.size() < kHeader ||
           bytes.size() != kHeader + std::uint64_t{load<std::uint32_t>(bytes.data() + 80)} * kRecord;
}

}  // namespace

bool looks_like_stl(std::string_view bytes) {
    if (is_text(bytes)) return bytes.substr(0, 2000).find("facet") != std::string_view::npos;
    return bytes.size() > kHeader &&
           bytes.size() == kHeader + std::uint64_t{load<std::uint32_t>(bytes.data() + 80)} * kRecord;
}

Geometry parse_stl(std::string_view bytes) {
    if (bytes.empty()) fail(ErrorKind::format, "the file is empty");
    return is_text(bytes) ? parse_text(bytes) : parse_binary(bytes);
}
Geometry read_stl(std::istream& in) {
    return read_stream(in, [](std::string_view b) { return parse_stl(b); });
}
Geometry read_stl(const std::filesystem::path& path) {
    return read_path(path, [](std::string_view b) { return parse_stl(b); });
}

void write_stl(std::ostream& out, const GeometryView& g) {
    check_columns(g);
    if (g.faces.empty()) fail(ErrorKind::input, "STL holds triangles, and there are none here; write a PLY file");
    if (g.faces.size() > std::numeric_limits<std::uint32_t>::max())
        fail(ErrorKind::input, "too many triangles for STL");
    if (needs_double(g.points)) {
        log_warning(
            "STL holds 32-bit floats, which move these coordinates by more than 1e-7 of the box; PLY keeps them");
    }
    ByteWriter to(out);
    std::string header = "binary STL";
    header.resize(80, ' ');
    to.put_bytes(header);
    to.put(static_cast<std::uint32_t>(g.faces.size()));
    const auto put = [&](Vec3d v) {
        for (int k = 0; k < 3; ++k) to.put(static_cast<float>(v[k]));
    };
    for (const geom::Triangle& t : g.faces) {
        const Vec3d &a = g.points[t[0]], &b = g.points[t[1]], &c = g.points[t[2]];
        put(geom::normalized(geom::cross(b - a, c - a)));
        put(a), put(b), put(c);
        to.put(std::uint16_t{0});
    }
    to.flush();
}
void write_stl(const std::filesystem::path& path, const GeometryView& g) {
    write_path(path, [&](std::ostream& out) { write_stl(out, g); });
}

}  // namespace nir::io
