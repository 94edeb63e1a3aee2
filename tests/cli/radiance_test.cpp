// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Radiance fields through the program: photos in; a run, pictures, figures and a mesh out.
#include "nir/io/formats.h"
#include "nir/io/png.h"

#include "cli/run_program.h"
#include "support/ball_scene.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>

namespace nir::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::vector<std::string> train_command(const std::string& scene, const std::string& run,
                                       const std::vector<std::string>& more) {
    std::vector<std::string> out{"train", scene, "-o", run};
    for (const std::string& o : small_ball_field()) out.insert(out.end(), {"--set", o});
    out.insert(out.end(), more.begin(), more.end());
    return out;
}

TEST(CliRadiance, TrainsIntoARunFolder) {
    const TemporaryFolder folder;
    write_ball_scene(folder / "scene");
    const std::string run = folder / "run";
    const Outcome o = run_nir(train_command(folder / "scene", run, {"--steps", "120", "--seed", "3", "--json"}));
    ASSERT_EQ(o.code, 0) << o.err;
    expect_clean_stderr(o);
    const auto json = nlohmann::json::parse(o.out);
    EXPECT_EQ(json["steps"], 120);
    EXPECT_GT(json["psnr"].get<double>(), 18);
    EXPECT_GT(json["validation_psnr"].get<double>(), 20);
    EXPECT_GT(json["samples_per_second"].get<double>(), 1000);
    EXPECT_TRUE(fs::exists(json["model"].get<std::string>()));
    for (const char* name : {"config.toml", "env.json", "metrics.jsonl", "log.txt", "optimizer.safetensors"})
        EXPECT_TRUE(fs::exists(run + "/" + name)) << name;
    const geom::Image8 preview = io::read_png(run + "/previews/0000120_view.png");
    EXPECT_EQ(preview.width, 80);
    EXPECT_EQ(preview.height, 40);
    std::ifstream metrics(run + "/metrics.jsonl");
    std::string line;
    ASSERT_TRUE(std::getline(metrics, line));
    EXPECT_TRUE(nlohmann::json::parse(line).contains("psnr")) << line;

    // The resolved configuration alone repeats the run.
    const Outcome again = run_nir({"train", run + "/config.toml", "-o", folder / "again", "-q"});
    ASSERT_EQ(again.code, 0) << again.err;
    EXPECT_EQ(bytes_of(run + "/model.safetensors"), bytes_of(folder / "again/model.safetensors"));

    const Outcome taken = run_nir(train_command(folder / "scene", run, {}));
    EXPECT_EQ(taken.code, 2);
    EXPECT_THAT(taken.err, HasSubstr("--resume"));
}

TEST(CliRadiance, CtrlCSavesAndResumes) {
    const TemporaryFolder folder;
    write_ball_scene(folder / "scene", 8, 1, 16);
    RunOptions interrupt;
    interrupt.interrupt_after_s = 3;
    const Outcome o = run_nir(train_command(folder / "scene", folder / "run", {"--time", "1h"}), interrupt);
    EXPECT_EQ(o.code, 130) << o.err;
    EXPECT_THAT(o.err, HasSubstr("everything is saved"));
    const Outcome on = run_nir({"train", folder / "scene", "-o", folder / "run", "--resume", "--time", "1s", "--json"});
    ASSERT_EQ(on.code, 0) << on.err;
    EXPECT_GT(nlohmann::json::parse(on.out)["steps"], 5);
}

TEST(CliRadiance, OneSentenceForWhatItCannotTrainWith) {
    const TemporaryFolder folder;
    write_ball_scene(folder / "scene", 4, 1, 16);
    fs::create_directories(folder / "empty");
    struct Case {
        std::vector<std::string> arguments;
        int code;
        std::string says;
    };
    const std::string scene = folder / "scene", out = folder / "out";
    const std::string wrong =
        folder.write("wrong.toml", "[model]\nname = \"radiance\"\nlevles = 4\n[train]\nsteps = -1\n");
    const std::string nowhere = folder.write("nowhere.toml", "[model]\nname = \"radiance\"\n");
    const std::string other = folder.write("other.toml", "[model]\nname = \"onet\"\n");
    for (const Case& c : std::vector<Case>{
             {{"train", folder / "empty", "-o", out}, 3, "empty"},
             {{"train", folder / "none", "-o", out}, 3, "none"},
             {{"train", wrong, "-o", out}, 2, "levels"},
             {{"train", nowhere, "-o", out}, 2, "data.path"},
             {{"train", scene, "-o", out, "--preset", other}, 2, "radiance"},
             {{"train", scene, "-o", out, "--set", "model.hidden=50"}, 2, "multiple of 16"},
             {{"train", scene, "-o", out, "--set", "data.box=[5,5,5,6,6,6]"}, 3, "box"},
             {{"train", scene, "-o", out, "--init", other}, 2, "--init"},
             {{"train", scene, "-o", out, "--resume"}, 3, "nothing to resume"},
         }) {
        const Outcome o = run_nir(c.arguments);
        EXPECT_EQ(o.code, c.code) << c.arguments[1] << o.err;
        EXPECT_THAT(o.err, HasSubstr(c.says));
        expect_clean_stderr(o);
        fs::remove_all(out);
    }
    fs::remove(folder / "scene/train_2.png");
    const Outcome missing = run_nir({"train", scene, "-o", out});
    EXPECT_EQ(missing.code, 3);
    EXPECT_THAT(missing.err, HasSubstr("train_2.png"));
    folder.write("scene/train_2.png", "no picture");
    EXPECT_EQ(run_nir({"train", scene, "-o", out}).code, 3);
}

TEST(CliRadiance, FromPhotosToPicturesFiguresAndAMesh) {
    const TemporaryFolder folder;
    const io::Scene scene = write_ball_scene(folder / "scene");
    const std::string run = folder / "run";
    const Outcome trained = run_nir(train_command(folder / "scene", run, {"--steps", "160", "-q"}));
    ASSERT_EQ(trained.code, 0) << trained.err;
    const std::string model = folder / "alone.safetensors";
    fs::copy(run + "/model.safetensors", model);

    // Figures: of its own scene without being told, and of one that is named.
    const auto figures = run_json({"evaluate", run, "--pictures", folder / "pairs", "--json"});
    EXPECT_EQ(figures["views"].size(), 4u);
    EXPECT_GT(figures["psnr"].get<double>(), 25);
    EXPECT_GT(figures["ssim"].get<double>(), 0.9);
    EXPECT_TRUE(figures["conventions"].contains("psnr"));
    double mean = 0;
    for (const auto& v : figures["views"]) mean += v["psnr"].get<double>() / 4;
    EXPECT_NEAR(figures["psnr"].get<double>(), mean, 1e-9);
    EXPECT_EQ(io::read_png(folder / "pairs/test_2.png").width, 120);
    const auto black = run_json(
        {"evaluate", model, folder / "scene", "--protocol", "ngp-black", "--split", "train", "--views", "3", "--json"});
    EXPECT_EQ(black["views"].size(), 3u);
    EXPECT_EQ(black["notes"].size(), 2u) << black["notes"];  // of another size, and trained with
    EXPECT_NE(black["psnr"], figures["psnr"]);
    EXPECT_THAT(run_nir({"evaluate", run}).out, HasSubstr("test_3"));

    // Pictures: the model file alone.
    const auto turn = run_json({"render", model, "-o", folder / "turn", "--orbit", "3", "--output",
                                "rgb,depth,normal,alpha", "--background", "transparent", "--size", "48x32", "--json"});
    EXPECT_EQ(turn["frames"], 3);
    EXPECT_EQ(turn["files"].size(), 12u);
    const geom::Image8 picture = io::read_png(folder / "turn/001.png");
    EXPECT_EQ(picture.channels, 4);
    EXPECT_LT(picture.pixel(0, 0)[3], 30);
    EXPECT_GT(picture.pixel(24, 16)[3], 220);
    EXPECT_TRUE(fs::exists(folder / "turn/002_depth.exr"));
    // As the photo was taken.
    const auto posed = run_json({"render", run, "-o", folder / "posed", "--cameras", folder / "scene", "--split",
                                 "test", "--background", "black", "--json"});
    EXPECT_EQ(posed["frames"], 4);
    const geom::Image8 drawn = io::read_png(folder / "posed/000.png");
    const geom::Image8 photo = ball_picture(scene.cameras[0], scene.views[24].world_from_camera);
    double difference = 0;
    for (int y = 0; y < 40; ++y)
        for (int x = 0; x < 40; ++x)
            for (int k = 0; k < 3; ++k)
                difference +=
                    std::abs(drawn.pixel(x, y)[k] - photo.pixel(x, y)[k] * photo.pixel(x, y)[3] / 255) / 4800.0;
    EXPECT_LT(difference, 10);
    EXPECT_EQ(run_json({"render", model, "-o", folder / "trained", "--cameras", "trained", "--size", "16",
                        "--json"})["frames"],
              24);
    const std::string path = folder.write(
        "path.json",
        R"({"fps": 4, "seconds": 1, "width": 30, "height": 20, "keyframes": [{"eye": [4, 0, 0], "look_at": [0, 0, 0]},
                        {"eye": [0, 4, 0], "look_at": [0, 0, 0]}]})");
    const auto moved = run_json({"render", model, "-o", folder / "path.exr", "--path", path, "--linear", "--json"});
    EXPECT_EQ(moved["frames"], 4);
    EXPECT_EQ(moved["size"], nlohmann::json::array({30, 20}));
    EXPECT_TRUE(fs::exists(folder / "path_003.exr"));

    // A program in the place of ffmpeg that keeps what it is handed.
    fs::create_directories(folder / "bin");
    folder.write("bin/ffmpeg", "#!/bin/sh\nfor last; do :; done\ncat > \"$last\"\n");
    fs::permissions(folder / "bin/ffmpeg", fs::perms::owner_all);
    RunOptions with_ffmpeg, without;
    with_ffmpeg.environment = {"PATH=" + (folder / "bin") + ":/bin:/usr/bin"};
    without.environment = {"PATH=" + (folder / "nothing")};
    const Outcome video = run_nir({"render", model, "-o", folder / "turn.mp4", "--path", path}, with_ffmpeg);
    ASSERT_EQ(video.code, 0) << video.err;
    EXPECT_EQ(fs::file_size(folder / "turn.mp4"), 4u * 30 * 20 * 3);
    const Outcome none = run_nir({"render", model, "-o", folder / "none.mp4", "--path", path}, without);
    EXPECT_EQ(none.code, 3);
    EXPECT_THAT(none.err, HasSubstr("ffmpeg"));
    EXPECT_FALSE(fs::exists(folder / "none.mp4"));
    folder.write("bin/ffmpeg", "#!/bin/sh\necho no such codec >&2\nexit 1\n");
    const Outcome broken = run_nir({"render", model, "-o", folder / "none.mp4", "--path", path}, with_ffmpeg);
    EXPECT_EQ(broken.code, 3);
    EXPECT_THAT(broken.err, HasSubstr("no such codec"));
    expect_clean_stderr(broken);

    // A mesh in the cameras' own coordinates.
    const auto made =
        run_json({"extract", model, "-o", folder / "ball.ply", "--resolution-0", "32", "--upsampling", "1", "--json"});
    EXPECT_EQ(made["components"], 1);
    EXPECT_EQ(made["watertight"], true);
    EXPECT_GT(made["level"].get<double>(), 0.1);
    const geom::TriMesh mesh = io::read_mesh(folder / "ball.ply");
    ASSERT_GT(mesh.vertices.size(), 500u);
    ASSERT_EQ(mesh.colors.size(), mesh.vertices.size());
    double radius = 0, wrong = 0;
    for (std::size_t i = 0; i < mesh.vertices.size(); ++i) {
        radius += norm(mesh.vertices[i]) / static_cast<double>(mesh.vertices.size());
        const double red = 127.5 + 100 * mesh.vertices[i].x / norm(mesh.vertices[i]);
        wrong += std::abs(mesh.colors[i].r - red) / static_cast<double>(mesh.vertices.size());
    }
    EXPECT_NEAR(radius, kBallRadius, 0.06);
    EXPECT_LT(wrong, 40);  // a soft shell after so few steps; a mirrored one would be wrong by 100
    const auto half = run_json({"extract", run, "-o", folder / "half.glb", "--box", "0", "-1", "-1", "1", "1", "1",
                                "--resolution-0", "32", "--upsampling", "0", "--json"});
    EXPECT_LT(half["faces"].get<int>(), made["faces"].get<int>());

    // What the file holds.
    const auto info = run_json({"info", model, "--json"});
    EXPECT_EQ(info["kind"], "radiance field");
    EXPECT_EQ(info["metadata"]["info.step"], "160");

    for (const auto& [arguments, code] : std::vector<std::pair<std::vector<std::string>, int>>{
             {{"render", model, "-o", folder / "x.jpg"}, 2},
             {{"render", model, "-o", folder / "x.png", "--transfer", "fire"}, 2},
             {{"render", model, "-o", folder / "x.png", "--orbit", "2", "--path", path}, 2},
             {{"render", model, "-o", folder / "x.png", "--cameras", folder / "none"}, 3},
             {{"render", model, "-o", folder / "x.png", "--path", folder.write("bad.json", "{}")}, 3},
             {{"render", folder / "scene/train_0.png", "-o", folder / "x.png", "--linear"}, 2},
             {{"evaluate", model, folder / "none"}, 3},
             {{"evaluate", model, folder / "scene", "--split", "val"}, 3},
             {{"evaluate", model, "--protocol", "onet"}, 2},
             {{"extract", model, "-o", folder / "x.ply", "--voxels", "boxes"}, 2},
             {{"extract", model, "-o", folder / "x.ply", "--level", "1e9", "--no-fill"}, 4},
             {{"extract", model, "-o", folder / "x.ply", "--box", "1", "0", "0", "0", "1", "1"}, 2},
             {{"extract", model, "-o", folder / "x.abc"}, 2},
         }) {
        const Outcome o = run_nir(arguments);
        EXPECT_EQ(o.code, code) << arguments[0] << " " << arguments.back() << "\n" << o.err;
        expect_clean_stderr(o);
    }
    fs::resize_file(model, 2000);
    EXPECT_EQ(run_nir({"render", model, "-o", folder / "x.png"}).code, 3);
}

}  // namespace
}  // namespace nir::test
