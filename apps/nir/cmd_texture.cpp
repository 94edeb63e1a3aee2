// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// nir texture: colours of posed photos on a mesh, or those that a model predicts from one picture.
#include "nir/base/error.h"
#include "nir/pipeline/texture.h"
#include "nir/pipeline/texture_photo.h"

#include "verb.h"

#include <memory>

namespace nir::app {
namespace {

void report(VerbContext& context, const pipeline::TextureOptions& o, const pipeline::TextureResult& r) {
    auto& json = context.json;
    json["out"] = o.out.string(), json["vertices"] = r.vertices, json["faces"] = r.faces, json["photos"] = r.photos;
    json["points"] = r.points, json["unseen"] = r.unseen;
    if (r.side > 0)
        json["texture"] = r.side, json["charts"] = r.charts, json["texels"] = r.texels, json["sharpened"] = r.sharpened;
    context.print("{}: {} faces", o.out.string(), r.faces);
    if (r.side > 0) context.print(", {} charts in a picture of {} x {}", r.charts, r.side, r.side);
    context.print(", colours from {} photos; {:.1f} % of the surface is in none\n", r.photos, 100 * r.unseen);
    if (r.checked == 0) return;
    json["checked"] = r.checked, json["psnr"] = r.psnr, json["psnr_foreground"] = r.psnr_foreground;
    json["ssim"] = r.ssim, json["convention"] = r.convention;
    context.print("{} photos that it was not made from: {:.2f} dB (object alone {:.2f}), SSIM {:.3f}\n", r.checked,
                  r.psnr, r.psnr_foreground, r.ssim);
}

/// Options that mean something with --photo.
void run_photo(const CLI::App& app, const pipeline::TextureOptions& o, pipeline::TexturePhotoOptions photo,
               VerbContext& context) {
    for (const char* name : {"--photos", "--split", "--hold-out", "--max-photos", "--vertex-colors", "--side",
                             "--sharpen", "--exposure", "--no-check", "--pictures"})
        if (app.count(name) > 0) fail(ErrorKind::usage, "{} goes with --photos, not with --photo", name);
    if (photo.model.empty()) fail(ErrorKind::usage, "--photo needs a texture field: --model FILE");
    photo.mesh = o.mesh, photo.out = o.out, photo.edge = o.edge, photo.seed = context.seed;
    const pipeline::TexturePhotoResult r = pipeline::texture_photo(photo, context.timer);
    context.json["out"] = o.out.string(), context.json["vertices"] = r.vertices, context.json["faces"] = r.faces;
    context.print("{}: {} faces, colours of {} vertices predicted from {}\n", o.out.string(), r.faces, r.vertices,
                  photo.photo.string());
}

}  // namespace

VerbRun add_texture(CLI::App& app) {
    auto a = std::make_shared<pipeline::TextureOptions>();
    auto& o = *a;
    auto photo = std::make_shared<pipeline::TexturePhotoOptions>();
    app.add_option("MESH", o.mesh, "A mesh in the coordinates of the cameras (--photo: in any)")->required();
    app.add_option("--photos", o.photos, "Posed photos: transforms.json, COLMAP, LLFF, cameras.npz")
        ->type_name("SCENE");
    app.add_option("--photo", photo->photo, "Instead: one picture of the mesh from anywhere, for --model")
        ->type_name("PICTURE");
    app.add_option("--model", photo->model, "A texture field (nir train configs/texture_field/small.toml)")
        ->type_name("FILE");
    app.add_option("-o,--output", o.out, ".glb: a picture on the unfolded mesh; .ply, .obj, …: colours of the vertices")
        ->required()
        ->type_name("FILE");
    app.add_option("--split", o.split, "Photos to take colours from: all, train, val or test")
        ->check(CLI::IsMember({"all", "train", "val", "test"}))
        ->capture_default_str();
    app.add_option("--hold-out", o.hold_out, "Where the scene has no test photos: every N-th is kept to check with")
        ->check(CLI::Range(0, 100000))
        ->capture_default_str();
    app.add_option("--max-photos", o.most_photos, "At most so many, evenly chosen; 0 = all")->capture_default_str();
    app.add_flag("--vertex-colors", o.vertex_colors, "Colours of the vertices in GLB too");
    app.add_option("--edge", o.edge,
                   "Edges longer than this are split for colours of vertices; 0 = none, -1 = a pixel of the photos")
        ->capture_default_str();
    app.add_option("--side", o.side, "Of the square picture, texels; 0 = two texels a pixel of the photos")
        ->check(CLI::Range(0, 16384))
        ->capture_default_str();
    app.add_option("--sharpen", o.rounds, "Rounds in which the picture is fitted to the photos")
        ->check(CLI::Range(0, 50))
        ->capture_default_str();
    app.add_flag("--exposure", o.exposure, "Photos differ in brightness: each gets a gain a channel");
    app.add_flag("!--no-check", o.check, "Do not compare with the photos that are held out");
    app.add_option("--pictures", o.look, "Folder for photo | drawn | difference of those photos")->type_name("DIR");
    const CLI::App* verb = &app;
    return [a, photo, verb](VerbContext& context) {
        if (!photo->photo.empty()) {
            run_photo(*verb, *a, *photo, context);
            return;
        }
        if (a->photos.empty()) fail(ErrorKind::usage, "colours come from --photos SCENE, or from --photo and --model");
        if (!photo->model.empty()) fail(ErrorKind::usage, "--model goes with --photo");
        report(context, *a, pipeline::texture(*a, context.progress, context.timer));
    };
}

}  // namespace nir::app
