// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/io/geometry.h"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string_view>

namespace nir::io {

/// A file of any size that is read from its beginning to its end: all of it has an address, only the part that is
/// worked on is in memory.
class SlidingFile {
public:
    /// @throws Error input: missing, a directory, no permission, no regular file. The message does not name the file.
    explicit SlidingFile(const std::filesystem::path& path);
    ~SlidingFile();
    SlidingFile(const SlidingFile&) = delete;
    SlidingFile& operator=(const SlidingFile&) = delete;

    std::string_view view() const { return {data_, size_}; }
    /// Makes the bytes [from, to) be there, as far as the file goes, and forgets those before `from`; never goes back.
    /// @throws Error input if the file is shorter than it was.
    void need(std::size_t from, std::size_t to);
    /// Bytes that were made be there so far.
    std::size_t loaded() const { return loaded_; }
    /// Everything is forgotten: from the beginning once more.
    void rewind();

private:
    int fd_ = -1;
    char* data_ = nullptr;
    std::size_t size_ = 0, loaded_ = 0, forgotten_ = 0;
};

/// Points that a parser hands on as soon as there are some: the parser works on file.view().
struct BlockSink {
    SlidingFile& file;
    std::function<void(Geometry&)> take;  ///< what is in it may be moved away
    static constexpr std::size_t kPoints = 65536, kAhead = std::size_t{1} << 20;

    /// Hands on the points, if there are enough of them, or any at all.
    void offer(Geometry& g, bool all = false) const {
        if (g.points.empty() || (g.points.size() < kPoints && !all)) return;
        take(g);
        g.points.clear(), g.normals.clear(), g.colors.clear(), g.sensors.clear(), g.confidence.clear();
    }
    /// Before a line of text is read. @param at  where it begins in the file
    void before_line(std::size_t at) const {
        if (at + kAhead > file.loaded() && file.loaded() < file.view().size()) file.need(at, at + 8 * kAhead);
    }
    /// After it. @throws Error format if it is longer than 1 MiB.
    void after_line(std::size_t end, std::size_t number) const;
};

}  // namespace nir::io
