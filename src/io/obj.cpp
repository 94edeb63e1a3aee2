// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/obj.h"

#include "nir/base/error.h"
#include "nir/io/file_bytes.h"

#include "io/binary.h"
#include "io/colors.h"
#include "io/mesh_rows.h"
#include "io/output.h"
#include "io/polygons.h"
#include "io/text.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <set>

namespace nir::io {
namespace {

using geom::Vec3f;

class ObjParser {
public:
    explicit ObjParser(std::string_view bytes) : lines_(bytes) {}

    Geometry parse() {
        std::string_view line;
        while (next_line(line)) {
            Words<> words(line);
            std::string_view keyword;
            if (!words.next(keyword) || keyword.front() == '#') continue;
            if (keyword == "v")
                vertex(words);
            else if (keyword == "vn")
                normal(words);
            else if (keyword == "f")
                face(words);
            else if (keyword != "vt" && keyword != "o" && keyword != "g" && keyword != "s" && keyword != "usemtl" &&
                     keyword != "mtllib")
                skip(keyword);
        }
        if (out_.points.empty()) fail(ErrorKind::format, "no vertices in this OBJ file");
        check_forward_references();
        finish_normals();
        if (colors_.size() == out_.points.size()) out_.colors = to_rgb8(colors_);
        for (const std::string& keyword : skipped_) out_.ignored.push_back("OBJ keyword " + keyword);
        out_.encoding = "ascii";
        return std::move(out_);
    }

private:
    // A backslash at the end of a line joins it with the next one.
    bool next_line(std::string_view& line) {
        if (!lines_.next(line)) return false;
        if (line.empty() || line.back() != '\\') return true;
        joined_.clear();
        do {
            joined_.append(line.substr(0, line.size() - 1)) += ' ';
        } while (lines_.next(line) && !line.empty() && line.back() == '\\');
        joined_.append(line);
        line = joined_;
        return true;
    }

    int numbers(Words<>& words, double* to, int most) {
        std::string_view word;
        int n = 0;
        while (n < most && words.next(word)) {
            if (!parse_number(word, to[n++]))
                fail(ErrorKind::format, "line {}: {} is not a number", lines_.number(), in_quotes(word));
        }
        return n;
    }

    void vertex(Words<>& words) {
        double v[7];
        const int n = numbers(words, v, 7);
        if (n < 3) fail(ErrorKind::format, "line {}: a vertex needs three numbers, {} found", lines_.number(), n);
        if (out_.points.size() >= std::numeric_limits<std::uint32_t>::max() - 1)
            fail(ErrorKind::format, "line {}: too many vertices", lines_.number());
        out_.points.push_back({v[0], v[1], v[2]});
        if (n >= 6) colors_.push_back({static_cast<float>(v[3]), static_cast<float>(v[4]), static_cast<float>(v[5])});
    }

    void normal(Words<>& words) {
        double v[3];
        const int n = numbers(words, v, 3);
        if (n < 3) fail(ErrorKind::format, "line {}: a normal needs three numbers, {} found", lines_.number(), n);
        normals_.push_back({static_cast<float>(v[0]), static_cast<float>(v[1]), static_cast<float>(v[2])});
    }

    // 1-based, or counted back from the last one; -1 if it is not a number that can be.
    std::int64_t index(std::string_view word, std::size_t n_so_far, std::string_view what) {
        std::int64_t i = 0;
        if (!parse_integer(word, i) || i == 0)
            fail(ErrorKind::format, "line {}: {} is not a {} number", lines_.number(), in_quotes(word), what);
        if (i > 0) return i - 1;
        if (i < -static_cast<std::int64_t>(n_so_far))
            fail(ErrorKind::format, "line {}: {} {} counts back too far", lines_.number(), what, i);
        return static_cast<std::int64_t>(n_so_far) + i;
    }

    void face(Words<>& words) {
        corners_.clear();
        std::string_view word;
        while (words.next(word)) {
            const std::size_t slash = word.find('/');
            const std::int64_t v = index(word.substr(0, slash), out_.points.size(), "vertex");
            if (v >= std::numeric_limits<std::uint32_t>::max())
                fail(ErrorKind::format, "line {}: no vertex {}", lines_.number(), v + 1);
            if (v > largest_vertex_) largest_vertex_ = v, largest_line_ = lines_.number();
            corners_.push_back(v);
            if (slash == std::string_view::npos) continue;
            const std::size_t second = word.find('/', slash + 1);
            if (second == std::string_view::npos || second + 1 == word.size()) continue;
            const std::int64_t n = index(word.substr(second + 1), normals_.size(), "normal");
            corner_normals_.push_back({static_cast<std::uint32_t>(v), n, lines_.number()});
        }
        add_polygon(corners_, out_);
    }

    void skip(std::string_view keyword) {
        const bool letters = std::all_of(keyword.begin(), keyword.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        });
        if (!letters || keyword.size() > 20)
            fail(ErrorKind::format, "line {}: {} is no OBJ keyword", lines_.number(), in_quotes(keyword));
        if (skipped_.size() < 32) skipped_.insert(std::string(keyword));
    }

    // A face may name a vertex that comes later in the file.
    void check_forward_references() {
        if (largest_vertex_ >= static_cast<std::int64_t>(out_.points.size())) {
            fail(ErrorKind::format, "line {}: a face names vertex {}, but there are {}", largest_line_,
                 largest_vertex_ + 1, out_.points.size());
        }
        for (const CornerNormal& c : corner_normals_) {
            if (c.normal >= static_cast<std::int64_t>(normals_.size()))
                fail(ErrorKind::format, "line {}: a face names normal {}, but there are {}", c.line, c.normal + 1,
                     normals_.size());
        }
    }

    void finish_normals() {
        if (corner_normals_.empty()) {
            if (normals_.size() == out_.points.size()) out_.normals = std::move(normals_);
            return;
        }
        out_.normals.resize(out_.points.size());
        for (const CornerNormal& c : corner_normals_)
            out_.normals[c.vertex] += normals_[static_cast<std::size_t>(c.normal)];
        for (Vec3f& n : out_.normals) n = geom::normalized(n);
    }

    struct CornerNormal {
        std::uint32_t vertex;
        std::int64_t normal;
        std::size_t line;
    };
    LineReader lines_;
    std::string joined_;
    Geometry out_;
    std::vector<Vec3f> colors_, normals_;
    std::vector<std::int64_t> corners_;
    std::vector<CornerNormal> corner_normals_;
    std::set<std::string> skipped_;
    std::int64_t largest_vertex_ = -1;
    std::size_t largest_line_ = 0;
};

}  // namespace

Geometry parse_obj(std::string_view bytes) {
    if (bytes.empty()) fail(ErrorKind::format, "the file is empty");
    return ObjParser(bytes).parse();
}
Geometry read_obj(std::istream& in) {
    return read_stream(in, [](std::string_view b) { return parse_obj(b); });
}
Geometry read_obj(const std::filesystem::path& path) {
    return read_path(path, [](std::string_view b) { return parse_obj(b); });
}

void obj::position_lines(ByteWriter& to, const GeometryView& g) {
    for (std::size_t i = 0; i < g.points.size(); ++i) {
        const geom::Vec3d& p = g.points[i];
        to.format("v {} {} {}", p.x, p.y, p.z);
        if (!g.colors.empty())
            to.format(" {:.4f} {:.4f} {:.4f}", g.colors[i].r / 255.0, g.colors[i].g / 255.0, g.colors[i].b / 255.0);
        to.format("\n");
    }
}
void obj::normal_lines(ByteWriter& to, std::span<const Vec3f> normals) {
    for (const Vec3f& n : normals) to.format("vn {} {} {}\n", n.x, n.y, n.z);
}
void obj::face_lines(ByteWriter& to, std::span<const geom::Triangle> faces, bool normals) {
    for (const geom::Triangle& t : faces) {
        if (normals)
            to.format("f {0}//{0} {1}//{1} {2}//{2}\n", t[0] + 1, t[1] + 1, t[2] + 1);
        else
            to.format("f {} {} {}\n", t[0] + 1, t[1] + 1, t[2] + 1);
    }
}

void write_obj(std::ostream& out, const GeometryView& g) {
    check_columns(g);
    ByteWriter to(out);
    obj::position_lines(to, g);
    obj::normal_lines(to, g.normals);
    obj::face_lines(to, g.faces, !g.normals.empty());
    to.flush();
}
void write_obj(const std::filesystem::path& path, const GeometryView& g) {
    write_path(path, [&](std::ostream& out) { write_obj(out, g); });
}

}  // namespace nir::io
