// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <fmt/format.h>

#include <functional>
#include <string_view>

namespace nir {

enum class LogLevel { debug, info, warning, error, off };

/// Receives every message at or above the level. The default sink writes to stderr.
using LogSink = std::function<void(LogLevel, std::string_view)>;

void set_log_level(LogLevel level);
LogLevel log_level();
/// Replaces the sink and returns the former one; tests install a sink that fails on warnings.
LogSink set_log_sink(LogSink sink);
void log_message(LogLevel level, std::string_view text);

template <class... Args>
void log_debug(fmt::format_string<Args...> f, Args&&... args) {
    if (log_level() <= LogLevel::debug) log_message(LogLevel::debug, fmt::format(f, std::forward<Args>(args)...));
}
template <class... Args>
void log_info(fmt::format_string<Args...> f, Args&&... args) {
    if (log_level() <= LogLevel::info) log_message(LogLevel::info, fmt::format(f, std::forward<Args>(args)...));
}
template <class... Args>
void log_warning(fmt::format_string<Args...> f, Args&&... args) {
    if (log_level() <= LogLevel::warning) log_message(LogLevel::warning, fmt::format(f, std::forward<Args>(args)...));
}

}  // namespace nir
