// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/runtime.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/nn/torch_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <ATen/Parallel.h>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>

namespace nir::nn {
namespace {

ErrorKind kind_of(const std::function<void()>& f, std::string* text = nullptr) {
    try {
        torch_guard("working", f);
    } catch (const Error& e) {
        if (text) *text = e.what();
        return e.kind();
    }
    ADD_FAILURE() << "no error";
    return ErrorKind::internal;
}

TEST(Runtime, OneNumberOfThreadsForBothPools) {
    init_torch(2);
    EXPECT_EQ(at::get_num_threads(), 2);
    EXPECT_EQ(threads(), 2);
    init_torch(1);
    EXPECT_EQ(at::get_num_threads(), 1);
    init_torch(0);
    EXPECT_EQ(at::get_num_threads(), threads());
}

TEST(Runtime, OurLoopsRunOnTorchsThreads) {
    init_torch(2);
    std::mutex mutex;
    std::set<std::thread::id> ours;
    parallel_for(20, 1, [&](std::size_t, std::size_t) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        EXPECT_TRUE(at::in_parallel_region());  // so that torch's operators start no threads inside
        const std::lock_guard lock(mutex);
        ours.insert(std::this_thread::get_id());
    });
    EXPECT_EQ(ours.size(), 2u);
    EXPECT_FALSE(at::in_parallel_region());
    EXPECT_EQ(kind_of([] {
                  parallel_for(9, 1, [](std::size_t i, std::size_t) {
                      if (i == 5) fail(ErrorKind::numeric, "chunk {}", i);
                  });
              }),
              ErrorKind::numeric);
    init_torch(0);
}

TEST(Runtime, Devices) {
    EXPECT_EQ(resolve_device("cpu"), "cpu");
    EXPECT_EQ(kind_of([] { (void)resolve_device("tpu"); }), ErrorKind::usage);
    if (torch::cuda::is_available()) {
        EXPECT_EQ(resolve_device("auto"), "cuda");
    } else {
        EXPECT_EQ(resolve_device("auto"), "cpu");
        EXPECT_EQ(kind_of([] { (void)resolve_device("cuda"); }), ErrorKind::usage);
    }
}

TEST(Runtime, TorchErrorsBecomeOneLine) {
    std::string text;
    EXPECT_EQ(kind_of([] { torch::zeros({2, 3}).matmul(torch::zeros({2, 3})); }, &text), ErrorKind::internal);
    EXPECT_THAT(text, testing::HasSubstr("working: torch: mat1 and mat2"));
    EXPECT_EQ(text.find('\n'), std::string::npos);
    EXPECT_EQ(kind_of([] { torch::empty({std::int64_t{1} << 50}); }), ErrorKind::input);
    EXPECT_EQ(kind_of([] { fail(ErrorKind::numeric, "ours passes"); }), ErrorKind::numeric);
}

}  // namespace
}  // namespace nir::nn
