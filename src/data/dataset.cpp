// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/data/dataset.h"

#include "nir/base/error.h"
#include "nir/base/splitmix.h"
#include "nir/geom/image_resize.h"
#include "nir/geom/kd_tree.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace nir::data {

void DatasetConfig::describe(ConfigVisitor& v) {
    v.field("path", path, "folder in the papers' layout, folder with packed sets, or one packed file");
    v.field("also", also, "further sets that are mixed in");
    v.field("weights", weights, {.min = 0}, "shares of path and also; empty: their numbers of models");
    v.check(weights.empty() || weights.size() == 1 + also.size(), "weights",
            "needs one number for path and each of also");
    v.field("classes", classes, "classes to take; empty: all");
    v.field("split", split, "list that is trained on");
    v.field("validation_split", validation_split, "list that validation takes its models from");
    v.choice("observation", observation,
             {{"model", Observation::model},
              {"points", Observation::points},
              {"voxels", Observation::voxels},
              {"image", Observation::image},
              {"index", Observation::index},
              {"none", Observation::none}},
             "what the model is given; model = what it takes");
    v.field("points", points, {.min = 1, .max = 10000000, .unit = "points"},
            "size of the observed cloud; published: 300 (onet), 3000 (conv_onet), 10000 (rooms)");
    v.field("noise", noise, {.min = 0, .max = 1, .unit = "relative to the longest side"},
            "standard deviation added to each coordinate of the cloud, after it was drawn");
    v.field("partial", partial, "cut the cloud off along a random axis, at 70 to 100 % of its extent");
    v.field("image_size", image_size, {.min = 8, .max = 4096, .unit = "pixels"}, "pictures are scaled to this side");
    v.field("augment", augment, "cut training pictures to squares of 75 to 100 % of their area");
    v.field("queries", queries, {.min = 0, .max = 10000000, .unit = "points"}, "labelled points per sample");
    v.field("queries_inside", queries_inside, {.min = -1, .max = 10000000, .unit = "points"},
            "how many of them are inside; -1 = as they come");
    v.check(queries_inside <= queries, "queries_inside", "must not exceed queries");
    v.field("jitter", jitter, {.min = 0, .max = 1},
            "standard deviation added to labelled points stored as float16, as the papers' loader does");
    v.field("surface", surface, {.min = 1, .max = 10000000, .unit = "points"},
            "points of the true surface per shape, for models that compare with them");
    v.field("points_file", points_file, "labelled points; without .npz a folder of files, one is drawn each time");
    v.field("points_iou_file", points_iou_file, "labelled points of the validation");
    v.field("pointcloud_file", pointcloud_file, "surface points");
    v.field("voxels_file", voxels_file, "voxel grid");
    v.field("image_folder", image_folder, "pictures");
}

nn::ObservationKind DatasetConfig::shown(std::optional<nn::ObservationKind> wanted) const {
    using Kind = nn::ObservationKind;
    if (observation == Observation::model) return wanted.value_or(Kind::points);
    const Kind kind = observation == Observation::points   ? Kind::points
                      : observation == Observation::voxels ? Kind::voxels
                      : observation == Observation::image  ? Kind::image
                      : observation == Observation::index  ? Kind::index
                                                           : Kind::none;
    if (wanted && *wanted != kind)
        fail(ErrorKind::config, "data.observation gives {}, but the model takes {}", nn::describe(kind),
             nn::describe(*wanted));
    return kind;
}

PaperFiles DatasetConfig::files() const {
    return {points_file, points_iou_file, pointcloud_file, voxels_file, image_folder};
}

namespace {

Vec3f with_noise(Vec3f p, double sigma, Rng& rng) {
    if (sigma > 0)
        for (int a = 0; a < 3; ++a) p[a] += static_cast<float>(sigma * rng.normal());
    return p;
}

void append(std::vector<float>& out, Vec3f p) { out.insert(out.end(), {p.x, p.y, p.z}); }

std::vector<std::int64_t> shape_of(const geom::VoxelGrid& grid) { return {grid.size.x, grid.size.y, grid.size.z}; }

}  // namespace

std::uint64_t permuted(std::uint64_t i, std::uint64_t n, std::uint64_t key) {
    NIR_CHECK(i < n);
    // A Feistel network permutes the next power of four; numbers beyond n are sent through again.
    const int half = std::max(1, (static_cast<int>(std::bit_width(n - 1)) + 1) / 2);
    const std::uint64_t mask = (std::uint64_t{1} << half) - 1;
    do {
        std::uint64_t left = i >> half, right = i & mask;
        for (std::uint64_t round = 0; round < 4; ++round) {
            const std::uint64_t next = left ^ (splitmix64(right ^ splitmix64(key + round)) & mask);
            left = right, right = next;
        }
        i = left << half | right;
    } while (i >= n);
    return i;
}

Dataset::Dataset(const DatasetConfig& config, std::string_view split, std::optional<nn::ObservationKind> wanted)
    : config_(config), shown_(config.shown(wanted)) {
    if (config.path.empty())
        fail(ErrorKind::config, "data.path is empty: give the folder that nir prepare made (--set data.path=FOLDER)");
    std::vector<std::string> paths = {config.path};
    paths.insert(paths.end(), config.also.begin(), config.also.end());
    first_.push_back(0);
    double sum = 0;
    const bool mixing = !config.weights.empty() || paths.size() > 1;
    for (std::size_t i = 0; i < paths.size(); ++i) {
        sets_.push_back(open_model_set(paths[i], split, config.classes, config.files()));
        first_.push_back(first_.back() + sets_.back()->size());
        sum += config.weights.empty() ? static_cast<double>(sets_.back()->size()) : config.weights[i];
        if (mixing) cumulative_.push_back(sum);
    }
    if (mixing && !(sum > 0)) fail(ErrorKind::config, "data.weights are all 0");
}

std::size_t Dataset::size() const { return first_.back(); }

const ModelSet& Dataset::set_of(std::size_t model, std::size_t& index_in_set) const {
    NIR_CHECK(model < size());
    const auto it = std::upper_bound(first_.begin(), first_.end(), model) - 1;
    index_in_set = model - *it;
    return *sets_[static_cast<std::size_t>(it - first_.begin())];
}

std::size_t Dataset::model_of_sample(std::uint64_t i, std::uint64_t seed) const {
    if (cumulative_.empty()) return permuted(i % size(), size(), splitmix64(seed ^ splitmix64(i / size())));
    Rng rng(splitmix64(seed) ^ splitmix64(i));
    const double u = rng.uniform() * cumulative_.back();
    const auto set =
        static_cast<std::size_t>(std::upper_bound(cumulative_.begin(), cumulative_.end() - 1, u) - cumulative_.begin());
    return first_[set] + rng.below(sets_[set]->size());
}

std::vector<Vec3f> Dataset::draw_cloud(const SurfacePoints& surface, Rng& rng) const {
    std::vector<std::uint32_t> kept;  // empty: all
    const std::size_t n = surface.points.size();
    if (config_.partial) {
        const int axis = static_cast<int>(rng.below(3));
        float lo = surface.points[0][axis], hi = lo;
        for (std::size_t i = 0; i < n; ++i)
            lo = std::min(lo, surface.points[i][axis]), hi = std::max(hi, surface.points[i][axis]);
        const float limit = static_cast<float>(rng.uniform(0.7, 1.0)) * (hi - lo);
        for (std::size_t i = 0; i < n; ++i)
            if (surface.points[i][axis] - lo <= limit) kept.push_back(static_cast<std::uint32_t>(i));
    }
    std::vector<std::size_t> rows(static_cast<std::size_t>(config_.points));
    for (auto& r : rows) r = kept.empty() ? rng.below(n) : kept[rng.below(kept.size())];
    std::vector<Vec3f> out;
    out.reserve(rows.size());
    for (const std::size_t r : rows) out.push_back(with_noise(surface.points[r], config_.noise, rng));
    return out;
}

geom::RgbImage Dataset::draw_picture(const ModelSet& set, std::size_t m, bool training, Rng& rng) const {
    const std::size_t n = set.views(m);
    if (n == 0) fail(ErrorKind::input, "{}: has no pictures (nir prepare --views N renders some)", set.title(m));
    geom::Image8 image = set.view(m, training ? rng.below(n) : 0);
    if (training && config_.augment) {
        const double share = std::sqrt(rng.uniform(0.75, 1.0));
        const int shorter = std::min(image.width, image.height);
        const int side = std::clamp(static_cast<int>(std::lround(share * shorter)), 1, shorter);
        const auto pick = [&](int room) { return static_cast<int>(rng.below(static_cast<std::uint64_t>(room) + 1)); };
        const int x = pick(image.width - side), y = pick(image.height - side);
        image = geom::crop_image(image, x, y, side, side);
    }
    return geom::resize_to_square(geom::rgb_planes(image), config_.image_size);
}

void Dataset::observe(DatasetSample& out, const ModelSet& set, std::size_t m, bool training, Rng& rng) const {
    using Kind = nn::ObservationKind;
    switch (shown_) {
        case Kind::points:
            for (const Vec3f p : draw_cloud(set.surface(m, rng), rng)) append(out.observation, p);
            out.observation_shape = {config_.points, 3};
            break;
        case Kind::voxels: {
            geom::VoxelGrid grid = set.voxels(m);
            out.observation_shape = shape_of(grid);
            out.observation = std::move(grid.values);
            break;
        }
        case Kind::image: {
            geom::RgbImage picture = draw_picture(set, m, training, rng);
            out.observation_shape = {3, picture.height, picture.width};
            out.observation = std::move(picture.data);
            break;
        }
        case Kind::index:
        case Kind::none:
            out.observation_shape = {0};
            break;
    }
}

void Dataset::draw_queries(DatasetSample& out, const ModelSet& set, std::size_t m, Rng& rng) const {
    if (config_.queries == 0) return;
    const LabelledPoints all = set.points(m, false, rng);
    const std::size_t n = all.points.size();
    const double jitter = all.points.type == io::DType::f16 ? config_.jitter : 0;
    std::vector<std::size_t> rows(static_cast<std::size_t>(config_.queries));
    for (auto& r : rows) r = rng.below(n);
    if (config_.queries_inside >= 0) {
        std::vector<std::uint32_t> kind[2];
        for (std::uint32_t i = 0; i < n; ++i) kind[all.inside[i] ? 1 : 0].push_back(i);
        const auto inside = static_cast<std::size_t>(config_.queries_inside);
        for (std::size_t k = 0; k < rows.size(); ++k) {
            const auto& from = kind[k >= rows.size() - inside ? 1 : 0];
            if (!from.empty()) rows[k] = from[rng.below(from.size())];
        }
    }
    out.queries.reserve(3 * rows.size()), out.occupancies.reserve(rows.size());
    for (const std::size_t r : rows) {
        append(out.queries, with_noise(all.points[r], jitter, rng));
        out.occupancies.push_back(all.inside[r] ? 1.0f : 0.0f);
    }
}

DatasetSample Dataset::sample(std::size_t model, bool training, Rng rng, const TrainingTargets& targets) const {
    std::size_t m = 0;
    const ModelSet& set = set_of(model, m);
    return with_context(set.title(m), [&] {
        DatasetSample out;
        out.index = static_cast<std::int64_t>(model);
        observe(out, set, m, training, rng);
        draw_queries(out, set, m, rng);
        if (targets.surface) {
            const SurfacePoints s = set.surface(m, rng);
            for (int i = 0; i < config_.surface; ++i) {
                const std::size_t r = rng.below(s.points.size());
                append(out.surface, s.points[r]);
                if (!s.normals.empty()) append(out.surface_normals, s.normals[r]);
            }
        }
        if (targets.voxels > 0) {
            geom::VoxelGrid grid = set.voxels(m);
            if (const int n = targets.voxels; grid.size != geom::Vec3i{n, n, n})
                fail(ErrorKind::input, "a voxel grid of {} x {} x {}; the model compares with {} cells a side",
                     grid.size.x, grid.size.y, grid.size.z, n);
            out.voxels_shape = shape_of(grid);
            out.voxels = std::move(grid.values);
        }
        if (targets.window > 0) out.window = draw_window_of(set, m, targets.window, rng);
        return out;
    });
}

TrainingWindow Dataset::draw_window_of(const ModelSet& set, std::size_t m, double side, Rng& rng) const {
    const SurfacePoints surface = set.surface(m, rng);
    geom::Box3f bounds;
    for (std::size_t i = 0; i < surface.points.size(); ++i) bounds.extend(surface.points[i]);
    const LabelledPoints all = set.points(m, false, rng);
    std::vector<Vec3f> labelled(all.points.size());
    std::vector<std::uint8_t> inside(labelled.size());
    for (std::size_t i = 0; i < labelled.size(); ++i)
        labelled[i] = all.points[i], inside[i] = static_cast<std::uint8_t>(all.inside[i] ? 1 : 0);
    return draw_window(bounds, side, static_cast<std::size_t>(std::max(1, config_.queries)), labelled, inside, rng);
}

LabelledScan Dataset::scan(std::size_t model, std::size_t labels, Rng rng) const {
    std::size_t m = 0;
    const ModelSet& set = set_of(model, m);
    return with_context(set.title(m), [&] {
        LabelledScan out;
        const SurfacePoints surface = set.surface(m, rng);
        out.cloud = draw_cloud(surface, rng);
        const std::uint64_t n_surface = surface.points.size(), order = rng.next();
        for (std::uint64_t i = 0; i < std::min<std::uint64_t>(labels, n_surface); ++i)
            out.surface.push_back(surface.points[permuted(i, n_surface, order)]);
        out.shown = shown_;
        out.index = static_cast<std::int64_t>(model);
        if (shown_ == nn::ObservationKind::voxels) out.voxels = set.voxels(m);
        if (shown_ == nn::ObservationKind::image) out.image = draw_picture(set, m, false, rng);
        std::vector<geom::Vec3d> on_surface;
        for (std::size_t i = 0; i < surface.points.size(); i += 1 + surface.points.size() / 30000)
            on_surface.push_back(geom::Vec3d(surface.points[i]));
        const geom::KdTree tree(on_surface);
        const LabelledPoints all = set.points(m, true, rng);
        // A random order of all points: the first of them, and the first near the surface.
        const std::uint64_t n = all.points.size(), key = rng.next();
        constexpr double kNear = 0.02;
        for (std::uint64_t i = 0; i < n && (out.uniform.size() < labels || out.near.size() < labels); ++i) {
            const std::size_t r = permuted(i, n, key);
            const Vec3f p = all.points[r];
            const auto inside = static_cast<std::uint8_t>(all.inside[r] ? 1 : 0);
            if (out.uniform.size() < labels) out.uniform.push_back(p), out.uniform_inside.push_back(inside);
            if (out.near.size() < labels && tree.nearest(geom::Vec3d(p)).squared_distance < kNear * kNear)
                out.near.push_back(p), out.near_inside.push_back(inside);
        }
        return out;
    });
}

std::string Dataset::summary() const {
    return sets_.size() == 1 ? fmt::format("{} models", size())
                             : fmt::format("{} models of {} sets", size(), sets_.size());
}

}  // namespace nir::data
