// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/torch_checkpoint.h"

#include "nir/base/error.h"
#include "nir/io/file_bytes.h"
#include "nir/io/zip.h"

#include "io/pickle.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>

namespace nir::io {
namespace {

using pickle::Kind;
using pickle::Machine;
using pickle::Ref;
using pickle::Value;

// The first pickle of the legacy format is this number, protocol 2, LONG1 with 10 bytes.
constexpr std::string_view kLegacyMagic = "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

constexpr std::pair<std::string_view, DType> kStorageTypes[] = {
    {"torch.FloatStorage", DType::f32},    {"torch.DoubleStorage", DType::f64},    {"torch.HalfStorage", DType::f16},
    {"torch.LongStorage", DType::i64},     {"torch.BFloat16Storage", DType::bf16}, {"torch.IntStorage", DType::i32},
    {"torch.ShortStorage", DType::i16},    {"torch.CharStorage", DType::i8},       {"torch.ByteStorage", DType::u8},
    {"torch.BoolStorage", DType::boolean},
};

struct Storage {
    std::string key;
    DType dtype = DType::f32;
    std::int64_t count = 0;
    std::vector<std::byte> owned;  // zip
    std::string_view bytes;        // count * size, once read
};

/// The storages a pickle names: ('storage', type, key, device, count[, view]).
class Storages {
public:
    Value declare(const Machine& m, const Value& id) {
        if (id.kind != Kind::tuple || id.items.size() < 5 || m.item(id, 0).text != "storage")
            fail(ErrorKind::format, "a persistent value that is no storage");
        const Value& type = m.item(id, 1);
        const Value& key = m.item(id, 2);
        const Value& count = m.item(id, 4);
        const auto known = std::find_if(std::begin(kStorageTypes), std::end(kStorageTypes),
                                        [&](const auto& t) { return t.first == type.text; });
        if (type.kind != Kind::global || known == std::end(kStorageTypes) || key.kind != Kind::text ||
            count.kind != Kind::integer || count.integer < 0)
            fail(ErrorKind::format, "a storage without type, name or size");
        if (id.items.size() > 5 && m.item(id, 5).kind != Kind::none)
            fail(ErrorKind::format, "storage \"{}\" is a view of another, which is not supported", key.text);
        Value out;
        out.kind = Kind::storage;
        for (std::size_t i = 0; i < all_.size(); ++i) {
            if (all_[i].key != key.text) continue;
            if (all_[i].dtype != known->second || all_[i].count != count.integer)
                fail(ErrorKind::format, "storage \"{}\" is declared twice, differently", key.text);
            out.integer = static_cast<std::int64_t>(i);
            return out;
        }
        const std::int64_t shape[] = {count.integer};
        (void)checked_byte_count(shape, known->second);
        all_.push_back({key.text, known->second, count.integer, {}, {}});
        out.integer = static_cast<std::int64_t>(all_.size() - 1);
        return out;
    }

    std::vector<Storage>& all() { return all_; }
    const Storage& of(const Value& v) const { return all_[static_cast<std::size_t>(v.integer)]; }

private:
    std::vector<Storage> all_;
};

/// Copies a strided view into C order.
NamedArray materialise(std::string name, const Value& tensor, const Storage& storage) {
    NamedArray out{std::move(name), storage.dtype, tensor.shape, {}};
    const std::uint64_t bytes = checked_byte_count(tensor.shape, storage.dtype);
    const std::size_t size = size_of(storage.dtype);
    const std::uint64_t n = bytes / size;
    if (n == 0) return out;
    // The last element must lie inside, and a view may not be larger than what it views.
    std::uint64_t last = static_cast<std::uint64_t>(tensor.integer);
    bool inside = last < static_cast<std::uint64_t>(storage.count) && n <= static_cast<std::uint64_t>(storage.count);
    for (std::size_t d = 0; inside && d < tensor.shape.size(); ++d) {
        std::uint64_t reach = 0;
        inside = !__builtin_mul_overflow(static_cast<std::uint64_t>(tensor.shape[d] - 1),
                                         static_cast<std::uint64_t>(tensor.stride[d]), &reach) &&
                 !__builtin_add_overflow(last, reach, &last) && last < static_cast<std::uint64_t>(storage.count);
    }
    if (!inside)
        fail(ErrorKind::format, "tensor \"{}\" {} lies outside its storage of {} values", out.name, out.shape_text(),
             storage.count);
    out.bytes.resize(static_cast<std::size_t>(bytes));
    const auto* from = reinterpret_cast<const std::byte*>(storage.bytes.data());
    std::vector<std::int64_t> at(tensor.shape.size(), 0);
    std::size_t source = static_cast<std::size_t>(tensor.integer);
    for (std::size_t i = 0; i < n; ++i) {
        std::memcpy(out.bytes.data() + i * size, from + source * size, size);
        for (std::size_t d = at.size(); d-- > 0;) {
            source += static_cast<std::size_t>(tensor.stride[d]);
            if (++at[d] < tensor.shape[d]) break;
            source -= static_cast<std::size_t>(tensor.stride[d]) * static_cast<std::size_t>(tensor.shape[d]);
            at[d] = 0;
        }
    }
    return out;
}

/// Walks the object and collects what it holds.
class Flattener {
public:
    Flattener(const Machine& m, const Storages& storages, std::size_t file_bytes)
        : machine_(m), storages_(storages), budget_(16 * static_cast<std::uint64_t>(file_bytes) + (1 << 20)) {}

    TorchCheckpoint run(Ref root) {
        visit(machine_[root], "", 0);
        return std::move(out_);
    }

private:
    void visit(const Value& v, const std::string& path, int depth) {
        if (depth > 32 || ++visited_ > 1'000'000) fail(ErrorKind::format, "the checkpoint is nested too deeply");
        const auto below = [&](const std::string& key) { return path.empty() ? key : path + "/" + key; };
        switch (v.kind) {
            case Kind::dict:
                for (std::size_t i = 0; i + 1 < v.items.size(); i += 2)
                    visit(machine_.item(v, i + 1), below(key_text(machine_.item(v, i))), depth + 1);
                break;
            case Kind::list:
            case Kind::tuple:
                for (std::size_t i = 0; i < v.items.size(); ++i)
                    visit(machine_.item(v, i), below(std::to_string(i)), depth + 1);
                break;
            case Kind::tensor:
                tensor(v, path);
                break;
            case Kind::integer:
            case Kind::boolean:
                out_.numbers[path] = static_cast<double>(v.integer);
                break;
            case Kind::real:
                out_.numbers[path] = v.real;
                break;
            case Kind::text:
                out_.texts[path] = v.text;
                break;
            default:
                break;
        }
    }

    void tensor(const Value& v, const std::string& path) {
        if (!names_.insert(path).second) fail(ErrorKind::format, "two tensors are named \"{}\"", path);
        const Storage& storage = storages_.of(machine_[v.storage]);
        const std::uint64_t bytes = checked_byte_count(v.shape, storage.dtype);
        if (bytes > budget_) fail(ErrorKind::format, "the tensors are much larger than the file");
        budget_ -= bytes;
        out_.tensors.arrays.push_back(materialise(path, v, storage));
    }

    static std::string key_text(const Value& key) {
        if (key.kind == Kind::text) return key.text;
        if (key.kind == Kind::integer) return std::to_string(key.integer);
        fail(ErrorKind::format, "a dictionary key is neither text nor a number");
    }

    const Machine& machine_;
    const Storages& storages_;
    std::uint64_t budget_;
    std::size_t visited_ = 0;
    std::set<std::string> names_;
    TorchCheckpoint out_;
};

TorchCheckpoint parse_zip(std::string_view bytes) {
    const ZipArchive zip(bytes);
    const ZipMember* data = nullptr;
    for (const auto& m : zip.members())
        if (m.name == "data.pkl" || m.name.ends_with("/data.pkl")) data = &m;
    if (!data) fail(ErrorKind::format, "a zip archive without data.pkl is no torch checkpoint");
    const std::string folder = data->name.substr(0, data->name.size() - std::strlen("data.pkl"));
    if (const auto* order = zip.find(folder + "byteorder"))
        if (zip.read_prefix(*order, 8) != "little")
            fail(ErrorKind::format, "the checkpoint is big-endian, which is not supported");
    const auto pickled = zip.read(*data);
    Storages storages;
    Machine machine([&](const Machine& m, const Value& id) { return storages.declare(m, id); });
    std::string_view rest(reinterpret_cast<const char*>(pickled.data()), pickled.size());
    const Ref root = machine.load(rest);
    for (auto& s : storages.all()) {
        const ZipMember* member = zip.find(folder + "data/" + s.key);
        if (!member) fail(ErrorKind::format, "storage \"{}\" is not in the file", s.key);
        s.owned = zip.read(*member);
        if (s.owned.size() != static_cast<std::size_t>(s.count) * size_of(s.dtype))
            fail(ErrorKind::format, "storage \"{}\" has {} bytes instead of {} values", s.key, s.owned.size(), s.count);
        s.bytes = {reinterpret_cast<const char*>(s.owned.data()), s.owned.size()};
    }
    return Flattener(machine, storages, bytes.size()).run(root);
}

std::uint64_t little_u64(std::string_view b) {
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < 8; ++i) v |= std::uint64_t{static_cast<std::uint8_t>(b[i])} << (8 * i);
    return v;
}

TorchCheckpoint parse_legacy(std::string_view bytes) {
    Storages storages;
    Machine machine([&](const Machine& m, const Value& id) { return storages.declare(m, id); });
    std::string_view rest = bytes.substr(kLegacyMagic.size());
    if (const Value& protocol = machine[machine.load(rest)]; protocol.kind != Kind::integer || protocol.integer != 1001)
        fail(ErrorKind::format, "the legacy torch file has an unknown protocol");
    const Value system = machine[machine.load(rest)];
    for (std::size_t i = 0; i + 1 < system.items.size(); i += 2)
        if (machine.item(system, i).text == "little_endian" && machine.item(system, i + 1).integer == 0)
            fail(ErrorKind::format, "the checkpoint is big-endian, which is not supported");
    const Ref root = machine.load(rest);
    const Value keys = machine[machine.load(rest)];
    for (std::size_t i = 0; i < keys.items.size(); ++i) {
        const std::string& key = machine.item(keys, i).text;
        const auto s =
            std::find_if(storages.all().begin(), storages.all().end(), [&](const Storage& x) { return x.key == key; });
        if (s == storages.all().end()) fail(ErrorKind::format, "storage \"{}\" is stored but not used", key);
        if (rest.size() < 8) fail(ErrorKind::format, "the file ends before storage \"{}\"", key);
        const std::uint64_t count = little_u64(rest);
        rest.remove_prefix(8);
        const std::size_t n = static_cast<std::size_t>(s->count) * size_of(s->dtype);
        if (count != static_cast<std::uint64_t>(s->count) || rest.size() < n)
            fail(ErrorKind::format, "storage \"{}\" should have {} values; the file ends or says otherwise", key,
                 s->count);
        s->bytes = rest.substr(0, n);
        rest.remove_prefix(n);
    }
    for (const auto& s : storages.all())
        if (s.count > 0 && s.bytes.empty()) fail(ErrorKind::format, "storage \"{}\" is not in the file", s.key);
    return Flattener(machine, storages, bytes.size()).run(root);
}

}  // namespace

TensorFile TorchCheckpoint::below(std::string_view prefix) const {
    if (prefix.empty()) return tensors;
    const std::string start = std::string(prefix) + "/";
    TensorFile out;
    for (const auto& a : tensors.arrays) {
        if (!a.name.starts_with(start)) continue;
        out.arrays.push_back(a);
        out.arrays.back().name.erase(0, start.size());
    }
    return out;
}

TensorFile TorchCheckpoint::state_dict() const {
    for (const char* prefix : {"model", "state_dict", "model_state_dict", "net"})
        if (TensorFile found = below(prefix); !found.arrays.empty()) return found;
    const bool flat = std::all_of(tensors.arrays.begin(), tensors.arrays.end(),
                                  [](const auto& a) { return a.name.find('/') == std::string::npos; });
    if (flat && !tensors.arrays.empty()) return tensors;
    std::set<std::string> tops;
    for (const auto& a : tensors.arrays) tops.insert(a.name.substr(0, a.name.find('/')));
    fail(ErrorKind::format, "the checkpoint has no \"model\"; tensors are in: {}",
         tops.empty() ? "nothing" : fmt::format("{}", fmt::join(tops, ", ")));
}

bool looks_like_torch_checkpoint(std::string_view bytes) {
    if (bytes.starts_with(kLegacyMagic)) return true;
    if (!looks_like_zip(bytes)) return false;
    const ZipArchive zip(bytes);
    return std::any_of(zip.members().begin(), zip.members().end(),
                       [](const ZipMember& m) { return m.name == "data.pkl" || m.name.ends_with("/data.pkl"); });
}

TorchCheckpoint parse_torch_checkpoint(std::string_view bytes) {
    if (bytes.starts_with(kLegacyMagic)) return parse_legacy(bytes);
    if (looks_like_zip(bytes)) return parse_zip(bytes);
    fail(ErrorKind::format, "this is neither the zip nor the legacy format of torch.save");
}

TorchCheckpoint read_torch_checkpoint(const std::filesystem::path& path) {
    return read_path(path, [](std::string_view bytes) { return parse_torch_checkpoint(bytes); });
}

}  // namespace nir::io
