// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/error.h"
#include "nir/extract/scalar_field.h"
#include "nir/nn/point_function.h"

#include <memory>

namespace nir::models {

/// A folded decoder (nn/point_function.h) behind the door of extract::ScalarField. Any thread may ask.
class PointField final : public extract::ScalarField {
public:
    /// @param logits  with gradients
    PointField(std::shared_ptr<const nn::PointFunction> logits, const geom::Box3f& domain, float iso)
        : logits_(std::move(logits)), domain_(domain), iso_(iso) {
        NIR_CHECK(logits_->has_gradients());
    }
    void values(std::span<const geom::Vec3f> points, std::span<float> out) const override {
        logits_->values(floats(points), out);
    }
    bool has_gradients() const override { return true; }
    void gradients(std::span<const geom::Vec3f> points, std::span<geom::Vec3f> out) const override {
        logits_->gradients(floats(points), {reinterpret_cast<float*>(out.data()), 3 * out.size()});
    }
    geom::Box3f domain() const override { return domain_; }
    float iso() const override { return iso_; }

private:
    static_assert(sizeof(geom::Vec3f) == 3 * sizeof(float));
    static std::span<const float> floats(std::span<const geom::Vec3f> points) {
        return {reinterpret_cast<const float*>(points.data()), 3 * points.size()};
    }
    std::shared_ptr<const nn::PointFunction> logits_;
    geom::Box3f domain_;
    float iso_;
};

}  // namespace nir::models
