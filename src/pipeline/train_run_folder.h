// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/log.h"
#include "nir/geom/image.h"
#include "nir/io/tensorboard.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nir::pipeline {

/// Figures with their names, in the order in which they are written.
using Figures = std::vector<std::pair<std::string, double>>;

/// The folder of one training: files by name, metrics.jsonl, log.txt and the event file of TensorBoard.
class RunFolder {
public:
    /// Makes the folder. One that holds anything is refused unless `force`: then the files of a former run go, others
    /// stay. @throws nir::Error (usage) if it is refused, (io) if it cannot be made.
    static RunFolder create(const std::filesystem::path& folder, bool force);
    /// Opens the folder of a run that can be resumed. @throws nir::Error (input) if there is none.
    static RunFolder open(const std::filesystem::path& folder);

    std::filesystem::path path(std::string_view name) const { return folder_ / name; }
    /// Writes a text file, complete or not at all.
    void write_text(std::string_view name, std::string_view text) const;
    std::string read_text(std::string_view name) const;

    /// Starts the appended files. Lines of metrics.jsonl after `step` are dropped: a crash left them behind.
    void start(std::int64_t step);
    /// One line of metrics.jsonl and the scalars of TensorBoard. A figure that is not finite becomes null.
    void metrics(std::int64_t step, double seconds, const Figures& figures);
    /// previews/<step>_<name>.png, and the same picture for TensorBoard.
    void preview(std::int64_t step, std::string_view name, const geom::Image8& image);
    /// One line of log.txt, with the time of day.
    void log(LogLevel level, std::string_view text);

private:
    explicit RunFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}
    void keep_metrics_until(std::int64_t step) const;

    std::filesystem::path folder_;
    std::ofstream metrics_, log_;
    std::unique_ptr<io::EventWriter> events_;
};

}  // namespace nir::pipeline
