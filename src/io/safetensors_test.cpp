// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/safetensors.h"

#include "io/test_support.h"

namespace nir::io {
namespace {

using testing::HasSubstr;

std::string file(const std::string& json, const std::string& data) {
    return raw(std::uint64_t{json.size()}) + json + data;
}
std::string failure(const std::string& s) {
    return error_of([&] {
        std::istringstream in(s);
        read_safetensors(in);
    });
}

TEST(Safetensors, RoundTripOfEveryType) {
    TensorFile f;
    f.metadata = {{"config", "name = \"conv_onet\"\n[x]\n"}, {"ü", "\t"}};
    for (int t = 0; t <= static_cast<int>(DType::f64); ++t) {
        NamedArray a{"t" + std::to_string(t), static_cast<DType>(t), {2, 1, 3}, {}};
        for (std::size_t i = 0; i < 6 * size_of(a.dtype); ++i)
            a.bytes.push_back(static_cast<std::byte>(i * 7 + static_cast<std::size_t>(t)));
        f.arrays.push_back(a);
    }
    f.arrays.push_back(NamedArray::scalar("step", std::int64_t{1234}));
    f.arrays.push_back(NamedArray::from("none", {0, 5}, std::vector<float>{}));
    std::ostringstream out;
    write_safetensors(out, f);
    EXPECT_EQ((8 + *reinterpret_cast<const std::uint64_t*>(out.str().data())) % 8, 0u);
    std::istringstream in(out.str());
    const TensorFile back = read_safetensors(in);
    EXPECT_EQ(back.metadata, f.metadata);
    ASSERT_EQ(back.arrays.size(), f.arrays.size());
    for (std::size_t i = 0; i < f.arrays.size(); ++i) {
        EXPECT_EQ(back.arrays[i].name, f.arrays[i].name);
        EXPECT_EQ(back.arrays[i].dtype, f.arrays[i].dtype);
        EXPECT_EQ(back.arrays[i].shape, f.arrays[i].shape);
        EXPECT_EQ(back.arrays[i].bytes, f.arrays[i].bytes);
    }
    const TempFolder folder;
    write_safetensors(folder / "m.safetensors", f);
    EXPECT_EQ(read_safetensors_metadata(folder / "m.safetensors"), f.metadata);
    EXPECT_EQ(read_safetensors(folder / "m.safetensors").arrays.size(), f.arrays.size());
    for (std::size_t n = 0; n < out.str().size(); n += 5) EXPECT_NE(failure(out.str().substr(0, n)), "") << n;
}

TEST(Safetensors, ReadsADocumentedFile) {
    // Laid out by hand from the format's description, with blanks behind the JSON.
    const TensorFile f = parse_safetensors(file(
        R"({"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]},"a":{"dtype":"I32","shape":[],"data_offsets":[0,4]}}   )",
        raw(5) + raw(1.5f) + raw(-2.0f)));
    EXPECT_EQ(f.at("a").to_int64().at(0), 5);
    EXPECT_EQ(f.at("b").to_float(), (std::vector<float>{1.5f, -2.0f}));
}

TEST(Safetensors, HostileFiles) {
    const auto one = [](const std::string& shape, const std::string& offsets, const std::string& dtype = "F32") {
        return R"({"a":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
    };
    EXPECT_THAT(failure(""), HasSubstr("empty"));
    EXPECT_THAT(failure("abc"), HasSubstr("header length"));
    EXPECT_THAT(failure(raw(std::uint64_t{1} << 60) + "{}"), HasSubstr("not a safetensors file"));
    EXPECT_THAT(failure(raw(std::uint64_t{90}) + "{}"), HasSubstr("ends inside the header"));
    EXPECT_THAT(failure(file("{nope", "")), HasSubstr("not JSON"));
    EXPECT_THAT(failure(file("[1]", "")), HasSubstr("not an object"));
    EXPECT_THAT(failure(file(std::string(5000, '['), "")), HasSubstr("nested too deep"));
    EXPECT_THAT(failure(file(one("[1]", "[0,4]", "F99"), "1234")), HasSubstr("unknown dtype \"F99\""));
    EXPECT_THAT(failure(file(one("[-1]", "[0,4]"), "1234")), HasSubstr("not negative"));
    EXPECT_THAT(failure(file(one("[1.5]", "[0,4]"), "1234")), HasSubstr("whole number"));
    EXPECT_THAT(failure(file(one("[4611686018427387904,4]", "[0,0]"), "")), HasSubstr("2^63"));
    EXPECT_THAT(failure(file(one("[18446744073709551615]", "[0,4]"), "1234")), HasSubstr("size 18446744073709551615"));
    EXPECT_THAT(failure(file(one("[2]", "[0,4]"), "1234")), HasSubstr("needs 8 bytes, data_offsets give 4"));
    EXPECT_THAT(failure(file(one("[1]", "[4,0]"), "1234")), HasSubstr("lie outside"));
    EXPECT_THAT(failure(file(one("[1]", "[0,4]"), "123")), HasSubstr("outside the 3 bytes"));
    EXPECT_THAT(failure(file(one("[1]", "[0,18446744073709551615]"), "1234")), HasSubstr("outside"));
    EXPECT_THAT(failure(file(one("[1]", "[0,4]"), "12345")), HasSubstr("1 bytes behind"));
    EXPECT_THAT(failure(file(one("[1]", "[0]"), "1234")), HasSubstr("two numbers"));
    EXPECT_THAT(failure(file(R"({"a":3})", "")), HasSubstr("tensor \"a\": an entry must have"));
    EXPECT_THAT(failure(file(R"({"__metadata__":{"k":1}})", "")), HasSubstr("not a string"));
    const std::string entry = R"({"dtype":"F32","shape":[1],"data_offsets":)";
    EXPECT_THAT(failure(file("{\"a\":" + entry + "[0,4]},\"b\":" + entry + "[0,4]}}", "1234")), HasSubstr("overlaps"));
    EXPECT_THAT(failure(file("{\"a\":" + entry + "[0,4]},\"b\":" + entry + "[8,12]}}", "123456789012")),
                HasSubstr("4 unused bytes"));
    EXPECT_THAT(failure(file("{\"a\":" + entry + "[0,4]},\"a\":" + entry + "[4,8]}}", "12345678")), HasSubstr("twice"));
}

TEST(Safetensors, WriterRefusesBadNames) {
    const auto write = [](std::vector<std::string> names) {
        TensorFile f;
        for (const std::string& n : names) f.arrays.push_back(NamedArray::scalar(n, 1.0f));
        std::ostringstream out;
        write_safetensors(out, f);
    };
    EXPECT_THAT(error_of([&] { write({"a", "a"}); }), HasSubstr("twice"));
    EXPECT_THAT(error_of([&] { write({"__metadata__"}); }), HasSubstr("twice"));
    EXPECT_THAT(error_of([&] { write({"\xff\xfe"}); }), HasSubstr("UTF-8"));
}

}  // namespace
}  // namespace nir::io
