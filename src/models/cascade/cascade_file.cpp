// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/cascade_file.h"

#include "nir/io/safetensors.h"

#include <algorithm>

namespace nir::models {

void save_cascade(const std::filesystem::path& file, CascadeNet& net, std::map<std::string, std::string> metadata,
                  bool half) {
    io::TensorFile out;
    out.metadata = std::move(metadata);
    out.metadata["format"] = "nir-model";
    out.metadata["format_version"] = "1";
    out.metadata["model"] = "cascade";
    Config model(Config::Table{}), config(Config::Table{});
    model.put("name", Config(std::string("cascade")));
    model.merge(to_config(net->config()));
    config.put("model", std::move(model));
    // The file of a training holds its whole configuration; without one, the network's is enough to build it.
    if (!out.metadata.contains("config")) out.metadata["config"] = config.to_toml();
    for (const auto& item : net->named_parameters()) {
        const torch::Tensor t =
            item.value().detach().to(torch::kCPU, half ? torch::kFloat16 : torch::kFloat32).contiguous();
        io::NamedArray a;
        a.name = item.key();
        a.dtype = half ? io::DType::f16 : io::DType::f32;
        a.shape = t.sizes().vec();
        const auto* bytes = static_cast<const std::byte*>(t.data_ptr());
        a.bytes.assign(bytes, bytes + t.nbytes());
        out.arrays.push_back(std::move(a));
    }
    io::write_safetensors(file, out);
}

namespace {

/// From a whole training's configuration, its table [model], or the bare options that early files hold.
CascadeConfig cascade_config(const Config& config) {
    const Config* model = config.find("model");
    if (!model) return parse_config<CascadeConfig>(config);
    if (!model->is_table()) fail(ErrorKind::format, "[model] of its configuration is no table");
    Config options(Config::Table{}, model->place());
    for (const auto& e : std::get<Config::Table>(model->value()))
        if (e.key != "name") options.put(e.key, e.value);
    return parse_config<CascadeConfig>(options);
}

}  // namespace

CascadeNet load_cascade(const std::filesystem::path& file, std::map<std::string, std::string>* metadata) {
    const io::TensorFile in = io::read_safetensors(file);
    return with_context(file.string(), [&] {
        const auto model = in.metadata.find("model"), config = in.metadata.find("config");
        if (model == in.metadata.end() || config == in.metadata.end())
            fail(ErrorKind::format, "no nir model: the metadata lacks \"model\" or \"config\"");
        if (model->second != "cascade")
            fail(ErrorKind::input, "holds a model of kind \"{}\", a cascade is needed", model->second);
        CascadeNet net(cascade_config(Config::parse(config->second, "its configuration")));
        const torch::NoGradGuard guard;
        std::size_t used = 0;
        for (auto& item : net->named_parameters()) {
            const io::NamedArray* a = in.find(item.key());
            if (!a) fail(ErrorKind::format, "tensor \"{}\" is missing", item.key());
            if (!std::ranges::equal(a->shape, item.value().sizes()))
                fail(ErrorKind::format, "tensor \"{}\" has shape {}, another one is needed", item.key(),
                     a->shape_text());
            std::vector<float> v = a->to_float();
            if (!std::ranges::all_of(v, [](float x) { return std::isfinite(x); }))
                fail(ErrorKind::format, "tensor \"{}\" holds values that are not finite", item.key());
            item.value().copy_(torch::from_blob(v.data(), item.value().sizes()));
            ++used;
        }
        if (used != in.arrays.size())
            fail(ErrorKind::format, "{} tensors are not part of this model", in.arrays.size() - used);
        if (metadata) *metadata = in.metadata;
        return net;
    });
}

}  // namespace nir::models
