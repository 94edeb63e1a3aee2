// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/scan_file.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/base/stop.h"
#include "nir/geom/sensors.h"

#include "geom/chunked_sort.h"
#include "geom/page_file.h"
#include "geom/paged_source.h"
#include "geom/scan_access.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <queue>
#include <tuple>
#include <utility>

namespace nir::geom {
namespace {

constexpr std::size_t kRun = 1000000;          ///< points that are sorted in memory
constexpr std::size_t kMerging = 1 << 20;      ///< points of all runs in memory while they are merged
constexpr std::size_t kMostSamples = 1 << 17;  ///< that tell where the scan is
constexpr int kKeyBits = 21;                   ///< a coordinate
constexpr std::size_t kCachedPages = 32;
constexpr std::size_t kCompact = 100000;  ///< occupied cells with repetitions

struct Record {
    Vec3d place;
    std::uint32_t index = 0, sensor = Sensors::kUnknownSensor;
    Rgb8 color{};
};
using Pages = PageFile<Record, Box3d>;

/// Where a point comes when they are sorted by place: the order of an octree; outside its box, of its border.
class PlaceOrder {
public:
    PlaceOrder() = default;
    explicit PlaceOrder(const Box3d& box)
        : lo_(box.lo), per_length_((1 << kKeyBits) / std::max(box.longest_side(), 1e-300)) {}

    std::uint64_t key(Vec3d p) const {
        std::uint64_t key = 0;
        for (int a = 0; a < 3; ++a) {
            const double t = std::clamp((p[a] - lo_[a]) * per_length_, 0.0, static_cast<double>((1 << kKeyBits) - 1));
            key |= spread_bits(static_cast<std::uint64_t>(t)) << a;
        }
        return key;
    }
    /// Equal points follow each other, the first of the scan first.
    static bool before(std::uint64_t key_a, const Record& a, std::uint64_t key_b, const Record& b) {
        return std::tie(key_a, a.place.x, a.place.y, a.place.z, a.index) <
               std::tie(key_b, b.place.x, b.place.y, b.place.z, b.index);
    }

private:
    Vec3d lo_{};
    double per_length_ = 0;
};

/// Some points of the scan, evenly by their order.
class Sampler {
public:
    void see(Vec3d p) {
        if (seen_++ % step_ != 0 || !is_usable(p)) return;
        kept_.push_back(p);
        if (kept_.size() < kMostSamples) return;
        for (std::size_t i = 0; 2 * i < kept_.size(); ++i) kept_[i] = kept_[2 * i];
        kept_.resize((kept_.size() + 1) / 2);
        step_ *= 2;
    }
    /// Around nearly all points, however far away the rest is.
    Box3d box(const Box3d& all) const {
        Box3d out = all;
        if (kept_.empty()) return out;
        std::vector<double> v(kept_.size());
        for (int a = 0; a < 3; ++a) {
            std::transform(kept_.begin(), kept_.end(), v.begin(), [a](Vec3d p) { return p[a]; });
            std::sort(v.begin(), v.end());
            const double lo = v[v.size() / 100], hi = v[v.size() - 1 - v.size() / 100], more = hi - lo;
            if (more > 0) out.lo[a] = std::max(all.lo[a], lo - more), out.hi[a] = std::min(all.hi[a], hi + more);
        }
        return out;
    }

private:
    std::size_t seen_ = 0, step_ = 1;
    std::vector<Vec3d> kept_;
};

/// A sorted part of a file, read block by block.
class Run {
public:
    Run(const SpillFile& file, std::size_t first, std::size_t last, std::size_t block, const PlaceOrder& order)
        : file_(&file), next_(first), last_(last), block_(block), order_(&order) {
        fill();
    }
    bool done() const { return at_ == records_.size(); }
    const Record& record() const { return records_[at_]; }
    std::uint64_t key() const { return key_; }
    void advance() {
        if (++at_ == records_.size()) fill();
        if (!done()) key_ = order_->key(record().place);
    }

private:
    void fill() {
        records_.resize(std::min(block_, last_ - next_));
        at_ = 0;
        if (records_.empty()) return;
        file_->read(next_ * sizeof(Record), std::as_writable_bytes(std::span(records_)));
        next_ += records_.size();
        key_ = order_->key(record().place);
    }

    const SpillFile* file_;
    std::size_t next_, last_, block_, at_ = 0;
    const PlaceOrder* order_;
    std::vector<Record> records_;
    std::uint64_t key_ = 0;
};

/// Which points of the scan are kept, and how many come before one of them.
class KeptPoints {
public:
    void resize(std::size_t n) { words_.assign((n + 63) / 64, 0); }
    void set(std::uint32_t i) { words_[i / 64] |= std::uint64_t{1} << (i % 64); }
    void clear(std::uint32_t i) { words_[i / 64] &= ~(std::uint64_t{1} << (i % 64)); }
    bool has(std::uint32_t i) const { return words_[i / 64] >> (i % 64) & 1; }
    /// After changes, before rank() and count().
    void index() {
        before_.resize(words_.size());
        count_ = 0;
        for (std::size_t w = 0; w < words_.size(); ++w) {
            before_[w] = static_cast<std::uint32_t>(count_);
            count_ += static_cast<std::size_t>(std::popcount(words_[w]));
        }
    }
    std::size_t count() const { return count_; }
    std::uint32_t rank(std::uint32_t i) const {
        const std::uint64_t lower = words_[i / 64] & ((std::uint64_t{1} << (i % 64)) - 1);
        return before_[i / 64] + static_cast<std::uint32_t>(std::popcount(lower));
    }

private:
    std::vector<std::uint64_t> words_;
    std::vector<std::uint32_t> before_;
    std::size_t count_ = 0;
};

double squared_distance(const Box3d& box, Vec3d p) { return squared_norm(max(max(box.lo - p, p - box.hi), Vec3d{})); }

/// The nearest neighbours of one point after the other, with a few pages in memory.
class NeighborSearch {
public:
    NeighborSearch(const Pages& pages, const KeptPoints& kept, Vec3d origin, std::size_t k)
        : pages_(pages), kept_(kept), origin_(origin), k_(k) {}

    /// @param page  in which the point lies
    void find(Vec3d query, std::size_t page, std::span<double> squared, std::span<Vec3d> places) {
        best_.clear();
        query_ = query;
        // Distances are those between places relative to the origin (KdTree): a little off from what boxes say.
        for (int a = 0; a < 3; ++a) slack_[a] = 1e-15 * (std::abs(query[a] - origin_[a]) + std::abs(query[a]));
        look(page);
        pages_.for_pages([this](const Box3d& box) { return may_matter(box); },
                         [&](std::size_t p) {
                             if (p != page) look(p);
                         });
        NIR_CHECK(best_.size() == k_);
        for (std::size_t i = 0; i < k_; ++i) squared[i] = best_[i].squared, places[i] = best_[i].place;
    }

private:
    struct Found {
        double squared;
        std::uint32_t index;
        Vec3d place;
        bool operator<(const Found& o) const { return std::tie(squared, index) < std::tie(o.squared, o.index); }
    };

    bool may_matter(const Box3d& box) const {
        if (best_.size() < k_) return true;
        if (!(best_.back().squared > 0)) return false;  // of more points at one place, any will do
        return squared_distance({box.lo - slack_, box.hi + slack_}, query_) <= best_.back().squared * (1 + 1e-12);
    }
    void look(std::size_t page) {
        const Vec3d q = query_ - origin_;
        for (const Record& r : records(page)) {
            if (!kept_.has(r.index)) continue;
            const Vec3d d = q - (r.place - origin_);
            const Found f{d.x * d.x + d.y * d.y + d.z * d.z, r.index, r.place};
            if (best_.size() == k_ && !(f < best_.back())) continue;
            if (best_.size() == k_) best_.pop_back();
            best_.insert(std::upper_bound(best_.begin(), best_.end(), f), f);
        }
    }
    const std::vector<Record>& records(std::size_t page) {
        for (auto& c : cache_)
            if (c.page == page) return c.records;
        const std::size_t slot = cache_.size() < kCachedPages ? cache_.size() : oldest_++ % kCachedPages;
        if (slot == cache_.size()) cache_.emplace_back();
        Cached& c = cache_[slot];
        c.page = page;
        pages_.read(page, page + 1, c.records);
        return c.records;
    }

    struct Cached {
        std::size_t page = 0;
        std::vector<Record> records;
    };
    const Pages& pages_;
    const KeptPoints& kept_;
    Vec3d origin_, query_{};
    std::size_t k_;
    Vec3d slack_{};
    std::vector<Found> best_;
    std::vector<Cached> cache_;
    std::size_t oldest_ = 0;
};

/// Adds up what is known of the same cell.
void compact(std::vector<OccupiedCell>& cells) {
    std::sort(cells.begin(), cells.end(), [](const OccupiedCell& a, const OccupiedCell& b) {
        return std::tie(a.cell.x, a.cell.y, a.cell.z) < std::tie(b.cell.x, b.cell.y, b.cell.z);
    });
    std::size_t n = 0;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (n > 0 && cells[n - 1].cell == cells[i].cell) {
            cells[n - 1].points += cells[i].points;
            cells[n - 1].box.extend(cells[i].box.lo), cells[n - 1].box.extend(cells[i].box.hi);
        } else {
            cells[n++] = cells[i];
        }
    }
    cells.resize(n);
}

}  // namespace

/// The scan while it comes, and sorted.
class ScanFile::Impl final : public ScanAccess {
public:
    explicit Impl(const std::filesystem::path& folder) : folder_(folder), raw_(std::in_place, folder) {}

    void add(const PointCloud& block) {
        NIR_CHECK(raw_ && (block.sensors.empty() || block.sensors.size() == block.size()));
        if (points + block.size() >= std::numeric_limits<std::uint32_t>::max())
            fail(ErrorKind::input, "more than 2^32 - 2 points");
        colors_ = colors_ && block.colors.size() == block.size();
        std::vector<Record> records(block.size());
        for (std::size_t i = 0; i < records.size(); ++i) {
            Record& r = records[i];
            r.place = block.points[i];
            r.index = static_cast<std::uint32_t>(points++);
            if (!block.sensors.empty()) r.sensor = sensor_number(block.sensors[i]);
            if (colors_) r.color = block.colors[i];
            sampler_.see(r.place);
            if (is_usable(r.place)) ++finite, box.extend(r.place);
        }
        raw_->append(std::as_bytes(std::span(records)));
    }

    void sort() {
        NIR_CHECK(raw_);
        numbers_.clear();
        order_ = PlaceOrder(sampler_.box(box));
        sampler_ = {};
        SpillFile sorted(folder_);
        const std::vector<std::size_t> ends = write_runs(sorted);
        raw_.reset();
        merge(sorted, ends);
        kept_.index();
        kept_box_ = box;
    }

    std::size_t kept() const override { return kept_.count(); }
    NearestRows nearest(std::size_t k) const override;
    SpacingEstimate spacing(const NearestRows& rows) const override { return spacing_from(kept(), rows); }
    std::vector<OccupiedCell> occupied_cells(double side) const override {
        std::vector<OccupiedCell> cells;
        visit_records([&](const Record& r) {
            const Vec3i c = cell_of(r.place, side);
            if (cells.empty() || !(cells.back().cell == c)) {
                if (cells.size() > 2 * compacted_) compact(cells), compacted_ = std::max(kCompact, cells.size());
                cells.push_back({c, 0, {}});
            }
            ++cells.back().points;
            cells.back().box.extend(r.place);
        });
        compact(cells);
        return cells;
    }
    void leave_out(double side, std::span<const OccupiedCell> cells, std::span<const std::uint8_t> goes) override {
        std::vector<std::uint32_t> out;
        kept_box_ = {};
        visit_records([&](const Record& r) {
            if (goes[position_of(cells, cell_of(r.place, side))])
                out.push_back(r.index);
            else
                kept_box_.extend(r.place);
        });
        for (const auto i : out) kept_.clear(i);
        kept_.index();
    }
    void visit(const std::function<void(std::span<const Vec3d>)>& f) const override {
        std::vector<Vec3d> places;
        pages_->visit([&](std::span<const Record> records) {
            places.clear();
            for (const auto& r : records)
                if (kept_.has(r.index)) places.push_back(r.place);
            f(places);
        });
    }

    const std::vector<Vec3d>& sensors() const { return sensors_; }
    std::shared_ptr<const PointSource> source(const Frame& frame) const {
        auto out = std::make_shared<PagedSource>(folder_, colors_, !sensors_.empty());
        visit_records([&](const Record& r) {
            out->append({static_cast<Vec3f>(frame.unit_from_user(r.place)), kept_.rank(r.index), r.sensor, r.color});
        });
        out->finish();
        return out;
    }

private:
    std::uint32_t sensor_number(Vec3d p) {
        if (!is_finite(p)) return Sensors::kUnknownSensor;
        if (!sensors_.empty() && sensors_[last_sensor_] == p) return last_sensor_;
        const auto [at, fresh] = numbers_.try_emplace({p.x, p.y, p.z}, static_cast<std::uint32_t>(sensors_.size()));
        if (fresh) {
            if (sensors_.size() == kMostSensors)
                fail(ErrorKind::input, "the points of a scan that does not fit into memory have more than {} sensors",
                     kMostSensors);
            sensors_.push_back(p);
        }
        return last_sensor_ = at->second;
    }

    template <class F>
    void visit_records(const F& f) const {
        pages_->visit([&](std::span<const Record> records) {
            for (const auto& r : records)
                if (kept_.has(r.index)) f(r);
        });
    }

    /// The finite points in sorted parts; returns where each ends.
    std::vector<std::size_t> write_runs(SpillFile& out) const {
        std::vector<std::size_t> ends;
        std::vector<Record> records, block;
        std::vector<std::pair<std::uint64_t, std::uint32_t>> order;
        std::size_t written = 0;
        for (std::size_t first = 0; first < points; first += kRun) {
            records.resize(std::min(kRun, points - first));
            raw_->read(first * sizeof(Record), std::as_writable_bytes(std::span(records)));
            std::erase_if(records, [](const Record& r) { return !is_usable(r.place); });
            order.resize(records.size());
            parallel_for(records.size(), 8192, [&](std::size_t begin, std::size_t end) {
                for (std::size_t i = begin; i < end; ++i)
                    order[i] = {order_.key(records[i].place), static_cast<std::uint32_t>(i)};
            });
            sort_in_chunks(std::span(order), [&](const auto& a, const auto& b) {
                return PlaceOrder::before(a.first, records[a.second], b.first, records[b.second]);
            });
            for (std::size_t i = 0; i < order.size(); ++i) {
                block.push_back(records[order[i].second]);
                if (block.size() < 8192 && i + 1 < order.size()) continue;
                check_stop();
                out.append(std::as_bytes(std::span(block)));
                block.clear();
            }
            written += order.size();
            ends.push_back(written);
        }
        return ends;
    }

    /// Sorted parts into pages, without repetitions.
    void merge(const SpillFile& sorted, const std::vector<std::size_t>& ends) {
        pages_.emplace(folder_);
        kept_.resize(points);
        std::vector<Run> runs;
        const std::size_t block = std::max<std::size_t>(256, kMerging / std::max<std::size_t>(1, ends.size()));
        for (std::size_t r = 0; r < ends.size(); ++r)
            runs.emplace_back(sorted, r ? ends[r - 1] : 0, ends[r], block, order_);
        const auto later = [&](std::size_t a, std::size_t b) {
            return PlaceOrder::before(runs[b].key(), runs[b].record(), runs[a].key(), runs[a].record());
        };
        std::priority_queue<std::size_t, std::vector<std::size_t>, decltype(later)> next(later);
        for (std::size_t r = 0; r < runs.size(); ++r)
            if (!runs[r].done()) next.push(r);
        std::optional<Vec3d> last;
        for (std::size_t merged = 0; !next.empty(); ++merged) {
            if (merged % 4096 == 0) check_stop();
            const std::size_t r = next.top();
            next.pop();
            const Record& record = runs[r].record();
            if (!last || !(*last == record.place)) {
                last = record.place;
                kept_.set(record.index);
                pages_->append(record);
            }
            runs[r].advance();
            if (!runs[r].done()) next.push(r);
        }
        pages_->finish();
    }

    std::filesystem::path folder_;
    std::optional<SpillFile> raw_;  ///< in the order of the scan, until it is sorted
    Sampler sampler_;
    PlaceOrder order_;
    std::optional<Pages> pages_;
    KeptPoints kept_;
    Box3d kept_box_;
    bool colors_ = true;
    std::vector<Vec3d> sensors_;
    std::map<std::tuple<double, double, double>, std::uint32_t> numbers_;  ///< of sensors
    std::uint32_t last_sensor_ = 0;
    mutable std::size_t compacted_ = kCompact;
};

NearestRows ScanFile::Impl::nearest(std::size_t k) const {
    const std::size_t step = (kept() + kMaxQueries - 1) / kMaxQueries, n = (kept() + step - 1) / step;
    struct Query {
        Vec3d place;
        std::size_t page, row;
    };
    std::vector<Query> queries;  // in the order of the pages: neighbours find the same pages
    std::size_t seen = 0;
    pages_->visit([&](std::span<const Record> records) {
        for (const auto& r : records) {
            const std::size_t page = seen++ / Pages::kPage;
            if (!kept_.has(r.index)) continue;
            const std::uint32_t rank = kept_.rank(r.index);
            if (rank % step == 0) queries.push_back({r.place, page, rank / step});
        }
    });
    NIR_CHECK(queries.size() == n);
    NearestRows rows;
    rows.k = std::min(k + 1, kept());
    rows.squared.resize(n * rows.k), rows.places.resize(n * rows.k);
    const Vec3d origin = kept_box_.lo + kept_box_.size() * 0.5;  // as KdTree
    parallel_for(n, 256, [&](std::size_t begin, std::size_t end) {
        NeighborSearch search(*pages_, kept_, origin, rows.k);
        for (std::size_t i = begin; i < end; ++i) {
            const std::size_t at = queries[i].row * rows.k;
            search.find(queries[i].place, queries[i].page, std::span(rows.squared).subspan(at, rows.k),
                        std::span(rows.places).subspan(at, rows.k));
        }
    });
    return rows;
}

ScanFile::ScanFile(const std::filesystem::path& folder) : impl_(std::make_unique<Impl>(folder)) {}
ScanFile::~ScanFile() = default;
ScanFile::ScanFile(ScanFile&&) noexcept = default;
void ScanFile::add(const PointCloud& block) { impl_->add(block); }
std::size_t ScanFile::points() const { return impl_->points; }
void ScanFile::sort() { impl_->sort(); }
ScanReport ScanFile::inspect() { return geom::inspect(*impl_); }
std::size_t ScanFile::size() const { return impl_->kept(); }
const std::vector<Vec3d>& ScanFile::sensors() const { return impl_->sensors(); }
std::shared_ptr<const PointSource> ScanFile::source(const Frame& frame) const { return impl_->source(frame); }

}  // namespace nir::geom
