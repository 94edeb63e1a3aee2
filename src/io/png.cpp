// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/png.h"

#include "nir/base/error.h"
#include "nir/io/file_bytes.h"

#include "io/output.h"

#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>
#include <ostream>
#include <string>

namespace nir::io {
namespace {

constexpr std::string_view kMagic("\x89PNG\r\n\x1a\n", 8);
constexpr std::uint32_t kMaxSide = 1u << 15;
constexpr std::uint64_t kMaxPixels = 1u << 28;

// libpng reports errors by a call that must not return; it keeps the text here and jumps back. Between setjmp and the
// last libpng call of a function no object with a destructor is made.
struct Trouble {
    char text[160] = {};
};

[[noreturn]] void on_error(png_structp png, png_const_charp text) {
    auto* trouble = static_cast<Trouble*>(png_get_error_ptr(png));
    std::strncpy(trouble->text, text, sizeof trouble->text - 1);
    png_longjmp(png, 1);
}
void on_warning(png_structp, png_const_charp) {}

struct Reader {
    png_structp png = nullptr;
    png_infop info = nullptr;
    std::string_view rest;
    Trouble trouble;

    explicit Reader(std::string_view bytes) : rest(bytes) {
        png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &trouble, on_error, on_warning);
        NIR_CHECK(png != nullptr);
        info = png_create_info_struct(png);
        if (info == nullptr) png_destroy_read_struct(&png, nullptr, nullptr);
        NIR_CHECK(info != nullptr);
        png_set_read_fn(png, this, [](png_structp p, png_bytep to, std::size_t n) {
            auto* self = static_cast<Reader*>(png_get_io_ptr(p));
            if (n > self->rest.size()) png_error(p, "the file is cut off");
            std::memcpy(to, self->rest.data(), n);
            self->rest.remove_prefix(n);
        });
    }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
};

struct Shape {
    std::uint32_t width = 0, height = 0;
    int depth = 0, channels = 0;
    std::uint64_t raw_row_bytes = 0;  ///< of a row as it is packed in the file
};

// Reads the header and asks for 8- or 16-bit grey, grey + alpha, RGB or RGBA. False: see trouble.
bool read_header(Reader& r, int depth, Shape& shape) {
    if (setjmp(png_jmpbuf(r.png))) return false;
    png_set_user_limits(r.png, kMaxSide, kMaxSide);
    png_set_chunk_cache_max(r.png, 64);
    png_set_chunk_malloc_max(r.png, 1u << 24);
    png_read_info(r.png, r.info);
    shape.raw_row_bytes = png_get_rowbytes(r.png, r.info);
    png_set_expand(r.png);
    if (depth == 8)
        png_set_scale_16(r.png);
    else
        png_set_expand_16(r.png), png_set_swap(r.png);
    png_set_interlace_handling(r.png);
    png_read_update_info(r.png, r.info);
    shape.width = png_get_image_width(r.png, r.info);
    shape.height = png_get_image_height(r.png, r.info);
    shape.depth = png_get_bit_depth(r.png, r.info);
    shape.channels = png_get_channels(r.png, r.info);
    return true;
}

bool read_rows(Reader& r, png_bytepp rows) {
    if (setjmp(png_jmpbuf(r.png))) return false;
    png_read_image(r.png, rows);
    png_read_end(r.png, nullptr);
    return true;
}

template <class Image>
Image parse(std::string_view bytes) {
    using T = typename decltype(Image::data)::value_type;
    if (bytes.empty()) fail(ErrorKind::format, "the file is empty");
    if (!looks_like_png(bytes)) fail(ErrorKind::format, "not a PNG image");
    Reader r(bytes);
    Shape s;
    if (!read_header(r, static_cast<int>(8 * sizeof(T)), s)) fail(ErrorKind::format, "broken PNG: {}", r.trouble.text);
    NIR_CHECK(s.depth == 8 * static_cast<int>(sizeof(T)) && s.channels >= 1 && s.channels <= 4);
    const std::uint64_t pixels = std::uint64_t{s.width} * s.height;
    // Deflate packs at most 1032 to 1.
    if (pixels > kMaxPixels || s.raw_row_bytes * s.height / 1032 > bytes.size()) {
        fail(ErrorKind::format, "{} x {} pixels promised by a file of {} bytes", s.width, s.height, bytes.size());
    }
    Image image(static_cast<int>(s.width), static_cast<int>(s.height), s.channels);
    std::vector<png_bytep> rows(s.height);
    const std::size_t stride = image.data.size() / s.height;
    for (std::uint32_t y = 0; y < s.height; ++y) rows[y] = reinterpret_cast<png_bytep>(image.data.data() + y * stride);
    if (!read_rows(r, rows.data())) fail(ErrorKind::format, "broken PNG: {}", r.trouble.text);
    return image;
}

struct Writer {
    png_structp png = nullptr;
    png_infop info = nullptr;
    Trouble trouble;
    std::string out;

    Writer() {
        png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &trouble, on_error, on_warning);
        NIR_CHECK(png != nullptr);
        info = png_create_info_struct(png);
        if (info == nullptr) png_destroy_write_struct(&png, nullptr);
        NIR_CHECK(info != nullptr);
        png_set_write_fn(
            png, &out,
            [](png_structp p, png_bytep from, std::size_t n) {
                static_cast<std::string*>(png_get_io_ptr(p))->append(reinterpret_cast<const char*>(from), n);
            },
            [](png_structp) {});
    }
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    ~Writer() { png_destroy_write_struct(&png, &info); }
};

bool write_rows(Writer& w, const Shape& s, png_bytepp rows) {
    constexpr int types[] = {0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                             PNG_COLOR_TYPE_RGBA};
    if (setjmp(png_jmpbuf(w.png))) return false;
    png_set_IHDR(w.png, w.info, s.width, s.height, s.depth, types[s.channels], PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(w.png, w.info);
    if (s.depth == 16) png_set_swap(w.png);
    png_write_image(w.png, rows);
    png_write_end(w.png, nullptr);
    return true;
}

template <class Image>
void write(std::ostream& out, const Image& image) {
    using T = typename decltype(Image::data)::value_type;
    NIR_CHECK(image.width > 0 && image.height > 0 && image.channels >= 1 && image.channels <= 4);
    NIR_CHECK(image.data.size() == Image(image.width, image.height, image.channels).data.size());
    const std::size_t height = static_cast<std::size_t>(image.height), stride = image.data.size() / height;
    std::vector<png_bytep> rows;
    for (std::size_t y = 0; y < height; ++y) {
        rows.push_back(const_cast<png_bytep>(reinterpret_cast<png_const_bytep>(image.data.data() + y * stride)));
    }
    Writer w;
    const Shape shape{static_cast<std::uint32_t>(image.width), static_cast<std::uint32_t>(image.height),
                      static_cast<int>(8 * sizeof(T)), image.channels};
    if (!write_rows(w, shape, rows.data())) fail(ErrorKind::io, "cannot write the PNG: {}", w.trouble.text);
    out.write(w.out.data(), static_cast<std::streamsize>(w.out.size()));
    if (!out) fail(ErrorKind::io, "cannot write (is the disk full?)");
}

}  // namespace

bool looks_like_png(std::string_view bytes) { return bytes.starts_with(kMagic); }

Image8 parse_png(std::string_view bytes) { return parse<Image8>(bytes); }
Image16 parse_png16(std::string_view bytes) { return parse<Image16>(bytes); }
Image8 read_png(std::istream& in) {
    return read_stream(in, [](std::string_view b) { return parse_png(b); });
}
Image8 read_png(const std::filesystem::path& path) {
    return read_path(path, [](std::string_view b) { return parse_png(b); });
}
Image16 read_png16(std::istream& in) {
    return read_stream(in, [](std::string_view b) { return parse_png16(b); });
}
Image16 read_png16(const std::filesystem::path& path) {
    return read_path(path, [](std::string_view b) { return parse_png16(b); });
}

void write_png(std::ostream& out, const Image8& image) { write(out, image); }
void write_png(const std::filesystem::path& path, const Image8& image) {
    write_path(path, [&](std::ostream& out) { write(out, image); });
}
void write_png(std::ostream& out, const Image16& image) { write(out, image); }
void write_png(const std::filesystem::path& path, const Image16& image) {
    write_path(path, [&](std::ostream& out) { write(out, image); });
}

}  // namespace nir::io
