// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/rng.h"

namespace nir::data {

/// Random numbers of sample i of a training.
inline Rng training_rng(std::uint64_t seed, std::uint64_t i) { return Rng(seed * 0x9E3779B97F4A7C15u + i); }
/// Of sample i of the held-out stream, far from the states of any small training seed.
inline Rng held_out_rng(std::uint64_t i) { return Rng(0xA0761D6478BD642Fu ^ (i * 0xE7037ED1A0B428DBu)); }

}  // namespace nir::data
