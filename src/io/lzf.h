// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nir::io {

/// Unpacks LZF data (M. Lehmann's LibLZF, as PCD files use it). `size` is the promised size, which the caller has
/// checked against kMaxLzfRatio. False if the data is broken or of another size.
inline constexpr std::size_t kMaxLzfRatio = 264 / 3 + 1;
bool lzf_unpack(std::string_view in, std::size_t size, std::string& out);

/// Packs with literals and the back references a small hash table finds; for tests.
std::string lzf_pack(std::string_view in);

}  // namespace nir::io
