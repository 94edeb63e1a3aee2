// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/evaluate.h"

#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/extract/voxel_boxes.h"
#include "nir/io/formats.h"

#include <algorithm>
#include <map>
#include <optional>

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;

/// What a file holds, made ready for measuring; `note` says what was done to it.
struct ReadShape {
    geom::EvaluationShape shape;
    std::string note;
};

ReadShape read_shape(const fs::path& path) {
    io::SceneFile file = io::read_scene_file(path);
    io::Geometry geometry;
    if (auto* grid = std::get_if<geom::VoxelGrid>(&file.content))
        return {with_context(path.string(), [&] { return extract::voxel_boxes(*grid, 0.5); }),
                "is a voxel grid, measured as the boxes of its filled cells"};
    if (const auto* arrays = std::get_if<io::TensorFile>(&file.content);
        arrays && arrays->arrays.size() == 1 && arrays->arrays[0].shape.size() == 3)
        fail(ErrorKind::input, "{}: a voxel grid that does not say where its cells lie; binvox files do",
             path.string());
    if (auto* g = std::get_if<io::Geometry>(&file.content))
        geometry = std::move(*g);
    else if (auto* arrays = std::get_if<io::TensorFile>(&file.content))
        geometry = with_context(path.string(), [&] { return io::to_geometry(*arrays); });
    else
        fail(ErrorKind::input, "{}: is an image ({}), not a mesh, a cloud or a voxel grid", path.string(),
             file.format->name);
    if (geometry.faces.empty() && !geometry.points.empty()) return {io::to_point_cloud(std::move(geometry)), ""};
    geom::TriMesh mesh;
    mesh.vertices = std::move(geometry.points), mesh.faces = std::move(geometry.faces);
    return {std::move(mesh), ""};
}

/// Files of a folder that may hold geometry, by name.
std::vector<fs::path> list_shapes(const fs::path& folder) {
    std::vector<fs::path> out;
    for (const auto& entry : fs::directory_iterator(folder)) {
        const io::Format* format = entry.is_regular_file() ? io::format_of_ending(entry.path()) : nullptr;
        if (format != nullptr && (format->parse_geometry || format->parse_arrays || format->parse_voxels))
            out.push_back(entry.path());
    }
    std::sort(out.begin(), out.end());
    if (out.empty()) fail(ErrorKind::input, "{}: the folder holds no mesh and no cloud", folder.string());
    return out;
}

/// True if `name` is `stem` or continues it after a separator.
bool belongs_to(const std::string& name, const std::string& stem) {
    if (!name.starts_with(stem)) return false;
    return name.size() == stem.size() || std::string_view("._-").find(name[stem.size()]) != std::string_view::npos;
}

struct Work {
    fs::path truth;
    std::vector<fs::path> predictions;
};

std::vector<Work> match_folders(const fs::path& predictions, const fs::path& truths, EvaluateResult& result) {
    std::vector<Work> out;
    for (const auto& t : list_shapes(truths)) {
        if (!out.empty() && out.back().truth.stem() == t.stem())
            fail(ErrorKind::input, "{} and {} are truths of the same name", out.back().truth.string(), t.string());
        out.push_back({t, {}});
    }
    for (const auto& p : list_shapes(predictions)) {
        Work* best = nullptr;
        for (auto& w : out)
            if (belongs_to(p.stem().string(), w.truth.stem().string()) &&
                (best == nullptr || w.truth.stem().string().size() > best->truth.stem().string().size()))
                best = &w;
        if (best != nullptr)
            best->predictions.push_back(p);
        else
            result.unmatched.push_back(p);
    }
    if (std::all_of(out.begin(), out.end(), [](const Work& w) { return w.predictions.empty(); }))
        fail(ErrorKind::input, "no file in {} has the name of a truth in {} ({} is there)", predictions.string(),
             truths.string(), result.unmatched.front().filename().string());
    return out;
}

std::vector<Work> find_work(const EvaluateOptions& options, EvaluateResult& result) {
    for (const auto& p : {options.prediction, options.truth})
        if (!fs::exists(p)) fail(ErrorKind::input, "{}: there is no such file or folder", p.string());
    result.folders = fs::is_directory(options.prediction);
    if (fs::is_directory(options.truth)) {
        if (!result.folders)
            fail(ErrorKind::usage, "{} is a folder of truths, {} is one file: name the truth that belongs to it",
                 options.truth.string(), options.prediction.string());
        return match_folders(options.prediction, options.truth, result);
    }
    return {{options.truth, result.folders ? list_shapes(options.prediction) : std::vector{options.prediction}}};
}

}  // namespace

EvaluateResult evaluate(const EvaluateOptions& options, Progress& progress, PhaseTimer& timer) {
    EvaluateResult result;
    const auto work = find_work(options, result);
    for (const auto& p : result.unmatched) log_warning("{}: no truth has this name; it is left out", p.string());
    std::size_t n = 0;
    for (const auto& w : work) n += std::max<std::size_t>(w.predictions.size(), 1);
    progress.begin("measure", n, "pairs");
    for (const auto& w : work) {
        auto reading = timer.phase("read");
        ReadShape truth = read_shape(w.truth);
        reading.close();
        const auto measuring = timer.phase("measure");
        const auto evaluator =
            with_context(w.truth.string(), [&] { return geom::Evaluator(std::move(truth.shape), options.evaluation); });
        auto predictions = w.predictions;
        if (predictions.empty()) predictions.emplace_back();  // missing
        for (const auto& path : predictions) {
            auto reading_prediction = timer.phase("read");
            const ReadShape prediction = path.empty() ? ReadShape{geom::TriMesh{}, ""} : read_shape(path);
            reading_prediction.close();
            auto e = with_context(path.string(), [&] { return evaluator.evaluate(prediction.shape); });
            if (!prediction.note.empty()) e.notes.push_back("the prediction " + prediction.note);
            if (!truth.note.empty()) e.notes.push_back("the truth " + truth.note);
            if (path.empty()) {
                log_warning("{}: there is no prediction for this truth; it counts as an empty one", w.truth.string());
                e.notes.insert(e.notes.begin(), "there is no prediction file");
            }
            result.pairs.push_back({path, w.truth, std::move(e)});
            if (!progress.advance()) fail(ErrorKind::cancelled, "stopped after {} of {} pairs", result.pairs.size(), n);
        }
    }
    progress.end();
    std::vector<geom::Evaluation> all;
    for (const auto& p : result.pairs) all.push_back(p.evaluation);
    result.mean = geom::mean_evaluation(all);
    return result;
}

}  // namespace nir::pipeline
