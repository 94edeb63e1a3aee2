// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/data/picture_samples.h"

#include "nir/base/error.h"
#include "nir/geom/image_resize.h"
#include "nir/io/camera_frames.h"
#include "nir/io/exr.h"
#include "nir/io/formats.h"
#include "nir/io/npy.h"

#include "data/folder_files.h"
#include "data/ray_places.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <filesystem>
#include <limits>
#include <map>
#include <mutex>

namespace nir::data {
namespace {

namespace fs = std::filesystem;
using geom::Vec3d;

constexpr std::size_t kHullSteps = 32;  ///< places along a ray that the silhouettes are asked about

geom::Image8 read_picture(const fs::path& file) {
    io::SceneFile content = io::read_scene_file(file);
    auto* image = std::get_if<geom::Image8>(&content.content);
    if (image == nullptr) fail(ErrorKind::input, "{}: is no picture", file.string());
    return std::move(*image);
}

/// world_mat_3 and the like: [4,4], or [3,4] with the last row left out.
io::Matrix4 read_matrix(const io::NpzFile& file, const std::string& name) {
    const io::NamedArray a = file.read(name);
    const std::vector<double> v = a.to_double();
    if (a.shape.size() != 2 || a.shape[1] != 4 || (a.shape[0] != 3 && a.shape[0] != 4))
        fail(ErrorKind::format, "\"{}\" is {}; [4, 4] is needed", name, a.shape_text());
    for (const double x : v)
        if (!std::isfinite(x)) fail(ErrorKind::format, "\"{}\" holds a number that is not finite", name);
    io::Matrix4 out{};
    std::copy(v.begin(), v.end(), out.begin());
    out[15] = 1;
    return out;
}

void want_size(const geom::Image8& image, const geom::Camera& camera, const fs::path& file) {
    if (image.width != camera.width || image.height != camera.height)
        fail(ErrorKind::format, "{}: {} x {} pixels, the photo has {} x {}", file.string(), image.width, image.height,
             camera.width, camera.height);
}

/// True where the pixel or one beside it shows the object.
std::vector<std::uint8_t> widened(const std::vector<std::uint8_t>& mask, int width, int height) {
    std::vector<std::uint8_t> out(mask.size());
    const auto at = [&](int x, int y) {
        return static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x);
    };
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int v = std::max(y - 1, 0); v <= std::min(y + 1, height - 1); ++v)
                for (int u = std::max(x - 1, 0); u <= std::min(x + 1, width - 1); ++u) out[at(x, y)] |= mask[at(u, v)];
    return out;
}

struct Photo {
    geom::Camera camera;
    geom::Pose pose;
    std::vector<std::uint8_t> rgb;           ///< [pixels,3]
    std::vector<std::uint8_t> object, near;  ///< 1: the pixel shows the object; widened by a pixel
    int x0 = 0, y0 = 0, x1 = 0, y1 = 0;      ///< rectangle of the object, a tenth wider; half-open
    std::vector<float> depth;                ///< world units
    std::vector<std::uint8_t> normals, shadow;
    Vec3d lamp{};

    std::size_t bytes() const { return 5 * object.size() + 4 * depth.size() + normals.size() + shadow.size(); }
};

void take_pixels(const fs::path& file, const std::vector<fs::path>& masks, std::size_t i, Photo& photo) {
    const geom::Image8 image = read_picture(file);
    const auto pixels = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
    const geom::Image8 mask = i < masks.size() ? read_picture(masks[i]) : geom::Image8{};
    const bool alpha = image.channels == 2 || image.channels == 4;
    if (mask.empty() && !alpha)
        fail(ErrorKind::input, "{}: there is neither a mask nor transparency, and silhouettes are needed",
             file.string());
    if (!mask.empty() && (mask.width != image.width || mask.height != image.height))
        fail(ErrorKind::format, "{}: {} x {} pixels, the photo has {} x {}", masks[i].string(), mask.width, mask.height,
             image.width, image.height);
    photo.object.resize(pixels);
    const auto channels = static_cast<std::size_t>(image.channels);
    for (std::size_t p = 0; p < pixels; ++p) {
        const std::uint8_t value = mask.empty() ? image.data[p * channels + channels - 1]
                                                : mask.data[p * static_cast<std::size_t>(mask.channels)];
        photo.object[p] = value >= 128 ? 1 : 0;
        for (std::size_t k = 0; k < 3; ++k) photo.rgb.push_back(image.data[p * channels + (channels < 3 ? 0 : k)]);
    }
    photo.near = widened(photo.object, image.width, image.height);
    photo.x0 = image.width, photo.y0 = image.height;
    for (int y = 0; y < image.height; ++y)
        for (int x = 0; x < image.width; ++x)
            if (photo.object[static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) +
                             static_cast<std::size_t>(x)]) {
                photo.x0 = std::min(photo.x0, x), photo.x1 = std::max(photo.x1, x + 1);
                photo.y0 = std::min(photo.y0, y), photo.y1 = std::max(photo.y1, y + 1);
            }
    const int wider = std::max(1, std::max(image.width, image.height) / 10);
    photo.x0 = std::max(photo.x0 - wider, 0), photo.y0 = std::max(photo.y0 - wider, 0);
    photo.x1 = std::min(photo.x1 + wider, image.width), photo.y1 = std::min(photo.y1 + wider, image.height);
    photo.camera.width = image.width, photo.camera.height = image.height;
}

std::vector<float> read_depth(const fs::path& file, const geom::Camera& camera) {
    const io::FloatImage image = io::read_exr(file);
    if (image.width != camera.width || image.height != camera.height)
        fail(ErrorKind::format, "{}: {} x {} pixels, the photo has {} x {}", file.string(), image.width, image.height,
             camera.width, camera.height);
    // One channel, or the same in several (as Blender writes).
    std::vector<float> out;
    for (std::size_t i = 0; i < image.values.size(); i += image.channels.size()) {
        const float v = image.values[i];
        out.push_back(v > 0 && v < 1e9f ? v : std::numeric_limits<float>::infinity());
    }
    return out;
}

/// The files of one model.
struct PhotoFiles {
    std::vector<fs::path> images, masks, depths, normals, shadows;
    std::vector<double> lamps;

    PhotoFiles(const fs::path& folder, const PictureDataConfig& c)
        : images(files_with_ending(folder / c.image_folder, {".png", ".jpg", ".jpeg"})),
          masks(files_with_ending(folder / c.mask_folder, {".png", ".jpg", ".jpeg"})),
          depths(files_with_ending(folder / c.depth_folder, {".exr"})),
          normals(files_with_ending(folder / c.normal_folder, {".png"})),
          shadows(files_with_ending(folder / c.shadow_folder, {".png"})) {
        if (images.empty())
            fail(ErrorKind::input, "{}: there are no photos (nir prepare --photos N takes some)",
                 (folder / c.image_folder).string());
        const auto check = [&](const std::vector<fs::path>& files, const std::string& name, bool needed) {
            if (files.size() != images.size() && (needed || !files.empty()))
                fail(ErrorKind::input, "{}: {} files for {} photos", (folder / name).string(), files.size(),
                     images.size());
        };
        check(masks, c.mask_folder, false), check(depths, c.depth_folder, c.surface || c.depth);
        check(normals, c.normal_folder, c.surface), check(shadows, c.shadow_folder, false);
        const fs::path lights = folder / "lights.npz";
        if (c.surface && fs::is_regular_file(lights)) lamps = io::NpzFile(lights).read("position").to_double();
        if (!lamps.empty() && lamps.size() != 3 * images.size())
            fail(ErrorKind::format, "{}: {} lamps for {} photos", lights.string(), lamps.size() / 3, images.size());
    }
};

/// What is known of the surface that photo i shows, and the lamp above it.
void take_surface(const PhotoFiles& files, std::size_t i, Photo& photo) {
    const geom::Image8 n = read_picture(files.normals[i]);
    want_size(n, photo.camera, files.normals[i]);
    if (n.channels != 3) fail(ErrorKind::format, "{}: normals need three channels", files.normals[i].string());
    photo.normals = n.data;
    if (files.lamps.empty()) return;
    photo.lamp = {files.lamps[3 * i], files.lamps[3 * i + 1], files.lamps[3 * i + 2]};
    photo.shadow.assign(photo.object.size(), 255);
    if (files.shadows.empty()) return;
    const geom::Image8 s = read_picture(files.shadows[i]);
    want_size(s, photo.camera, files.shadows[i]);
    for (std::size_t p = 0; p < photo.shadow.size(); ++p)
        photo.shadow[p] = s.data[p * static_cast<std::size_t>(s.channels)];
}

/// The frame of the unit cube in the cameras' world.
geom::Frame frame_of(const io::NpzFile& cameras) {
    if (!cameras.contains("scale_mat_0")) return {};
    const io::Matrix4 s = read_matrix(cameras, "scale_mat_0");
    if (!(s[0] > 0) || std::abs(s[5] - s[0]) > 1e-4 * s[0] || std::abs(s[10] - s[0]) > 1e-4 * s[0])
        fail(ErrorKind::format, "\"scale_mat_0\" is more than one scale and a shift");
    return {{s[3], s[7], s[11]}, s[0]};
}

}  // namespace

void PictureDataConfig::describe(ConfigVisitor& v) {
    v.field("path", path, "folder with CLASS/NAME/image, mask and cameras.npz (nir prepare --photos)");
    v.field("classes", classes, "classes to take; empty: all");
    v.field("split", split, "list that is trained on");
    v.field("validation_split", validation_split, "list that validation takes its models from");
    v.field("input_folder", input_folder, "pictures for the encoder");
    v.field("image_folder", image_folder, "the photos, in the order of the cameras");
    v.field("mask_folder", mask_folder, "their silhouettes; none there: the photos' transparency");
    v.field("depth_folder", depth_folder, "their depth, EXR");
    v.field("normal_folder", normal_folder, "normals of the surface they show, PNG");
    v.field("shadow_folder", shadow_folder, "shares of the lamp that is seen, PNG");
    v.field("image_size", image_size, {.min = 8, .max = 4096, .unit = "pixels"}, "pictures are scaled to this side");
    v.field("same_view", same_view, "the encoder is shown the photo that is compared with");
    v.field("pixels", pixels, {.min = 1, .max = 1 << 20, .unit = "pixels"}, "rays of a photo a step");
    v.field("focus", focus, {.min = 0, .max = 1},
            "share of them from the rectangle around the silhouette; the papers' code: 0");
    v.field("surface", surface, "only pixels of the object, with depth, normals and lamps: for texture fields");
    v.field("depth", depth, "also the depth of the pixels");
    v.field("points", points, {.min = 0, .max = 100000, .unit = "points"},
            "of the surface, for an encoder of geometry; 0 = none");
    v.field("hull", hull, "missing surface is asked for where all silhouettes allow it");
    v.field("cache_mb", cache_mb, {.min = 0, .max = 1e6, .unit = "MB"}, "memory for decoded photos");
    v.check(!same_view || input_folder == image_folder, "same_view", "needs input_folder = image_folder");
}

PaperFiles PictureDataConfig::files() const {
    PaperFiles out;
    out.images = input_folder;
    return out;
}

struct PictureSet::Photos {
    std::vector<Photo> views;
    geom::Frame frame;  ///< the cameras' world from the unit cube
    std::size_t bytes = 0;

    Photos(const fs::path& folder, const PictureDataConfig& config);

    /// True if no silhouette says that the place (unit cube) is empty.
    bool may_be_full(Vec3d p) const {
        const Vec3d world = frame.user_from_unit(p);
        for (const Photo& v : views) {
            const auto at = geom::project(v.camera, v.pose, world);
            if (!at || !(at->depth > 0)) continue;
            const double x = std::floor(at->at.x), y = std::floor(at->at.y);
            if (x < 0 || y < 0 || x >= v.camera.width || y >= v.camera.height) continue;
            if (!v.near[static_cast<std::size_t>(y) * static_cast<std::size_t>(v.camera.width) +
                        static_cast<std::size_t>(x)])
                return false;
        }
        return true;
    }
};

PictureSet::Photos::Photos(const fs::path& folder, const PictureDataConfig& config) {
    const PhotoFiles files(folder, config);
    const fs::path path = folder / "cameras.npz";
    const io::NpzFile cameras(path);
    with_context(path.string(), [&] { frame = frame_of(cameras); });
    for (std::size_t i = 0; i < files.images.size(); ++i) {
        Photo photo;
        take_pixels(files.images[i], files.masks, i, photo);
        with_context(path.string(), [&] {
            const io::DvrMatrices m{read_matrix(cameras, fmt::format("camera_mat_{}", i)),
                                    read_matrix(cameras, fmt::format("world_mat_{}", i))};
            const io::PosedCamera posed = io::camera_from_dvr(m, photo.camera.width, photo.camera.height);
            photo.camera = posed.camera, photo.pose = posed.pose;
        });
        if (config.surface || config.depth) photo.depth = read_depth(files.depths[i], photo.camera);
        if (config.surface) take_surface(files, i, photo);
        bytes += photo.bytes();
        views.push_back(std::move(photo));
    }
}

struct PictureSet::Cache {
    std::mutex mutex;
    std::map<std::size_t, std::shared_ptr<const Photos>> photos;
    std::deque<std::size_t> order;
    std::size_t bytes = 0;
};

PictureSet::PictureSet(const PictureDataConfig& config, std::string_view split)
    : config_(config), cache_(std::make_unique<Cache>()) {
    if (config.path.empty())
        fail(ErrorKind::config, "data.path is empty: give the folder that nir prepare --photos made");
    models_ = open_paper_set(config.path, split, config.classes, config.files());
}
PictureSet::~PictureSet() = default;

std::size_t PictureSet::size() const { return models_->size(); }
const ModelSet& PictureSet::models() const { return *models_; }

std::shared_ptr<const PictureSet::Photos> PictureSet::photos_of(std::size_t model) const {
    {
        const std::lock_guard lock(cache_->mutex);
        if (const auto it = cache_->photos.find(model); it != cache_->photos.end()) return it->second;
    }
    const auto made = std::make_shared<const Photos>(
        fs::path(config_.path) / models_->class_of(model) / models_->name_of(model), config_);
    const std::lock_guard lock(cache_->mutex);
    if (cache_->photos.emplace(model, made).second) cache_->order.push_back(model), cache_->bytes += made->bytes;
    while (cache_->order.size() > 1 && static_cast<double>(cache_->bytes) > config_.cache_mb * 1e6) {
        const auto oldest = cache_->photos.find(cache_->order.front());
        cache_->bytes -= oldest->second->bytes;
        cache_->photos.erase(oldest), cache_->order.pop_front();
    }
    return made;
}

PictureSample PictureSet::draw(std::size_t model, bool training, Rng rng) const {
    return with_context(models_->title(model), [&] {
        PictureSample out;
        const auto photos = photos_of(model);
        const std::size_t view = rng.below(photos->views.size()), pictures = models_->views(model);
        if (pictures == 0)
            fail(ErrorKind::input, "there are no pictures in {} (nir prepare --views N)", config_.input_folder);
        std::size_t shown = training ? rng.below(pictures) : 0;
        if (config_.same_view) shown = view;
        out.picture = geom::resize_to_square(geom::rgb_planes(models_->view(model, shown)), config_.image_size);
        if (config_.points > 0) {
            const SurfacePoints all = models_->surface(model, rng);
            for (int i = 0; i < config_.points; ++i)
                append(out.points, static_cast<Vec3d>(all.points[rng.below(all.points.size())]));
        }
        draw_pixels(*photos, view, out, rng);
        return out;
    });
}

void PictureSet::draw_pixels(const Photos& photos, std::size_t view, PictureSample& out, Rng& rng) const {
    const Photo& v = photos.views[view];
    const auto width = static_cast<std::size_t>(v.camera.width), height = static_cast<std::size_t>(v.camera.height);
    const geom::Frame& frame = photos.frame;
    std::vector<std::size_t> object;  // of `surface`
    if (config_.surface) {
        for (std::size_t p = 0; p < v.object.size(); ++p)
            if (v.object[p] && std::isfinite(v.depth[p])) object.push_back(p);
        if (object.empty()) fail(ErrorKind::input, "photo {} shows nothing of the object", view);
    }
    if (!v.shadow.empty()) append(out.lamp, frame.unit_from_user(v.lamp));
    const bool seen = v.x1 > v.x0 && v.y1 > v.y0;
    for (int made = 0, tries = 0; made < config_.pixels; ++tries) {
        if (tries > 1000 + 100 * config_.pixels) fail(ErrorKind::input, "photo {}: hardly a pixel has a ray", view);
        const bool close = seen && rng.coin(config_.focus);
        const auto between = [&](int a, int b) {
            return static_cast<std::size_t>(a) + rng.below(static_cast<std::uint64_t>(b - a));
        };
        std::size_t x = close ? between(v.x0, v.x1) : rng.below(width);
        std::size_t y = close ? between(v.y0, v.y1) : rng.below(height);
        if (config_.surface) {
            const std::size_t p = object[rng.below(object.size())];
            x = p % width, y = p / width;
        }
        const std::size_t p = y * width + x;
        const auto ray =
            geom::ray_through(v.camera, v.pose, {static_cast<double>(x) + 0.5, static_cast<double>(y) + 0.5});
        if (!ray || !(ray->depth_per_length > 1e-6)) continue;
        ++made;
        const Vec3d o = frame.unit_from_user(ray->origin), d = ray->direction / ray->depth_per_length;
        append(out.origins, o), append(out.directions, d);
        for (std::size_t k = 0; k < 3; ++k) out.rgb.push_back(static_cast<float>(v.rgb[3 * p + k]) / 255.0f);
        out.object.push_back(v.object[p] ? 1.0f : 0.0f);
        if (!v.depth.empty()) out.depth.push_back(v.depth[p] / static_cast<float>(frame.scale));
        if (config_.surface) {
            Vec3d n;
            for (int k = 0; k < 3; ++k) n[k] = v.normals[3 * p + static_cast<std::size_t>(k)] / 127.5 - 1;
            append(out.normals, norm(n) > 0 ? normalized(n) : -d);
            if (!v.shadow.empty()) out.shadow.push_back(static_cast<float>(v.shadow[p]) / 255.0f);
            continue;
        }
        // The place nearest to the middle stands in where a ray misses the cube.
        const double nearest = std::max(0.0, -dot(o, d) / dot(d, d));
        const auto padded = interval(o, d, 1 + kRayPadding), inner = interval(o, d, 1);
        const double free = rng.uniform(), filled = rng.uniform();
        append(out.freespace, o + d * (padded ? (*padded)[0] + free * ((*padded)[1] - (*padded)[0]) : nearest));
        double at = inner ? (*inner)[0] + filled * ((*inner)[1] - (*inner)[0]) : nearest;
        if (v.object[p] && inner && config_.hull) {
            std::array<double, kHullSteps> places{};
            std::size_t count = 0;
            const double step = ((*inner)[1] - (*inner)[0]) / static_cast<double>(kHullSteps);
            for (std::size_t i = 0; i < kHullSteps; ++i) {
                const double t = (*inner)[0] + (static_cast<double>(i) + 0.5) * step;
                if (photos.may_be_full(o + d * t)) places[count++] = t;
            }
            const double pick = filled * static_cast<double>(count);
            if (count > 0) at = places[static_cast<std::size_t>(pick)] + (pick - std::floor(pick) - 0.5) * step;
        }
        append(out.occupied, o + d * at);
    }
}

}  // namespace nir::data
