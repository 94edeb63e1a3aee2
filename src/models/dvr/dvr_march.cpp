// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/dvr/dvr_march.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/extract/color_source.h"

#include "nn/network_weights.h"

#include <cmath>
#include <limits>

namespace nir::models {

using torch::Tensor;

namespace {

constexpr std::size_t kRays = 96;    ///< of a block, which one thread follows
constexpr std::size_t kAtOnce = 4;   ///< samples along each of them between two looks
constexpr std::size_t kGrain = 960;  ///< points of a chunk

/// One block of rays while it is followed.
class Block {
public:
    Block(const kernels::ResidualMlp& net, const DvrMarch& march, const float* origins, const float* directions,
          const float* bounds, std::size_t n)
        : net_(net), march_(march), origins_(origins), directions_(directions), bounds_(bounds) {
        for (std::size_t i = 0; i < n; ++i) active_.push_back(i);
        last_.resize(n), lo_.resize(n), hi_.resize(n), f_lo_.resize(n), f_hi_.resize(n);
    }

    /// @param depth [n]
    void run(float* depth) {
        const auto steps = static_cast<std::size_t>(march_.steps);
        if (march_.stride > 1)
            look_twice(depth);
        else
            for (std::size_t first = 0; first < steps && !active_.empty(); first += kAtOnce)
                look(first, std::min(kAtOnce, steps - first), depth);
        for (const std::size_t ray : active_) depth[ray] = std::numeric_limits<float>::infinity();
        refine(depth);
    }

private:
    float sample(std::size_t ray, std::size_t step) const {
        const auto steps = static_cast<std::size_t>(march_.steps);
        const float width = 1.0f / static_cast<float>(steps - 1);
        // As torch::linspace: from the nearer end.
        const float t =
            step < steps / 2 ? width * static_cast<float>(step) : 1.0f - width * static_cast<float>(steps - 1 - step);
        return bounds_[2 * ray] + t * (bounds_[2 * ray + 1] - bounds_[2 * ray]);
    }
    void add_point(std::size_t ray, float d) {
        for (std::size_t a = 0; a < 3; ++a) points_.push_back(origins_[3 * ray + a] + directions_[3 * ray + a] * d);
    }
    void ask() {
        values_.resize(points_.size() / 3);
        net_.values(points_, {}, values_);
        for (float& v : values_) v -= march_.level;
    }

    /// The next `count` samples of the active rays; those that are decided leave.
    void look(std::size_t first, std::size_t count, float* depth) {
        points_.clear();
        for (const std::size_t ray : active_)
            for (std::size_t k = 0; k < count; ++k) add_point(ray, sample(ray, first + k));
        ask();
        std::size_t kept = 0;
        for (std::size_t i = 0; i < active_.size(); ++i)
            if (undecided(active_[i], first, {values_.data() + i * count, count}, depth)) active_[kept++] = active_[i];
        active_.resize(kept);
    }

    /// Few samples of all rays, and those between them where they may hide a surface.
    void look_twice(float* depth) {
        const auto steps = static_cast<std::size_t>(march_.steps), stride = static_cast<std::size_t>(march_.stride);
        std::vector<std::size_t> coarse;
        for (std::size_t s = 0; s + 1 < steps; s += stride) coarse.push_back(s);
        coarse.push_back(steps - 1);
        std::vector<std::vector<float>> known(last_.size(), std::vector<float>(steps, std::nanf("")));
        points_.clear();
        for (const std::size_t ray : active_)
            for (const std::size_t s : coarse) add_point(ray, sample(ray, s));
        ask();
        float steepest = 0;  // change per sample
        for (std::size_t i = 0; i < active_.size(); ++i)
            for (std::size_t c = 0; c < coarse.size(); ++c) {
                auto& v = known[active_[i]];
                v[coarse[c]] = values_[i * coarse.size() + c];
                if (c > 0)
                    steepest = std::max(steepest, std::abs(v[coarse[c]] - v[coarse[c - 1]]) /
                                                      static_cast<float>(coarse[c] - coarse[c - 1]));
            }
        std::vector<std::pair<std::size_t, std::size_t>> asked;
        points_.clear();
        for (const std::size_t ray : active_) {
            const auto& v = known[ray];
            for (std::size_t c = 1; c < coarse.size() && v[0] < 0; ++c) {
                const std::size_t from = coarse[c - 1], to = coarse[c];
                const bool enters = v[to] > 0;
                if (enters || -v[from] - v[to] < kSteepest * steepest * static_cast<float>(to - from))
                    for (std::size_t s = from + 1; s < to; ++s)
                        asked.emplace_back(ray, s), add_point(ray, sample(ray, s));
                if (enters) break;
            }
        }
        ask();
        for (std::size_t i = 0; i < asked.size(); ++i) known[asked[i].first][asked[i].second] = values_[i];
        std::erase_if(active_, [&](std::size_t ray) {
            for (std::size_t s = 0; s < steps; ++s)
                if (const float v = known[ray][s]; !std::isnan(v) && !undecided(ray, s, {&v, 1}, depth)) return true;
            return false;
        });
    }

    bool undecided(std::size_t ray, std::size_t first, std::span<const float> v, float* depth) {
        for (std::size_t k = 0; k < v.size(); ++k) {
            if (first + k == 0) {
                if (v[0] >= 0) {
                    depth[ray] = 0;
                    return false;
                }
            } else if ((last_[ray] < 0 && v[k] > 0) || (last_[ray] > 0 && v[k] < 0)) {
                // A value that is exactly zero is no change; coming out first is no surface.
                if (last_[ray] > 0) {
                    depth[ray] = std::numeric_limits<float>::infinity();
                    return false;
                }
                found_.push_back(ray);
                lo_[ray] = sample(ray, first + k - 1), hi_[ray] = sample(ray, first + k);
                f_lo_[ray] = last_[ray], f_hi_[ray] = v[k];
                return false;
            }
            last_[ray] = v[k];
        }
        return true;
    }

    void refine(float* depth) {
        const auto estimate = [&](std::size_t r) {
            return march_.bisection ? 0.5f * (lo_[r] + hi_[r])
                                    : lo_[r] - f_lo_[r] * (hi_[r] - lo_[r]) / (f_hi_[r] - f_lo_[r]);
        };
        for (const std::size_t r : found_) depth[r] = estimate(r);
        for (int i = 0; i < march_.refinements && !found_.empty(); ++i) {
            points_.clear();
            for (const std::size_t r : found_) add_point(r, depth[r]);
            ask();
            for (std::size_t k = 0; k < found_.size(); ++k) {
                const std::size_t r = found_[k];
                (values_[k] < 0 ? lo_[r] : hi_[r]) = depth[r];
                (values_[k] < 0 ? f_lo_[r] : f_hi_[r]) = values_[k];
                depth[r] = estimate(r);
            }
        }
    }

    const kernels::ResidualMlp& net_;
    const DvrMarch& march_;
    const float *origins_, *directions_, *bounds_;
    std::vector<std::size_t> active_, found_;
    std::vector<float> last_, lo_, hi_, f_lo_, f_hi_, points_, values_;
};

class Field : public extract::ScalarField {
public:
    Field(kernels::ResidualMlp net, float half, float iso)
        : net_(std::move(net)), domain_{{-half, -half, -half}, {half, half, half}}, iso_(iso) {}
    void values(std::span<const geom::Vec3f> points, std::span<float> out) const override {
        NIR_CHECK(points.size() == out.size());
        const auto p = floats(points);
        parallel_for(out.size(), kGrain, [&](std::size_t begin, std::size_t end) {
            net_.values(p.subspan(3 * begin, 3 * (end - begin)), {}, out.subspan(begin, end - begin));
        });
    }
    bool has_gradients() const override { return true; }
    void gradients(std::span<const geom::Vec3f> points, std::span<geom::Vec3f> out) const override {
        NIR_CHECK(points.size() == out.size());
        const auto p = floats(points);
        const std::span<float> g(reinterpret_cast<float*>(out.data()), 3 * out.size());
        parallel_for(out.size(), kGrain, [&](std::size_t begin, std::size_t end) {
            std::vector<float> unused(end - begin);
            net_.gradients(p.subspan(3 * begin, 3 * unused.size()), {}, 0, unused,
                           g.subspan(3 * begin, 3 * unused.size()), {});
        });
    }
    geom::Box3f domain() const override { return domain_; }
    float iso() const override { return iso_; }

protected:
    static_assert(sizeof(geom::Vec3f) == 3 * sizeof(float));
    static std::span<const float> floats(std::span<const geom::Vec3f> points) {
        return {reinterpret_cast<const float*>(points.data()), 3 * points.size()};
    }

private:
    kernels::ResidualMlp net_;
    geom::Box3f domain_;
    float iso_;
};

class ColoredField final : public Field, public extract::ColorSource {
public:
    ColoredField(kernels::ResidualMlp net, kernels::ResidualMlp all, float half, float iso)
        : Field(std::move(net), half, iso), all_(std::move(all)) {}
    void colors(std::span<const geom::Vec3f> points, std::span<geom::Rgb8> out) const override {
        NIR_CHECK(points.size() == out.size());
        const auto p = floats(points);
        parallel_for(out.size(), kGrain, [&](std::size_t begin, std::size_t end) {
            std::vector<float> v(4 * (end - begin));
            all_.values(p.subspan(3 * begin, 3 * (end - begin)), {}, v);
            for (std::size_t i = begin; i < end; ++i) {
                const auto channel = [&](std::size_t k) {
                    const float logit = v[4 * (i - begin) + 1 + k];
                    return static_cast<std::uint8_t>(std::lround(255.0f / (1.0f + std::exp(-logit))));
                };
                out[i] = {channel(0), channel(1), channel(2)};
            }
        });
    }

private:
    kernels::ResidualMlp all_;
};

}  // namespace

kernels::ResidualMlp packed_decoder(DvrDecoder decoder, const Tensor& code, bool colors) {
    const torch::NoGradGuard no_grad;
    const DvrDecoderConfig& config = decoder->config();
    const auto weights = decoder->named_parameters();
    const auto of = [&](const std::string& name) { return nn::floats_of(weights[name]); };
    kernels::ResidualNetwork<float> net;
    net.hidden = static_cast<std::size_t>(config.hidden);
    net.first_weight = of("fc_p.weight"), net.first_bias = of("fc_p.bias");
    for (int i = 0; i < config.blocks; ++i) {
        const std::string block = fmt::format("blocks.{}.", i), c = fmt::format("fc_c.{}.", i);
        kernels::ResidualNetwork<float>::Block b;
        if (config.c_dim > 0)
            b.feature_bias = nn::floats_of(torch::mv(weights[c + "weight"], code) + weights[c + "bias"]);
        b.weight_0 = of(block + "fc_0.weight"), b.bias_0 = of(block + "fc_0.bias");
        b.weight_1 = of(block + "fc_1.weight"), b.bias_1 = of(block + "fc_1.bias");
        net.blocks.push_back(std::move(b));
    }
    const std::int64_t outputs = colors ? config.out_dim : 1;
    net.outputs = static_cast<std::size_t>(outputs);
    net.out_slope = config.leaky ? 0.2f : 0.0f;
    net.out_weight = nn::floats_of(weights["fc_out.weight"].narrow(0, 0, outputs));
    net.out_bias = nn::floats_of(weights["fc_out.bias"].narrow(0, 0, outputs));
    return kernels::ResidualMlp(net);
}

std::unique_ptr<extract::ScalarField> decoder_field(DvrDecoder decoder, const Tensor& code, double padding,
                                                    double threshold) {
    const auto half = static_cast<float>(0.5 * (1 + padding));
    const auto iso = static_cast<float>(std::log(threshold / (1 - threshold)));
    kernels::ResidualMlp net = packed_decoder(decoder, code);
    if (decoder->config().out_dim == 1) return std::make_unique<Field>(std::move(net), half, iso);
    return std::make_unique<ColoredField>(std::move(net), packed_decoder(decoder, code, true), half, iso);
}

Tensor first_surface(DvrDecoder decoder, const Tensor& code, const DvrRays& rays, const DvrMarch& march) {
    NIR_CHECK(march.steps >= 2 && rays.origins.scalar_type() == torch::kFloat32);
    const torch::NoGradGuard no_grad;
    const Tensor origins = rays.origins.contiguous(), directions = rays.directions.contiguous();
    const Tensor bounds = march_bounds(rays, march).contiguous();
    Tensor depth = torch::empty({origins.size(0), origins.size(1)});
    const auto n = static_cast<std::size_t>(origins.size(1));
    for (std::int64_t b = 0; b < origins.size(0); ++b) {
        const kernels::ResidualMlp net =
            packed_decoder(decoder, decoder->config().c_dim > 0 ? code[b] : torch::empty({0}));
        const float *o = origins[b].data_ptr<float>(), *w = directions[b].data_ptr<float>();
        const float* t = bounds[b].data_ptr<float>();
        float* d = depth[b].data_ptr<float>();
        parallel_for((n + kRays - 1) / kRays, 1, [&](std::size_t begin, std::size_t end) {
            for (std::size_t block = begin; block < end; ++block) {
                const std::size_t first = block * kRays;
                Block(net, march, o + 3 * first, w + 3 * first, t + 2 * first, std::min(kRays, n - first))
                    .run(d + first);
            }
        });
    }
    return depth;
}

}  // namespace nir::models
