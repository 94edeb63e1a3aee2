// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/checkpoint.h"

#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/io/safetensors.h"
#include "nir/nn/tensor_io.h"

#include <torch/torch.h>

#include <charconv>
#include <set>
#include <vector>

namespace nir::nn {
namespace {

using torch::Tensor;

std::map<std::string, Tensor> named_state(const torch::nn::Module& module) {
    std::map<std::string, Tensor> state;
    for (const auto& p : module.named_parameters()) state.emplace(p.key(), p.value());
    for (const auto& b : module.named_buffers()) state.emplace(b.key(), b.value());
    return state;
}

/// "2 missing (a, b)", at most twenty names.
std::string listing(const std::vector<std::string>& names, std::string_view what) {
    constexpr std::size_t kMost = 20;
    std::string text = fmt::format("{} {} (", names.size(), what);
    for (std::size_t i = 0; i < names.size() && i < kMost; ++i) text += (i ? ", " : "") + names[i];
    if (names.size() > kMost) text += fmt::format(", and {} more", names.size() - kMost);
    return text + ")";
}

template <class T>
T number(const std::map<std::string, std::string>& metadata, const std::string& key) {
    const auto it = metadata.find(key);
    if (it == metadata.end()) return T{};
    T value{};
    const char* end = it->second.data() + it->second.size();
    const auto [at, error] = std::from_chars(it->second.data(), end, value);
    if (error != std::errc{} || at != end)
        fail(ErrorKind::format, "metadata \"{}\" is \"{}\" and not a number", key, it->second);
    return value;
}

using TextField = std::pair<const char*, std::string CheckpointInfo::*>;
constexpr TextField kTextFields[] = {
    {"model", &CheckpointInfo::model},
    {"config", &CheckpointInfo::config},
    {"revision", &CheckpointInfo::revision},
    {"frame", &CheckpointInfo::frame},
    {"training_range", &CheckpointInfo::training_range},
    {"licence", &CheckpointInfo::licence},
};

CheckpointInfo info_from(std::map<std::string, std::string> metadata) {
    const int version = number<int>(metadata, "format_version");
    if (version == 0 || !metadata.contains("model"))
        fail(ErrorKind::format,
             "the file holds tensors but does not say which model they belong to; make a model file of it with "
             "`nir convert IN OUT --config CONFIG.toml`");
    if (version > kCheckpointVersion)
        fail(ErrorKind::format, "the file has format version {}, this program reads up to {}; use a newer nir", version,
             kCheckpointVersion);
    CheckpointInfo info;
    info.step = number<std::int64_t>(metadata, "step");
    info.seed = number<std::uint64_t>(metadata, "seed");
    for (const char* key : {"format_version", "step", "seed"}) metadata.erase(key);
    for (const auto& [key, member] : kTextFields) {
        const auto it = metadata.find(key);
        if (it == metadata.end()) continue;
        info.*member = it->second;
        metadata.erase(it);
    }
    info.extra = std::move(metadata);
    return info;
}

}  // namespace

io::TensorFile state_of(const torch::nn::Module& module) {
    io::TensorFile file;
    for (const auto& [name, tensor] : named_state(module)) file.arrays.push_back(array_from(name, tensor));
    return file;
}

void load_state(torch::nn::Module& module, const io::TensorFile& state, const std::string& source, bool allow_partial) {
    const auto targets = named_state(module);
    std::vector<std::string> missing, unexpected, other;
    std::set<std::string> given;
    for (const auto& array : state.arrays) {
        given.insert(array.name);
        const auto it = targets.find(array.name);
        if (it == targets.end()) {
            unexpected.push_back(array.name);
        } else if (it->second.sizes() != torch::IntArrayRef(array.shape)) {
            other.push_back(fmt::format("{} is {}, the model has [{}]", array.name, array.shape_text(),
                                        fmt::join(it->second.sizes(), ", ")));
        }
    }
    for (const auto& [name, tensor] : targets)
        if (!given.contains(name) && !name.ends_with("num_batches_tracked")) missing.push_back(name);

    std::string problems;
    const auto add = [&](const std::vector<std::string>& names, const char* what) {
        if (!names.empty()) problems += (problems.empty() ? "" : ", ") + listing(names, what);
    };
    add(missing, "missing");
    add(unexpected, "unexpected");
    add(other, "of another shape");
    if (!other.empty() || (!problems.empty() && !allow_partial))
        fail(ErrorKind::format, "{}: tensors do not fit the model: {}", source, problems);
    if (!problems.empty()) log_warning("{}: loaded in part: {}", source, problems);

    const torch::NoGradGuard no_grad;
    for (const auto& array : state.arrays) {
        const auto it = targets.find(array.name);
        if (it != targets.end()) Tensor(it->second).copy_(tensor_from(array));
    }
}

void save_checkpoint(const std::filesystem::path& path, io::TensorFile state, const CheckpointInfo& info) {
    state.metadata = info.extra;
    state.metadata["format_version"] = std::to_string(kCheckpointVersion);
    state.metadata["step"] = std::to_string(info.step);
    state.metadata["seed"] = std::to_string(info.seed);
    for (const auto& [key, member] : kTextFields)
        if (!(info.*member).empty()) state.metadata[key] = info.*member;
    io::write_safetensors(path, state);
}

void save_checkpoint(const std::filesystem::path& path, const torch::nn::Module& module, const CheckpointInfo& info) {
    save_checkpoint(path, state_of(module), info);
}

Checkpoint read_checkpoint(const std::filesystem::path& path) {
    Checkpoint out;
    out.state = io::read_safetensors(path);
    with_context(path.string(), [&] { out.info = info_from(std::exchange(out.state.metadata, {})); });
    return out;
}

}  // namespace nir::nn
