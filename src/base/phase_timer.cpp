// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/phase_timer.h"

#include <algorithm>

namespace nir {

PhaseTimer::Scope PhaseTimer::phase(std::string_view name) {
    bank();
    auto at = std::find_if(phases_.begin(), phases_.end(), [&](const auto& p) { return p.first == name; });
    if (at == phases_.end()) at = phases_.insert(phases_.end(), {std::string(name), 0.0});
    open_.push_back(static_cast<std::size_t>(at - phases_.begin()));
    return Scope(*this);
}

void PhaseTimer::leave() {
    bank();
    if (!open_.empty()) open_.pop_back();
}

/// Credits the time since the last change to the innermost open phase.
void PhaseTimer::bank() {
    if (!open_.empty()) phases_[open_.back()].second += lap_.seconds();
    lap_.restart();
}

std::vector<std::pair<std::string, double>> PhaseTimer::seconds() const {
    auto out = phases_;
    if (!open_.empty()) out[open_.back()].second += lap_.seconds();
    return out;
}

}  // namespace nir
