// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/cascade_read.h"

#include "nir/base/error.h"
#include "nir/io/safetensors.h"

#include <algorithm>
#include <cmath>

namespace nir::models {
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

CascadeFile read_cascade(const std::filesystem::path& file) {
    const io::TensorFile in = io::read_safetensors(file);
    return with_context(file.string(), [&] {
        const auto model = in.metadata.find("model"), config = in.metadata.find("config");
        if (model == in.metadata.end() || config == in.metadata.end())
            fail(ErrorKind::format, "no nir model: the metadata lacks \"model\" or \"config\"");
        if (model->second != "cascade")
            fail(ErrorKind::input, "holds a model of kind \"{}\", a cascade is needed", model->second);
        CascadeFile out;
        out.config = cascade_config(Config::parse(config->second, "its configuration"));
        for (const CascadeParameter& p : cascade_parameters(out.config)) {
            const io::NamedArray* a = in.find(p.name);
            if (!a) fail(ErrorKind::format, "tensor \"{}\" is missing", p.name);
            if (!std::ranges::equal(a->shape, p.shape))
                fail(ErrorKind::format, "tensor \"{}\" has shape {}, another one is needed", p.name, a->shape_text());
            std::vector<float> v = a->to_float();
            if (!std::ranges::all_of(v, [](float x) { return std::isfinite(x); }))
                fail(ErrorKind::format, "tensor \"{}\" holds values that are not finite", p.name);
            out.parameters.emplace(p.name, std::move(v));
        }
        if (out.parameters.size() != in.arrays.size())
            fail(ErrorKind::format, "{} tensors are not part of this model", in.arrays.size() - out.parameters.size());
        out.metadata = in.metadata;
        return out;
    });
}

CascadeKernelsPtr load_cascade_kernels(const std::filesystem::path& file,
                                       std::map<std::string, std::string>* metadata) {
    const CascadeFile in = read_cascade(file);
    if (metadata) *metadata = in.metadata;
    return std::make_shared<const CascadeKernels>(in.config,
                                                  [&](const std::string& name) { return in.parameters.at(name); });
}

}  // namespace nir::models
