// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/log.h"
#include "nir/base/progress.h"
#include "nir/base/timer.h"

#include <cstdio>
#include <mutex>
#include <string>

namespace nir {

/// Progress for people: on a terminal a bar with rate and time left, otherwise a line every few seconds (and none for
/// work that is done sooner). advance() may be called from any thread and is false after Ctrl-C (interrupt.h).
class TerminalProgress final : public Progress {
public:
    struct Options {
        enum class Style { automatic, bar, lines } style = Style::automatic;
        double seconds_between_lines = 5.0;
        double seconds_between_draws = 0.1;
    };
    explicit TerminalProgress(std::FILE* out, Options options);
    explicit TerminalProgress(std::FILE* out = stderr) : TerminalProgress(out, Options{}) {}
    ~TerminalProgress() override;

    void begin(std::string_view phase, std::uint64_t total, std::string_view unit) override;
    bool advance(std::uint64_t n = 1) override;
    void note(std::string_view text) override;
    void end() override;

    /// A log line that does not tear the bar; give it to set_log_sink().
    void message(LogLevel level, std::string_view text);

private:
    void draw(bool last);
    void clear();
    std::string status() const;

    std::FILE* out_;
    Options options_;
    bool is_bar_ = false;
    std::mutex mutex_;
    std::string phase_, unit_, note_;
    std::uint64_t total_ = 0;
    std::atomic<std::uint64_t> done_{0};
    std::atomic<double> next_draw_{0};  // on timer_
    Timer timer_;
    bool running_ = false, drawn_ = false;
};

/// 1234567 -> "1.23 M", for rates and counts in log lines.
std::string human_count(double n);
/// 3725 -> "1:02:05", 42.4 -> "0:42".
std::string human_duration(double seconds);

}  // namespace nir
