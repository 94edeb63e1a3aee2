// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/window_store.h"

#include "nir/base/error.h"
#include "nir/base/output_file.h"
#include "nir/io/file_bytes.h"

#include "pipeline/word_hash.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace nir::pipeline {
namespace fs = std::filesystem;
namespace {

constexpr std::array<char, 8> kMagic{'n', 'i', 'r', 'w', 'i', 'n', '0', '2'};

std::uint64_t checksum(std::string_view bytes) {
    WordHash hash;
    hash.add(bytes.size());
    hash.add_bytes(bytes);
    return hash.value();
}

class Writer {
public:
    template <class T>
    void value(const T& v) {
        static_assert(std::is_trivially_copyable_v<T>);
        put(&v, sizeof(T));
    }
    template <class T>
    void list(const std::vector<T>& v) {
        static_assert(std::is_trivially_copyable_v<T>);
        value<std::uint64_t>(v.size());
        if (!v.empty()) put(v.data(), v.size() * sizeof(T));
    }
    std::vector<char> bytes_;

private:
    void put(const void* from, std::size_t n) {
        const std::size_t at = bytes_.size();
        bytes_.resize(at + n);
        std::memcpy(bytes_.data() + at, from, n);
    }
};

class Reader {
public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}
    template <class T>
    T value() {
        T v;
        take(&v, sizeof(T));
        return v;
    }
    template <class T>
    std::vector<T> list() {
        const auto n = value<std::uint64_t>();
        if (n > rest_.size() / sizeof(T)) fail(ErrorKind::input, "a list is longer than the file");
        std::vector<T> v(static_cast<std::size_t>(n));
        take(v.data(), v.size() * sizeof(T));
        return v;
    }
    bool at_end() const { return rest_.empty(); }

private:
    void take(void* to, std::size_t n) {
        if (n > rest_.size()) fail(ErrorKind::input, "the file ends too early");
        if (n > 0) std::memcpy(to, rest_.data(), n);
        rest_.remove_prefix(n);
    }
    std::string_view rest_;
};

std::vector<char> to_bytes(const FinishedWindow& w, std::uint64_t fingerprint) {
    Writer out;
    out.value(kMagic);
    out.value(fingerprint);
    out.value<std::uint64_t>(w.piece.queried_points);
    out.list(w.piece.mesh.vertices);
    out.list(w.piece.mesh.normals);
    out.list(w.piece.mesh.colors);
    out.list(w.piece.mesh.confidence);
    out.list(w.piece.mesh.faces);
    std::vector<std::uint64_t> keys;
    std::vector<std::uint32_t> vertices;
    for (const auto& s : w.piece.shared) keys.push_back(s.key), vertices.push_back(s.vertex);
    out.list(keys);
    out.list(vertices);
    out.list(w.distance);
    out.list(w.vertex_support);
    out.list(w.part_of_face);
    out.list(std::vector<std::uint64_t>(w.support.begin(), w.support.end()));
    out.value(checksum({out.bytes_.data(), out.bytes_.size()}));
    return std::move(out.bytes_);
}

/// All indices in range, all lists of the lengths that belong together.
void check(const FinishedWindow& w) {
    const auto& m = w.piece.mesh;
    const auto fits = [&](const auto& column) { return column.empty() || column.size() == m.vertices.size(); };
    bool good = fits(m.normals) && fits(m.colors) && fits(m.confidence) && fits(w.distance) && fits(w.vertex_support) &&
                w.part_of_face.size() == m.faces.size();
    for (const auto& f : m.faces)
        for (const auto v : f) good &= v < m.vertices.size();
    for (const auto& s : w.piece.shared) good &= s.vertex < m.vertices.size();
    for (const auto p : w.part_of_face) good &= p < w.support.size();
    if (!good) fail(ErrorKind::input, "its indices are out of range");
}

FinishedWindow from_bytes(std::string_view bytes, std::uint64_t fingerprint) {
    if (bytes.size() < sizeof(kMagic) + 16 || std::memcmp(bytes.data(), kMagic.data(), sizeof(kMagic)) != 0)
        fail(ErrorKind::input, "no finished window of this version");
    std::uint64_t sum = 0;
    std::memcpy(&sum, bytes.data() + bytes.size() - 8, 8);
    bytes.remove_suffix(8);
    if (sum != checksum(bytes)) fail(ErrorKind::input, "the file is damaged (checksum); remove it");
    Reader in(bytes);
    in.value<std::array<char, 8>>();
    if (in.value<std::uint64_t>() != fingerprint)
        fail(ErrorKind::input, "a window of another scan, model or set of options; take another work folder");
    FinishedWindow w;
    w.piece.queried_points = static_cast<std::size_t>(in.value<std::uint64_t>());
    w.piece.mesh.vertices = in.list<geom::Vec3d>();
    w.piece.mesh.normals = in.list<geom::Vec3f>();
    w.piece.mesh.colors = in.list<geom::Rgb8>();
    w.piece.mesh.confidence = in.list<float>();
    w.piece.mesh.faces = in.list<geom::Triangle>();
    const auto keys = in.list<std::uint64_t>();
    const auto vertices = in.list<std::uint32_t>();
    if (keys.size() != vertices.size()) fail(ErrorKind::input, "its shared vertices have no keys");
    for (std::size_t i = 0; i < keys.size(); ++i) w.piece.shared.push_back({vertices[i], keys[i]});
    w.distance = in.list<float>();
    w.vertex_support = in.list<float>();
    w.part_of_face = in.list<std::uint32_t>();
    for (const auto s : in.list<std::uint64_t>()) w.support.push_back(static_cast<std::size_t>(s));
    if (!in.at_end()) fail(ErrorKind::input, "the file is longer than its lists");
    check(w);
    return w;
}

}  // namespace

WindowStore::WindowStore(fs::path folder, std::size_t windows, std::uint64_t fingerprint)
    : folder_(std::move(folder)), fingerprint_(fingerprint) {
    if (folder_.empty()) {
        in_memory_.resize(windows);
        return;
    }
    std::error_code error;
    fs::create_directories(folder_, error);
    if (error) fail(ErrorKind::io, "{}: {}", folder_.string(), error.message());
    const fs::path mark = folder_ / "windows.txt";
    const std::string line = fmt::format("nir windows {} {:016x}\n", windows, fingerprint);
    if (fs::exists(mark, error)) {
        const io::FileBytes found = io::read_file(mark);
        if (found.view() != line)
            fail(ErrorKind::input,
                 "{}: belongs to another scan, model or set of options; take another work folder or remove it",
                 folder_.string());
        return;
    }
    OutputFile out(mark);
    out.stream() << line;
    out.commit();
}

fs::path WindowStore::file_of(std::size_t window) const { return folder_ / fmt::format("window_{:06d}.bin", window); }

WindowStore WindowStore::spilled(const fs::path& folder, std::size_t windows) {
    WindowStore store;
    store.spill_ = std::make_unique<SpillFile>(folder);
    store.places_.resize(windows);
    return store;
}

bool WindowStore::has(std::size_t window) const {
    if (spill_) return places_[window].bytes > 0;
    std::error_code error;
    return folder_.empty() ? in_memory_[window] != nullptr : fs::is_regular_file(file_of(window), error);
}

void WindowStore::put(std::size_t window, FinishedWindow done) {
    if (!spill_ && folder_.empty()) {
        in_memory_[window] = std::make_shared<const FinishedWindow>(std::move(done));
        return;
    }
    const std::vector<char> bytes = to_bytes(done, fingerprint_);
    if (spill_) {
        places_[window] = {spill_->append(std::as_bytes(std::span(bytes))), bytes.size()};
        return;
    }
    OutputFile out(file_of(window));
    out.stream().write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    out.commit();
}

std::shared_ptr<const FinishedWindow> WindowStore::get(std::size_t window) const {
    if (!spill_ && folder_.empty()) return in_memory_[window];
    const auto parsed = [&](std::string_view bytes) {
        return std::make_shared<const FinishedWindow>(from_bytes(bytes, fingerprint_));
    };
    if (!spill_) return io::read_path(file_of(window), parsed);
    std::vector<char> bytes(static_cast<std::size_t>(places_[window].bytes));
    spill_->read(places_[window].begin, std::as_writable_bytes(std::span(bytes)));
    return parsed({bytes.data(), bytes.size()});
}

}  // namespace nir::pipeline
