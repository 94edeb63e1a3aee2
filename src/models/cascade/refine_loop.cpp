// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/refine_loop.h"

#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/base/rng.h"
#include "nir/base/timer.h"
#include "nir/geom/sampling.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

namespace nir::models {
namespace {

using geom::Vec3f;

constexpr std::size_t kMostPoints = 100000;  ///< used; a random choice of them if there are more
constexpr std::size_t kFewestPoints = 50;
constexpr double kHeldOut = 0.1;      ///< share of the points that only judge
constexpr float kSide = 0.5f;         ///< cells: distance of the two places beside each point
constexpr float kReach = 2;           ///< cells: points farther away have another surface, or none
constexpr float kStride = 0.5f;       ///< cells: no correction is larger at once
constexpr float kMargin = 0.5f;       ///< share of its value that a place beside a point keeps at least
constexpr double kLeastGain = 0.005;  ///< relative gain below which a scale is done with
constexpr double kLeastErrors = 2;    ///< gain of the points held out, in its standard errors
constexpr double kPrior = 0.1;        ///< points that "no change" counts for, at least
// Detail below the neighbourhood that the noise is measured in counts as noise: of clean scans, so many spacings.
constexpr double kDetail = 0.1;
constexpr float kSlopeFloor = 0.25f;  ///< of the slope at the start: flat places do not count as far away

/// Points, the two places beside each along the normal of the field as it was at the start, and the field there.
class Probe {
public:
    Probe(const CascadeField& field, std::span<const Vec3f> points, float level)
        : field_(field), level_(level), side_(kSide * field.finest_cell()) {
        std::vector<Vec3f> gradient(points.size());
        field.gradients(points, gradient);
        for (std::size_t i = 0; i < points.size(); ++i) {
            const Vec3f n = normalized(-gradient[i]) * side_;
            places_.insert(places_.end(), {points[i], points[i] - n, points[i] + n});
        }
        look();
        keep_usable();
        for (std::size_t i = 0; i < size(); ++i) least_slope_.push_back(kSlopeFloor * slope(i));
        start_ = values_;
    }

    std::size_t size() const { return places_.size() / 3; }
    Vec3f point(std::size_t i) const { return places_[3 * i]; }
    Vec3f normal(std::size_t i) const { return (places_[3 * i + 2] - places_[3 * i + 1]) / (2 * side_); }
    void look() {
        values_.resize(places_.size());
        field_.values(places_, values_);
        for (float& v : values_) v -= level_;
    }

    /// First-order distance of point i to the level set, positive inside.
    float distance(std::size_t i) const {
        const float reach = kReach * field_.finest_cell();
        return std::clamp(values_[3 * i] / std::max(slope(i), least_slope_[i]), -reach, reach);
    }

    /// What the values of these points and the places beside them should change by.
    void want(std::span<const std::uint32_t> of, std::vector<Vec3f>& places, std::vector<float>& wanted) const {
        places.clear(), wanted.clear();
        const float stride = kStride * field_.finest_cell();
        for (const auto i : of) {
            places.push_back(places_[3 * i]);
            wanted.push_back(-std::clamp(distance(i), -stride, stride) * std::max(slope(i), least_slope_[i]));
            for (std::size_t k = 3 * i + 1; k < 3 * i + 3; ++k) {
                const float margin = kMargin * start_[k];  // the sign that it had
                const float missing =
                    start_[k] > 0 ? std::max(0.0f, margin - values_[k]) : std::min(0.0f, margin - values_[k]);
                if (missing != 0) places.push_back(places_[k]), wanted.push_back(missing);
            }
        }
    }

private:
    float slope(std::size_t i) const { return (values_[3 * i + 1] - values_[3 * i + 2]) / (2 * side_); }

    /// Leaves out points that are far from the surface, and those that have no inside and outside beside them.
    void keep_usable() {
        std::vector<float> slopes;
        for (std::size_t i = 0; i < size(); ++i) slopes.push_back(slope(i));
        if (slopes.empty()) return;
        const auto middle = slopes.begin() + static_cast<std::ptrdiff_t>(slopes.size() / 2);
        std::nth_element(slopes.begin(), middle, slopes.end());
        const float least = 0.1f * *middle;
        std::size_t to = 0;
        for (std::size_t i = 0; i < size(); ++i) {
            const float s = slope(i);
            if (!(s > least && s > 0 && std::abs(values_[3 * i]) <= s * kReach * field_.finest_cell())) continue;
            std::copy_n(places_.begin() + static_cast<std::ptrdiff_t>(3 * i), 3,
                        places_.begin() + static_cast<std::ptrdiff_t>(3 * to));
            std::copy_n(values_.begin() + static_cast<std::ptrdiff_t>(3 * i), 3,
                        values_.begin() + static_cast<std::ptrdiff_t>(3 * to));
            ++to;
        }
        places_.resize(3 * to);
        values_.resize(3 * to);
    }

    const CascadeField& field_;
    float level_, side_;
    std::vector<Vec3f> places_;  ///< point, inside, outside
    std::vector<float> values_, start_, least_slope_;
};

/// How far points lie from where the field crosses the level on the line along their normal. Unlike a first-order
/// distance that is not fooled by a field that only gets steeper.
class Crossings {
public:
    Crossings(const CascadeField& field, float level, const Probe& probe, std::span<const std::uint32_t> of)
        : field_(field), level_(level), step_(kSide * field.finest_cell()), points_(of.size()) {
        for (const auto i : of)
            for (int k = -kSteps; k <= kSteps; ++k)
                places_.push_back(probe.point(i) + probe.normal(i) * (static_cast<float>(k) * step_));
    }

    /// Distances of the points, at most kReach cells.
    std::vector<double> distances() const {
        std::vector<float> values(places_.size());
        field_.values(places_, values);
        std::vector<double> out(points_, static_cast<double>(step_ * kSteps));
        for (std::size_t i = 0; i < points_; ++i) {
            const float* v = values.data() + i * (2 * kSteps + 1);
            for (int k = 0; k < 2 * kSteps; ++k) {
                const float a = v[k] - level_, b = v[k + 1] - level_;
                if ((a > 0) == (b > 0)) continue;
                const float at = static_cast<float>(k - kSteps) + a / (a - b);
                out[i] = std::min(out[i], static_cast<double>(std::abs(at) * step_));
            }
        }
        return out;
    }

private:
    static constexpr int kSteps = static_cast<int>(kReach / kSide);
    const CascadeField& field_;
    float level_, step_;
    std::size_t points_;
    std::vector<Vec3f> places_;
};

double mean(std::span<const double> v) {
    double sum = 0;
    for (const double x : v) sum += x;
    return v.empty() ? 0 : sum / static_cast<double>(v.size());
}

std::vector<double> distances(const Probe& probe, std::span<const std::uint32_t> of) {
    std::vector<double> d;
    d.reserve(of.size());
    for (const auto i : of) d.push_back(std::abs(static_cast<double>(probe.distance(i))));
    return d;
}

/// Mean gain over its standard error; pairs of distances of the same points.
double gain_in_errors(std::span<const double> before, std::span<const double> after) {
    std::vector<double> gain(before.size());
    for (std::size_t i = 0; i < gain.size(); ++i) gain[i] = before[i] - after[i];
    const double m = mean(gain);
    double variance = 0;
    for (const double g : gain) variance += (g - m) * (g - m);
    const auto n = static_cast<double>(gain.size());
    const double error = std::sqrt(variance / (n * std::max(1.0, n - 1)));
    return m > 0 ? m / std::max(error, 1e-30) : 0;
}

std::vector<Vec3f> some_of(std::span<const Vec3f> points, Rng& rng) {
    if (points.size() <= kMostPoints) return {points.begin(), points.end()};
    std::vector<Vec3f> some;
    for (const auto i : geom::random_subset(points.size(), kMostPoints, rng)) some.push_back(points[i]);
    return some;
}

/// One refinement: state between its steps.
class Loop {
public:
    Loop(const CascadeField& field, Probe& probe, FieldCorrection& correction, const RefineOptions& options, Rng& rng)
        : field_(field), probe_(probe), correction_(correction), options_(options) {
        std::vector<std::uint32_t> held_out;
        for (std::uint32_t i = 0; i < probe.size(); ++i) (rng.coin(kHeldOut) ? held_out : used_).push_back(i);
        judge_.emplace(field, options.level, probe, held_out);
        judged_ = judge_->distances();
        residual_ = mean(distances(probe, used_));
        report_.points = used_.size(), report_.held_out = held_out.size();
        report_.residual_before = report_.residual_after = residual_of_used();
        report_.held_out_before = report_.held_out_after = mean(judged_);
        const double detail = kDetail * options.spacing;
        noise_ = std::sqrt(std::max(0.0, options.noise * options.noise - detail * detail));
    }

    std::optional<RefineReport::Stop> stop(double seconds) const {
        using Stop = RefineReport::Stop;
        // Points with normal noise lie this far away on average.
        if (residual_ <= noise_ * std::sqrt(2 / std::numbers::pi))
            return report_.kept ? Stop::noise_reached : Stop::nothing_to_gain;
        if (scale_ == correction_.scales()) return report_.kept ? Stop::no_more_gain : Stop::nothing_to_gain;
        if (options_.steps > 0 && report_.steps >= options_.steps) return Stop::steps;
        if (options_.seconds > 0 && seconds >= options_.seconds) return Stop::seconds;
        return {};
    }

    /// Tries one correction and takes it back unless it is a gain that chance does not explain.
    void step() {
        probe_.want(used_, places_, wanted_);
        const double doubt = noise_ / residual_;
        correction_.apply(scale_, places_, wanted_, static_cast<float>(kPrior + doubt * doubt));
        probe_.look();
        const std::vector<double> now = judge_->distances();
        const double residual = mean(distances(probe_, used_)), gain = mean(judged_) - mean(now);
        const bool better = residual < residual_ && gain_in_errors(judged_, now) >= kLeastErrors;
        log_debug("refine: scale {}, points {:.5g} -> {:.5g}, held out {:.5g} -> {:.5g}{}", scale_, residual_, residual,
                  mean(judged_), mean(now), better ? "" : ", taken back");
        ++report_.steps;
        if (!better) {
            correction_.undo();
            probe_.look();
            ++scale_;
            return;
        }
        ++report_.kept;
        if (gain < kLeastGain * mean(judged_)) ++scale_;
        judged_ = now;
        residual_ = residual;
    }

    double residual_now() const { return residual_; }
    RefineReport report() {
        report_.residual_after = report_.kept ? residual_of_used() : report_.residual_before;
        report_.held_out_after = mean(judged_);
        return report_;
    }

private:
    double residual_of_used() const { return mean(Crossings(field_, options_.level, probe_, used_).distances()); }

    const CascadeField& field_;
    Probe& probe_;
    FieldCorrection& correction_;
    const RefineOptions& options_;
    std::vector<std::uint32_t> used_;
    std::optional<Crossings> judge_;
    std::vector<double> judged_;  ///< distances of the points held out
    double residual_ = 0;         ///< of the points used, first order
    std::vector<Vec3f> places_;
    std::vector<float> wanted_;
    double noise_ = 0;
    int scale_ = 0;
    RefineReport report_;
};

}  // namespace

RefineReport refine_surface(const CascadeField& field, FieldCorrection& correction, std::span<const Vec3f> points,
                            const RefineOptions& options, Progress& progress) {
    if (!(options.seconds > 0) && options.steps <= 0)
        fail(ErrorKind::usage, "a refinement needs a number of seconds or of steps");
    NIR_CHECK(options.spacing > 0 && options.noise >= 0);
    const Timer timer;
    Rng rng(options.seed);
    Probe probe(field, some_of(points, rng), options.level);
    if (probe.size() < kFewestPoints) return {};
    Loop loop(field, probe, correction, options, rng);
    progress.begin("refine", static_cast<std::uint64_t>(std::max(0, options.steps)), "steps");
    std::optional<RefineReport::Stop> stopped;
    bool cancelled = false;
    double longest = 0;  // step so far: none is begun that would end too late
    while (!cancelled && !(stopped = loop.stop(timer.seconds() + longest))) {
        const double before = timer.seconds();
        loop.step();
        longest = std::max(longest, timer.seconds() - before);
        progress.note(fmt::format("points {:.3g} away", loop.residual_now()));
        cancelled = !progress.advance();
    }
    progress.end();
    if (cancelled) fail(ErrorKind::cancelled, "stopped while refining the surface");
    RefineReport report = loop.report();
    report.stopped_by = *stopped;
    report.seconds = timer.seconds();
    return report;
}

}  // namespace nir::models
