// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

namespace nir::nn {

/// Which points share a cell: built once for a cloud and a plane or grid, used by every pooling round.
class CellTable {
public:
    /// @param index    [B,T] int64, cell of each point, in [0, n_cells); checked.
    /// @throws nir::Error (internal) for a cell outside the range.
    CellTable(const torch::Tensor& index, std::int64_t n_cells);

    std::int64_t batch() const { return slot_.size(0); }
    std::int64_t n_points() const { return slot_.size(1); }
    std::int64_t n_cells() const { return n_cells_; }
    /// [B,T] int64, the index this table was built from.
    const torch::Tensor& index() const { return index_; }
    /// [B,T] int32: occupied cells numbered from 0 in the order of their first point, per batch item.
    const torch::Tensor& slot() const { return slot_; }
    /// Number of occupied cells of each batch item.
    const std::vector<std::int64_t>& n_slots() const { return n_slots_; }

private:
    torch::Tensor index_, slot_;
    std::vector<std::int64_t> n_slots_;
    std::int64_t n_cells_;
};

/// Every point receives, per channel, the largest feature among the points of its cell.
/// @param features  [B,T,C] f32 or f64, CPU. T = 0 is allowed.
/// @return [B,T,C]. The gradient goes to the first maximal point of the cell (as torch_scatter's scatter_max on the
/// CPU);
///         a NaN wins only if it belongs to the first point. Repeatable with any number of threads.
/// Ref: convonet2020 §3.1 (local pooling).
torch::Tensor pool_cells_max(const torch::Tensor& features, const CellTable& cells);

/// Every point receives the mean feature of the points of its cell; see pool_cells_max.
torch::Tensor pool_cells_mean(const torch::Tensor& features, const CellTable& cells);

/// Means of the features of each cell; empty cells hold 0.
/// @param features  [B,T,C] f32 or f64, CPU.
/// @return [B,C,n_cells], contiguous.
torch::Tensor scatter_cells_mean(const torch::Tensor& features, const CellTable& cells);

}  // namespace nir::nn
