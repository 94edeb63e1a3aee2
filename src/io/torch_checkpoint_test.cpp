// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/torch_checkpoint.h"

#include "nir/base/error.h"
#include "nir/io/file_bytes.h"
#include "nir/io/zip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

namespace nir::io {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::filesystem::path kGolden = std::filesystem::path(NIR_SOURCE_DIR) / "tests/golden";

/// A zip checkpoint with the given pickle and one storage "0" of four floats.
std::string zip_with(const std::string& pickled, const std::string& storage = std::string(16, '\0')) {
    std::ostringstream out;
    ZipWriter zip(out, false);
    zip.add("archive/data.pkl", {pickled});
    zip.add("archive/data/0", {storage});
    zip.finish();
    return out.str();
}

std::string message_of(const std::string& bytes) {
    try {
        (void)parse_torch_checkpoint(bytes);
    } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::format);
        return e.what();
    }
    return "no error";
}

/// Pickle of {"w": tensor of storage 0}, with 4 values declared; shape and stride are given as pickled tuples.
std::string tensor_pickle(const std::string& count, const std::string& shape, const std::string& stride) {
    using namespace std::string_literals;
    return "\x80\x02}X\x01\0\0\0w"s + "ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n"s +
           "X\x01\0\0\0"s + "0X\x03\0\0\0cpu"s + count + "NtQK\0"s + shape + stride + "\x89"s +
           "ccollections\nOrderedDict\n)RtRs."s;
}

TEST(TorchCheckpoint, ZipOfThePapersCodeIsRead) {  // its values: src/models/conv_onet/parity_test.cpp
    const TorchCheckpoint file = read_torch_checkpoint(kGolden / "conv_onet/conv_3plane_small.pt");
    EXPECT_EQ(file.numbers.at("it"), 1234);
    EXPECT_EQ(file.numbers.at("epoch_it"), 3);
    EXPECT_EQ(file.numbers.at("loss_val_best"), 0.5);
    const TensorFile state = file.state_dict();
    EXPECT_EQ(state.arrays.size(), 89u);
    EXPECT_THAT(state.at("encoder.fc_pos.weight").shape, ElementsAre(32, 3));
    EXPECT_THAT(state.at("decoder.fc_out.weight").shape, ElementsAre(1, 32));
}

class BothFormats : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(TorchCheckpoint, BothFormats, ::testing::Values("torch/legacy.pt", "torch/zip.pt"));

TEST_P(BothFormats, StridesAndSharedStoragesAreHonoured) {
    const TorchCheckpoint file = read_torch_checkpoint(kGolden / GetParam());
    EXPECT_EQ(file.numbers.at("it"), 1234);
    EXPECT_EQ(file.numbers.at("loss_val_best"), 0.25);
    const TensorFile state = file.state_dict();
    EXPECT_THAT(state.at("fc.weight").to_float(), ElementsAre(0.f, 1.f, 2.f, .5f, 1.5f, 2.5f));
    EXPECT_THAT(state.at("fc.bias").to_float(), ElementsAre(3.f, 3.5f));
    EXPECT_THAT(state.at("bn.num_batches_tracked").to_int64(), ElementsAre(7));
    EXPECT_TRUE(state.at("bn.num_batches_tracked").shape.empty());
}

TEST(TorchCheckpoint, HandMadeZipIsRead) {
    using namespace std::string_literals;
    const auto file = parse_torch_checkpoint(zip_with(tensor_pickle("K\x04"s, "K\x02K\x02\x86"s, "K\x02K\x01\x86"s)));
    EXPECT_THAT(file.state_dict().at("w").shape, ElementsAre(2, 2));
}

TEST(TorchCheckpoint, CodeIsRefusedByName) {
    using namespace std::string_literals;
    EXPECT_THAT(message_of(zip_with("\x80\x02"s + "cposix\nsystem\nX\x02\0\0\0ls\x85R."s)),
                HasSubstr("\"posix.system\""));
    EXPECT_THAT(message_of(zip_with("\x80\x02\x8c\x08"
                                    "builtins\x8c\x04"
                                    "eval\x93."s)),
                HasSubstr("\"builtins.eval\""));
    EXPECT_THAT(message_of(zip_with("\x80\x02(K\x01i__main__\nX\n."s)), HasSubstr("opcode 0x69"));
    EXPECT_THAT(message_of(zip_with("\x80\x02"s + "ctorch\nFloatStorage\n)R."s)), HasSubstr("refused"));
}

TEST(TorchCheckpoint, TensorsOutsideTheirStorageAreRefused) {
    using namespace std::string_literals;
    EXPECT_THAT(message_of(zip_with(tensor_pickle("K\x04"s, "K\x03K\x02\x86"s, "K\x02K\x01\x86"s))),
                HasSubstr("outside its storage"));
    EXPECT_THAT(message_of(zip_with(tensor_pickle("K\x04"s, "J\xff\xff\xff\x7fK\x02\x86"s, "K\0K\0\x86"s))),
                HasSubstr("much larger"));
    EXPECT_THAT(message_of(zip_with(tensor_pickle("K\x05"s, "K\x02K\x02\x86"s, "K\x02K\x01\x86"s))),
                HasSubstr("instead of 5 values"));
    const std::string huge = "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"s;
    EXPECT_NE(message_of(zip_with(tensor_pickle(huge, "K\x02\x85"s, "K\x01\x85"s))), "no error");
    EXPECT_NE(message_of(zip_with(tensor_pickle("K\x04"s, huge + "\x85", huge + "\x85"))), "no error");
}

TEST(TorchCheckpoint, CircularAndDeepValuesEnd) {
    using namespace std::string_literals;
    EXPECT_THAT(message_of(zip_with("\x80\x02]q\0h\0a."s)), HasSubstr("nested too deeply"));
    std::string doubling = "\x80\x02]"s;  // each list holds the one before twice: 2^40 leaves
    for (int i = 0; i < 30; ++i) doubling += "q\0]h\0ah\0a"s;
    EXPECT_THAT(message_of(zip_with(doubling + ".")), HasSubstr("nested too deeply"));
}

TEST(TorchCheckpoint, EveryTruncationIsAnError) {
    for (const char* name : {"torch/legacy.pt", "conv_onet/conv_3plane_small.pt"}) {
        const FileBytes bytes = read_file(kGolden / name);
        const std::size_t step = std::max<std::size_t>(1, bytes.size() / 300);
        for (std::size_t n = 0; n < bytes.size(); n += step)
            EXPECT_NE(message_of(std::string(bytes.view().substr(0, n))), "no error") << name << " " << n;
    }
}

}  // namespace
}  // namespace nir::io
