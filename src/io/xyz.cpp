// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/xyz.h"

#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/io/file_bytes.h"

#include "io/binary.h"
#include "io/block_parsers.h"
#include "io/colors.h"
#include "io/output.h"
#include "io/text.h"

#include <array>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>

namespace nir::io {
namespace {

using geom::Vec3f;
using TextWords = Words<true>;

constexpr std::size_t kMaxColumns = 64;

// Column of x, of nx and of red in a row; the two that follow belong to it.
struct Layout {
    std::array<int, 3> xyz{0, 1, 2}, normal{-1, -1, -1}, color{-1, -1, -1};
};

bool is_comment(std::string_view line) {
    return line.starts_with('#') || line.starts_with("//") || line.starts_with('%');
}

// Lines that are neither empty nor comments; trims them.
bool is_row(std::string_view& line) {
    line = trim(line);
    if (line.starts_with("\xef\xbb\xbf")) line = trim(line.substr(3));
    return !line.empty() && !is_comment(line);
}

bool next_row(LineReader& lines, std::string_view& line) {
    while (lines.next(line)) {
        if (is_row(line)) return true;
    }
    return false;
}

std::size_t count_words(std::string_view line) {
    TextWords words(line);
    std::string_view word;
    std::size_t n = 0;
    while (words.next(word)) ++n;
    return n;
}

std::optional<Layout> layout_of_names(std::string_view line) {
    constexpr std::string_view names[9][3] = {{"x", "px", ""},        {"y", "py", ""},        {"z", "pz", ""},
                                              {"nx", "normal_x", ""}, {"ny", "normal_y", ""}, {"nz", "normal_z", ""},
                                              {"r", "red", ""},       {"g", "green", ""},     {"b", "blue", ""}};
    Layout layout{{-1, -1, -1}, {-1, -1, -1}, {-1, -1, -1}};
    std::array<int, 3>* groups[3] = {&layout.xyz, &layout.normal, &layout.color};
    TextWords words(line);
    std::string_view word;
    for (int column = 0; words.next(word); ++column) {
        if (word.size() > 2 && word.front() == '"' && word.back() == '"') word = word.substr(1, word.size() - 2);
        for (std::size_t i = 0; i < 9; ++i) {
            int& place = (*groups[i / 3])[i % 3];
            if (place < 0 && (equals_ignoring_case(word, names[i][0]) || equals_ignoring_case(word, names[i][1])))
                place = column;
        }
    }
    const auto complete = [](const std::array<int, 3>& a) { return a[0] >= 0 && a[1] >= 0 && a[2] >= 0; };
    if (!complete(layout.xyz)) return std::nullopt;
    if (!complete(layout.normal)) layout.normal.fill(-1);
    if (!complete(layout.color)) layout.color.fill(-1);
    return layout;
}

// What is in a group of three columns, judged by all rows.
class ColumnJudge {
public:
    explicit ColumnJudge(std::size_t first = 0) : first_(first) {}
    void see(const double* row) {
        double squared = 0;
        for (std::size_t k = 0; k < 3; ++k) {
            const double v = row[first_ + k];
            whole_ = whole_ && v >= 0 && v <= 255 && v == std::floor(v);
            negative_ = negative_ || !(v >= 0);
            above_one_ = above_one_ || v > 1;
            above_byte_ = above_byte_ || !(v <= 255);
            squared += v * v;
        }
        unit_ += std::abs(squared - 1) < 0.02;
        ++rows_;
        for (std::size_t k = 0; k < 3; ++k) largest_[k] = std::max(largest_[k], static_cast<float>(row[first_ + k]));
    }
    float largest(std::size_t column) const { return largest_[column]; }
    bool all_bytes() const { return whole_; }
    bool is_color() const {
        if (negative_ || above_byte_) return false;
        return (whole_ && above_one_) || 2 * unit_ < rows_;
    }

private:
    std::size_t first_, unit_ = 0, rows_ = 0;
    std::array<float, 3> largest_{};
    bool whole_ = true, negative_ = false, above_one_ = false, above_byte_ = false;
};

class XyzParser {
public:
    explicit XyzParser(std::string_view bytes) : lines_(bytes) {}
    explicit XyzParser(BlockSink& sink) : lines_(sink.file.view()), blocks_(&sink) {}

    Geometry parse() {
        const std::size_t rows = each_block([] {});
        Geometry out;
        out.points.reserve(rows);
        judge();
        build(out);
        return out;
    }

    /// The same in two rounds over the file.
    void parse_blocks() {
        each_block([this] { judge(), values_.clear(); });
        blocks_->file.rewind();
        const std::vector<ColumnJudge> judges = std::move(judges_);
        lines_ = LineReader(blocks_->file.view());
        named_.reset(), promised_.reset(), n_rows_ = 0;
        Geometry out;
        each_block([&, this] {
            judges_ = judges;
            build(out);
            values_.clear();
            blocks_->offer(out, true);
        });
    }

private:
    /// Reads all rows; when there are enough values, and at the end, calls f(). Returns the number of rows.
    template <class F>
    std::size_t each_block(const F& f) {
        std::string_view line;
        if (!next(line)) fail(ErrorKind::format, "no points in this file");
        if (double v = 0; !parse_number(first_word(line), v)) {
            named_ = layout_of_names(line);
            n_names_ = count_words(line);
            if (!named_)
                fail(ErrorKind::format, "line {}: neither numbers nor column names: {}", lines_.number(),
                     in_quotes(line));
            if (!next(line)) fail(ErrorKind::format, "no points in this file");
        } else if (count_words(line) == 1) {
            std::uint64_t count = 0;
            if (!parse_integer(line, count))
                fail(ErrorKind::format, "line {}: one number where a point is expected", lines_.number());
            promised_ = count;
            if (!next(line)) fail(ErrorKind::format, "line {}: {} points promised, none found", lines_.number(), count);
        }
        n_columns_ = count_words(line);
        if (n_columns_ > kMaxColumns) fail(ErrorKind::format, "line {}: {} columns", lines_.number(), n_columns_);
        if (!named_) {
            check_column_count();
        } else if (n_columns_ != n_names_) {
            fail(ErrorKind::format, "line {}: {} columns, but {} names", lines_.number(), n_columns_, n_names_);
        }
        do {
            row(line);
            ++n_rows_;
            if (blocks_ && n_rows_ % BlockSink::kPoints == 0) f();
        } while (next(line));
        if (promised_ && *promised_ != n_rows_)
            fail(ErrorKind::format, "{} points promised, {} found", *promised_, n_rows_);
        if (n_rows_ >= std::numeric_limits<std::uint32_t>::max()) fail(ErrorKind::format, "too many points");
        f();
        return n_rows_;
    }

    bool next(std::string_view& line) {
        if (!blocks_) return next_row(lines_, line);
        // Comments and empty lines are passed one by one, so that none of them is looked at before it is there.
        for (;;) {
            blocks_->before_line(lines_.offset());
            if (!lines_.next(line)) return false;
            blocks_->after_line(lines_.offset(), lines_.number());
            if (is_row(line)) return true;
        }
    }

    static std::string_view first_word(std::string_view line) {
        TextWords words(line);
        std::string_view word;
        words.next(word);
        return word;
    }

    void check_column_count() const {
        for (const std::size_t n : {3u, 4u, 6u, 7u, 9u}) {
            if (n_columns_ == n) return;
        }
        fail(ErrorKind::format,
             "line {}: {} columns; nir reads 3, 4, 6, 7 or 9, or any number with a line of names (x y z ...)",
             lines_.number(), n_columns_);
    }

    void row(std::string_view line) {
        TextWords words(line);
        std::string_view word;
        for (std::size_t i = 0; i < n_columns_; ++i) {
            double v = 0;
            if (!words.next(word))
                fail(ErrorKind::format, "line {}: {} columns where {} are expected", lines_.number(), i, n_columns_);
            if (!parse_number(word, v))
                fail(ErrorKind::format, "line {}: {} is not a number", lines_.number(), in_quotes(word));
            values_.push_back(v);
        }
        if (words.next(word) && !is_comment(word))
            fail(ErrorKind::format, "line {}: more than {} columns", lines_.number(), n_columns_);
    }

    /// Looks at the values that have been read.
    void judge() {
        if (judges_.empty())
            for (std::size_t first = 0; first + 3 <= n_columns_; ++first) judges_.emplace_back(first);
        if (n_columns_ == 3) return;
        for (std::size_t i = 0; i < values_.size(); i += n_columns_)
            for (ColumnJudge& j : judges_) j.see(values_.data() + i);
    }

    bool color_at(std::size_t first) const { return judges_[first].is_color(); }

    Layout guess_layout() const {
        Layout layout;
        const auto place = [](std::array<int, 3>& to, int first) { to = {first, first + 1, first + 2}; };
        if (n_columns_ == 6) place(color_at(3) ? layout.color : layout.normal, 3);
        if (n_columns_ == 7) {
            // x y z intensity r g b (PTS), or three columns and a scalar
            if (color_at(4) && !color_at(3))
                place(layout.color, 4);
            else if (color_at(4) && color_at(3))
                place(layout.color, judges_[4].all_bytes() ? 4 : 3);
            else
                place(color_at(3) ? layout.color : layout.normal, 3);
        }
        if (n_columns_ == 9) {
            const bool color_first = color_at(3);
            place(layout.color, color_first ? 3 : 6);
            place(layout.normal, color_first ? 6 : 3);
        }
        return layout;
    }

    /// Adds the points of the values that have been read.
    void build(Geometry& out) const {
        const Layout layout = named_ ? *named_ : guess_layout();
        out.encoding = "text";
        std::vector<Vec3f> colors;
        for (std::size_t i = 0; i < values_.size(); i += n_columns_) {
            const double* row = values_.data() + i;
            const auto at = [&](const std::array<int, 3>& c, std::size_t k) {
                return row[static_cast<std::size_t>(c[k])];
            };
            const auto f3 = [&](const std::array<int, 3>& c) {
                return Vec3f{static_cast<float>(at(c, 0)), static_cast<float>(at(c, 1)), static_cast<float>(at(c, 2))};
            };
            out.points.push_back({at(layout.xyz, 0), at(layout.xyz, 1), at(layout.xyz, 2)});
            if (layout.normal[0] >= 0) out.normals.push_back(f3(layout.normal));
            if (layout.color[0] >= 0) colors.push_back(f3(layout.color));
        }
        if (colors.empty()) return;
        float largest = 0;
        for (const int c : layout.color) {
            const auto first = std::min(static_cast<std::size_t>(c), judges_.size() - 1);
            largest = std::max(largest, judges_[first].largest(static_cast<std::size_t>(c) - first));
        }
        out.colors = to_rgb8(colors, color_scale(largest));
    }

    LineReader lines_;
    BlockSink* blocks_ = nullptr;
    std::size_t n_columns_ = 0, n_names_ = 0, n_rows_ = 0;
    std::optional<Layout> named_;
    std::optional<std::uint64_t> promised_;
    std::vector<double> values_;
    std::vector<ColumnJudge> judges_;  ///< of each three columns that follow each other
};

}  // namespace

bool looks_like_xyz(std::string_view bytes) {
    LineReader lines(bytes.substr(0, 4096));
    std::string_view line, word;
    if (!next_row(lines, line)) return false;
    TextWords words(line);
    for (int i = 0; i < 3; ++i) {
        double v = 0;
        if (!words.next(word) || !parse_number(word, v)) return false;
    }
    return true;
}

Geometry parse_xyz(std::string_view bytes) {
    if (bytes.empty()) fail(ErrorKind::format, "the file is empty");
    return XyzParser(bytes).parse();
}
Geometry read_xyz(std::istream& in) {
    return read_stream(in, [](std::string_view b) { return parse_xyz(b); });
}
Geometry read_xyz(const std::filesystem::path& path) {
    return read_path(path, [](std::string_view b) { return parse_xyz(b); });
}

void parse_xyz_blocks(BlockSink& sink) { XyzParser(sink).parse_blocks(); }

void write_xyz(std::ostream& out, const GeometryView& g) {
    check_columns(g);
    if (!g.faces.empty()) log_info("text points hold no faces: only the {} vertices are written", g.points.size());
    ByteWriter to(out);
    fmt::memory_buffer row;
    for (std::size_t i = 0; i < g.points.size(); ++i) {
        row.clear();
        const auto put = [&](auto x, auto y, auto z, char end) {
            fmt::format_to(std::back_inserter(row), "{} {} {}{}", x, y, z, end);
        };
        const bool n = !g.normals.empty(), c = !g.colors.empty();
        put(g.points[i].x, g.points[i].y, g.points[i].z, n || c ? ' ' : '\n');
        if (n) put(g.normals[i].x, g.normals[i].y, g.normals[i].z, c ? ' ' : '\n');
        if (c) put(g.colors[i].r, g.colors[i].g, g.colors[i].b, '\n');
        to.put_bytes({row.data(), row.size()});
    }
    to.flush();
}
void write_xyz(const std::filesystem::path& path, const GeometryView& g) {
    write_path(path, [&](std::ostream& out) { write_xyz(out, g); });
}

}  // namespace nir::io
