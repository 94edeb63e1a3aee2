// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The order of a preparation: meshes, models on the disk, lists, packed files, report.
#include "nir/pipeline/prepare.h"

#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/base/output_file.h"
#include "nir/base/parallel.h"
#include "nir/data/packed_set.h"
#include "nir/data/paper_layout.h"
#include "nir/io/binvox.h"
#include "nir/io/file_bytes.h"
#include "nir/io/ply.h"
#include "nir/io/png.h"

#include "pipeline/prepare_parts.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <optional>
#include <unistd.h>

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 3> kSplits = {"train", "val", "test"};

/// Calls f and turns the errors of <filesystem> into a sentence.
template <class F>
decltype(auto) on_disk(F&& f) {
    try {
        return f();
    } catch (const fs::filesystem_error& e) {
        fail(ErrorKind::io, "{}: {}", e.path1().string(), e.code().message());
    }
}

void check_room_options(const PrepareOptions& o) {
    if (o.generate > 0) fail(ErrorKind::usage, "--rooms and --generate exclude each other");
    if (!o.inputs.empty())
        fail(ErrorKind::usage, "--rooms takes the meshes that stand in them by --objects, not as MESH ({})",
             o.inputs.front().string());
    if (o.packed) fail(ErrorKind::usage, "--layout packed: rooms have several files each and are not packed");
    if (!o.objects.empty() && !o.families.empty())
        fail(ErrorKind::usage, "--objects and --families exclude each other");
    if (o.room_files < 1 || o.room_files > 100) fail(ErrorKind::usage, "--room-files: 1 to 100");
}

void check_options(const PrepareOptions& o) {
    if (!o.papers && !o.packed) fail(ErrorKind::usage, "--layout needs papers, packed or both");
    double sum = 0;
    for (const double s : o.split) {
        if (!(s >= 0) || !std::isfinite(s)) fail(ErrorKind::usage, "--split: {} is no share", s);
        sum += s;
    }
    const bool finite = std::isfinite(o.azimuth[0]) && std::isfinite(o.azimuth[1]);
    if (!finite || !(o.azimuth[0] <= o.azimuth[1]) || o.azimuth[1] - o.azimuth[0] > 360)
        fail(ErrorKind::usage, "--azimuth: {} to {} degrees is no range of directions", o.azimuth[0], o.azimuth[1]);
    if (std::abs(sum - 1) > 1e-6) fail(ErrorKind::usage, "--split: the three shares add up to {}, not to 1", sum);
    if (o.resume && o.force) fail(ErrorKind::usage, "--resume and --force exclude each other");
    if (o.inputs.empty() && o.generate == 0 && o.rooms == 0)
        fail(ErrorKind::usage, "give meshes to prepare, or let --generate N make shapes or --rooms N rooms");
    if (o.generate == 0 && o.rooms == 0 && !o.families.empty())
        fail(ErrorKind::usage, "--families goes with --generate or --rooms");
    if (o.photos > 0 && (o.rooms > 0 || !o.papers))
        fail(ErrorKind::usage, "--photos goes with --layout papers and not with --rooms");
    if (o.lit && o.photos == 0) fail(ErrorKind::usage, "--lit goes with --photos");
    if (o.rooms == 0 && !o.objects.empty()) fail(ErrorKind::usage, "--objects goes with --rooms");
    if (o.rooms > 0) check_room_options(o);
    NIR_CHECK(o.points > 0 && o.samples > 0 && o.uniform_ratio >= 0 && o.uniform_ratio <= 1 && o.padding >= 0);
}

/// Makes the folder, or refuses one that is in use.
void open_output(const PrepareOptions& o) {
    on_disk([&] {
        if (fs::exists(o.out) && !fs::is_directory(o.out))
            fail(ErrorKind::usage, "{}: this is a file, a folder for the data set is needed", o.out.string());
        if (fs::is_directory(o.out) && !fs::is_empty(o.out) && !o.resume && !o.force)
            fail(ErrorKind::usage,
                 "{}: the folder is not empty; --resume keeps the models that are finished, --force replaces them",
                 o.out.string());
        fs::create_directories(o.out);
    });
}

/// Models made with other options must not be mixed with new ones.
void check_same_options(const PrepareOptions& o) {
    const fs::path path = o.out / "prepare.json";
    const std::string now = options_json(o).dump(2) + "\n";
    if (o.resume && fs::exists(path)) {
        const auto before =
            io::read_path(path, [](std::string_view t) { return nlohmann::ordered_json::parse(t, nullptr, false); });
        const auto wanted = options_json(o);
        for (const auto& [key, value] : wanted.items())
            if (!before.is_object() || !before.contains(key) || before[key] != value)
                fail(ErrorKind::usage,
                     "{}: the models there were made with {} = {}, now it is {}; --resume needs the same",
                     o.out.string(), key, before.is_object() && before.contains(key) ? before[key].dump() : "nothing",
                     value.dump());
        return;
    }
    write_text(path, now);
}

/// Works through the meshes; the models appear one by one.
class Preparation {
public:
    /// @param stock what stands in rooms, if there are any.
    Preparation(const PrepareOptions& options, fs::path root, const RoomStock* stock, Progress& progress)
        : options_(options), root_(std::move(root)), stock_(stock), progress_(progress) {}

    void run(const std::vector<MeshSource>& sources, PrepareResult& result) {
        std::vector<std::optional<PreparedModel>> models(sources.size());
        std::vector<std::string> reasons(sources.size());
        const char* what = options_.rooms > 0 ? "rooms" : "meshes";
        progress_.begin("prepare", sources.size(), what);
        const auto one = [&](std::size_t i) {
            if (stop_) return;
            try {
                models[i] = make(sources[i]);
            } catch (const Error& e) {
                if (e.kind() != ErrorKind::input && e.kind() != ErrorKind::format) throw;
                reasons[i] = e.what();
                log_warning("{}; it is left out", e.what());
            }
            if (!progress_.advance()) stop_ = true;
        };
        // Many meshes: one for each thread. Few: all threads for each.
        if (sources.size() >= 2 * static_cast<std::size_t>(threads())) {
            parallel_for(sources.size(), 1, [&](std::size_t begin, std::size_t end) {
                for (std::size_t i = begin; i < end; ++i) one(i);
            });
        } else {
            for (std::size_t i = 0; i < sources.size(); ++i) one(i);
        }
        std::size_t done = 0;
        for (std::size_t i = 0; i < sources.size(); ++i) {
            if (models[i]) result.models.push_back(std::move(*models[i])), ++done;
            if (!reasons[i].empty()) result.failed.push_back({sources[i].file, reasons[i]});
        }
        if (stop_ && done + result.failed.size() < sources.size())
            fail(ErrorKind::cancelled, "stopped after {} of {} {}; --resume goes on", done, sources.size(), what);
        progress_.end();
        if (done == 0)
            fail(ErrorKind::input, "none of the {} {} could be used; the first: {}", sources.size(), what,
                 result.failed.front().reason);
    }

private:
    PreparedModel make(const MeshSource& source) const {
        const fs::path folder = root_ / source.id.model_class / source.id.name;
        if (options_.resume && fs::is_regular_file(folder / "report.json")) {
            PreparedModel model = read_model_report(folder);
            model.kept = true;
            return model;
        }
        if (stock_ != nullptr) return make_room(folder, source, *stock_, options_);
        const ModelContent content = make_model(source, options_);
        write_model(folder, content, options_);
        return content.report;
    }

    const PrepareOptions& options_;
    fs::path root_;
    const RoomStock* stock_;
    Progress& progress_;
    std::atomic<bool> stop_{false};
};

/// Rooms know their split from the beginning: what stands in them depends on it.
std::array<std::vector<std::string>, 3> split_rooms(const PrepareResult& result, const std::string& model_class) {
    std::array<std::vector<std::string>, 3> out;
    for (const auto& m : result.models)
        for (std::size_t s = 0; s < 3; ++s)
            if (m.model_class == model_class && m.split == kSplits[s]) out[s].push_back(m.name);
    return out;
}

void write_lists(const fs::path& root, const PrepareOptions& options, PrepareResult& result) {
    std::map<std::string, std::vector<std::string>> classes;
    for (const auto& m : result.models) classes[m.model_class].push_back(m.name);
    std::vector<std::string> names;
    std::map<std::pair<std::string, std::string>, std::size_t> split_of;
    for (const auto& [model_class, models] : classes) {
        names.push_back(model_class);
        const auto splits =
            options.rooms > 0 ? split_rooms(result, model_class) : split_models(model_class, models, options);
        for (std::size_t s = 0; s < 3; ++s) {
            data::write_split_list(root / model_class / fmt::format("{}.lst", kSplits[s]), splits[s]);
            result.split_sizes[s] += splits[s].size();
            for (const auto& name : splits[s]) split_of[{model_class, name}] = s;
        }
    }
    for (auto& m : result.models) m.split = kSplits[split_of.at({m.model_class, m.name})];
    data::write_metadata_file(options.out / "metadata.yaml", names);
}

/// Packs every split of a set in the papers' layout.
void pack(const fs::path& from, const fs::path& to, Progress& progress, PrepareResult& result) {
    for (const char* split : kSplits) {
        bool any = false;
        for (const auto& c : data::paper_classes(from)) {
            const fs::path list = from / c / fmt::format("{}.lst", split);
            any = any || (fs::is_regular_file(list) && !data::read_split_list(list).empty());
        }
        if (!any) continue;
        const auto models = data::open_paper_set(from, split);
        const fs::path file = to / fmt::format("{}.safetensors", split);
        const data::PackResult p = data::write_packed_set(file, *models, split, {}, progress);
        result.packed.push_back({file, split, p.models, p.bytes, p.voxels, p.views});
    }
}

PrepareResult pack_dataset(const PrepareOptions& options, Progress& progress, PhaseTimer& timer) {
    const auto packing = timer.phase("pack");
    const fs::path& from = options.inputs.front();
    PrepareResult result;
    pack(from, options.out, progress, result);
    if (result.packed.empty()) fail(ErrorKind::input, "{}: its lists name no model", from.string());
    if (fs::is_regular_file(from / "metadata.yaml"))
        io::read_path(from / "metadata.yaml",
                      [&](std::string_view text) { write_text(options.out / "metadata.yaml", text); });
    return result;
}

}  // namespace

void write_text(const fs::path& path, std::string_view text) {
    OutputFile file(path);
    file.stream() << text;
    file.commit();
}

void write_folder(const fs::path& folder, const std::function<void(const fs::path&)>& fill) {
    on_disk([&] {
        const fs::path temporary =
            folder.parent_path() / fmt::format(".{}.{}.tmp", folder.filename().string(), ::getpid());
        fs::remove_all(temporary);
        fs::create_directories(temporary);
        struct Guard {
            const fs::path& path;
            ~Guard() {
                std::error_code ec;
                fs::remove_all(path, ec);
            }
        } guard{temporary};
        fill(temporary);
        fs::remove_all(folder);
        fs::rename(temporary, folder);
    });
}

void write_model(const fs::path& folder, const ModelContent& content, const PrepareOptions& options) {
    write_folder(folder, [&](const fs::path& temporary) {
        data::write_points_file(temporary / "points.npz", content.points, content.inside, content.frame, options.half);
        if (!content.near_points.empty())
            data::write_points_file(temporary / "points_surface.npz", content.near_points, content.near_inside,
                                    content.frame, options.half);
        data::write_pointcloud_file(temporary / "pointcloud.npz", content.surface, content.normals, content.frame,
                                    options.half);
        if (options.voxels > 0) io::write_binvox(temporary / "model.binvox", content.voxels);
        if (!content.pictures.empty()) {
            const fs::path images = temporary / "img_choy2016";
            fs::create_directories(images);
            for (std::size_t i = 0; i < content.pictures.size(); ++i)
                io::write_png(images / fmt::format("{:03}.png", i), content.pictures[i]);
            data::write_cameras_file(images / "cameras.npz", content.views, content.box);
        }
        if (!content.photos.empty()) write_photos(temporary, content.photos, options.lit);
        if (!content.mesh.empty()) io::write_ply(temporary / "mesh.ply", content.mesh);
        write_text(temporary / "report.json", model_json(content.report).dump(2) + "\n");
    });
}

std::array<std::vector<std::string>, 3> split_models(const std::string& model_class, std::vector<std::string> names,
                                                     const PrepareOptions& options) {
    std::vector<std::pair<std::uint64_t, std::string>> order;
    for (auto& name : names) {
        Rng rng = model_rng(~options.seed, {model_class, name});
        order.emplace_back(rng.next(), std::move(name));
    }
    std::sort(order.begin(), order.end());
    const std::size_t n = order.size();
    const auto share = [&](double s) {
        const auto k = static_cast<std::size_t>(std::llround(s * static_cast<double>(n)));
        return s > 0 && n >= 3 ? std::max<std::size_t>(k, 1) : k;
    };
    const std::size_t n_val = std::min(share(options.split[1]), n);
    const std::size_t n_test = std::min(share(options.split[2]), n - n_val);
    std::array<std::vector<std::string>, 3> out;
    for (std::size_t i = 0; i < n; ++i)
        out[i < n_val ? 1 : i < n_val + n_test ? 2 : 0].push_back(std::move(order[i].second));
    for (auto& list : out) std::sort(list.begin(), list.end());
    return out;
}

PrepareResult prepare(const PrepareOptions& options, Progress& progress, PhaseTimer& timer) {
    check_options(options);
    const bool from_dataset = options.inputs.size() == 1 && is_paper_dataset(options.inputs.front());
    if (from_dataset && options.papers)
        fail(ErrorKind::usage, "{} is a data set in the papers' layout already; --layout packed packs it",
             options.inputs.front().string());
    std::vector<MeshSource> sources;
    std::optional<RoomStock> stock;
    if (options.rooms > 0)
        stock.emplace(options), sources = room_sources(options);
    else if (!from_dataset)
        sources = options.generate > 0 ? generated_sources(options) : find_meshes(options);
    open_output(options);
    if (from_dataset) return pack_dataset(options, progress, timer);

    check_same_options(options);
    PrepareResult result;
    // Without --layout papers the models live in a folder of their own until they are packed.
    const fs::path root = options.papers ? options.out : options.out / ".models";
    {
        const auto working = timer.phase("prepare");
        Preparation(options, root, stock ? &*stock : nullptr, progress).run(sources, result);
    }
    const auto writing = timer.phase("write");
    on_disk([&] { write_lists(root, options, result); });
    if (options.packed) {
        const auto packing = timer.phase("pack");
        pack(root, options.out, progress, result);
        if (!options.papers) on_disk([&] { fs::remove_all(root); });
    }
    if (stock) write_text(options.out / "semantics.txt", stock->semantics_text());
    result.report = options.out / "report.json";
    write_text(result.report, prepare_report_json(result, options));
    return result;
}

}  // namespace nir::pipeline
