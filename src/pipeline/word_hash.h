// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace nir::pipeline {

/// Mixes words into a number that is another one for other words (the multiply-xor mixing of splitmix64): against
/// damage and mistakes, not against forgery.
class WordHash {
public:
    template <class T>
    void add(const T& v) {
        static_assert(std::is_trivially_copyable_v<T>);
        add_bytes({reinterpret_cast<const char*>(&v), sizeof(T)});
    }
    /// Eight bytes at a time, the last ones filled up with zeros.
    void add_bytes(std::string_view bytes) {
        for (std::size_t i = 0; i < bytes.size(); i += 8) {
            std::uint64_t word = 0;
            std::memcpy(&word, bytes.data() + i, bytes.size() - i < 8 ? bytes.size() - i : 8);
            h_ = (h_ ^ word) * 0xBF58476D1CE4E5B9u;
            h_ ^= h_ >> 29;
        }
    }
    std::uint64_t value() const { return h_; }

private:
    std::uint64_t h_ = 0x9E3779B97F4A7C15u;
};

}  // namespace nir::pipeline
