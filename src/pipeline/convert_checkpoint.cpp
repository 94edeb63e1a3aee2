// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/convert_checkpoint.h"

#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/base/output_file.h"
#include "nir/io/file_bytes.h"
#include "nir/io/npy.h"
#include "nir/io/safetensors.h"
#include "nir/io/torch_checkpoint.h"
#include "nir/models/registry.h"
#include "nir/nn/checkpoint.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace nir::pipeline {
namespace {

struct Source {
    io::TensorFile state;
    nn::CheckpointInfo info;
    std::string kind;
};

Source read_source(const std::filesystem::path& file) {
    return io::read_path(file, [&](std::string_view bytes) -> Source {
        Source out;
        if (io::looks_like_torch_checkpoint(bytes)) {
            const auto checkpoint = io::parse_torch_checkpoint(bytes);
            out = {checkpoint.state_dict(), {}, "torch checkpoint"};
            if (const auto it = checkpoint.numbers.find("it"); it != checkpoint.numbers.end())
                out.info.step = static_cast<std::int64_t>(it->second);
        } else if (io::looks_like_zip(bytes)) {
            out = {io::parse_npz(bytes), {}, "npz"};
        } else {
            out = {io::parse_safetensors(bytes), {}, "safetensors"};
        }
        return out;
    });
}

/// Takes off the prefix that training on several cards leaves on every name.
void strip_parallel_prefix(io::TensorFile& state, const std::filesystem::path& file) {
    constexpr std::string_view kPrefix = "module.";
    const auto has = [&](const io::NamedArray& a) { return a.name.starts_with(kPrefix); };
    if (state.arrays.empty() || !std::ranges::all_of(state.arrays, has)) return;
    for (auto& array : state.arrays) array.name.erase(0, kPrefix.size());
    log_info("{}: the prefix \"module.\" of all {} tensors is left out", file.string(), state.arrays.size());
}

/// The configuration and the metadata of a model file of nir, for files that are one already.
void adopt_metadata(Source& source, const std::filesystem::path& file) {
    if (source.kind != "safetensors" || !source.state.metadata.contains("format_version")) return;
    source.info = nn::read_checkpoint(file).info;
}

}  // namespace

bool is_torch_checkpoint(const std::filesystem::path& file) {
    return io::read_path(file, [](std::string_view bytes) { return io::looks_like_torch_checkpoint(bytes); });
}

ConvertCheckpointResult convert_checkpoint(const ConvertCheckpointOptions& options) {
    if (options.out.extension() != ".safetensors")
        fail(ErrorKind::usage, "{}: a model file ends in .safetensors", options.out.string());
    check_writable(options.out);
    Source source = read_source(options.in);
    adopt_metadata(source, options.in);
    if (options.config.empty() && source.info.config.empty())
        fail(ErrorKind::usage, "{} does not say which network its tensors belong to; add --config CONFIG.toml",
             options.in.string());
    const Config config =
        options.config.empty() ? Config::parse(source.info.config, options.in.string()) : Config::load(options.config);
    const auto model = models::build_model(config, options.seed);
    source.state.metadata.clear();
    strip_parallel_prefix(source.state, options.in);
    nn::load_state(model->module(), source.state, options.in.string(), options.allow_partial);

    Config resolved(Config::Table{});
    resolved.put("model", model->config());
    nn::CheckpointInfo info = std::move(source.info);
    info.model = model->name();
    info.config = resolved.to_toml();
    const io::TensorFile state = nn::state_of(model->module());
    nn::save_checkpoint(options.out, state, info);
    return {info.model, source.kind, static_cast<std::int64_t>(state.arrays.size()), model->n_parameters(), info.step};
}

}  // namespace nir::pipeline
