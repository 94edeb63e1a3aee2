// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/ply.h"

#include "nir/base/error.h"
#include "nir/io/file_bytes.h"

#include "io/binary.h"
#include "io/block_parsers.h"
#include "io/colors.h"
#include "io/ply_header.h"
#include "io/polygons.h"
#include "io/text.h"

#include <array>
#include <cmath>
#include <limits>

namespace nir::io {
namespace {

using namespace ply;

// Where a vertex property goes.
enum Slot : int {
    kX,
    kY,
    kZ,
    kNx,
    kNy,
    kNz,
    kRed,
    kGreen,
    kBlue,
    kConfidence,
    kSensorX,
    kSensorY,
    kSensorZ,
    kSlots,
    kNone
};

Slot slot_of(std::string_view name) {
    constexpr std::string_view names[kSlots] = {"x",     "y",    "z",          "nx",       "ny",       "nz",      "red",
                                                "green", "blue", "confidence", "sensor_x", "sensor_y", "sensor_z"};
    for (int i = 0; i < kSlots; ++i) {
        if (names[i] == name) return static_cast<Slot>(i);
    }
    constexpr std::string_view others[3] = {"diffuse_red", "diffuse_green", "diffuse_blue"};
    for (int i = 0; i < 3; ++i) {
        if (others[i] == name) return static_cast<Slot>(kRed + i);
    }
    return kNone;
}

template <class T, bool kSwap>
double load_as_double(const char* p) {
    return static_cast<double>(load<T, kSwap>(p));
}

template <bool kSwap>
double load_scalar(Type type, const char* p) {
    switch (type) {
        case Type::i8:
            return load_as_double<std::int8_t, kSwap>(p);
        case Type::u8:
            return load_as_double<std::uint8_t, kSwap>(p);
        case Type::i16:
            return load_as_double<std::int16_t, kSwap>(p);
        case Type::u16:
            return load_as_double<std::uint16_t, kSwap>(p);
        case Type::i32:
            return load_as_double<std::int32_t, kSwap>(p);
        case Type::u32:
            return load_as_double<std::uint32_t, kSwap>(p);
        case Type::f32:
            return load_as_double<float, kSwap>(p);
        case Type::f64:
            return load_as_double<double, kSwap>(p);
    }
    return 0;
}

template <class T, bool kSwap>
void load_column(const char* p, std::size_t stride, std::size_t n, double* out) {
    for (std::size_t i = 0; i < n; ++i, p += stride) out[i] = load_as_double<T, kSwap>(p);
}

template <bool kSwap>
void load_column(Type type, const char* p, std::size_t stride, std::size_t n, double* out) {
    switch (type) {
        case Type::i8:
            return load_column<std::int8_t, kSwap>(p, stride, n, out);
        case Type::u8:
            return load_column<std::uint8_t, kSwap>(p, stride, n, out);
        case Type::i16:
            return load_column<std::int16_t, kSwap>(p, stride, n, out);
        case Type::u16:
            return load_column<std::uint16_t, kSwap>(p, stride, n, out);
        case Type::i32:
            return load_column<std::int32_t, kSwap>(p, stride, n, out);
        case Type::u32:
            return load_column<std::uint32_t, kSwap>(p, stride, n, out);
        case Type::f32:
            return load_column<float, kSwap>(p, stride, n, out);
        case Type::f64:
            return load_column<double, kSwap>(p, stride, n, out);
    }
}

// Blocks of rows, one column a slot, on their way into a Geometry.
class VertexSink {
public:
    static constexpr std::size_t kRows = 1024;

    VertexSink(const Element& element, Geometry& out, const BlockSink* blocks) : out_(out), blocks_(blocks) {
        types_.fill(Type::f32);
        for (const Property& p : element.properties) {
            const Slot slot = p.is_list ? kNone : slot_of(p.name);
            const bool taken = slot != kNone && present_[slot];
            slots_.push_back(taken ? kNone : slot);
            if (slot == kNone || taken) {
                out.ignored.push_back("vertex property " + p.name);
            } else {
                present_[slot] = true;
                types_[slot] = p.type;
            }
        }
        for (const Slot s : {kX, kY, kZ}) {
            if (!present_[s])
                fail(ErrorKind::format, "the vertices have no property {}",
                     in_quotes(std::string_view("xyz").substr(s, 1)));
        }
        const auto all = [&](std::size_t first) {
            return present_[first] && present_[first + 1] && present_[first + 2];
        };
        normals_ = all(kNx), colors_ = all(kRed), sensors_ = all(kSensorX), confidence_ = present_[kConfidence];
        const auto n = static_cast<std::size_t>(
            blocks_ ? std::min<std::uint64_t>(element.count, BlockSink::kPoints + kRows) : element.count);
        out.points.reserve(n);
        if (normals_) out.normals.reserve(n);
        if (sensors_) out.sensors.reserve(n);
        if (confidence_) out.confidence.reserve(n);
        if (colors_) (float_colors() ? static_cast<void>(raw_colors_.reserve(n)) : out.colors.reserve(n));
    }

    Slot slot(std::size_t property) const { return slots_[property]; }
    double* column(Slot slot) { return columns_[static_cast<std::size_t>(slot)].data(); }

    void flush(std::size_t rows) {
        const auto f = [](double v) { return static_cast<float>(v); };
        for (std::size_t i = 0; i < rows; ++i) out_.points.push_back({column(kX)[i], column(kY)[i], column(kZ)[i]});
        for (std::size_t i = 0; normals_ && i < rows; ++i)
            out_.normals.push_back({f(column(kNx)[i]), f(column(kNy)[i]), f(column(kNz)[i])});
        for (std::size_t i = 0; sensors_ && i < rows; ++i)
            out_.sensors.push_back({column(kSensorX)[i], column(kSensorY)[i], column(kSensorZ)[i]});
        for (std::size_t i = 0; confidence_ && i < rows; ++i) out_.confidence.push_back(f(column(kConfidence)[i]));
        if (colors_) flush_colors(rows);
        if (blocks_) blocks_->offer(out_);
    }

    void finish() {
        if (!raw_colors_.empty()) out_.colors = to_rgb8(raw_colors_);
        if (blocks_) blocks_->offer(out_, true);
    }

private:
    bool float_colors() const { return is_float(types_[kRed]) || is_float(types_[kGreen]) || is_float(types_[kBlue]); }
    void flush_colors(std::size_t rows) {
        if (float_colors()) {
            for (std::size_t i = 0; i < rows; ++i)
                raw_colors_.push_back({static_cast<float>(column(kRed)[i]), static_cast<float>(column(kGreen)[i]),
                                       static_cast<float>(column(kBlue)[i])});
            return;
        }
        const double scale = types_[kRed] == Type::u16 ? 1.0 / 257.0 : 1.0;
        for (std::size_t i = 0; i < rows; ++i)
            out_.colors.push_back({to_byte(column(kRed)[i] * scale), to_byte(column(kGreen)[i] * scale),
                                   to_byte(column(kBlue)[i] * scale)});
    }

    Geometry& out_;
    const BlockSink* blocks_;  ///< null: all points are kept
    std::vector<Slot> slots_;
    std::array<bool, kSlots + 1> present_{};
    std::array<Type, kSlots> types_{};
    std::array<std::array<double, kRows>, kSlots> columns_{};
    std::vector<geom::Vec3f> raw_colors_;
    bool normals_ = false, colors_ = false, sensors_ = false, confidence_ = false;
};

// Reads the values of rows one after the other, in either encoding.
class RowReader {
public:
    RowReader(std::string_view bytes, const Header& header, const BlockSink* blocks)
        : encoding_(header.encoding),
          blocks_(blocks),
          body_(header.body_offset),
          reader_(bytes, header.encoding == Encoding::ascii ? bytes.size() : header.body_offset),
          lines_(bytes.substr(header.body_offset), header.lines + 1) {}

    std::uint64_t remaining() const { return encoding_ == Encoding::ascii ? lines_.remaining() : reader_.remaining(); }
    ByteReader& bytes() { return reader_; }

    void begin_row(const Element& element, std::uint64_t row) {
        element_ = &element, row_ = row;
        if (encoding_ != Encoding::ascii || element.properties.empty()) return;
        do {
            if (blocks_) blocks_->before_line(body_ + lines_.offset());
            if (!lines_.next(line_))
                fail(ErrorKind::format, "{}: the file ends here, {} promised", place(), element.count);
            if (blocks_) blocks_->after_line(body_ + lines_.offset(), lines_.number());
        } while (trim(line_).empty());
        words_ = Words<>(line_);
    }
    void end_row() {
        if (encoding_ != Encoding::ascii) return;
        std::string_view word;
        if (!element_->properties.empty() && words_.next(word))
            fail(ErrorKind::format, "{}: more values than properties, from {} on", place(), in_quotes(word));
    }
    double value(const Property& p, Type type) {
        if (encoding_ == Encoding::ascii) {
            std::string_view word;
            double v = 0;
            if (!words_.next(word)) fail(ErrorKind::format, "{}: no value for property {}", place(), in_quotes(p.name));
            if (!parse_number(word, v)) fail(ErrorKind::format, "{}: {} is not a number", place(), in_quotes(word));
            return v;
        }
        if (size_of(type) > reader_.remaining())
            fail(ErrorKind::format, "{}: the file ends here, {} promised", place(), element_->count);
        const char* at = reader_.take(size_of(type), "a value");
        return encoding_ == Encoding::big ? load_scalar<true>(type, at) : load_scalar<false>(type, at);
    }
    /// A list length, checked against what is left of the file.
    std::uint64_t list_length(const Property& p) {
        const double n = value(p, p.count_type);
        const std::uint64_t least = encoding_ == Encoding::ascii ? 1 : size_of(p.type);
        const std::uint64_t left = encoding_ == Encoding::ascii ? words_.rest().size() : reader_.remaining();
        if (!(n >= 0) || n != std::floor(n))
            fail(ErrorKind::format, "{}: list length {} in {}", place(), n, in_quotes(p.name));
        if (n > static_cast<double>(left / least))
            fail(ErrorKind::format, "{}: a list of {} values in {} does not fit in the file", place(), n,
                 in_quotes(p.name));
        return static_cast<std::uint64_t>(n);
    }
    void skip(const Property& p) {
        if (!p.is_list) {
            value(p, p.type);
            return;
        }
        const std::uint64_t n = list_length(p);
        if (encoding_ != Encoding::ascii) reader_.take(n * size_of(p.type), "a list");
        for (std::uint64_t i = 0; encoding_ == Encoding::ascii && i < n; ++i) value(p, p.type);
    }
    std::string place() const {
        std::string s = fmt::format("{} {}", element_->name.substr(0, 40), row_);
        if (encoding_ == Encoding::ascii) s = fmt::format("line {} ({})", lines_.number(), s);
        return s;
    }

private:
    Encoding encoding_;
    const BlockSink* blocks_;
    std::size_t body_;
    ByteReader reader_;
    LineReader lines_;
    std::string_view line_;
    Words<> words_{std::string_view()};
    const Element* element_ = nullptr;
    std::uint64_t row_ = 0;
};

void read_vertices(const Element& element, Encoding encoding, RowReader& rows, Geometry& out, const BlockSink* blocks) {
    VertexSink sink(element, out, blocks);
    const std::size_t n_properties = element.properties.size();
    if (encoding != Encoding::ascii && !element.has_lists()) {
        const std::uint64_t stride = element.min_row_bytes(encoding);
        std::size_t at = rows.bytes().offset();
        const char* p = rows.bytes().take(element.count * stride, "the vertices");
        for (std::uint64_t row = 0; row < element.count; row += VertexSink::kRows) {
            const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(VertexSink::kRows, element.count - row));
            if (blocks) blocks->file.need(at, at + n * stride);
            at += n * stride;
            std::size_t offset = 0;
            for (std::size_t i = 0; i < n_properties; ++i) {
                const Type type = element.properties[i].type;
                if (const Slot s = sink.slot(i); s != kNone) {
                    if (encoding == Encoding::big)
                        load_column<true>(type, p + offset, stride, n, sink.column(s));
                    else
                        load_column<false>(type, p + offset, stride, n, sink.column(s));
                }
                offset += size_of(type);
            }
            sink.flush(n);
            p += n * stride;
        }
    } else {
        std::size_t filled = 0;
        for (std::uint64_t row = 0; row < element.count; ++row) {
            rows.begin_row(element, row);
            for (std::size_t i = 0; i < n_properties; ++i) {
                const Property& p = element.properties[i];
                if (const Slot s = sink.slot(i); s != kNone)
                    sink.column(s)[filled] = rows.value(p, p.type);
                else
                    rows.skip(p);
            }
            rows.end_row();
            if (++filled == VertexSink::kRows) sink.flush(filled), filled = 0;
        }
        sink.flush(filled);
    }
    sink.finish();
}

std::int64_t as_index(double v) {
    if (v == std::floor(v) && std::abs(v) < 1e15) return static_cast<std::int64_t>(v);
    return std::numeric_limits<std::int64_t>::min();
}

// Faces (one polygon a row) and tristrips (runs of corners, -1 starts a new strip).
void read_faces(const Element& element, bool strips, RowReader& rows, std::uint64_t n_vertices, Geometry& out) {
    std::vector<std::int64_t> corners;
    for (std::uint64_t row = 0; row < element.count; ++row) {
        rows.begin_row(element, row);
        for (const Property& p : element.properties) {
            if (!p.is_list || (p.name != "vertex_indices" && p.name != "vertex_index")) {
                rows.skip(p);
                continue;
            }
            const std::uint64_t n = rows.list_length(p);
            corners.clear();
            for (std::uint64_t i = 0; i < n; ++i) {
                const std::int64_t index = as_index(rows.value(p, p.type));
                const bool restart = strips && index == -1;
                if (!restart && (index < 0 || static_cast<std::uint64_t>(index) >= n_vertices))
                    fail(ErrorKind::format, "{}: a corner names vertex {}, but there are {} vertices", rows.place(),
                         index, n_vertices);
                corners.push_back(index);
            }
            strips ? add_strips(corners, out) : add_polygon(corners, out);
        }
        rows.end_row();
    }
}

void skip_element(const Element& element, Encoding encoding, RowReader& rows) {
    if (element.properties.empty()) return;
    if (encoding != Encoding::ascii && !element.has_lists()) {
        rows.bytes().take(element.count * element.min_row_bytes(encoding), "element " + in_quotes(element.name));
        return;
    }
    for (std::uint64_t row = 0; row < element.count; ++row) {
        rows.begin_row(element, row);
        for (const Property& p : element.properties) rows.skip(p);
        rows.end_row();
    }
}

std::string_view name_of(Encoding e) {
    return e == Encoding::ascii ? "ascii" : e == Encoding::little ? "binary little endian" : "binary big endian";
}

}  // namespace

namespace {

/// @param blocks  null: everything is read; else the points go there, and what comes behind them is not looked at
Geometry parse(std::string_view bytes, const BlockSink* blocks) {
    if (bytes.empty()) fail(ErrorKind::format, "the file is empty");
    const Header header = parse_header(blocks ? bytes.substr(0, BlockSink::kAhead) : bytes);
    Geometry out;
    out.encoding = name_of(header.encoding);
    RowReader rows(bytes, header, blocks);
    std::uint64_t n_vertices = 0;
    bool has_vertices = false;
    for (const Element& e : header.elements) {
        if (e.name == "vertex") {
            if (has_vertices) fail(ErrorKind::format, "the header has two vertex elements");
            n_vertices = e.count, has_vertices = true;
        }
    }
    if (!has_vertices) fail(ErrorKind::format, "the header has no vertex element");
    for (const Element& e : header.elements) {
        const std::uint64_t least = e.min_row_bytes(header.encoding);
        // Text may lack the last line end, hence the + 1.
        if (least > 0 && e.count > (rows.remaining() + 1) / least) {
            fail(ErrorKind::format, "{} {} elements promised, but only {} bytes follow", e.count, in_quotes(e.name),
                 rows.remaining());
        }
        if (e.name == "vertex") {
            if (n_vertices >= std::numeric_limits<std::uint32_t>::max())
                fail(ErrorKind::format, "{} vertices; nir reads up to 2^32 - 2", n_vertices);
            read_vertices(e, header.encoding, rows, out, blocks);
            if (blocks) break;
        } else if (e.name == "face" || e.name == "tristrips") {
            read_faces(e, e.name == "tristrips", rows, n_vertices, out);
        } else {
            out.ignored.push_back("element " + e.name);
            skip_element(e, header.encoding, rows);
        }
    }
    return out;
}

}  // namespace

Geometry parse_ply(std::string_view bytes) { return parse(bytes, nullptr); }

std::optional<BlockHeader> ply_block_header(std::string_view bytes) {
    const Header header = parse_header(bytes.substr(0, BlockSink::kAhead));
    const bool text = header.encoding == Encoding::ascii;
    for (const Element& e : header.elements) {
        if (!text && e.has_lists()) return std::nullopt;
        if (e.name != "vertex") continue;
        BlockHeader found{e.count, false};
        for (const Property& p : e.properties) {
            const Slot s = slot_of(p.name);
            found.sensors |= s == kSensorX;
            if ((s == kRed || s == kGreen || s == kBlue) && is_float(p.type)) return std::nullopt;
        }
        return found;
    }
    return std::nullopt;
}

void parse_ply_blocks(BlockSink& sink) {
    sink.file.need(0, BlockSink::kAhead);
    parse(sink.file.view(), &sink);
}

Geometry read_ply(std::istream& in) {
    return read_stream(in, [](std::string_view b) { return parse_ply(b); });
}
Geometry read_ply(const std::filesystem::path& path) {
    return read_path(path, [](std::string_view b) { return parse_ply(b); });
}

}  // namespace nir::io
