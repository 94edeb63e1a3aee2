// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The program `nir` itself: reconstruct, and whatever else runs without libtorch. Loading Debian's libtorch with the
// 280 libraries behind it takes four tenths of a second; every other verb is handed over to the program nir-full beside
// this one, with all arguments, before anything else happens.
#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/nn/runtime.h"
#include "nir/nn/torch_guard.h"

#include "pipeline/rank_group.h"
#include "verb.h"

#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <unistd.h>

namespace nir::app {
namespace {

/// What the command line asks for, as far as it decides who answers.
struct Request {
    std::string_view verb, device = "auto";
    bool version = false, clear = true;  ///< clear: only options that both programs take in the same way
};

Request request_of(int argc, char** argv) {
    Request r;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--") break;
        const bool device = word == "--device";
        if (word.starts_with("--device=")) r.device = word.substr(9);
        if (device && i + 1 < argc) r.device = argv[i + 1];
        if (!r.verb.empty()) continue;
        if (device || word == "--threads" || word == "--seed")
            ++i;
        else if (!word.starts_with("-"))
            r.verb = word;
        else if (word == "--version")
            r.version = argc == 2;
        else if (word != "-q" && word != "--quiet" && word != "-v" && word != "--verbose" && word != "--json" &&
                 !word.starts_with("--threads=") && !word.starts_with("--seed=") && !word.starts_with("--device="))
            r.clear = false;
    }
    return r;
}

bool several_ranks() {
    try {
        return pipeline::rank_place().size > 1;
    } catch (const Error&) {
        return true;  // contradictions are the other program's to tell
    }
}

}  // namespace

std::span<const Verb> verbs() {
    static constexpr Verb kVerbs[] = {{"reconstruct", "Turns a scan into a mesh", add_reconstruct}};
    return kVerbs;
}

void hand_over(int argc, char** argv) {
    const Request r = request_of(argc, argv);
    if (r.version) return;
    const bool here = r.clear && r.verb == "reconstruct" && (r.device == "auto" || r.device == "cpu");
    if (here && !several_ranks()) return;
    std::error_code ignored;
    const std::filesystem::path full =
        std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() / "nir-full";
    ::execv(full.c_str(), argv);
    fmt::print(stderr, "error: {} cannot be started; it belongs beside this program and holds its other verbs\n",
               full.string());
    std::_Exit(3);
}

}  // namespace nir::app

// What stands for torch where it is not there. Both programs share all other code.
namespace nir::nn {

void init_torch(int n) { set_threads(n); }
std::string resolve_device(std::string_view) { return "cpu"; }
void rethrow_translated(std::string_view) { throw; }

}  // namespace nir::nn

namespace nir::pipeline {

// Several ranks are handed over.
struct RankGroup::Impl {};
RankGroup::RankGroup(const std::filesystem::path&, const RankPlace&, double) {
    fail(ErrorKind::internal, "several ranks without torch");
}
RankGroup::~RankGroup() = default;
int RankGroup::rank() const { return 0; }
int RankGroup::size() const { return 1; }
void RankGroup::share(std::size_t, const std::function<void(std::size_t)>&) {
    fail(ErrorKind::internal, "several ranks without torch");
}

}  // namespace nir::pipeline
