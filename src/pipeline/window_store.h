// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/spill_file.h"
#include "nir/extract/window_mesh.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

namespace nir::pipeline {

/// A finished window: its piece of the mesh, its connected parts, and how many points speak for each.
struct FinishedWindow {
    extract::MeshPiece piece;
    std::vector<std::uint32_t> part_of_face;
    std::vector<std::size_t> support;
    std::vector<float> distance;        ///< of each vertex to the data, in local spacings (mesh_support.h)
    std::vector<float> vertex_support;  ///< of each vertex, if it is wanted
};

/// Finished windows: in memory, in a nameless file on disk, or in a folder: one file each, written under a temporary
/// name and renamed, so that what is there is whole.
class WindowStore {
public:
    /// @param folder  made if it is not there; empty = in memory
    /// @param fingerprint  of everything the windows depend on. @throws Error input: the folder holds windows of
    /// another
    ///        run; Error io.
    WindowStore(std::filesystem::path folder, std::size_t windows, std::uint64_t fingerprint);

    /// In a nameless file on the disk of a folder: gone with the store. @throws Error io.
    static WindowStore spilled(const std::filesystem::path& folder, std::size_t windows);

    /// True if the window is there; in a folder, looks.
    bool has(std::size_t window) const;
    void put(std::size_t window, FinishedWindow done);
    /// @throws Error input naming the file if it is damaged: remove it, and the window is made again.
    std::shared_ptr<const FinishedWindow> get(std::size_t window) const;

private:
    WindowStore() = default;
    std::filesystem::path file_of(std::size_t window) const;

    std::filesystem::path folder_;
    std::uint64_t fingerprint_ = 0;
    std::vector<std::shared_ptr<const FinishedWindow>> in_memory_;
    struct Place {
        std::uint64_t begin = 0, bytes = 0;
    };
    std::unique_ptr<SpillFile> spill_;
    std::vector<Place> places_;  ///< in it
};

}  // namespace nir::pipeline
