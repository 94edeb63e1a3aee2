// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/scene_check.h"

#include "io/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <set>

namespace nir::io {
namespace {

using geom::Severity;
using geom::Vec3d;

double median(std::vector<double> v) {
    if (v.empty()) return 0;
    const auto middle = v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2);
    std::nth_element(v.begin(), middle, v.end());
    return *middle;
}

class Checker {
public:
    explicit Checker(const Scene& scene) : scene_(scene) {}

    SceneReport run() {
        report_.box = scene_box(scene_);
        images();
        for (std::size_t c = 0; c < scene_.cameras.size(); ++c) intrinsics(c);
        directions();
        points();
        ups();
        box();
        return std::move(report_);
    }

private:
    template <class... Args>
    void add(Severity severity, fmt::format_string<Args...> text, Args&&... args) {
        report_.findings.push_back({severity, fmt::format(text, std::forward<Args>(args)...)});
    }
    /// "r_3, r_7 and 5 more"
    std::string names(const std::vector<std::size_t>& views) const {
        std::string out;
        for (std::size_t i = 0; i < std::min<std::size_t>(views.size(), 3); ++i)
            out += (i ? ", " : "") + scene_.views[views[i]].name;
        if (views.size() > 3) out += fmt::format(" and {} more", views.size() - 3);
        return out;
    }

    void images() {
        std::vector<std::size_t> missing;
        std::map<std::string, std::size_t> seen;
        for (std::size_t i = 0; i < scene_.views.size(); ++i) {
            const SceneView& v = scene_.views[i];
            if (v.image.empty()) {
                missing.push_back(i);
                continue;
            }
            const auto [it, fresh] = seen.emplace(v.image.string(), i);
            if (fresh) continue;
            const SceneView& other = scene_.views[it->second];
            if (other.split != v.split)
                add(Severity::warning, "the picture {} is in {} and in {}: figures on it would be too good", v.name,
                    name_of(other.split), name_of(v.split));
            else
                add(Severity::warning, "the picture {} is listed twice", v.name);
        }
        report_.missing_images = missing.size();
        if (!missing.empty())
            add(Severity::error, "{} of {} pictures are missing: {}", missing.size(), scene_.views.size(),
                names(missing));
        if (scene_.views.size() < 3)
            add(Severity::warning, "{} view{}: too few to learn a scene from", scene_.views.size(),
                scene_.views.size() == 1 ? "" : "s");
    }

    void intrinsics(std::size_t index) {
        const geom::Camera& c = scene_.cameras[index];
        const std::string which = scene_.cameras.size() > 1 ? fmt::format("camera {}: ", index + 1) : "";
        if (std::abs(c.cx - 0.5 * c.width) > 0.2 * c.width || std::abs(c.cy - 0.5 * c.height) > 0.2 * c.height)
            add(Severity::warning,
                "{}the principal point ({:.1f}, {:.1f}) is far from the middle of {} x {} pictures; are the intrinsics "
                "for another size, or for uncropped pictures?",
                which, c.cx, c.cy, c.width, c.height);
        if (std::abs(c.fx / c.fy - 1) > 0.1)
            add(Severity::warning,
                "{}the focal lengths {:.1f} and {:.1f} differ by {:.0f} %: pixels that are not square?", which, c.fx,
                c.fy, 100 * std::abs(c.fx / c.fy - 1));
        const double fov = 2 * std::atan(0.5 * c.width / c.fx) * 180 / std::numbers::pi;
        if (c.lens.model != geom::LensModel::opencv_fisheye && (fov < 4 || fov > 140))
            add(Severity::warning,
                "{}the field of view is {:.1f} degrees: the focal length {:.1f} and the width {} do not fit together",
                which, fov, c.fx, c.width);
        std::size_t without = 0;
        constexpr int kGrid = 16;
        for (int j = 0; j <= kGrid; ++j)
            for (int i = 0; i <= kGrid; ++i)
                without += geom::direction_in_camera(
                               c, {c.width * static_cast<double>(i) / kGrid, c.height * static_cast<double>(j) / kGrid})
                               ? 0u
                               : 1u;
        if (without > 0)
            add(Severity::warning, "{}the lens model folds over: {:.0f} % of the picture has no viewing direction",
                which, 100.0 * static_cast<double>(without) / ((kGrid + 1) * (kGrid + 1)));
    }

    void directions() {
        report_.focus = focus_point(scene_);
        geom::Box3d eyes;
        for (const SceneView& v : scene_.views) eyes.extend(v.world_from_camera.position);
        if (scene_.views.size() > 1 && eyes.longest_side() < 1e-9 * (1 + norm(eyes.center()))) {
            add(Severity::error, "all cameras stand at one place: nothing tells how far away things are");
            return;
        }
        if (!report_.focus) return;
        std::vector<double> depths;
        for (std::size_t i = 0; i < scene_.views.size(); ++i) {
            const geom::Pose& pose = scene_.views[i].world_from_camera;
            depths.push_back(dot(*report_.focus - pose.position, pose.forward()));
            if (depths.back() < 0) report_.away.push_back(i);
        }
        report_.focus_distance = median(depths);
        const std::size_t n = scene_.views.size(), away = report_.away.size();
        // A walk through a room looks outwards in every direction; around an object all look inwards.
        if (2 * away > n && inward_share() < 0.2) {
            add(Severity::error,
                "{} of {} cameras look away from the place where their axes meet: the axes are flipped. "
                "transform_matrix "
                "must be camera-to-world with x right, y up, looking along -z; for OpenCV's axes (y down, looking "
                "along "
                "+z) negate its second and third column",
                away, n);
        } else if (away > 0 && 5 * away < n) {
            add(Severity::warning, "{} of {} cameras look away from what the others look at: {}", away, n,
                names(report_.away));
        }
    }

    /// Share of cameras that look towards the middle of all of them.
    double inward_share() const {
        Vec3d middle{};
        for (const SceneView& v : scene_.views) middle += v.world_from_camera.position;
        middle = middle / static_cast<double>(scene_.views.size());
        std::size_t inward = 0;
        for (const SceneView& v : scene_.views)
            inward += dot(middle - v.world_from_camera.position, v.world_from_camera.forward()) > 0 ? 1u : 0u;
        return static_cast<double>(inward) / static_cast<double>(scene_.views.size());
    }

    /// Sparse points must be in the pictures.
    void points() {
        if (scene_.points.size() < 50) return;
        const std::size_t stride = std::max<std::size_t>(1, scene_.points.size() / 500);
        std::vector<std::size_t> blind;
        double behind = 0;
        std::size_t asked = 0;
        for (std::size_t i = 0; i < scene_.views.size(); ++i) {
            const SceneView& v = scene_.views[i];
            const geom::Camera& c = scene_.cameras[v.camera];
            std::size_t inside = 0, tried = 0;
            for (std::size_t k = 0; k < scene_.points.size(); k += stride, ++tried) {
                const auto at = geom::project(c, v.world_from_camera, scene_.points.points[k]);
                inside += at && at->at.x >= 0 && at->at.y >= 0 && at->at.x < c.width && at->at.y < c.height ? 1u : 0u;
                behind += v.world_from_camera.camera_from_world(scene_.points.points[k]).z > 0 ? 1 : 0;
            }
            asked += tried;
            if (50 * inside < tried) blind.push_back(i);
        }
        const double share = behind / static_cast<double>(asked);
        if (share > 0.6)
            add(Severity::error,
                "{:.0f} % of the sparse points lie behind the cameras: cameras and points have different axes",
                100 * share);
        else if (!blind.empty())
            add(2 * blind.size() > scene_.views.size() ? Severity::error : Severity::warning,
                "{} of {} cameras see next to none of the sparse points: {}", blind.size(), scene_.views.size(),
                names(blind));
        if (report_.away.empty() && 2 * blind.size() < scene_.views.size()) report_.away = blind;
    }

    void ups() {
        Vec3d sum{};
        for (const SceneView& v : scene_.views) sum += v.world_from_camera.up;
        report_.up = sum / static_cast<double>(scene_.views.size());
        if (norm(report_.up) < 0.25) return;
        std::vector<std::size_t> turned;
        for (std::size_t i = 0; i < scene_.views.size(); ++i)
            if (dot(scene_.views[i].world_from_camera.up, normalized(report_.up)) < -0.5) turned.push_back(i);
        if (!turned.empty() && 5 * turned.size() < scene_.views.size())
            add(Severity::warning, "{} of {} cameras are upside down against the others: {}", turned.size(),
                scene_.views.size(), names(turned));
    }

    void box() {
        if (!report_.focus || !(report_.focus_distance > 0)) return;
        const geom::Box3d& b = report_.box.box;
        const Vec3d focus = *report_.focus;
        const double half = 0.5 * b.longest_side(), d = report_.focus_distance;
        if (!b.padded(0.25 * b.longest_side()).contains(focus))
            add(Severity::warning,
                "the cameras look at ({:.3g}, {:.3g}, {:.3g}), which is outside the scene box ({}): wrong scale or "
                "offset",
                focus.x, focus.y, focus.z, report_.box.origin);
        else if (half < 0.02 * d || half > 50 * d)
            add(Severity::warning,
                "the scene box ({}) is {:.3g} wide, the cameras stand {:.3g} away from what they look at: wrong scale",
                report_.box.origin, 2 * half, d);
        for (const SceneView& v : scene_.views) {
            if (!(v.far > 0)) continue;
            const double depth = dot(focus - v.world_from_camera.position, v.world_from_camera.forward());
            if (depth > 20 * v.far || depth < 0.05 * v.near) {
                add(Severity::warning, "{}: its depth range {:.3g} to {:.3g} misses what it looks at, {:.3g} away",
                    v.name, v.near, v.far, depth);
                break;
            }
        }
    }

    const Scene& scene_;
    SceneReport report_;
};

}  // namespace

SceneReport check_scene(const Scene& scene) { return Checker(scene).run(); }

}  // namespace nir::io
