// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/kernels/brick_conv.h"

#include "models/cascade/brick_set.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace nir::models {

/// Values of a parameter by its name.
using WeightSource = std::function<std::vector<float>(const std::string& name)>;

/// CascadeUnet (cascade_net.h) at inference: the cells of a set of bricks only, without torch. Where the module has a
/// mask of whole bricks, this never touches the other cells. A cell's bits depend neither on the other wanted bricks
/// nor on the number of threads.
class BrickUnet {
public:
    /// @param name  of the U-Net in the names of its parameters
    BrickUnet(const std::string& name, std::int64_t in, const std::vector<int>& widths, std::int64_t out,
              const WeightSource& weights);

    std::int64_t in() const { return in_; }
    std::int64_t out() const { return out_; }
    /// Multiplications and additions for each cell of the finest level, when all bricks are computed.
    double flops() const;

    /// Writes the inputs of bricks [first, first + count) with one cell of their neighbours around, zeros where there
    /// is no brick: [count, 10, 10, 10, in]. Called from several threads.
    using Inputs = std::function<void(std::int64_t first, std::int64_t count, float* to)>;
    /// Takes the output [count, 8, 8, 8, out] of bricks first, first + 1, ... in any order, from several threads.
    using Outputs = std::function<void(std::int64_t first, std::int64_t count, const float* y)>;
    /// For the first bricks of a set, computing of the others only what these depend on.
    /// @param within  how many bricks lie within 0, 1, ... bricks of the wanted ones (within[0] of them), which come
    ///        first in the set; as far as the receptive field reaches, or one number for all
    void run(const BrickSet& bricks, std::span<const std::int64_t> within, const Inputs& inputs,
             const Outputs& outputs) const;

private:
    struct Reach;
    struct Volumes;
    std::vector<Reach> reaches() const;
    Volumes top_level(std::span<const std::int64_t> within, const Inputs& inputs, Volumes& skip) const;
    void finish(const BrickSet& bricks, std::int64_t rows, const Volumes& sum, const Outputs& outputs) const;

    std::int64_t in_, out_;
    std::vector<kernels::BrickConv> down_a_, down_b_, lift_, up_, last_;
};

}  // namespace nir::models
