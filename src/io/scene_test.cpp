// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/scene.h"

#include "nir/base/rng.h"
#include "nir/io/formats.h"
#include "nir/io/npy.h"
#include "nir/io/png.h"
#include "nir/io/scene_check.h"

#include "io/colmap_model.h"
#include "io/test_support.h"

#include <fstream>
#include <numbers>

namespace nir::io {
namespace {

namespace fs = std::filesystem;
using geom::Vec3d;
using ::testing::HasSubstr;

void write_text(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
}
void write_picture(const fs::path& path, int width, int height, int channels, std::uint8_t value = 128) {
    fs::create_directories(path.parent_path());
    write_png(path, geom::Image8(width, height, channels, value));
}
std::string matrix_text(const geom::Pose& pose) {
    const Matrix4 m = opengl_from_pose(pose);
    std::string out = "[";
    for (std::size_t r = 0; r < 4; ++r)
        out += fmt::format("{}[{},{},{},{}]", r ? "," : "", m[4 * r], m[4 * r + 1], m[4 * r + 2], m[4 * r + 3]);
    return out + "]";
}
geom::Pose pose_of(int i) {
    return geom::look_at({4 * std::cos(0.5 * i), 4 * std::sin(0.5 * i), 1.0 + 0.1 * i}, {}, {0, 0, 1});
}
std::string frame(const std::string& name, int i, const std::string& more = "") {
    return fmt::format(R"({{"file_path": "{}", {} "transform_matrix": {}}})", name, more, matrix_text(pose_of(i)));
}
double difference(const geom::Pose& a, const geom::Pose& b) {
    return norm(a.right - b.right) + norm(a.up - b.up) + norm(a.back - b.back) + norm(a.position - b.position);
}

TEST(Scene, BlenderSplitsPicturesWithoutEndingsAndTheAngle) {
    TempFolder folder;
    for (const char* split : {"train", "val", "test"}) {
        std::string frames;
        for (const int i : {0, 2, 10}) {
            write_picture(folder / fmt::format("{}/r_{}.png", split, i), 20, 10, 4);
            frames += (frames.empty() ? "" : ",") + frame(fmt::format("./{}/r_{}", split, i), i);
        }
        write_text(folder / fmt::format("transforms_{}.json", split),
                   R"({"camera_angle_x": 0.6911112070083618, "frames": [)" + frames + "]}");
    }
    const Scene scene = read_scene(folder / "");
    ASSERT_EQ(scene.views.size(), 9u);
    EXPECT_EQ(scene.count(Split::train), 3u);
    EXPECT_EQ(scene.indices(Split::test), (std::vector<std::size_t>{6, 7, 8}));
    EXPECT_EQ(scene.views[2].name, "./train/r_10") << "natural order";
    ASSERT_EQ(scene.cameras.size(), 1u);
    EXPECT_NEAR(scene.cameras[0].fx, 10 / std::tan(0.5 * 0.6911112070083618), 1e-12);
    EXPECT_EQ(scene.cameras[0].cy, 5);
    EXPECT_LT(difference(scene.views[1].world_from_camera, pose_of(2)), 1e-14);
    const ViewPixels pixels = read_view(scene, 0);
    EXPECT_TRUE(pixels.has_alpha);
    EXPECT_TRUE(pixels.valid.empty());
    // The cameras look at 0 from about 4 away and see 0.36 of that to each side.
    EXPECT_NEAR(norm(*focus_point(scene)), 0, 1e-9);
    EXPECT_NEAR(scene_box(scene).box.hi.x, 1.05 * 0.36 * 4.2, 0.15);
    EXPECT_EQ(read_scene(folder / "transforms_val.json").count(Split::val), 3u);
}

TEST(Scene, InstantNgpFieldsMasksAndAlpha) {
    TempFolder folder;
    for (const char* name : {"a", "b"}) write_picture(folder / fmt::format("images/{}.png", name), 40, 30, 3, 200);
    geom::Image8 mask(40, 30, 1, 0);
    for (int x = 0; x < 40; ++x) *mask.pixel(x, 3) = 255;
    write_png(folder / "images/dynamic_mask_a.png", mask);
    write_png(folder / "images/b.alpha.png", mask);
    write_text(folder / "transforms.json",
               R"({"fl_x": 35, "fl_y": 36, "cx": 19, "cy": 16, "w": 40, "h": 30, "k1": 0.05, "k2": -0.02, "p1": 0.001,
                   "p2": 0.002, "aabb_scale": 4, "scale": 0.25, "offset": [0.5, 0.4, 0.6], "sharpen": 1, "frames": [)" +
                   frame("images/b", 1, R"("fl_x": 50, "sharpness": 7.5,)") + "," + frame("images/a.png", 0) + "]}");
    const Scene scene = read_scene(folder / "");
    ASSERT_EQ(scene.views.size(), 2u);
    const geom::Camera& a = scene.cameras[scene.views[0].camera];
    EXPECT_EQ(scene.views[0].name, "images/a.png");
    EXPECT_EQ(a.fx, 35);
    EXPECT_EQ(a.lens, (geom::Lens{geom::LensModel::opencv, {0.05, -0.02, 0, 0}, 0.001, 0.002, {}}));
    EXPECT_EQ(scene.cameras[scene.views[1].camera].fx, 50) << "a frame's own focal length";
    EXPECT_THAT(scene.notes, ::testing::Contains("field sharpen is not used"));
    const SceneBox box = scene_box(scene);
    EXPECT_EQ(box.box.lo, (Vec3d{-8, 0.1 / 0.25 - 8, -0.1 / 0.25 - 8}));
    EXPECT_EQ(box.origin, "aabb_scale 4");
    const ViewPixels pa = read_view(scene, 0), pb = read_view(scene, 1);
    ASSERT_EQ(pa.valid.size(), 1200u);
    EXPECT_EQ(pa.valid[2 * 40], 1);
    EXPECT_EQ(pa.valid[3 * 40], 0) << "bright in dynamic_mask: ignored";
    EXPECT_EQ(pb.rgba.data[4 * (3 * 40) + 3], 255);
    EXPECT_EQ(pb.rgba.data[4 * (2 * 40) + 3], 0) << "X.alpha.png is the opacity";
    EXPECT_TRUE(pb.has_alpha && !pa.has_alpha);
    SceneOptions held;
    held.hold_out = 2;
    EXPECT_EQ(read_scene(folder / "", held).views.back().name, "images/a.png");
}

TEST(Scene, NerfstudioFieldsSplitsAndPoints) {
    TempFolder folder;
    std::string frames;
    for (int i = 0; i < 3; ++i) {
        write_picture(folder / fmt::format("images/{}.png", i), 40, 30, 3);
        frames += (i ? "," : "") + frame(fmt::format("images/{}.png", i), i, R"("mask_path": "masks/m.png",)");
    }
    write_picture(folder / "masks/m.png", 40, 30, 1, 0);
    geom::PointCloud cloud;
    cloud.points = {{1, 2, 3}, {4, 5, 6}};
    write_geometry(folder / "sparse_pc.ply", cloud);
    const auto json = [&](const std::string& more) {
        write_text(folder / "transforms.json",
                   R"({"camera_model": "OPENCV_FISHEYE", "fl_x": 35, "fl_y": 36, "cx": 20, "cy": 15, "w": 80, "h": 60,
                       "k1": 0.01, "k2": 0.002, "k3": 0.0003, "k4": 0, "ply_file_path": "sparse_pc.ply", )" +
                       more +
                       R"("train_filenames": ["images/0.png", "images/2.png"], "test_filenames": ["images/1.png"],
                       "frames": [)" +
                       frames + "]}");
    };
    json("");
    const Scene scene = read_scene(folder / "");
    EXPECT_EQ(scene.count(Split::train), 2u);
    EXPECT_EQ(scene.views.back().name, "images/1.png");
    EXPECT_EQ(scene.points.size(), 2u);
    EXPECT_EQ(scene.cameras[0].lens.model, geom::LensModel::opencv_fisheye);
    EXPECT_EQ(scene.cameras[0].fx, 17.5) << "pictures of half the size";
    EXPECT_EQ(read_view(scene, 0).valid[0], 0) << "0 in mask_path: ignored";
    json(R"("mask_meaning": "object",)");
    EXPECT_EQ(read_view(read_scene(folder / ""), 0).rgba.data[3], 0);
}

TEST(Scene, MistakesAreNamedWithTheirPlaceAllAtOnce) {
    TempFolder folder;
    write_picture(folder / "images/0.png", 40, 30, 3);
    write_picture(folder / "images/1.png", 41, 50, 3);
    const auto error = [&](const std::string& json) {
        write_text(folder / "transforms.json", json);
        return error_of([&] { (void)read_scene(folder / ""); });
    };
    const std::string top = R"({"fl_x": 35, "w": 40, "h": 30, "frames": [)";
    const std::string many = error(top + frame("images/0.png", 0) + "," + frame("images/none", 1) + "," +
                                   frame("images/1.png", 2) + R"(, {"file_path": "images/0.png"}, 7]})");
    EXPECT_THAT(many, HasSubstr("transforms.json"));
    EXPECT_THAT(many, HasSubstr("frames[1].file_path: there is no picture \"images/none\""));
    EXPECT_THAT(many, HasSubstr("frames[2]: the picture \"images/1.png\" is 41 x 50"));
    EXPECT_THAT(many, HasSubstr("frames[3].transform_matrix is missing"));
    EXPECT_THAT(many, HasSubstr("frames[4] is of type number"));
    EXPECT_THAT(error("{\"frames\": ["), HasSubstr("not valid JSON"));
    EXPECT_THAT(error("[]"), HasSubstr("no list \"frames\""));
    EXPECT_THAT(error(R"({"frames": []})"), HasSubstr("no views"));
    EXPECT_THAT(error(R"({"w": 40, "h": 30, "frames": [)" + frame("images/0.png", 0) + "]}"),
                HasSubstr("no focal length"));
    EXPECT_THAT(error(R"({"fl_x": "wide", "frames": [)" + frame("images/0.png", 0) + "]}"),
                HasSubstr("fl_x is of type string"));
    EXPECT_THAT(error(R"({"fl_x": 1e999, "frames": [)" + frame("images/0.png", 0) + "]}"), HasSubstr("not valid JSON"));
    EXPECT_THAT(error(R"({"fl_x": 30, "equirectangular": true, "frames": [)" + frame("images/0.png", 0) + "]}"),
                HasSubstr("not supported"));
    EXPECT_THAT(
        error(R"({"fl_x": 30, "camera_model": "EQUIRECTANGULAR", "frames": [)" + frame("images/0.png", 0) + "]}"),
        HasSubstr("EQUIRECTANGULAR"));
    EXPECT_THAT(
        error(top +
              R"({"file_path": "images/0.png", "transform_matrix": [[2,0,0,0],[0,2,0,0],[0,0,2,0],[0,0,0,1]]}]})"),
        HasSubstr("no rotation"));
    EXPECT_THAT(error(top + R"({"file_path": "images/0.png", "transform_matrix": [[1,0],[0,1]]}]})"),
                HasSubstr("transform_matrix is not a 4 x 4"));
    write_text(folder / "images/0.png", "no picture");
    EXPECT_THAT(error(top + frame("images/0.png", 0) + "]}"), HasSubstr("neither a PNG nor a JPEG"));
    EXPECT_THAT(error_of([&] { (void)read_scene(folder / "images"); }), HasSubstr("no posed photos here"));
    EXPECT_FALSE(looks_like_scene(folder / "images"));
    EXPECT_TRUE(looks_like_scene(folder / ""));
}

/// A scene with every lens and its pictures in a folder.
Scene some_scene(const TempFolder& folder) {
    Scene scene;
    scene.layout = "made", scene.folder = folder / "";
    geom::Camera c = geom::pinhole_camera(40, 30, 0.9);
    scene.cameras.push_back(c);
    c.lens = {geom::LensModel::opencv, {0.1, -0.02, 0, 0}, 0.001, -0.002, {}};
    scene.cameras.push_back(c);
    c.lens = {geom::LensModel::opencv_fisheye, {0.1, -0.02, 0.003, 0.0004}, 0, 0, {}};
    scene.cameras.push_back(c);
    c.lens = {geom::LensModel::opencv, {0.1, -0.02, 0.01, 0}, 0.001, -0.002, {}};
    scene.cameras.push_back(c);
    for (int i = 0; i < 8; ++i) {
        SceneView v;
        v.name = fmt::format("images/p{}.png", i);
        v.image = folder / v.name;
        write_picture(v.image, 40, 30, 3);
        v.camera = static_cast<std::size_t>(i % 4);
        v.world_from_camera = pose_of(i);
        scene.views.push_back(v);
    }
    scene.points.points = {{0.125, 0.25, 0.375}, {-0.5, 0x1p-20, 12345.75}};
    scene.points.colors = {{1, 2, 3}, {254, 0, 128}};
    return scene;
}

void expect_same(const Scene& got, const Scene& want) {
    ASSERT_EQ(got.views.size(), want.views.size());
    for (std::size_t i = 0; i < want.views.size(); ++i) {
        EXPECT_LT(difference(got.views[i].world_from_camera, want.views[i].world_from_camera), 1e-13);
        const geom::Camera &a = got.cameras[got.views[i].camera], &b = want.cameras[want.views[i].camera];
        EXPECT_EQ(a, b);
        EXPECT_EQ(got.views[i].split, want.views[i].split);
        EXPECT_EQ(fs::canonical(got.views[i].image), fs::canonical(want.views[i].image));
        EXPECT_EQ(got.views[i].masks.size(), want.views[i].masks.size());
    }
    EXPECT_EQ(got.points.points, want.points.points);
    EXPECT_EQ(got.points.colors, want.points.colors);
}

TEST(Scene, TransformsGoThereAndBack) {
    TempFolder folder;
    Scene scene = some_scene(folder);
    scene.aabb_scale = 8;
    scene.ngp.scale = 0.2;
    scene.views[6].split = Split::val, scene.views[7].split = Split::test;
    scene.views[3].light = SceneLight{{1, 2, 3}, {1, 0.5, 0.25}, 2.5, 0.1}, scene.views[3].time = 0.25,
    scene.views[3].near = 1, scene.views[3].far = 7;
    write_picture(folder / "masks/p0.png", 40, 30, 1);
    scene.views[0].masks = {{folder / "masks/p0.png", MaskMeaning::object}};
    EXPECT_TRUE(write_transforms(folder / "out.json", scene).empty());
    const Scene one = read_scene(folder / "out.json");
    expect_same(one, scene);
    EXPECT_EQ(one.views[3].light, scene.views[3].light);
    EXPECT_EQ(one.views[3].time, 0.25);
    EXPECT_EQ(one.views[3].far, 7);
    EXPECT_EQ(one.views[0].masks[0].meaning, MaskMeaning::object);
    EXPECT_EQ(one.aabb_scale, 8.0);
    EXPECT_EQ(one.ngp.scale, 0.2);
    EXPECT_TRUE(write_transforms(folder / "split", scene).empty());
    expect_same(read_scene(folder / "split"), scene);
    scene.cameras[1].lens.d[0] = 0.1;
    EXPECT_EQ(write_transforms(folder / "out.json", scene).size(), 1u) << "says what it cannot hold";
}

TEST(Scene, ColmapTextGoesThereAndBack) {
    TempFolder folder;
    Scene scene = some_scene(folder);
    scene.cameras[3].lens.d = {0.01, 0.002, -0.003};
    EXPECT_TRUE(write_colmap_text(folder / "sparse/0", scene).empty());
    const Scene back = read_scene(folder / "");
    EXPECT_EQ(back.layout, "COLMAP text");
    expect_same(back, scene);
    EXPECT_EQ(read_scene(folder / "sparse/0/cameras.txt").views.size(), 8u) << "the images are found from inside";
    const auto broken = [&](const char* file, const std::string& text) {
        write_text(folder / fmt::format("sparse/0/{}", file), text);
        return error_of([&] { (void)read_scene(folder / ""); });
    };
    EXPECT_THAT(broken("cameras.txt", "1 FOV 40 30 1 2 3 4 5\n"), HasSubstr("the model FOV is not supported"));
    EXPECT_THAT(broken("cameras.txt", "# c\n1 PINHOLE 40 30 1 2 3\n"),
                HasSubstr("line 2: a parameter of the camera is missing"));
    EXPECT_THAT(broken("cameras.txt", "1 PINHOLE 40 30 35 nan 20 15\n"), HasSubstr("camera 1: the focal lengths"));
    EXPECT_THAT(broken("cameras.txt", "1 PINHOLE 40 30 35 35 20 15\n"), HasSubstr("there is no camera 2"));
    EXPECT_THAT(broken("images.txt", "1 1 0 0 0 0 0 x 1 p0.png\n\n"), HasSubstr("line 1: the translation is \"x\""));
    EXPECT_THAT(broken("images.txt", "1 0 0 0 0 0 0 0 1 p0.png\n\n"), HasSubstr("the quaternion is 0"));
}

/// The bytes of COLMAP's binary files.
std::array<std::string, 3> colmap_bytes(const Scene& scene) {
    std::string cameras = raw<std::uint64_t>(scene.cameras.size());
    for (std::size_t i = 0; i < scene.cameras.size(); ++i) {
        const ColmapCamera c = colmap_from_camera(scene.cameras[i]);
        cameras += raw<std::uint32_t>(static_cast<std::uint32_t>(10 + i)) + raw(colmap_camera_model(c.model)->number) +
                   raw(c.width) + raw(c.height);
        for (const double p : c.params) cameras += raw(p);
    }
    std::string images = raw<std::uint64_t>(scene.views.size());
    for (std::size_t i = 0; i < scene.views.size(); ++i) {
        const ColmapPose p = colmap_from_pose(scene.views[i].world_from_camera);
        images += raw(static_cast<std::uint32_t>(i));
        for (const double q : p.qvec) images += raw(q);
        for (const double t : p.tvec) images += raw(t);
        images += raw(static_cast<std::uint32_t>(10 + scene.views[i].camera)) +
                  scene.views[i].image.filename().string() + std::string(1, '\0') + raw<std::uint64_t>(2);
        for (int k = 0; k < 2; ++k) images += raw(1.5) + raw(2.5) + raw<std::uint64_t>(7);
    }
    std::string points = raw<std::uint64_t>(scene.points.size());
    for (std::size_t i = 0; i < scene.points.size(); ++i) {
        const Vec3d p = scene.points.points[i];
        const geom::Rgb8 c = scene.points.colors[i];
        points += raw<std::uint64_t>(i) + raw(p.x) + raw(p.y) + raw(p.z) + raw(c.r) + raw(c.g) + raw(c.b) + raw(0.5) +
                  raw<std::uint64_t>(1) + raw<std::uint32_t>(0) + raw<std::uint32_t>(0);
    }
    return {cameras, images, points};
}

TEST(Scene, ColmapBinaryIsReadAndEveryCutIsAnError) {
    TempFolder folder;
    const Scene scene = some_scene(folder);
    const std::array<std::string, 3> files = colmap_bytes(scene);
    const char* names[] = {"sparse/0/cameras.bin", "sparse/0/images.bin", "sparse/0/points3D.bin"};
    for (std::size_t f = 0; f < 3; ++f) write_text(folder / names[f], files[f]);
    const Scene got = read_scene(folder / "");
    EXPECT_EQ(got.layout, "COLMAP binary");
    expect_same(got, scene);
    for (std::size_t f = 0; f < 3; ++f) {
        for (std::size_t cut = 0; cut < files[f].size(); cut += cut < 200 ? 1 : 37) {
            write_text(folder / names[f], files[f].substr(0, cut));
            EXPECT_THAT(error_of([&] { (void)read_scene(folder / ""); }), HasSubstr(".bin")) << names[f] << " " << cut;
        }
        write_text(folder / names[f], raw<std::uint64_t>(1ull << 60) + files[f].substr(8));
        EXPECT_THAT(error_of([&] { (void)read_scene(folder / ""); }), HasSubstr("are promised"));
        write_text(folder / names[f], files[f]);
    }
    fs::remove_all(folder / "images");
    EXPECT_THAT(error_of([&] { (void)read_scene(folder / ""); }), HasSubstr("none of its 8 pictures is there"));
}

TEST(Scene, LlffPosesAndBounds) {
    TempFolder folder;
    std::vector<double> values;
    for (int i = 0; i < 4; ++i) {
        write_picture(folder / fmt::format("images/{}.png", i), 40, 30, 3);
        const Matrix34 m = llff_from_pose(pose_of(i));
        const double size[3] = {60, 80, 70};
        for (std::size_t r = 0; r < 3; ++r) {
            for (std::size_t c = 0; c < 4; ++c) values.push_back(m[4 * r + c]);
            values.push_back(size[r]);
        }
        values.push_back(1.5), values.push_back(9);
    }
    write_npy(folder / "poses_bounds.npy", NamedArray::from("", {4, 17}, values));
    SceneOptions options;
    options.hold_out = 8;
    const Scene scene = read_scene(folder / "", options);
    ASSERT_EQ(scene.views.size(), 4u);
    EXPECT_EQ(scene.views.back().name, "0.png");
    EXPECT_EQ(scene.views.back().split, Split::test);
    EXPECT_LT(difference(scene.views[0].world_from_camera, pose_of(1)), 1e-14);
    EXPECT_EQ(scene.cameras[0].fx, 35) << "pictures of half the size";
    EXPECT_EQ(scene.views[0].near, 1.5);
    fs::remove(folder / "images/3.png");
    EXPECT_THAT(error_of([&] { (void)read_scene(folder / ""); }), HasSubstr("4 cameras and 3 pictures"));
    values[0] = std::nan("");
    write_picture(folder / "images/3.png", 40, 30, 3);
    write_npy(folder / "poses_bounds.npy", NamedArray::from("", {4, 17}, values));
    EXPECT_THAT(error_of([&] { (void)read_scene(folder / ""); }),
                HasSubstr("row 0: the camera's matrix holds a number"));
    write_npy(folder / "poses_bounds.npy", NamedArray::from("", {2, 3}, std::vector<double>(6)));
    EXPECT_THAT(error_of([&] { (void)read_scene(folder / ""); }), HasSubstr("an array [N, 17], this is [2, 3]"));
}

TEST(Scene, ProjectionMatricesOfIdrAndMatricesOfDvr) {
    TempFolder folder;
    geom::Camera camera = geom::pinhole_camera(40, 30, 0.9);
    camera.cx = 18.25, camera.fy = 37;
    for (const bool dvr : {false, true}) {
        TensorFile file;
        const auto add = [&](const std::string& name, int i, const Matrix4& m) {
            file.arrays.push_back(
                NamedArray::from(fmt::format("{}_{}", name, i), {4, 4}, std::vector<double>(m.begin(), m.end())));
        };
        for (int i = 0; i < 3; ++i) {
            write_picture(folder / fmt::format("image/{:06}.png", i), 40, 30, 3);
            write_picture(folder / fmt::format("mask/{:03}.png", i), 40, 30, 1, 0);
            const DvrMatrices m = dvr_from_camera(camera, pose_of(i));
            Matrix4 p{};
            p[15] = 1;
            const Matrix34 projection = projection_from_camera(camera, pose_of(i));
            std::copy(projection.begin(), projection.end(), p.begin());
            add("world_mat", i, dvr ? m.world_mat : p);
            if (dvr) add("camera_mat", i, m.camera_mat);
            add("scale_mat", i, {2, 0, 0, 0.5, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1});
        }
        write_npz(folder / "cameras.npz", file);
        const Scene scene = read_scene(folder / "");
        EXPECT_EQ(scene.layout, dvr ? "DVR cameras.npz" : "IDR/NeuS cameras.npz");
        ASSERT_EQ(scene.views.size(), 3u);
        const geom::Camera& got = scene.cameras[scene.views[2].camera];
        EXPECT_NEAR(got.fx, camera.fx, 1e-9);
        EXPECT_NEAR(got.fy, camera.fy, 1e-9);
        EXPECT_NEAR(got.cx, camera.cx, 1e-9);
        EXPECT_LT(difference(scene.views[2].world_from_camera, pose_of(2)), 1e-11);
        EXPECT_EQ(scene.box->lo, (Vec3d{-1.5, -2, -2}));
        EXPECT_EQ(read_view(scene, 1).rgba.data[3], 0) << "0 in the mask is background";
    }
    fs::remove_all(folder / "image");
    EXPECT_THAT(error_of([&] { (void)read_scene(folder / ""); }), HasSubstr("no pictures in image/"));
}

/// Whatever bytes the files hold: a scene, or one of our sentences.
TEST(Scene, DamagedFilesGiveErrorsAndNothingElse) {
    TempFolder folder;
    const Scene scene = some_scene(folder);
    write_transforms(folder / "transforms.json", scene);
    write_colmap_text(folder / "text", scene);
    const std::array<std::string, 3> binary = colmap_bytes(scene);
    for (std::size_t f = 0; f < 3; ++f)
        write_text(folder / (std::array{"binary/cameras.bin", "binary/images.bin", "binary/points3D.bin"}[f]),
                   binary[f]);
    const std::string pieces[] = {"null", "-1", "1e308", "\"\"", "[]", "{}", "nan", "18446744073709551615",
                                  "\xff", "\n", ",",     " "};
    Rng rng(99);
    const auto below = [&rng](std::size_t n) {
        return std::min(n - 1, static_cast<std::size_t>(rng.uniform(0, static_cast<double>(n))));
    };
    std::size_t read = 0, refused = 0;
    SceneOptions options;
    options.require_images = false;
    for (const char* name : {"transforms.json", "text/cameras.txt", "text/images.txt", "text/points3D.txt",
                             "binary/cameras.bin", "binary/images.bin", "binary/points3D.bin"}) {
        std::ifstream in(folder / name, std::ios::binary);
        const std::string whole((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
        for (int i = 0; i < 150; ++i) {
            std::string damaged = whole;
            for (std::size_t k = 0; k <= below(3); ++k) {
                const std::size_t at = below(damaged.size());
                if (below(2) == 0)
                    damaged[at] = static_cast<char>(below(256));
                else
                    damaged.replace(at, std::min<std::size_t>(below(6), damaged.size() - at), pieces[below(12)]);
            }
            write_text(folder / name, damaged);
            try {
                const fs::path file = folder / name;
                (void)read_scene(file.extension() == ".json" ? file : file.parent_path(), options);
                ++read;
            } catch (const Error& e) {
                EXPECT_TRUE(e.kind() == ErrorKind::format || e.kind() == ErrorKind::input) << e.what();
                ++refused;
            }
        }
        write_text(folder / name, whole);
    }
    EXPECT_GT(read, 100u);
    EXPECT_GT(refused, 300u);
}

/// Cameras, pictures and mesh of one scene must fit together: no vertex may be seen where the picture is empty.
TEST(Scene, TheMeshIsSeenInsideThePicturesOfSpot) {
    const fs::path folder = fs::path(NIR_SOURCE_DIR) / "tests/golden/scenes/spot";
    const Scene scene = read_scene(folder / "transforms_test.json");
    ASSERT_EQ(scene.views.size(), 3u);
    EXPECT_EQ(scene.count(Split::test), 3u);
    const geom::TriMesh mesh = read_mesh(folder / "mesh.ply");
    for (std::size_t i = 0; i < 3; ++i) {
        const ViewPixels pixels = read_view(scene, i);
        ASSERT_TRUE(pixels.has_alpha);
        std::size_t outside = 0, opaque = 0;
        std::vector<std::uint8_t> hit(200 * 200, 0);
        for (const Vec3d& v : mesh.vertices) {
            const auto at = geom::project(scene.cameras[0], scene.views[i].world_from_camera, v);
            ASSERT_TRUE(at);
            const int x = static_cast<int>(at->at.x), y = static_cast<int>(at->at.y);
            ASSERT_TRUE(x >= 0 && x < 200 && y >= 0 && y < 200);
            outside += pixels.rgba.pixel(x, y)[3] == 0 ? 1u : 0u;
        }
        for (std::size_t k = 3; k < pixels.rgba.data.size(); k += 4) opaque += pixels.rgba.data[k] > 0 ? 1u : 0u;
        // On the silhouette a vertex may fall into a pixel that is covered by less than 1/255.
        EXPECT_LE(outside, mesh.vertices.size() / 200) << i;
        EXPECT_GT(opaque, 3000u);
    }
}

bool has_finding(const SceneReport& report, const std::string& part) {
    return std::any_of(report.findings.begin(), report.findings.end(),
                       [&](const SceneFinding& f) { return f.text.find(part) != std::string::npos; });
}

TEST(SceneCheck, NamesFlippedAxesAndOtherMistakes) {
    TempFolder folder;
    Scene good = some_scene(folder);
    good.points = {};
    EXPECT_TRUE(check_scene(good).findings.empty()) << check_scene(good).findings[0].text;
    Scene flipped = good;
    for (SceneView& v : flipped.views) {  // OpenCV's matrix read as OpenGL's
        v.world_from_camera.up = -v.world_from_camera.up;
        v.world_from_camera.back = -v.world_from_camera.back;
    }
    EXPECT_TRUE(has_finding(check_scene(flipped), "the axes are flipped"));
    EXPECT_EQ(check_scene(flipped).away.size(), 8u);
    Scene one = good;
    one.views[2].world_from_camera = geom::look_at(pose_of(2).position, pose_of(2).position * 2, {0, 0, 1});
    EXPECT_TRUE(has_finding(check_scene(one), "1 of 8 cameras look away from what the others look at: images/p2.png"));
    Scene missing = good;
    missing.views[1].image.clear();
    EXPECT_TRUE(has_finding(check_scene(missing), "1 of 8 pictures are missing"));
    Scene twice = good;
    twice.views[1].image = twice.views[0].image;
    twice.views[1].split = Split::test;
    EXPECT_TRUE(has_finding(check_scene(twice), "figures on it would be too good"));
    Scene small = good;
    small.box = geom::Box3d{{-1e-3, -1e-3, -1e-3}, {1e-3, 1e-3, 1e-3}};
    EXPECT_TRUE(has_finding(check_scene(small), "wrong scale"));
    Scene centre = good;
    centre.cameras[0].cx = 60;
    EXPECT_TRUE(has_finding(check_scene(centre), "principal point"));
    Scene behind = good;
    Rng rng(1);
    for (int i = 0; i < 100; ++i)
        behind.points.points.push_back(Vec3d{rng.uniform(-1, 1), rng.uniform(-1, 1), rng.uniform(-1, 1)});
    EXPECT_TRUE(check_scene(behind).findings.empty());
    for (SceneView& v : behind.views)
        v.world_from_camera.back = -v.world_from_camera.back, v.world_from_camera.right = -v.world_from_camera.right;
    EXPECT_TRUE(has_finding(check_scene(behind), "behind the cameras"));
    const geom::Image8 picture = draw_scene(good, check_scene(good));
    std::size_t blue = 0, red = 0;
    for (std::size_t i = 0; i < picture.data.size(); i += 3) {
        blue += picture.data[i] < 60 && picture.data[i + 2] > 170 ? 1u : 0u;
    }
    EXPECT_GT(blue, 500u) << "frusta of training views";
    const geom::Image8 wrong = draw_scene(flipped, check_scene(flipped));
    for (std::size_t i = 0; i < wrong.data.size(); i += 3)
        red += wrong.data[i] > 200 && wrong.data[i + 1] < 60 ? 1u : 0u;
    EXPECT_GT(red, 500u) << "frusta that look away";
}

}  // namespace
}  // namespace nir::io
