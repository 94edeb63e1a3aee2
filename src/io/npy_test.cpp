// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/npy.h"

#include "io/test_support.h"

#include <fstream>

namespace nir::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string npy(const std::string& dict, const std::string& data) {
    return std::string("\x93NUMPY\x01\x00", 8) + raw(static_cast<std::uint16_t>(dict.size())) + dict + data;
}
std::string dict(const std::string& descr, const std::string& shape, const std::string& order = "False") {
    return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}
NamedArray read(const std::string& s) {
    std::istringstream in(s);
    return read_npy(in);
}
std::string failure(const std::string& s) {
    return error_of([&] { read(s); });
}

template <class T>
class NpyRoundTrip : public testing::Test {};
using NumberTypes = testing::Types<bool, std::uint8_t, std::int8_t, std::uint16_t, std::int16_t, std::uint32_t,
                                   std::int32_t, std::uint64_t, std::int64_t, float, double>;
TYPED_TEST_SUITE(NpyRoundTrip, NumberTypes);

TYPED_TEST(NpyRoundTrip, LittleAndBigEndian) {
    const TypeParam values[6] = {TypeParam(0), TypeParam(1), TypeParam(2), TypeParam(3), TypeParam(-4), TypeParam(5)};
    const NamedArray a = NamedArray::from("", {2, 3}, std::span<const TypeParam>(values));
    std::ostringstream out;
    write_npy(out, a);
    const NamedArray back = read(out.str());
    EXPECT_EQ(back.dtype, a.dtype);
    EXPECT_EQ(back.shape, a.shape);
    EXPECT_EQ(back.bytes, a.bytes);
    EXPECT_EQ(out.str().size() % 64, sizeof values % 64) << "the data must start at a multiple of 64";

    const char kind = std::is_same_v<TypeParam, bool>       ? 'b'
                      : std::is_floating_point_v<TypeParam> ? 'f'
                      : std::is_signed_v<TypeParam>         ? 'i'
                                                            : 'u';
    std::string swapped;
    for (const TypeParam v : values) swapped += raw(v, true);
    const NamedArray big =
        read(npy(dict(std::string(">") + kind + std::to_string(sizeof(TypeParam)), "(2, 3)"), swapped));
    EXPECT_EQ(big.bytes, a.bytes);
}

TEST(Npy, HalfZeroDimFortranAndOddHeaders) {
    EXPECT_THAT(read(npy(dict("<f2", "(2,)"), raw(std::uint16_t{0x3c00}) + raw(std::uint16_t{0xc000}))).to_float(),
                ElementsAre(1.f, -2.f));
    const NamedArray zero = read(npy(dict("<f8", "()"), raw(2.5)));
    EXPECT_TRUE(zero.shape.empty());
    EXPECT_THAT(zero.to_double(), ElementsAre(2.5));
    // Index (i, j, k) of a 2x3x2 array holds 100 i + 10 j + k; Fortran order runs i fastest.
    std::string data;
    for (int k = 0; k < 2; ++k)
        for (int j = 0; j < 3; ++j)
            for (int i = 0; i < 2; ++i) data += raw(static_cast<std::int32_t>(100 * i + 10 * j + k));
    EXPECT_THAT(read(npy(dict("<i4", "(2, 3, 2)", "True"), data)).to_int64(),
                ElementsAre(0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121));
    EXPECT_THAT(read(npy("{\"shape\":(2L,),'fortran_order':False,'descr':'|u1'}", "\x07\x08")).to_int64(),
                ElementsAre(7, 8));
    EXPECT_EQ(read(npy(dict("<f4", "(0, 3)"), "")).shape, (std::vector<std::int64_t>{0, 3}));
    const std::string d = dict("|u1", "(1,)");
    EXPECT_THAT(
        read(std::string("\x93NUMPY\x02\x00", 8) + raw(static_cast<std::uint32_t>(d.size())) + d + "\x05").to_int64(),
        ElementsAre(5));
}

TEST(Npy, MalformedInputs) {
    EXPECT_THAT(failure(""), HasSubstr("empty"));
    EXPECT_THAT(failure("hello"), HasSubstr("not an NPY file"));
    EXPECT_THAT(failure(npy(dict("<f4", "(3,)"), "12345678")), HasSubstr("needs 12 bytes, 8 follow"));
    EXPECT_THAT(failure(npy(dict("<f4", "(-3,)"), "")), HasSubstr("size -3"));
    EXPECT_THAT(failure(npy(dict("<f4", "(1152921504606846976, 16)"), "")), HasSubstr("2^63"));
    EXPECT_THAT(failure(npy(dict("<f4", "(99999999999999999999,)"), "")), HasSubstr("broken NPY header"));
    EXPECT_THAT(failure(npy(dict("|O", "(1,)"), "abc")), HasSubstr("pickled"));
    EXPECT_THAT(failure(npy(dict("<U5", "(1,)"), "abc")), HasSubstr("number type \"<U5\""));
    EXPECT_THAT(failure(npy(dict("<c8", "(1,)"), "abc")), HasSubstr("number type"));
    EXPECT_THAT(failure(npy("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,)}", "")),
                HasSubstr("structured"));
    EXPECT_THAT(failure(npy("{'descr': '<f4'", "")), HasSubstr("broken NPY header"));
    EXPECT_THAT(failure(npy("{}", "")), HasSubstr("broken NPY header"));
    EXPECT_THAT(failure(std::string("\x93NUMPY\x09\x00", 8)), HasSubstr("version 9"));
    EXPECT_THAT(failure(std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12)), HasSubstr("header of 4294967295"));
}

TensorFile sample() {
    TensorFile f;
    f.arrays.push_back(NamedArray::from("points", {100, 3}, std::vector<float>(300, 0.5f)));
    f.arrays.push_back(NamedArray::from("grad/fc.weight", {2}, std::vector<std::int64_t>{7, -7}));
    f.arrays.push_back(NamedArray::scalar("loss", 0.25));
    return f;
}
std::string npz(const TensorFile& f, bool deflate) {
    std::ostringstream out;
    write_npz(out, f, deflate);
    return out.str();
}

TEST(Npz, RoundTripStoredAndDeflated) {
    for (const bool deflate : {false, true}) {
        std::istringstream in(npz(sample(), deflate));
        const TensorFile back = read_npz(in);
        ASSERT_EQ(back.arrays.size(), 3u);
        for (std::size_t i = 0; i < 3; ++i) {
            EXPECT_EQ(back.arrays[i].name, sample().arrays[i].name);
            EXPECT_EQ(back.arrays[i].shape, sample().arrays[i].shape);
            EXPECT_EQ(back.arrays[i].bytes, sample().arrays[i].bytes);
        }
    }
    EXPECT_LT(npz(sample(), true).size(), npz(sample(), false).size());
    EXPECT_EQ(npz(sample(), true), npz(sample(), true));
}

TEST(Npz, LazyFileReadsOneArray) {
    const TempFolder folder;
    write_npz(folder / "a.npz", sample());
    const NpzFile f(folder / "a.npz");
    EXPECT_THAT(f.names(), ElementsAre("points", "grad/fc.weight", "loss"));
    EXPECT_TRUE(f.contains("loss"));
    EXPECT_THAT(f.read("loss").to_double(), ElementsAre(0.25));
    EXPECT_THAT(error_of([&] { f.read("normals"); }),
                testing::AllOf(HasSubstr("a.npz"), HasSubstr("no array \"normals\""), HasSubstr("\"points\"")));
}

std::string zip_failure(const std::string& s) {
    return error_of([&] { parse_npz(s); });
}

TEST(Npz, EveryTruncationAndEveryFlippedByteIsHandled) {
    for (const bool deflate : {false, true}) {
        const std::string whole = npz(sample(), deflate);
        for (std::size_t n = 0; n < whole.size(); n += 3) EXPECT_NE(zip_failure(whole.substr(0, n)), "") << n;
        for (std::size_t n = 0; n < whole.size(); ++n) {
            std::string damaged = whole;
            damaged[n] = static_cast<char>(damaged[n] ^ 0x55);
            try {
                parse_npz(damaged);  // some bytes (time stamps) do not matter
            } catch (const Error& e) {
                EXPECT_EQ(e.kind(), ErrorKind::format) << e.what();
            }
        }
    }
}

// Offset of the central directory entry of the first member.
std::size_t central(const std::string& zip) { return zip.find("PK\x01\x02"); }
template <class T>
std::string patched(std::string s, std::size_t at, T v) {
    return s.replace(at, sizeof v, raw(v));
}

TEST(Npz, HostileArchives) {
    const std::string stored = npz(sample(), false), deflated = npz(sample(), true);
    EXPECT_THAT(zip_failure(patched(deflated, central(deflated) + 24, 0xfffffff0u)), HasSubstr("deflate cannot do"));
    EXPECT_THAT(zip_failure(patched(deflated, central(deflated) + 24, 1327u)), HasSubstr("bytes"));
    EXPECT_THAT(zip_failure(patched(stored, central(stored) + 24, 5u)), HasSubstr("two sizes differ"));
    EXPECT_THAT(zip_failure(patched(stored, central(stored) + 16, 5u)), HasSubstr("checksum"));
    EXPECT_THAT(zip_failure(patched(stored, central(stored) + 42, 0x7fffffffu)), HasSubstr("outside the file"));
    EXPECT_THAT(zip_failure(patched(stored, central(stored) + 8, std::uint16_t{1})), HasSubstr("encrypted"));
    EXPECT_THAT(zip_failure(patched(stored, central(stored) + 10, std::uint16_t{12})),
                HasSubstr("compression method 12"));
    const std::size_t end = stored.rfind("PK\x05\x06");
    EXPECT_THAT(zip_failure(patched(stored, end + 10, std::uint16_t{60000})), HasSubstr("60000 members do not fit"));
    // Two directory entries for the same data.
    std::string doubled = stored;
    const std::size_t second = doubled.find("PK\x01\x02", central(doubled) + 4);
    doubled.replace(second + 42, 4, raw(0u))
        .replace(second + 20, 4, doubled.substr(central(doubled) + 20, 4))
        .replace(second + 24, 4, doubled.substr(central(doubled) + 24, 4));
    EXPECT_THAT(zip_failure(doubled), HasSubstr("overlap"));
}

// Files written by numpy itself, when the folder of larger fixtures is there.
TEST(Npz, FilesOfNumpy) {
    const std::filesystem::path folder = std::filesystem::path(NIR_SOURCE_DIR) / ".." / "shared" / "fixtures";
    std::filesystem::path shared = folder;
    if (const char* given = std::getenv("NIR_FIXTURES")) shared = given;
    if (!std::filesystem::exists(shared / "metrics.npz")) GTEST_SKIP() << "no ../shared/fixtures";
    const NpzFile metrics(shared / "metrics.npz");
    EXPECT_EQ(metrics.read("pred_points").shape, (std::vector<std::int64_t>{5000, 3}));
    EXPECT_NEAR(metrics.read("eval/chamfer-L1").to_double().at(0), 0.0104938, 1e-7);
    EXPECT_EQ(metrics.read("occ1").dtype, DType::boolean);
    const TensorFile noise = read_npz(shared / "mcubes_noise.npz");
    EXPECT_EQ(noise.at("volume").shape, (std::vector<std::int64_t>{14, 12, 13}));
    EXPECT_EQ(noise.at("vertices").dtype, DType::f64);
    EXPECT_FLOAT_EQ(noise.at("isovalue").to_float().at(0), 0.1f);
}

}  // namespace
}  // namespace nir::io
