// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/point_source.h"

#include "geom/page_file.h"

#include <filesystem>

namespace nir::geom {

/// Points on disk: 24 bytes a point there, 0.05 in memory. What was read lately lies in the page cache of the system.
class PagedSource final : public PointSource {
public:
    struct Point {
        Vec3f place;
        std::uint32_t index = 0, sensor = 0;
        Rgb8 color{};
    };

    PagedSource(const std::filesystem::path& folder, bool colors, bool sensors)
        : pages_(folder), colors_(colors), sensors_(sensors) {}
    /// In an order in which neighbours follow each other.
    void append(const Point& p);
    void finish() { pages_.finish(); }

    std::size_t size() const override { return pages_.size(); }
    Box3f box() const override { return box_; }
    Vec3f first() const override { return first_; }
    bool has_colors() const override { return colors_; }
    bool has_sensors() const override { return sensors_; }
    Found find(const Box3f& box) const override;
    std::size_t most_in_box(const Box3f& box) const override;
    void visit(const std::function<void(const Found&)>& f) const override;

private:
    void append_to(Found& found, const Point& p) const;

    PageFile<Point, Box3f> pages_;
    bool colors_, sensors_;
    Box3f box_;
    Vec3f first_{};
};

}  // namespace nir::geom
