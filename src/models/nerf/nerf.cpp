// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/models/nerf.h"

#include "nir/base/error.h"
#include "nir/io/torch_checkpoint.h"
#include "nir/nn/checkpoint.h"

#include "models/nerf/nerf_net.h"
#include "models/nerf/nerf_rays.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace nir::models {
namespace {

using geom::Vec3f;
using torch::Tensor;

constexpr std::size_t kRaysAtOnce = 1024;

std::int64_t size_of(const io::TensorFile& state, const std::string& name, std::size_t axis, const std::string& file) {
    const io::NamedArray* array = state.find(name);
    if (!array || array->shape.size() != 2)
        fail(ErrorKind::format, "{}: no weights of a NeRF network (\"{}\" is missing or no matrix)", file, name);
    return array->shape[axis];
}

/// Octaves of sines in a row of 3 + 6 octaves values.
int octaves_of(std::int64_t values, const std::string& file) {
    if (values < 3 || values > 3 + 6 * 24 || (values - 3) % 6 != 0)
        fail(ErrorKind::format, "{}: a network that takes {} values is none of a NeRF with sines", file, values);
    return static_cast<int>((values - 3) / 6);
}

/// The sizes of a network, from its weights.
NerfConfig config_of(const io::TensorFile& state, const std::string& file) {
    NerfConfig c;
    const std::int64_t in = size_of(state, "pts_linears.0.weight", 1, file);
    const std::int64_t width = size_of(state, "pts_linears.0.weight", 0, file);
    if (width < 2 || width > 4096) fail(ErrorKind::format, "{}: layers of width {} are out of range", file, width);
    c.width = static_cast<int>(width);
    c.position_octaves = octaves_of(in, file);
    c.depth = 0;
    c.skip = -1;
    while (c.depth < 64 && state.find(fmt::format("pts_linears.{}.weight", c.depth))) {
        const std::int64_t takes = size_of(state, fmt::format("pts_linears.{}.weight", c.depth), 1, file);
        if (c.depth > 0 && takes == width + in) c.skip = c.depth - 1;
        ++c.depth;
    }
    c.view_directions = state.find("rgb_linear.weight") != nullptr;
    const std::int64_t seen = size_of(state, "views_linears.0.weight", 1, file) - width;
    if (c.view_directions)
        c.direction_octaves = octaves_of(seen, file);
    else
        c.outputs = static_cast<int>(std::clamp<std::int64_t>(size_of(state, "output_linear.weight", 0, file), 4, 5));
    return c;
}

NerfNet network(const io::TensorFile& state, const std::string& file) {
    NerfNet net(config_of(state, file));
    nn::load_state(*net, state, file);
    net->eval();
    return net;
}

Tensor rows(std::span<const Vec3f> v, std::size_t first, std::size_t count) {
    static_assert(sizeof(Vec3f) == 3 * sizeof(float));
    return torch::from_blob(const_cast<Vec3f*>(v.data() + first), {static_cast<std::int64_t>(count), 3},
                            torch::kFloat32);
}

void append(std::vector<float>& to, const Tensor& values) {
    const Tensor v = values.contiguous();
    to.insert(to.end(), v.data_ptr<float>(), v.data_ptr<float>() + v.numel());
}

}  // namespace

struct Nerf::Impl {
    NerfNet coarse{nullptr}, fine{nullptr};
    bool has_fine = false;
};

Nerf::Nerf(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Nerf::~Nerf() = default;
Nerf::Nerf(Nerf&&) noexcept = default;
Nerf& Nerf::operator=(Nerf&&) noexcept = default;

Nerf Nerf::load(const std::filesystem::path& checkpoint) {
    const io::TorchCheckpoint file = io::read_torch_checkpoint(checkpoint);
    const std::string name = checkpoint.string();
    auto impl = std::make_unique<Impl>();
    impl->coarse = network(file.below("network_fn_state_dict"), name);
    const io::TensorFile fine = file.below("network_fine_state_dict");
    impl->has_fine = !fine.arrays.empty();
    impl->fine = impl->has_fine ? network(fine, name) : impl->coarse;
    return Nerf(std::move(impl));
}

bool Nerf::has_fine() const { return impl_->has_fine; }

std::int64_t Nerf::n_parameters() const {
    std::int64_t n = 0;
    for (const auto& p : impl_->coarse->parameters()) n += p.numel();
    if (impl_->has_fine)
        for (const auto& p : impl_->fine->parameters()) n += p.numel();
    return n;
}

NerfPixels Nerf::render(const NerfRays& rays, const NerfSampling& sampling) const {
    NIR_CHECK(rays.directions.size() == rays.origins.size());
    NIR_CHECK(rays.viewed.empty() || rays.viewed.size() == rays.origins.size());
    if (!(sampling.near < sampling.far) || !std::isfinite(sampling.near) || !std::isfinite(sampling.far))
        fail(ErrorKind::usage, "rays from {} to {}: near must be below far", sampling.near, sampling.far);
    if (sampling.linear_in_disparity && !(sampling.near > 0))
        fail(ErrorKind::usage, "samples that are even in disparity need near > 0, not {}", sampling.near);
    // Fine samples are drawn between the middles of the coarse ones, of which the outer two are left out.
    if (sampling.coarse < (sampling.fine > 0 ? 4 : 2) || sampling.fine < 0)
        fail(ErrorKind::usage, "{} coarse and {} fine samples along a ray are too few", sampling.coarse, sampling.fine);
    const torch::InferenceMode guard;
    NerfPixels out;
    for (std::size_t first = 0; first < rays.origins.size(); first += kRaysAtOnce) {
        const std::size_t n = std::min(kRaysAtOnce, rays.origins.size() - first);
        const Tensor directions = rows(rays.directions, first, n);
        const Tensor viewed = rows(rays.viewed.empty() ? rays.directions : rays.viewed, first, n);
        const NerfMaps maps = render_rays(impl_->coarse, impl_->fine, rows(rays.origins, first, n), directions,
                                          viewed / viewed.norm(2, -1, true), sampling, {})
                                  .fine;
        append(out.rgb, maps.rgb);
        append(out.depth, maps.depth);
        append(out.opacity, maps.opacity);
    }
    return out;
}

}  // namespace nir::models
