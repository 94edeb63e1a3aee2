// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/parallel.h"

#include "base/stop_scope.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace nir {
namespace {

thread_local bool t_inside = false;

/// Persistent workers that sleep between jobs; the calling thread works too.
class Pool {
public:
    explicit Pool(int n) {
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

    void run(std::size_t chunks, const std::function<void(std::size_t)>& job) {
        const std::lock_guard one_at_a_time(run_mutex_);
        {
            const std::lock_guard lock(mutex_);
            job_ = &job, chunks_ = chunks, next_ = 0, active_ = size(), error_ = nullptr;
            scope_ = current_stop_scope();
            ++generation_;
        }
        wake_.notify_all();
        drain();
        std::unique_lock lock(mutex_);
        done_.wait(lock, [this] { return active_ == 0; });
        if (error_) std::rethrow_exception(error_);
    }

private:
    void drain() {
        t_inside = true;
        const StopScope* former = exchange_stop_scope(scope_);
        for (std::size_t i; (i = next_.fetch_add(1)) < chunks_;) {
            try {
                check_stop();
                (*job_)(i);
            } catch (...) {
                const std::lock_guard lock(mutex_);
                if (!error_) error_ = std::current_exception();
                next_ = chunks_;
            }
        }
        t_inside = false;
        exchange_stop_scope(former);
        const std::lock_guard lock(mutex_);
        if (--active_ == 0) done_.notify_all();
    }

    void work() {
        std::size_t seen = 0;
        for (;;) {
            {
                std::unique_lock lock(mutex_);
                wake_.wait(lock, [&] { return stop_ || generation_ != seen; });
                if (stop_) return;
                seen = generation_;
            }
            drain();
        }
    }

    std::mutex run_mutex_, mutex_;
    std::condition_variable wake_, done_;
    std::vector<std::thread> workers_;
    const std::function<void(std::size_t)>* job_ = nullptr;
    const StopScope* scope_ = nullptr;
    std::atomic<std::size_t> next_{0};
    std::size_t chunks_ = 0, generation_ = 0;
    int active_ = 0;
    bool stop_ = false;
    std::exception_ptr error_;
};

std::mutex g_pool_mutex;
std::unique_ptr<Pool> g_pool;
int g_threads = 0;

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
    pool().run(chunks, chunk);
}

}  // namespace nir
