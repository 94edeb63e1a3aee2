// The ten lines a user needs for the mesh of a function.
#include <cmath>
#include <cstdio>
#include <nir/extract/marching_cubes.h>
#include <nir/geom/mesh_check.h>

int main() {
    constexpr int n = 65;
    std::vector<float> f;
    for (int x = 0; x < n; ++x)
        for (int y = 0; y < n; ++y)
            for (int z = 0; z < n; ++z)
                f.push_back(0.32f - std::hypot(x / 64.f - 0.5f, y / 64.f - 0.5f, z / 64.f - 0.5f));
    const auto mesh = nir::extract::marching_cubes(f, {n, n, n}, {.spacing = {1 / 64., 1 / 64., 1 / 64.}}).mesh;
    const auto report = nir::geom::check_mesh(mesh);
    std::printf("%s sphere, volume %.4f\n", report.outward ? "closed" : "open", report.signed_volume);
}
