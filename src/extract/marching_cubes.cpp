// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/extract/marching_cubes.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/kernels/level_bits.h"

#include "extract/marching_cubes_tables.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace nir::extract {
namespace {

using geom::Vec3d;
using geom::Vec3i;
using mc::kCutEdges;
using mc::kEdge;
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
    /// Of the edges in the slab's last plane: those along y [y * nz + z], then those along z.
    std::vector<std::uint32_t> end_ids;
};

/// Walks through cells layer by layer. Samples are reduced to one bit each, outside or not; 64 cells of a column are
/// compared at once, and only cells that the surface cuts are looked at one by one.
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
          words_(kernels::words_of_bits(nz_)),
          threshold_(floor_to<T>(options.level)) {}

    /// Cell layers [begin, end), in padded indices.
    Slab walk(int begin, int end) {
        const std::size_t n = ny_ * nz_;
        x_ids_.resize(n);
        for (auto& ids : plane_ids_) ids.resize(2 * n);
        for (auto& outside : outside_) outside.assign(ny_ * (words_ + 1), 0);
        inner_bits_.resize(kernels::words_of_bits(static_cast<std::size_t>(inner_.z)));
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
    using Word = std::uint64_t;

    /// Fetches a plane and marks its outside samples; a row has one word more, which is read but never used.
    void load_plane(int x, int which) {
        auto& outside = outside_[which];
        const int inner_x = x - pad_;
        const bool padding = inner_x < 0 || inner_x >= inner_.x;
        const Word pad_word = pad_ && !(*options_.pad_value > options_.level) ? ~Word{0} : Word{0};
        values_[which] = padding ? nullptr : lattice_.plane(inner_x, scratch_[which]);
        if (padding || pad_) std::fill(outside.begin(), outside.end(), pad_word);
        if (padding) return;
        const auto length = static_cast<std::size_t>(inner_.z);
        for (int y = 0; y < inner_.y; ++y) {
            const std::span<const T> from(values_[which] + static_cast<std::size_t>(y) * length, length);
            Word* to = outside.data() + static_cast<std::size_t>(y + pad_) * (words_ + 1);
            if (!pad_) {
                kernels::not_above_bits(from, threshold_, {to, words_});
                continue;
            }
            kernels::not_above_bits(from, threshold_, inner_bits_);
            // One bit further up; the first and the last are those of the padding.
            Word carry = pad_word & 1u;
            for (std::size_t w = 0; w < words_; ++w) {
                const Word bits = w < inner_bits_.size() ? inner_bits_[w] : 0;
                to[w] = bits << 1 | carry;
                carry = bits >> 63;
            }
            const std::size_t last = nz_ - 1;
            to[last / 64] |= (pad_word & 1u) << (last % 64);
        }
    }

    void row(int x, int y) {
        start_row(x, y);
        const std::size_t at = static_cast<std::size_t>(y) * (words_ + 1);
        const Word *a = &outside_[0][at], *b = &outside_[1][at], *c = b + words_ + 1, *d = a + words_ + 1;
        const std::size_t cells = nz_ - 1;
        for (std::size_t w = 0; 64 * w < cells; ++w) {
            const Word all = a[w] & b[w] & c[w] & d[w], any = a[w] | b[w] | c[w] | d[w];
            const Word next_all = a[w + 1] & b[w + 1] & c[w + 1] & d[w + 1];
            const Word next_any = a[w + 1] | b[w + 1] | c[w + 1] | d[w + 1];
            Word cut = (any | any >> 1 | next_any << 63) & ~(all & (all >> 1 | next_all << 63));
            if (cells - 64 * w < 64) cut &= (Word{1} << (cells - 64 * w)) - 1;
            if (!cut) continue;
            const Word up[4] = {a[w] >> 1 | a[w + 1] << 63, b[w] >> 1 | b[w + 1] << 63, c[w] >> 1 | c[w + 1] << 63,
                                d[w] >> 1 | d[w + 1] << 63};
            for (; cut; cut &= cut - 1) {
                const int bit = std::countr_zero(cut);
                const auto configuration = static_cast<unsigned>((a[w] >> bit & 1u) | (b[w] >> bit & 1u) << 1 |
                                                                 (c[w] >> bit & 1u) << 2 | (d[w] >> bit & 1u) << 3 |
                                                                 (up[0] >> bit & 1u) << 4 | (up[1] >> bit & 1u) << 5 |
                                                                 (up[2] >> bit & 1u) << 6 | (up[3] >> bit & 1u) << 7);
                cell(64 * w + static_cast<std::size_t>(bit), configuration);
            }
        }
    }

    /// What is the same for all cells of a column.
    void start_row(int x, int y) {
        x_ = x, y_ = y;
        // Edges 6, 5 and 10 belong to the cell, the others only where no cell comes before.
        own_ = kOwn;
        if (y == 0) own_ |= 1u << 4 | 1u << 9;
        if (x == 0) own_ |= 1u << 7 | 1u << 11;
        if (x == 0 && y == 0) own_ |= 1u << 8;
        own_first_ = own_ | 1u << 1 | 1u << 2;
        if (y == 0) own_first_ |= 1u << 0;
        if (x == 0) own_first_ |= 1u << 3;
        for (std::size_t e = 0; e < kEdge.size(); ++e) {
            const auto& edge = kEdge[e];
            const std::size_t at = static_cast<std::size_t>(y + edge.y) * nz_ + static_cast<std::size_t>(edge.z);
            ids_[e] = edge.axis == 0 ? &x_ids_[at] : &plane_ids_[edge.x][at + (edge.axis == 2 ? ny_ * nz_ : 0)];
        }
        for (int i = 0; i < 4; ++i) {
            const int inner_y = y + i / 2 - pad_;
            const bool padding = !values_[i % 2] || inner_y < 0 || inner_y >= inner_.y;
            samples_[i] = padding
                              ? nullptr
                              : values_[i % 2] + static_cast<std::size_t>(inner_y) * static_cast<std::size_t>(inner_.z);
        }
    }

    void cell(std::size_t z, unsigned configuration) {
        const unsigned own = (z == 0 ? own_first_ : own_) & kCutEdges[configuration];
        if (own & 1u << 6) ids_[6][z] = new_vertex(z, 6);
        if (own & 1u << 5) ids_[5][z] = new_vertex(z, 5);
        if (own & 1u << 10) ids_[10][z] = new_vertex(z, 10);
        for (unsigned rest = own & ~kOwn; rest; rest &= rest - 1) {
            const auto e = static_cast<std::size_t>(std::countr_zero(rest));
            ids_[e][z] = new_vertex(z, e);
        }
        const auto& triangles = kTriangles[configuration];
        const std::size_t first = slab_.faces.size();
        slab_.faces.resize(first + triangles.count);
        for (std::size_t i = 0; i < triangles.count; ++i)
            for (std::size_t k = 0; k < 3; ++k) slab_.faces[first + i][k] = ids_[triangles.edges[3 * i + k]][z];
    }

    double value(int row, int z) const {
        z -= pad_;
        if (!samples_[row] || z < 0 || z >= inner_.z) return *options_.pad_value;
        return static_cast<double>(samples_[row][z]);
    }

    std::uint32_t new_vertex(std::size_t cell_z, std::size_t edge) {
        const auto& e = kEdge[edge];
        const int z = static_cast<int>(cell_z) + e.z;
        const double lo = value(e.x + 2 * e.y, z);
        const double hi = value((e.axis == 0 ? 1 : e.x) + 2 * (e.axis == 1 ? 1 : e.y), z + (e.axis == 2));
        double t = (options_.level - lo) / (hi - lo);
        if (!(t >= 0 && t <= 1)) t = 0.5;  // infinite samples
        t = std::clamp(t, options_.clamp, 1 - options_.clamp);
        const Vec3i corner{x_ + e.x - pad_, y_ + e.y - pad_, z - pad_};
        Vec3d p(corner);
        p[e.axis] += t;
        if (slab_.vertices.size() >= kForeign) fail(ErrorKind::numeric, "the surface has more than 2^31 vertices");
        slab_.vertices.push_back(options_.origin + options_.spacing * p);
        if (options_.keep_edges) slab_.edges.push_back({corner, e.axis, lo, hi});
        return static_cast<std::uint32_t>(slab_.vertices.size() - 1);
    }

    static constexpr unsigned kOwn = 1u << 6 | 1u << 5 | 1u << 10;

    const LatticeSource<T>& lattice_;
    const MarchingCubesOptions& options_;
    Vec3i inner_;
    int pad_;
    Vec3i size_;
    std::size_t ny_, nz_, words_;
    T threshold_;
    Slab slab_;
    std::vector<Word> outside_[2];  // of the two planes: [ny][words_ + 1], bit z of a row
    std::vector<Word> inner_bits_;
    std::vector<std::uint32_t> x_ids_;         // vertices on the x-edges between the two planes
    std::vector<std::uint32_t> plane_ids_[2];  // vertices on the y-edges, then on the z-edges, of the two planes
    std::vector<T> scratch_[2];
    const T* values_[2] = {nullptr, nullptr};
    // Of the column that is walked along z:
    int x_ = 0, y_ = 0;
    unsigned own_ = 0, own_first_ = 0;
    std::uint32_t* ids_[12] = {};
    const T* samples_[4] = {};  // rows (x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1); null = padding
};

/// Appends the slabs in order; a face that names a vertex of the slab before finds it in that slab's end_ids.
MarchingCubesResult join(std::vector<Slab>& slabs) {
    if (slabs.size() == 1) {
        MarchingCubesResult only;
        only.mesh.vertices = std::move(slabs[0].vertices), only.mesh.faces = std::move(slabs[0].faces);
        only.edges = std::move(slabs[0].edges);
        return only;
    }
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
    // One thread needs no pieces to be joined; the result is the same.
    const int thickness = threads() == 1 ? layers : std::max(8, (layers + 15) / 16);
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
