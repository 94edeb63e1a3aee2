// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// What the trainings of single fields (radiance, functions) do alike with their configurations.
#pragma once

#include "nir/base/config.h"
#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/io/array.h"

#include "pipeline/train_run_folder.h"

#include <charconv>
#include <cmath>
#include <filesystem>
#include <string_view>

namespace nir::pipeline {

/// A number of a state's metadata. @throws Error format.
inline double state_number(const io::TensorFile& file, const char* key) {
    const auto it = file.metadata.find(key);
    double out = 0;
    if (it != file.metadata.end()) {
        const char* const end = it->second.data() + it->second.size();
        const auto result = std::from_chars(it->second.data(), end, out);
        if (result.ec == std::errc() && result.ptr == end && std::isfinite(out)) return out;
    }
    fail(ErrorKind::format, "metadata \"{}\" is no number", key);
}

/// The options of the command line over a configuration: steps alone take the limit of time away, and vice versa.
template <class Options>
void lay_over(const Options& options, Config& tree) {
    for (const std::string& assignment : options.overrides) tree.set(assignment);
    if (options.steps) tree.set(fmt::format("train.steps={}", *options.steps));
    if (options.time_s) tree.set(fmt::format("train.time={}", *options.time_s));
    if (options.steps && !options.time_s) tree.set("train.time=0");
    if (options.time_s && !options.steps) tree.set("train.steps=0");
    if (options.seed) tree.set(fmt::format("train.seed={}", *options.seed));
}

/// The configuration of the run that is in the folder, with what may change laid over it.
/// @param is_own says whether a tree is of this kind @param kind as in "a radiance field" @throws Error config, usage.
template <class C, class Options>
C resumed_config(const Options& options, const RunFolder& folder, bool (*is_own)(const Config&),
                 std::string_view kind) {
    const std::string file = folder.path("config.toml").string();
    Config tree = Config::parse(folder.read_text("config.toml"), file);
    if (!is_own(tree)) fail(ErrorKind::config, "{}: this run is not that of {}", file, kind);
    const auto before = parse_config<C>(tree);
    lay_over(options, tree);
    auto config = parse_config<C>(tree);
    if (options.input.extension() != ".toml" &&
        std::filesystem::absolute(options.input).lexically_normal().string() != before.data.path)
        fail(ErrorKind::config, "{} was trained with {}; --resume needs the same", file, before.data.path);
    if (dump_toml(before.model) != dump_toml(config.model) || dump_toml(before.data) != dump_toml(config.data))
        fail(ErrorKind::config, "{}: --resume needs the same [model] and [data]", file);
    if (config.train.seed != before.train.seed)
        fail(ErrorKind::usage, "--seed {}: the run was started with seed {}", config.train.seed, before.train.seed);
    if (dump_toml(before) != dump_toml(config))
        log_info("the configuration differs from that of the earlier session; the new one counts from here on");
    return config;
}

}  // namespace nir::pipeline
