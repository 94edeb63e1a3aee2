// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/point_blocks.h"

#include "nir/base/error.h"
#include "nir/io/formats.h"

#include "io/block_parsers.h"
#include "io/sliding_file.h"

#include <algorithm>

namespace nir::io {
namespace {

struct BlockFormat {
    std::string_view name;
    std::optional<BlockHeader> (*header)(std::string_view bytes);  ///< null: text without one
    void (*parse)(BlockSink& sink);
};

constexpr BlockFormat kFormats[] = {{"PLY", ply_block_header, parse_ply_blocks},
                                    {"PCD", pcd_block_header, parse_pcd_blocks},
                                    {"NPY", npy_block_header, parse_npy_blocks},
                                    {"XYZ", nullptr, parse_xyz_blocks}};

std::uint64_t count_lines(SlidingFile& file) {
    constexpr std::size_t kTogether = std::size_t{4} << 20;
    const std::string_view bytes = file.view();
    std::uint64_t lines = 1;
    for (std::size_t at = 0; at < bytes.size(); at += kTogether) {
        file.need(at, at + kTogether);
        const std::string_view block = bytes.substr(at, kTogether);
        lines += static_cast<std::uint64_t>(std::count(block.begin(), block.end(), '\n'));
    }
    return lines;
}

class OpenFile final : public PointBlocks {
public:
    OpenFile(std::unique_ptr<SlidingFile> file, const BlockFormat& format, BlockHeader header)
        : file_(std::move(file)), format_(format), header_(header) {}
    std::uint64_t points() const override { return header_.points; }
    bool has_sensors() const override { return header_.sensors; }
    bool is_text() const override { return format_.name == "XYZ"; }
    void read(const std::function<void(geom::PointCloud&&)>& f) override {
        file_->rewind();
        BlockSink sink{*file_, [&](Geometry& g) { f(to_point_cloud(std::move(g))); }};
        format_.parse(sink);
    }

private:
    std::unique_ptr<SlidingFile> file_;
    const BlockFormat& format_;
    BlockHeader header_;
};

std::unique_ptr<PointBlocks> open_blocks(const std::filesystem::path& path) {
    std::error_code error;
    if (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error)) return nullptr;
    auto file = std::make_unique<SlidingFile>(path);
    file->need(0, BlockSink::kAhead);
    const Format& found = detect_format(path, file->view());
    const auto* format = std::ranges::find_if(kFormats, [&](const BlockFormat& f) { return f.name == found.name; });
    if (format == std::end(kFormats)) return nullptr;
    const auto header =
        format->header ? format->header(file->view()) : std::optional<BlockHeader>({count_lines(*file), false});
    if (!header) return nullptr;
    return std::make_unique<OpenFile>(std::move(file), *format, *header);
}

}  // namespace

std::unique_ptr<PointBlocks> open_point_blocks(const std::filesystem::path& path) {
    return with_context(path.string(), [&] { return open_blocks(path); });
}

}  // namespace nir::io
