// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

namespace nir::nn {

/// Adam (Kingma and Ba 2015; betas 0.9 and 0.999, eps 1e-8, no weight decay): the steps of torch.optim.Adam to
/// rounding, taken in one pass over parameters, gradients and moments by all threads, where torch makes a dozen. CPU,
/// f32 or f64. A parameter counts its steps from the first gradient that reaches it; from then on no gradient means a
/// gradient of 0.
class Adam {
public:
    explicit Adam(std::vector<torch::Tensor> parameters);

    /// Forgets the gradients, so that backward() hands over new ones instead of adding to zeros.
    void zero_grad();
    /// Length of the gradient over all parameters.
    double gradient_norm() const;
    /// One step along the gradients times grad_scale.
    void step(double lr, double grad_scale = 1);

    struct State {
        std::int64_t step = 0;
        torch::Tensor mean, square;  ///< running means of gradient and squared gradient; undefined if step = 0
    };
    /// Of parameter i, as given. @{
    State& state(std::size_t i) { return states_.at(i); }
    const State& state(std::size_t i) const { return states_.at(i); }
    /// @}

private:
    std::vector<torch::Tensor> parameters_;
    std::vector<State> states_;
};

}  // namespace nir::nn
