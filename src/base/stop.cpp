// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/stop.h"

#include "nir/base/error.h"

#include "base/stop_scope.h"

#include <utility>

namespace nir {
namespace {

thread_local const StopScope* t_scope = nullptr;

}  // namespace

const StopScope* current_stop_scope() noexcept { return t_scope; }
const StopScope* exchange_stop_scope(const StopScope* scope) noexcept { return std::exchange(t_scope, scope); }

StopScope::StopScope(Progress& progress, std::string message)
    : progress_(progress), message_(std::move(message)), outer_(exchange_stop_scope(this)) {}

StopScope::~StopScope() { exchange_stop_scope(outer_); }

void check_stop() {
    if (t_scope && !t_scope->progress_.advance(0)) fail(ErrorKind::cancelled, "{}", t_scope->message_);
}

}  // namespace nir
