// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/error.h"
#include "nir/pipeline/open_field.h"

#include <cmath>

namespace nir::pipeline {

double logit_of_level(double probability) {
    if (!(probability > 0 && probability < 1)) {
        fail(ErrorKind::usage, "--level {} is no probability between 0 and 1", probability);
    }
    return std::log(probability) - std::log(1 - probability);
}

}  // namespace nir::pipeline
