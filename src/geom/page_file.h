// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Records with a place in space, on disk in pages of neighbours, of which the boxes are known.
#pragma once

#include "nir/base/error.h"
#include "nir/base/spill_file.h"
#include "nir/base/stop.h"
#include "nir/geom/vec.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <span>
#include <type_traits>
#include <vector>

namespace nir::geom {

/// Writes records in the order they come, kPage of them a page; the better neighbours follow each other, the smaller
/// are the boxes. In memory: the boxes, 0.1 bytes (floats) or 0.2 bytes a record. Reading is thread-safe.
template <class Record, class Box>
class PageFile {
    static_assert(std::is_trivially_copyable_v<Record>);

public:
    static constexpr std::size_t kPage = 512, kGroup = 64;

    explicit PageFile(const std::filesystem::path& folder) : file_(folder) { buffer_.reserve(kBuffered); }

    void append(const Record& r) {
        if (count_ % kPage == 0) boxes_.emplace_back();
        if (count_ % (kPage * kGroup) == 0) groups_.emplace_back();
        boxes_.back().extend(r.place), groups_.back().extend(r.place);
        ++count_;
        buffer_.push_back(r);
        if (buffer_.size() == kBuffered) flush();
    }
    /// Must be called before anything is read.
    void finish() {
        flush();
        buffer_ = {};
    }

    std::size_t size() const { return count_; }
    std::size_t pages() const { return boxes_.size(); }
    const Box& box(std::size_t page) const { return boxes_[page]; }
    std::size_t page_size(std::size_t page) const { return std::min(kPage, count_ - page * kPage); }

    /// Pages [first, last), overwriting `out`.
    void read(std::size_t first, std::size_t last, std::vector<Record>& out) const {
        NIR_CHECK(buffer_.empty() && first < last && last <= pages());
        out.resize(std::min(last * kPage, count_) - first * kPage);
        file_.read(first * kPage * sizeof(Record), std::as_writable_bytes(std::span(out)));
    }
    /// Calls f(page) for the pages whose box meets the condition; meets(box of a group) must hold where it does for a
    /// box inside.
    template <class Meets, class F>
    void for_pages(const Meets& meets, const F& f) const {
        for (std::size_t g = 0; g < groups_.size(); ++g) {
            if (!meets(groups_[g])) continue;
            for (std::size_t p = g * kGroup; p < std::min((g + 1) * kGroup, pages()); ++p)
                if (meets(boxes_[p])) f(p);
        }
    }
    /// Calls f(records) for all of them, a few pages at a time, in their order. May be stopped (base/stop.h).
    template <class F>
    void visit(const F& f) const {
        std::vector<Record> records;
        for (std::size_t first = 0; first < pages(); first += kGroup) {
            check_stop();
            read(first, std::min(first + kGroup, pages()), records);
            f(std::span<const Record>(records));
        }
    }

private:
    static constexpr std::size_t kBuffered = 16384;

    void flush() {
        if (!buffer_.empty()) file_.append(std::as_bytes(std::span(buffer_)));
        buffer_.clear();
    }

    SpillFile file_;
    std::vector<Record> buffer_;
    std::vector<Box> boxes_, groups_;
    std::size_t count_ = 0;
};

}  // namespace nir::geom
