// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/extract/window_mesh.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace nir::pipeline {

/// A finished window: its piece of the mesh, its connected parts, and how many points speak for each.
struct FinishedWindow {
    extract::MeshPiece piece;
    std::vector<std::uint32_t> part_of_face;
    std::vector<std::size_t> support;
};

/// Finished windows, in memory or, with a folder, on disk: one file each, written under a temporary name and renamed,
/// so that what is there is whole.
class WindowStore {
public:
    /// @param folder  made if it is not there; empty = in memory
    /// @param fingerprint  of everything the windows depend on. @throws Error input: the folder holds windows of
    /// another
    ///        run; Error io.
    WindowStore(std::filesystem::path folder, std::size_t windows, std::uint64_t fingerprint);

    bool on_disk() const { return !folder_.empty(); }
    /// True if the window is there; on disk, looks.
    bool has(std::size_t window) const;
    void put(std::size_t window, FinishedWindow done);
    /// @throws Error input naming the file if it is damaged: remove it, and the window is made again.
    FinishedWindow get(std::size_t window) const;

private:
    std::filesystem::path file_of(std::size_t window) const;

    std::filesystem::path folder_;
    std::uint64_t fingerprint_;
    std::vector<std::optional<FinishedWindow>> in_memory_;
};

}  // namespace nir::pipeline
