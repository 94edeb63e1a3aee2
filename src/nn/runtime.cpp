// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/runtime.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include "nn/torch_team.h"

#include <torch/torch.h>

namespace nir::nn {

void init_torch(int n) {
    set_threads(n);
    at::set_num_threads(threads());
    set_thread_team(torch_team());
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

}  // namespace nir::nn
