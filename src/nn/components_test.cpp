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

/// Windows have eight voxels a side, see small_toml(). sin_cos: a unit of 1 keeps its fastest wave slow enough for
/// finite differences.
LocalDims local_dims(nn::PositionEncoding encoding) {
    LocalDims dims{.c_dim = 4, .padding = 0.1};
    dims.window.unit_size = encoding == nn::PositionEncoding::sin_cos ? 1.0 : 0.2;
    dims.window.query_cells = 1;
    dims.window.encoding = encoding;
    return dims;
}

const LocalDims kDims = local_dims(nn::PositionEncoding::linear);

/// Options that make rows small; a row that is not listed runs with its defaults.
std::string small_toml(const std::string& name) {
    if (name == "pointnet_local")
        return "features = [\"grid\", \"xz\", \"xy\", \"yz\"]\nhidden_dim = 5\nn_blocks = 3\nplane_resolution = 8\n"
               "grid_resolution = 4\nunet = { depth = 2, start_filters = 3 }\n"
               "unet3d = { num_levels = 2, f_maps = 4, num_groups = 2 }\n";
    if (name == "pointnet_patch")
        return "features = [\"grid\", \"xz\"]\nhidden_dim = 5\nn_blocks = 3\n"
               "unet = { depth = 2, start_filters = 3 }\nunet3d = { num_levels = 1, f_maps = 4, num_groups = 2 }\n";
    if (name == "voxel_local")
        return "features = [\"grid\", \"xz\"]\nplane_resolution = 8\ngrid_resolution = 4\n"
               "unet = { depth = 2, start_filters = 3 }\nunet3d = { num_levels = 2, f_maps = 4, num_groups = 2 }\n";
    if (name == "pointnet2") return "centers = [5, 3]\nneighbors = [4, 4]\nwidth = 4\n";
    if (name.starts_with("local")) return "hidden_size = 6\nn_blocks = 2\n";
    return "";
}

/// Row and variant of every local encoder or decoder: those of windows also with sin_cos.
template <class Rows>
std::vector<std::pair<std::string, std::string>> local_variants(const Rows& rows) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& row : rows) {
        out.emplace_back(row.config.name, "");
        if (row.config.name.ends_with("patch")) out.emplace_back(row.config.name, "sin_cos");
    }
    return out;
}

LocalDims dims_of(const std::string& variant) {
    return variant == "sin_cos" ? local_dims(nn::PositionEncoding::sin_cos) : kDims;
}

/// A number of each item of the batch that follows its first point, [B].
Tensor of_first_point(const Tensor& points) {
    return points.size(1) ? points.select(1, 0).select(1, 0) : torch::zeros({points.size(0)}, points.options());
}

Tensor observation_of(nn::ObservationKind kind, const Tensor& points);

std::vector<ComponentCase> encoder_cases() {
    std::vector<ComponentCase> cases;
    for (const auto& [name, variant] : local_variants(nn::local_encoder_rows())) {
        ComponentCase c;
        c.name = name, c.variant = variant;
        c.alternatives = nn::local_encoder_alternatives();
        c.small_toml = small_toml(c.name);
        c.make = [dims = dims_of(variant)](const AnyConfig& config) { return nn::make_local_encoder(config, dims); };
        c.run = [](torch::nn::Module& module, const Tensor& points) {
            auto& encoder = dynamic_cast<nn::LocalEncoder&>(module);
            const FeatureMaps features = encoder.encode(observation_of(encoder.takes(), points));
            std::vector<Tensor> out;
            for (const Tensor& map : features.maps)
                if (map.defined()) out.push_back(map);
            if (features.point_features.defined()) out.push_back(features.point_features);
            return out;
        };
        c.check_shapes = [](const std::vector<Tensor>& maps, std::int64_t n) {
            ASSERT_FALSE(maps.empty());
            for (const Tensor& m : maps) {
                if (m.dim() == 3) {  // features at points
                    EXPECT_EQ(m.sizes(), (std::vector<std::int64_t>{2, n, kDims.c_dim}));
                    continue;
                }
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
    for (const auto& [name, variant] : local_variants(nn::local_decoder_rows())) {
        ComponentCase c;
        c.name = name, c.variant = variant;
        c.alternatives = nn::local_decoder_alternatives();
        c.small_toml = small_toml(c.name);
        c.make = [dims = dims_of(variant)](const AnyConfig& config) { return nn::make_local_decoder(config, dims); };
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
            maps.window_lower = torch::full({batch, 3}, -0.6, torch::kFloat64);
            maps.window_side = 1.2;
            maps.points = golden_tensor(37, {1, 9, 3}, -.5, .5).to(points.dtype()).expand({batch, 9, 3});
            maps.point_features = golden_tensor(38, {1, 9, 4}, -1, 1).to(points.dtype()) * (seed + 2).view({-1, 1, 1});
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

// ------------------------------------------------------------------------------------------------ one code per shape

const nn::GlobalDims kGlobalDims{.c_dim = 4, .z_dim = 3};

/// An observation of any kind made from points, so that a permutation takes it along.
Tensor observation_of(nn::ObservationKind kind, const Tensor& points) {
    const Tensor first = of_first_point(points);
    switch (kind) {
        case nn::ObservationKind::none:
        case nn::ObservationKind::points:
            return points;
        case nn::ObservationKind::voxels:
            return golden_tensor(33, {1, 8, 8, 8}, -1, 1).to(points.dtype()) * (first + 2).view({-1, 1, 1, 1});
        case nn::ObservationKind::image:
            return golden_tensor(34, {1, 3, 66, 66}, 0, 1).to(points.dtype()) * (0.6 + 0.5 * first).view({-1, 1, 1, 1});
        case nn::ObservationKind::index:
            return ((first.detach() + 0.5) * 4.9).floor().to(torch::kInt64);
    }
    return {};
}

std::vector<ComponentCase> global_encoder_cases() {
    std::vector<ComponentCase> cases;
    for (const auto& row : nn::global_encoder_rows()) {
        ComponentCase c;
        c.name = row.config.name;
        if (c.name == "null") continue;  // no parameters, nothing to differentiate: GlobalEncoders.NullMakesNoCode
        c.alternatives = nn::global_encoder_alternatives();
        if (c.name.starts_with("pointnet")) c.small_toml = "hidden_dim = 6\n";
        const bool resnet = c.name.starts_with("resnet") || c.name == "atlasnet_resnet18";
        if (resnet) c.small_toml = "width = 4\n";
        if (c.name.starts_with("r2n2")) c.small_toml = "width = 6\n";
        if (c.name.starts_with("voxel")) c.small_toml = "resolution = 8\n";
        if (c.name == "idx") c.small_toml = "shapes = 5\n";
        c.make = [](const AnyConfig& config) { return nn::make_global_encoder(config, kGlobalDims); };
        c.run = [](torch::nn::Module& module, const Tensor& points) {
            auto& encoder = dynamic_cast<nn::GlobalEncoder&>(module);
            return std::vector<Tensor>{encoder.encode(observation_of(encoder.takes(), points))};
        };
        c.check_shapes = [](const std::vector<Tensor>& out, std::int64_t) {
            ASSERT_EQ(out.size(), 1u);
            EXPECT_EQ(out[0].sizes(), (std::vector<std::int64_t>{2, kGlobalDims.c_dim}));
        };
        c.kink_share = resnet || c.name.starts_with("atlasnet") ? 0.25 : 0.2;  // tensors of four entries
        c.kink_reason = "ReLU and maxima over points and pixels: of five entries one may step over a kink";
        cases.push_back(c);
    }
    return cases;
}

/// Rows with their variants: name, variant, further options.
const std::vector<std::array<std::string, 3>> kDecoderVariants = {
    {"simple", "leaky", "leaky = true\n"},
    {"cbatchnorm", "leaky", "leaky = true\n"},
    {"cbatchnorm", "legacy", "legacy = true\n"},
    {"cbatchnorm", "instance", "norm_method = \"instance_norm\"\n"},
    {"cbatchnorm2", "two", "n_blocks = 2\n"},
    {"batchnorm", "leaky", "leaky = true\n"},
    {"cbatchnorm_noresnet", "leaky", "leaky = true\n"},
};

std::vector<ComponentCase> global_decoder_cases() {
    std::vector<std::array<std::string, 3>> all = kDecoderVariants;
    for (const auto& row : nn::global_decoder_rows()) all.push_back({row.config.name, "", ""});
    std::vector<ComponentCase> cases;
    for (const auto& [name, variant, options] : all) {
        ComponentCase c;
        c.name = name, c.variant = variant;
        c.alternatives = nn::global_decoder_alternatives();
        c.small_toml = "hidden_size = 6\n" + options;
        c.make = [](const AnyConfig& config) { return nn::make_global_decoder(config, kGlobalDims); };
        c.run = [](torch::nn::Module& module, const Tensor& points) {
            const Tensor scale = (of_first_point(points).detach() + 2).unsqueeze(1);
            const Tensor z = golden_tensor(35, {1, kGlobalDims.z_dim}, -1, 1).to(points.dtype()) * scale;
            const Tensor code = golden_tensor(36, {1, kGlobalDims.c_dim}, -1, 1).to(points.dtype()) * scale;
            return std::vector<Tensor>{dynamic_cast<nn::GlobalDecoder&>(module).decode(points, z, code)};
        };
        c.check_shapes = [](const std::vector<Tensor>& out, std::int64_t n) {
            ASSERT_EQ(out.size(), 1u);
            EXPECT_EQ(out[0].sizes(), (std::vector<std::int64_t>{2, n}));
        };
        c.kink_share = 0.2;
        c.kink_reason = "ReLU, and the first points also scale the test's codes";
        cases.push_back(c);
    }
    return cases;
}

TEST(GlobalEncoders, NullMakesNoCode) {
    const auto encoder = nn::make_global_encoder(AnyConfig(nn::global_encoder_alternatives(), "null"), {0, 3});
    EXPECT_EQ(encoder->takes(), nn::ObservationKind::none);
    EXPECT_EQ(encoder->encode(torch::zeros({3, 7, 3})).sizes(), (std::vector<std::int64_t>{3, 0}));
    EXPECT_TRUE(encoder->parameters().empty());
    EXPECT_THROW((void)nn::make_global_encoder(AnyConfig(nn::global_encoder_alternatives(), "null"), {4, 0}), Error);
    EXPECT_THROW((void)nn::make_global_encoder(AnyConfig(nn::global_encoder_alternatives(), "resnet18"), {0, 3}),
                 Error);
}

TEST(GlobalEncoders, WrongSizesAreOneSentence) {
    const auto make = [](const char* name) {
        return nn::make_global_encoder(AnyConfig(nn::global_encoder_alternatives(), name), {4, 0});
    };
    EXPECT_THROW((void)make("voxel_simple")->encode(torch::zeros({1, 32, 32, 31})), Error);
    EXPECT_THROW((void)make("simple_conv")->encode(torch::zeros({1, 3, 62, 100})), Error);
    EXPECT_THROW((void)make("idx")->encode(torch::ones({1}, torch::kInt64)), Error);
    EXPECT_THROW((void)make("idx")->encode(-torch::ones({1}, torch::kInt64)), Error);
}

const auto kName = [](const ::testing::TestParamInfo<ComponentCase>& info) {
    return info.param.name + (info.param.variant.empty() ? "" : "_" + info.param.variant);
};
INSTANTIATE_TEST_SUITE_P(GlobalEncoders, ComponentSuite, ::testing::ValuesIn(global_encoder_cases()), kName);
INSTANTIATE_TEST_SUITE_P(GlobalDecoders, ComponentSuite, ::testing::ValuesIn(global_decoder_cases()), kName);
INSTANTIATE_TEST_SUITE_P(Encoders, ComponentSuite, ::testing::ValuesIn(encoder_cases()), kName);
INSTANTIATE_TEST_SUITE_P(Decoders, ComponentSuite, ::testing::ValuesIn(decoder_cases()), kName);

}  // namespace
}  // namespace nir::test
