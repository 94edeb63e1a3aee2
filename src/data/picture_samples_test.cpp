// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The papers' layout of photos of many objects, with photos of a ball: rays, depth and places against the ball itself.
#include "nir/data/picture_samples.h"

#include "nir/base/error.h"
#include "nir/data/shape_colors.h"
#include "nir/io/camera_frames.h"
#include "nir/io/exr.h"
#include "nir/io/npy.h"

#include "support/ball_scene.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace nir::data {
namespace {

namespace fs = std::filesystem;
using geom::Vec3d;

constexpr double kScale = 1.5;  // of the unit cube in the cameras' world
const Vec3d kCenter{0, 0, 0};
const Vec3d kLamp{1, 2, 3};

io::NamedArray matrix(const std::string& name, const io::Matrix4& m, std::int64_t rows) {
    return io::NamedArray::from(name, {rows, 4}, std::vector<double>(m.begin(), m.begin() + 4 * rows));
}

/// CLASS ball with the models 0 and 1 in train.lst, 1 in val.lst.
class Pictures : public ::testing::Test {
protected:
    void SetUp() override {
        folder_ = fs::path(::testing::TempDir()) /
                  (std::string("nir_pictures_") + ::testing::UnitTest::GetInstance()->current_test_info()->name());
        fs::remove_all(folder_);
        for (const char* model : {"0", "1"}) write_model(folder_ / "ball" / model);
        std::ofstream(folder_ / "ball/train.lst") << "0\n1";
        std::ofstream(folder_ / "ball/val.lst") << "1";
        config_.path = folder_.string(), config_.pixels = 300, config_.image_size = 24, config_.input_folder = "image";
    }
    void TearDown() override { fs::remove_all(folder_); }

    /// A ball of radius 0.6 whose colour is its normal, from six sides; the world's unit cube has side 1.5.
    static void write_model(const fs::path& folder) {
        for (const char* kind : {"image", "mask", "depth", "normal"}) fs::create_directories(folder / kind);
        io::TensorFile cameras, lights;
        std::vector<double> lamps;
        const geom::Camera camera = geom::pinhole_camera(48, 48, 0.6);
        const std::vector<std::string> z = {"Z"};
        for (int i = 0; i < 6; ++i) {
            const double a = 1.1 * i, height = -0.8 + 0.3 * i, r = std::sqrt(1 - height * height);
            const geom::Pose pose = geom::look_at(Vec3d{r * std::cos(a), height, r * std::sin(a)} * 4.0, {});
            const geom::Image8 picture = test::ball_picture(camera, pose);
            geom::Image8 rgb(48, 48, 3, 255), mask(48, 48, 1), normal(48, 48, 3);
            std::vector<float> depth(48 * 48, INFINITY);
            for (int y = 0; y < 48; ++y)
                for (int x = 0; x < 48; ++x) {
                    if (picture.pixel(x, y)[3] == 0) continue;
                    *mask.pixel(x, y) = 255;
                    const auto ray = geom::ray_through(camera, pose, {x + 0.5, y + 0.5});
                    const double b = dot(ray->origin, ray->direction);
                    const double t = -b - std::sqrt(b * b - squared_norm(ray->origin) + 0.36);
                    depth[static_cast<std::size_t>(48 * y + x)] = static_cast<float>(t * ray->depth_per_length);
                    const Vec3d n = (ray->origin + ray->direction * t) / 0.6;
                    for (int k = 0; k < 3; ++k) {
                        rgb.pixel(x, y)[k] = picture.pixel(x, y)[k];
                        normal.pixel(x, y)[k] = static_cast<std::uint8_t>(std::lround(127.5 * (n[k] + 1)));
                    }
                }
            const std::string name = "000" + std::to_string(i);
            io::write_png(folder / "image" / (name + ".png"), rgb);
            io::write_png(folder / "mask" / (name + ".png"), mask);
            io::write_png(folder / "normal" / (name + ".png"), normal);
            io::write_exr(folder / "depth" / (name + ".exr"), {48, 48, z, depth});
            const io::DvrMatrices m = io::dvr_from_camera(camera, pose);
            const std::string n = std::to_string(i);
            cameras.arrays.push_back(matrix("camera_mat_" + n, m.camera_mat, 4));
            cameras.arrays.push_back(matrix("world_mat_" + n, m.world_mat, i % 2 ? 3 : 4));
            cameras.arrays.push_back(
                matrix("scale_mat_" + n,
                       {kScale, 0, 0, kCenter.x, 0, kScale, 0, kCenter.y, 0, 0, kScale, kCenter.z, 0, 0, 0, 1}, 4));
            for (int k = 0; k < 3; ++k) lamps.push_back(kLamp[k]);
        }
        io::write_npz(folder / "cameras.npz", cameras);
        lights.arrays.push_back(io::NamedArray::from("position", {6, 3}, lamps));
        io::write_npz(folder / "lights.npz", lights);
    }
    std::string message_of() const {
        try {
            PictureSet(config_, "train").draw(0, true, Rng(1));
        } catch (const Error& e) {
            return e.what();
        }
        return "no error";
    }
    fs::path folder_;
    PictureDataConfig config_;
};

Vec3d at(const std::vector<float>& v, std::size_t i) { return {v[3 * i], v[3 * i + 1], v[3 * i + 2]}; }

TEST_F(Pictures, RaysSeeTheBallWhereThePhotoDoes) {
    const PictureSet set(config_, "train");
    ASSERT_EQ(set.size(), 2u);
    std::size_t objects = 0, wrong = 0;
    for (std::uint64_t i = 0; i < 6; ++i) {
        const PictureSample s = set.draw(i % 2, true, Rng(i));
        EXPECT_EQ(s.picture.width, 24);
        ASSERT_EQ(s.object.size(), 300u);
        for (std::size_t k = 0; k < 300; ++k) {
            const Vec3d o = at(s.origins, k), d = at(s.directions, k);
            EXPECT_NEAR(norm(o), 4.0 / kScale, 1e-5);
            const double radius = 0.6 / kScale;
            const double a = dot(d, d), b = dot(o, d), root = b * b - a * (dot(o, o) - radius * radius);
            objects += root > 0;
            wrong += (root > 0) != (s.object[k] > 0.5f);
            if (root <= 0 || s.object[k] < 0.5f) continue;
            const Vec3d normal = (o + d * ((-b - std::sqrt(root)) / a)) / radius;
            for (std::size_t c = 0; c < 3; ++c)
                EXPECT_NEAR(255 * s.rgb[3 * k + c], 127.5 + 100 * normal[static_cast<int>(c)], 1.0);
            // Places for missing surface: where all silhouettes allow it, on the ray.
            const Vec3d p = at(s.occupied, k);
            EXPECT_LT(norm(cross(p - o, d)) / norm(d), 1e-5);
            EXPECT_LT(norm(p), 1.6 * radius);
        }
    }
    EXPECT_GT(objects, 500u);
    EXPECT_EQ(wrong, 0u);
}

TEST_F(Pictures, SurfacePixelsLieOnTheBall) {
    config_.surface = true;
    const PictureSet set(config_, "val");
    ASSERT_EQ(set.size(), 1u);
    const PictureSample s = set.draw(0, false, Rng(3));
    ASSERT_EQ(s.depth.size(), 300u);
    ASSERT_EQ(s.shadow.size(), 300u);
    EXPECT_TRUE(s.freespace.empty());
    for (std::size_t k = 0; k < 300; ++k) {
        const Vec3d p = at(s.origins, k) + at(s.directions, k) * s.depth[k];
        EXPECT_NEAR(norm(p), 0.6 / kScale, 1e-5);
        EXPECT_LT(norm(at(s.normals, k) - normalized(p)), 0.02);
        EXPECT_EQ(s.object[k], 1.0f);
        EXPECT_EQ(s.shadow[k], 1.0f);
    }
    EXPECT_LT(norm(at(s.lamp, 0) - kLamp / kScale), 1e-6);
}

TEST_F(Pictures, SameSeedSameSampleWhateverTheCache) {
    const PictureSet all(config_, "train");
    config_.cache_mb = 0;
    const PictureSet none(config_, "train");
    for (std::uint64_t i = 0; i < 4; ++i) {
        const PictureSample a = all.draw(i % 2, true, Rng(i)), b = none.draw(i % 2, true, Rng(i));
        EXPECT_EQ(a.directions, b.directions);
        EXPECT_EQ(a.occupied, b.occupied);
        EXPECT_EQ(a.picture.data, b.picture.data);
    }
    EXPECT_NE(all.draw(0, true, Rng(1)).directions, all.draw(0, true, Rng(2)).directions);
}

TEST_F(Pictures, BrokenSetsAreNamed) {
    EXPECT_EQ(message_of(), "no error");
    fs::remove(folder_ / "ball/0/mask/0003.png");
    EXPECT_THAT(message_of(), ::testing::HasSubstr("5 files for 6 photos"));
    fs::remove_all(folder_ / "ball/0/mask");
    EXPECT_THAT(message_of(), ::testing::HasSubstr("silhouettes are needed"));
    fs::remove(folder_ / "ball/0/cameras.npz");
    EXPECT_THAT(message_of(), ::testing::HasSubstr("cameras.npz"));
    config_.path.clear();
    EXPECT_THAT(message_of(), ::testing::HasSubstr("data.path"));
}

TEST(UprightColors, DependOnTheHeightAlone) {
    std::vector<Vec3d> points;
    for (int i = 0; i < 200; ++i) points.push_back({std::sin(3.0 * i), -0.5 + (i / 2) / 99.0, std::cos(5.0 * i)});
    std::size_t colored = 0;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        Rng a(seed), b(seed);
        const auto colors = upright_colors(points, a);
        ASSERT_EQ(colors.size(), points.size());
        EXPECT_EQ(colors, upright_colors(points, b));
        for (std::size_t i = 0; i < points.size(); i += 2) EXPECT_EQ(colors[i], colors[i + 1]);
        colored += !(colors.front() == colors.back()) || !(colors[60] == colors[140]);
    }
    EXPECT_GT(colored, 15u);
}

}  // namespace
}  // namespace nir::data
