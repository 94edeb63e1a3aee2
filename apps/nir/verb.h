// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// How a verb is added: write cmd_<verb>.cpp with one function and add its row to the table in verbs.cpp.
//
//     VerbRun add_count(CLI::App& app) {
//         auto file = std::make_shared<std::string>();
//         app.add_option("FILE", *file, "what to count")->required();
//         return [file](VerbContext& context) {
//             const auto reading = context.timer.phase("read");
//             const std::size_t n = pipeline::count(*file, context.progress);
//             context.json["points"] = n;              // for --json
//             context.print("{} points\n", n);         // for people
//         };
//     }
//
// A verb fills pipeline options, calls the pipeline and reports; it computes nothing. It fails by nir::Error only.
#pragma once

#include "nir/base/phase_timer.h"
#include "nir/base/progress.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace nir::app {

/// Options that every verb takes, before or after its name.
struct GlobalOptions {
    int threads = 0;  // 0 = all cores
    std::string device = "auto";
    std::int64_t seed = 0;
    bool quiet = false, verbose = false, json = false;
};

/// What a running verb is given.
struct VerbContext {
    const GlobalOptions& options;
    std::string device;  // "cpu" or "cuda", resolved
    std::uint64_t seed;
    Progress& progress;
    PhaseTimer& timer;  // phases of the contract: read normalize encode query extract refine train render write
    nlohmann::ordered_json& json;  // what the verb adds to the object of --json
    std::string incomplete = {};   // set: the result stands and is reported, and the program ends with this error (3)

    /// Writes a result to stdout, unless --json is given: then stdout holds the one object only.
    template <class... Args>
    void print(fmt::format_string<Args...> f, Args&&... args) const {
        if (!options.json) fmt::print(f, std::forward<Args>(args)...);
    }
};

using VerbRun = std::function<void(VerbContext&)>;

struct Verb {
    const char* name;
    const char* summary;
    VerbRun (*add)(CLI::App& app);  // declares the options, returns what runs after parsing
};

/// Every verb of this program, in the order of `nir --help`.
std::span<const Verb> verbs();
VerbRun add_reconstruct(CLI::App& app);

/// Lets the program that has the verb take over, if it is another one (light/hand_over.cpp); else returns.
void hand_over(int argc, char** argv);

/// --name VALUE with a size like 800M, 2GB, 1.5GiB (k, M, G are powers of 1000; Ki, Mi, Gi of 1024), in bytes.
CLI::Option* add_size_option(CLI::App& app, const std::string& name, std::uint64_t& bytes, const std::string& text);
/// --name VALUE with a duration like 90, 45s, 90m, 1.5h, 2d, in seconds.
CLI::Option* add_duration_option(CLI::App& app, const std::string& name, double& seconds, const std::string& text);
/// --set KEY=VALUE, any number of times (config.h).
CLI::Option* add_set_option(CLI::App& app, std::vector<std::string>& assignments);

/// Number with unit as above. @throws Error of kind usage naming the option.
std::uint64_t parse_size(const std::string& option, const std::string& text);
double parse_duration(const std::string& option, const std::string& text);

}  // namespace nir::app
