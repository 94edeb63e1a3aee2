// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace nir::pipeline {

/// Which of several processes this one is, as its launcher says: torchrun (RANK, WORLD_SIZE), mpirun of Open MPI
/// (OMPI_COMM_WORLD_RANK, ..._SIZE), Slurm (SLURM_PROCID, SLURM_NTASKS), in this order.
struct RankPlace {
    int rank = 0, size = 1;
    std::string launch;  ///< names this launch: the same for all its ranks, another one for the next
};
/// @throws Error usage if the variables contradict themselves.
RankPlace rank_place();

/// Several processes on one shared folder that take work items from one list. The engine is c10d's FileStore in that
/// folder, so nothing but the file system has to be shared, whatever the launcher.
class RankGroup {
public:
    /// Joins. @param folder  shared by all ranks, exists  @param patience  seconds without a sign of life after which a
    /// rank counts as dead
    RankGroup(const std::filesystem::path& folder, const RankPlace& place, double patience = 20);
    ~RankGroup();

    int rank() const;
    int size() const;
    /// Calls item(i) for every i of [0, n), each on the rank that comes first. Rank 0 returns when all items are done:
    /// when the others have finished or died it calls item(i) for all of them once more, so that what a dead rank left
    /// is made good; items must know what is done already. The other ranks return when none is left to take.
    /// The first error of item() leaves here; the other ranks go on.
    void share(std::size_t n, const std::function<void(std::size_t)>& item);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace nir::pipeline
