// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/npy.h"

#include "nir/base/error.h"
#include "nir/io/formats.h"

#include "io/binary.h"
#include "io/block_parsers.h"
#include "io/output.h"
#include "io/text.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace nir::io {
namespace {

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr std::size_t kMaxDimensions = 32;

struct Header {
    DType dtype = DType::f32;
    bool big_endian = false, fortran = false;
    std::vector<std::int64_t> shape;
};

// The header is a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class HeaderParser {
public:
    explicit HeaderParser(std::string_view text) : rest_(text) {}

    Header parse() {
        Header h;
        bool has_descr = false, has_order = false, has_shape = false;
        expect('{');
        while (!accept('}')) {
            const std::string_view key = string();
            expect(':');
            if (key == "descr")
                parse_descr(h), has_descr = true;
            else if (key == "fortran_order")
                h.fortran = boolean(), has_order = true;
            else if (key == "shape")
                parse_shape(h), has_shape = true;
            else
                fail(ErrorKind::format, "unknown key {} in the NPY header", in_quotes(key));
            if (!accept(',')) {
                expect('}');
                break;
            }
        }
        if (!has_descr || !has_order || !has_shape) broken();
        return h;
    }

private:
    [[noreturn]] void broken() const { fail(ErrorKind::format, "broken NPY header at {}", in_quotes(rest_)); }
    void skip_blank() {
        while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n' || rest_.front() == '\t'))
            rest_.remove_prefix(1);
    }
    bool accept(char c) {
        skip_blank();
        if (rest_.empty() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    void expect(char c) {
        if (!accept(c)) broken();
    }
    std::string_view string() {
        skip_blank();
        if (rest_.empty() || (rest_.front() != '\'' && rest_.front() != '"')) broken();
        const std::size_t end = rest_.find(rest_.front(), 1);
        if (end == std::string_view::npos) broken();
        const std::string_view s = rest_.substr(1, end - 1);
        rest_.remove_prefix(end + 1);
        return s;
    }
    bool boolean() {
        skip_blank();
        for (const auto& [word, value] : {std::pair<std::string_view, bool>{"True", true}, {"False", false}}) {
            if (!rest_.starts_with(word)) continue;
            rest_.remove_prefix(word.size());
            return value;
        }
        broken();
    }
    void parse_descr(Header& h) {
        skip_blank();
        if (!rest_.empty() && rest_.front() == '[')
            fail(ErrorKind::format, "is a structured array; nir reads plain numbers");
        const std::string_view descr = string();
        constexpr std::pair<std::string_view, DType> types[] = {
            {"b1", DType::boolean}, {"u1", DType::u8},  {"i1", DType::i8},  {"u2", DType::u16},
            {"i2", DType::i16},     {"u4", DType::u32}, {"i4", DType::i32}, {"u8", DType::u64},
            {"i8", DType::i64},     {"f2", DType::f16}, {"f4", DType::f32}, {"f8", DType::f64}};
        const bool has_order = !descr.empty() && std::string_view("<>|=").find(descr.front()) != std::string_view::npos;
        h.big_endian = has_order && descr.front() == '>';
        for (const auto& [name, type] : types) {
            if (descr.substr(has_order ? 1 : 0) != name) continue;
            h.dtype = type;
            return;
        }
        if (descr.find('O') != std::string_view::npos)
            fail(ErrorKind::format, "holds pickled Python objects, which nir does not run");
        fail(ErrorKind::format, "number type {}; nir reads bool, int8..64, uint8..64, float16..64", in_quotes(descr));
    }
    void parse_shape(Header& h) {
        expect('(');
        while (!accept(')')) {
            skip_blank();
            std::size_t length = 0;
            while (length < rest_.size() && (rest_[length] == '-' || (rest_[length] >= '0' && rest_[length] <= '9')))
                ++length;
            std::int64_t size = 0;
            if (!parse_integer(rest_.substr(0, length), size)) broken();
            rest_.remove_prefix(length);
            if (!rest_.empty() && rest_.front() == 'L') rest_.remove_prefix(1);  // Python 2
            h.shape.push_back(size);
            if (h.shape.size() > kMaxDimensions) fail(ErrorKind::format, "more than {} dimensions", kMaxDimensions);
            if (!accept(',')) {
                expect(')');
                break;
            }
        }
    }
    std::string_view rest_;
};

// Splits off the header; `bytes` then begins with the data.
Header take_header(std::string_view& bytes) {
    if (bytes.empty()) fail(ErrorKind::format, "the file is empty");
    if (!bytes.starts_with(kMagic)) fail(ErrorKind::format, "not an NPY file (it must begin with \\x93NUMPY)");
    ByteReader r(bytes, kMagic.size());
    const auto major = r.get<std::uint8_t>("the NPY version");
    r.get<std::uint8_t>("the NPY version");
    if (major < 1 || major > 3) fail(ErrorKind::format, "NPY version {}; nir reads 1 to 3", major);
    const std::uint64_t length =
        major == 1 ? r.get<std::uint16_t>("the header length") : r.get<std::uint32_t>("the header length");
    if (length > (1u << 20)) fail(ErrorKind::format, "an NPY header of {} bytes", length);
    const std::string_view text(r.take(length, "the NPY header"), static_cast<std::size_t>(length));
    const Header h = HeaderParser(text).parse();
    bytes.remove_prefix(r.offset());
    return h;
}

template <class T>
void swap_all(std::vector<std::byte>& bytes) {
    auto* p = reinterpret_cast<char*>(bytes.data());
    for (std::size_t i = 0; i + sizeof(T) <= bytes.size(); i += sizeof(T)) {
        const T v = load<T, true>(p + i);
        std::memcpy(p + i, &v, sizeof v);
    }
}

void to_little_endian(std::vector<std::byte>& bytes, std::size_t size) {
    if (size == 2)
        swap_all<std::uint16_t>(bytes);
    else if (size == 4)
        swap_all<std::uint32_t>(bytes);
    else if (size == 8)
        swap_all<std::uint64_t>(bytes);
}

// Fortran order: the first index runs fastest. Walks the source in order and keeps the C offset of the current index.
void to_c_order(NamedArray& a) {
    const std::size_t n_dims = a.shape.size(), size = size_of(a.dtype), n = a.count();
    std::vector<std::size_t> stride(n_dims, 1), index(n_dims, 0);
    for (std::size_t d = n_dims - 1; d-- > 0;) stride[d] = stride[d + 1] * static_cast<std::size_t>(a.shape[d + 1]);
    std::vector<std::byte> out(a.bytes.size());
    std::size_t to = 0;
    for (std::size_t from = 0; from < n; ++from) {
        std::memcpy(out.data() + to * size, a.bytes.data() + from * size, size);
        for (std::size_t d = 0; d < n_dims; ++d) {
            to += stride[d];
            if (++index[d] < static_cast<std::size_t>(a.shape[d])) break;
            to -= stride[d] * index[d];
            index[d] = 0;
        }
    }
    a.bytes = std::move(out);
}

NamedArray finish(Header&& h, std::vector<std::byte>&& data) {
    NamedArray a{{}, h.dtype, std::move(h.shape), std::move(data)};
    if (h.big_endian) to_little_endian(a.bytes, size_of(a.dtype));
    if (h.fortran && a.shape.size() > 1 && !a.bytes.empty()) to_c_order(a);
    return a;
}

std::uint64_t data_size(const Header& h, std::uint64_t available) {
    const std::uint64_t needed = checked_byte_count(h.shape, h.dtype);
    if (needed > available) {
        fail(ErrorKind::format, "the shape {} of {} needs {} bytes, {} follow",
             NamedArray{{}, h.dtype, h.shape, {}}.shape_text(), name_of(h.dtype), needed, available);
    }
    return needed;
}

NamedArray read_member(const ZipArchive& archive, const ZipMember& member) {
    return with_context(in_quotes(member.name), [&] {
        // The header first: what is not an array of numbers is refused before anything is inflated.
        const std::string prefix = archive.read_prefix(member, 4096);
        std::string_view probe = prefix;
        const Header peeked = take_header(probe);
        data_size(peeked, member.size - (prefix.size() - probe.size()));
        std::vector<std::byte> bytes = archive.read(member);
        std::string_view body(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        Header h = take_header(body);
        const std::uint64_t needed = data_size(h, body.size());
        bytes.erase(bytes.begin(), bytes.end() - static_cast<std::ptrdiff_t>(body.size()));
        bytes.resize(static_cast<std::size_t>(needed));
        return finish(std::move(h), std::move(bytes));
    });
}

std::string array_name(const ZipMember& m) {
    return m.name.ends_with(".npy") ? m.name.substr(0, m.name.size() - 4) : m.name;
}

std::string header_text(const NamedArray& a) {
    constexpr std::string_view types[] = {"|b1", "|u1", "|i1", "<u2", "<i2", "<u4", "<i4",
                                          "<u8", "<i8", "<f2", "",    "<f4", "<f8"};
    const std::string_view descr = types[static_cast<std::size_t>(a.dtype)];
    if (descr.empty()) fail(ErrorKind::input, "array {}: NPY has no bfloat16", in_quotes(a.name));
    std::string shape;
    for (const std::int64_t d : a.shape) shape += fmt::format("{},", d);
    if (a.shape.size() > 1) shape.pop_back();
    std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr, shape);
    while ((kMagic.size() + 4 + text.size() + 1) % 64 != 0) text += ' ';
    text += '\n';
    const char version[] = {1, 0, static_cast<char>(text.size() & 255), static_cast<char>(text.size() >> 8)};
    return std::string(kMagic) + std::string(version, 4) + text;
}

std::string_view chars(const std::vector<std::byte>& b) { return {reinterpret_cast<const char*>(b.data()), b.size()}; }

}  // namespace

NamedArray parse_npy(std::string_view bytes) {
    Header h = take_header(bytes);
    const auto n = static_cast<std::size_t>(data_size(h, bytes.size()));
    std::vector<std::byte> data(n);
    if (n > 0) std::memcpy(data.data(), bytes.data(), n);
    return finish(std::move(h), std::move(data));
}

std::optional<BlockHeader> npy_block_header(std::string_view bytes) {
    const Header h = take_header(bytes);
    const std::size_t d = h.shape.size();
    const bool rows = d == 2 || (d == 3 && h.shape[0] == 1);
    if (!rows || h.fortran || (h.shape[d - 1] != 3 && h.shape[d - 1] != 6) || h.shape[d - 2] < 1) return std::nullopt;
    return BlockHeader{static_cast<std::uint64_t>(h.shape[d - 2]), false};
}
void parse_npy_blocks(BlockSink& sink) {
    sink.file.need(0, BlockSink::kAhead);
    std::string_view bytes = sink.file.view();
    const Header h = take_header(bytes);
    data_size(h, bytes.size());
    const std::size_t start = sink.file.view().size() - bytes.size();
    const std::int64_t columns = h.shape.back(), rows = h.shape[h.shape.size() - 2];
    const std::size_t row_bytes = static_cast<std::size_t>(columns) * size_of(h.dtype);
    for (std::int64_t row = 0; row < rows;) {
        const std::int64_t n = std::min(rows - row, static_cast<std::int64_t>(BlockSink::kPoints));
        const std::size_t from = static_cast<std::size_t>(row) * row_bytes,
                          size = static_cast<std::size_t>(n) * row_bytes;
        sink.file.need(start + from, start + from + size);
        std::vector<std::byte> data(size);
        std::memcpy(data.data(), bytes.data() + from, size);
        Header part = h;
        part.shape = {n, columns};
        TensorFile file;
        file.arrays.push_back(finish(std::move(part), std::move(data)));
        Geometry g = to_geometry(file);
        sink.offer(g, true);
        row += n;
    }
}

NamedArray read_npy(std::istream& in) {
    return read_stream(in, [](std::string_view b) { return parse_npy(b); });
}
NamedArray read_npy(const std::filesystem::path& path) {
    return read_path(path, [](std::string_view b) { return parse_npy(b); });
}

void write_npy(std::ostream& out, const NamedArray& array) {
    NIR_CHECK(checked_byte_count(array.shape, array.dtype) == array.bytes.size());
    ByteWriter to(out);
    to.put_bytes(header_text(array));
    to.put_bytes(chars(array.bytes));
    to.flush();
}
void write_npy(const std::filesystem::path& path, const NamedArray& array) {
    write_path(path, [&](std::ostream& out) { write_npy(out, array); });
}

TensorFile parse_npz(std::string_view bytes) {
    const ZipArchive archive(bytes);
    TensorFile file;
    for (const ZipMember& m : archive.members()) {
        if (m.name.ends_with('/')) continue;
        file.arrays.push_back(read_member(archive, m));
        file.arrays.back().name = array_name(m);
    }
    return file;
}
TensorFile read_npz(std::istream& in) {
    return read_stream(in, [](std::string_view b) { return parse_npz(b); });
}
TensorFile read_npz(const std::filesystem::path& path) {
    return read_path(path, [](std::string_view b) { return parse_npz(b); });
}

void write_npz(std::ostream& out, const TensorFile& file, bool deflate) {
    ZipWriter zip(out, deflate);
    for (const NamedArray& a : file.arrays) {
        NIR_CHECK(checked_byte_count(a.shape, a.dtype) == a.bytes.size());
        const std::string header = header_text(a);
        zip.add(a.name + ".npy", {header, chars(a.bytes)});
    }
    zip.finish();
}
void write_npz(const std::filesystem::path& path, const TensorFile& file, bool deflate) {
    write_path(path, [&](std::ostream& out) { write_npz(out, file, deflate); });
}

NpzFile::NpzFile(const std::filesystem::path& path)
    : path_(path.string()),
      bytes_(with_context(path_, [&] { return read_file(path); })),
      archive_(with_context(path_, [&] { return ZipArchive(bytes_.view()); })) {}

std::vector<std::string> NpzFile::names() const {
    std::vector<std::string> names;
    for (const ZipMember& m : archive_.members()) names.push_back(array_name(m));
    return names;
}

bool NpzFile::contains(std::string_view name) const {
    return std::any_of(archive_.members().begin(), archive_.members().end(),
                       [&](const ZipMember& m) { return array_name(m) == name; });
}

NamedArray NpzFile::read(std::string_view name) const {
    return with_context(path_, [&] {
        for (const ZipMember& m : archive_.members()) {
            if (array_name(m) != name) continue;
            NamedArray a = read_member(archive_, m);
            a.name = name;
            return a;
        }
        std::string known;
        for (const std::string& n : names()) known += (known.empty() ? "" : ", ") + in_quotes(n);
        fail(ErrorKind::format, "no array {}; the file holds {}", in_quotes(name), known.empty() ? "none" : known);
    });
}

}  // namespace nir::io
