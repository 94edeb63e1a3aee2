// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/component.h"
#include "nir/base/config.h"
#include "nir/base/error.h"

#include <span>
#include <string>
#include <vector>

namespace nir::nn {

// What every registry does with its rows { reference, config, make }.

template <class Row>
std::vector<ConfigAlternative> alternatives_of(std::span<const Row> rows) {
    std::vector<ConfigAlternative> out;
    for (const auto& row : rows) out.push_back(row.config);
    return out;
}

template <class Row>
std::vector<Component> components_of(std::span<const Row> rows, const std::string& kind) {
    std::vector<Component> out;
    for (const auto& row : rows) out.push_back({kind, row.config.name, row.config.summary, row.reference});
    return out;
}

template <class Row>
const Row& row_of(std::span<const Row> rows, const std::string& name, const std::string& kind) {
    for (const auto& row : rows)
        if (row.config.name == name) return row;
    fail(ErrorKind::config, "there is no {} \"{}\"; `nir list {}` shows what there is", kind, name, kind);
}

}  // namespace nir::nn
