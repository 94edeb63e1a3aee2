// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/terminal_progress.h"

#include "nir/base/interrupt.h"
#include "nir/base/phase_timer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <thread>
#include <unistd.h>

namespace nir {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using Style = TerminalProgress::Options::Style;

/// A FILE* whose text can be read back.
class Capture {
public:
    std::FILE* file() { return file_.get(); }
    std::string text() {
        std::fflush(file_.get());
        std::rewind(file_.get());
        std::string out(1 << 16, '\0');
        out.resize(std::fread(out.data(), 1, out.size(), file_.get()));
        return out;
    }

private:
    struct Close {
        void operator()(std::FILE* f) const { std::fclose(f); }
    };
    std::unique_ptr<std::FILE, Close> file_{std::tmpfile()};
};

TEST(TerminalProgress, ShortWorkIsSilentWithoutATerminal) {
    Capture c;
    TerminalProgress p(c.file());
    p.begin("encode", 10, "points");
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(p.advance());
    p.end();
    EXPECT_EQ(c.text(), "");
}

TEST(TerminalProgress, LinesNameShareRateAndTimeLeft) {
    Capture c;
    TerminalProgress p(c.file(), {.style = Style::lines, .seconds_between_lines = 0.01});
    p.begin("query", 4000, "points");
    p.note("loss 0.31");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    p.advance(1000);
    p.advance(3000);
    p.end();
    const std::string text = c.text();
    EXPECT_THAT(text, MatchesRegex("query:  25 %  1 k of 4 k points  .*/s  0:00 left  loss 0.31\n"
                                   "query: 100 %  4 k of 4 k points  .*/s  loss 0.31  in 0:00\n"));
}

TEST(TerminalProgress, BarIsRedrawnInPlaceAndKeptWholeByMessages) {
    Capture c;
    TerminalProgress p(c.file(), {.style = Style::bar, .seconds_between_draws = 0});
    p.begin("train", 4, "steps");
    p.advance(2);
    p.message(LogLevel::warning, "few points");
    p.end();
    const std::string text = c.text();
    EXPECT_THAT(text, HasSubstr("\r\033[Ktrain     [############............]  50 %  2 of 4 steps"));
    EXPECT_THAT(text, HasSubstr("\r\033[Kwarning: few points\n\r\033[Ktrain"));
    EXPECT_EQ(text.back(), '\n');
}

TEST(TerminalProgress, UnknownTotalHasNoShare) {
    Capture c;
    TerminalProgress p(c.file(), {.style = Style::lines, .seconds_between_lines = 0});
    p.begin("read", 0, "bytes");
    p.advance(5);
    EXPECT_THAT(c.text(), MatchesRegex("read: 5 bytes  .*/s\n"));
}

TEST(TerminalProgress, CountsFromManyThreads) {
    Capture c;
    TerminalProgress p(c.file(), {.style = Style::lines, .seconds_between_lines = 0.001});
    p.begin("query", 40001, "points");
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 10000; ++i) p.advance();
        });
    for (auto& t : threads) t.join();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    p.advance(0);
    EXPECT_THAT(c.text(), HasSubstr("100 %  40 k of 40 k points"));
    p.advance();
    p.end();
    EXPECT_THAT(c.text(), HasSubstr("in 0:00\n"));
}

TEST(Interrupt, FirstSignalCancelsSecondEnds130) {
    const auto stop_twice = [] {
        install_interrupt_handler();
        TerminalProgress p;
        p.begin("train", 10, "steps");
        const bool before = p.advance();
        std::raise(SIGINT);
        const bool after = p.advance();
        if (!before || after) ::_exit(1);
        std::raise(SIGINT);
        ::_exit(2);
    };
    EXPECT_EXIT(stop_twice(), testing::ExitedWithCode(130), "stopping after the current step");
}

TEST(Human, CountsAndDurations) {
    EXPECT_EQ(human_count(0), "0");
    EXPECT_EQ(human_count(999), "999");
    EXPECT_EQ(human_count(1234567), "1.23 M");
    EXPECT_EQ(human_duration(42.4), "0:42");
    EXPECT_EQ(human_duration(3725), "1:02:05");
    EXPECT_EQ(human_duration(-1), "0:00");
}

TEST(PhaseTimer, InnerPhasesPauseOuterOnes) {
    PhaseTimer timer;
    const auto nap = [](int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); };
    {
        const auto extract = timer.phase("extract");
        nap(10);
        {
            const auto query = timer.phase("query");
            nap(40);
        }
        nap(10);
        const auto query = timer.phase("query");
        nap(20);
    }
    nap(20);  // belongs to no phase
    const auto s = timer.seconds();
    ASSERT_EQ(s.size(), 2u);
    EXPECT_EQ(s[0].first, "extract");
    EXPECT_EQ(s[1].first, "query");
    EXPECT_GE(s[0].second, 0.020);
    EXPECT_LT(s[0].second, s[1].second);
    EXPECT_GE(s[1].second, 0.060);
    EXPECT_GE(timer.total_seconds(), s[0].second + s[1].second + 0.020);
}

}  // namespace
}  // namespace nir
