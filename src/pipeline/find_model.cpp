// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/error.h"
#include "nir/base/shared_files.h"
#include "nir/pipeline/reconstruct.h"

#include <cstdlib>
#include <vector>

namespace nir::pipeline {
namespace fs = std::filesystem;
namespace {

std::vector<fs::path> model_folders() {
    std::vector<fs::path> out;
    if (const char* named = std::getenv("NIR_MODELS")) out.emplace_back(named);
    for (const auto& folder : shared_folders()) out.push_back(folder / "models");
    return out;
}

}  // namespace

fs::path find_model(const std::string& name) {
    std::error_code error;
    if (fs::is_regular_file(name, error)) return name;
    if (name.find('/') != std::string::npos || name.ends_with(".safetensors"))
        fail(ErrorKind::input, "{}: no such model file", name);
    std::string known;
    for (const auto& folder : model_folders()) {
        const fs::path file = folder / ((name == "default" ? "cascade" : name) + ".safetensors");
        if (fs::is_regular_file(file, error)) return file;
        for (const auto& entry : fs::directory_iterator(folder, error))
            if (entry.path().extension() == ".safetensors")
                known += (known.empty() ? "" : ", ") + entry.path().stem().string();
    }
    fail(ErrorKind::usage, "no model \"{}\" here; there is: {}", name,
         known.empty() ? "none (set NIR_MODELS to their folder)" : known);
}

}  // namespace nir::pipeline
