// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/log.h"

#include <atomic>
#include <cstdio>
#include <mutex>

namespace nir {
namespace {

std::atomic<LogLevel> g_level{LogLevel::info};
std::mutex g_mutex;

void write_to_stderr(LogLevel level, std::string_view text) {
    const char* prefix = level == LogLevel::warning ? "warning: " : level == LogLevel::error ? "error: " : "";
    fmt::print(stderr, "{}{}\n", prefix, text);
}

LogSink& sink() {
    static LogSink s = write_to_stderr;
    return s;
}

}  // namespace

void set_log_level(LogLevel level) { g_level = level; }
LogLevel log_level() { return g_level; }

LogSink set_log_sink(LogSink s) {
    const std::lock_guard lock(g_mutex);
    std::swap(sink(), s);
    return s;
}

void log_message(LogLevel level, std::string_view text) {
    const std::lock_guard lock(g_mutex);
    if (sink()) sink()(level, text);
}

}  // namespace nir
