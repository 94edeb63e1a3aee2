// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/interrupt.h"

#include "base/temporary_files.h"

#include <array>
#include <atomic>
#include <csignal>
#include <unistd.h>

namespace nir {
namespace {

// Only lock-free atomics are touched inside the handler.
std::atomic<bool> g_interrupted{false};
std::array<std::atomic<const char*>, 64> g_temporaries{};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<const char*>::is_always_lock_free);

extern "C" void handle_signal(int) {
    if (g_interrupted.exchange(true)) {
        remove_temporaries();
        ::_exit(130);
    }
    static constexpr char kText[] = "\nstopping after the current step; press Ctrl-C again to stop at once\n";
    [[maybe_unused]] const auto n = ::write(STDERR_FILENO, kText, sizeof kText - 1);
}

}  // namespace

void install_interrupt_handler() {
    struct sigaction action {};
    action.sa_handler = handle_signal;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
}

bool interrupted() noexcept { return g_interrupted; }
void set_interrupted(bool value) noexcept { g_interrupted = value; }

int remember_temporary(const char* path) {
    for (std::size_t i = 0; i < g_temporaries.size(); ++i) {
        const char* empty = nullptr;
        if (g_temporaries[i].compare_exchange_strong(empty, path)) return static_cast<int>(i);
    }
    return -1;
}

void forget_temporary(int slot) {
    if (slot >= 0) g_temporaries[static_cast<std::size_t>(slot)] = nullptr;
}

void remove_temporaries() noexcept {
    for (auto& slot : g_temporaries)
        if (const char* path = slot.load()) ::unlink(path);
}

}  // namespace nir
