// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/parallel.h"

#include <torch/torch.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace nir::nn {

/// Rows that belong to one shape: what sums are taken over first.
struct RowPiece {
    std::int64_t first, last, shape;
    std::size_t rows() const { return static_cast<std::size_t>(last - first); }
};

/// Rows that one thread takes through a layer at a time, and their pieces.
struct RowTile {
    std::int64_t first, last;
    std::size_t piece, end_piece;
    std::size_t group;
    bool starts_group;
    std::int64_t rows() const { return last - first; }
};

/// Cuts the rows of features [B,T,F] into tiles that fit in the second-level cache beside a layer's weights. Threads
/// take groups of tiles that follow each other; sums over rows are kept per group and added in the order of groups.
/// Nothing here depends on the number of threads.
class RowTiles {
public:
    RowTiles(std::int64_t batch, std::int64_t points, std::int64_t channels)
        : rows_(batch * points), channels_(channels) {
        constexpr std::int64_t kValues = 1 << 16, kLeast = 32;
        const auto up = [](std::int64_t a, std::int64_t b) { return (a + b - 1) / b; };
        tile_rows_ = std::max(std::min(kValues / channels, up(rows_, kGroups)), kLeast);
        const std::int64_t tiles = up(rows_, tile_rows_), per_group = up(tiles, kGroups);
        for (std::int64_t at = 0, i = 0; at < rows_; at += tile_rows_, ++i) {
            RowTile tile{at, std::min(rows_, at + tile_rows_),        pieces_.size(),
                         0,  static_cast<std::size_t>(i / per_group), i % per_group == 0};
            for (std::int64_t from = tile.first; from < tile.last;) {
                const std::int64_t shape = from / points, to = std::min(tile.last, (shape + 1) * points);
                pieces_.push_back({from, to, shape});
                from = to;
            }
            tile.end_piece = pieces_.size();
            tiles_.push_back(tile);
        }
        groups_ = up(tiles, per_group);
    }

    std::int64_t rows() const { return rows_; }
    std::int64_t channels() const { return channels_; }
    std::int64_t groups() const { return groups_; }
    std::size_t pieces() const { return pieces_.size(); }
    const RowPiece& piece(std::size_t i) const { return pieces_[i]; }
    /// Values of the largest tile.
    std::size_t tile_values() const { return static_cast<std::size_t>(tile_rows_ * channels_); }

    /// f(tile, scratch) for every tile, on all threads; scratch holds `buffers` tiles. Torch's operations inside run in
    /// one thread and record nothing.
    template <class T, class F>
    void each_tile(std::size_t buffers, const F& f) const {
        parallel_for(static_cast<std::size_t>(groups_), 1, [&](std::size_t from, std::size_t to) {
            const at::AutoDispatchBelowAutograd no_autograd;
            const auto scratch = std::make_unique_for_overwrite<T[]>(buffers * tile_values());
            for (const RowTile& tile : tiles_)
                if (static_cast<std::size_t>(tile.group) >= from && static_cast<std::size_t>(tile.group) < to)
                    f(tile, scratch.get());
        });
    }

    /// f(piece, number of the piece)
    template <class F>
    void each_piece(const RowTile& tile, const F& f) const {
        for (std::size_t i = tile.piece; i < tile.end_piece; ++i) f(pieces_[i], i);
    }

    /// The tile as a matrix.
    template <class T>
    torch::Tensor view(T* data, const RowTile& tile) const {
        return torch::from_blob(data, {tile.rows(), channels_}, c10::CppTypeToScalarType<T>::value);
    }
    template <class T>
    torch::Tensor view(const torch::Tensor& all, const RowTile& tile) const {
        return view(all.data_ptr<T>() + tile.first * channels_, tile);
    }

private:
    static constexpr std::int64_t kGroups = 16;

    std::int64_t rows_, channels_, tile_rows_ = 0, groups_ = 0;
    std::vector<RowPiece> pieces_;
    std::vector<RowTile> tiles_;
};

/// Sums over rows of products of matrices, aᵀ b, one sum for each group of tiles.
class GroupSums {
public:
    GroupSums(const RowTiles& tiles, std::int64_t rows, std::int64_t columns, const torch::TensorOptions& options)
        : sums_(torch::empty({tiles.groups(), rows, columns}, options)) {}
    void add(const RowTile& tile, const torch::Tensor& a, const torch::Tensor& b) {
        torch::Tensor to = sums_[static_cast<std::int64_t>(tile.group)];
        if (tile.starts_group)
            torch::mm_out(to, a.t(), b);
        else
            to.addmm_(a.t(), b);
    }
    torch::Tensor total() const { return sums_.sum(0); }

private:
    torch::Tensor sums_;
};

}  // namespace nir::nn
