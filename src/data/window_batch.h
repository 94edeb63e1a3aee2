// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/data/training_window.h"
#include "nir/nn/batch.h"

#include <vector>

namespace nir::data {

/// Adds "window_center", "window_points" and "window_occupancies" (nn/batch.h); all windows have as many points.
inline void stack_windows(const std::vector<const TrainingWindow*>& windows, nn::Batch& batch) {
    const auto b = static_cast<std::int64_t>(windows.size());
    const auto n = static_cast<std::int64_t>(windows.front()->occupancies.size());
    torch::Tensor centers = torch::empty({b, 3}, torch::kFloat64);
    torch::Tensor points = torch::empty({b, n, 3}), occupancies = torch::empty({b, n});
    double* c = centers.data_ptr<double>();
    float* p = points.data_ptr<float>();
    float* o = occupancies.data_ptr<float>();
    for (const TrainingWindow* w : windows) {
        for (int a = 0; a < 3; ++a) *c++ = w->center[a];
        p = std::copy(w->points.begin(), w->points.end(), p);
        o = std::copy(w->occupancies.begin(), w->occupancies.end(), o);
    }
    batch["window_center"] = centers;
    batch["window_points"] = points;
    batch["window_occupancies"] = occupancies;
}

}  // namespace nir::data
