// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Every row of the registries of encoders and decoders goes through tests/support/component_suite.h.
#include "nir/nn/registry.h"

#include "support/component_suite.h"

namespace nir::test {
namespace {

using nn::FeatureMaps;
using nn::LocalDims;
using nn::Representation;
using torch::Tensor;

const LocalDims kDims{.c_dim = 4, .padding = 0.1};

/// Options that make rows small; a row that is not listed runs with its defaults.
std::string small_toml(const std::string& name) {
    if (name == "pointnet_local")
        return "features = [\"grid\", \"xz\", \"xy\", \"yz\"]\nhidden_dim = 5\nn_blocks = 3\nplane_resolution = 8\n"
               "grid_resolution = 4\nunet = { depth = 2, start_filters = 3 }\n"
               "unet3d = { num_levels = 2, f_maps = 4, num_groups = 2 }\n";
    if (name == "local") return "hidden_size = 6\nn_blocks = 2\n";
    return "";
}

std::vector<ComponentCase> encoder_cases() {
    std::vector<ComponentCase> cases;
    for (const auto& row : nn::local_encoder_rows()) {
        ComponentCase c;
        c.name = row.config.name;
        c.alternatives = nn::local_encoder_alternatives();
        c.small_toml = small_toml(c.name);
        c.make = [](const AnyConfig& config) { return nn::make_local_encoder(config, kDims); };
        c.run = [](torch::nn::Module& module, const Tensor& points) {
            std::vector<Tensor> out;
            for (const Tensor& map : dynamic_cast<nn::LocalEncoder&>(module).encode(points).maps)
                if (map.defined()) out.push_back(map);
            return out;
        };
        c.check_shapes = [](const std::vector<Tensor>& maps, std::int64_t) {
            ASSERT_FALSE(maps.empty());
            for (const Tensor& m : maps) {
                EXPECT_TRUE(m.dim() == 4 || m.dim() == 5);
                EXPECT_EQ(m.size(0), 2);
                EXPECT_EQ(m.size(1), kDims.c_dim);
                for (std::int64_t d = 3; d < m.dim(); ++d) EXPECT_EQ(m.size(d), m.size(2));
            }
        };
        c.kink_share = 0.2;
        c.kink_reason = "ReLU, max pooling over cells and in U-Nets: of five entries one may step over a kink";
        cases.push_back(c);
    }
    return cases;
}

std::vector<ComponentCase> decoder_cases() {
    std::vector<ComponentCase> cases;
    for (const auto& row : nn::local_decoder_rows()) {
        ComponentCase c;
        c.name = row.config.name;
        c.alternatives = nn::local_decoder_alternatives();
        c.small_toml = small_toml(c.name);
        c.make = [](const AnyConfig& config) { return nn::make_local_decoder(config, kDims); };
        c.run = [](torch::nn::Module& module, const Tensor& points) {
            // Item i of the batch reads maps that depend on its first point, so that a permutation takes them along.
            const std::int64_t batch = points.size(0);
            FeatureMaps maps;
            const Tensor seed =
                points.size(1) ? points.select(1, 0).select(1, 0).detach() : torch::zeros({batch}, points.options());
            maps[Representation::grid] =
                golden_tensor(31, {1, 4, 5, 5, 5}, -1, 1).to(points.dtype()) * (seed + 2).view({-1, 1, 1, 1, 1});
            maps[Representation::xz] =
                golden_tensor(32, {1, 4, 6, 6}, -1, 1).to(points.dtype()) * (seed + 2).view({-1, 1, 1, 1});
            // The gradient of the maps' weights is not the decoder's business.
            return std::vector<Tensor>{dynamic_cast<nn::LocalDecoder&>(module).decode(points, maps)};
        };
        c.check_shapes = [](const std::vector<Tensor>& out, std::int64_t n) {
            ASSERT_EQ(out.size(), 1u);
            EXPECT_EQ(out[0].sizes(), (std::vector<std::int64_t>{2, n}));
        };
        c.kink_share = 0.2;
        c.kink_reason = "ReLU, and the first points also scale the test's feature maps";
        cases.push_back(c);
    }
    return cases;
}

const auto kName = [](const ::testing::TestParamInfo<ComponentCase>& info) { return info.param.name; };
INSTANTIATE_TEST_SUITE_P(Encoders, ComponentSuite, ::testing::ValuesIn(encoder_cases()), kName);
INSTANTIATE_TEST_SUITE_P(Decoders, ComponentSuite, ::testing::ValuesIn(decoder_cases()), kName);

}  // namespace
}  // namespace nir::test
