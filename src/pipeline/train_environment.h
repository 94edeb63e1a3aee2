// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstdint>
#include <string>

namespace nir::pipeline {

/// Revision of the source this program was built from ("78ce358", "78ce358-dirty"), or "" if unknown.
std::string source_revision();
std::string program_version();

/// env.json of a run: program, compiler, torch, processor, threads, seed, start.
std::string environment_json(std::uint64_t seed);

}  // namespace nir::pipeline
