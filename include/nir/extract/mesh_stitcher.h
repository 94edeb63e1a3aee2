// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/extract/window_mesh.h"

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace nir::extract {

/// Joins the pieces of a WindowLattice to one mesh: vertices that several windows have become one, the one that came
/// first; parts that hang together across windows get one number. Pieces come twice, in the same order: first to
/// measure(), then, after decide(), to append(). In between nothing of a piece is kept but its shared vertices (a few
/// percent) and its parts, so that pieces may lie on disk.
class MeshStitcher {
public:
    /// First pass. @param support  of each part of the piece (parts_of()): how many points of the scan speak for it
    void measure(const MeshPiece& piece, std::span<const std::uint32_t> part_of_face,
                 std::span<const std::size_t> support);

    /// A connected part of the whole mesh.
    struct Part {
        std::size_t faces = 0, support = 0;
        bool keep = true;
    };
    /// Between the passes: the parts of the whole; set keep.
    std::vector<Part>& decide();
    /// After decide(): whether a part of a piece (by the order of the first pass) is kept.
    bool keeps(std::size_t piece, std::uint32_t part) const {
        return parts_[whole_part_[first_node_[piece] + part]].keep;
    }

    /// Where a piece goes in the joined mesh.
    struct Placement {
        std::uint32_t first = 0;            ///< number of the first new vertex
        std::vector<std::uint32_t> fresh;   ///< vertices of the piece that no earlier one had: first, first + 1, ...
        std::vector<std::uint32_t> number;  ///< in the joined mesh, of each vertex; those that are left out: ~0
        std::vector<std::uint32_t> kept;    ///< faces of the piece that stay
        std::vector<geom::Triangle> faces;  ///< these, by the numbers of the joined mesh
    };
    /// Second pass, piece by piece in the order of the first: which vertices and faces of kept parts the piece adds.
    /// @throws Error numeric for more than 2^32 - 1 vertices.
    Placement place(const MeshPiece& piece, std::span<const std::uint32_t> part_of_face);
    /// Second pass: place(), and appends what it says to a mesh.
    void append(const MeshPiece& piece, std::span<const std::uint32_t> part_of_face, geom::TriMesh& mesh);
    /// The second pass may be made again: the numbers will be the same.
    void rewind();
    /// Vertices placed so far.
    std::size_t placed_vertices() const { return next_vertex_; }

private:
    std::uint32_t root(std::uint32_t node);
    void join(std::uint32_t a, std::uint32_t b);

    std::vector<std::uint32_t> parent_;      ///< of each part of each piece
    std::vector<Part> by_node_;              ///< sums of the first pass
    std::vector<std::uint32_t> whole_part_;  ///< of each part of each piece, after decide()
    std::vector<Part> parts_;
    std::vector<std::uint32_t> first_node_;                  ///< of each piece
    std::size_t next_piece_ = 0, next_vertex_ = 0;           ///< of the second pass
    std::unordered_map<VertexKey, std::uint32_t> nodes_;     ///< a part that has this vertex
    std::unordered_map<VertexKey, std::uint32_t> vertices_;  ///< in the mesh
};

/// Which connected part (by shared vertices) each face of a mesh belongs to, numbered in the order of their first face.
struct FaceParts {
    std::vector<std::uint32_t> of_face;
    std::size_t count = 0;
};
FaceParts parts_of(const geom::TriMesh& mesh);

}  // namespace nir::extract
