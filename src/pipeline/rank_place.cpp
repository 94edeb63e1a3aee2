// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Apart from rank_group.cpp, which needs torch: whoever only asks does without it.
#include "nir/base/error.h"

#include "pipeline/rank_group.h"

#include <fmt/format.h>

#include <cctype>
#include <cstdlib>
#include <optional>
#include <vector>

namespace nir::pipeline {
namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

std::optional<int> number(const char* name) {
    const std::string text = variable(name);
    if (text.empty()) return std::nullopt;
    char* end = nullptr;
    const long value = std::strtol(text.c_str(), &end, 10);
    if (*end != '\0' || value < 0 || value > 1 << 20)
        fail(ErrorKind::usage, "the launcher's {}=\"{}\" is no number of a rank", name, text);
    return static_cast<int>(value);
}

/// Letters, digits, - and _ of a name, for a file.
std::string plain(std::string name) {
    for (char& c : name)
        if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') c = '_';
    return name;
}

}  // namespace

RankPlace rank_place() {
    struct Launcher {
        const char *rank, *size, *name;
        std::vector<const char*> launch;
    };
    const Launcher launchers[] = {
        {"RANK", "WORLD_SIZE", "torchrun", {"TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "MASTER_PORT"}},
        {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "mpirun", {"PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid"}},
        {"SLURM_PROCID", "SLURM_NTASKS", "slurm", {"SLURM_JOB_ID", "SLURM_STEP_ID"}}};
    for (const auto& l : launchers) {
        const auto rank = number(l.rank), size = number(l.size);
        if (!rank || !size) continue;
        if (*size < 1 || *rank >= *size)
            fail(ErrorKind::usage, "{}={} and {}={} do not fit", l.rank, *rank, l.size, *size);
        RankPlace place{*rank, *size, l.name};
        for (const char* v : l.launch) place.launch += fmt::format("-{}", variable(v));
        place.launch = plain(place.launch);
        return place;
    }
    return {};
}

}  // namespace nir::pipeline
