// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/render/function_field.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/base/rng.h"
#include "nir/base/splitmix.h"
#include "nir/io/array.h"

#include "render/field_optimisers.h"
#include "render/tensor_fields.h"

#include <algorithm>
#include <cmath>

namespace nir::render {
namespace {

constexpr std::size_t kGroups = 16;   ///< of a step, whatever the number of threads
constexpr std::size_t kChunk = 512;   ///< points whose activations stay in the second cache
constexpr std::size_t kColumns = 16;  ///< outputs of the network, padded

kernels::PointArrays part(const kernels::PointArrays& p, std::size_t begin, std::size_t count) {
    return {p.x.subspan(begin, count), p.y.subspan(begin, count), p.z.empty() ? p.z : p.z.subspan(begin, count)};
}

/// What a part of a step's points leaves behind.
struct Group {
    std::vector<float> x, y, z, target;
    std::vector<float> encoded, hidden, out, d_out, d_encoded, scratch, network;
    std::vector<std::vector<float>> by_level;
    double loss = 0;
};

}  // namespace

FunctionField::FunctionField(const FunctionFieldConfig& c, std::uint64_t seed)
    : config(c), grid(kernels::hash_grid_layout(c.grid)) {
    if (c.hidden < 16 || c.hidden > 256 || c.hidden % 16 != 0)
        fail(ErrorKind::config, "function field: hidden = {} is not a multiple of 16 from 16 to 256", c.hidden);
    if (c.outputs < 1 || c.outputs > static_cast<int>(kColumns))
        fail(ErrorKind::config, "function field: outputs = {} is not 1 to {}", c.outputs, kColumns);
    if (grid.width() % 16 != 0)
        fail(ErrorKind::config, "function field: levels times features = {} is not a multiple of 16", grid.width());
    const auto width = static_cast<std::size_t>(c.hidden);
    net = {3, {grid.width(), width, width, kColumns}};
    Rng rng(seed);
    table.resize(grid.parameters()), half_table.resize(table.size());
    for (float& w : table) w = static_cast<float>(rng.uniform(-1e-4, 1e-4));
    for (std::size_t l = 0; l < net.layers; ++l) {
        const double bound = std::sqrt(6.0 / static_cast<double>(net.widths[l] + net.widths[l + 1]));
        for (std::size_t i = 0; i < net.widths[l] * net.widths[l + 1]; ++i)
            weights.push_back(static_cast<float>(rng.uniform(-bound, bound)));
    }
    packed.resize(weights.size());
    refresh();
}

void FunctionField::refresh() {
    kernels::to_half(table, half_table);
    kernels::mlp_pack(net, weights, packed);
}

void FunctionField::values(const kernels::PointArrays& points, std::span<float> out) const {
    const auto n_out = static_cast<std::size_t>(config.outputs);
    parallel_for(points.size(), 8 * kChunk, [&](std::size_t begin, std::size_t end) {
        std::vector<float> encoded(kChunk * grid.width()), hidden(kChunk * net.hidden()), y(kChunk * kColumns);
        for (std::size_t at = begin; at < end; at += kChunk) {
            const std::size_t n = std::min(kChunk, end - at);
            kernels::hash_grid_forward(grid, part(points, at, n), half_table, encoded, grid.width());
            kernels::mlp_forward(net, packed, n, encoded.data(), grid.width(), hidden, y.data(), kColumns);
            for (std::size_t i = 0; i < n; ++i)
                std::copy_n(y.data() + i * kColumns, n_out, out.data() + (at + i) * n_out);
        }
    });
}

struct FunctionTrainer::Impl {
    FunctionField& field;
    FunctionSource source;
    FunctionTrainerOptions options;
    std::vector<Group> groups{kGroups};
    TableAdam table;
    NetworkAdam network;
    std::size_t steps = 0;

    Impl(FunctionField& f, FunctionSource s, const FunctionTrainerOptions& o)
        : field(f), source(std::move(s)), options(o), table(f.grid), network(f.weights.size()) {
        options.batch = std::max<std::size_t>(options.batch / (kGroups * 16) * 16, 16) * kGroups;
    }

    /// Losses of a chunk, and their derivatives in d_out.
    void compare(Group& g, std::size_t at, std::size_t n) {
        const auto outputs = static_cast<std::size_t>(field.config.outputs);
        const float share = 1.0f / static_cast<float>(options.batch);
        std::fill(g.d_out.begin(), g.d_out.end(), 0.0f);
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t k = 0; k < outputs; ++k) {
                const float target = g.target[(at + i) * outputs + k], d = g.out[i * kColumns + k] - target;
                float loss = d * d, slope = 2 * d;
                if (options.loss == FunctionLoss::relative) {
                    const float scale = 1 / (std::abs(target) + 0.01f);
                    loss = std::abs(d) * scale, slope = d > 0 ? scale : d < 0 ? -scale : 0;
                }
                g.loss += static_cast<double>(loss * share);
                g.d_out[i * kColumns + k] = slope * share;
            }
    }

    void run(std::size_t index) {
        Group& g = groups[index];
        const std::size_t n = options.batch / kGroups, width = field.grid.width(),
                          features = static_cast<std::size_t>(field.grid.features);
        const bool plane = field.grid.dimensions == 2;
        g.x.resize(n), g.y.resize(n), g.z.resize(plane ? 0 : n);
        g.target.resize(n * static_cast<std::size_t>(field.config.outputs));
        g.encoded.resize(kChunk * width), g.hidden.resize(kChunk * field.net.hidden());
        g.out.resize(kChunk * kColumns), g.d_out.resize(kChunk * kColumns), g.d_encoded.resize(kChunk * width);
        g.scratch.resize(2 * kernels::kMlpRows * field.net.widest());
        g.network.assign(field.weights.size(), 0.0f), g.by_level.resize(field.grid.levels.size());
        for (auto& level : g.by_level) level.resize(n * features);
        g.loss = 0;
        source(splitmix64(options.seed ^ splitmix64(steps * kGroups + index)), {g.x, g.y, g.z, g.target});
        const kernels::PointArrays points{g.x, g.y, g.z};
        for (std::size_t at = 0; at < n; at += kChunk) {
            const std::size_t count = std::min(kChunk, n - at);
            const std::span<float> hidden = std::span(g.hidden).first(count * field.net.hidden());
            kernels::hash_grid_forward(field.grid, part(points, at, count), field.half_table, g.encoded, width);
            kernels::mlp_forward(field.net, field.packed, count, g.encoded.data(), width, hidden, g.out.data(),
                                 kColumns);
            compare(g, at, count);
            kernels::mlp_backward(field.net, field.weights, count, g.encoded.data(), width, hidden, g.d_out.data(),
                                  kColumns, g.d_encoded.data(), width, g.network, g.scratch);
            for (std::size_t l = 0; l < g.by_level.size(); ++l)
                for (std::size_t i = 0; i < count; ++i)
                    std::copy_n(g.d_encoded.data() + i * width + l * features, features,
                                g.by_level[l].data() + (at + i) * features);
        }
    }

    /// All arrays that decide how the training goes on, by name.
    template <class Visit>
    void visit_state(Visit&& visit) {
        visit("field.table", field.table), visit("field.network", field.weights);
        visit("adam.table", table.moments), visit("adam.table_steps", table.steps);
        visit("adam.network.mean", network.first), visit("adam.network.square", network.second);
    }

    double step(double progress) {
        parallel_for(kGroups, 1, [&](std::size_t begin, std::size_t end) {
            for (std::size_t g = begin; g < end; ++g) run(g);
        });
        double loss = 0;
        std::fill(network.gradient.begin(), network.gradient.end(), 0.0f);
        for (const Group& g : groups) {
            loss += g.loss;
            for (std::size_t i = 0; i < g.network.size(); ++i) network.gradient[i] += g.network[i];
        }
        if (!std::isfinite(loss))
            fail(ErrorKind::numeric, "step {}: the loss is not finite (seed {})", steps, options.seed);
        const double decay =
            std::clamp((progress - options.decay_from) / std::max(1 - options.decay_from, 1e-9), 0.0, 1.0);
        const double rate = options.learning_rate * std::pow(options.last_learning_rate / options.learning_rate, decay);
        const std::size_t levels = field.grid.levels.size();
        parallel_for(levels, 1, [&](std::size_t begin, std::size_t end) {
            for (std::size_t k = begin; k < end; ++k) {
                const std::size_t l = levels - 1 - k;
                for (const Group& g : groups) table.add(field.grid, l, {g.x, g.y, g.z}, g.by_level[l]);
                table.step(field.grid, l, rate, field.table, field.half_table);
            }
        });
        network.step(field.weights, rate, options.network_l2, ++steps);
        kernels::mlp_pack(field.net, field.weights, field.packed);
        return loss;
    }
};

FunctionTrainer::FunctionTrainer(FunctionField& field, FunctionSource source, const FunctionTrainerOptions& options)
    : impl_(std::make_unique<Impl>(field, std::move(source), options)) {}
FunctionTrainer::~FunctionTrainer() = default;
double FunctionTrainer::step(double progress) { return impl_->step(progress); }
std::size_t FunctionTrainer::steps() const { return impl_->steps; }

void FunctionTrainer::save(io::TensorFile& out) const {
    impl_->visit_state([&](const char* name, auto& values) { write_values(out, name, values); });
    write_number(out, "trainer.steps", impl_->steps);
}

void FunctionTrainer::restore(const io::TensorFile& file) {
    impl_->visit_state([&](const char* name, auto& values) { fill_values(file, name, values); });
    impl_->steps = read_number<std::size_t>(file, "trainer.steps");
    impl_->field.refresh();
}

FunctionSource image_samples(const geom::Image8& image) {
    return [&image](std::uint64_t seed, const FunctionSamples& out) {
        const auto channels = static_cast<std::size_t>(image.channels);
        const auto width = static_cast<std::uint64_t>(image.width), height = static_cast<std::uint64_t>(image.height);
        for (std::size_t i = 0; i < out.x.size(); ++i) {
            const std::uint64_t random = splitmix64(seed + i);
            const std::uint64_t column = (random & 0xFFFFFFFF) * width >> 32, row = (random >> 32) * height >> 32;
            out.x[i] = (static_cast<float>(column) + 0.5f) / static_cast<float>(width);
            out.y[i] = (static_cast<float>(row) + 0.5f) / static_cast<float>(height);
            const std::uint8_t* p = image.data.data() + (row * width + column) * channels;
            for (std::size_t k = 0; k < channels; ++k) out.target[i * channels + k] = static_cast<float>(p[k]) / 255;
        }
    };
}

geom::Image8 draw_function(const FunctionField& field, int width, int height) {
    geom::Image8 out(width, height, field.config.outputs);
    const auto columns = static_cast<std::size_t>(width), channels = static_cast<std::size_t>(out.channels);
    const std::size_t rows = std::clamp<std::size_t>(65536 / columns, 1, static_cast<std::size_t>(height));
    std::vector<float> x(columns * rows), y(x.size()), colours(x.size() * channels);
    for (std::size_t i = 0; i < x.size(); ++i)
        x[i] = (static_cast<float>(i % columns) + 0.5f) / static_cast<float>(width);
    for (std::size_t first = 0; first < static_cast<std::size_t>(height); first += rows) {
        const std::size_t n = std::min(rows, static_cast<std::size_t>(height) - first) * columns;
        for (std::size_t i = 0; i < n; ++i)
            y[i] = (static_cast<float>(first + i / columns) + 0.5f) / static_cast<float>(height);
        field.values({std::span(x).first(n), std::span(y).first(n), {}}, colours);
        for (std::size_t i = 0; i < n * channels; ++i)
            out.data[first * columns * channels + i] =
                static_cast<std::uint8_t>(std::lround(std::clamp(colours[i], 0.0f, 1.0f) * 255));
    }
    return out;
}

}  // namespace nir::render
