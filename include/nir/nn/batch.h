// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/error.h"

#include <torch/torch.h>

#include <map>
#include <string>
#include <string_view>

namespace nir::nn {

/// What a training step is given: named tensors whose first dimension is the batch. Models say which names they need.
struct Batch {
    std::map<std::string, torch::Tensor, std::less<>> tensors;

    torch::Tensor& operator[](std::string_view name) { return tensors[std::string(name)]; }
    /// @throws nir::Error (internal) naming the tensor that is not there.
    const torch::Tensor& at(std::string_view name) const {
        const auto it = tensors.find(name);
        if (it == tensors.end()) fail(ErrorKind::internal, "the batch has no \"{}\"", name);
        return it->second;
    }
};

}  // namespace nir::nn
