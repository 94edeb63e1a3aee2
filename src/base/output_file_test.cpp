// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/output_file.h"

#include "nir/base/error.h"

#include "base/temporary_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <random>
#include <sstream>
#include <sys/resource.h>
#include <unistd.h>

namespace nir {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class OutputFiles : public testing::Test {
protected:
    void SetUp() override {
        dir_ = fs::temp_directory_path() / fmt::format("nir_output_{}", std::random_device{}());
        fs::create_directories(dir_);
    }
    void TearDown() override { fs::remove_all(dir_); }
    static std::string read(const fs::path& p) {
        std::ostringstream s;
        s << std::ifstream(p, std::ios::binary).rdbuf();
        return s.str();
    }
    std::size_t entries() const {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(dir_), fs::directory_iterator()));
    }
    static std::string io_message(const fs::path& p) {
        try {
            OutputFile f(p);
            f.stream() << "x";
            f.commit();
        } catch (const Error& e) {
            EXPECT_EQ(e.kind(), ErrorKind::io);
            return e.what();
        }
        ADD_FAILURE() << "no error for " << p;
        return "";
    }
    fs::path dir_;
};

TEST_F(OutputFiles, AppearsOnlyWhenCommitted) {
    const fs::path target = dir_ / "a.bin";
    std::string big(200000, 'x');
    big[0] = 'a', big.back() = 'z';
    {
        OutputFile f(target);
        f.stream() << "head " << 42 << '\n';
        f.write(std::as_bytes(std::span(big)));
        EXPECT_FALSE(fs::exists(target));
        f.commit();
    }
    EXPECT_EQ(read(target), "head 42\n" + big);
    EXPECT_EQ(entries(), 1u);
}

TEST_F(OutputFiles, LeavesTheOldFileAloneWithoutCommit) {
    const fs::path target = dir_ / "a.txt";
    std::ofstream(target) << "old";
    fs::permissions(target, fs::perms::owner_read | fs::perms::owner_write | fs::perms::others_read);
    {
        OutputFile f(target);
        f.stream() << "half";
    }
    EXPECT_EQ(read(target), "old");
    EXPECT_EQ(entries(), 1u);
    OutputFile f(target);
    f.stream() << "new";
    f.commit();
    EXPECT_EQ(read(target), "new");
    EXPECT_EQ(fs::status(target).permissions(),
              fs::perms::owner_read | fs::perms::owner_write | fs::perms::others_read);
}

TEST_F(OutputFiles, FollowsLinks) {
    std::ofstream(dir_ / "real") << "old";
    fs::create_symlink("real", dir_ / "link");
    OutputFile f(dir_ / "link");
    f.stream() << "new";
    f.commit();
    EXPECT_TRUE(fs::is_symlink(dir_ / "link"));
    EXPECT_EQ(read(dir_ / "real"), "new");
}

TEST_F(OutputFiles, SaysWhatIsWrong) {
    EXPECT_THAT(io_message(dir_), HasSubstr("this is a folder"));
    EXPECT_THAT(io_message(dir_ / "x/"), HasSubstr("this is a folder"));
    EXPECT_THAT(io_message(dir_ / "none" / "x"), HasSubstr("there is no folder"));
    std::ofstream(dir_ / "file") << "x";
    EXPECT_THAT(io_message(dir_ / "file" / "x"), HasSubstr("there is no folder"));
    EXPECT_THAT(io_message(""), HasSubstr("empty name"));
    EXPECT_THAT(io_message("/dev/full"), HasSubstr("the disk is full"));
    EXPECT_NO_THROW(check_writable("/dev/null"));
    EXPECT_NO_THROW(check_writable(dir_ / "later"));
    EXPECT_FALSE(fs::exists(dir_ / "later"));
}

TEST_F(OutputFiles, PermissionIsNamed) {
    std::ofstream(dir_ / "kept") << "x";
    fs::permissions(dir_ / "kept", fs::perms::owner_read);
    fs::permissions(dir_, fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_exec);
    for (const char* name : {"new", "kept"})
        EXPECT_EXIT(
            {
                if (::geteuid() == 0 && ::seteuid(65534) != 0) ::_exit(1);  // root may write everywhere
                const std::string message = io_message(dir_ / name);
                fmt::print(stderr, "{}\n", message);
                ::_exit(0);
            },
            testing::ExitedWithCode(0), "no permission");
    fs::permissions(dir_, fs::perms::owner_all);
}

// A limit on the file size stands in for a full disk half way through.
TEST_F(OutputFiles, ARefusedWriteThrowsAndLeavesNothing) {
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit old{};
    getrlimit(RLIMIT_FSIZE, &old);
    const rlimit small{100000, old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    std::string message;
    try {
        OutputFile f(dir_ / "x");
        for (int i = 0; i < 100000; ++i) f.stream() << "0123456789";
        f.commit();
    } catch (const Error& e) {
        message = e.what();
    }
    setrlimit(RLIMIT_FSIZE, &old);
    EXPECT_THAT(message, HasSubstr("larger than the system allows"));
    EXPECT_EQ(entries(), 0u);
}

TEST_F(OutputFiles, AHardStopRemovesWhatIsUnfinished) {
    EXPECT_EXIT(
        {
            OutputFile f(dir_ / "x");
            f.stream() << "half" << std::flush;
            remove_temporaries();
            ::_exit(130);
        },
        testing::ExitedWithCode(130), "");
    EXPECT_EQ(entries(), 0u);
}

}  // namespace
}  // namespace nir
