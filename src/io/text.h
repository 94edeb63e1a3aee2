// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Lines, words and numbers of text formats.
#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace nir::io {

/// Walks over lines; "\n" and "\r\n" end a line, the last one may lack an end.
class LineReader {
public:
    explicit LineReader(std::string_view text, std::size_t first_line = 1) : text_(text), number_(first_line - 1) {}

    bool next(std::string_view& line) {
        if (at_ >= text_.size()) return false;
        const char* begin = text_.data() + at_;
        const auto* end = static_cast<const char*>(std::memchr(begin, '\n', text_.size() - at_));
        const std::size_t length = end ? static_cast<std::size_t>(end - begin) : text_.size() - at_;
        at_ += length + (end ? 1 : 0);
        line = {begin, length};
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        ++number_;
        return true;
    }
    /// Number of the line that next() returned last, from 1.
    std::size_t number() const { return number_; }
    /// Offset of the first byte behind that line.
    std::size_t offset() const { return at_; }
    std::size_t remaining() const { return text_.size() - at_; }

private:
    std::string_view text_;
    std::size_t at_ = 0, number_ = 0;
};

/// Splits a line at blanks and tabs, and at commas and semicolons if asked (runs count once).
template <bool kCommas = false>
class Words {
public:
    explicit Words(std::string_view line) : at_(line.data()), end_(line.data() + line.size()) {}

    bool next(std::string_view& word) {
        while (at_ != end_ && separates(*at_)) ++at_;
        if (at_ == end_) return false;
        const char* begin = at_;
        while (at_ != end_ && !separates(*at_)) ++at_;
        word = {begin, static_cast<std::size_t>(at_ - begin)};
        return true;
    }
    /// What has not been read yet.
    std::string_view rest() const { return {at_, static_cast<std::size_t>(end_ - at_)}; }

private:
    static bool separates(char c) {
        return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f' || (kCommas && (c == ',' || c == ';'));
    }
    const char* at_;
    const char* end_;
};

/// Whole word as a number; "nan" and "inf" are numbers, 1e999 is inf. Never depends on the locale.
inline bool parse_number(std::string_view word, double& value) {
    if (!word.empty() && word.front() == '+') word.remove_prefix(1);
    if (word.empty() || word.front() == '+') return false;
    const char* end = word.data() + word.size();
    const auto [stop, error] = std::from_chars(word.data(), end, value);
    if (error == std::errc::result_out_of_range && stop == end) {
        // Too large or too small: the sign of the exponent says which.
        const std::size_t e = word.find_last_of("eE");
        const bool tiny = e != std::string_view::npos ? e + 1 < word.size() && word[e + 1] == '-'
                                                      : word.find_first_of("123456789") > word.find('.');
        value = tiny ? 0.0 : word.front() == '-' ? -HUGE_VAL : HUGE_VAL;
        return true;
    }
    return error == std::errc() && stop == end;
}

template <class Int>
bool parse_integer(std::string_view word, Int& value) {
    if (!word.empty() && word.front() == '+') word.remove_prefix(1);
    if (word.empty() || word.front() == '+') return false;
    const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    return error == std::errc() && stop == word.data() + word.size();
}

inline std::string_view trim(std::string_view s) {
    constexpr std::string_view blank = " \t\r\n\v\f";
    const std::size_t first = s.find_first_not_of(blank);
    if (first == std::string_view::npos) return {};
    return s.substr(first, s.find_last_not_of(blank) - first + 1);
}

inline bool equals_ignoring_case(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (lower(a[i]) != lower(b[i])) return false;
    }
    return true;
}

/// A piece of a file in quotes, fit for a message: short, printable.
inline std::string in_quotes(std::string_view s) {
    std::string out = "\"";
    for (const char c : s.substr(0, 40)) out += (c >= 0x20 && c < 0x7f) ? c : '?';
    return out + (s.size() > 40 ? "...\"" : "\"");
}

}  // namespace nir::io
