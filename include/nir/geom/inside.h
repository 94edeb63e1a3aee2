// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/bvh.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace nir::geom {

/// How a point is told to be inside a mesh.
enum class InsideMethod {
    winding,  ///< |generalised winding number| > 1/2: right for holes, self-intersections and soups; the default
    parity,   ///< odd number of crossings, majority of three skew rays: the definition for closed meshes
    vertical_parity,  ///< odd crossings both upwards and downwards along z, as in the evaluation code of the papers
};

/// Generalised winding numbers of a triangle mesh (1 inside, 0 outside for closed outward meshes; fractions near
/// holes), by a tree of multipoles: the dipole and its first and second moments per node.
/// Ref: Barill, Dickson, Schmidt, Levin and Jacobson 2018; single triangles: Van Oosterom and Strackee 1983.
class WindingNumber {
public:
    /// Keeps a reference to `bvh`, which must outlive this object.
    /// @param accuracy a node farther away than `accuracy` times its radius is replaced by its expansion. 2 gives
    /// errors below 1e-2 (measured in the tests), 3 below 2e-3; infinity is exact and takes time proportional to the
    /// faces.
    explicit WindingNumber(const TriangleBvh& bvh, double accuracy = 2.0);
    ~WindingNumber();
    WindingNumber(WindingNumber&&) noexcept;
    WindingNumber& operator=(WindingNumber&&) noexcept;

    double operator()(Vec3d query) const;
    /// A batch, in parallel. @param out [N], overwritten.
    void evaluate(std::span<const Vec3d> queries, std::span<float> out) const;
    void evaluate(std::span<const Vec3f> queries, std::span<float> out) const;

private:
    struct Node;  // multipole of one node of the tree
    template <class T>
    void batch(std::span<const Vec3<T>> queries, std::span<float> out) const;

    const TriangleBvh* bvh_;
    std::vector<Node> nodes_;
    double accuracy_;
};

/// Inside test of a mesh by any method; owns or shares its tree. A mesh without faces contains nothing.
class InsideTest {
public:
    explicit InsideTest(const TriMesh& mesh, InsideMethod method = InsideMethod::winding, double accuracy = 2.0);
    explicit InsideTest(std::shared_ptr<const TriangleBvh> bvh, InsideMethod method = InsideMethod::winding,
                        double accuracy = 2.0);

    bool contains(Vec3d query) const;
    /// A batch, in parallel. @param out [N], overwritten with 1 inside, 0 outside.
    void contains(std::span<const Vec3d> queries, std::span<std::uint8_t> out) const;
    void contains(std::span<const Vec3f> queries, std::span<std::uint8_t> out) const;

    InsideMethod method() const { return method_; }
    const TriangleBvh& bvh() const { return *bvh_; }

private:
    std::shared_ptr<const TriangleBvh> bvh_;
    std::optional<WindingNumber> winding_;  // for InsideMethod::winding
    InsideMethod method_;
};

}  // namespace nir::geom
