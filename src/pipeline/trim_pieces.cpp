// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/trim_pieces.h"

#include "nir/base/error.h"
#include "nir/base/stop.h"
#include "nir/extract/confidence.h"
#include "nir/geom/mesh_clean.h"
#include "nir/geom/trim_mesh.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <memory>
#include <unordered_map>
#include <utility>

namespace nir::pipeline {
namespace {

using extract::VertexKey;
using geom::TriMesh;
using geom::Vec3i;

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
constexpr double kMargin = 16;                               ///< cells
constexpr std::size_t kCachedBytes = std::size_t{96} << 20;  ///< of pieces
constexpr double kAreaUnits = 1e9;  ///< a part's area is counted in so many parts of an island's

/// A name for what several windows make of vertices that they share; collisions have a chance of n^2 / 2^64.
VertexKey name_of(VertexKey a, VertexKey b, std::uint32_t copy) {
    std::uint64_t h = std::min(a, b) * 0x9E3779B97F4A7C15u ^ (std::max(a, b) + 0x632BE59BD9B4E019u + copy);
    for (int round = 0; round < 2; ++round) {
        h ^= h >> 30, h *= 0xBF58476D1CE4E5B9u;
        h ^= h >> 27, h *= 0x94D049BB133111EBu;
        h ^= h >> 31;
    }
    return h | VertexKey{1} << 63;
}

double area_of(const TriMesh& mesh, const geom::Triangle& f) {
    const auto &a = mesh.vertices[f[0]], &b = mesh.vertices[f[1]], &c = mesh.vertices[f[2]];
    return 0.5 * norm(cross(b - a, c - a));
}

/// Pieces that were read lately, with their confidence and the faces that stay.
class PieceCache {
public:
    struct Entry {
        std::size_t piece = 0, bytes = 0;
        std::shared_ptr<const FinishedWindow> window;
        std::vector<float> confidence;
        std::vector<std::uint32_t> kept;  ///< faces
    };

    PieceCache(WindowPieces& pieces, float sure) : pieces_(pieces), sure_(sure) {}

    std::shared_ptr<const Entry> get(std::size_t piece) {
        for (const auto& e : entries_)
            if (e->piece == piece) return e;
        auto e = std::make_shared<Entry>();
        e->piece = piece;
        e->window = pieces_.window(piece);
        const TriMesh& mesh = e->window->piece.mesh;
        e->confidence = extract::vertex_confidence(e->window->distance, mesh.confidence, sure_);
        for (std::uint32_t f = 0; f < mesh.faces.size(); ++f)
            if (pieces_.keeps(piece, e->window->part_of_face[f])) e->kept.push_back(f);
        e->bytes = mesh.vertices.size() * 70 + mesh.faces.size() * 20;
        bytes_ += e->bytes;
        entries_.push_back(e);
        while (bytes_ > kCachedBytes && entries_.size() > 1) bytes_ -= entries_.front()->bytes, entries_.pop_front();
        return e;
    }

private:
    WindowPieces& pieces_;
    float sure_;
    std::size_t bytes_ = 0;
    std::deque<std::shared_ptr<const Entry>> entries_;
};

/// A piece with what lies around it.
struct Surroundings {
    TriMesh mesh;
    std::vector<float> support;
    std::vector<VertexKey> key;     ///< of each vertex, 0: no other window has it
    std::vector<std::uint8_t> own;  ///< of each face: it is the piece's
    std::unordered_map<VertexKey, std::uint32_t> known;

    /// @param only  faces that reach into this box; null: all
    void add(const PieceCache::Entry& entry, const geom::Box3d* only) {
        const TriMesh& from = entry.window->piece.mesh;
        std::vector<std::uint32_t> number(from.vertices.size(), kNone);
        std::vector<VertexKey> keys(from.vertices.size(), 0);
        for (const auto& s : entry.window->piece.shared) keys[s.vertex] = s.key + 1;
        for (const auto f : entry.kept) {
            const auto inside = [&](std::uint32_t v) { return only->contains(from.vertices[v]); };
            if (only && std::ranges::none_of(from.faces[f], inside)) continue;
            geom::Triangle t{};
            for (std::size_t k = 0; k < 3; ++k) t[k] = place(entry, from.faces[f][k], keys, number);
            mesh.faces.push_back(t);
            own.push_back(only == nullptr);
        }
    }

private:
    std::uint32_t place(const PieceCache::Entry& entry, std::uint32_t v, const std::vector<VertexKey>& keys,
                        std::vector<std::uint32_t>& number) {
        if (number[v] != kNone) return number[v];
        const auto next = static_cast<std::uint32_t>(mesh.vertices.size());
        if (keys[v] != 0) {
            const auto [at, fresh] = known.try_emplace(keys[v], next);
            if (!fresh) return number[v] = at->second;
        }
        const TriMesh& from = entry.window->piece.mesh;
        mesh.vertices.push_back(from.vertices[v]);
        if (!from.normals.empty()) mesh.normals.push_back(from.normals[v]);
        if (!from.colors.empty()) mesh.colors.push_back(from.colors[v]);
        mesh.confidence.push_back(entry.confidence[v]);
        support.push_back(entry.window->vertex_support[v]);
        key.push_back(keys[v]);
        return number[v] = next;
    }
};

class Trimmer {
public:
    Trimmer(WindowPieces& pieces, const TrimPiecesOptions& options) : pieces_(pieces), options_(options) {}

    std::unique_ptr<WindowPieces> run() {
        look();
        island_area_ = island_area(options_.support);
        WindowStore store = options_.spill_dir.empty() ? WindowStore({}, at_.size(), 0)
                                                       : WindowStore::spilled(options_.spill_dir, at_.size());
        WindowPieces::Notes notes;
        PieceCache cache(pieces_, sure_slope_);
        for (std::size_t piece = 0; piece < pieces_.order().size(); ++piece) {
            check_stop();
            FinishedWindow done = trimmed(piece, cache);
            notes.add(done);
            store.put(pieces_.order()[piece], std::move(done));
        }
        auto out = std::make_unique<WindowPieces>(std::move(store), pieces_.order(), pieces_.boxes(), std::move(notes));
        drop_islands(*out);
        return out;
    }

private:
    /// How sure the field is, and which pieces have something that is not supported.
    void look() {
        SlopeSample slopes;
        hot_.assign(pieces_.order().size(), 0);
        at_.assign(hot_.size(), kNone);
        std::size_t piece = 0;
        pieces_.visit([&](const WindowPieces::Placed& p) {
            NIR_CHECK(p.window.vertex_support.size() == p.window.piece.mesh.vertices.size());
            for (const auto v : p.placement.fresh)
                slopes.offer(p.window.piece.mesh.confidence[v], p.window.distance[v]);
            for (const auto f : p.placement.kept)
                for (const auto v : p.window.piece.mesh.faces[f]) hot_[piece] |= p.window.vertex_support[v] > 1;
            at_[pieces_.order()[piece]] = static_cast<std::uint32_t>(piece);
            ++piece;
        });
        sure_slope_ = slopes.sure();
    }

    /// The piece itself and those around it, in their order.
    std::vector<std::size_t> around(std::size_t piece) const {
        const Vec3i n = options_.windows;
        const auto w = static_cast<int>(pieces_.order()[piece]);
        const Vec3i at{w / (n.y * n.z), w / n.z % n.y, w % n.z};
        std::vector<std::size_t> out;
        for (int k = 0; k < 27; ++k) {
            const Vec3i o = at + Vec3i{k / 9 - 1, k / 3 % 3 - 1, k % 3 - 1};
            if (o.x < 0 || o.y < 0 || o.z < 0 || o.x >= n.x || o.y >= n.y || o.z >= n.z) continue;
            out.push_back(at_[static_cast<std::size_t>((o.x * n.y + o.y) * n.z + o.z)]);
        }
        std::sort(out.begin(), out.end());
        return out;
    }

    FinishedWindow trimmed(std::size_t piece, PieceCache& cache) {
        const auto near = around(piece);
        const bool hot = std::ranges::any_of(near, [&](std::size_t p) { return hot_[p] != 0; });
        const auto own = cache.get(piece);
        Surroundings s;
        const geom::Box3d box = pieces_.boxes()[piece].padded(kMargin * options_.cell);
        for (const auto p : near) {
            if (p == piece)
                s.add(*own, nullptr);
            else if (hot && !own->kept.empty())
                s.add(*cache.get(p), &box);
        }
        geom::CutOrigins origins;
        const geom::TrimOptions trim;
        const bool cut = hot && geom::cut_mesh(s.mesh, geom::smooth_support(s.mesh, s.support, trim.smoothing_rounds),
                                               trim.cut, &origins);
        return own_part(s, cut ? &origins : nullptr);
    }

    /// Of a mesh that was cut, the faces that come from the piece.
    FinishedWindow own_part(Surroundings& s, const geom::CutOrigins* origins) const {
        const auto key = [&](std::uint32_t v) -> VertexKey {
            if (!origins) return s.key[v];
            const auto& o = origins->vertices[v];
            if (s.key[o.a] == 0 || s.key[o.b] == 0) return 0;
            return o.a == o.b && o.copy == 0 ? s.key[o.a] : name_of(s.key[o.a], s.key[o.b], o.copy);
        };
        std::vector<std::uint8_t> keep(s.mesh.faces.size());
        for (std::size_t f = 0; f < keep.size(); ++f) keep[f] = s.own[origins ? origins->faces[f] : f];
        std::vector<std::uint8_t> used(s.mesh.vertices.size(), 0);
        for (std::size_t f = 0; f < keep.size(); ++f)
            if (keep[f])
                for (const auto v : s.mesh.faces[f]) used[v] = 1;
        FinishedWindow out;
        std::uint32_t next = 0;
        for (std::uint32_t v = 0; v < used.size(); ++v) {
            if (!used[v]) continue;
            if (const VertexKey k = key(v); k != 0) out.piece.shared.push_back({next, k});
            ++next;
        }
        geom::keep_faces(s.mesh, keep);
        out.piece.mesh = std::move(s.mesh);
        extract::FaceParts parts = extract::parts_of(out.piece.mesh);
        std::vector<double> area(parts.count, 0);
        for (std::size_t f = 0; f < parts.of_face.size(); ++f)
            area[parts.of_face[f]] += area_of(out.piece.mesh, out.piece.mesh.faces[f]);
        for (const double a : area)
            out.support.push_back(static_cast<std::size_t>(std::llround(kAreaUnits * a / island_area_)));
        out.part_of_face = std::move(parts.of_face);
        return out;
    }

    /// geom::remove_islands() by what is known of parts. Nothing is removed if nothing was cut.
    void drop_islands(WindowPieces& out) const {
        if (std::ranges::none_of(hot_, [](std::uint8_t h) { return h != 0; })) return;
        auto& parts = out.parts();
        std::size_t largest = 0;
        for (const auto& p : parts) largest = std::max(largest, p.support);
        bool first = true;
        for (auto& p : parts) {
            p.keep = p.support >= static_cast<std::size_t>(kAreaUnits) || (p.support == largest && first);
            if (p.support == largest) first = false;
        }
    }

    WindowPieces& pieces_;
    const TrimPiecesOptions& options_;
    std::vector<std::uint8_t> hot_;
    std::vector<std::uint32_t> at_;  ///< which piece is a window
    float sure_slope_ = 0;
    double island_area_ = 1;
};

}  // namespace

std::unique_ptr<WindowPieces> trim_pieces(WindowPieces& pieces, const TrimPiecesOptions& options) {
    NIR_CHECK(options.cell > 0 && options.support.spacing > 0);
    return Trimmer(pieces, options).run();
}

}  // namespace nir::pipeline
