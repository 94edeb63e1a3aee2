// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/draw.h"
#include "nir/geom/rasterizer.h"
#include "nir/io/scene_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

namespace nir::io {
namespace {

using geom::Image8;
using geom::Rgb8;
using geom::Vec3d;

constexpr Rgb8 kTrain{38, 98, 190}, kVal{40, 150, 80}, kTest{222, 120, 20}, kAway{214, 30, 40};
constexpr Rgb8 kBox{120, 120, 128}, kText{60, 60, 66}, kPoint{150, 150, 156};

/// One panel: the scene from one side.
class Panel {
public:
    Panel(Image8& image, int x, int y, int width, int height, const geom::ViewCamera& view)
        : image_(image), x_(x), y_(y), pose_(geom::look_at(view.eye, view.target, view.up)) {
        camera_.width = width, camera_.height = height;
        camera_.fx = camera_.fy = 0.5 * height / std::tan(0.5 * view.fov_y_rad);
        camera_.cx = 0.5 * width, camera_.cy = 0.5 * height;
    }
    void line(Vec3d a, Vec3d b, double thickness, Rgb8 color) {
        const auto p = geom::project(camera_, pose_, a), q = geom::project(camera_, pose_, b);
        if (!p || !q || !inside(p->at) || !inside(q->at)) return;
        geom::draw_line(image_, x_ + p->at.x, y_ + p->at.y, x_ + q->at.x, y_ + q->at.y, thickness, color);
    }
    void dot_at(Vec3d a, Rgb8 color) {
        const auto p = geom::project(camera_, pose_, a);
        if (p && inside(p->at))
            geom::draw_rectangle(image_, x_ + static_cast<int>(p->at.x), y_ + static_cast<int>(p->at.y), 2, 2, color,
                                 0.7);
    }
    void text(Vec3d a, double size, const std::string& s, Rgb8 color) {
        const auto p = geom::project(camera_, pose_, a);
        if (p && inside(p->at)) geom::draw_text(image_, x_ + p->at.x + 3, y_ + p->at.y - 3, size, s, color);
    }
    double depth(Vec3d a) const { return -pose_.camera_from_world(a).z; }

private:
    bool inside(geom::PixelPosition at) const {
        return at.x > -camera_.width && at.y > 0 && at.x < camera_.width && at.y < camera_.height && at.x > 0;
    }
    Image8& image_;
    int x_, y_;
    geom::Camera camera_;
    geom::Pose pose_;
};

struct Sketch {
    const Scene& scene;
    const SceneReport& report;
    geom::Box3d box;     ///< the scene's, cut to what the cameras are around
    double frustum = 1;  ///< length of the drawn frusta
    std::set<std::size_t> away;

    std::array<Vec3d, 5> corners(std::size_t i) const {
        const SceneView& v = scene.views[i];
        const geom::Camera& c = scene.cameras[v.camera];
        const geom::Pose& pose = v.world_from_camera;
        std::array<Vec3d, 5> out{pose.position};
        const double w = c.width, h = c.height;
        const std::array<geom::PixelPosition, 4> at{{{0, 0}, {w, 0}, {w, h}, {0, h}}};
        for (std::size_t k = 0; k < 4; ++k) {
            const double x = (at[k].x - c.cx) / c.fx, y = (at[k].y - c.cy) / c.fy;
            out[k + 1] = pose.world_from_camera(Vec3d{x, -y, -1} * frustum);
        }
        return out;
    }
    Rgb8 color(std::size_t i) const {
        if (away.contains(i)) return kAway;
        const Split s = scene.views[i].split;
        return s == Split::train ? kTrain : s == Split::val ? kVal : kTest;
    }
};

void draw_box(Panel& panel, const geom::Box3d& b) {
    const auto corner = [&b](int k) {
        return Vec3d{k & 1 ? b.hi.x : b.lo.x, k & 2 ? b.hi.y : b.lo.y, k & 4 ? b.hi.z : b.lo.z};
    };
    for (int k = 0; k < 8; ++k)
        for (const int bit : {1, 2, 4})
            if (!(k & bit)) panel.line(corner(k), corner(k | bit), 1.2, kBox);
}

void draw_axes(Panel& panel, const Sketch& sketch) {
    const Vec3d o = sketch.box.center();
    const double length = 0.35 * sketch.box.longest_side();
    const std::pair<Vec3d, Rgb8> axes[] = {
        {{1, 0, 0}, {210, 40, 40}}, {{0, 1, 0}, {30, 150, 30}}, {{0, 0, 1}, {40, 70, 220}}};
    const char* names[] = {"x", "y", "z"};
    for (int i = 0; i < 3; ++i) {
        panel.line(o, o + axes[i].first * length, 2.5, axes[i].second);
        panel.text(o + axes[i].first * length, 13, names[i], axes[i].second);
    }
}

void draw_frusta(Panel& panel, const Sketch& sketch) {
    std::vector<std::size_t> order(sketch.scene.views.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return panel.depth(sketch.scene.views[a].world_from_camera.position) >
               panel.depth(sketch.scene.views[b].world_from_camera.position);
    });
    for (const std::size_t i : order) {
        const auto c = sketch.corners(i);
        const Rgb8 color = sketch.color(i);
        for (std::size_t k = 1; k <= 4; ++k) {
            panel.line(c[0], c[k], 1.0, color);
            panel.line(c[k], c[k % 4 + 1], k == 1 ? 2.6 : 1.0, color);  // the upper edge is thick
        }
    }
}

void draw_points(Panel& panel, const Sketch& sketch) {
    const geom::PointCloud& cloud = sketch.scene.points;
    const std::size_t stride = std::max<std::size_t>(1, cloud.size() / 20000);
    for (std::size_t i = 0; i < cloud.size(); i += stride)
        panel.dot_at(cloud.points[i], cloud.colors.empty() ? kPoint : cloud.colors[i]);
}

}  // namespace

Image8 draw_scene(const Scene& scene, const SceneReport& report, const ScenePictureOptions& options) {
    Image8 image(options.width, options.height, 3, 255);
    geom::draw_rectangle(image, 0, 0, options.width, options.height, {247, 247, 249});
    geom::Box3d eyes;
    for (const SceneView& v : scene.views) eyes.extend(v.world_from_camera.position);
    Sketch sketch{scene, report, report.box.box, 1, {report.away.begin(), report.away.end()}};
    // A box far larger than the cameras' surroundings would make them a dot.
    const double around = std::max({eyes.longest_side(), report.focus_distance, 1e-9});
    const bool huge = sketch.box.longest_side() > 6 * around;
    sketch.frustum = 0.09 * std::max(around, huge ? 0.0 : 0.5 * sketch.box.longest_side());

    std::vector<Vec3d> frame;
    for (std::size_t i = 0; i < scene.views.size(); ++i)
        for (const Vec3d& p : sketch.corners(i)) frame.push_back(p);
    if (!huge)
        for (int k = 0; k < 8; ++k)
            frame.push_back({k & 1 ? sketch.box.hi.x : sketch.box.lo.x, k & 2 ? sketch.box.hi.y : sketch.box.lo.y,
                             k & 4 ? sketch.box.hi.z : sketch.box.lo.z});
    const Vec3d up = norm(report.up) > 0.1 ? normalized(report.up) : Vec3d{0, 1, 0};
    const int head = 64, half = options.width / 2, height = options.height - head;
    const double aspect = static_cast<double>(half) / height;
    for (int side = 0; side < 2; ++side) {
        // The elevation turns the view from the side into one from above.
        const auto view = geom::frame_view(frame, aspect, up, 0.6, side == 0 ? 0.38 : 1.5);
        Panel panel(image, side * half, head, half, height, view);
        draw_points(panel, sketch);
        if (!huge) draw_box(panel, sketch.box);
        draw_axes(panel, sketch);
        draw_frusta(panel, sketch);
        geom::draw_text(image, side * half + 12, options.height - 12, 12, side == 0 ? "from the side" : "from above",
                        kText);
    }
    const std::string title = fmt::format("{}: {} train, {} val, {} test views", scene.layout,
                                          scene.count(Split::train), scene.count(Split::val), scene.count(Split::test));
    geom::draw_text(image, 12, 26, 16, title, kText);
    geom::draw_text(image, 12, 50, 12,
                    fmt::format("box {:.4g} wide ({}){}; thick edges are the tops of the pictures",
                                report.box.box.longest_side(), report.box.origin, huge ? ", too large to draw" : ""),
                    kText);
    double x = options.width - 330;
    for (const auto& [name, color] : {std::pair("train", kTrain), std::pair("val", kVal), std::pair("test", kTest),
                                      std::pair("looks away", kAway)}) {
        geom::draw_rectangle(image, static_cast<int>(x), 14, 12, 12, color);
        geom::draw_text(image, x + 17, 26, 12, name, kText);
        x += 30 + geom::text_width(12, name);
    }
    return image;
}

}  // namespace nir::io
