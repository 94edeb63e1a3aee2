// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/io/array.h"

#include <torch/torch.h>

#include <string>

namespace nir::nn {

/// A tensor with a copy of the array's values, same shape and dtype, on the CPU.
/// @throws nir::Error (format) for the unsigned types that torch 1.13 does not have (u16, u32, u64).
torch::Tensor tensor_from(const io::NamedArray& array);

/// An array with a copy of the tensor's values, in C order, from any device.
io::NamedArray array_from(std::string name, const torch::Tensor& tensor);

}  // namespace nir::nn
