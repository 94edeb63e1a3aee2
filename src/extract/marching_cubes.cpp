// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/extract/marching_cubes.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include "extract/marching_cubes_tables.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace nir::extract {
namespace {

using geom::Vec3d;
using geom::Vec3i;
using mc::kCutEdges;
using mc::kEdge;
using mc::kEdgeOrder;
using mc::kTriangles;

/// A vertex of a plane that the slab before has created; the lower bits say which (see Slab::end_ids).
constexpr std::uint32_t kForeign = 0x80000000u;

/// The largest T that is not above the level: v > level exactly when v > floor_to<T>(level).
template <class T>
T floor_to(double level) {
    const T t = static_cast<T>(level);
    return static_cast<double>(t) > level ? std::nextafter(t, -std::numeric_limits<T>::infinity()) : t;
}

/// What one slab of cell layers yields; vertex numbers count from the slab's first vertex.
struct Slab {
    std::vector<Vec3d> vertices;
    std::vector<LatticeEdge> edges;
    std::vector<geom::Triangle> faces;
    std::vector<std::uint32_t>
        end_ids;  ///< Of the y- and z-edges in the slab's last plane: [2 * (y * nz + z) + axis - 1].
};

template <class T>
class SlabWalker {
public:
    SlabWalker(const LatticeSource<T>& lattice, const MarchingCubesOptions& options)
        : lattice_(lattice),
          options_(options),
          inner_(lattice.size()),
          pad_(options.pad_value ? 1 : 0),
          size_{inner_.x + 2 * pad_, inner_.y + 2 * pad_, inner_.z + 2 * pad_},
          ny_(static_cast<std::size_t>(size_.y)),
          nz_(static_cast<std::size_t>(size_.z)),
          threshold_(floor_to<T>(options.level)) {}

    /// Cell layers [begin, end), in padded indices.
    Slab walk(int begin, int end) {
        const std::size_t n = ny_ * nz_;
        pattern_.assign(nz_ + 8, 0);
        x_ids_.resize(n);
        for (auto& ids : plane_ids_) ids.resize(2 * n);
        for (auto& outside : outside_) outside.resize(n);
        if (begin > 0) {
            for (std::size_t i = 0; i < 2 * n; ++i) plane_ids_[0][i] = kForeign | static_cast<std::uint32_t>(i);
        }
        load_plane(begin, 0);
        for (int x = begin; x < end; ++x) {
            load_plane(x + 1, 1);
            for (int y = 0; y + 1 < size_.y; ++y) row(x, y);
            std::swap(plane_ids_[0], plane_ids_[1]);
            std::swap(outside_[0], outside_[1]);
            std::swap(scratch_[0], scratch_[1]);
            values_[0] = values_[1];
        }
        slab_.end_ids = std::move(plane_ids_[0]);
        return std::move(slab_);
    }

private:
    /// Fetches a plane and marks its outside samples.
    void load_plane(int x, int which) {
        auto& outside = outside_[which];
        const int inner_x = x - pad_;
        const bool padding = inner_x < 0 || inner_x >= inner_.x;
        const auto pad_mark = static_cast<std::uint8_t>(pad_ && !(*options_.pad_value > options_.level));
        values_[which] = padding ? nullptr : lattice_.plane(inner_x, scratch_[which]);
        if (padding || pad_) std::fill(outside.begin(), outside.end(), pad_mark);
        if (padding) return;
        for (int y = 0; y < inner_.y; ++y) {
            const T* from = values_[which] + static_cast<std::size_t>(y) * static_cast<std::size_t>(inner_.z);
            std::uint8_t* to =
                outside.data() + static_cast<std::size_t>(y + pad_) * nz_ + static_cast<std::size_t>(pad_);
            for (int z = 0; z < inner_.z; ++z) to[z] = static_cast<std::uint8_t>(!(from[z] > threshold_));
        }
    }

    void row(int x, int y) {
        const std::size_t at = static_cast<std::size_t>(y) * nz_;
        const std::uint8_t *a = &outside_[0][at], *b = &outside_[1][at], *c = b + nz_, *d = a + nz_;
        for (std::size_t z = 0; z < nz_; ++z) {
            pattern_[z] = static_cast<std::uint8_t>(a[z] | (b[z] << 1) | (c[z] << 2) | (d[z] << 3));
        }
        const std::size_t cells = nz_ - 1;
        for (std::size_t z = 0; z < cells;) {
            std::uint64_t eight;
            std::memcpy(&eight, &pattern_[z], 8);
            if ((eight == 0 || eight == 0x0f0f0f0f0f0f0f0fu) && z + 8 <= cells && pattern_[z + 8] == (eight & 0xff)) {
                z += 8;
                continue;
            }
            const auto configuration = static_cast<unsigned>(pattern_[z] | (pattern_[z + 1] << 4));
            if (configuration != 0 && configuration != 255) cell(x, y, static_cast<int>(z), configuration);
            ++z;
        }
    }

    std::uint32_t& id_of(int y, int z, const mc::CellEdge& e) {
        const std::size_t at = static_cast<std::size_t>(y + e.y) * nz_ + static_cast<std::size_t>(z + e.z);
        if (e.axis == 0) return x_ids_[at];
        return plane_ids_[e.x][2 * at + static_cast<std::size_t>(e.axis - 1)];
    }

    void cell(int x, int y, int z, unsigned configuration) {
        // Edges 6, 5 and 10 belong to this cell, the others only where no cell comes before.
        unsigned own = 1u << 6 | 1u << 5 | 1u << 10;
        if (z == 0) own |= 1u << 1 | 1u << 2;
        if (y == 0) own |= 1u << 4 | 1u << 9;
        if (x == 0) own |= 1u << 7 | 1u << 11;
        if (y == 0 && z == 0) own |= 1u << 0;
        if (x == 0 && z == 0) own |= 1u << 3;
        if (x == 0 && y == 0) own |= 1u << 8;
        own &= kCutEdges[configuration];
        if (own) {
            for (const int e : kEdgeOrder) {
                if (own >> e & 1u) id_of(y, z, kEdge[static_cast<std::size_t>(e)]) = new_vertex(x, y, z, e);
            }
        }
        const auto& triangles = kTriangles[configuration];
        for (std::size_t i = 0; i < triangles.count; ++i) {
            geom::Triangle face;
            for (std::size_t k = 0; k < 3; ++k) face[k] = id_of(y, z, kEdge[triangles.edges[3 * i + k]]);
            slab_.faces.push_back(face);
        }
    }

    double value(int which, int y, int z) const {
        y -= pad_, z -= pad_;
        if (!values_[which] || y < 0 || z < 0 || y >= inner_.y || z >= inner_.z) return *options_.pad_value;
        return static_cast<double>(values_[which][static_cast<std::size_t>(y) * static_cast<std::size_t>(inner_.z) +
                                                  static_cast<std::size_t>(z)]);
    }

    std::uint32_t new_vertex(int x, int y, int z, int edge) {
        const auto& e = kEdge[static_cast<std::size_t>(edge)];
        const double lo = value(e.x, y + e.y, z + e.z);
        const double hi = value(e.axis == 0 ? 1 : e.x, y + e.y + (e.axis == 1), z + e.z + (e.axis == 2));
        double t = (options_.level - lo) / (hi - lo);
        if (!(t >= 0 && t <= 1)) t = 0.5;  // infinite samples
        t = std::clamp(t, options_.clamp, 1 - options_.clamp);
        const Vec3i corner{x + e.x - pad_, y + e.y - pad_, z + e.z - pad_};
        Vec3d p(corner);
        p[e.axis] += t;
        if (slab_.vertices.size() >= kForeign) fail(ErrorKind::numeric, "the surface has more than 2^31 vertices");
        slab_.vertices.push_back(options_.origin + options_.spacing * p);
        if (options_.keep_edges) slab_.edges.push_back({corner, e.axis, lo, hi});
        return static_cast<std::uint32_t>(slab_.vertices.size() - 1);
    }

    const LatticeSource<T>& lattice_;
    const MarchingCubesOptions& options_;
    Vec3i inner_;
    int pad_;
    Vec3i size_;
    std::size_t ny_, nz_;
    T threshold_;
    Slab slab_;
    std::vector<std::uint8_t> pattern_;        // corners of a column of cells: bit m = outside at corner m, lower four
    std::vector<std::uint32_t> x_ids_;         // vertices on the x-edges between the two planes
    std::vector<std::uint32_t> plane_ids_[2];  // vertices on the y- and z-edges of the two planes
    std::vector<std::uint8_t> outside_[2];
    std::vector<T> scratch_[2];
    const T* values_[2] = {nullptr, nullptr};
};

/// Appends the slabs in order; a face that names a vertex of the slab before finds it in that slab's end_ids.
MarchingCubesResult join(std::vector<Slab>& slabs) {
    std::vector<std::size_t> first_vertex(slabs.size() + 1, 0), first_face(slabs.size() + 1, 0);
    for (std::size_t s = 0; s < slabs.size(); ++s) {
        first_vertex[s + 1] = first_vertex[s] + slabs[s].vertices.size();
        first_face[s + 1] = first_face[s] + slabs[s].faces.size();
    }
    if (first_vertex.back() >= kForeign) fail(ErrorKind::numeric, "the surface has more than 2^31 vertices");
    MarchingCubesResult result;
    result.mesh.vertices.resize(first_vertex.back());
    result.mesh.faces.resize(first_face.back());
    if (!slabs.empty() && !slabs.front().edges.empty()) result.edges.reserve(first_vertex.back());
    parallel_for(slabs.size(), 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t s = begin; s < end; ++s) {
            std::copy(slabs[s].vertices.begin(), slabs[s].vertices.end(),
                      result.mesh.vertices.begin() + static_cast<std::ptrdiff_t>(first_vertex[s]));
            auto* out = result.mesh.faces.data() + first_face[s];
            for (const auto& face : slabs[s].faces) {
                for (std::size_t k = 0; k < 3; ++k) {
                    const bool foreign = face[k] & kForeign;
                    const std::uint32_t local = foreign ? slabs[s - 1].end_ids[face[k] & ~kForeign] : face[k];
                    (*out)[k] = local + static_cast<std::uint32_t>(first_vertex[foreign ? s - 1 : s]);
                }
                ++out;
            }
        }
    });
    for (const auto& slab : slabs) result.edges.insert(result.edges.end(), slab.edges.begin(), slab.edges.end());
    return result;
}

}  // namespace

template <class T>
DenseLattice<T>::DenseLattice(std::span<const T> values, geom::Vec3i size) : values_(values), size_(size) {
    NIR_CHECK(size.x >= 0 && size.y >= 0 && size.z >= 0);
    NIR_CHECK(values.size() ==
              static_cast<std::size_t>(size.x) * static_cast<std::size_t>(size.y) * static_cast<std::size_t>(size.z));
}

template <class T>
MarchingCubesResult marching_cubes(const LatticeSource<T>& lattice, const MarchingCubesOptions& options) {
    const auto& spacing = options.spacing;
    if (!(spacing.x > 0 && spacing.y > 0 && spacing.z > 0)) {
        fail(ErrorKind::config, "the spacing of a lattice must be positive, not {} {} {}", spacing.x, spacing.y,
             spacing.z);
    }
    if (!(options.clamp >= 0 && options.clamp < 0.5)) {
        fail(ErrorKind::config, "clamp must lie in [0, 0.5), not {}", options.clamp);
    }
    const Vec3i inner = lattice.size();
    const int pad = options.pad_value ? 2 : 0;
    if (inner.x < 1 || inner.y < 1 || inner.z < 1 || std::min({inner.x, inner.y, inner.z}) + pad < 2) return {};

    const int layers = inner.x + pad - 1;
    const int thickness = std::max(8, (layers + 15) / 16);
    std::vector<Slab> slabs(static_cast<std::size_t>((layers + thickness - 1) / thickness));
    parallel_for(slabs.size(), 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t s = begin; s < end; ++s) {
            const int first = static_cast<int>(s) * thickness;
            slabs[s] = SlabWalker<T>(lattice, options).walk(first, std::min(layers, first + thickness));
        }
    });
    return join(slabs);
}

template class DenseLattice<float>;
template class DenseLattice<double>;
template MarchingCubesResult marching_cubes(const LatticeSource<float>&, const MarchingCubesOptions&);
template MarchingCubesResult marching_cubes(const LatticeSource<double>&, const MarchingCubesOptions&);

MarchingCubesResult marching_cubes(std::span<const float> values, Vec3i size, const MarchingCubesOptions& options) {
    return marching_cubes(DenseLattice<float>(values, size), options);
}

MarchingCubesResult marching_cubes(std::span<const double> values, Vec3i size, const MarchingCubesOptions& options) {
    return marching_cubes(DenseLattice<double>(values, size), options);
}

}  // namespace nir::extract
