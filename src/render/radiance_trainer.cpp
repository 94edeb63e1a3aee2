// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/render/radiance_trainer.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/base/timer.h"
#include "nir/io/array.h"

#include "render/field_optimisers.h"
#include "render/tensor_fields.h"
#include "render/training_chunk.h"

#include <algorithm>
#include <cmath>
#include <mutex>

namespace nir::render {
namespace {

/// A step's rays in this many parts, whatever the number of threads: their gradients are added in order.
constexpr std::size_t kGroups = 16;
/// Samples that a chunk of rays should have: their activations stay in the second cache.
constexpr std::size_t kChunkSamples = 768;
constexpr std::size_t kFewestRays = 128, kMostRays = std::size_t{1} << 18;

}  // namespace

struct RadianceTrainer::Impl {
    RadianceField& field;
    OccupancyGrid& grid;
    TrainingScene scene;
    std::size_t steps = 0, rays, grid_turn = 0;
    double samples_per_ray = 64;

    std::vector<GroupGradients> groups{kGroups};
    std::vector<std::unique_ptr<TrainingChunk>> idle_chunks;
    std::mutex idle_mutex;

    TableAdam table_adam;
    NetworkAdam density_adam, colour_adam, environment_adam;

    Impl(RadianceField& f, OccupancyGrid& g, const std::vector<PosedView>& views, const FieldFrame& frame,
         const RadianceTrainerOptions& options)
        : field(f),
          grid(g),
          scene(f, views, frame, options),
          rays(std::clamp(options.first_batch / 64, kFewestRays, kMostRays)),
          table_adam(f.grid),
          density_adam(f.density_weights.size()),
          colour_adam(f.colour_weights.size()),
          environment_adam(scene.environment.raw.size()) {
        read_candidates();
    }

    /// Runs the rays of one group chunk by chunk, on memory that the last user left.
    void run_group(std::size_t index) {
        std::unique_ptr<TrainingChunk> chunk;
        {
            const std::lock_guard lock(idle_mutex);
            if (!idle_chunks.empty()) chunk = std::move(idle_chunks.back()), idle_chunks.pop_back();
        }
        if (!chunk) chunk = std::make_unique<TrainingChunk>();
        GroupGradients& group = groups[index];
        group.clear(scene);
        const auto per_chunk = static_cast<std::size_t>(
            std::clamp(static_cast<double>(kChunkSamples) / std::max(samples_per_ray, 0.1), 8.0, 2048.0));
        const std::size_t begin = rays * index / kGroups, end = rays * (index + 1) / kGroups;
        for (std::size_t at = begin; at < end; at += per_chunk)
            chunk->run(scene, grid.view(), steps, rays, at, std::min(end, at + per_chunk), group);
        const std::lock_guard lock(idle_mutex);
        idle_chunks.push_back(std::move(chunk));
    }

    /// What a field with a surface may show by now: levels from coarse to fine, a transition that narrows.
    void follow_progress(double progress) {
        if (!field.has_surface()) return;
        const auto& o = scene.options;
        const double levels = static_cast<double>(field.grid.levels.size());
        const auto first = static_cast<double>(std::min(RadianceField::kFirstLevels, field.grid.levels.size()));
        const double share = std::min(1.0, progress / std::max(o.levels_until, 1e-9));
        scene.active_levels = static_cast<std::size_t>(first + std::floor(share * (levels - first) + 1e-9));
        const double sharp = std::min(1.0, progress / std::max(o.sharp_from, 1e-9));
        field.sharpness = static_cast<float>(o.first_sharpness * std::pow(o.last_sharpness / o.first_sharpness, sharp));
    }

    /// The cells that carving has left, as bits.
    void read_candidates() {
        if (!field.has_surface() || grid.candidates() == kernels::kCellsPerCascade) return;
        scene.candidates.assign(kernels::kBricksPerCascade, 0);
        for (const std::uint32_t cell : grid.candidate_cells())
            scene.candidates[cell / 64] |= std::uint64_t{1} << (cell % 64);
    }

    /// One thread owns a level: it adds the gradients in the order of the groups and moves what was touched.
    void update_level(std::size_t l, double rate) {
        if (l >= scene.active_levels) return;
        for (const GroupGradients& group : groups)
            table_adam.add(field.grid, l, {group.x, group.y, group.z}, group.by_level[l]);
        table_adam.step(field.grid, l, rate, field.table, field.half_table);
    }

    void update_networks(double rate) {
        for (NetworkAdam* adam : {&density_adam, &colour_adam})
            std::fill(adam->gradient.begin(), adam->gradient.end(), 0.0f);
        for (const GroupGradients& group : groups) {
            for (std::size_t i = 0; i < group.density.size(); ++i) density_adam.gradient[i] += group.density[i];
            for (std::size_t i = 0; i < group.colour.size(); ++i) colour_adam.gradient[i] += group.colour[i];
        }
        density_adam.step(field.density_weights, rate, scene.options.network_l2, steps + 1);
        colour_adam.step(field.colour_weights, rate, scene.options.network_l2, steps + 1);
        field.pack_networks();
    }

    /// Gains, poses and background, from the gradients of all groups in order.
    void update_photos(double rate, double progress) {
        const auto& o = scene.options;
        const auto sum = [&](auto member, std::vector<float>& out) {
            std::fill(out.begin(), out.end(), 0.0f);
            for (const GroupGradients& group : groups)
                for (std::size_t i = 0; i < out.size(); ++i) out[i] += (group.*member)[i];
        };
        if (o.environment) {
            sum(&GroupGradients::environment, environment_adam.gradient);
            environment_adam.step(scene.environment.raw, rate, 0, steps + 1);
        }
        if (progress < o.corrections_from) return;
        const double share = rate / o.learning_rate;
        std::vector<float> gradient;
        if (o.exposure) {
            gradient.resize(6 * scene.views.size());
            sum(&GroupGradients::gains, gradient);
            scene.corrections.step_gains(gradient, o.gain_rate * share);
        }
        if (o.poses) {
            gradient.resize(6 * scene.views.size());
            sum(&GroupGradients::poses, gradient);
            scene.corrections.step_poses(gradient, o.pose_rate * share, scene.frame.side);
        }
        if (o.exposure || o.poses) scene.follow_corrections();
    }

    double learning_rate(double progress) const {
        const auto& o = scene.options;
        const double decay = std::clamp((progress - o.decay_from) / std::max(1 - o.decay_from, 1e-9), 0.0, 1.0);
        return o.learning_rate * std::pow(o.last_learning_rate / o.learning_rate, decay);
    }

    /// So many rays that the next step trains about as many samples as it should.
    void choose_rays(const StepReport& report) {
        const auto& o = scene.options;
        const std::size_t doublings = std::min<std::size_t>(steps / std::max<std::size_t>(o.double_every, 1), 30);
        const auto wanted = static_cast<double>(std::min(o.last_batch, o.first_batch << doublings));
        samples_per_ray = static_cast<double>(report.evaluated) / static_cast<double>(report.rays);
        if (report.trained == 0) return;
        const double next = static_cast<double>(report.rays) * wanted / static_cast<double>(report.trained);
        rays = std::clamp(static_cast<std::size_t>(next), kFewestRays, kMostRays) / 16 * 16;
    }

    void update_grid() {
        const auto& o = scene.options;
        if (steps < o.grid_from || steps % std::clamp<std::size_t>(steps / 8, 1, o.grid_every) != 0) return;
        const std::size_t turn = grid_turn++;
        grid.update(field, turn % o.grid_phases, o.grid_phases, o.grid_decay, splitmix64(o.seed ^ (turn << 20)));
    }

    /// All that changes from step to step, by name. What follows from it (halves, packed weights) is made again.
    template <class Visit>
    void visit_state(Visit&& visit) {
        visit("field.table", field.table), visit("field.density", field.density_weights);
        visit("field.colour", field.colour_weights);
        visit("adam.table", table_adam.moments), visit("adam.table_steps", table_adam.steps);
        visit("adam.density.mean", density_adam.first), visit("adam.density.square", density_adam.second);
        visit("adam.colour.mean", colour_adam.first), visit("adam.colour.square", colour_adam.second);
        visit("environment", scene.environment.raw);
        visit("adam.environment.mean", environment_adam.first);
        visit("adam.environment.square", environment_adam.second);
        scene.corrections.visit(visit);
    }

    StepReport step(double progress) {
        StepReport report;
        Timer timer;
        follow_progress(progress);
        update_grid();
        report.grid_s = timer.seconds();
        timer.restart();
        parallel_for(kGroups, 1, [&](std::size_t begin, std::size_t end) {
            for (std::size_t g = begin; g < end; ++g) run_group(g);
        });
        report.rays_s = timer.seconds();
        report.rays = rays;
        for (const GroupGradients& group : groups) {
            report.evaluated += group.evaluated, report.trained += group.trained;
            report.loss += group.loss, report.mse += group.squared_error;
        }
        report.loss /= 3 * static_cast<double>(rays), report.mse /= 3 * static_cast<double>(rays);
        if (!std::isfinite(report.loss))
            fail(ErrorKind::numeric, "step {}: the loss is not finite (seed {})", steps, scene.options.seed);
        timer.restart();
        const double rate = learning_rate(progress);
        // From the finest level down: the long tasks first.
        const std::size_t levels = field.grid.levels.size();
        parallel_for(levels, 1, [&](std::size_t begin, std::size_t end) {
            for (std::size_t l = begin; l < end; ++l) update_level(levels - 1 - l, rate);
        });
        update_networks(rate);
        update_photos(rate, progress);
        report.table_s = timer.seconds();
        ++steps;
        choose_rays(report);
        return report;
    }
};

RadianceTrainer::RadianceTrainer(RadianceField& field, OccupancyGrid& grid, const std::vector<PosedView>& views,
                                 const FieldFrame& frame, const RadianceTrainerOptions& options)
    : impl_(std::make_unique<Impl>(field, grid, views, frame, options)) {}
RadianceTrainer::~RadianceTrainer() = default;
StepReport RadianceTrainer::step(double progress) { return impl_->step(progress); }
std::size_t RadianceTrainer::steps() const { return impl_->steps; }

void RadianceTrainer::save(io::TensorFile& out) const {
    Impl& t = *impl_;
    t.visit_state([&](const char* name, auto& values) { write_values(out, name, values); });
    write_values(out, "grid.cells", t.grid.candidate_cells());
    write_values(out, "grid.values", t.grid.candidate_values());
    write_number(out, "trainer.steps", t.steps), write_number(out, "trainer.rays", t.rays);
    write_number(out, "trainer.grid_turn", t.grid_turn);
    write_number(out, "trainer.samples_per_ray", t.samples_per_ray);
    if (t.field.has_surface()) write_number(out, "field.sharpness", t.field.sharpness);
}

void RadianceTrainer::restore(const io::TensorFile& file) {
    Impl& t = *impl_;
    OccupancyGrid grid(t.grid.cascades(), read_values<std::uint32_t>(file, "grid.cells"),
                       read_values<float>(file, "grid.values"));
    const auto rays = read_number<std::size_t>(file, "trainer.rays");
    if (rays < kFewestRays || rays > kMostRays) fail(ErrorKind::format, "{} rays a step are out of range", rays);
    t.visit_state([&](const char* name, auto& values) { fill_values(file, name, values); });
    t.steps = read_number<std::size_t>(file, "trainer.steps"), t.rays = rays;
    t.grid_turn = read_number<std::size_t>(file, "trainer.grid_turn");
    t.samples_per_ray = read_number<double>(file, "trainer.samples_per_ray");
    t.grid = std::move(grid);
    t.read_candidates();
    if (t.field.has_surface()) t.field.sharpness = read_number<float>(file, "field.sharpness");
    t.field.refresh_halves();
    t.field.pack_networks();
    t.scene.corrections.restored();
    t.scene.follow_corrections();
}

const PhotoCorrections& RadianceTrainer::corrections() const { return impl_->scene.corrections; }
const EnvironmentMap& RadianceTrainer::environment() const { return impl_->scene.environment; }

}  // namespace nir::render
