// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/tensor_io.h"

#include "nir/base/error.h"

#include <array>
#include <cstring>
#include <utility>

namespace nir::nn {
namespace {

constexpr std::array kTypes{
    std::pair{io::DType::boolean, torch::kBool}, std::pair{io::DType::u8, torch::kUInt8},
    std::pair{io::DType::i8, torch::kInt8},      std::pair{io::DType::i16, torch::kInt16},
    std::pair{io::DType::i32, torch::kInt32},    std::pair{io::DType::i64, torch::kInt64},
    std::pair{io::DType::f16, torch::kFloat16},  std::pair{io::DType::bf16, torch::kBFloat16},
    std::pair{io::DType::f32, torch::kFloat32},  std::pair{io::DType::f64, torch::kFloat64},
};

}  // namespace

torch::Tensor tensor_from(const io::NamedArray& array) {
    for (const auto& [dtype, type] : kTypes) {
        if (dtype != array.dtype) continue;
        torch::Tensor out = torch::empty(array.shape, type);
        if (!array.bytes.empty()) std::memcpy(out.data_ptr(), array.bytes.data(), array.bytes.size());
        return out;
    }
    fail(ErrorKind::format, "array \"{}\" holds {}, which torch does not know", array.name, io::name_of(array.dtype));
}

io::NamedArray array_from(std::string name, const torch::Tensor& tensor) {
    const torch::Tensor t = tensor.detach().to(torch::kCPU).contiguous();
    for (const auto& [dtype, type] : kTypes) {
        if (type != t.scalar_type()) continue;
        io::NamedArray out{std::move(name), dtype, t.sizes().vec(), {}};
        out.bytes.resize(t.nbytes());
        if (!out.bytes.empty()) std::memcpy(out.bytes.data(), t.data_ptr(), out.bytes.size());
        return out;
    }
    fail(ErrorKind::internal, "a tensor of type {} cannot be stored", c10::toString(t.scalar_type()));
}

}  // namespace nir::nn
