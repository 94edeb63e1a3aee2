// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace nir::geom {

template <class T>
struct Vec3 {
    T x{}, y{}, z{};

    constexpr T& operator[](int i) { return i == 0 ? x : i == 1 ? y : z; }
    constexpr const T& operator[](int i) const { return i == 0 ? x : i == 1 ? y : z; }
    template <class U>
    constexpr explicit operator Vec3<U>() const {
        return {static_cast<U>(x), static_cast<U>(y), static_cast<U>(z)};
    }
    friend constexpr Vec3 operator+(Vec3 a, Vec3 b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
    friend constexpr Vec3 operator-(Vec3 a, Vec3 b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
    friend constexpr Vec3 operator-(Vec3 a) { return {-a.x, -a.y, -a.z}; }
    friend constexpr Vec3 operator*(Vec3 a, Vec3 b) { return {a.x * b.x, a.y * b.y, a.z * b.z}; }
    friend constexpr Vec3 operator*(Vec3 a, std::type_identity_t<T> s) { return {a.x * s, a.y * s, a.z * s}; }
    friend constexpr Vec3 operator*(std::type_identity_t<T> s, Vec3 a) { return a * s; }
    friend constexpr Vec3 operator/(Vec3 a, std::type_identity_t<T> s) { return {a.x / s, a.y / s, a.z / s}; }
    constexpr Vec3& operator+=(Vec3 b) { return *this = *this + b; }
    constexpr Vec3& operator-=(Vec3 b) { return *this = *this - b; }
    constexpr Vec3& operator*=(T s) { return *this = *this * s; }
    friend constexpr bool operator==(const Vec3&, const Vec3&) = default;
};

using Vec3f = Vec3<float>;
using Vec3d = Vec3<double>;
using Vec3i = Vec3<std::int32_t>;

template <class T>
constexpr T dot(Vec3<T> a, Vec3<T> b) {
    return a.x * b.x + a.y * b.y + a.z * b.z;
}
template <class T>
constexpr Vec3<T> cross(Vec3<T> a, Vec3<T> b) {
    return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
template <class T>
constexpr T squared_norm(Vec3<T> a) {
    return dot(a, a);
}
template <class T>
T norm(Vec3<T> a) {
    return std::sqrt(dot(a, a));
}
/// The unit vector, or zero for the zero vector.
template <class T>
Vec3<T> normalized(Vec3<T> a) {
    const T n = norm(a);
    return n > T(0) ? a / n : Vec3<T>{};
}
template <class T>
constexpr Vec3<T> min(Vec3<T> a, Vec3<T> b) {
    return {std::min(a.x, b.x), std::min(a.y, b.y), std::min(a.z, b.z)};
}
template <class T>
constexpr Vec3<T> max(Vec3<T> a, Vec3<T> b) {
    return {std::max(a.x, b.x), std::max(a.y, b.y), std::max(a.z, b.z)};
}
template <class T>
bool is_finite(Vec3<T> a) {
    return std::isfinite(a.x) && std::isfinite(a.y) && std::isfinite(a.z);
}

/// Axis-aligned box; a fresh one is empty (lo > hi) and grows by extend().
template <class T>
struct Box3 {
    Vec3<T> lo{std::numeric_limits<T>::max(), std::numeric_limits<T>::max(), std::numeric_limits<T>::max()};
    Vec3<T> hi{std::numeric_limits<T>::lowest(), std::numeric_limits<T>::lowest(), std::numeric_limits<T>::lowest()};

    constexpr bool empty() const { return lo.x > hi.x || lo.y > hi.y || lo.z > hi.z; }
    constexpr void extend(Vec3<T> p) { lo = min(lo, p), hi = max(hi, p); }
    constexpr Vec3<T> size() const { return hi - lo; }
    constexpr Vec3<T> center() const { return (lo + hi) / T(2); }
    constexpr T longest_side() const { return std::max({hi.x - lo.x, hi.y - lo.y, hi.z - lo.z}); }
    constexpr bool contains(Vec3<T> p) const {
        return p.x >= lo.x && p.x <= hi.x && p.y >= lo.y && p.y <= hi.y && p.z >= lo.z && p.z <= hi.z;
    }
    constexpr Box3 padded(T d) const { return {lo - Vec3<T>{d, d, d}, hi + Vec3<T>{d, d, d}}; }
};

using Box3f = Box3<float>;
using Box3d = Box3<double>;

}  // namespace nir::geom
