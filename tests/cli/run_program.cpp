// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "cli/run_program.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace nir::test {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return std::move(text).str();
}

/// In the child: streams into files (a pipe could fill up), then the program.
[[noreturn]] void become(const RunOptions& options, std::vector<std::string> words, const std::string& out,
                         const std::string& err) {
    if (!std::freopen("/dev/null", "r", stdin) || !std::freopen(out.c_str(), "w", stdout) ||
        !std::freopen(err.c_str(), "w", stderr))
        ::_exit(126);
    for (const auto& e : options.environment) {
        const auto equals = e.find('=');
        ::setenv(e.substr(0, equals).c_str(), e.substr(equals + 1).c_str(), 1);
    }
    if (!options.working_folder.empty() && ::chdir(options.working_folder.c_str()) != 0) ::_exit(126);
    std::vector<char*> argv;
    for (auto& w : words) argv.push_back(w.data());
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(127);
}

}  // namespace

Outcome run_nir(const std::vector<std::string>& arguments, const RunOptions& options) {
    const TemporaryFolder folder;
    std::vector<std::string> words{options.program};
    words.insert(words.end(), arguments.begin(), arguments.end());
    const pid_t child = ::fork();
    if (child < 0) throw std::runtime_error("fork failed");
    if (child == 0) become(options, words, folder / "out", folder / "err");
    if (options.interrupt_after_s > 0) {
        std::this_thread::sleep_for(std::chrono::duration<double>(options.interrupt_after_s));
        ::kill(child, SIGINT);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return {code, read_file(folder / "out"), read_file(folder / "err")};
}

nlohmann::json run_json(const std::vector<std::string>& arguments) {
    const Outcome o = run_nir(arguments);
    EXPECT_EQ(o.code, 0) << o.err;
    return o.code == 0 ? nlohmann::json::parse(o.out) : nlohmann::json::object();
}

std::string bytes_of(const std::string& path) { return read_file(path); }

void expect_clean_stderr(const Outcome& outcome) {
    for (const char* forbidden :
         {"terminate called", "frame #", "Exception raised from", "backtrace", "AddressSanitizer", "runtime error:"})
        EXPECT_EQ(outcome.err.find(forbidden), std::string::npos) << outcome.err;
    std::size_t errors = 0;
    std::istringstream lines(outcome.err);
    for (std::string line; std::getline(lines, line);) errors += line.starts_with("error: ") ? 1 : 0;
    EXPECT_EQ(errors, outcome.code == 0 || outcome.code == 130 ? 0u : 1u) << "code " << outcome.code << "\n"
                                                                          << outcome.err;
}

TemporaryFolder::TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "nir_test_XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
    path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ec;
    fs::remove_all(path_, ec);
}

std::string TemporaryFolder::write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return *this / name;
}

}  // namespace nir::test
