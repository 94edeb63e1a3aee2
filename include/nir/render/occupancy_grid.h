// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/kernels/ray_march.h"
#include "nir/render/posed_view.h"
#include "nir/render/radiance_field.h"

#include <cstdint>
#include <vector>

namespace nir::render {

/// Which cells can hold something, as far as the field knows by now. Ref: mueller2022, appendix E.2.
/// Deviations: a cell that was never looked at counts as occupied; updates run over 1/phases of the cells in turn;
/// cells that some photo shows as transparent are never occupied.
class OccupancyGrid {
public:
    /// All cells are candidates and occupied.
    explicit OccupancyGrid(int cascades = 1);
    /// As it was: the cells whose bits are set are the candidates. @param bricks [cascades * kBricksPerCascade]
    OccupancyGrid(int cascades, std::vector<std::uint64_t> bricks);
    /// As it was in the middle of a training: candidates by ascending number, and their values.
    /// @throws Error{format} if they do not fit.
    OccupancyGrid(int cascades, std::vector<std::uint32_t> candidates, std::vector<float> values);

    /// Drops cells which fewer than `fewest` views see, and cells which a view sees where its picture is transparent
    /// (the visual hull). @return candidates left.
    std::size_t carve(const std::vector<PosedView>& views, const FieldFrame& frame, std::size_t fewest = 1);

    /// Looks at every `phases`-th candidate from number `phase` on: value = max(decay * value, density at a random
    /// point of the cell). On the pool; repeatable for the same seed.
    void update(const RadianceField& field, std::size_t phase, std::size_t phases, float decay, std::uint64_t seed);

    kernels::OccupancyView view() const { return {bricks_, cascades_}; }
    int cascades() const { return cascades_; }
    std::size_t candidates() const { return candidates_.size(); }
    std::size_t occupied() const;
    /// What a training needs to go on: cascade * kCellsPerCascade + cell, and the largest density seen there.
    const std::vector<std::uint32_t>& candidate_cells() const { return candidates_; }
    const std::vector<float>& candidate_values() const { return values_; }

    /// Optical thickness of a step of sqrt(3) / 1024 below which a cell is empty.
    static constexpr float kThreshold = 0.01f;

private:
    void rebuild();

    int cascades_;
    std::vector<std::uint32_t> candidates_;  ///< cascade * kCellsPerCascade + cell
    std::vector<float> values_;              ///< of the candidates; negative: never looked at
    std::vector<std::uint64_t> bricks_;
};

/// Box of the visual hull within the frame's cube, world: what no view shows as transparent, on a lattice of 32³
/// blocks. Views without alpha carve nothing. Empty if no view sees the cube.
geom::Box3d hull_box(const std::vector<PosedView>& views, const FieldFrame& frame);

}  // namespace nir::render
