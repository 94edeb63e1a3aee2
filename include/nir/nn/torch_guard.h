// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/error.h"

#include <exception>
#include <string_view>
#include <utility>

namespace nir::nn {

/// Throws what the current exception means to a caller who does not know torch: c10::Error becomes nir::Error (kind
/// `input` if memory ran out, else `internal`) with its first sentence and `doing` as context; all else passes
/// unchanged.
[[noreturn]] void rethrow_translated(std::string_view doing);

/// The border to torch: runs f and turns c10::Error into nir::Error. Free of torch types.
/// @param doing  what f does, in words ("encoding 3000 points"); becomes the context of the error.
template <class F>
decltype(auto) torch_guard(std::string_view doing, F&& f) {
    try {
        return std::forward<F>(f)();
    } catch (const std::exception&) {
        rethrow_translated(doing);
    }
}

}  // namespace nir::nn
