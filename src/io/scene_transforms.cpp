// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// transforms.json: NeRF's Blender scenes, instant-ngp, nerfstudio. Ref: docs/formats/scenes.md.
#include "nir/base/error.h"
#include "nir/io/file_bytes.h"
#include "nir/io/formats.h"

#include "io/scene_parts.h"
#include "io/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

namespace nir::io {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// Fields that are understood, at the top and in a frame.
const std::set<std::string_view> kIntrinsics = {
    "w",  "h",  "fl_x", "fl_y", "cx", "cy",         "camera_angle_x", "camera_angle_y", "x_fov", "y_fov", "k1",
    "k2", "k3", "k4",   "p1",   "p2", "is_fisheye", "camera_model",   "mask_meaning",   "near",  "far"};
const std::set<std::string_view> kTop = {"frames",
                                         "aabb_scale",
                                         "aabb",
                                         "scale",
                                         "offset",
                                         "integer_depth_scale",
                                         "ply_file_path",
                                         "train_filenames",
                                         "val_filenames",
                                         "test_filenames",
                                         "scale_mat",
                                         "depth_unit_scale_factor",
                                         "object_bounding_sphere",
                                         "note",
                                         "n_frames",
                                         "enable_depth_loading"};
const std::set<std::string_view> kFrame = {"file_path",
                                           "transform_matrix",
                                           "transform_matrix_start",
                                           "transform_matrix_end",
                                           "mask_path",
                                           "depth_path",
                                           "depth_file_path",
                                           "time",
                                           "sharpness",
                                           "light",
                                           "colmap_im_id",
                                           "view_index",
                                           "light_index",
                                           "rotation"};
/// Cameras that are no perspective camera.
constexpr std::string_view kOtherCameras[] = {"ftheta_p0", "latlong", "equirectangular", "orthographic"};

std::string kind_of(const Json& j) { return j.is_null() ? "null" : j.type_name(); }

/// Reads fields of one object; mistakes are named by their place ("frames[3].fl_x").
class Fields {
public:
    Fields(const Json& object, std::string place, SceneProblems& problems)
        : object_(object), place_(std::move(place)), problems_(problems) {}

    bool has(const char* key) const { return object_.contains(key) && !object_[key].is_null(); }
    std::string at(const char* key) const { return place_.empty() ? key : place_ + "." + key; }

    std::optional<double> number(const char* key) const {
        if (!has(key)) return std::nullopt;
        const Json& j = object_[key];
        if (!j.is_number()) {
            problems_.add("{} is of type {}, not a number", at(key), kind_of(j));
            return std::nullopt;
        }
        const double v = j.get<double>();
        if (!std::isfinite(v)) {
            problems_.add("{} is not finite", at(key));
            return std::nullopt;
        }
        return v;
    }
    std::optional<std::string> text(const char* key) const {
        if (!has(key)) return std::nullopt;
        if (!object_[key].is_string()) {
            problems_.add("{} is of type {}, not a text", at(key), kind_of(object_[key]));
            return std::nullopt;
        }
        return object_[key].get<std::string>();
    }
    bool flag(const char* key) const {
        if (!has(key)) return false;
        const Json& j = object_[key];
        if (j.is_boolean()) return j.get<bool>();
        if (j.is_number()) return j.get<double>() != 0;
        problems_.add("{} is of type {}, not true or false", at(key), kind_of(j));
        return false;
    }
    /// Numbers of a (nested) list, in order; nothing if it is not that.
    std::optional<std::vector<double>> numbers(const char* key, const std::set<std::size_t>& counts,
                                               const char* shape) const {
        if (!has(key)) return std::nullopt;
        std::vector<double> out;
        bool good = flatten(object_[key], out, 0) && counts.contains(out.size());
        for (const double v : out) good = good && std::isfinite(v);
        if (!good) {
            problems_.add("{} is not {} of finite numbers", at(key), shape);
            return std::nullopt;
        }
        return out;
    }
    std::optional<geom::Vec3d> vector(const char* key) const {
        const auto v = numbers(key, {3}, "a list of three");
        if (!v) return std::nullopt;
        return geom::Vec3d{(*v)[0], (*v)[1], (*v)[2]};
    }

private:
    static bool flatten(const Json& j, std::vector<double>& out, int depth) {
        if (j.is_number()) {
            out.push_back(j.get<double>());
            return depth > 0;
        }
        if (!j.is_array() || depth > 2 || j.size() > 64) return false;
        return std::all_of(j.begin(), j.end(), [&](const Json& e) { return flatten(e, out, depth + 1); });
    }

    const Json& object_;
    std::string place_;
    SceneProblems& problems_;
};

/// Intrinsics as written; a frame starts from those at the top.
struct Intrinsics {
    std::optional<double> w, h, fl_x, fl_y, cx, cy, angle_x, angle_y;
    std::optional<double> k1, k2, k3, k4, p1, p2, near, far;
    bool fisheye = false;
    std::string model;
    std::optional<MaskMeaning> mask_meaning;
};

void read_mask_meaning(const Fields& f, Intrinsics& in, SceneProblems& problems) {
    const auto text = f.text("mask_meaning");
    if (!text) return;
    if (const auto meaning = mask_meaning_of(*text))
        in.mask_meaning = meaning;
    else
        problems.add("{} is {}, not valid, ignore, object or alpha", f.at("mask_meaning"), in_quotes(*text));
}

Intrinsics read_intrinsics(const Fields& f, Intrinsics in, SceneProblems& problems) {
    const auto take = [&f](const char* key, std::optional<double>& to, double factor = 1) {
        if (const auto v = f.number(key)) to = *v * factor;
    };
    constexpr double kRad = std::numbers::pi / 180;
    // A frame's own angle outranks the focal length of the top, and the other way round.
    if (f.has("camera_angle_x") || f.has("x_fov")) in.fl_x.reset();
    if (f.has("camera_angle_y") || f.has("y_fov")) in.fl_y.reset();
    take("x_fov", in.angle_x, kRad), take("y_fov", in.angle_y, kRad);
    take("camera_angle_x", in.angle_x), take("camera_angle_y", in.angle_y);
    take("w", in.w), take("h", in.h), take("fl_x", in.fl_x), take("fl_y", in.fl_y);
    take("cx", in.cx), take("cy", in.cy), take("near", in.near), take("far", in.far);
    take("k1", in.k1), take("k2", in.k2), take("k3", in.k3), take("k4", in.k4), take("p1", in.p1), take("p2", in.p2);
    if (f.has("is_fisheye")) in.fisheye = f.flag("is_fisheye");
    if (const auto model = f.text("camera_model")) in.model = *model;
    read_mask_meaning(f, in, problems);
    for (const std::string_view other : kOtherCameras)
        if (f.has(std::string(other).c_str()))
            problems.add("{}: this camera is not supported; nir knows pinhole, OPENCV and OPENCV_FISHEYE",
                         f.at(std::string(other).c_str()));
    return in;
}

constexpr std::string_view kPerspective[] = {"",       "PINHOLE", "SIMPLE_PINHOLE", "PERSPECTIVE", "SIMPLE_RADIAL",
                                             "RADIAL", "OPENCV",  "FULL_OPENCV",    "pinhole"};

geom::Lens lens_of(const Intrinsics& in, const std::string& place, SceneProblems& problems) {
    geom::Lens lens;
    lens.k = {in.k1.value_or(0), in.k2.value_or(0), in.k3.value_or(0), in.k4.value_or(0)};
    lens.p1 = in.p1.value_or(0), lens.p2 = in.p2.value_or(0);
    const bool fisheye = in.fisheye || in.model == "OPENCV_FISHEYE" || in.model == "FISHEYE";
    if (fisheye) {
        lens.model = geom::LensModel::opencv_fisheye;
        lens.p1 = lens.p2 = 0;
        return lens;
    }
    if (std::find(std::begin(kPerspective), std::end(kPerspective), in.model) == std::end(kPerspective)) {
        problems.add(
            "{}: camera_model {} is not supported; nir knows PINHOLE, SIMPLE_RADIAL, RADIAL, OPENCV and "
            "OPENCV_FISHEYE",
            place.empty() ? "top" : place, in_quotes(in.model));
    }
    if (lens != geom::Lens{}) lens.model = geom::LensModel::opencv;
    return lens;
}

double focal(double side, double angle) { return 0.5 * side / std::tan(0.5 * angle); }

/// @return nothing, and a problem, if something is missing.
std::optional<geom::Camera> camera_of(const Intrinsics& in, std::optional<ImageSize> image, const std::string& place,
                                      SceneProblems& problems) {
    const auto missing = [&](const char* what) {
        problems.add("{}{}", place.empty() ? "" : place + ": ", what);
        return std::nullopt;
    };
    if (!(in.w && in.h) && !image) return missing("w and h are missing, and there is no picture to take them from");
    const double w = in.w ? *in.w : image->width, h = in.h ? *in.h : image->height;
    if (!(w >= 1 && h >= 1 && w <= 32768 && h <= 32768)) return missing("w and h are no size of a picture");
    for (const auto& angle : {in.angle_x, in.angle_y})
        if (angle && !(*angle > 0 && *angle < std::numbers::pi))
            return missing("a camera angle does not lie between 0 and pi");
    geom::Camera c;
    c.width = static_cast<int>(std::lround(w)), c.height = static_cast<int>(std::lround(h));
    std::optional<double> fx = in.fl_x, fy = in.fl_y;
    if (!fx && in.angle_x) fx = focal(w, *in.angle_x);
    if (!fy && in.angle_y) fy = focal(h, *in.angle_y);
    if (!fx && !fy) return missing("no focal length: fl_x, camera_angle_x or x_fov is needed");
    c.fx = fx ? *fx : *fy, c.fy = fy ? *fy : *fx;
    c.cx = in.cx.value_or(0.5 * w), c.cy = in.cy.value_or(0.5 * h);
    c.lens = lens_of(in, place, problems);
    if (const std::string bad = camera_problem(c); !bad.empty()) return missing(bad.c_str());
    return c;
}

class TransformsReader {
public:
    TransformsReader(Scene& scene, const SceneOptions& options) : scene_(scene), options_(options), cameras_(scene) {}

    void read(const fs::path& file, std::optional<Split> split) {
        SceneProblems problems(file);
        problems_ = &problems;
        folder_ = file.parent_path();
        const Json json = parse(file);
        with_context(file.string(), [&] {
            if (!json.is_object() || !json.contains("frames") || !json["frames"].is_array())
                fail(ErrorKind::format, "no transforms file: it has no list \"frames\"");
        });
        const Fields top(json, "", problems);
        read_top(json, top);
        const Intrinsics common = read_intrinsics(top, {}, problems);
        split_ = split.value_or(Split::train);
        read_split_lists(json);
        std::size_t i = 0;
        for (const Json& frame : json["frames"]) read_frame(frame, fmt::format("frames[{}]", i++), common);
        problems.throw_if_any();
        read_points(top);
    }

private:
    static Json parse(const fs::path& file) {
        return read_path(file, [](std::string_view bytes) {
            try {
                return Json::parse(bytes, nullptr, true, true);
            } catch (const Json::exception& e) {
                std::string text = e.what();
                text = text.substr(text.find(']') + 2);
                fail(ErrorKind::format, "not valid JSON: {}", text.substr(0, 160));
            }
        });
    }

    void read_top(const Json& json, const Fields& top) {
        for (const auto& [key, value] : json.items())
            if (!kTop.contains(key) && !kIntrinsics.contains(key))
                add_note(scene_, fmt::format("field {} is not used", key));
        if (const auto a = top.number("aabb_scale")) {
            if (*a > 0)
                scene_.aabb_scale = *a;
            else
                problems_->add("aabb_scale is {:g}, not positive", *a);
        }
        if (const auto s = top.number("scale")) {
            if (*s > 0)
                scene_.ngp.scale = *s;
            else
                problems_->add("scale is {:g}, not positive", *s);
        }
        if (const auto o = top.vector("offset")) scene_.ngp.offset = *o;
        if (const auto b = top.numbers("aabb", {6}, "two points [[x, y, z], [x, y, z]]")) {
            geom::Box3d box;
            box.extend({(*b)[0], (*b)[1], (*b)[2]});
            box.extend({(*b)[3], (*b)[4], (*b)[5]});
            if (box.longest_side() > 0) {
                scene_.box = box;
                scene_.ngp.scale = 1 / box.longest_side();
                scene_.ngp.offset = geom::Vec3d{0.5, 0.5, 0.5} - box.center() * scene_.ngp.scale;
            } else {
                problems_->add("aabb is a single point");
            }
        }
        if (const auto r = top.number("object_bounding_sphere"); r && *r > 0) {
            scene_.box = geom::Box3d{{-*r, -*r, -*r}, {*r, *r, *r}};
            object_masks_ = true;
        }
        for (const char* key : {"integer_depth_scale", "depth_unit_scale_factor"})
            if (const auto d = top.number(key)) scene_.depth_unit = *d;
        if (const auto m = top.numbers("scale_mat", {16}, "a 4 x 4 matrix")) read_scale_mat(*m);
    }

    void read_scale_mat(const std::vector<double>& m) {
        const double s = m[0];
        bool uniform = s > 0;
        for (std::size_t r = 0; r < 3; ++r)
            for (std::size_t c = 0; c < 3; ++c)
                uniform = uniform && std::abs(m[4 * r + c] - (r == c ? s : 0)) < 1e-6 * s;
        if (uniform)
            scene_.user_frame = geom::Frame{{m[3], m[7], m[11]}, s};
        else
            problems_->add("scale_mat is more than one scale and a shift");
    }

    /// nerfstudio's lists of names.
    void read_split_lists(const Json& json) {
        named_.clear();
        for (const auto& [key, split] :
             {std::pair("train_filenames", Split::train), std::pair("val_filenames", Split::val),
              std::pair("test_filenames", Split::test)}) {
            if (!json.contains(key)) continue;
            if (!json[key].is_array()) {
                problems_->add("{} is no list", key);
                continue;
            }
            for (const Json& name : json[key])
                if (name.is_string()) named_.emplace(name.get<std::string>(), split);
        }
    }

    std::optional<geom::Pose> read_pose(const Fields& f) {
        const char* key = "transform_matrix";
        if (!f.has(key) && f.has("transform_matrix_start")) {
            key = "transform_matrix_start";
            add_note(scene_, "rolling shutter: the pose at the start of each picture is taken");
        }
        if (!f.has(key)) {
            problems_->add("{} is missing", f.at(key));
            return std::nullopt;
        }
        const auto m = f.numbers(key, {12, 16}, "a 4 x 4 or 3 x 4 matrix");
        if (!m) return std::nullopt;
        try {
            return pose_from_opengl(*m);
        } catch (const Error& e) {
            problems_->add("{}: {}", f.at(key), e.message());
            return std::nullopt;
        }
    }

    /// The picture of a name; absolute names of another machine are looked for beside the file.
    std::optional<fs::path> locate(const std::string& name) const {
        if (auto found = find_image(folder_, name)) return found;
        const std::size_t slash = name.find_last_of("/\\");
        if (slash != std::string::npos && (name[0] == '/' || name.find(':') != std::string::npos))
            return find_image(folder_ / "images", name.substr(slash + 1));
        return std::nullopt;
    }

    void find_masks(const Fields& f, const Intrinsics& in, SceneView& view) {
        const MaskMeaning meaning = options_.mask_meaning.value_or(
            in.mask_meaning.value_or(object_masks_ ? MaskMeaning::object : MaskMeaning::valid));
        if (const auto name = f.text("mask_path")) {
            if (const auto file = find_image(folder_, *name))
                view.masks.push_back({*file, meaning});
            else if (options_.require_images)
                problems_->add("{}: there is no picture {}", f.at("mask_path"), in_quotes(*name));
        }
        if (view.image.empty()) return;
        const fs::path stem = view.image.parent_path() / view.image.stem();
        std::error_code ignored;
        if (const fs::path p = view.image.parent_path() / ("dynamic_mask_" + view.image.stem().string() + ".png");
            fs::is_regular_file(p, ignored))
            view.masks.push_back({p, MaskMeaning::ignore});
        if (const fs::path p = stem.string() + ".alpha.png"; fs::is_regular_file(p, ignored))
            view.masks.push_back({p, MaskMeaning::alpha});
    }

    void read_optional(const Fields& f, const Json& frame, const Intrinsics& in, SceneView& view) {
        for (const auto& [key, value] : frame.items())
            if (!kFrame.contains(key) && !kIntrinsics.contains(key))
                add_note(scene_, fmt::format("field {} of the frames is not used", key));
        view.near = in.near.value_or(0), view.far = in.far.value_or(0);
        view.time = f.number("time");
        view.sharpness = f.number("sharpness");
        if (view.sharpness) add_note(scene_, "sharpness is noted but no picture is left out for it");
        if (f.has("light") && frame["light"].is_object()) {
            const Fields light(frame["light"], f.at("light"), *problems_);
            if (const auto position = light.vector("position")) {
                view.light.emplace(SceneLight{*position});
                view.light->color = light.vector("color").value_or(view.light->color);
                view.light->radius = light.number("radius").value_or(0);
                view.light->power = light.number(light.has("energy_W") ? "energy_W" : "intensity");
            }
        }
        for (const char* key : {"depth_path", "depth_file_path"})
            if (const auto name = f.text(key)) {
                view.depth = (folder_ / *name).lexically_normal();
                std::error_code ignored;
                if (!fs::is_regular_file(view.depth, ignored)) {
                    if (options_.require_images) problems_->add("{}: there is no file {}", f.at(key), in_quotes(*name));
                    view.depth.clear();
                }
            }
    }

    void read_frame(const Json& frame, const std::string& place, const Intrinsics& common) {
        if (!frame.is_object()) {
            problems_->add("{} is of type {}, not an object", place, kind_of(frame));
            return;
        }
        const Fields f(frame, place, *problems_);
        SceneView view;
        const auto pose = read_pose(f);
        const auto name = f.text("file_path");
        if (!name && options_.require_images && !f.has("file_path")) problems_->add("{} is missing", f.at("file_path"));
        view.name = name.value_or(place);
        std::optional<ImageSize> size;
        if (name && !name->empty()) {
            if (const auto file = locate(*name)) {
                view.image = *file;
                try {
                    size = image_size(*file);
                } catch (const Error& e) {
                    problems_->add("{}: {}: {}", f.at("file_path"), in_quotes(*name), e.message());
                    return;
                }
            } else if (options_.require_images) {
                problems_->add("{}: there is no picture {} (nor with .png, .jpg)", f.at("file_path"), in_quotes(*name));
                return;
            }
        }
        const Intrinsics in = read_intrinsics(f, common, *problems_);
        auto camera = camera_of(in, size, place, *problems_);
        if (!camera || !pose) return;
        if (size) {
            const auto fitted = fitted_to(*camera, *size, scene_);
            if (!fitted) {
                problems_->add("{}: the picture {} is {} x {}, the intrinsics are for {} x {}", place, in_quotes(*name),
                               size->width, size->height, camera->width, camera->height);
                return;
            }
            camera = fitted;
        }
        view.camera = cameras_.index_of(*camera);
        view.world_from_camera = *pose;
        view.split = split_;
        if (const auto it = named_.find(view.name); it != named_.end()) view.split = it->second;
        find_masks(f, in, view);
        read_optional(f, frame, in, view);
        scene_.views.push_back(std::move(view));
    }

    void read_points(const Fields& top) {
        const auto name = top.text("ply_file_path");
        if (!name || !scene_.points.empty()) return;
        const fs::path file = folder_ / *name;
        std::error_code ignored;
        if (fs::is_regular_file(file, ignored))
            scene_.points = read_point_cloud(file);
        else
            add_note(scene_, fmt::format("the sparse points {} are not there", in_quotes(*name)));
    }

    Scene& scene_;
    const SceneOptions& options_;
    CameraTable cameras_;
    SceneProblems* problems_ = nullptr;
    fs::path folder_;
    Split split_ = Split::train;
    bool object_masks_ = false;
    std::map<std::string, Split> named_;
};

}  // namespace

Scene read_transforms(const std::vector<std::pair<fs::path, std::optional<Split>>>& files,
                      const SceneOptions& options) {
    Scene scene;
    scene.layout = "NeRF transforms";
    scene.folder = files.front().first.parent_path();
    TransformsReader reader(scene, options);
    for (const auto& [file, split] : files) reader.read(file, split);
    return scene;
}

}  // namespace nir::io
