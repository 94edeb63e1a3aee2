// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/binvox.h"

#include "nir/base/error.h"
#include "nir/io/file_bytes.h"

#include "io/binary.h"
#include "io/output.h"
#include "io/text.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace nir::io {
namespace {

constexpr std::uint64_t kMaxCells = std::uint64_t{1} << 30;

struct Header {
    std::array<std::uint64_t, 3> dim{};  ///< x, z, y in the file's words: depth, height, width
    geom::Vec3d translate{};
    double scale = 1;
    std::size_t body_offset = 0;
};

Header parse_header(std::string_view bytes) {
    LineReader lines(bytes);
    std::string_view line, keyword, word;
    if (!lines.next(line) || !trim(line).starts_with("#binvox"))
        fail(ErrorKind::format, "not a binvox file (it must begin with \"#binvox\")");
    if (trim(line) != "#binvox 1") fail(ErrorKind::format, "line 1: {}; nir reads version 1", in_quotes(line));
    Header h;
    bool has_dim = false;
    while (lines.next(line)) {
        Words<> words(line);
        if (!words.next(keyword)) continue;
        if (keyword == "data") {
            if (!has_dim) fail(ErrorKind::format, "line {}: the header has no \"dim\"", lines.number());
            h.body_offset = lines.offset();
            return h;
        }
        if (keyword == "dim") {
            for (std::uint64_t& d : h.dim) {
                if (!words.next(word) || !parse_integer(word, d) || d == 0 || d > (1u << 16))
                    fail(ErrorKind::format, "line {}: dim needs three sizes of 1 to 65536", lines.number());
            }
            has_dim = true;
        } else if (keyword == "translate" || keyword == "scale") {
            double v[3] = {};
            for (int k = 0; k < (keyword == "scale" ? 1 : 3); ++k) {
                if (!words.next(word) || !parse_number(word, v[k]) || !std::isfinite(v[k]))
                    fail(ErrorKind::format, "line {}: {} needs numbers", lines.number(), keyword);
            }
            if (keyword == "translate")
                h.translate = {v[0], v[1], v[2]};
            else
                h.scale = v[0];
            if (!(h.scale > 0)) fail(ErrorKind::format, "line {}: a scale of {}", lines.number(), h.scale);
        } else {
            fail(ErrorKind::format, "line {}: {} is no binvox keyword", lines.number(), in_quotes(keyword));
        }
    }
    fail(ErrorKind::format, "line {}: the file ends inside the header (no \"data\")", lines.number());
}

}  // namespace

geom::VoxelGrid parse_binvox(std::string_view bytes) {
    if (bytes.empty()) fail(ErrorKind::format, "the file is empty");
    const Header h = parse_header(bytes);
    const std::string_view runs = bytes.substr(h.body_offset);
    const std::uint64_t nx = h.dim[0], nz = h.dim[1], ny = h.dim[2], cells = nx * ny * nz;
    if (cells > kMaxCells) fail(ErrorKind::format, "{} x {} x {} cells; the limit is 2^30", nx, ny, nz);
    if (cells > runs.size() / 2 * 255)
        fail(ErrorKind::format, "{} x {} x {} cells promised, but only {} bytes follow", nx, ny, nz, runs.size());
    geom::VoxelGrid grid;
    grid.size = {static_cast<std::int32_t>(nx), static_cast<std::int32_t>(ny), static_cast<std::int32_t>(nz)};
    const double cell = h.scale / static_cast<double>(std::max({nx, ny, nz}));
    grid.spacing = {cell, cell, cell};
    grid.origin = h.translate + grid.spacing / 2;
    grid.values.resize(static_cast<std::size_t>(cells));
    // x runs slowest, then z, then y.
    std::uint64_t at = 0;
    for (std::size_t i = 0; i + 1 < runs.size() && at < cells; i += 2) {
        const auto value = static_cast<std::uint8_t>(runs[i]), count = static_cast<std::uint8_t>(runs[i + 1]);
        if (value > 1) fail(ErrorKind::format, "byte {}: a cell value of {}", h.body_offset + i, value);
        if (count > cells - at)
            fail(ErrorKind::format, "byte {}: more cells than the {} x {} x {} promised", h.body_offset + i, nx, ny,
                 nz);
        for (std::uint64_t k = 0; k < count; ++k, ++at) {
            const std::uint64_t x = at / (nz * ny), z = at / ny % nz, y = at % ny;
            grid.values[static_cast<std::size_t>((x * ny + y) * nz + z)] = value;
        }
    }
    if (at != cells) fail(ErrorKind::format, "the file ends at cell {} of {}", at, cells);
    return grid;
}

geom::VoxelGrid read_binvox(std::istream& in) {
    return read_stream(in, [](std::string_view b) { return parse_binvox(b); });
}
geom::VoxelGrid read_binvox(const std::filesystem::path& path) {
    return read_path(path, [](std::string_view b) { return parse_binvox(b); });
}

void write_binvox(std::ostream& out, const geom::VoxelGrid& grid, float level) {
    const geom::Vec3d s = grid.spacing;
    if (!(s.x > 0) || std::abs(s.x - s.y) > 1e-9 * s.x || std::abs(s.x - s.z) > 1e-9 * s.x) {
        fail(ErrorKind::input, "binvox needs the same spacing along all axes, not {} {} {}", s.x, s.y, s.z);
    }
    const int nx = grid.size.x, ny = grid.size.y, nz = grid.size.z;
    NIR_CHECK(nx > 0 && ny > 0 && nz > 0 && grid.values.size() == grid.index(nx - 1, ny - 1, nz - 1) + 1);
    const geom::Vec3d corner = grid.origin - s / 2;
    ByteWriter to(out);
    to.put_bytes(fmt::format("#binvox 1\ndim {} {} {}\ntranslate {} {} {}\nscale {}\ndata\n", nx, nz, ny, corner.x,
                             corner.y, corner.z, s.x * static_cast<double>(std::max({nx, ny, nz}))));
    std::uint8_t value = 0, count = 0;
    const auto end_run = [&] {
        if (count > 0) to.put(value), to.put(count);
        count = 0;
    };
    for (int x = 0; x < nx; ++x)
        for (int z = 0; z < nz; ++z)
            for (int y = 0; y < ny; ++y) {
                const std::uint8_t v = grid.values[grid.index(x, y, z)] > level ? 1 : 0;
                if (v != value || count == 255) end_run();
                value = v, ++count;
            }
    end_run();
    to.flush();
}
void write_binvox(const std::filesystem::path& path, const geom::VoxelGrid& grid, float level) {
    write_path(path, [&](std::ostream& out) { write_binvox(out, grid, level); });
}

}  // namespace nir::io
