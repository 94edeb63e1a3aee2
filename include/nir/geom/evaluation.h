// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace nir::geom {

/// Which convention the figures follow; docs/methods/metrics.md has the formulas.
enum class EvaluationProtocol {
    nir,   ///< lengths in user units, thresholds relative to the truth's size, exact surface distances, stratified IoU
    onet,  ///< Occupancy Networks, eval_meshes.py: unit cube, point samples, vertical parity
    convonet,  ///< Convolutional Occupancy Networks: the same, with F-scores at 0.010, 0.015 and 0.020
};

/// All protocols with their names, for options and help texts.
struct ProtocolInfo {
    EvaluationProtocol protocol;
    std::string_view name, summary;
};
const std::vector<ProtocolInfo>& evaluation_protocols();

struct EvaluationOptions {
    EvaluationProtocol protocol = EvaluationProtocol::nir;
    std::size_t samples = 100000;  ///< points drawn on each mesh, and points of the volume for IoU
    /// Length that relative thresholds and the IoU box refer to. 0: the longest side of the truth's box (nir), 1
    /// (papers).
    double unit = 0.0;
    std::vector<double> thresholds;  ///< further F-scores at these absolute distances, user units
    bool crop = false;               ///< leave out predicted samples outside the truth's box (open scenes)
    bool volume = true;              ///< IoU
    bool exact = true;               ///< nir: also distances to the triangles themselves (`*_p2s`)
    std::uint64_t seed = 0;
};

/// One figure with the sentence that says how it is computed.
struct Metric {
    std::string name;
    double value = std::numeric_limits<double>::quiet_NaN();  ///< NaN: not defined for this pair
    std::string convention;
    enum class Better { higher, lower, neither } better = Better::neither;
};

struct Evaluation {
    std::vector<Metric> metrics;  ///< same names in the same order for every pair of one protocol and one kind of truth
    std::vector<std::string> notes;  ///< what the reader of the figures must know ("the prediction is empty: …")
    bool empty_prediction = false;

    const Metric* find(std::string_view name) const;
    /// Value by name. @throws Error{internal} if there is none of that name.
    double value(std::string_view name) const;
};

/// A mesh, or a cloud for which volume and exact distances are not defined.
using EvaluationShape = std::variant<TriMesh, PointCloud>;

/// Compares predictions with one truth; everything that depends on the truth alone is computed once.
class Evaluator {
public:
    /// @throws Error{input} if the truth is empty, not finite, or its faces are broken.
    Evaluator(EvaluationShape truth, EvaluationOptions options);
    ~Evaluator();
    Evaluator(Evaluator&&) noexcept;
    Evaluator& operator=(Evaluator&&) noexcept;

    /// A prediction without surface is not an error: its figures are those of the protocol for failures, and
    /// empty_prediction is set. @throws Error{input} if coordinates are not finite or faces are broken.
    Evaluation evaluate(const EvaluationShape& prediction) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// One use of Evaluator.
Evaluation evaluate(const EvaluationShape& prediction, EvaluationShape truth, const EvaluationOptions& options = {});

/// Unweighted mean of each metric over the evaluations for which it is defined; the note says how many those are where
/// some are missing.
Evaluation mean_evaluation(const std::vector<Evaluation>& evaluations);

}  // namespace nir::geom
