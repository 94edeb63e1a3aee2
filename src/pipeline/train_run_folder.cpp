// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/train_run_folder.h"

#include "nir/base/error.h"
#include "nir/base/output_file.h"
#include "nir/io/png.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <sstream>

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr std::array kNames{"config.toml",       "env.json",         "metrics.jsonl",        "log.txt",
                            "model.safetensors", "best.safetensors", "optimizer.safetensors"};

bool belongs_to_run(const fs::path& file) {
    const std::string name = file.filename().string();
    return std::ranges::find(kNames, name) != kNames.end() || name.starts_with("events.out.tfevents.");
}

void remove_run(const fs::path& folder) {
    std::vector<fs::path> old;
    for (const auto& e : fs::directory_iterator(folder))
        if (e.is_regular_file() && belongs_to_run(e.path())) old.push_back(e.path());
    if (fs::is_directory(folder / "previews"))
        for (const auto& e : fs::directory_iterator(folder / "previews"))
            if (e.is_regular_file() && e.path().extension() == ".png") old.push_back(e.path());
    for (const auto& file : old) fs::remove(file);
}

std::ofstream open_for_append(const fs::path& file) {
    std::ofstream out(file, std::ios::app | std::ios::binary);
    if (!out) fail(ErrorKind::io, "{}: cannot be written (check permissions and disk)", file.string());
    return out;
}

template <class F>
auto on_disk(const fs::path& folder, F&& f) {
    try {
        return f();
    } catch (const fs::filesystem_error& e) {
        fail(ErrorKind::io, "{}: {}", folder.string(), e.code().message());
    }
}

}  // namespace

RunFolder RunFolder::create(const fs::path& folder, bool force) {
    return on_disk(folder, [&] {
        if (fs::exists(folder) && !fs::is_directory(folder))
            fail(ErrorKind::usage, "{}: this is a file, a folder for the run is needed", folder.string());
        if (fs::is_directory(folder) && !fs::is_empty(folder)) {
            if (!force)
                fail(ErrorKind::usage,
                     "{}: the folder is not empty; --resume goes on with its run, --force replaces it",
                     folder.string());
            remove_run(folder);
        }
        fs::create_directories(folder / "previews");
        return RunFolder(folder);
    });
}

RunFolder RunFolder::open(const fs::path& folder) {
    return on_disk(folder, [&] {
        for (const char* name : {"config.toml", "optimizer.safetensors"})
            if (!fs::is_regular_file(folder / name))
                fail(ErrorKind::input, "{}: nothing to resume, there is no {}", folder.string(), name);
        fs::create_directories(folder / "previews");
        return RunFolder(folder);
    });
}

void RunFolder::write_text(std::string_view name, std::string_view text) const {
    OutputFile file(path(name));
    file.stream() << text;
    file.commit();
}

std::string RunFolder::read_text(std::string_view name) const {
    std::ifstream in(path(name), std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in) fail(ErrorKind::input, "{}: cannot be read", path(name).string());
    return std::move(text).str();
}

void RunFolder::keep_metrics_until(std::int64_t step) const {
    std::ifstream in(path("metrics.jsonl"), std::ios::binary);
    if (!in) return;
    std::string kept;
    for (std::string line; std::getline(in, line);) {
        const auto json = nlohmann::json::parse(line, nullptr, false);
        if (json.is_object() && json.contains("step") && json["step"].is_number_integer() &&
            json["step"].get<std::int64_t>() <= step)
            kept += line + "\n";
    }
    write_text("metrics.jsonl", kept);
}

void RunFolder::start(std::int64_t step) {
    keep_metrics_until(step);
    metrics_ = open_for_append(path("metrics.jsonl"));
    log_ = open_for_append(path("log.txt"));
    events_ = std::make_unique<io::EventWriter>(folder_);
}

void RunFolder::metrics(std::int64_t step, double seconds, const Figures& figures) {
    nlohmann::ordered_json line = {{"step", step}, {"seconds", std::round(seconds * 1000) / 1000}};
    for (const auto& [name, value] : figures) {
        line[name] = value;  // null if it is not finite
        events_->scalar(name, step, value);
    }
    metrics_ << line.dump() << std::endl;
    if (!metrics_) fail(ErrorKind::io, "{}: cannot be written (disk full?)", path("metrics.jsonl").string());
}

void RunFolder::preview(std::int64_t step, std::string_view name, const geom::Image8& image) {
    io::write_png(path(fmt::format("previews/{:07}_{}.png", step, name)), image);
    events_->image(fmt::format("preview/{}", name), step, image);
}

void RunFolder::log(LogLevel level, std::string_view text) {
    if (!log_.is_open()) return;
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    gmtime_r(&now, &utc);
    char stamp[32];
    std::strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%SZ", &utc);
    const char* mark = level >= LogLevel::error ? " error:" : level >= LogLevel::warning ? " warning:" : "";
    log_ << stamp << mark << ' ' << text << std::endl;
}

}  // namespace nir::pipeline
