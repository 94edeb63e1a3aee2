// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Posed photos: any bytes must give a scene whose cameras and poses are sound, or a nir::Error of kind format or input.
// The first byte says which of the formats it is; COLMAP's files stand behind one another, apart by "\n----\n".
#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/io/png.h"
#include "nir/io/scene.h"
#include "nir/io/scene_check.h"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace {

using namespace nir;
namespace fs = std::filesystem;

void require(bool good, const char* what) {
    if (good) return;
    std::fprintf(stderr, "broken promise: %s\n", what);
    std::abort();
}

/// A folder of this process with one small photo that goes by several names.
const fs::path& folder() {
    static const fs::path path = [] {
        const fs::path out = fs::temp_directory_path() / ("nir_fuzz_scene_" + std::to_string(getpid()));
        fs::create_directories(out / "images"), fs::create_directories(out / "image");
        const geom::Image8 photo(8, 6, 4, 200);
        for (const char* name : {"0.png", "images/0.png", "image/000.png"}) io::write_png(out / name, photo);
        return out;
    }();
    return path;
}

std::vector<std::string> names_of(std::uint8_t kind) {
    switch (kind % 5) {
        case 0:
            return {"transforms.json"};
        case 1:
            return {"cameras.txt", "images.txt", "points3D.txt"};
        case 2:
            return {"cameras.bin", "images.bin", "points3D.bin"};
        case 3:
            return {"poses_bounds.npy"};
        default:
            return {"cameras.npz"};
    }
}

bool finite(geom::Vec3d v) { return std::isfinite(v.x) && std::isfinite(v.y) && std::isfinite(v.z); }

void check(const io::Scene& scene) {
    for (const io::SceneView& v : scene.views) {
        require(v.camera < scene.cameras.size(), "a view has a camera");
        const geom::Pose& p = v.world_from_camera;
        require(finite(p.position) && finite(p.right) && finite(p.up) && finite(p.back), "poses are finite");
        require(geom::rotation_defect(p) < 1e-3, "the axes of a pose are a rotation");
    }
    for (const geom::Camera& c : scene.cameras)
        require(std::isfinite(c.fx) && std::isfinite(c.fy) && c.fx > 0 && c.fy > 0 && c.width >= 0 && c.height >= 0,
                "cameras are in range");
    if (!scene.views.empty()) (void)io::scene_box(scene);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const bool quiet = (set_log_level(LogLevel::off), true);
    (void)quiet;
    if (size == 0) return 0;
    std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::vector<std::string> names = names_of(data[0]);
    for (const std::string& name : names) {
        constexpr std::string_view apart = "\n----\n";
        const std::size_t end = names.size() > 1 ? rest.find(apart) : std::string_view::npos;
        std::ofstream(folder() / name, std::ios::binary) << rest.substr(0, end);
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + apart.size());
    }
    try {
        io::SceneOptions options;
        options.require_images = (data[0] & 16) == 0, options.hold_out = data[0] & 32 ? 2 : 0;
        check(io::read_scene(folder(), options));
    } catch (const Error& e) {
        require(e.kind() == ErrorKind::format || e.kind() == ErrorKind::input, e.what());
    }
    for (const std::string& name : names) fs::remove(folder() / name);
    return 0;
}
