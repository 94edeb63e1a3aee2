// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/cascade_file.h"

#include "nir/base/error.h"
#include "nir/io/safetensors.h"

#include "models/cascade/cascade_read.h"

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

CascadeNet load_cascade(const std::filesystem::path& file, std::map<std::string, std::string>* metadata) {
    CascadeFile in = read_cascade(file);
    CascadeNet net(in.config);
    const torch::NoGradGuard guard;
    NIR_CHECK(net->named_parameters().size() == in.parameters.size());
    for (auto& item : net->named_parameters())
        item.value().copy_(torch::from_blob(in.parameters.at(item.key()).data(), item.value().sizes()));
    if (metadata) *metadata = std::move(in.metadata);
    return net;
}

}  // namespace nir::models
