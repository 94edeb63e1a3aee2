// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/pcd.h"

#include "nir/base/error.h"
#include "nir/io/file_bytes.h"

#include "io/binary.h"
#include "io/block_parsers.h"
#include "io/lzf.h"
#include "io/text.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

namespace nir::io {
namespace {

struct Field {
    std::string name;
    std::uint32_t size = 4, count = 1;
    char type = 'F';
    std::uint64_t offset = 0;  ///< in a point, bytes
};

struct Header {
    std::vector<Field> fields;
    std::uint64_t points = 0, point_bytes = 0;
    std::string data;
    std::size_t body_offset = 0, lines = 0;
    geom::Vec3d sensor;
    bool has_sensor = false;
};

std::vector<std::string_view> rest_of(Words<>& words) {
    std::vector<std::string_view> list;
    for (std::string_view word; list.size() < 4096 && words.next(word);) list.push_back(word);
    return list;
}

void check_fields(Header& h, std::size_t line) {
    if (h.fields.empty()) fail(ErrorKind::format, "line {}: the header names no FIELDS", line);
    for (Field& f : h.fields) {
        const bool good = (f.type == 'F' && (f.size == 4 || f.size == 8)) ||
                          ((f.type == 'I' || f.type == 'U') && std::has_single_bit(f.size) && f.size <= 8);
        if (!good)
            fail(ErrorKind::format, "line {}: field {} has type {} of {} bytes", line, in_quotes(f.name),
                 in_quotes({&f.type, 1}), f.size);
        f.offset = h.point_bytes;
        h.point_bytes += std::uint64_t{f.size} * f.count;
    }
}

template <class T>
T number(std::string_view word, std::size_t line) {
    T v = 0;
    if (!parse_integer(word, v)) fail(ErrorKind::format, "line {}: {} is not a count", line, in_quotes(word));
    return v;
}

/// VIEWPOINT tx ty tz qw qx qy qz: where the sensor stood, and how it was turned. Zero without a turn is what writers
/// put where they know nothing.
void parse_viewpoint(Header& h, const std::vector<std::string_view>& values, std::size_t line) {
    if (values.size() != 7) fail(ErrorKind::format, "line {}: VIEWPOINT has {} numbers of 7", line, values.size());
    std::array<double, 7> v{};
    for (std::size_t i = 0; i < 7; ++i)
        if (!parse_number(values[i], v[i]))
            fail(ErrorKind::format, "line {}: {} is not a number", line, in_quotes(values[i]));
    h.sensor = {v[0], v[1], v[2]};
    h.has_sensor = geom::is_finite(h.sensor) && v != std::array<double, 7>{0, 0, 0, 1, 0, 0, 0};
}

Header parse_header(std::string_view bytes) {
    Header h;
    std::uint64_t width = 0, height = 1;
    bool has_points = false;
    LineReader lines(bytes);
    std::string_view line, keyword;
    while (lines.next(line)) {
        Words<> words(line);
        if (!words.next(keyword) || keyword.front() == '#') continue;
        const std::size_t n = lines.number();
        const std::vector<std::string_view> values = rest_of(words);
        const auto each_field = [&](auto&& set) {
            if (values.size() != h.fields.size())
                fail(ErrorKind::format, "line {}: {} {} values for {} fields", n, values.size(), keyword,
                     h.fields.size());
            for (std::size_t i = 0; i < values.size(); ++i) set(h.fields[i], values[i]);
        };
        const auto single = [&] {
            if (values.size() != 1) fail(ErrorKind::format, "line {}: {} needs one value", n, keyword);
            return values[0];
        };
        if (keyword == "FIELDS" || keyword == "COLUMNS") {
            h.fields.clear();
            for (const std::string_view name : values) h.fields.push_back({std::string(name), 4, 1, 'F', 0});
        } else if (keyword == "SIZE") {
            each_field([n](Field& f, std::string_view v) { f.size = number<std::uint32_t>(v, n); });
        } else if (keyword == "TYPE") {
            each_field([](Field& f, std::string_view v) { f.type = v.size() == 1 ? v[0] : '?'; });
        } else if (keyword == "COUNT") {
            each_field([n](Field& f, std::string_view v) { f.count = number<std::uint32_t>(v, n); });
        } else if (keyword == "WIDTH") {
            width = number<std::uint64_t>(single(), n);
        } else if (keyword == "HEIGHT") {
            height = number<std::uint64_t>(single(), n);
        } else if (keyword == "POINTS") {
            h.points = number<std::uint64_t>(single(), n), has_points = true;
        } else if (keyword == "VIEWPOINT") {
            parse_viewpoint(h, values, n);
        } else if (keyword == "DATA") {
            h.data = single();
            check_fields(h, n);
            std::uint64_t product = 0;
            if (!multiply(width, height, product))
                fail(ErrorKind::format, "line {}: WIDTH times HEIGHT is too large", n);
            if (has_points && width != 0 && product != h.points)
                fail(ErrorKind::format, "line {}: POINTS {} is not WIDTH {} times HEIGHT {}", n, h.points, width,
                     height);
            if (!has_points) h.points = product;
            h.body_offset = lines.offset(), h.lines = n;
            return h;
        } else if (keyword != "VERSION") {
            fail(ErrorKind::format, "line {}: {} is no PCD keyword", n, in_quotes(keyword));
        }
    }
    fail(ErrorKind::format, "line {}: the file ends inside the PCD header (no DATA)", lines.number());
}

double load_number(char type, std::uint32_t size, const char* p) {
    if (type == 'F') return size == 8 ? load<double>(p) : static_cast<double>(load<float>(p));
    if (type == 'U') {
        return size == 1   ? static_cast<double>(load<std::uint8_t>(p))
               : size == 2 ? static_cast<double>(load<std::uint16_t>(p))
               : size == 4 ? static_cast<double>(load<std::uint32_t>(p))
                           : static_cast<double>(load<std::uint64_t>(p));
    }
    return size == 1   ? static_cast<double>(load<std::int8_t>(p))
           : size == 2 ? static_cast<double>(load<std::int16_t>(p))
           : size == 4 ? static_cast<double>(load<std::int32_t>(p))
                       : static_cast<double>(load<std::int64_t>(p));
}

geom::Rgb8 unpack_color(std::uint32_t v) {
    return {static_cast<std::uint8_t>(v >> 16), static_cast<std::uint8_t>(v >> 8), static_cast<std::uint8_t>(v)};
}

class PcdParser {
public:
    /// @param blocks  null: all points are kept
    explicit PcdParser(std::string_view bytes, const BlockSink* blocks = nullptr)
        : bytes_(bytes), blocks_(blocks), h_(parse_header(blocks ? bytes.substr(0, BlockSink::kAhead) : bytes)) {
        for (std::size_t i = 0; i < h_.fields.size(); ++i) {
            const Field& f = h_.fields[i];
            constexpr std::string_view names[] = {"x", "y", "z", "normal_x", "normal_y", "normal_z"};
            const auto* slot = std::find(std::begin(names), std::end(names), f.name);
            const int index = static_cast<int>(i);
            if (slot != std::end(names) && f.count == 1)
                column_[static_cast<std::size_t>(slot - std::begin(names))] = index;
            else if ((f.name == "rgb" || f.name == "rgba") && f.size == 4 && f.count == 1)
                color_ = index;
            else if (f.name != "_")
                out_.ignored.push_back("field " + f.name);
        }
        for (std::size_t k = 0; k < 3; ++k) {
            if (column_[k] < 0)
                fail(ErrorKind::format, "the points have no field {}", in_quotes(std::string_view("xyz").substr(k, 1)));
        }
        normals_ = column_[3] >= 0 && column_[4] >= 0 && column_[5] >= 0;
        if (h_.points >= std::numeric_limits<std::uint32_t>::max())
            fail(ErrorKind::format, "{} points are too many", h_.points);
        out_.encoding = h_.data;
    }

    Geometry parse() {
        const std::string_view body = bytes_.substr(h_.body_offset);
        if (h_.data == "ascii") {
            // A point takes at least two bytes a number, but the last.
            if (h_.points > (body.size() + 1) / (2 * h_.fields.size())) promise_broken(body.size());
            parse_ascii(body);
        } else if (h_.data == "binary") {
            if (h_.points > body.size() / h_.point_bytes) promise_broken(body.size());
            parse_rows(body, false);
        } else if (h_.data == "binary_compressed") {
            const std::string unpacked = unpack(body);
            parse_rows(unpacked, true);
        } else {
            fail(ErrorKind::format, "line {}: DATA {}; nir reads ascii, binary, binary_compressed", h_.lines,
                 in_quotes(h_.data));
        }
        offer(true);
        return std::move(out_);
    }

private:
    /// Now and then, and at the end.
    void offer(bool all) {
        const bool due = all || (blocks_ && out_.points.size() >= BlockSink::kPoints);
        if (due && h_.has_sensor) out_.sensors.assign(out_.points.size(), h_.sensor);
        if (due && blocks_) blocks_->offer(out_, true);
    }
    [[noreturn]] void promise_broken(std::size_t bytes) const {
        fail(ErrorKind::format, "{} points promised, but only {} bytes follow the header", h_.points, bytes);
    }

    std::string unpack(std::string_view body) const {
        ByteReader r(body);
        const auto packed = r.get<std::uint32_t>("the compressed size");
        const auto size = r.get<std::uint32_t>("the unpacked size");
        if (packed > r.remaining())
            fail(ErrorKind::format, "{} compressed bytes promised, {} follow", packed, r.remaining());
        if (size / kMaxLzfRatio > packed)
            fail(ErrorKind::format, "{} bytes promised out of {}, which LZF cannot do", size, packed);
        if (h_.points > size / h_.point_bytes) promise_broken(size);
        std::string out;
        if (!lzf_unpack({r.take(packed, "the points"), packed}, size, out))
            fail(ErrorKind::format, "broken LZF data, or not the {} bytes promised", size);
        return out;
    }

    // by_field: all values of the first field, then all of the second, … (binary_compressed).
    void parse_rows(std::string_view body, bool by_field) {
        const auto n = static_cast<std::size_t>(h_.points);
        out_.points.reserve(blocks_ ? std::min(n, BlockSink::kPoints) : n);
        const auto value_at = [&](std::size_t i, int field) {
            const Field& f = h_.fields[static_cast<std::size_t>(field)];
            return body.data() + (by_field ? f.offset * n + i * f.size * f.count : i * h_.point_bytes + f.offset);
        };
        const auto value = [&](std::size_t i, std::size_t slot) {
            const Field& f = h_.fields[static_cast<std::size_t>(column_[slot])];
            return load_number(f.type, f.size, value_at(i, column_[slot]));
        };
        for (std::size_t i = 0; i < n; ++i) {
            if (blocks_ && i % kRowsTogether == 0)
                blocks_->file.need(h_.body_offset + i * h_.point_bytes,
                                   h_.body_offset + std::min(n, i + kRowsTogether) * h_.point_bytes);
            out_.points.push_back({value(i, 0), value(i, 1), value(i, 2)});
            if (normals_)
                out_.normals.push_back({static_cast<float>(value(i, 3)), static_cast<float>(value(i, 4)),
                                        static_cast<float>(value(i, 5))});
            if (color_ >= 0) out_.colors.push_back(unpack_color(load<std::uint32_t>(value_at(i, color_))));
            offer(false);
        }
    }

    void parse_ascii(std::string_view body) {
        LineReader lines(body, h_.lines + 1);
        std::string_view line, word;
        std::array<double, 6> v{};
        for (std::uint64_t i = 0; i < h_.points; ++i) {
            do {
                if (blocks_) blocks_->before_line(h_.body_offset + lines.offset());
                if (!lines.next(line))
                    fail(ErrorKind::format, "line {}: the file ends at point {} of {}", lines.number(), i, h_.points);
                if (blocks_) blocks_->after_line(h_.body_offset + lines.offset(), lines.number());
            } while (trim(line).empty());
            Words<> words(line);
            for (std::size_t f = 0; f < h_.fields.size(); ++f) {
                const Field& field = h_.fields[f];
                for (std::uint32_t k = 0; k < field.count; ++k) {
                    double x = 0;
                    if (!words.next(word))
                        fail(ErrorKind::format, "line {} (point {}): no value for field {}", lines.number(), i,
                             in_quotes(field.name));
                    if (!parse_number(word, x))
                        fail(ErrorKind::format, "line {} (point {}): {} is not a number", lines.number(), i,
                             in_quotes(word));
                    if (static_cast<int>(f) == color_)
                        out_.colors.push_back(unpack_color(packed_color(word, x, field.type)));
                    for (std::size_t slot = 0; slot < 6; ++slot) {
                        if (column_[slot] == static_cast<int>(f)) v[slot] = x;
                    }
                }
            }
            out_.points.push_back({v[0], v[1], v[2]});
            if (normals_)
                out_.normals.push_back({static_cast<float>(v[3]), static_cast<float>(v[4]), static_cast<float>(v[5])});
            offer(false);
        }
    }

    // Text files hold the packed colour as a whole number, or as the float with the same bits.
    static std::uint32_t packed_color(std::string_view word, double x, char type) {
        const bool whole =
            type != 'F' || (word.find_first_not_of("0123456789") == std::string_view::npos && word != "0");
        if (!whole) return std::bit_cast<std::uint32_t>(static_cast<float>(x));
        return x >= 0 && x <= 4294967295.0 ? static_cast<std::uint32_t>(x) : 0;
    }

    static constexpr std::size_t kRowsTogether = 4096;  ///< made be there together

    std::string_view bytes_;
    const BlockSink* blocks_;
    Header h_;
    Geometry out_;
    std::array<int, 6> column_{-1, -1, -1, -1, -1, -1};
    int color_ = -1;
    bool normals_ = false;
};

}  // namespace

bool looks_like_pcd(std::string_view bytes) {
    const std::string_view head = trim(bytes.substr(0, 256));
    return head.starts_with("# .PCD") || head.starts_with("VERSION") || head.starts_with("FIELDS");
}

Geometry parse_pcd(std::string_view bytes) {
    if (bytes.empty()) fail(ErrorKind::format, "the file is empty");
    if (!looks_like_pcd(bytes))
        fail(ErrorKind::format, "not a PCD file (it must begin with \"# .PCD\" or \"VERSION\")");
    return PcdParser(bytes).parse();
}
std::optional<BlockHeader> pcd_block_header(std::string_view bytes) {
    if (!looks_like_pcd(bytes)) return std::nullopt;
    const Header h = parse_header(bytes.substr(0, BlockSink::kAhead));
    if (h.data == "binary_compressed") return std::nullopt;
    return BlockHeader{h.points, h.has_sensor};
}
void parse_pcd_blocks(BlockSink& sink) {
    sink.file.need(0, BlockSink::kAhead);
    PcdParser(sink.file.view(), &sink).parse();
}
Geometry read_pcd(std::istream& in) {
    return read_stream(in, [](std::string_view b) { return parse_pcd(b); });
}
Geometry read_pcd(const std::filesystem::path& path) {
    return read_path(path, [](std::string_view b) { return parse_pcd(b); });
}

}  // namespace nir::io
