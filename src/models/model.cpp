// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/models/model.h"

#include "nir/base/error.h"

#include <torch/torch.h>

namespace nir::models {

ObservationKind kind_of(const Observation& observation) {
    constexpr ObservationKind kKinds[] = {ObservationKind::none, ObservationKind::points, ObservationKind::voxels,
                                          ObservationKind::image, ObservationKind::index};
    static_assert(std::variant_size_v<Observation> == std::size(kKinds));
    return kKinds[observation.index()];
}

void expect_kind(const Observation& observation, ObservationKind wanted) {
    if (const ObservationKind given = kind_of(observation); given != wanted)
        fail(ErrorKind::input, "this model takes {}, not {}", nn::describe(wanted), nn::describe(given));
}

Shape Model::sample(const ShapeSource& source) {
    if (source.seed) fail(ErrorKind::usage, "model \"{}\" has no latent code to draw with a seed", name());
    return infer(source.observation);
}

Shape Model::interpolate(const ShapeSource&, const ShapeSource&, double) {
    fail(ErrorKind::usage, "model \"{}\" has no codes to interpolate between", name());
}

std::int64_t Model::n_parameters() {
    std::int64_t n = 0;
    for (const auto& p : module().parameters()) n += p.numel();
    return n;
}

namespace {

std::unique_ptr<extract::ScalarField> field_of(Shape shape, std::string_view model) {
    if (auto* field = std::get_if<std::unique_ptr<extract::ScalarField>>(&shape)) return std::move(*field);
    fail(ErrorKind::usage, "model \"{}\" gives no field that could be queried", model);
}

}  // namespace

std::unique_ptr<extract::ScalarField> infer_field(Model& model, const Observation& observation) {
    return field_of(model.infer(observation), model.name());
}

std::unique_ptr<extract::ScalarField> sample_field(Model& model, const ShapeSource& source) {
    return field_of(model.sample(source), model.name());
}

}  // namespace nir::models
