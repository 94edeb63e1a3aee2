// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace nir::io {

enum class DType : std::uint8_t { boolean, u8, i8, u16, i16, u32, i32, u64, i64, f16, bf16, f32, f64 };

std::size_t size_of(DType type);
/// "float32", "int64", "bool", …
std::string_view name_of(DType type);

/// The DType of a C++ number type.
template <class T>
constexpr DType dtype_of() {
    if constexpr (std::is_same_v<T, bool>)
        return DType::boolean;
    else if constexpr (std::is_same_v<T, float>)
        return DType::f32;
    else if constexpr (std::is_same_v<T, double>)
        return DType::f64;
    else {
        static_assert(std::is_integral_v<T>);
        constexpr bool s = std::is_signed_v<T>;
        if constexpr (sizeof(T) == 1)
            return s ? DType::i8 : DType::u8;
        else if constexpr (sizeof(T) == 2)
            return s ? DType::i16 : DType::u16;
        else if constexpr (sizeof(T) == 4)
            return s ? DType::i32 : DType::u32;
        else
            return s ? DType::i64 : DType::u64;
    }
}

/// IEEE half precision <-> float; rounding to nearest even, overflow to infinity.
float float_from_half(std::uint16_t bits);
std::uint16_t half_from_float(float value);

/// A named n-dimensional array without torch: C order, little endian. shape {} is one number (0-d).
struct NamedArray {
    std::string name;
    DType dtype = DType::f32;
    std::vector<std::int64_t> shape;
    std::vector<std::byte> bytes;  ///< count() * size_of(dtype)

    /// Number of values: the product of shape.
    std::size_t count() const;
    /// "[2, 3]"
    std::string shape_text() const;

    /// Makes an array from values in C order. @throws Error internal if shape and values do not match.
    template <class T>
    static NamedArray from(std::string name, std::vector<std::int64_t> shape, std::span<const T> values) {
        NamedArray a{std::move(name), dtype_of<T>(), std::move(shape), {}};
        a.assign(values.data(), values.size());
        return a;
    }
    template <class T>
    static NamedArray from(std::string name, std::vector<std::int64_t> shape, const std::vector<T>& values) {
        return from(std::move(name), std::move(shape), std::span<const T>(values));
    }
    template <class T>
    static NamedArray scalar(std::string name, T value) {
        return from(std::move(name), {}, std::span<const T>(&value, 1));
    }

    /// The values without a copy. @throws Error internal if the dtype is not T's (ask dtype first, or use to_…).
    template <class T>
    std::span<const T> view() const {
        require(dtype_of<T>());
        return {reinterpret_cast<const T*>(bytes.data()), count()};
    }
    /// The values converted; from any dtype. Whole numbers beyond 2^53 (2^24) lose digits.
    std::vector<float> to_float() const;
    std::vector<double> to_double() const;
    /// @throws Error format if a value is not whole or does not fit.
    std::vector<std::int64_t> to_int64() const;

private:
    void assign(const void* values, std::size_t n);
    void require(DType type) const;
};

/// A set of arrays: the contents of an NPZ or safetensors file.
struct TensorFile {
    std::vector<NamedArray> arrays;
    std::map<std::string, std::string> metadata;  ///< safetensors only

    const NamedArray* find(std::string_view name) const;
    /// @throws Error format naming the arrays that are there.
    const NamedArray& at(std::string_view name) const;
};

/// Product of a shape times the size of an element. @throws Error format on negative sizes or overflow of int64.
std::uint64_t checked_byte_count(std::span<const std::int64_t> shape, DType type);

/// Bits of packed bytes, most significant first (numpy.packbits; occupancies of points.npz): n values 0 or 1.
/// @throws Error format if there are fewer than n bits.
std::vector<std::uint8_t> unpack_bits(std::span<const std::uint8_t> bytes, std::size_t n);
/// The reverse; missing bits of the last byte are 0.
std::vector<std::uint8_t> pack_bits(std::span<const std::uint8_t> bits);

}  // namespace nir::io
