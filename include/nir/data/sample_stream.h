// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace nir::data {

/// An endless sequence of samples, made ahead by worker threads and given in order. Sample i is make(i), whatever the
/// number of workers, so a stream that is opened again at position() goes on as if it had never been closed.
/// An exception of make(i) is thrown by the next() that would have given sample i.
template <class Sample>
class SampleStream {
public:
    using Make = std::function<Sample(std::uint64_t index)>;

    /// @param workers threads; with 0, next() makes each sample itself. @param ahead samples kept ready, at most.
    SampleStream(Make make, std::uint64_t first, int workers, std::uint64_t ahead = 24)
        : make_(std::move(make)), next_made_(first), next_given_(first), ahead_(ahead) {
        for (int i = 0; i < workers; ++i) workers_.emplace_back([this] { work(); });
    }
    ~SampleStream() {
        {
            const std::lock_guard lock(mutex_);
            stop_ = true;
        }
        taken_.notify_all();
        for (auto& w : workers_) w.join();
    }
    SampleStream(const SampleStream&) = delete;
    SampleStream& operator=(const SampleStream&) = delete;

    Sample next() {
        if (workers_.empty()) return make_(next_given_++);
        std::unique_lock lock(mutex_);
        made_.wait(lock, [&] { return ready_.contains(next_given_); });
        auto node = ready_.extract(next_given_);
        if (node.mapped().error) {
            auto error = node.mapped().error;
            ready_.insert(std::move(node));
            std::rethrow_exception(error);
        }
        ++next_given_;
        lock.unlock();
        taken_.notify_all();
        return std::move(*node.mapped().sample);
    }
    /// Index of the sample that next() gives.
    std::uint64_t position() const {
        const std::lock_guard lock(mutex_);
        return next_given_;
    }

private:
    struct Made {
        std::optional<Sample> sample;
        std::exception_ptr error;
    };

    void work() {
        for (;;) {
            std::uint64_t i;
            {
                std::unique_lock lock(mutex_);
                taken_.wait(lock, [&] { return stop_ || next_made_ < next_given_ + ahead_; });
                if (stop_) return;
                i = next_made_++;
            }
            Made made;
            try {
                made.sample = make_(i);
            } catch (...) {
                made.error = std::current_exception();
            }
            {
                const std::lock_guard lock(mutex_);
                ready_.emplace(i, std::move(made));
            }
            made_.notify_all();
        }
    }

    Make make_;
    std::uint64_t next_made_, next_given_, ahead_;
    std::map<std::uint64_t, Made> ready_;
    mutable std::mutex mutex_;
    std::condition_variable made_, taken_;
    bool stop_ = false;
    std::vector<std::thread> workers_;
};

}  // namespace nir::data
