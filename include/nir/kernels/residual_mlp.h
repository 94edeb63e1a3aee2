// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace nir::kernels {

/// A network of residual blocks that is applied to one point after the other. Of a point it is told `inputs` numbers q
/// (its position, say) and `features` numbers c. Matrices are [out, in], row by row; an empty array is left out of the
/// formula. With act(x) = max(0, x):
///     x = first_weight q + first_feature_weight c + first_bias
///     x = x + feature_weight c + feature_bias                                        per block
///     x = x + weight_1 act(weight_0 act(scale x + shift) + bias_0) + bias_1
///     out = out_weight act_out(out_scale x + out_shift) + out_bias, act_out(x) = x > 0 ? x : out_slope x
/// Normalisations are folded: those before the first activation of a block into scale and shift, those before the
/// second one into weight_0 and bias_0. Ref: onet2019, convonet2020, dvr2020 (their decoders).
template <class Real>
struct ResidualNetwork {
    struct Block {
        std::vector<Real> feature_weight, feature_bias;        ///< [hidden, features], [hidden]
        std::vector<Real> scale, shift;                        ///< [hidden], both or none
        std::vector<Real> weight_0, bias_0, weight_1, bias_1;  ///< [hidden, hidden], [hidden]
    };
    std::size_t inputs = 3, features = 0, hidden = 0, outputs = 1;
    std::vector<Real> first_weight, first_feature_weight,
        first_bias;  ///< [hidden, inputs], [hidden, features], [hidden]
    std::vector<Block> blocks;
    std::vector<Real> out_scale, out_shift;  ///< [hidden], both or none
    Real out_slope = 0;
    std::vector<Real> out_weight, out_bias;  ///< [outputs, hidden], [outputs]
};

/// The network above with its weights packed for the vector units: activations of 48 points stay in the first- or
/// second-level cache from the first layer to the last. fp32; sums of K products run in the order of the channels.
/// Any sizes work; multiples of 8 waste nothing. Thread-safe: one object serves all threads, calls are single-threaded
/// and allocate a few dozen KB. A NaN that goes in comes out. Copies share the weights.
class ResidualMlp {
public:
    /// @throws Error internal: an array whose size does not fit.
    explicit ResidualMlp(const ResidualNetwork<float>& network);

    /// @param inputs [N, inputs]  @param features [N, features]  @param out [N, outputs], overwritten. N = 0 is
    /// allowed.
    void values(std::span<const float> inputs, std::span<const float> features, std::span<float> out) const;

    /// Values, and the derivatives of one output: the way back through the network, activations kept in the cache.
    /// The derivative at the kink of an activation is 0 (or out_slope), as torch has it.
    /// @param output  which one.  @param out [N, outputs]  @param d_inputs [N, inputs]  @param d_features [N, features]
    void gradients(std::span<const float> inputs, std::span<const float> features, std::size_t output,
                   std::span<float> out, std::span<float> d_inputs, std::span<float> d_features) const;

    std::size_t inputs() const;
    std::size_t features() const;
    std::size_t outputs() const;
    /// Multiplications and additions of one point.
    double flops() const;

    struct Packed;  ///< kernels/residual_mlp_pack.h
    const Packed& packed() const { return *packed_; }

private:
    std::shared_ptr<const Packed> packed_;
};

}  // namespace nir::kernels
