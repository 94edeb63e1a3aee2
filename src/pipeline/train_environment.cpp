// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/train_environment.h"

#include "nir/base/parallel.h"

#include "nir_revision.h"

#include <nlohmann/json.hpp>
#include <torch/version.h>

#include <ATen/Parallel.h>
#include <ctime>
#include <fstream>
#include <thread>

namespace nir::pipeline {
namespace {

#ifdef __clang__
constexpr const char* kCompiler = "clang " __clang_version__;
#else
constexpr const char* kCompiler = "GCC " __VERSION__;
#endif

std::string processor_name() {
    std::ifstream in("/proc/cpuinfo");
    for (std::string line; std::getline(in, line);)
        if (line.starts_with("model name"))
            if (const auto colon = line.find(": "); colon != std::string::npos) return line.substr(colon + 2);
    return "unknown";
}

std::string utc_now() {
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    gmtime_r(&now, &utc);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return text;
}

}  // namespace

std::string source_revision() { return NIR_REVISION; }
std::string program_version() { return NIR_VERSION; }

std::string environment_json(std::uint64_t seed) {
    nlohmann::ordered_json env = {
        {"version", program_version()},
        {"revision", source_revision()},
        {"compiler", kCompiler},
        {"torch", TORCH_VERSION},
        {"device", "cpu"},
        {"cpu", processor_name()},
        {"cores", std::thread::hardware_concurrency()},
        {"threads", threads()},
        {"torch_threads", at::get_num_threads()},
        {"seed", seed},
        {"started", utc_now()},
    };
    return env.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace nir::pipeline
