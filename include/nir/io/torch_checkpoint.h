// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/io/array.h"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace nir::io {

/// Contents of a file written by torch.save: nested dictionaries flattened, keys joined by "/", so that the weights of
/// {"model": {"fc.bias": …}, "it": 5} are the array "model/fc.bias" and the number "it".
struct TorchCheckpoint {
    TensorFile tensors;                                  ///< CPU, C order
    std::map<std::string, double, std::less<>> numbers;  ///< ints, floats and booleans
    std::map<std::string, std::string, std::less<>> texts;

    /// The tensors of one dictionary, names without its prefix ("model"); the empty prefix gives all.
    TensorFile below(std::string_view prefix) const;
    /// The dictionary that holds the network's weights: "model", "state_dict", "model_state_dict", "net", or the file
    /// itself if it is one. @throws Error format naming what is there.
    TensorFile state_dict() const;
};

/// True if the bytes look like torch.save's zip or legacy format.
bool looks_like_torch_checkpoint(std::string_view bytes);

/// Reads both formats (zip since torch 1.6, legacy stream before) without executing anything: the pickle inside may
/// hold dictionaries, lists, tuples, numbers, text, tensors and numpy numbers; every other class or function is refused
/// by name. Storages may be shared and strided; devices are ignored. Treated as hostile.
/// @throws Error input, format. Ref: torch/serialization.py, pickletools.py (Python).
TorchCheckpoint read_torch_checkpoint(const std::filesystem::path& path);
TorchCheckpoint parse_torch_checkpoint(std::string_view bytes);

}  // namespace nir::io
