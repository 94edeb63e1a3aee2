// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/tensorboard.h"

#include "nir/io/png.h"

#include "io/test_support.h"

#include <fstream>
#include <map>
#include <variant>

namespace nir::io {
namespace {

using testing::HasSubstr;

// A reader of the protocol buffer wire format, made for the test: field number -> last value.
using Value = std::variant<std::uint64_t, std::string>;
std::map<std::uint64_t, Value> decode(const std::string& s) {
    std::map<std::uint64_t, Value> fields;
    std::size_t at = 0;
    const auto varint = [&] {
        std::uint64_t v = 0;
        for (unsigned shift = 0;; shift += 7) {
            const auto b = static_cast<std::uint8_t>(s.at(at++));
            v |= static_cast<std::uint64_t>(b & 127) << shift;
            if (b < 128) return v;
        }
    };
    while (at < s.size()) {
        const std::uint64_t key = varint();
        const std::size_t n = (key & 7) == 2 ? varint() : (key & 7) == 1 ? 8 : 4;
        if ((key & 7) == 0) {
            fields[key >> 3] = varint();
        } else {
            fields[key >> 3] = s.substr(at, n);
            EXPECT_LE(at + n, s.size());
            at += n;
        }
    }
    return fields;
}
template <class T>
T as(const Value& v) {
    T t;
    EXPECT_EQ(std::get<std::string>(v).size(), sizeof t);
    std::memcpy(&t, std::get<std::string>(v).data(), sizeof t);
    return t;
}
const std::string& bytes(const Value& v) { return std::get<std::string>(v); }

// Check values of RFC 3720, B.4.
TEST(TensorBoard, Crc32c) {
    EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
    EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
    EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
}

TEST(TensorBoard, FileHoldsScalarsAndImages) {
    const TempFolder folder;
    geom::Image8 picture(3, 2, 3, 77);
    std::filesystem::path path;
    {
        EventWriter writer(folder / "");
        writer.scalar("val/iou", 300, 0.75);
        writer.image("preview", 1000000, picture);
        path = writer.path();
    }
    EXPECT_THAT(path.filename().string(), HasSubstr("tfevents"));
    const EventWriter second(folder / "");
    EXPECT_NE(second.path(), path);

    std::ifstream in(path, std::ios::binary);
    const std::string file((std::istreambuf_iterator<char>(in)), {});
    std::vector<std::map<std::uint64_t, Value>> events;
    for (std::size_t at = 0; at < file.size();) {
        std::uint64_t n = 0;
        std::memcpy(&n, file.data() + at, 8);
        const std::string event = file.substr(at + 12, n);
        EXPECT_EQ(file.substr(at, 16 + n), tfrecord(event));
        // mask(crc) = rotate right by 15, plus a constant.
        std::uint32_t stored = 0;
        std::memcpy(&stored, file.data() + at + 12 + n, 4);
        EXPECT_EQ(std::rotl(stored - 0xa282ead8u, 15), crc32c(event));
        events.push_back(decode(event));
        at += 16 + n;
    }
    ASSERT_EQ(events.size(), 3u);
    EXPECT_EQ(bytes(events[0].at(3)), "brain.Event:2");
    EXPECT_GT(as<double>(events[1].at(1)), 1.6e9);
    EXPECT_EQ(std::get<std::uint64_t>(events[1].at(2)), 300u);
    auto value = decode(bytes(decode(bytes(events[1].at(5))).at(1)));
    EXPECT_EQ(bytes(value.at(1)), "val/iou");
    EXPECT_EQ(as<float>(value.at(2)), 0.75f);
    EXPECT_EQ(std::get<std::uint64_t>(events[2].at(2)), 1000000u);
    value = decode(bytes(decode(bytes(events[2].at(5))).at(1)));
    auto image = decode(bytes(value.at(4)));
    EXPECT_EQ(std::get<std::uint64_t>(image.at(1)), 2u);
    EXPECT_EQ(std::get<std::uint64_t>(image.at(2)), 3u);
    EXPECT_EQ(parse_png(bytes(image.at(4))).data, picture.data);
}

TEST(TensorBoard, MissingFolder) {
    EXPECT_THAT(error_of([] { EventWriter("/no/such/folder"); }), HasSubstr("/no/such/folder/events"));
}

}  // namespace
}  // namespace nir::io
