// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/base/splitmix.h"
#include "nir/kernels/sparse_adam.h"
#include "nir/kernels/spherical_harmonics.h"
#include "nir/render/light_field.h"

#include "render/field_optimisers.h"
#include "render/light_terms.h"
#include "render/tensor_fields.h"

#include <algorithm>
#include <cmath>

namespace nir::render {
namespace {

using geom::Vec3d;
using geom::Vec3f;

constexpr std::size_t kGroups = 16, kRows = 512;

// One pixel: what it shows, from where, under which light.
struct Sample {
    Vec3f place, normal, to_eye, to_light;  // place in the cube of the field
    std::array<float, 3> strength{};        // colour times falloff of the lamp
    float shade = 0;                        // visible share times max(n.l, 0)
    std::array<float, 3> target{};          // sRGB-encoded
};

float srgb_slope(float v) { return v <= 0.0031308f ? 12.92f : 1.055f / 2.4f * std::pow(v, 1 / 2.4f - 1); }

std::vector<Sample> samples_of(const LightField& field, const Surface& surface, const LitView& lit,
                               std::uint64_t seed) {
    const PosedView& photo = lit.view;
    const ViewSamples seen = view_samples(surface, photo.camera, photo.world_from_camera, 1);
    std::vector<Sample> out;
    for (std::size_t i = 0; i < seen.points.size(); ++i) {
        const std::size_t p = seen.pixel[i], at = p * static_cast<std::size_t>(photo.rgba.channels);
        if (!photo.valid.empty() && photo.valid[p] == 0) continue;
        if (photo.rgba.channels == 4 && photo.rgba.data[at + 3] != 255) continue;
        const SurfacePoint& point = seen.points[i];
        Sample s;
        s.place = static_cast<Vec3f>(field.frame.field_from_world(point.position));
        s.normal = point.normal;
        s.to_eye = static_cast<Vec3f>(normalized(photo.world_from_camera.position - point.position));
        s.to_light = static_cast<Vec3f>(lit.lamp.direction_from(point.position));
        s.shade = std::max(dot(s.normal, s.to_light), 0.0f);
        if (field.config.traced_shadows && s.shade > 0)
            s.shade *= visible_share(surface, point, lit.lamp, field.config.shadow_rays, seed ^ splitmix64(i));
        for (std::size_t k = 0; k < 3; ++k) {
            s.strength[k] = lit.lamp.color[k] * field.falloff(lit.lamp, point.position);
            s.target[k] = static_cast<float>(photo.rgba.data[at + k]) / 255;
        }
        out.push_back(s);
    }
    return out;
}

// Gradients of one part of a step.
struct Group {
    std::vector<float> trunk, head, x, y, z;
    std::vector<std::vector<float>> by_level;
    double loss = 0, squares = 0;

    void clear(const LightField& f) {
        trunk.assign(f.trunk_weights.size(), 0), head.assign(f.head_weights.size(), 0);
        x.clear(), y.clear(), z.clear();
        by_level.resize(f.grid.levels.size());
        for (auto& level : by_level) level.clear();
        loss = squares = 0;
    }
};

// A few hundred samples through both networks and back.
class Pass {
public:
    explicit Pass(const LightField& f)
        : f_(f),
          x_(kRows),
          y_(kRows),
          z_(kRows),
          encoded_(kRows * f.grid.width()),
          trunk_hidden_(kRows * f.trunk.hidden()),
          head_hidden_(kRows * f.head.hidden()),
          input_(kRows * f.head.in()),
          raw_(kRows * f.head.out()),
          d_encoded_(encoded_.size()),
          d_input_(input_.size()),
          d_raw_(raw_.size()),
          scratch_(2 * kernels::kMlpRows * std::max(f.trunk.widest(), f.head.widest())) {}

    /// @param scale of the gradient: 1 / (3 samples of the step)
    void run(std::span<const Sample* const> samples, float scale, Group& group) {
        forward(samples);
        const std::size_t in = f_.head.in(), n = samples.size();
        std::vector<std::array<float, 3>> d_ambient(n);
        for (std::size_t i = 0; i < n; ++i) d_ambient[i] = compare(*samples[i], i, scale, group);
        kernels::mlp_backward(f_.head, f_.head_weights, n, input_.data(), in, head_hidden_, d_raw_.data(),
                              f_.head.out(), d_input_.data(), in, group.head, scratch_);
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t k = 0; k < 3; ++k) d_input_[i * in + k] += d_ambient[i][k];
        const std::size_t width = f_.grid.width();
        kernels::mlp_backward(f_.trunk, f_.trunk_weights, n, encoded_.data(), width, trunk_hidden_, d_input_.data(), in,
                              d_encoded_.data(), width, group.trunk, scratch_);
        const auto features = static_cast<std::size_t>(f_.grid.features);
        for (std::size_t i = 0; i < n; ++i) {
            group.x.push_back(x_[i]), group.y.push_back(y_[i]), group.z.push_back(z_[i]);
            for (std::size_t l = 0; l < f_.grid.levels.size(); ++l) {
                const float* from = &d_encoded_[i * width + l * features];
                group.by_level[l].insert(group.by_level[l].end(), from, from + features);
            }
        }
    }

private:
    void forward(std::span<const Sample* const> samples) {
        const std::size_t n = samples.size(), in = f_.head.in();
        for (std::size_t i = 0; i < n; ++i)
            x_[i] = samples[i]->place.x, y_[i] = samples[i]->place.y, z_[i] = samples[i]->place.z;
        const auto part = [n](const std::vector<float>& v) { return std::span(v).first(n); };
        kernels::hash_grid_forward(f_.grid, {part(x_), part(y_), part(z_)}, f_.half_table, encoded_, f_.grid.width());
        kernels::mlp_forward(f_.trunk, f_.trunk_packed, n, encoded_.data(), f_.grid.width(), trunk_hidden_,
                             input_.data(), in);
        for (std::size_t i = 0; i < n; ++i) {
            SurfacePoint point;
            point.normal = samples[i]->normal;
            f_.angles(point, samples[i]->to_eye, samples[i]->to_light, &input_[i * in + LightField::kFeatures]);
        }
        kernels::mlp_forward(f_.head, f_.head_packed, n, input_.data(), in, head_hidden_, raw_.data(), f_.head.out());
    }

    // Loss of one sample and its gradient; returns that of the ambient part.
    std::array<float, 3> compare(const Sample& s, std::size_t i, float scale, Group& group) {
        const float* feature = &input_[i * f_.head.in()];
        const float* raw = &raw_[i * f_.head.out()];
        float* d_raw = &d_raw_[i * f_.head.out()];
        std::fill_n(d_raw, f_.head.out(), 0.0f);
        std::array<float, 3> d_ambient{};
        for (std::size_t k = 0; k < 3; ++k) {
            const float light = ambient_term(feature[k]) + s.strength[k] * lamp_terms(s.shade, raw[k], raw[3 + k]);
            const float shown = srgb_from_linear(std::min(light, 1.0f)), off = shown - s.target[k];
            group.loss += static_cast<double>(std::abs(off));
            group.squares += static_cast<double>(off) * static_cast<double>(off);
            // White on white: rounding must not push on.
            if (off == 0 || (light >= 1 && s.target[k] >= 1)) continue;
            const float d = (off > 0 ? scale : -scale) * srgb_slope(std::min(light, 1.0f));
            d_ambient[k] = d * logistic_of(feature[k] + kAmbientShift);
            d_raw[k] = d * s.strength[k] * s.shade * logistic_of(raw[k] + kDirectShift);
            d_raw[3 + k] = d * s.strength[k] * logistic_of(raw[3 + k] + kIndirectShift);
        }
        return d_ambient;
    }

    const LightField& f_;
    std::vector<float> x_, y_, z_, encoded_, trunk_hidden_, head_hidden_, input_, raw_, d_encoded_, d_input_, d_raw_,
        scratch_;
};

}  // namespace

struct LightTrainer::Impl {
    LightField& field;
    LightTrainerOptions options;
    std::vector<Sample> samples;
    std::size_t steps = 0;
    std::vector<Group> groups{kGroups};
    std::vector<float> table_gradient, table_moments;
    std::vector<std::uint16_t> table_steps;
    std::vector<std::vector<std::uint8_t>> touched;
    NetworkAdam trunk, head;

    Impl(LightField& f, const Surface& surface, const std::vector<LitView>& views, const LightTrainerOptions& o)
        : field(f),
          options(o),
          table_gradient(f.table.size()),
          table_moments(2 * f.table.size()),
          table_steps(f.grid.entries()),
          trunk(f.trunk_weights.size()),
          head(f.head_weights.size()) {
        for (std::size_t i = 0; i < views.size(); ++i) {
            const std::vector<Sample> of_view = samples_of(f, surface, views[i], splitmix64(i));
            samples.insert(samples.end(), of_view.begin(), of_view.end());
        }
        if (samples.empty())
            fail(ErrorKind::input, "no opaque pixel of the photos shows the mesh: is it in the cameras' coordinates?");
        for (const auto& level : f.grid.levels)
            touched.emplace_back((level.entries + kernels::kHashGridBlock - 1) / kernels::kHashGridBlock);
    }

    template <class Pick>
    void gradients(std::size_t n, const Pick& pick) {
        parallel_for(kGroups, 1, [&](std::size_t begin, std::size_t end) {
            Pass pass(field);
            std::vector<const Sample*> rows;
            for (std::size_t g = begin; g < end; ++g) {
                groups[g].clear(field);
                const std::size_t last = n * (g + 1) / kGroups;
                for (std::size_t at = n * g / kGroups; at < last; at += kRows) {
                    rows.clear();
                    for (std::size_t i = at; i < std::min(last, at + kRows); ++i) rows.push_back(&samples[pick(i)]);
                    pass.run(rows, 1 / (3 * static_cast<float>(n)), groups[g]);
                }
            }
        });
    }

    void sum_networks() {
        for (NetworkAdam* adam : {&trunk, &head}) std::fill(adam->gradient.begin(), adam->gradient.end(), 0.0f);
        for (const Group& group : groups) {
            for (std::size_t i = 0; i < group.trunk.size(); ++i) trunk.gradient[i] += group.trunk[i];
            for (std::size_t i = 0; i < group.head.size(); ++i) head.gradient[i] += group.head[i];
        }
    }

    void sum_level(std::size_t l) {
        const auto& level = field.grid.levels[l];
        const auto f = static_cast<std::size_t>(field.grid.features);
        for (const Group& group : groups)
            kernels::hash_grid_scatter(field.grid, l, {group.x, group.y, group.z}, group.by_level[l],
                                       std::span(table_gradient).subspan(level.offset * f, level.entries * f),
                                       touched[l]);
    }

    void step_level(std::size_t l, double rate) {
        const auto& level = field.grid.levels[l];
        const auto f = static_cast<std::size_t>(field.grid.features);
        const std::size_t from = level.offset * f, n = level.entries * f;
        kernels::SparseAdam adam;
        adam.learning_rate = static_cast<float>(rate);
        kernels::sparse_adam_step(
            adam, {f, std::span(table_gradient).subspan(from, n), touched[l], std::span(field.table).subspan(from, n),
                   std::span(table_moments).subspan(2 * from, 2 * n),
                   std::span(table_steps).subspan(level.offset, level.entries),
                   std::span(field.half_table).subspan(from, n)});
    }

    LightStep report(std::size_t n) const {
        LightStep out;
        for (const Group& group : groups) out.loss += group.loss, out.mse += group.squares;
        out.loss /= 3 * static_cast<double>(n), out.mse /= 3 * static_cast<double>(n);
        return out;
    }

    LightStep step(double progress) {
        const std::size_t n = options.batch;
        const std::uint64_t first = splitmix64(options.seed) + steps * n;
        gradients(n, [&](std::size_t i) { return static_cast<std::size_t>(splitmix64(first + i) % samples.size()); });
        const LightStep out = report(n);
        if (!std::isfinite(out.loss))
            fail(ErrorKind::numeric, "step {}: the loss is not finite (seed {})", steps, options.seed);
        const double decay =
            std::clamp((progress - options.decay_from) / std::max(1 - options.decay_from, 1e-9), 0.0, 1.0);
        const double rate = options.learning_rate * std::pow(options.last_learning_rate / options.learning_rate, decay);
        parallel_for(field.grid.levels.size(), 1, [&](std::size_t begin, std::size_t end) {
            for (std::size_t l = begin; l < end; ++l) sum_level(l), step_level(l, rate);
        });
        sum_networks();
        ++steps;
        trunk.step(field.trunk_weights, rate, options.network_l2, steps);
        head.step(field.head_weights, rate, options.network_l2, steps);
        field.pack_networks();
        return out;
    }

    template <class Visit>
    void visit_state(Visit&& visit) {
        visit("field.table", field.table), visit("field.trunk", field.trunk_weights);
        visit("field.head", field.head_weights);
        visit("adam.table", table_moments), visit("adam.table_steps", table_steps);
        visit("adam.trunk.mean", trunk.first), visit("adam.trunk.square", trunk.second);
        visit("adam.head.mean", head.first), visit("adam.head.square", head.second);
    }
};

LightTrainer::LightTrainer(LightField& field, const Surface& surface, const std::vector<LitView>& views,
                           const LightTrainerOptions& options)
    : impl_(std::make_unique<Impl>(field, surface, views, options)) {}
LightTrainer::~LightTrainer() = default;
std::size_t LightTrainer::samples() const { return impl_->samples.size(); }
std::size_t LightTrainer::steps() const { return impl_->steps; }
LightStep LightTrainer::step(double progress) { return impl_->step(progress); }

std::vector<float> LightTrainer::gradient_of(std::size_t n, double* loss) {
    Impl& t = *impl_;
    n = std::min(n, t.samples.size());
    t.gradients(n, [](std::size_t i) { return i; });
    t.sum_networks();
    std::fill(t.table_gradient.begin(), t.table_gradient.end(), 0.0f);
    for (std::size_t l = 0; l < t.field.grid.levels.size(); ++l) t.sum_level(l);
    std::vector<float> out = t.trunk.gradient;
    out.insert(out.end(), t.head.gradient.begin(), t.head.gradient.end());
    out.insert(out.end(), t.table_gradient.begin(), t.table_gradient.end());
    std::fill(t.table_gradient.begin(), t.table_gradient.end(), 0.0f);
    for (auto& level : t.touched) std::fill(level.begin(), level.end(), std::uint8_t{0});
    if (loss) *loss = t.report(n).loss;
    return out;
}

void LightTrainer::save(io::TensorFile& out) const {
    impl_->visit_state([&](const char* name, auto& values) { write_values(out, name, values); });
    write_number(out, "trainer.steps", impl_->steps);
}

void LightTrainer::restore(const io::TensorFile& file) {
    impl_->visit_state([&](const char* name, auto& values) { fill_values(file, name, values); });
    impl_->steps = read_number<std::size_t>(file, "trainer.steps");
    impl_->field.refresh_halves();
    impl_->field.pack_networks();
}

}  // namespace nir::render
