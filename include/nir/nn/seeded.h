// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <mutex>

namespace nir::nn {

/// While it lives, torch's default generator runs from `seed`; afterwards it goes on where it was. Modules draw their
/// first weights from that generator, so this makes construction a function of the seed.
class SeededScope {
public:
    explicit SeededScope(std::uint64_t seed) : generator_(at::detail::getDefaultCPUGenerator()) {
        const std::lock_guard lock(generator_.mutex());
        before_ = generator_.get_state();
        generator_.set_current_seed(seed);
    }
    ~SeededScope() {
        const std::lock_guard lock(generator_.mutex());
        generator_.set_state(before_);
    }
    SeededScope(const SeededScope&) = delete;
    SeededScope& operator=(const SeededScope&) = delete;

private:
    at::Generator generator_;
    torch::Tensor before_;
};

/// While it lives, the module is in eval mode; afterwards in the mode it was in.
class EvalScope {
public:
    explicit EvalScope(torch::nn::Module& module) : module_(module), training_(module.is_training()) {
        if (training_) module_.eval();
    }
    ~EvalScope() {
        if (training_) module_.train();
    }
    EvalScope(const EvalScope&) = delete;
    EvalScope& operator=(const EvalScope&) = delete;

private:
    torch::nn::Module& module_;
    bool training_;
};

}  // namespace nir::nn
