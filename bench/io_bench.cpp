// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Reading and writing large files, beside copying as many bytes and beside reading the file alone. A file that was just
// written lies in the memory of the system, so this is the time of the code, not of a disk.
#include "nir/io/formats.h"

#include <benchmark/benchmark.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <unistd.h>
#include <vector>

namespace nir::io {
namespace {

namespace fs = std::filesystem;

/// A million points; removed at the end.
struct Files {
    fs::path folder = fs::temp_directory_path() / ("nir_io_bench_" + std::to_string(::getpid()));
    geom::PointCloud cloud;
    Files() {
        fs::create_directories(folder);
        for (int i = 0; i < 1000000; ++i) {
            const double x = i % 1000, y = i / 1000;
            cloud.points.push_back({x / 1024, y / 1024, x * y / 1048576});  // exact in the floats of the file
            cloud.normals.push_back({0, 0, 1});
        }
        write_geometry(folder / "cloud.ply", cloud);
    }
    ~Files() { fs::remove_all(folder); }
};
const Files& files() {
    static const Files f;
    return f;
}

void read_ply(benchmark::State& state) {
    const auto file = files().folder / "cloud.ply";
    if (read_point_cloud(file).points != files().cloud.points) state.SkipWithError("other points come back");
    for (auto unused : state) benchmark::DoNotOptimize(read_point_cloud(file).points.data());
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(fs::file_size(file)));
}
BENCHMARK(read_ply)->Unit(benchmark::kMillisecond);

void write_ply(benchmark::State& state) {
    const auto file = files().folder / "written.ply";
    for (auto unused : state) write_geometry(file, files().cloud);
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(fs::file_size(file)));
}
BENCHMARK(write_ply)->Unit(benchmark::kMillisecond);

/// The limit: the bytes of the file, from the system into memory.
void read_bytes(benchmark::State& state) {
    const auto file = files().folder / "cloud.ply";
    std::vector<char> bytes(fs::file_size(file));
    for (auto unused : state) {
        std::ifstream in(file, std::ios::binary);
        in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        benchmark::DoNotOptimize(bytes.data());
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}
BENCHMARK(read_bytes)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace nir::io

BENCHMARK_MAIN();
