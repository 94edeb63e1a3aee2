// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/data/view_samples.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/io/npy.h"

#include "data/ray_places.h"
#include "data/sample_rng.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <optional>

namespace nir::data {
namespace {

using geom::Vec3d;

constexpr double kMargin = 0.05;  ///< of the frame around the hull, at each side
constexpr int kHullSteps = 96;    ///< places along a ray that are looked up in the hull

/// Numbers of object pixels in rectangles, by sums over everything above and to the left. Pixels that do not count may
/// show the object.
class PixelSums {
public:
    explicit PixelSums(const io::ViewPixels& p)
        : width_(p.rgba.width), height_(p.rgba.height), sums_(at_size(width_ + 1) * at_size(height_ + 1)) {
        for (int y = 0; y < height_; ++y)
            for (int x = 0; x < width_; ++x) {
                const std::size_t i = at_size(y) * at_size(width_) + at_size(x);
                const bool may = p.rgba.pixel(x, y)[3] >= 128 || (!p.valid.empty() && p.valid[i] == 0);
                sum(x + 1, y + 1) = sum(x, y + 1) + sum(x + 1, y) - sum(x, y) + (may ? 1u : 0u);
            }
    }
    /// True if a pixel of the square of this half side may show the object; outside of the picture nothing is known.
    bool any(double x, double y, double half) const {
        if (x + half < 0 || y + half < 0 || x - half >= width_ || y - half >= height_) return true;
        const auto low = [&](double v, int n) { return std::clamp(static_cast<int>(std::floor(v - half)), 0, n - 1); };
        const auto high = [&](double v, int n) { return std::clamp(static_cast<int>(std::ceil(v + half)), 1, n); };
        const int x0 = low(x, width_), x1 = high(x, width_), y0 = low(y, height_), y1 = high(y, height_);
        return sum(x1, y1) + sum(x0, y0) > sum(x0, y1) + sum(x1, y0);
    }

private:
    static std::size_t at_size(int n) { return static_cast<std::size_t>(n); }
    std::uint32_t& sum(int x, int y) { return sums_[at_size(y) * at_size(width_ + 1) + at_size(x)]; }
    std::uint32_t sum(int x, int y) const { return sums_[at_size(y) * at_size(width_ + 1) + at_size(x)]; }
    int width_, height_;
    std::vector<std::uint32_t> sums_;
};

/// Cells of a cube of which each photo says that they may belong to the object; x fastest.
template <class Views>
std::vector<std::uint8_t> carved(const Views& views, const std::vector<PixelSums>& sums, const geom::Frame& cube,
                                 int n) {
    const auto cells = static_cast<std::size_t>(n);
    std::vector<std::uint8_t> kept(cells * cells * cells);
    parallel_for(cells * cells, 8, [&](std::size_t begin, std::size_t end) {
        for (std::size_t row = begin; row < end; ++row)
            for (std::size_t x = 0; x < cells; ++x) {
                const auto middle = [&](std::size_t i) { return (static_cast<double>(i) + 0.5) / n - 0.5; };
                const Vec3d p = cube.user_from_unit({middle(x), middle(row % cells), middle(row / cells)});
                bool keep = true;
                bool seen = false;
                for (std::size_t v = 0; keep && v < views.size(); ++v) {
                    const auto at = geom::project(views[v]->camera, views[v]->pose, p);
                    if (!at || !(at->depth > 0)) continue;
                    const auto [px, py] = at->at;
                    seen = seen || (px >= 0 && py >= 0 && px < views[v]->camera.width && py < views[v]->camera.height);
                    const double half = 0.5 * cube.scale / n * views[v]->camera.fx / at->depth;
                    keep = sums[v].any(px, py, half);
                }
                kept[row * cells + x] = keep && seen ? 1 : 0;
            }
    });
    return kept;
}

/// The box of the kept cells, in cells; nothing if there are none.
std::optional<std::array<Vec3d, 2>> box_of(const std::vector<std::uint8_t>& kept, int n) {
    const auto cells = static_cast<std::size_t>(n);
    std::array<Vec3d, 2> box{Vec3d{INFINITY, INFINITY, INFINITY}, Vec3d{-INFINITY, -INFINITY, -INFINITY}};
    for (std::size_t i = 0; i < kept.size(); ++i) {
        if (!kept[i]) continue;
        const Vec3d c{static_cast<double>(i % cells), static_cast<double>(i / cells % cells),
                      static_cast<double>(i / cells / cells)};
        for (int a = 0; a < 3; ++a) box[0][a] = std::min(box[0][a], c[a]), box[1][a] = std::max(box[1][a], c[a] + 1);
    }
    if (!(box[0].x <= box[1].x)) return {};
    return box;
}

/// Points of structure from motion, and which of them a photo sees.
class SparsePoints {
public:
    explicit SparsePoints(const std::filesystem::path& file) : name_(file.string()), file_(io::read_npz(file)) {
        const auto p = values("points");
        if (p.size() % 3 != 0) fail(ErrorKind::format, "{}: points must be [M,3]", name_);
        for (std::size_t i = 0; i + 2 < p.size(); i += 3) points_.push_back({p[i], p[i + 1], p[i + 2]});
        use_.assign(points_.size(), true);
        if (!file_.find("is_in_visual_hull")) return;
        const auto in = values("is_in_visual_hull");
        if (in.size() != use_.size())
            fail(ErrorKind::format, "{}: is_in_visual_hull has {} values for {} points", name_, in.size(), use_.size());
        for (std::size_t i = 0; i < use_.size(); ++i) use_[i] = in[i] != 0;
    }
    std::vector<Vec3d> seen_by(std::size_t photo) const {
        const std::string key = fmt::format("visibility_{:04}", photo);
        std::vector<Vec3d> out;
        for (const double v : values(key)) {
            const auto i = static_cast<std::size_t>(v);
            if (!(v >= 0) || i >= points_.size())
                fail(ErrorKind::format, "{}: {} names point {} of {}", name_, key, v, points_.size());
            if (use_[i]) out.push_back(points_[i]);
        }
        return out;
    }

private:
    std::vector<double> values(const std::string& key) const {
        const io::NamedArray* a = file_.find(key);
        if (!a) fail(ErrorKind::format, "{}: there is no array {}", name_, key);
        return a->to_double();
    }

    std::string name_;
    io::TensorFile file_;
    std::vector<Vec3d> points_;
    std::vector<bool> use_;
};

}  // namespace

void ViewDataConfig::describe(ConfigVisitor& v) {
    v.field("path", path, "posed photos: a folder or the file that describes them");
    v.field("pixels", pixels, {.min = 1, .max = 1 << 20, .unit = "pixels"}, "rays of a photo a step");
    v.field("hold_out", hold_out, {.min = 0, .max = 1e6},
            "every n-th photo is held out where the scene has no split; 0 = none");
    v.field("skip", skip, {.min = 0, .max = 1e6},
            "numbers of photos that are left out (bad light, …), by the order of their names from 0 on");
    v.choice("masks", masks, {"", "valid", "ignore", "object", "alpha"},
             "what the bright pixels of masks say; empty: as the scene's files have it");
    v.field("hull", hull, "missing surface is asked for inside the visual hull");
    v.field("hull_cells", hull_cells, {.min = 8, .max = 512, .unit = "cells"}, "of the visual hull, along a side");
    v.field("sparse", sparse, {.min = 0, .max = 1 << 20, .unit = "points"},
            "rays of a photo a step through points of structure from motion (pcl.npz of the scene); 0 = none");
}

PosedPictures::PosedPictures(const ViewDataConfig& config) : config_(config) {
    if (config.path.empty()) fail(ErrorKind::config, "data.path must name the posed photos");
    const io::Scene scene =
        io::read_scene(config.path, {.hold_out = config.hold_out, .mask_meaning = io::mask_meaning_of(config.masks)});
    const bool has_val = scene.count(io::Split::val) > 0;
    std::vector<std::string> names;
    for (const io::SceneView& v : scene.views) names.push_back(v.name);
    std::sort(names.begin(), names.end());
    for (const int i : config.skip)
        if (static_cast<std::size_t>(i) >= names.size())
            fail(ErrorKind::config, "data.skip: {}: there are {} photos, number {} is none", config.path, names.size(),
                 i);
    const auto skipped = [&](const std::string& name) {
        return std::any_of(config.skip.begin(), config.skip.end(),
                           [&](int i) { return names[static_cast<std::size_t>(i)] == name; });
    };
    std::optional<SparsePoints> sparse;
    if (config.sparse > 0) {
        if (!std::filesystem::is_regular_file(scene.folder / "pcl.npz"))
            fail(ErrorKind::config, "data.sparse wants points of structure from motion, and there is no {}",
                 (scene.folder / "pcl.npz").string());
        sparse.emplace(scene.folder / "pcl.npz");
    }
    for (std::size_t i = 0; i < scene.views.size(); ++i) {
        const io::SceneView& v = scene.views[i];
        const bool trains = v.split == io::Split::train;
        if (!trains && v.split != (has_val ? io::Split::val : io::Split::test)) continue;
        if (skipped(v.name)) continue;
        View view{scene.cameras[v.camera], v.world_from_camera, io::read_view(scene, i)};
        if (!view.pixels.has_alpha)
            fail(ErrorKind::input,
                 "{}: the photo {} has neither transparency nor a mask of the object, and silhouettes are needed",
                 config.path, v.name);
        if (sparse) {
            const auto at = std::find(names.begin(), names.end(), v.name) - names.begin();
            view.sparse = sparse->seen_by(static_cast<std::size_t>(at));
        }
        (trains ? train_ : held_out_).push_back(std::move(view));
    }
    if (train_.empty()) fail(ErrorKind::input, "{}: there is no photo to train with", config.path);
    holds_out_ = !held_out_.empty();
    std::vector<const View*> views;
    for (const View& v : train_) views.push_back(&v);
    const geom::Box3d box = io::scene_box(scene).box;
    frame_ = {(box.lo + box.hi) * 0.5, std::max({box.hi.x - box.lo.x, box.hi.y - box.lo.y, box.hi.z - box.lo.z})};
    carve(views);
    for (auto* all : {&train_, &held_out_})
        for (View& v : *all) {
            v.x1 = v.camera.width, v.y1 = v.camera.height;
            Vec3d lo{INFINITY, INFINITY, 0}, hi{-INFINITY, -INFINITY, 0};
            bool whole = false;
            for (int corner = 0; corner < 8; ++corner) {
                const auto side = [&](int bit) { return (corner >> bit & 1 ? 0.5 : -0.5) * (1 + kRayPadding); };
                const auto at = geom::project(v.camera, v.pose, frame_.user_from_unit({side(0), side(1), side(2)}));
                whole = whole || !at || !(at->depth > 0);
                if (whole) break;
                lo = {std::min(lo.x, at->at.x), std::min(lo.y, at->at.y), 0};
                hi = {std::max(hi.x, at->at.x), std::max(hi.y, at->at.y), 0};
            }
            if (whole || hi.x <= 0 || hi.y <= 0 || lo.x >= v.x1 || lo.y >= v.y1) continue;
            v.x0 = std::max(v.x0, static_cast<int>(std::floor(std::max(lo.x, 0.0))));
            v.y0 = std::max(v.y0, static_cast<int>(std::floor(std::max(lo.y, 0.0))));
            v.x1 = std::min(v.x1, static_cast<int>(std::ceil(std::min(hi.x, 1e9))));
            v.y1 = std::min(v.y1, static_cast<int>(std::ceil(std::min(hi.y, 1e9))));
        }
}

void PosedPictures::carve(const std::vector<const View*>& views) {
    std::vector<PixelSums> sums;
    for (const View* v : views) sums.emplace_back(v->pixels);
    // Twice: the box that the scene's files or cameras suggest may be much too large.
    for (int round = 0; round < 2; ++round) {
        const auto box = box_of(carved(views, sums, frame_, config_.hull_cells), config_.hull_cells);
        if (!box)
            fail(ErrorKind::input,
                 "{}: no place is seen as object in all photos; cameras and silhouettes do not fit each other",
                 config_.path);
        const Vec3d lo = (*box)[0] / config_.hull_cells - Vec3d{0.5, 0.5, 0.5};
        const Vec3d hi = (*box)[1] / config_.hull_cells - Vec3d{0.5, 0.5, 0.5};
        const double longest = std::max({hi.x - lo.x, hi.y - lo.y, hi.z - lo.z});
        frame_.center_user = frame_.user_from_unit((lo + hi) * 0.5);
        frame_.scale *= longest * (1 + 2 * kMargin);
    }
    hull_ = carved(views, sums, frame_, config_.hull_cells);
}

bool PosedPictures::in_hull(Vec3d p) const {
    std::size_t index = 0;
    for (int a = 2; a >= 0; --a) {
        const double c = std::floor((p[a] + 0.5) * config_.hull_cells);
        if (!(c >= 0 && c < config_.hull_cells)) return false;
        index = index * static_cast<std::size_t>(config_.hull_cells) + static_cast<std::size_t>(c);
    }
    return hull_[index] != 0;
}

std::vector<geom::Vec3f> PosedPictures::hull_points() const {
    std::vector<geom::Vec3f> out;
    const auto n = static_cast<std::size_t>(config_.hull_cells);
    for (std::size_t i = 0; i < hull_.size(); ++i) {
        if (!hull_[i]) continue;
        const auto at = [&](std::size_t c) { return (static_cast<float>(c) + 0.5f) / static_cast<float>(n) - 0.5f; };
        out.push_back({at(i % n), at(i / n % n), at(i / n / n)});
    }
    return out;
}

ViewSample PosedPictures::draw(Rng rng) const { return draw(train_[rng.below(train_.size())], rng); }

ViewSample PosedPictures::draw_held_out(std::uint64_t index) const {
    const std::vector<View>& views = holds_out_ ? held_out_ : train_;
    Rng rng = held_out_rng(index);
    return draw(views[index % views.size()], rng);
}

ViewSample PosedPictures::draw(const View& view, Rng& rng) const {
    ViewSample out;
    const auto width = static_cast<std::uint64_t>(view.x1 - view.x0),
               height = static_cast<std::uint64_t>(view.y1 - view.y0);
    const int n = config_.pixels;
    for (int made = 0, tries = 0; made < n; ++tries) {
        if (tries > 1000 + 100 * n)
            fail(ErrorKind::input, "{}: hardly a pixel of a photo counts or has a ray", config_.path);
        const int x = view.x0 + static_cast<int>(rng.below(width)), y = view.y0 + static_cast<int>(rng.below(height));
        const std::size_t index =
            static_cast<std::size_t>(y) * static_cast<std::size_t>(view.camera.width) + static_cast<std::size_t>(x);
        if (!view.pixels.valid.empty() && view.pixels.valid[index] == 0) continue;
        const auto ray = geom::ray_through(view.camera, view.pose, {x + 0.5, y + 0.5});
        if (!ray || !(ray->depth_per_length > 1e-6)) continue;
        ++made;
        const Vec3d o = frame_.unit_from_user(ray->origin), d = ray->direction / ray->depth_per_length;
        append(out.origins, o), append(out.directions, d);
        const std::uint8_t* rgba = view.pixels.rgba.pixel(x, y);
        for (int k = 0; k < 3; ++k) out.rgb.push_back(static_cast<float>(rgba[k]) / 255.0f);
        const bool object = view.shows_object(x, y);
        out.object.push_back(object ? 1.0f : 0.0f);
        // The place nearest to the middle stands in where a ray misses the cube.
        const double nearest = std::max(0.0, -dot(o, d) / dot(d, d));
        const auto padded = interval(o, d, 1 + kRayPadding), inner = interval(o, d, 1);
        const double free = rng.uniform(), filled = rng.uniform();
        append(out.freespace, o + d * (padded ? (*padded)[0] + free * ((*padded)[1] - (*padded)[0]) : nearest));
        double at = inner ? (*inner)[0] + filled * ((*inner)[1] - (*inner)[0]) : nearest;
        if (object && inner && config_.hull) {
            std::array<double, kHullSteps> places{};
            std::size_t count = 0;
            const double step = ((*inner)[1] - (*inner)[0]) / kHullSteps;
            for (int i = 0; i < kHullSteps; ++i) {
                const double t = (*inner)[0] + (i + 0.5) * step;
                if (in_hull(o + d * t)) places[count++] = t;
            }
            const double pick = filled * static_cast<double>(count);
            if (count > 0) at = places[static_cast<std::size_t>(pick)] + (pick - std::floor(pick) - 0.5) * step;
        }
        append(out.occupied, o + d * at);
    }
    draw_sparse(view, rng, out);
    return out;
}

void PosedPictures::draw_sparse(const View& view, Rng& rng, ViewSample& out) const {
    const Vec3d eye = frame_.unit_from_user(view.pose.position);
    for (int k = 0; k < config_.sparse; ++k) {
        Vec3d direction{1, 0, 0};
        double depth = INFINITY;
        if (!view.sparse.empty()) {
            const Vec3d& p = view.sparse[rng.below(view.sparse.size())];
            const auto at = geom::project(view.camera, view.pose, p);
            if (at && at->depth > 1e-6 * frame_.scale) {
                depth = at->depth / frame_.scale;
                direction = (frame_.unit_from_user(p) - eye) / depth;
            }
        }
        append(out.sparse_origins, eye), append(out.sparse_directions, direction);
        out.sparse_depth.push_back(static_cast<float>(depth));
    }
}

}  // namespace nir::data
