// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/extract/scalar_field.h"

#include <torch/torch.h>

#include <functional>
#include <memory>

namespace nir::models {

/// A network behind the door of extract::ScalarField: points go in chunks through `logits`, without gradients; spatial
/// gradients come from autograd. Errors of torch become nir::Error.
class TorchField final : public extract::ScalarField {
public:
    /// Maps points [1,T,3] f32 to logits [1,T]; must keep everything it needs alive. Called from one thread at a time.
    using Logits = std::function<torch::Tensor(const torch::Tensor& points)>;

    TorchField(Logits logits, const geom::Box3f& domain, float iso)
        : logits_(std::move(logits)), domain_(domain), iso_(iso) {}

    void values(std::span<const geom::Vec3f> points, std::span<float> out) const override;
    bool has_gradients() const override { return true; }
    void gradients(std::span<const geom::Vec3f> points, std::span<geom::Vec3f> out) const override;
    geom::Box3f domain() const override { return domain_; }
    float iso() const override { return iso_; }

private:
    Logits logits_;
    geom::Box3f domain_;
    float iso_;
};

}  // namespace nir::models
