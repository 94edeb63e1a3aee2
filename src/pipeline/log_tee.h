// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/log.h"

#include "pipeline/train_run_folder.h"

#include <mutex>

namespace nir::pipeline {

/// While it lives, log messages go to log.txt as well.
class LogTee {
public:
    explicit LogTee(RunFolder& folder) : former_(set_log_sink(nullptr)) {
        set_log_sink([this, &folder](LogLevel level, std::string_view text) {
            {
                const std::lock_guard lock(mutex_);
                folder.log(level, text);
            }
            if (former_) former_(level, text);
        });
    }
    ~LogTee() { set_log_sink(former_); }
    LogTee(const LogTee&) = delete;
    LogTee& operator=(const LogTee&) = delete;

private:
    LogSink former_;
    std::mutex mutex_;
};

}  // namespace nir::pipeline
