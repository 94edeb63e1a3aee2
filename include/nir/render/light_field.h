// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/kernels/hash_grid.h"
#include "nir/kernels/small_mlp.h"
#include "nir/render/lighting.h"
#include "nir/render/posed_view.h"
#include "nir/render/surface.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace nir::io {
struct TensorFile;
}

namespace nir::render {

struct LightFieldConfig {
    kernels::HashGridConfig grid{
        .levels = 8, .features = 4, .log2_entries = 16, .base_resolution = 8, .finest_resolution = 256};
    int hidden = 64;  ///< width of the hidden layers, a multiple of 16
    /// Shadows of the known mesh are traced and given to the field; else they are learned from the light's direction.
    bool traced_shadows = true;
    int shadow_rays = 6;
};

/// The light that a surface sends out, f(p, v, l): a hash grid and a network turn the point p into 16 features, of
/// which three are the light it sends out without any lamp (ambient); a second network turns the features, angles
/// between normal, view and light, and (without traced shadows) the direction of the light into reflectances:
///
///     f = ambient a(p) + colour * falloff * ( shadow(p, l) max(n.l, 0) direct(p, v, l) + indirect(p, v, l) )
///
/// Linear in the lamp's colour and additive over lamps by construction. Linear light throughout.
/// Ref: Oechsle et al. 2020 (surface light fields); mueller2022 (encoding).
/// Deviation: features of angles and the explicit cosine, so that eight lamp positions are enough to learn from.
struct LightField {
    static constexpr std::size_t kFeatures = 16, kAngles = 16;

    LightFieldConfig config;
    FieldFrame frame;
    double reference_distance = 1;  ///< of a lamp of colour 1 in the training: falloff is 1 there
    double lamp_radius = 0;         ///< of the training
    kernels::HashGridLayout grid;
    kernels::SmallMlp trunk, head;
    std::vector<float> table;
    std::vector<std::uint16_t> half_table;
    std::vector<float> trunk_weights, head_weights, trunk_packed, head_packed;

    /// @throws Error{config}.
    LightField(const LightFieldConfig& config, const FieldFrame& frame, std::uint64_t seed = 0);
    void pack_networks();
    void refresh_halves();
    std::size_t parameters() const { return table.size() + trunk_weights.size() + head_weights.size(); }

    /// Numbers that the head is given behind the features, for one point: head.in() - kFeatures of them.
    void angles(const SurfacePoint& point, geom::Vec3f to_eye, geom::Vec3f to_light, float* out) const;
    /// Falloff of a lamp at a point, 1 at the reference distance (a distant lamp: everywhere).
    float falloff(const LightSource& lamp, geom::Vec3d p) const;

    /// Linear radiance [points, 3] towards the eye. @param ambient times what was there in the training
    std::vector<float> colors(const Surface& surface, std::span<const SurfacePoint> points, geom::Vec3d eye,
                              std::span<const LightSource> lamps, float ambient = 1) const;
};

/// A photo under one small lamp.
struct LitView {
    PosedView view;
    LightSource lamp;  ///< colour 1: the usual lamp of the training
};

struct LightTrainerOptions {
    std::uint64_t seed = 0;
    std::size_t batch = 8192;
    double learning_rate = 1e-2, last_learning_rate = 2e-4, decay_from = 0.2;
    double network_l2 = 1e-6;
};

struct LightStep {
    double loss = 0;  ///< mean absolute difference of the sRGB-encoded colours
    double mse = 0;   ///< of the same
};

/// Trains a light field on photos of a known mesh under moving lamps: L1 between the sRGB-encoded colours of opaque
/// pixels and of the field, gradients by the kernels. Same seed, same bits, for any number of threads.
class LightTrainer {
public:
    /// Keeps references to field and surface; looks along every pixel once and traces its shadow.
    /// @throws Error{input} if no pixel shows the surface.
    LightTrainer(LightField& field, const Surface& surface, const std::vector<LitView>& views,
                 const LightTrainerOptions& options);
    ~LightTrainer();
    LightTrainer(const LightTrainer&) = delete;
    LightTrainer& operator=(const LightTrainer&) = delete;

    std::size_t samples() const;
    std::size_t steps() const;
    /// @param progress 0..1 sets the learning rate. @throws Error{numeric} if the loss is not finite.
    LightStep step(double progress);
    /// The gradient of the loss of the first `n` samples: trunk and head weights, then the table. For tests.
    std::vector<float> gradient_of(std::size_t n, double* loss);

    void save(io::TensorFile& out) const;
    /// @throws Error{format}.
    void restore(const io::TensorFile& file);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// All that a picture needs: the field, the mesh it lies on, and the lamps and cameras of the training.
struct LightModel {
    LightField field;
    geom::TriMesh mesh;
    std::vector<geom::Vec3d> lamps;  ///< positions in the training
    geom::Camera camera;             ///< of the first photo
    geom::Pose first;                ///< where it stood
    double distance = 1;             ///< median of the photos' from the middle of the mesh
    std::map<std::string, std::string> info{};
};
/// safetensors, format "nir.light_field", version 1. @throws Error io.
void save_light_field(const std::filesystem::path& path, const LightModel& model);
/// @throws Error input, format.
LightModel load_light_field(const std::filesystem::path& path);
bool is_light_field(const std::map<std::string, std::string>& metadata);

}  // namespace nir::render
