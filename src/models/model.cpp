// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/models/model.h"

#include "nir/base/error.h"

#include <torch/torch.h>

namespace nir::models {

std::int64_t Model::n_parameters() {
    std::int64_t n = 0;
    for (const auto& p : module().parameters()) n += p.numel();
    return n;
}

std::unique_ptr<extract::ScalarField> infer_field(Model& model, const Observation& observation) {
    Shape shape = model.infer(observation);
    if (auto* field = std::get_if<std::unique_ptr<extract::ScalarField>>(&shape)) return std::move(*field);
    fail(ErrorKind::usage, "model \"{}\" gives no field that could be queried", model.name());
}

}  // namespace nir::models
