// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/torch_guard.h"

#include <torch/torch.h>

#include <string>

namespace nir::nn {

void rethrow_translated(std::string_view doing) {
    try {
        throw;
    } catch (const c10::Error& e) {
        std::string text = e.what_without_backtrace();
        text.resize(std::min(text.find('\n'), text.size()));
        const bool memory =
            text.find("not enough memory") != std::string::npos || text.find("allocate memory") != std::string::npos;
        Error error(memory ? ErrorKind::input : ErrorKind::internal,
                    memory ? "not enough memory (" + text + ")" : "torch: " + text);
        error.add_context(doing);
        throw error;
    }
}

}  // namespace nir::nn
