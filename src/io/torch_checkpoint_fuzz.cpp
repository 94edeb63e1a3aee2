// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/error.h"
#include "nir/io/torch_checkpoint.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    try {
        (void)nir::io::looks_like_torch_checkpoint(bytes);
        (void)nir::io::parse_torch_checkpoint(bytes).state_dict();
    } catch (const nir::Error& e) {
        if (e.kind() == nir::ErrorKind::internal) __builtin_trap();
    }
    return 0;
}
