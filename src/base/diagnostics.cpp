// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/diagnostics.h"

#include <algorithm>
#include <cctype>

namespace nir {
namespace {

/// Edit distance in which a swap of two neighbours counts once (optimal string alignment), case ignored.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    const auto same = [](char x, char y) {
        return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
    };
    const std::size_t n = b.size() + 1;
    std::vector<std::size_t> before(n), previous(n), row(n);
    for (std::size_t j = 0; j < n; ++j) previous[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j < n; ++j) {
            row[j] = std::min({previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1)});
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before.swap(previous);
        previous.swap(row);
    }
    return previous[b.size()];
}

}  // namespace

std::string Diagnostics::text() const {
    const auto where = [&](const Place& p, bool with_title) -> std::string {
        if (p.file == title_ && !with_title) return p.line > 0 ? fmt::format("line {}: ", p.line) : "";
        if (p.file.empty()) return "";
        return p.line > 0 ? fmt::format("{}:{}: ", p.file, p.line) : fmt::format("{}: ", p.file);
    };
    if (problems_.size() == 1) return where(problems_[0].place, true) + problems_[0].message;

    auto sorted = problems_;
    std::stable_sort(sorted.begin(), sorted.end(), [&](const Problem& a, const Problem& b) {
        const bool a_in = a.place.file == title_, b_in = b.place.file == title_;
        if (a_in != b_in) return a_in;
        return a.place.file == b.place.file && a.place.line < b.place.line;
    });
    std::string out = fmt::format("{} has {} problems", title_.empty() ? "the configuration" : title_, sorted.size());
    for (const auto& p : sorted) out += "\n  " + where(p.place, false) + p.message;
    return out;
}

void Diagnostics::throw_if_any(ErrorKind kind) const {
    if (!problems_.empty()) throw Error(kind, text());
}

std::string nearest_name(std::string_view word, std::span<const std::string> candidates) {
    std::string best;
    std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
    for (const auto& c : candidates) {
        const std::size_t d = edit_distance(word, c);
        // A short name is not "near" a word it shares nothing with.
        if (d < best_distance && d < std::max(word.size(), c.size())) best = c, best_distance = d;
    }
    return best;
}

}  // namespace nir
