// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// One program a format (NIR_FUZZ_<format>): any bytes must give a result or a nir::Error of kind format or input; what
// was read must be sound and survive being written and read again.
#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/io/binvox.h"
#include "nir/io/camera_path.h"
#include "nir/io/exr.h"
#include "nir/io/formats.h"
#include "nir/io/jpeg.h"
#include "nir/io/npy.h"
#include "nir/io/obj.h"
#include "nir/io/off.h"
#include "nir/io/pcd.h"
#include "nir/io/ply.h"
#include "nir/io/png.h"
#include "nir/io/safetensors.h"
#include "nir/io/stl.h"
#include "nir/io/torch_checkpoint.h"
#include "nir/io/xyz.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <sstream>

namespace {

using namespace nir;
using namespace nir::io;

void require(bool good, const char* what) {
    if (good) return;
    std::fprintf(stderr, "broken promise: %s\n", what);
    std::abort();
}

void check(const Geometry& g) {
    check_columns(g);
    std::ostringstream out;
    write_ply(out, g, {.always_double = true});
    const Geometry back = parse_ply(out.str());
    require(back.points.size() == g.points.size() && back.faces == g.faces && back.colors == g.colors,
            "PLY round trip");
    geom::PointCloud cloud = to_point_cloud(Geometry(g));
    const std::size_t bad = count_non_finite(cloud.points);
    require(drop_non_finite(cloud) == bad && count_non_finite(cloud.points) == 0, "drop_non_finite");
}

void check(const NamedArray& a) {
    require(checked_byte_count(a.shape, a.dtype) == a.bytes.size(), "bytes of an array");
    require(a.to_double().size() == a.count() && a.to_float().size() == a.count(), "values of an array");
}

void check(const TensorFile& file) {
    for (const NamedArray& a : file.arrays) check(a);
    try {
        check(to_geometry(file));
    } catch (const Error& e) {
        require(e.kind() == ErrorKind::format || e.kind() == ErrorKind::input, e.what());
    }
}

void check(const geom::VoxelGrid& g) {
    std::ostringstream out;
    write_binvox(out, g);
    require(parse_binvox(out.str()).values == g.values, "binvox round trip");
}

void check(const geom::Image8& image) {
    require(image.data.size() == geom::Image8(image.width, image.height, image.channels).data.size(),
            "size of an image");
}

[[maybe_unused]] void check(const FloatImage& image) {
    const auto pixels = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
    require(pixels > 0 && image.values.size() == pixels * image.channels.size(), "size of a picture of floats");
}

/// A few pictures of the path, from the first to the last.
[[maybe_unused]] void check(const CameraPath& path) {
    const std::size_t n = path.frames();
    require(!path.keys.empty() && n >= 1, "a path has a picture");
    for (const std::size_t frame : {std::size_t{0}, n / 3, n / 2, n - 1}) {
        const PathKey key = path.at(frame);
        const geom::Vec3d p = key.world_from_camera.position;
        require(std::isfinite(p.x) && std::isfinite(p.y) && std::isfinite(p.z), "a finite place");
        require(geom::rotation_defect(key.world_from_camera) < 1e-6, "axes that are a rotation");
    }
}

void run(std::string_view bytes) {
#if defined(NIR_FUZZ_ply)
    check(parse_ply(bytes));
#elif defined(NIR_FUZZ_obj)
    check(parse_obj(bytes));
#elif defined(NIR_FUZZ_off)
    check(parse_off(bytes));
#elif defined(NIR_FUZZ_stl)
    check(parse_stl(bytes));
#elif defined(NIR_FUZZ_xyz)
    check(parse_xyz(bytes));
#elif defined(NIR_FUZZ_pcd)
    check(parse_pcd(bytes));
#elif defined(NIR_FUZZ_npy)
    check(TensorFile{{parse_npy(bytes)}, {}});
#elif defined(NIR_FUZZ_npz)
    check(parse_npz(bytes));
#elif defined(NIR_FUZZ_safetensors)
    const TensorFile file = parse_safetensors(bytes);
    check(file);
    std::ostringstream out;
    write_safetensors(out, file);
    require(parse_safetensors(out.str()).arrays.size() == file.arrays.size(), "safetensors round trip");
#elif defined(NIR_FUZZ_torch)
    const TorchCheckpoint checkpoint = parse_torch_checkpoint(bytes);
    check(checkpoint.tensors);
    require(looks_like_torch_checkpoint(bytes), "recognising torch checkpoints");
#elif defined(NIR_FUZZ_binvox)
    check(parse_binvox(bytes));
#elif defined(NIR_FUZZ_jpeg)
    check(parse_jpeg(bytes));
#elif defined(NIR_FUZZ_exr)
    check(parse_exr(bytes));
#elif defined(NIR_FUZZ_png)
    check(parse_png(bytes));
    parse_png16(bytes);
#elif defined(NIR_FUZZ_camera_path)
    check(parse_camera_path(bytes));
#else
    const Format& f = detect_format("scan.dat", bytes);
    if (f.parse_geometry) check(f.parse_geometry(bytes));
    if (f.parse_arrays) check(f.parse_arrays(bytes));
    if (f.parse_voxels) check(f.parse_voxels(bytes));
    if (f.parse_image) check(f.parse_image(bytes));
#endif
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const bool quiet = (set_log_level(LogLevel::off), true);
    (void)quiet;
    try {
        run({reinterpret_cast<const char*>(data), size});
    } catch (const Error& e) {
        require(e.kind() == ErrorKind::format || e.kind() == ErrorKind::input, e.what());
    }
    return 0;
}
