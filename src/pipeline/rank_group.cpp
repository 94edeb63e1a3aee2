// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/rank_group.h"

#include "nir/base/error.h"
#include "nir/base/log.h"

#include <fmt/format.h>
#include <torch/csrc/distributed/c10d/FileStore.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace nir::pipeline {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

struct RankGroup::Impl {
    Impl(const std::filesystem::path& folder, const RankPlace& where, double seconds)
        : place(where), patience(seconds), store((folder / ("ranks-" + where.launch)).string(), where.size) {
        beat();
        heart = std::thread([this] {
            std::unique_lock lock(mutex);
            while (!stop.wait_for(lock, std::chrono::milliseconds(500), [this] { return stopping; })) beat();
        });
    }
    ~Impl() {
        {
            const std::scoped_lock lock(mutex);
            stopping = true;
        }
        stop.notify_all();
        heart.join();
    }

    std::string key(const char* what, int rank) const { return fmt::format("{}/{}", what, rank); }

    void beat() {
        try {
            store.add(key("beat", place.rank), 1);
        } catch (const std::exception& e) {
            log_debug("rank {}: no sign of life could be written: {}", place.rank, e.what());
        }
    }

    /// Rank 0: until every other rank has finished or shown no life for a while.
    void wait_for_others() {
        struct Seen {
            std::int64_t beats = -1;
            Clock::time_point at = Clock::now();
        };
        std::vector<Seen> seen(static_cast<std::size_t>(place.size));
        for (bool waiting = true; waiting;) {
            waiting = false;
            for (int r = 1; r < place.size; ++r) {
                if (store.add(key("finished", r), 0) > 0) continue;
                Seen& s = seen[static_cast<std::size_t>(r)];
                const std::int64_t beats = store.add(key("beat", r), 0);
                if (beats != s.beats) s = {beats, Clock::now()};
                if (std::chrono::duration<double>(Clock::now() - s.at).count() < patience) waiting = true;
            }
            if (waiting) std::this_thread::sleep_for(std::chrono::milliseconds(100));
        }
        for (int r = 1; r < place.size; ++r)
            if (store.add(key("finished", r), 0) == 0)
                log_warning("rank {} of {} does not answer any more; its windows are made here", r, place.size);
    }

    RankPlace place;
    double patience;
    c10d::FileStore store;
    std::mutex mutex;
    std::condition_variable stop;
    bool stopping = false;
    std::thread heart;
};

RankGroup::RankGroup(const std::filesystem::path& folder, const RankPlace& place, double patience)
    : impl_(std::make_unique<Impl>(folder, place, patience)) {}
RankGroup::~RankGroup() = default;
int RankGroup::rank() const { return impl_->place.rank; }
int RankGroup::size() const { return impl_->place.size; }

void RankGroup::share(std::size_t n, const std::function<void(std::size_t)>& item) {
    auto& store = impl_->store;
    const auto next = [&] { return static_cast<std::size_t>(store.add("next", 1) - 1); };
    for (std::size_t i = next(); i < n; i = next()) item(i);
    if (rank() != 0) {
        store.add(impl_->key("finished", rank()), 1);
        return;
    }
    impl_->wait_for_others();
    for (std::size_t i = 0; i < n; ++i) item(i);
}

}  // namespace nir::pipeline
