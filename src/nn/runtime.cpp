// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/runtime.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include <torch/torch.h>

namespace nir::nn {

void init_torch(int n) {
    set_threads(n);
    at::set_num_threads(threads());
    static bool first = true;  // torch refuses a second call
    if (std::exchange(first, false)) at::set_num_interop_threads(1);
}

std::string resolve_device(std::string_view wanted) {
    if (wanted == "cpu") return "cpu";
    if (wanted != "auto" && wanted != "cuda") fail(ErrorKind::usage, "--device {}: choose auto, cpu or cuda", wanted);
    if (torch::cuda::is_available()) return "cuda";
    if (wanted == "cuda")
        fail(ErrorKind::usage, "--device cuda: this machine or this libtorch has no CUDA; use --device cpu");
    return "cpu";
}

void translate_torch_errors(const std::function<void()>& f) {
    try {
        f();
    } catch (const c10::Error& e) {
        const std::string_view text = e.what_without_backtrace();
        const std::string line(text.substr(0, text.find('\n')));
        if (line.find("DefaultCPUAllocator") != std::string::npos || line.find("out of memory") != std::string::npos)
            fail(ErrorKind::input, "not enough memory for this task on this machine ({})", line);
        fail(ErrorKind::internal, "torch: {}", line);
    }
}

}  // namespace nir::nn
