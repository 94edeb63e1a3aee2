// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "geom/paged_source.h"

#include <algorithm>

namespace nir::geom {
namespace {

constexpr std::size_t kPagesTogether = 64;  ///< that follow each other are read in one go

bool meet(const Box3f& a, const Box3f& b) {
    for (int i = 0; i < 3; ++i)
        if (!(a.lo[i] <= b.hi[i] && b.lo[i] <= a.hi[i])) return false;
    return true;
}

}  // namespace

void PagedSource::append(const Point& p) {
    if (p.index == 0) first_ = p.place;
    box_.extend(p.place);
    pages_.append(p);
}

void PagedSource::append_to(Found& found, const Point& p) const {
    found.index.push_back(p.index);
    found.points.push_back(p.place);
    if (colors_) found.colors.push_back(p.color);
    if (sensors_) found.sensors.push_back(p.sensor);
}

PointSource::Found PagedSource::find(const Box3f& box) const {
    std::vector<Point> inside, block;
    std::size_t first = 0, last = 0;  // pages that are to be read
    const auto read = [&] {
        if (first == last) return;
        pages_.read(first, last, block);
        std::ranges::copy_if(block, std::back_inserter(inside), [&](const Point& p) { return box.contains(p.place); });
    };
    pages_.for_pages([&](const Box3f& b) { return meet(box, b); },
                     [&](std::size_t page) {
                         if (page != last || last - first == kPagesTogether) read(), first = page;
                         last = page + 1;
                     });
    read();
    std::sort(inside.begin(), inside.end(), [](const Point& a, const Point& b) { return a.index < b.index; });
    Found found;
    found.index.reserve(inside.size()), found.points.reserve(inside.size());
    for (const auto& p : inside) append_to(found, p);
    return found;
}

std::size_t PagedSource::most_in_box(const Box3f& box) const {
    std::size_t n = 0;
    pages_.for_pages([&](const Box3f& b) { return meet(box, b); },
                     [&](std::size_t page) { n += pages_.page_size(page); });
    return n;
}

void PagedSource::visit(const std::function<void(const Found&)>& f) const {
    pages_.visit([&](std::span<const Point> points) {
        Found found;
        for (const auto& p : points) append_to(found, p);
        f(found);
    });
}

}  // namespace nir::geom
