// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/error.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nir {

/// A place in a text: file (or "--set a.b=1", or empty for values made by the program) and line, 0 if there is none.
struct Place {
    std::string file;
    int line = 0;
};

/// Collects every mistake of a configuration or manifest, so that the user sees all of them at once.
class Diagnostics {
public:
    /// `title` is the file the user named; problems that lie in it are listed by line alone.
    explicit Diagnostics(std::string title = {}) : title_(std::move(title)) {}

    void add(const Place& place, std::string message) { problems_.push_back({place, std::move(message)}); }
    bool empty() const { return problems_.empty(); }
    std::size_t size() const { return problems_.size(); }

    /// One problem: "mine.toml:6: …". Several: "mine.toml has 2 problems" and one indented line each, in file order.
    std::string text() const;
    /// @throws Error of the given kind with text() if there is any problem.
    void throw_if_any(ErrorKind kind) const;

private:
    struct Problem {
        Place place;
        std::string message;
    };
    std::string title_;
    std::vector<Problem> problems_;
};

/// The candidate that `word` most likely stands for (edit distance with swaps, case ignored), or "" if none is near.
std::string nearest_name(std::string_view word, std::span<const std::string> candidates);

}  // namespace nir
