// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/off.h"

#include "nir/base/error.h"
#include "nir/io/file_bytes.h"

#include "io/binary.h"
#include "io/colors.h"
#include "io/output.h"
#include "io/polygons.h"
#include "io/text.h"

#include <iterator>
#include <limits>

namespace nir::io {
namespace {

struct Prefix {
    bool texture = false, colors = false, normals = false, four = false, any_dimension = false;
    std::size_t length = 0;  ///< of the keyword with its prefix; 0: not an OFF file
};

Prefix parse_prefix(std::string_view s) {
    Prefix p;
    const std::string_view whole = s;
    const auto accept = [&s](std::string_view w) {
        if (!s.starts_with(w)) return false;
        s.remove_prefix(w.size());
        return true;
    };
    p.texture = accept("ST"), p.colors = accept("C"), p.normals = accept("N"), p.four = accept("4"),
    p.any_dimension = accept("n");
    if (accept("OFF")) p.length = whole.size() - s.size();
    return p;
}

class OffParser {
public:
    explicit OffParser(std::string_view bytes) : lines_(bytes) {}

    Geometry parse() {
        const Prefix prefix = header();
        if (n_vertices_ > lines_.remaining() / 5 + 1 || n_faces_ > lines_.remaining() / 2 + 1) {
            fail(ErrorKind::format, "{} vertices and {} faces promised, but only {} bytes follow", n_vertices_,
                 n_faces_, lines_.remaining());
        }
        if (n_vertices_ >= std::numeric_limits<std::uint32_t>::max()) fail(ErrorKind::format, "too many vertices");
        out_.points.reserve(static_cast<std::size_t>(n_vertices_));
        for (std::uint64_t i = 0; i < n_vertices_; ++i) vertex(prefix, i);
        for (std::uint64_t i = 0; i < n_faces_; ++i) face(i);
        if (!colors_.empty() && colors_.size() == out_.points.size()) out_.colors = to_rgb8(colors_);
        out_.encoding = "ascii";
        return std::move(out_);
    }

private:
    // The next line with something on it, comments cut off.
    bool next_words(Words<>& words) {
        std::string_view line;
        while (lines_.next(line)) {
            line = trim(line.substr(0, line.find('#')));
            if (line.empty()) continue;
            words = Words<>(line);
            return true;
        }
        return false;
    }

    Prefix header() {
        Words<> words{std::string_view()};
        if (!next_words(words)) fail(ErrorKind::format, "the file is empty");
        std::string_view rest = words.rest();
        const Prefix prefix = parse_prefix(rest);
        if (prefix.length == 0)
            fail(ErrorKind::format, "line {}: not an OFF file (it must begin with \"OFF\")", lines_.number());
        if (prefix.four || prefix.any_dimension)
            fail(ErrorKind::format, "line {}: nir reads three-dimensional OFF only", lines_.number());
        rest = trim(rest.substr(prefix.length));
        if (rest.starts_with("BINARY"))
            fail(ErrorKind::format, "line {}: binary OFF; nir reads text OFF only", lines_.number());
        if (!rest.empty())
            words = Words<>(rest);
        else if (!next_words(words))
            fail(ErrorKind::format, "line {}: the file ends before the counts", lines_.number());
        std::string_view a, b;
        if (!words.next(a) || !words.next(b) || !parse_integer(a, n_vertices_) || !parse_integer(b, n_faces_)) {
            fail(ErrorKind::format, "line {}: two counts (vertices, faces) expected", lines_.number());
        }
        return prefix;
    }

    void vertex(const Prefix& prefix, std::uint64_t i) {
        Words<> words{std::string_view()};
        if (!next_words(words))
            fail(ErrorKind::format, "line {}: the file ends at vertex {} of {}", lines_.number(), i, n_vertices_);
        double v[12];
        std::size_t n = 0;
        std::string_view word;
        while (n < 12 && words.next(word)) {
            if (!parse_number(word, v[n++]))
                fail(ErrorKind::format, "line {} (vertex {}): {} is not a number", lines_.number(), i, in_quotes(word));
        }
        const std::size_t needed =
            3 + (prefix.normals ? 3u : 0u) + (prefix.colors ? 3u : 0u) + (prefix.texture ? 2u : 0u);
        if (n < needed)
            fail(ErrorKind::format, "line {} (vertex {}): {} numbers, {} needed", lines_.number(), i, n, needed);
        const auto f3 = [&](std::size_t at) {
            return geom::Vec3f{static_cast<float>(v[at]), static_cast<float>(v[at + 1]), static_cast<float>(v[at + 2])};
        };
        out_.points.push_back({v[0], v[1], v[2]});
        if (prefix.normals) out_.normals.push_back(f3(3));
        if (prefix.colors) colors_.push_back(f3(prefix.normals ? 6 : 3));
    }

    void face(std::uint64_t i) {
        Words<> words{std::string_view()};
        if (!next_words(words))
            fail(ErrorKind::format, "line {}: the file ends at face {} of {}", lines_.number(), i, n_faces_);
        std::string_view word;
        std::uint64_t n = 0;
        if (!words.next(word) || !parse_integer(word, n))
            fail(ErrorKind::format, "line {} (face {}): {} is not a corner count", lines_.number(), i, in_quotes(word));
        corners_.clear();
        for (std::uint64_t k = 0; k < n; ++k) {
            std::int64_t v = 0;
            if (!words.next(word))
                fail(ErrorKind::format, "line {} (face {}): {} corners promised, {} found", lines_.number(), i, n, k);
            if (!parse_integer(word, v) || v < 0 || static_cast<std::uint64_t>(v) >= n_vertices_)
                fail(ErrorKind::format, "line {} (face {}): {} is not one of the {} vertices", lines_.number(), i,
                     in_quotes(word), n_vertices_);
            corners_.push_back(v);
        }
        add_polygon(corners_, out_);
    }

    LineReader lines_;
    Geometry out_;
    std::uint64_t n_vertices_ = 0, n_faces_ = 0;
    std::vector<geom::Vec3f> colors_;
    std::vector<std::int64_t> corners_;
};

}  // namespace

bool looks_like_off(std::string_view bytes) { return parse_prefix(trim(bytes.substr(0, 64))).length > 0; }

Geometry parse_off(std::string_view bytes) { return OffParser(bytes).parse(); }
Geometry read_off(std::istream& in) {
    return read_stream(in, [](std::string_view b) { return parse_off(b); });
}
Geometry read_off(const std::filesystem::path& path) {
    return read_path(path, [](std::string_view b) { return parse_off(b); });
}

void write_off(std::ostream& out, const GeometryView& g) {
    check_columns(g);
    ByteWriter to(out);
    to.format("{}{}OFF\n{} {} 0\n", g.colors.empty() ? "" : "C", g.normals.empty() ? "" : "N", g.points.size(),
              g.faces.size());
    for (std::size_t i = 0; i < g.points.size(); ++i) {
        to.format("{} {} {}", g.points[i].x, g.points[i].y, g.points[i].z);
        if (!g.normals.empty()) to.format(" {} {} {}", g.normals[i].x, g.normals[i].y, g.normals[i].z);
        if (!g.colors.empty()) to.format(" {} {} {} 255", g.colors[i].r, g.colors[i].g, g.colors[i].b);
        to.format("\n");
    }
    for (const geom::Triangle& t : g.faces) to.format("3 {} {} {}\n", t[0], t[1], t[2]);
    to.flush();
}
void write_off(const std::filesystem::path& path, const GeometryView& g) {
    write_path(path, [&](std::ostream& out) { write_off(out, g); });
}

}  // namespace nir::io
