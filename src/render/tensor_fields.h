// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/error.h"
#include "nir/io/array.h"

#include <charconv>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

namespace nir::render {

/// A number of the metadata, to the last bit. @throws Error{format} if it is missing, no number or not finite.
template <class Number>
Number read_number(const io::TensorFile& file, const std::string& name) {
    const auto it = file.metadata.find(name);
    if (it == file.metadata.end()) fail(ErrorKind::format, "the metadata lacks \"{}\"", name);
    Number out{};
    const char* end = it->second.data() + it->second.size();
    const auto result = std::from_chars(it->second.data(), end, out);
    if (result.ec != std::errc() || result.ptr != end || !std::isfinite(static_cast<double>(out)))
        fail(ErrorKind::format, "metadata \"{}\": \"{}\" is not a number", name, it->second);
    return out;
}
template <class Number>
void write_number(io::TensorFile& file, const std::string& name, Number value) {
    file.metadata[name] = fmt::format("{}", value);
}

/// The values of an array of T. @throws Error{format} if it is missing or of another type.
template <class T>
std::vector<T> read_values(const io::TensorFile& file, std::string_view name) {
    const io::NamedArray& array = file.at(name);
    if (array.dtype != io::dtype_of<T>())
        fail(ErrorKind::format, "array \"{}\" holds {}, expected {}", name, io::name_of(array.dtype),
             io::name_of(io::dtype_of<T>()));
    const auto values = array.view<T>();
    return {values.begin(), values.end()};
}
/// Fills a vector that has the right size already.
template <class T>
void fill_values(const io::TensorFile& file, std::string_view name, std::vector<T>& out) {
    std::vector<T> values = read_values<T>(file, name);
    if (values.size() != out.size())
        fail(ErrorKind::format, "array \"{}\" has {} values, expected {}", name, values.size(), out.size());
    out = std::move(values);
}
template <class T>
void write_values(io::TensorFile& file, std::string_view name, const std::vector<T>& values) {
    file.arrays.push_back(io::NamedArray::from(std::string(name), {static_cast<std::int64_t>(values.size())}, values));
}

}  // namespace nir::render
