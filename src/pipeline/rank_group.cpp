// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/rank_group.h"

#include "nir/base/error.h"
#include "nir/base/log.h"

#include <fmt/format.h>
#include <torch/csrc/distributed/c10d/FileStore.hpp>

#include <cctype>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace nir::pipeline {
namespace {

using Clock = std::chrono::steady_clock;

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

std::optional<int> number(const char* name) {
    const std::string text = variable(name);
    if (text.empty()) return std::nullopt;
    char* end = nullptr;
    const long value = std::strtol(text.c_str(), &end, 10);
    if (*end != '\0' || value < 0 || value > 1 << 20)
        fail(ErrorKind::usage, "the launcher's {}=\"{}\" is no number of a rank", name, text);
    return static_cast<int>(value);
}

/// Letters, digits, - and _ of a name, for a file.
std::string plain(std::string name) {
    for (char& c : name)
        if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') c = '_';
    return name;
}

}  // namespace

RankPlace rank_place() {
    struct Launcher {
        const char *rank, *size, *name;
        std::vector<const char*> launch;
    };
    const Launcher launchers[] = {
        {"RANK", "WORLD_SIZE", "torchrun", {"TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "MASTER_PORT"}},
        {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "mpirun", {"PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid"}},
        {"SLURM_PROCID", "SLURM_NTASKS", "slurm", {"SLURM_JOB_ID", "SLURM_STEP_ID"}}};
    for (const auto& l : launchers) {
        const auto rank = number(l.rank), size = number(l.size);
        if (!rank || !size) continue;
        if (*size < 1 || *rank >= *size)
            fail(ErrorKind::usage, "{}={} and {}={} do not fit", l.rank, *rank, l.size, *size);
        RankPlace place{*rank, *size, l.name};
        for (const char* v : l.launch) place.launch += fmt::format("-{}", variable(v));
        place.launch = plain(place.launch);
        return place;
    }
    return {};
}

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
