// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

namespace nir {

/// The first Ctrl-C (SIGINT, SIGTERM) sets a flag that progress reports as advance() == false, so that work ends in
/// order and saves; the second removes unfinished files and ends the process with exit code 130 at once.
/// SIGPIPE is ignored: writing into a closed pipe is an ordinary error.
void install_interrupt_handler();
bool interrupted() noexcept;
/// Sets or clears the flag, for tests and for a viewer's stop button.
void set_interrupted(bool value) noexcept;

}  // namespace nir
