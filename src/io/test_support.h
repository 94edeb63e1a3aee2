// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// What the tests of the formats share.
#pragma once

#include "nir/base/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <string>

namespace nir::io {

/// Bytes of a number, little or big endian.
template <class T>
std::string raw(T v, bool big = false) {
    std::string s(sizeof(T), '\0');
    std::memcpy(s.data(), &v, sizeof v);
    if (big) s.assign(s.rbegin(), s.rend());
    return s;
}

/// The message of the nir::Error that f() must throw, with its context.
template <class F>
std::string error_of(F&& f) {
    try {
        f();
    } catch (const Error& e) {
        EXPECT_NE(e.kind(), ErrorKind::internal) << e.what();
        return e.what();
    }
    ADD_FAILURE() << "no error";
    return {};
}

/// A folder that is gone after the test.
class TempFolder {
public:
    TempFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "nir_io_XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "no temporary folder";
        path_ = name;
    }
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;
    ~TempFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

}  // namespace nir::io
