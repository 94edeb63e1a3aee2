// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/camera.h"

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace nir::render {

/// What a training finds out about the photos beside the scene: how bright each is, and where its camera really stood.
///
/// Exposure and white balance: the photo shows gain * colour, channel by channel, of the sRGB-encoded values (a power
/// of the gain in linear light). The mean of the gains' logarithms is kept at 0. Poses: the camera's axes turned by a
/// small rotation of the world, its place moved. The mean motion is taken out, so that the scene stays where it was.
/// Ref: mueller2022, supplementary code (both as parameters of Adam); Lin et al. 2021.
class PhotoCorrections {
public:
    explicit PhotoCorrections(const std::vector<geom::Pose>& poses);

    std::array<float, 3> gain(std::size_t view) const;
    const geom::Pose& pose(std::size_t view) const { return poses_[view]; }
    std::size_t views() const { return poses_.size(); }

    /// Newton's steps on the logarithms of the gains, gradients and curvatures averaged over about ten calls: a step
    /// has few rays of each photo, and Adam would make noise of that. @param sums [views, 6]: gradient, curvature
    /// @param rate share of the whole step.
    void step_gains(std::span<const float> sums, double rate);
    /// Adam on poses. @param gradient [views, 6]: rotation (world axes, radians), then translation in units of `scale`
    /// @param rate largest step, radians and units of `scale`.
    void step_poses(std::span<const float> gradient, double rate, double scale);

    /// Everything that changes, by name, for saving and restoring.
    template <class Visit>
    void visit(Visit&& visit) {
        visit("photos.log_gain", log_gain_), visit("photos.gain_moments", gain_moments_);
        visit("photos.pose", pose_numbers_), visit("photos.pose_moments", pose_moments_);
        visit("photos.counts", counts_);
    }
    /// Brings the poses up to date after visit() has filled the numbers.
    void restored();

private:
    void store_poses();

    std::vector<double> log_gain_, gain_moments_;      ///< [views, 3], [views, 3, 2]
    std::vector<double> pose_numbers_, pose_moments_;  ///< [views, 12] right up back position; [views, 6, 2]
    std::vector<double> counts_{0, 0};                 ///< steps of gains and poses
    std::vector<geom::Pose> poses_;
};

}  // namespace nir::render
