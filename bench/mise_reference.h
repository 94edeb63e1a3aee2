// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The algorithm of the papers' code for multiresolution extraction, written anew from its description, as the yardstick
// of extract::Mise: points in a std::map, and in every round every known point looks up the eight leaves around it from
// the root. Ref: mescheder2019 §3.3.
#pragma once

#include "nir/geom/vec.h"

#include <array>
#include <cstddef>
#include <map>
#include <span>
#include <vector>

namespace nir::bench {

class ReferenceMise {
public:
    ReferenceMise(int cells, int depth, double level)
        : cells_(cells), depth_(depth), unit_(1 << depth), level_(level), side_(cells * unit_) {
        for_cube(cells, [&](int x, int y, int z) { leaves_.push_back({{x * unit_, y * unit_, z * unit_}, 0, -1}); });
        for_cube(cells + 1, [&](int x, int y, int z) { add({x * unit_, y * unit_, z * unit_}); });
    }

    std::vector<geom::Vec3i> query() const {
        std::vector<geom::Vec3i> out;
        for (const Point& p : points_)
            if (!p.known) out.push_back(p.at);
        return out;
    }

    void update(std::span<const geom::Vec3i> at, std::span<const double> values) {
        for (std::size_t i = 0; i < at.size(); ++i) {
            Point& p = points_[index_.at(key(at[i]))];
            p.value = values[i], p.known = true;
        }
        std::vector<bool> inside(leaves_.size()), outside(leaves_.size());
        for (const Point& p : points_) {
            if (!p.known) continue;
            for_cube(2, [&](int x, int y, int z) {
                const geom::Vec3i cell = p.at - geom::Vec3i{x, y, z};
                if (!in_range(cell)) return;
                const std::size_t leaf = leaf_at(cell);
                if (p.value >= level_) inside[leaf] = true;
                if (p.value <= level_) outside[leaf] = true;
            });
        }
        const std::size_t n = leaves_.size();
        for (std::size_t i = 0; i < n; ++i)
            if (leaves_[i].children < 0 && leaves_[i].level < depth_ && inside[i] && outside[i]) split(i);
    }

    std::size_t points() const { return points_.size(); }

private:
    struct Leaf {
        geom::Vec3i origin;
        int level;
        long children;  // the first of eight, -1 = none
    };
    struct Point {
        geom::Vec3i at;
        double value = 0;
        bool known = false;
    };

    template <class F>
    static void for_cube(int n, const F& f) {
        for (int x = 0; x < n; ++x)
            for (int y = 0; y < n; ++y)
                for (int z = 0; z < n; ++z) f(x, y, z);
    }
    long key(geom::Vec3i p) const { return (static_cast<long>(p.x) * (side_ + 1) + p.y) * (side_ + 1) + p.z; }
    bool in_range(geom::Vec3i c) const {
        return c.x >= 0 && c.y >= 0 && c.z >= 0 && c.x < side_ && c.y < side_ && c.z < side_;
    }
    void add(geom::Vec3i p) {
        if (index_.emplace(key(p), points_.size()).second) points_.push_back({p});
    }
    std::size_t leaf_at(geom::Vec3i c) const {
        const geom::Vec3i root{c.x / unit_, c.y / unit_, c.z / unit_};
        auto i = static_cast<std::size_t>((root.x * cells_ + root.y) * cells_ + root.z);
        while (leaves_[i].children >= 0) {
            const int half = unit_ >> (leaves_[i].level + 1);
            const geom::Vec3i d = c - leaves_[i].origin;
            const int child = ((d.x >= half) * 2 + (d.y >= half)) * 2 + (d.z >= half);
            i = static_cast<std::size_t>(leaves_[i].children + child);
        }
        return i;
    }
    void split(std::size_t i) {
        const Leaf leaf = leaves_[i];
        const int half = unit_ >> (leaf.level + 1);
        leaves_[i].children = static_cast<long>(leaves_.size());
        for_cube(2, [&](int x, int y, int z) {
            leaves_.push_back({leaf.origin + geom::Vec3i{x * half, y * half, z * half}, leaf.level + 1, -1});
        });
        for_cube(3, [&](int x, int y, int z) { add(leaf.origin + geom::Vec3i{x * half, y * half, z * half}); });
    }

    int cells_, depth_, unit_;
    double level_;
    int side_;
    std::vector<Leaf> leaves_;
    std::vector<Point> points_;
    std::map<long, std::size_t> index_;
};

}  // namespace nir::bench
