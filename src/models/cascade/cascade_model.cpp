// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/cascade_model.h"

#include "nir/geom/spacing.h"

#include "models/cascade/cascade_encode.h"
#include "models/cascade/cascade_loss.h"

namespace nir::models {

Config CascadeModel::config() const {
    Config named(Config::Table{});
    named.put("name", Config(std::string(name())));
    named.merge(to_config(config_));
    return named;
}

at::Tensor CascadeModel::loss(const nn::Batch& batch, const LossLog& log) {
    CascadeLossReport report;
    at::Tensor total = cascade_loss(net_, batch, log ? &report : nullptr);
    for (std::size_t o = 0; o < report.loss.size(); ++o) {
        log(fmt::format("loss_octave_{}", o), report.loss[o]);
        log(fmt::format("iou_octave_{}", o), report.iou[o]);
    }
    return total;
}

Shape CascadeModel::infer(const Observation& observation) {
    expect_kind(observation, ObservationKind::points);
    const auto* cloud = std::get_if<geom::PointCloud>(&observation);
    std::vector<geom::Vec3f> points;
    points.reserve(cloud->size());
    for (std::size_t i = 0; i < cloud->size(); ++i) {
        if (!geom::is_finite(cloud->points[i])) fail(ErrorKind::input, "point {} of the observation is not finite", i);
        points.push_back(static_cast<geom::Vec3f>(cloud->points[i]));
    }
    const auto unique = geom::unique_points(cloud->points);
    if (unique.size() < 4) fail(ErrorKind::input, "{} different points are too few for a surface", unique.size());
    std::vector<geom::Vec3d> distinct;
    for (const auto i : unique) distinct.push_back(cloud->points[i]);
    Cascade::EncodeOptions options;
    const geom::SpacingEstimate estimate = geom::estimate_spacing(distinct);
    options.spacing = estimate.surface;
    options.noise = estimate.noise;
    if (!(options.spacing > 0)) fail(ErrorKind::input, "the points of the observation span no surface");
    NoProgress quiet;
    return encode_cascade(net_, points, options, quiet);
}

}  // namespace nir::models
