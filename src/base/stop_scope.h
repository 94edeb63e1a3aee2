// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The pool works under the scope of the thread that gives it work.
#pragma once

#include "nir/base/stop.h"

namespace nir {

/// Of this thread; null: none.
const StopScope* current_stop_scope() noexcept;
/// @return the former one
const StopScope* exchange_stop_scope(const StopScope* scope) noexcept;

}  // namespace nir
