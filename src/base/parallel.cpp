// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/parallel.h"

#include "nir/base/thread_team.h"

#include "base/stop_scope.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace nir {
namespace {

thread_local bool t_inside = false;

/// Tells the processor that this thread is waiting in a loop.
inline void pause_processor() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

/// What all threads do together: chunks, the next one to whoever is free.
class Job {
public:
    Job(std::size_t chunks, const std::function<void(std::size_t)>& body)
        : chunks_(chunks), body_(body), scope_(current_stop_scope()) {}

    void drain() {
        t_inside = true;
        const StopScope* former = exchange_stop_scope(scope_);
        for (std::size_t i; (i = next_.fetch_add(1)) < chunks_;) {
            try {
                check_stop();
                body_(i);
            } catch (...) {
                const std::lock_guard lock(mutex_);
                if (!error_) error_ = std::current_exception();
                next_ = chunks_;
            }
        }
        t_inside = false;
        exchange_stop_scope(former);
    }
    /// Once all threads are done.
    void rethrow() const {
        if (error_) std::rethrow_exception(error_);
    }

private:
    std::size_t chunks_;
    const std::function<void(std::size_t)>& body_;
    const StopScope* scope_;
    std::atomic<std::size_t> next_{0};
    std::mutex mutex_;
    std::exception_ptr error_;
};

/// Waits until `ready`, for as long as a thread would take to fall asleep and wake up again. @return whether it is
template <class Ready>
bool spin_until(const Ready& ready) {
    constexpr int kLooks = 64, kPauses = 16;
    constexpr std::chrono::microseconds kLongest(40);
    const auto start = std::chrono::steady_clock::now();
    do {
        for (int i = 0; i < kLooks; ++i) {
            if (ready()) return true;
            for (int k = 0; k < kPauses; ++k) pause_processor();
        }
    } while (std::chrono::steady_clock::now() - start < kLongest);
    return ready();
}

/// Persistent workers that sleep between jobs; the calling thread works too.
class Pool {
public:
    explicit Pool(int n) : spins_(n <= static_cast<int>(std::thread::hardware_concurrency())) {
        for (int i = 1; i < n; ++i) workers_.emplace_back([this] { work(); });
    }
    ~Pool() {
        {
            const std::lock_guard lock(mutex_);
            stop_ = true;
        }
        wake_.notify_all();
        for (auto& w : workers_) w.join();
    }

    int size() const { return static_cast<int>(workers_.size()) + 1; }

    void run(Job& job) {
        {
            const std::lock_guard lock(mutex_);
            job_ = &job, active_ = static_cast<int>(workers_.size());
            ++generation_;
        }
        wake_.notify_all();
        job.drain();
        if (spins_) spin_until([this] { return active_ == 0; });
        std::unique_lock lock(mutex_);  // the last worker has let go of it
        done_.wait(lock, [this] { return active_ == 0; });
    }

private:
    void work() {
        std::size_t seen = 0;
        for (;;) {
            if (spins_) spin_until([&] { return generation_ != seen; });
            Job* job;
            {
                std::unique_lock lock(mutex_);
                wake_.wait(lock, [&] { return stop_ || generation_ != seen; });
                if (stop_) return;
                seen = generation_;
                job = job_;
            }
            job->drain();
            const std::lock_guard lock(mutex_);
            if (--active_ == 0) done_.notify_all();
        }
    }

    std::mutex mutex_;
    std::condition_variable wake_, done_;
    std::vector<std::thread> workers_;
    bool spins_;
    Job* job_ = nullptr;
    std::atomic<std::size_t> generation_{0};
    std::atomic<int> active_{0};
    bool stop_ = false;
};

std::mutex g_pool_mutex;
std::unique_ptr<Pool> g_pool;
int g_threads = 0;
std::mutex g_run_mutex;  // one job at a time
std::atomic<ThreadTeam> g_team{nullptr};

int resolve(int n) { return n > 0 ? n : std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

Pool& pool() {
    const std::lock_guard lock(g_pool_mutex);
    if (!g_pool) g_pool = std::make_unique<Pool>(resolve(g_threads));
    return *g_pool;
}

}  // namespace

void set_threads(int n) {
    const std::lock_guard lock(g_pool_mutex);
    g_threads = n;
    if (g_pool && g_pool->size() != resolve(n)) g_pool.reset();
}

void set_thread_team(ThreadTeam team) { g_team = team; }

int threads() {
    const std::lock_guard lock(g_pool_mutex);
    return resolve(g_threads);
}

void parallel_for(std::size_t n, std::size_t grain, const std::function<void(std::size_t, std::size_t)>& body) {
    if (n == 0) return;
    grain = std::max<std::size_t>(grain, 1);
    const std::size_t chunks = (n + grain - 1) / grain;
    const auto chunk = [&](std::size_t i) { body(i * grain, std::min(n, (i + 1) * grain)); };
    if (chunks == 1 || t_inside || threads() == 1) {
        for (std::size_t i = 0; i < chunks; ++i) check_stop(), chunk(i);
        return;
    }
    const std::function<void(std::size_t)> each = chunk;
    Job job(chunks, each);
    {
        const std::lock_guard one_at_a_time(g_run_mutex);
        if (const ThreadTeam team = g_team)
            team(threads(), [&job] { job.drain(); });
        else
            pool().run(job);
    }
    job.rethrow();
}

}  // namespace nir
