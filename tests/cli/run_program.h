// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace nir::test {

struct Outcome {
    int code = -1;  ///< exit code; 128 + n if signal n ended the program
    std::string out, err;
};

struct RunOptions {
    std::string program = NIR_PROGRAM;
    std::vector<std::string> environment;  ///< "NAME=value", added to ours
    std::string working_folder;
    double interrupt_after_s = 0;  ///< > 0: send SIGINT after this many seconds
};

/// Runs the real program without a shell and waits for it.
Outcome run_nir(const std::vector<std::string>& arguments, const RunOptions& options = {});

/// What the program prints with --json; fails the current test if it does not end with 0.
nlohmann::json run_json(const std::vector<std::string>& arguments);

/// The bytes of a file.
std::string bytes_of(const std::string& path);

/// Fails the current test unless stderr is what a user may see: no `terminate called`, no stack trace, and on failure
/// exactly one line that starts with "error: ".
void expect_clean_stderr(const Outcome& outcome);

/// A folder that is removed with this object.
class TemporaryFolder {
public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    std::string operator/(const std::string& name) const { return (path_ / name).string(); }
    /// Writes a file into the folder and returns its path.
    std::string write(const std::string& name, const std::string& bytes) const;
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace nir::test
