// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/component.h"
#include "nir/base/config.h"
#include "nir/nn/decoders/global_decoder.h"
#include "nir/nn/encoders/global_encoder.h"
#include "nir/nn/encoders/local_encoder.h"

#include <memory>
#include <span>
#include <vector>

namespace nir::nn {

/// A row of the registry of local encoders (src/nn/encoders/registry.cpp): `nir list`, configurations and the component
/// tests visit every row.
struct LocalEncoderRow {
    const char* reference;
    ConfigAlternative config;  ///< name, summary and options
    std::shared_ptr<LocalEncoder> (*make)(const AnyConfig& config, const LocalDims& dims);
};
std::span<const LocalEncoderRow> local_encoder_rows();
std::span<const ConfigAlternative> local_encoder_alternatives();
std::shared_ptr<LocalEncoder> make_local_encoder(const AnyConfig& config, const LocalDims& dims);
std::vector<Component> local_encoder_components();

/// The same for local decoders (src/nn/decoders/registry.cpp).
struct LocalDecoderRow {
    const char* reference;
    ConfigAlternative config;
    std::shared_ptr<LocalDecoder> (*make)(const AnyConfig& config, const LocalDims& dims);
};
std::span<const LocalDecoderRow> local_decoder_rows();
std::span<const ConfigAlternative> local_decoder_alternatives();
std::shared_ptr<LocalDecoder> make_local_decoder(const AnyConfig& config, const LocalDims& dims);
std::vector<Component> local_decoder_components();

/// Encoders that make one code of an observation (src/nn/encoders/global_registry.cpp).
struct GlobalEncoderRow {
    const char* reference;
    ConfigAlternative config;
    std::shared_ptr<GlobalEncoder> (*make)(const AnyConfig& config, const GlobalDims& dims);
};
std::span<const GlobalEncoderRow> global_encoder_rows();
std::span<const ConfigAlternative> global_encoder_alternatives();
/// @throws nir::Error (config) for sizes that make no network.
std::shared_ptr<GlobalEncoder> make_global_encoder(const AnyConfig& config, const GlobalDims& dims);
std::vector<Component> global_encoder_components();

/// Decoders of such codes (src/nn/decoders/global_registry.cpp).
struct GlobalDecoderRow {
    const char* reference;
    ConfigAlternative config;
    std::shared_ptr<GlobalDecoder> (*make)(const AnyConfig& config, const GlobalDims& dims);
};
std::span<const GlobalDecoderRow> global_decoder_rows();
std::span<const ConfigAlternative> global_decoder_alternatives();
std::shared_ptr<GlobalDecoder> make_global_decoder(const AnyConfig& config, const GlobalDims& dims);
std::vector<Component> global_decoder_components();

}  // namespace nir::nn
