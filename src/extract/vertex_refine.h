// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/extract/extract_mesh.h"
#include "nir/extract/marching_cubes.h"
#include "nir/extract/scalar_field.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <string_view>

namespace nir::extract {

/// Far enough below any level that the wall of a closed border lies on the border.
inline double pad_below(double level) { return level - 1e6 * std::max(1.0, std::abs(level)); }

/// Opens a phase if there is a timer.
inline std::optional<PhaseTimer::Scope> phase_of(PhaseTimer* timer, std::string_view name) {
    if (!timer) return std::nullopt;
    return timer->phase(name);
}

/// Asks a field in batches and tells the progress; NaN values are an Error(numeric) that names the point.
class FieldQuery {
public:
    /// Time in the field is booked on `phase` of the timer, if there is one.
    FieldQuery(const ScalarField& field, std::size_t batch, Progress& progress, PhaseTimer* timer,
               std::string_view phase)
        : field_(field), batch_(batch), progress_(progress), timer_(timer), phase_(phase) {}

    /// values[i] = f(point(i)) for i in [0, n).
    void values(std::size_t n, const std::function<geom::Vec3f(std::size_t)>& point, float* values);
    /// Gradients at points.
    std::vector<geom::Vec3f> gradients(std::span<const geom::Vec3f> points);
    /// Seconds spent in the field so far.
    double seconds() const { return seconds_; }

private:
    void advance(std::size_t n);
    const ScalarField& field_;
    std::size_t batch_;
    Progress& progress_;
    PhaseTimer* timer_;
    std::string_view phase_;
    double seconds_ = 0;
    std::vector<geom::Vec3f> points_;
};

/// Moves vertices along their lattice edges onto the level: `steps` rounds of a guarded Illinois method, one batched
/// query of all vertices still in need a round. Vertices on the padded border stay. Returns the number of points asked.
std::size_t move_to_level(geom::TriMesh& mesh, std::span<const LatticeEdge> edges, const LatticeFrame& frame,
                          double level, int steps, double clamp, FieldQuery& query);

/// Sets unit outward normals from the field's gradient; on the padded border, the border's own; where the gradient
/// vanishes, the mean of the faces around. With `slopes`, the length of the gradient goes where the confidence of the
/// vertices will be (confidence.h); 0 on the padded border.
void set_normals(geom::TriMesh& mesh, std::span<const LatticeEdge> edges, const LatticeFrame& frame, FieldQuery& query,
                 bool slopes = false);

/// Means of the normals of the faces around each vertex, weighted by area.
std::vector<geom::Vec3f> mean_face_normals(const geom::TriMesh& mesh);

}  // namespace nir::extract
