// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/jpeg.h"

#include "nir/base/error.h"
#include "nir/io/file_bytes.h"

#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <jpeglib.h>

namespace nir::io {
namespace {

constexpr std::uint64_t kMaxSide = 1u << 15, kMaxPixels = 1u << 28;
/// Pixels that a byte can stand for: progressive files of one colour reach 340.
constexpr std::uint64_t kMaxPixelsPerByte = 1000;

// libjpeg reports errors by a call that must not return; it keeps the text here and jumps back. Between setjmp and the
// last libjpeg call of a function no object with a destructor is made.
struct Trouble {
    jpeg_error_mgr manager;
    std::jmp_buf jump;
    char text[JMSG_LENGTH_MAX] = {};
};

[[noreturn]] void on_error(j_common_ptr info) {
    auto* trouble = reinterpret_cast<Trouble*>(info->err);
    info->err->format_message(info, trouble->text);
    std::longjmp(trouble->jump, 1);
}
/// Warnings (level -1) are damaged data, which libjpeg would paint over.
void on_message(j_common_ptr info, int level) {
    if (level < 0) on_error(info);
}

struct Reader {
    jpeg_decompress_struct info{};
    Trouble trouble{};

    Reader() {
        info.err = jpeg_std_error(&trouble.manager);
        trouble.manager.error_exit = on_error;
        trouble.manager.emit_message = on_message;
    }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    ~Reader() { jpeg_destroy_decompress(&info); }
};

bool read_header(Reader& r, std::string_view bytes) {
    if (setjmp(r.trouble.jump)) return false;
    jpeg_create_decompress(&r.info);
    jpeg_mem_src(&r.info, reinterpret_cast<const unsigned char*>(bytes.data()),
                 static_cast<unsigned long>(bytes.size()));
    jpeg_read_header(&r.info, TRUE);
    r.info.out_color_space = r.info.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    return true;
}

bool read_rows(Reader& r, std::uint8_t* to, std::size_t row_bytes) {
    if (setjmp(r.trouble.jump)) return false;
    jpeg_start_decompress(&r.info);
    while (r.info.output_scanline < r.info.output_height) {
        JSAMPROW row = to + r.info.output_scanline * row_bytes;
        jpeg_read_scanlines(&r.info, &row, 1);
    }
    jpeg_finish_decompress(&r.info);
    return true;
}

}  // namespace

bool looks_like_jpeg(std::string_view bytes) { return bytes.starts_with("\xff\xd8\xff"); }

geom::Image8 parse_jpeg(std::string_view bytes) {
    if (bytes.empty()) fail(ErrorKind::format, "the file is empty");
    if (!looks_like_jpeg(bytes)) fail(ErrorKind::format, "not a JPEG image");
    Reader r;
    if (!read_header(r, bytes)) fail(ErrorKind::format, "broken JPEG: {}", r.trouble.text);
    const std::uint64_t width = r.info.image_width, height = r.info.image_height;
    const int channels = r.info.num_components;
    if (channels != 1 && channels != 3)
        fail(ErrorKind::format, "a JPEG of {} channels; nir reads grey and colour (1 and 3)", channels);
    if (width == 0 || height == 0 || width > kMaxSide || height > kMaxSide || width * height > kMaxPixels ||
        width * height / kMaxPixelsPerByte > bytes.size())
        fail(ErrorKind::format, "{} x {} pixels promised by a file of {} bytes", width, height, bytes.size());
    geom::Image8 image(static_cast<int>(width), static_cast<int>(height), channels);
    const std::size_t row_bytes = static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
    if (!read_rows(r, image.data.data(), row_bytes)) fail(ErrorKind::format, "broken JPEG: {}", r.trouble.text);
    return image;
}

geom::Image8 read_jpeg(const std::filesystem::path& path) {
    return read_path(path, [](std::string_view b) { return parse_jpeg(b); });
}

}  // namespace nir::io
