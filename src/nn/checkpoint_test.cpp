// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/checkpoint.h"

#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/io/safetensors.h"
#include "nir/nn/tensor_io.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <filesystem>
#include <unistd.h>

namespace nir::nn {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class Checkpoints : public ::testing::Test {
protected:
    std::filesystem::path path_ =
        std::filesystem::temp_directory_path() / ("nir_checkpoint_" + std::to_string(getpid()) + ".safetensors");
    void TearDown() override { std::filesystem::remove(path_); }

    template <class F>
    static std::string message_of(const F& f) {
        try {
            f();
        } catch (const Error& e) {
            EXPECT_EQ(e.kind(), ErrorKind::format);
            return e.what();
        }
        return "no error";
    }
};

TEST_F(Checkpoints, EveryTypeSurvives) {
    for (const auto type : {torch::kFloat32, torch::kFloat64, torch::kFloat16, torch::kBFloat16, torch::kInt64,
                            torch::kInt32, torch::kInt16, torch::kInt8, torch::kUInt8, torch::kBool}) {
        const torch::Tensor t = torch::arange(6).view({2, 3}).to(type).transpose(0, 1);
        const torch::Tensor back = tensor_from(array_from("t", t));
        EXPECT_EQ(back.scalar_type(), type);
        EXPECT_TRUE(torch::equal(back, t));
    }
    const torch::Tensor scalar = tensor_from(array_from("s", torch::tensor(5, torch::kInt64)));
    EXPECT_EQ(scalar.dim(), 0);
    EXPECT_EQ(scalar.item<std::int64_t>(), 5);
}

TEST_F(Checkpoints, FileKeepsWeightsAndInfo) {
    torch::nn::BatchNorm1d a(4), b(4);
    a->running_mean.fill_(3);
    CheckpointInfo info;
    info.model = "test", info.config = "[model]\nname = \"test\"\n", info.step = 12345678901, info.seed = ~0ull;
    info.frame = "unit cube", info.extra["note"] = "more";
    save_checkpoint(path_, *a, info);
    const Checkpoint file = read_checkpoint(path_);
    EXPECT_EQ(file.info.model, "test");
    EXPECT_EQ(file.info.config, info.config);
    EXPECT_EQ(file.info.step, info.step);
    EXPECT_EQ(file.info.seed, info.seed);
    EXPECT_EQ(file.info.frame, "unit cube");
    EXPECT_EQ(file.info.extra, info.extra);
    load_state(*b, file.state, "file");
    EXPECT_TRUE(torch::equal(a->running_mean, b->running_mean));
}

TEST_F(Checkpoints, AllMisfitsAreListedAndNothingIsTouched) {
    torch::nn::Linear net(2, 3);
    const torch::Tensor before = net->bias.detach().clone();
    io::TensorFile state;
    state.arrays.push_back(array_from("weight", torch::zeros({3, 4})));
    state.arrays.push_back(array_from("other", torch::zeros({1})));
    EXPECT_THAT(message_of([&] { load_state(*net, state, "a.npz"); }),
                AllOf(HasSubstr("a.npz"), HasSubstr("1 missing (bias)"), HasSubstr("1 unexpected (other)"),
                      HasSubstr("weight is [3, 4], the model has [3, 2]")));
    EXPECT_TRUE(torch::equal(net->bias, before));
}

TEST_F(Checkpoints, PartialLoadingIsExplicitAndSaysSo) {
    torch::nn::Linear net(2, 3);
    io::TensorFile state;
    state.arrays.push_back(array_from("bias", torch::full({3}, 7.0, torch::kFloat64)));
    state.arrays.push_back(array_from("other", torch::zeros({1})));
    EXPECT_NE(message_of([&] { load_state(*net, state, "a"); }), "no error");
    std::string warned;
    const LogSink before = set_log_sink([&](LogLevel level, std::string_view text) {
        if (level == LogLevel::warning) warned += text;
    });
    load_state(*net, state, "a", true);
    set_log_sink(before);
    EXPECT_THAT(warned, AllOf(HasSubstr("weight"), HasSubstr("other")));
    EXPECT_EQ(net->bias[0].item<float>(), 7);
}

TEST_F(Checkpoints, OtherFilesAreRefused) {
    io::TensorFile file;
    file.arrays.push_back(array_from("a", torch::zeros({1})));
    io::write_safetensors(path_, file);
    EXPECT_THAT(message_of([&] { (void)read_checkpoint(path_); }), HasSubstr("nir convert"));
    file.metadata = {{"format_version", "99"}, {"model", "x"}};
    io::write_safetensors(path_, file);
    EXPECT_THAT(message_of([&] { (void)read_checkpoint(path_); }), HasSubstr("format version 99"));
    file.metadata["format_version"] = "one";
    io::write_safetensors(path_, file);
    EXPECT_THAT(message_of([&] { (void)read_checkpoint(path_); }), HasSubstr("not a number"));
}

}  // namespace
}  // namespace nir::nn
