// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/data/shape_mesh.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/extract/extract_mesh.h"
#include "nir/geom/frame.h"

namespace nir::data {
namespace {

/// A solid's distance bound as a field: larger inside.
class SolidField final : public extract::ScalarField {
public:
    SolidField(const Solid& solid, geom::Box3f domain) : solid_(solid), domain_(domain) {}
    void values(std::span<const Vec3f> points, std::span<float> out) const override {
        parallel_for(points.size(), 2048, [&](std::size_t begin, std::size_t end) {
            solid_.eval(points.data() + begin, end - begin, out.data() + begin);
            for (std::size_t i = begin; i < end; ++i) out[i] = -out[i];
        });
    }
    geom::Box3f domain() const override { return domain_; }

private:
    const Solid& solid_;
    geom::Box3f domain_;
};

}  // namespace

geom::TriMesh mesh_of(const GeneratedShape& shape, int cells) {
    NIR_CHECK(cells > 0 && !shape.box.empty());
    SolidField field(*shape.solid, shape.box.padded(0.04f * shape.box.longest_side()));
    extract::ExtractOptions options;
    options.resolution_0 = (cells + 3) / 4, options.upsampling = 2;
    options.seeds = shape.surface;
    geom::TriMesh mesh = extract::extract_mesh(field, options).mesh;
    if (mesh.faces.empty()) return mesh;
    geom::Box3d box;
    for (const auto& v : mesh.vertices) box.extend(v);
    geom::to_unit(geom::fit_frame(box), mesh);
    for (auto& v : mesh.vertices) v = geom::Vec3d(Vec3f(v));  // as a file holds it
    return mesh;
}

}  // namespace nir::data
