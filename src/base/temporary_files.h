// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

namespace nir {

/// Notes an unfinished file, so that the signal handler of a hard stop can remove it. `path` must stay alive until
/// forget_temporary(). Returns -1 (not noted) if too many files are open at once.
int remember_temporary(const char* path);
void forget_temporary(int slot);
/// Unlinks what is noted. Safe in a signal handler.
void remove_temporaries() noexcept;

}  // namespace nir
