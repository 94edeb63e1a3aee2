// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/array.h"

#include "nir/base/error.h"

#include "io/text.h"

#include <bit>
#include <cmath>
#include <limits>

namespace nir::io {
namespace {

struct DTypeRow {
    std::string_view name;
    std::size_t size;
};
constexpr DTypeRow kDTypes[] = {{"bool", 1},     {"uint8", 1},   {"int8", 1},   {"uint16", 2}, {"int16", 2},
                                {"uint32", 4},   {"int32", 4},   {"uint64", 8}, {"int64", 8},  {"float16", 2},
                                {"bfloat16", 2}, {"float32", 4}, {"float64", 8}};

const DTypeRow& row_of(DType t) { return kDTypes[static_cast<std::size_t>(t)]; }

// Calls f(value) with every value of an array as its own C++ type (half types as float).
template <class F>
void visit_values(const NamedArray& a, F&& f) {
    const std::size_t n = a.count();
    const auto each = [&]<class T>(T) {
        const auto* p = reinterpret_cast<const char*>(a.bytes.data());
        for (std::size_t i = 0; i < n; ++i, p += sizeof(T)) {
            T v;
            std::memcpy(&v, p, sizeof v);
            f(v);
        }
    };
    const auto* half = reinterpret_cast<const std::uint16_t*>(a.bytes.data());
    switch (a.dtype) {
        case DType::boolean:
            for (std::size_t i = 0; i < n; ++i) f(static_cast<std::uint8_t>(a.bytes[i] != std::byte{0}));
            return;
        case DType::u8:
            return each(std::uint8_t{});
        case DType::i8:
            return each(std::int8_t{});
        case DType::u16:
            return each(std::uint16_t{});
        case DType::i16:
            return each(std::int16_t{});
        case DType::u32:
            return each(std::uint32_t{});
        case DType::i32:
            return each(std::int32_t{});
        case DType::u64:
            return each(std::uint64_t{});
        case DType::i64:
            return each(std::int64_t{});
        case DType::f16:
            for (std::size_t i = 0; i < n; ++i) f(float_from_half(half[i]));
            return;
        case DType::bf16:
            for (std::size_t i = 0; i < n; ++i) f(std::bit_cast<float>(static_cast<std::uint32_t>(half[i]) << 16));
            return;
        case DType::f32:
            return each(float{});
        case DType::f64:
            return each(double{});
    }
}

template <class T>
std::vector<T> converted(const NamedArray& a) {
    std::vector<T> out;
    out.reserve(a.count());
    visit_values(a, [&](auto v) { out.push_back(static_cast<T>(v)); });
    return out;
}

}  // namespace

std::size_t size_of(DType type) { return row_of(type).size; }
std::string_view name_of(DType type) { return row_of(type).name; }

float float_from_half(std::uint16_t bits) {
    const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
    const std::uint32_t exponent = (bits >> 10) & 31u, mantissa = bits & 0x3ffu;
    if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
    if (exponent == 0) {
        const float tiny = static_cast<float>(mantissa) * 0x1p-24f;
        return sign ? -tiny : tiny;
    }
    return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

std::uint16_t half_from_float(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
    const auto with_sign = [sign](std::uint32_t h) { return static_cast<std::uint16_t>(sign | h); };
    if (magnitude > 0x7f800000u) return with_sign(0x7e00u | ((magnitude >> 13) & 0x3ffu));
    if (magnitude >= 0x477ff000u) return with_sign(0x7c00u);  // 65520 and more round to infinity
    if (magnitude < 0x38800000u) {                            // below the smallest normal half: fixed point, step 2^-24
        // Adding 0.5 puts the last bit of the sum at 2^-24, so the addition rounds to nearest even for us.
        const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
        return with_sign(std::bit_cast<std::uint32_t>(shifted) - 0x3f000000u);
    }
    const std::uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
    return with_sign((rounded >> 13) - (112u << 10));
}

std::size_t NamedArray::count() const { return bytes.size() / size_of(dtype); }

std::string NamedArray::shape_text() const {
    std::string s = "[";
    for (std::size_t i = 0; i < shape.size(); ++i) s += fmt::format("{}{}", i ? ", " : "", shape[i]);
    return s + "]";
}

void NamedArray::assign(const void* values, std::size_t n) {
    NIR_CHECK(checked_byte_count(shape, dtype) == n * size_of(dtype));
    bytes.resize(n * size_of(dtype));
    if (n > 0) std::memcpy(bytes.data(), values, bytes.size());
}

void NamedArray::require(DType type) const {
    if (type != dtype)
        fail(ErrorKind::internal, "array {}: {} asked, {} held", in_quotes(name), name_of(type), name_of(dtype));
}

std::vector<float> NamedArray::to_float() const { return converted<float>(*this); }
std::vector<double> NamedArray::to_double() const { return converted<double>(*this); }

std::vector<std::int64_t> NamedArray::to_int64() const {
    std::vector<std::int64_t> out;
    out.reserve(count());
    visit_values(*this, [&](auto v) {
        using T = decltype(v);
        bool fits = true;
        if constexpr (std::is_floating_point_v<T>)
            fits = v == std::floor(v) && std::abs(v) < T(0x1p62);
        else if constexpr (std::is_same_v<T, std::uint64_t>)
            fits = v <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
        if (!fits)
            fail(ErrorKind::format, "array {}: value {} at {} is not a whole number that fits", in_quotes(name), v,
                 out.size());
        out.push_back(static_cast<std::int64_t>(v));
    });
    return out;
}

const NamedArray* TensorFile::find(std::string_view name) const {
    for (const NamedArray& a : arrays) {
        if (a.name == name) return &a;
    }
    return nullptr;
}

const NamedArray& TensorFile::at(std::string_view name) const {
    if (const NamedArray* a = find(name)) return *a;
    std::string known;
    for (std::size_t i = 0; i < arrays.size() && i < 12; ++i) known += (i ? ", " : "") + in_quotes(arrays[i].name);
    if (arrays.size() > 12) known += fmt::format(" and {} more", arrays.size() - 12);
    fail(ErrorKind::format, "no array {}; the file holds {}", in_quotes(name), known.empty() ? "none" : known);
}

std::uint64_t checked_byte_count(std::span<const std::int64_t> shape, DType type) {
    std::int64_t n = static_cast<std::int64_t>(size_of(type));
    bool overflow = false;
    bool zero = false;
    for (const std::int64_t d : shape) {
        if (d < 0) fail(ErrorKind::format, "size {} in the shape", d);
        zero = zero || d == 0;
        if (d != 0) overflow = overflow || __builtin_mul_overflow(n, d, &n);
    }
    if (zero) return 0;
    if (overflow) fail(ErrorKind::format, "the shape has more than 2^63 bytes");
    return static_cast<std::uint64_t>(n);
}

std::vector<std::uint8_t> unpack_bits(std::span<const std::uint8_t> bytes, std::size_t n) {
    if (n / 8 + (n % 8 != 0) > bytes.size()) {
        fail(ErrorKind::format, "{} packed bits needed, {} bytes found", n, bytes.size());
    }
    std::vector<std::uint8_t> bits(n);
    for (std::size_t i = 0; i < n; ++i) bits[i] = (bytes[i / 8] >> (7 - i % 8)) & 1;
    return bits;
}

std::vector<std::uint8_t> pack_bits(std::span<const std::uint8_t> bits) {
    std::vector<std::uint8_t> bytes((bits.size() + 7) / 8);
    for (std::size_t i = 0; i < bits.size(); ++i) {
        if (bits[i]) bytes[i / 8] = static_cast<std::uint8_t>(bytes[i / 8] | (1u << (7 - i % 8)));
    }
    return bytes;
}

}  // namespace nir::io
