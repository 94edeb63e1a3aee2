// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/terminal_progress.h"

#include "nir/base/interrupt.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <unistd.h>

namespace nir {
namespace {

constexpr int kBarCells = 24;

bool is_terminal(std::FILE* out) {
    const char* term = std::getenv("TERM");
    return ::isatty(::fileno(out)) == 1 && !(term && std::string_view(term) == "dumb");
}

}  // namespace

std::string human_count(double n) {
    static constexpr struct {
        double size;
        const char* suffix;
    } kUnits[] = {{1e12, " T"}, {1e9, " G"}, {1e6, " M"}, {1e3, " k"}};
    for (const auto& u : kUnits)
        if (std::abs(n) >= u.size) return fmt::format("{:.3g}{}", n / u.size, u.suffix);
    return fmt::format("{:.3g}", n);
}

std::string human_duration(double seconds) {
    const auto s = static_cast<long long>(std::clamp(seconds, 0.0, 1e9));
    if (s >= 3600) return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
    return fmt::format("{}:{:02}", s / 60, s % 60);
}

TerminalProgress::TerminalProgress(std::FILE* out, Options options) : out_(out), options_(options) {
    is_bar_ = options.style == Options::Style::automatic ? is_terminal(out) : options.style == Options::Style::bar;
}

TerminalProgress::~TerminalProgress() { end(); }

void TerminalProgress::begin(std::string_view phase, std::uint64_t total, std::string_view unit) {
    end();
    const std::lock_guard lock(mutex_);
    phase_ = phase, unit_ = unit, note_.clear(), total_ = total, done_ = 0;
    timer_.restart();
    running_ = true, drawn_ = false;
    next_draw_ = is_bar_ ? options_.seconds_between_draws : options_.seconds_between_lines;
}

bool TerminalProgress::advance(std::uint64_t n) {
    done_ += n;
    if (timer_.seconds() >= next_draw_) {
        const std::lock_guard lock(mutex_);
        const bool complete = total_ > 0 && done_ >= total_;  // end() writes the last line
        if (running_ && timer_.seconds() >= next_draw_ && (is_bar_ || !complete)) draw(false);
    }
    return !interrupted();
}

void TerminalProgress::note(std::string_view text) {
    const std::lock_guard lock(mutex_);
    note_ = text;
}

void TerminalProgress::end() {
    const std::lock_guard lock(mutex_);
    if (running_ && drawn_) draw(true);
    running_ = drawn_ = false;
}

void TerminalProgress::message(LogLevel level, std::string_view text) {
    const std::lock_guard lock(mutex_);
    clear();
    const char* prefix = level == LogLevel::warning ? "warning: " : level == LogLevel::error ? "error: " : "";
    fmt::print(out_, "{}{}\n", prefix, text);
    if (is_bar_ && running_ && drawn_) draw(false);
}

std::string TerminalProgress::status() const {
    const double seconds = timer_.seconds(), done = static_cast<double>(done_), total = static_cast<double>(total_);
    const double rate = seconds > 0 ? done / seconds : 0;
    std::string text;
    if (total_ > 0) text += fmt::format("{:3.0f} %  ", 100 * std::min(1.0, done / total));
    text += total_ > 0 ? fmt::format("{} of {} {}", human_count(done), human_count(total), unit_)
                       : fmt::format("{} {}", human_count(done), unit_);
    const bool has_rate = unit_ != "s";  // not work that takes as long as it is given
    if (has_rate) text += fmt::format("  {}/s", human_count(rate));
    if (total_ > done_ && rate > 0) text += fmt::format("  {} left", human_duration((total - done) / rate));
    if (!note_.empty()) text += "  " + note_;
    return text;
}

void TerminalProgress::draw(bool last) {
    drawn_ = true;
    if (is_bar_) {
        std::string bar;
        if (total_ > 0) {
            const double share = std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
            const auto full = static_cast<std::size_t>(share * kBarCells);
            bar = " [" + std::string(full, '#') + std::string(kBarCells - full, '.') + "]";
        }
        fmt::print(out_, "\r\033[K{:<9}{} {}{}", phase_, bar, status(), last ? "\n" : "");
    } else {
        fmt::print(out_, "{}: {}{}\n", phase_, status(),
                   last ? fmt::format("  in {}", human_duration(timer_.seconds())) : "");
    }
    std::fflush(out_);
    next_draw_ = timer_.seconds() + (is_bar_ ? options_.seconds_between_draws : options_.seconds_between_lines);
}

void TerminalProgress::clear() {
    if (is_bar_ && drawn_) fmt::print(out_, "\r\033[K");
}

}  // namespace nir
