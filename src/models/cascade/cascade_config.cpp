// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/cascade_config.h"

#include "nir/kernels/splat.h"

#include <fmt/format.h>

namespace nir::models {

void CascadeUnetConfig::describe(ConfigVisitor& v) {
    v.field("widths", widths, {.min = 1, .max = 4096, .min_count = 1, .max_count = 6},
            "channels of each level of the U-Net, finest first");
}

void CascadeConfig::describe(ConfigVisitor& v) {
    v.field("coarse_cells", coarse_cells, {.min = 16, .max = 128}, "cells along each side of the coarse grid");
    v.field("coarse_margin", coarse_margin, {.min = 0, .max = 16}, "empty cells kept around the object");
    v.field("max_octaves", max_octaves, {.min = 0, .max = 8}, "how often the cells may be halved");
    v.field("max_spacing_cells", max_spacing_cells, {.min = 0.1, .max = 8},
            "an octave is added while the point spacing stays below this many of its cells");
    v.field("max_noise_cells", max_noise_cells, {.min = 0.01, .max = 8},
            "an octave is added while sqrt(noise x spacing) of the points stays below this many of its cells");
    v.field("features", features, {.min = 1, .max = 256}, "channels handed from octave to octave and to the decoder");
    v.field("decoder_hidden", decoder_hidden, {.min = 1, .max = 1024}, "width of the decoder");
    v.field("decoder_blocks", decoder_blocks, {.min = 0, .max = 16}, "ResNet blocks of the decoder");
    v.check(coarse_cells % 8 == 0, "coarse_cells", "must be a multiple of 8");
    v.check(coarse_cells > 2 * coarse_margin, "coarse_margin", "leaves no cells for the object; make it smaller");
    v.table("coarse", coarse, "U-Net of the coarse grid");
    v.table("fine", fine, "U-Net of every finer octave");
}

std::int64_t coarse_inputs() { return kernels::kSplatChannels + kernels::kOpennessChannels; }
std::int64_t fine_inputs(const CascadeConfig& config) { return kernels::kSplatChannels + config.features; }

namespace {

void add_layer(std::vector<CascadeParameter>& to, const std::string& name, std::vector<std::int64_t> weight) {
    const std::int64_t out = weight[0];
    to.push_back({name + ".weight", std::move(weight)});
    to.push_back({name + ".bias", {out}});
}

void add_unet(std::vector<CascadeParameter>& to, const std::string& unet, std::int64_t in,
              const std::vector<int>& widths, std::int64_t out) {
    const auto name = [&](const char* layer, std::size_t i) { return fmt::format("{}.{}.{}", unet, layer, i); };
    for (std::size_t i = 0; i < widths.size(); ++i) {
        const std::int64_t w = widths[i];
        add_layer(to, name("down_a", i), {w, i == 0 ? in : widths[i - 1], 3, 3, 3});
        if (i > 0) add_layer(to, name("down_b", i - 1), {w, w, 3, 3, 3});
        if (i + 1 == widths.size()) continue;
        add_layer(to, name("lift", i), {w, widths[i + 1], 1, 1, 1});
        add_layer(to, name("up", i), {w, w, 3, 3, 3});
    }
    add_layer(to, unet + ".last", {out, widths[0], 1, 1, 1});
}

}  // namespace

std::vector<CascadeParameter> cascade_parameters(const CascadeConfig& config) {
    std::vector<CascadeParameter> all;
    add_unet(all, "coarse", coarse_inputs(), config.coarse.widths, config.features);
    add_unet(all, "fine", fine_inputs(config), config.fine.widths, config.features);
    const std::int64_t hidden = config.decoder_hidden;
    add_layer(all, "decoder.first", {hidden, config.features});
    for (int i = 0; i < config.decoder_blocks; ++i) {
        add_layer(all, fmt::format("decoder.fc_0.{}", i), {hidden, hidden});
        add_layer(all, fmt::format("decoder.fc_1.{}", i), {hidden, hidden});
    }
    add_layer(all, "decoder.last", {1, hidden});
    return all;
}

}  // namespace nir::models
