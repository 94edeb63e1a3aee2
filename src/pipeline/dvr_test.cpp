// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Checkpoints of the papers' code: converted, asked and drawn; and a training on photos of many objects.
#include "nir/io/camera_frames.h"
#include "nir/io/formats.h"
#include "nir/io/npy.h"
#include "nir/io/png.h"
#include "nir/io/safetensors.h"
#include "nir/models/model.h"
#include "nir/pipeline/convert_checkpoint.h"
#include "nir/pipeline/extract.h"
#include "nir/pipeline/prepare.h"
#include "nir/pipeline/query.h"
#include "nir/pipeline/render_field.h"
#include "nir/pipeline/texture_photo.h"
#include "nir/pipeline/train.h"
#include "nir/render/field_view.h"

#include "support/fixtures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class DvrPipeline : public ::testing::Test {
protected:
    void SetUp() override {
        dir_ = fs::path(::testing::TempDir()) /
               (std::string("nir_dvr_") + ::testing::UnitTest::GetInstance()->current_test_info()->name());
        fs::remove_all(dir_);
        fs::create_directories(dir_);
    }
    void TearDown() override { fs::remove_all(dir_); }

    fs::path convert(const std::string& name, const std::string& ending) const {
        const auto in = test::find_fixture("dvr", name + ending);
        if (in.empty()) return {};
        const fs::path out = dir_ / (name + ".safetensors");
        convert_checkpoint(
            {.in = in, .out = out, .config = fs::path(NIR_SOURCE_DIR) / "tests/parity" / (name + ".toml")});
        return out;
    }
    /// Item `item` of an array, as NPY.
    fs::path item_of(const io::TensorFile& file, const std::string& key, std::size_t item) const {
        const io::NamedArray& a = file.at(key);
        const auto values = a.to_float();
        const std::size_t n = values.size() / static_cast<std::size_t>(a.shape[0]);
        const auto from = values.begin() + static_cast<std::ptrdiff_t>(n * item);
        io::write_npy(dir_ / (key + ".npy"),
                      io::NamedArray::from("", {a.shape.begin() + 1, a.shape.end()},
                                           std::vector<float>(from, from + static_cast<std::ptrdiff_t>(n))));
        return dir_ / (key + ".npy");
    }
    /// A small set of objects with photos; two objects train.
    fs::path photos(bool lit) const {
        PrepareOptions o;
        o.generate = 3, o.families = {"vessel"}, o.out = dir_ / (lit ? "lit" : "photos");
        o.views = 2, o.view_size = 32, o.photos = 4, o.photo_size = 32, o.lit = lit, o.generated_cells = 24;
        o.points = 300, o.samples = 400, o.voxels = 0, o.split = {0.34, 0.33, 0.33};
        NoProgress none;
        PhaseTimer timer;
        prepare(o, none, timer);
        return o.out;
    }
    TrainResult learn(const fs::path& set, const std::string& text, const char* run, std::int64_t steps) const {
        std::ofstream(dir_ / "c.toml")
            << text << "path = \"" << set.string()
            << "\"\n[train]\nlr = 2e-3\nbatch_size = 2\nworkers = 0\nvalidation_batches = 1\n"
               "validation_scans = 0\npreview_scans = 0\n";
        TrainOptions o;
        o.config = dir_ / "c.toml", o.out = dir_ / run, o.steps = steps;
        NoProgress none;
        return train(o, none);
    }
    fs::path dir_;
    NoProgress none_;
    PhaseTimer timer_;
};

io::Matrix4 matrix_of(const io::TensorFile& file, const char* name) {
    io::Matrix4 out{};
    const auto values = file.at(name).to_double();
    std::copy_n(values.begin(), 16, out.begin());
    return out;
}

TEST_F(DvrPipeline, OfficialCheckpointIsDrawnAsByThePapersCode) {
    const fs::path model = convert("dvr_mv_small", ".pt");
    ASSERT_FALSE(model.empty());
    const io::TensorFile file = io::read_npz(test::find_fixture("dvr", "dvr_mv_small.render.npz"));
    const io::PosedCamera camera =
        io::camera_from_dvr({matrix_of(file, "camera_mat"), matrix_of(file, "world_mat")}, 48, 48, true);
    const io::Matrix4 scale = matrix_of(file, "scale_mat");
    FieldSource source =
        open_field({.field = model, .input = {}, .seed = {}, .origin = {}, .spacing = {}}, none_, timer_);
    EXPECT_EQ(source.kind, "dvr");
    render::FieldViewOptions look;
    look.steps = 64;
    const render::RenderedView view =
        render::render_field(*source.field, source.field->iso(), geom::Frame{{scale[3], scale[7], scale[11]}, scale[0]},
                             camera.camera, camera.pose, look);
    const geom::Image8 ours = view.image();
    const auto theirs = file.at("img_rgb").to_float();
    std::size_t object = 0, apart = 0;
    for (std::size_t p = 0; p < 48 * 48; ++p) {
        object += view.alpha[p] > 0;
        bool same = true;
        for (std::size_t k = 0; k < 3; ++k)
            same = same && std::abs(static_cast<float>(ours.data[3 * p + k]) - theirs[3 * p + k]) <= 1;
        apart += same ? 0 : 1;
    }
    EXPECT_GT(object, 200u);
    EXPECT_LE(apart, 2u);  // rays that graze
}

TEST_F(DvrPipeline, ConvertedCheckpointsGiveThePapersLogits) {
    bool any = false;
    for (const std::string name : {"dvr_mv_small", "dvr_mv_depthonly_small", "dvr_sv_small"}) {
        const auto io_file = test::find_fixture("dvr", name + ".io.npz");
        const fs::path model = convert(name, ".weights.npz");
        if (io_file.empty() || model.empty()) continue;
        any = true;
        const io::TensorFile file = io::read_npz(io_file);
        if (file.find("logits") == nullptr) continue;  // depths alone: src/models/dvr/dvr_parity_test.cpp
        for (std::size_t item = 0; item < 2; ++item) {
            QueryOptions o;
            o.field = model, o.points = item_of(file, "points", item), o.out = dir_ / "v.npy";
            if (file.find("inputs")) o.input = item_of(file, "inputs", item);
            query(o, none_, timer_);
            const auto ours = io::read_npy(o.out).to_float(), theirs = file.at("logits").to_float();
            double worst = 0;
            for (std::size_t i = 0; i < ours.size(); ++i)
                worst = std::max(worst, static_cast<double>(std::abs(ours[i] - theirs[item * ours.size() + i])));
            EXPECT_LT(worst, 2e-4) << name;
        }
    }
    if (!any) GTEST_SKIP() << "no larger fixtures beside the source tree";
}

TEST_F(DvrPipeline, RenderWritesEveryOutputFromTheCamerasOfAScene) {
    const fs::path model = convert("dvr_mv_small", ".pt"), set = photos(false);
    RenderFieldOptions o;
    o.source.field = model, o.out = dir_ / "frames", o.cameras = set / "vessel/0000", o.size = std::pair(24, 24);
    o.outputs = {"rgb", "depth", "normal", "alpha"}, o.rays = 1, o.steps = 48, o.background.reset();
    const RenderFieldResult r = render_field(o, none_, timer_);
    EXPECT_EQ(r.frames, 4);
    EXPECT_EQ(r.files.size(), 16u);
    for (const auto& f : r.files) EXPECT_TRUE(fs::is_regular_file(f)) << f;
    const geom::Image8 picture = io::read_png(r.files.front());
    EXPECT_EQ(picture.channels, 4);
    o.out = dir_ / "x.png", o.mesh = "m.ply";
    try {
        render_field(o, none_, timer_);
        FAIL();
    } catch (const Error& e) {
        EXPECT_THAT(e.what(), HasSubstr("--mesh"));
    }
}

constexpr const char* kImages =
    "[model]\nname = \"dvr\"\nimage_size = 64\nmarch_steps = 16\n[model.encoder]\nname = \"simple_conv\"\n"
    "[model.decoder]\nc_dim = 8\nhidden = 16\nblocks = 2\n"
    "[data]\nname = \"pictures\"\nimage_size = 64\npixels = 64\n";

TEST_F(DvrPipeline, LearnsFromPhotosOfManyObjects) {
    const fs::path set = photos(false);
    const TrainResult few = learn(set, kImages, "few", 4), many = learn(set, kImages, "many", 60);
    EXPECT_LT(many.loss, 0.7 * few.loss);
    ExtractOptions o;
    o.source.field = many.model, o.source.input = set / "vessel/0001/img_choy2016/000.png", o.mesh = dir_ / "m.ply";
    o.resolution_0 = 16, o.upsampling = 1;
    const geom::TriMesh mesh = extract_to_file(o, none_, timer_).result.mesh;
    EXPECT_GT(mesh.faces.size(), 100u);
    EXPECT_EQ(mesh.colors.size(), mesh.vertices.size());
}

TEST_F(DvrPipeline, ResumedIsTheSameBytesAndDepthCounts) {
    const fs::path set = photos(false);
    const TrainResult whole = learn(set, kImages, "whole", 4);
    learn(set, kImages, "parts", 2);
    TrainOptions o;
    o.config = dir_ / "c.toml", o.out = dir_ / "parts", o.steps = 4, o.resume = true;
    const TrainResult parts = train(o, none_);
    const auto bytes = [](const fs::path& path) {
        std::ifstream in(path, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(in), {});
    };
    EXPECT_EQ(bytes(whole.model), bytes(parts.model));
    std::string deep = kImages;
    deep.insert(deep.find("[model.encoder]"), "depth_weight = 20\n");
    EXPECT_THROW(learn(set, deep, "no_depth", 2), Error);
    EXPECT_GT(learn(set, deep + "depth = true\n", "deep", 4).loss, whole.loss);
}

constexpr const char* kTexture =
    "[model]\nname = \"texture_field\"\nc_dim = 8\nz_dim = 8\nimage_size = 64\npoints = 64\nlights = LIT\n"
    "[model.shape_encoder]\nname = \"pointnet_resnet\"\nhidden_dim = 8\n[model.image_encoder]\nname = \"simple_conv\"\n"
    "[model.decoder]\nhidden = 16\nblocks = 2\n"
    "[data]\nname = \"pictures\"\nimage_size = 64\nsurface = true\npoints = 64\npixels = 128\n";

std::string texture_config(bool lit) {
    std::string text = kTexture;
    return text.replace(text.find("LIT"), 3, lit ? "true" : "false");
}

TEST_F(DvrPipeline, TextureFieldColoursAMeshFromAPicture) {
    const fs::path set = photos(false);
    const TrainResult few = learn(set, texture_config(false), "few", 2),
                      many = learn(set, texture_config(false), "many", 120);
    EXPECT_LT(many.loss, 0.8 * few.loss);
    TexturePhotoOptions o;
    o.mesh = set / "vessel/0000/mesh.ply", o.photo = set / "vessel/0000/img_choy2016/000.png", o.model = many.model;
    o.out = dir_ / "colored.ply";
    const TexturePhotoResult r = texture_photo(o, timer_);
    const geom::TriMesh mesh = io::read_mesh(o.out);
    EXPECT_EQ(mesh.colors.size(), r.vertices);
    // The same in other coordinates: the model's frame is that of the mesh.
    geom::TriMesh moved = io::read_mesh(o.mesh);
    for (geom::Vec3d& v : moved.vertices) v = v * 3.0 + geom::Vec3d{5, -2, 1};
    io::write_geometry(dir_ / "moved.ply", moved);
    o.mesh = dir_ / "moved.ply", o.out = dir_ / "moved_colored.ply";
    texture_photo(o, timer_);
    const geom::TriMesh again = io::read_mesh(o.out);
    ASSERT_EQ(again.colors.size(), mesh.colors.size());
    for (std::size_t i = 0; i < mesh.colors.size(); ++i) ASSERT_NEAR(again.colors[i].r, mesh.colors[i].r, 2);

    RenderFieldOptions draw;
    draw.source.field = many.model, draw.source.input = o.photo, draw.mesh = o.mesh, draw.out = dir_ / "p.png";
    draw.size = std::pair(20, 20);
    EXPECT_EQ(render_field(draw, none_, timer_).frames, 1);
}

TEST_F(DvrPipeline, LightOfASurfaceIsLinearInTheLamps) {
    const fs::path set = photos(true);
    const TrainResult few = learn(set, texture_config(true), "few", 2),
                      many = learn(set, texture_config(true), "many", 80);
    EXPECT_LT(many.loss, 0.9 * few.loss);
    const auto draw = [&](const char* name, const char* lights) {
        std::ofstream(dir_ / "lights.json") << lights;
        RenderFieldOptions o;
        o.source.field = many.model, o.source.input = set / "vessel/0000/img_choy2016/000.png";
        o.mesh = set / "vessel/0000/mesh.ply", o.out = dir_ / name, o.lights = dir_ / "lights.json";
        o.size = std::pair(24, 24), o.rays = 1, o.background.reset();
        EXPECT_EQ(render_field(o, none_, timer_).kind, "texture_field");
        return io::read_png(dir_ / name);
    };
    const auto linear = [](std::uint8_t v) { return render::linear_from_srgb(static_cast<float>(v) / 255.0f); };
    const geom::Image8 a = draw("a.png", R"({"lights": [{"position": [2, 1, 0], "intensity": 0.4}], "ambient": 0})");
    const geom::Image8 b = draw("b.png", R"({"lights": [{"position": [0, 1, 2], "intensity": 0.3}], "ambient": 0})");
    const geom::Image8 both = draw("c.png", R"({"lights": [{"position": [2, 1, 0], "intensity": 0.4},
                                    {"position": [0, 1, 2], "intensity": 0.3}], "ambient": 0})");
    std::size_t lit = 0;
    for (std::size_t i = 0; i < a.data.size(); ++i) {
        if (i % 4 == 3 || both.data[i] == 255) continue;
        EXPECT_NEAR(linear(both.data[i]), linear(a.data[i]) + linear(b.data[i]), 0.012);
        lit += both.data[i] > 20;
    }
    EXPECT_GT(lit, 50u);
    TexturePhotoOptions o;
    o.mesh = set / "vessel/0000/mesh.ply", o.photo = set / "vessel/0000/img_choy2016/000.png", o.model = many.model;
    o.out = dir_ / "colored.ply";
    EXPECT_THROW(texture_photo(o, timer_), Error);
}

}  // namespace
}  // namespace nir::pipeline
