// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// To be included before Highway by kernels that keep arrays of vectors: instruction sets whose vectors have no size
// while compiling are left out (such machines run the NEON code).
#pragma once

#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#endif
