// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// A checkpoint of the papers' code becomes a model file, and the model file gives the papers' numbers.
#include "nir/pipeline/query.h"

#include "nir/base/error.h"
#include "nir/io/npy.h"
#include "nir/io/safetensors.h"
#include "nir/pipeline/convert_checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <unistd.h>

namespace nir::pipeline {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class Query : public ::testing::Test {
protected:
    void SetUp() override { std::filesystem::create_directory(dir_); }
    void TearDown() override { std::filesystem::remove_all(dir_); }

    std::filesystem::path convert(const std::string& name, const std::string& ending) const {
        const auto out = dir_ / (name + ".safetensors");
        convert_checkpoint({.in = golden(name + ending), .out = out, .config = parity(name)});
        return out;
    }
    static std::filesystem::path golden(const std::string& file) {
        return std::filesystem::path(NIR_SOURCE_DIR) / "tests/golden/conv_onet" / file;
    }
    static std::filesystem::path parity(const std::string& name) {
        return std::filesystem::path(NIR_SOURCE_DIR) / "tests/parity" / (name + ".toml");
    }
    /// Writes one array of a fixture as NPY; item >= 0 takes one of the batch.
    std::filesystem::path npy(const io::TensorFile& file, const std::string& key, int item = -1) const {
        io::NamedArray a = file.at(key);
        if (item >= 0) {
            const auto values = a.to_float();
            const std::size_t n = values.size() / static_cast<std::size_t>(a.shape[0]);
            a = io::NamedArray::from("", {a.shape.begin() + 1, a.shape.end()},
                                     std::vector<float>(values.begin() + static_cast<std::ptrdiff_t>(n) * item,
                                                        values.begin() + static_cast<std::ptrdiff_t>(n) * (item + 1)));
        }
        const auto path = dir_ / (key + ".npy");
        io::write_npy(path, a);
        return path;
    }
    io::NamedArray run(const QueryOptions& options) const {
        NoProgress progress;
        PhaseTimer timer;
        result_ = query(options, progress, timer);
        return io::read_npy(options.out);
    }
    template <class F>
    static std::string message_of(ErrorKind kind, const F& f) {
        try {
            f();
        } catch (const Error& e) {
            EXPECT_EQ(e.kind(), kind) << e.what();
            return e.what();
        }
        return "no error";
    }

    std::filesystem::path dir_ = std::filesystem::temp_directory_path() / ("nir_query_" + std::to_string(getpid()));
    std::filesystem::path out_ = dir_ / "values.npy";
    mutable QueryResult result_;
};

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
    EXPECT_EQ(a.size(), b.size());
    double worst = 0;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
        worst = std::max(worst, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
    return worst;
}

TEST_F(Query, ConvertedCheckpointGivesThePapersLogits) {
    const auto model = convert("conv_trained_small", ".pt");
    const auto io = io::read_npz(golden("conv_trained_small.io.npz"));
    // The observation as [1,N,3] and as [N,3]; points as [T,3] and as [1,T,3].
    const auto flat = run({.field = model, .input = npy(io, "inputs"), .points = npy(io, "points", 0), .out = out_});
    EXPECT_THAT(flat.shape, ::testing::ElementsAre(2048));
    EXPECT_LT(largest_difference(flat.to_float(), io.at("logits").to_float()), 1e-3);
    const auto batched = run({.field = model, .input = npy(io, "inputs", 0), .points = npy(io, "points"), .out = out_});
    EXPECT_THAT(batched.shape, ::testing::ElementsAre(1, 2048));
    EXPECT_EQ(batched.to_float(), flat.to_float());
    EXPECT_EQ(result_.kind, "model conv_onet");

    const auto p = run({.field = model,
                        .input = npy(io, "inputs"),
                        .points = npy(io, "points", 0),
                        .out = out_,
                        .output = QueryOutput::probability});
    EXPECT_NEAR(p.to_float()[5], 1 / (1 + std::exp(-flat.to_float()[5])), 1e-6);
    const auto g = run({.field = model,
                        .input = npy(io, "inputs"),
                        .points = npy(io, "points", 0),
                        .out = out_,
                        .output = QueryOutput::gradient});
    EXPECT_THAT(g.shape, ::testing::ElementsAre(2048, 3));
    EXPECT_LT(largest_difference(g.to_float(), io.at("dlogits_dpoints").to_float()), 1e-2);
}

TEST_F(Query, BatchesGoTogether) {
    const auto model = convert("conv_1plane_small", ".weights.npz");
    const auto io = io::read_npz(golden("conv_1plane_small.io.npz"));
    const auto values = run({.field = model, .input = npy(io, "inputs"), .points = npy(io, "points"), .out = out_});
    EXPECT_THAT(values.shape, ::testing::ElementsAre(2, 2048));
    EXPECT_LT(largest_difference(values.to_float(), io.at("logits").to_float()), 1e-3);
}

TEST_F(Query, VolumesAreReadAsTheyAre) {
    std::vector<float> values(27);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
    const auto volume = dir_ / "volume.npy", points = dir_ / "p.npy";
    io::write_npy(volume, io::NamedArray::from("", {3, 3, 3}, values));
    io::write_npy(points, io::NamedArray::from("", {2, 3}, std::vector<float>{0, 0, 0, 1, .5f, 2}));
    EXPECT_THAT(run({.field = volume, .input = {}, .points = points, .out = out_}).to_float(),
                ::testing::ElementsAre(0, 9 + 1.5f + 2));
    EXPECT_THAT(
        message_of(
            ErrorKind::usage,
            [&] {
                run({.field = volume, .input = {}, .points = points, .out = out_, .output = QueryOutput::probability});
            }),
        HasSubstr("volume"));
    EXPECT_THAT(
        message_of(ErrorKind::usage, [&] { run({.field = volume, .input = points, .points = points, .out = out_}); }),
        HasSubstr("--input"));
}

TEST_F(Query, MistakesAreOneSentence) {
    const auto model = convert("conv_1plane_small", ".weights.npz");
    const auto io = io::read_npz(golden("conv_1plane_small.io.npz"));
    const auto points = npy(io, "points", 0), inputs = npy(io, "inputs", 0);
    EXPECT_THAT(
        message_of(ErrorKind::usage, [&] { run({.field = model, .input = {}, .points = points, .out = out_}); }),
        HasSubstr("--input"));
    EXPECT_THAT(message_of(ErrorKind::input,
                           [&] { run({.field = model, .input = inputs, .points = dir_ / "no.npy", .out = out_}); }),
                HasSubstr("no.npy"));
    const auto nan = dir_ / "nan.npy";
    io::write_npy(nan, io::NamedArray::from("", {1, 3}, std::vector<float>{0, std::nanf(""), 0}));
    EXPECT_THAT(
        message_of(ErrorKind::input, [&] { run({.field = model, .input = inputs, .points = nan, .out = out_}); }),
        HasSubstr("point 0"));
    EXPECT_THAT(
        message_of(ErrorKind::input, [&] { run({.field = model, .input = nan, .points = points, .out = out_}); }),
        HasSubstr("point 0"));
    EXPECT_FALSE(std::filesystem::exists(out_));
}

TEST_F(Query, ConversionIsStrict) {
    const auto out = dir_ / "m.safetensors";
    EXPECT_THAT(
        message_of(ErrorKind::format,
                   [&] {
                       convert_checkpoint(
                           {.in = golden("conv_trained_small.pt"), .out = out, .config = parity("conv_grid_small")});
                   }),
        AllOf(HasSubstr("missing"), HasSubstr("unexpected"), HasSubstr("unet3d"),
              HasSubstr("unet.down_convs.0.conv1.bias")));
    EXPECT_THAT(
        message_of(ErrorKind::usage,
                   [&] { convert_checkpoint({.in = golden("conv_trained_small.pt"), .out = out, .config = {}}); }),
        HasSubstr("--config"));
    EXPECT_FALSE(std::filesystem::exists(out));
    EXPECT_TRUE(is_torch_checkpoint(golden("conv_trained_small.pt")));
    EXPECT_FALSE(is_torch_checkpoint(golden("README.md")));
}

TEST_F(Query, PrefixOfParallelTrainingIsTakenOff) {
    io::TensorFile state = io::read_npz(golden("conv_1plane_small.weights.npz"));
    const auto in = dir_ / "parallel.safetensors", out = dir_ / "m.safetensors";
    for (auto& array : state.arrays) array.name = "module." + array.name;
    io::write_safetensors(in, state);
    const ConvertCheckpointOptions options{.in = in, .out = out, .config = parity("conv_1plane_small")};
    EXPECT_EQ(convert_checkpoint(options).tensors, 89);
    // Only if all of them have it: otherwise names are names.
    state.arrays[0].name = state.arrays[0].name.substr(7);
    io::write_safetensors(in, state);
    EXPECT_THAT(message_of(ErrorKind::format, [&] { convert_checkpoint(options); }), HasSubstr("unexpected"));
}

TEST_F(Query, ModelFileConvertsToItself) {
    const auto model = convert("conv_1plane_small", ".weights.npz");
    const auto again = dir_ / "again.safetensors";
    const auto result = convert_checkpoint({.in = model, .out = again, .config = {}});
    EXPECT_EQ(result.parameters, 49905);
    EXPECT_EQ(result.tensors, 89);
    EXPECT_EQ(std::filesystem::file_size(model), std::filesystem::file_size(again));
}

}  // namespace
}  // namespace nir::pipeline
