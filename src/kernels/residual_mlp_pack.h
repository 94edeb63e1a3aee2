// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Weights of kernels/residual_mlp.h in the order in which the kernels read them.
#pragma once

#include "nir/kernels/residual_mlp.h"

#include <cstddef>
#include <mutex>
#include <vector>

namespace nir::kernels {

inline constexpr std::size_t kTile = 48;     ///< points that are worked on together: three vectors of 16
inline constexpr std::size_t kRowBlock = 8;  ///< rows of a matrix that are worked on together

inline std::size_t padded_rows(std::size_t rows) { return (rows + kRowBlock - 1) / kRowBlock * kRowBlock; }

/// A matrix [rows, k] as blocks of 8 rows, in each k columns of 8: [rows / 8][k][8], missing rows 0.
struct PackedMatrix {
    std::size_t rows = 0, k = 0;  ///< rows padded to a multiple of 8
    std::vector<float> weight, bias;
    bool empty() const { return rows == 0; }
};

struct ResidualMlp::Packed {
    struct Block {
        PackedMatrix a;  ///< weight_0 on the padded hidden channels
        PackedMatrix b;  ///< weight_1, beside it the next block's feature_weight; biases of both
        std::vector<float> scale, shift;
    };
    /// Transposed, for the way back.
    struct BackBlock {
        PackedMatrix a, b, features;
    };
    std::size_t inputs = 0, features = 0, hidden = 0, padded = 0, outputs = 0;
    PackedMatrix first;  ///< on [c | q], with the first block's feature_weight
    std::vector<Block> blocks;
    std::vector<float> out_scale, out_shift, out_weight, out_bias;  ///< padded; out_weight [outputs, padded]
    float out_slope = 0;
    double flops = 0;

    /// Made when first asked for.
    const std::vector<BackBlock>& back() const;
    const PackedMatrix& back_first() const;

    ResidualNetwork<float> network;

private:
    void make_back() const;
    mutable std::once_flag back_once_;
    mutable std::vector<BackBlock> back_;
    mutable PackedMatrix back_first_;
};

}  // namespace nir::kernels
