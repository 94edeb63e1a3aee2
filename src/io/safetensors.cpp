// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/safetensors.h"

#include "nir/base/error.h"
#include "nir/io/file_bytes.h"

#include "io/binary.h"
#include "io/output.h"
#include "io/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace nir::io {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMaxHeader = 100'000'000;
constexpr std::string_view kMetadata = "__metadata__";
constexpr std::string_view kTypes[] = {"BOOL", "U8",  "I8",  "U16",  "I16", "U32", "I32",
                                       "U64",  "I64", "F16", "BF16", "F32", "F64"};

struct Entry {
    NamedArray array;
    std::uint64_t begin = 0, end = 0;
};

struct Header {
    std::vector<Entry> entries;
    std::map<std::string, std::string> metadata;
    std::size_t data_offset = 0;
};

Json parse_json(std::string_view text) {
    std::set<std::string> names;
    int depth = 0;
    const auto callback = [&](int, Json::parse_event_t event, Json& value) {
        using E = Json::parse_event_t;
        if (event == E::object_start || event == E::array_start) ++depth;
        if (event == E::object_end || event == E::array_end) --depth;
        if (depth > 3) fail(ErrorKind::format, "the safetensors header is nested too deep");
        if (event == E::key && depth == 1 && !names.insert(value.get<std::string>()).second) {
            fail(ErrorKind::format, "tensor {} appears twice", in_quotes(value.get<std::string>()));
        }
        return true;
    };
    try {
        return Json::parse(text, callback);
    } catch (const nlohmann::json::exception& e) {
        fail(ErrorKind::format, "the safetensors header is not JSON: {}", std::string_view(e.what()).substr(0, 160));
    }
}

std::uint64_t unsigned_or_fail(const Json& j, std::string_view what) {
    if (!j.is_number_unsigned()) fail(ErrorKind::format, "{} must be a whole number, not negative", what);
    return j.get<std::uint64_t>();
}

Entry parse_entry(const Json& j, std::uint64_t data_size) {
    if (!j.is_object() || !j.contains("dtype") || !j.contains("shape") || !j.contains("data_offsets") ||
        j.size() != 3) {
        fail(ErrorKind::format, "an entry must have dtype, shape and data_offsets, nothing else");
    }
    Entry e;
    const Json &dtype = j["dtype"], &shape = j["shape"], &offsets = j["data_offsets"];
    const auto* type = dtype.is_string()
                           ? std::find(std::begin(kTypes), std::end(kTypes), dtype.get_ref<const std::string&>())
                           : std::end(kTypes);
    if (type == std::end(kTypes))
        fail(ErrorKind::format, "unknown dtype {}", in_quotes(dtype.is_string() ? dtype.get<std::string>() : "?"));
    e.array.dtype = static_cast<DType>(type - std::begin(kTypes));
    if (!shape.is_array()) fail(ErrorKind::format, "shape must be a list");
    for (const Json& d : shape) {
        const std::uint64_t size = unsigned_or_fail(d, "a size in the shape");
        if (size >> 63) fail(ErrorKind::format, "size {} in the shape", size);
        e.array.shape.push_back(static_cast<std::int64_t>(size));
    }
    if (!offsets.is_array() || offsets.size() != 2) fail(ErrorKind::format, "data_offsets must be two numbers");
    e.begin = unsigned_or_fail(offsets[0], "data_offsets"), e.end = unsigned_or_fail(offsets[1], "data_offsets");
    if (e.begin > e.end || e.end > data_size) {
        fail(ErrorKind::format, "data_offsets {} to {} lie outside the {} bytes of data (is the file cut off?)",
             e.begin, e.end, data_size);
    }
    const std::uint64_t needed = checked_byte_count(e.array.shape, e.array.dtype);
    if (needed != e.end - e.begin) {
        fail(ErrorKind::format, "{} of shape {} needs {} bytes, data_offsets give {}", name_of(e.array.dtype),
             e.array.shape_text(), needed, e.end - e.begin);
    }
    return e;
}

void check_cover(const std::vector<Entry>& entries, std::uint64_t data_size) {
    std::vector<const Entry*> sorted;
    for (const Entry& e : entries) sorted.push_back(&e);
    std::sort(sorted.begin(), sorted.end(),
              [](auto* a, auto* b) { return std::pair(a->begin, a->end) < std::pair(b->begin, b->end); });
    std::uint64_t at = 0;
    for (const Entry* e : sorted) {
        if (e->begin < at)
            fail(ErrorKind::format, "tensor {}: its data overlaps another tensor's", in_quotes(e->array.name));
        if (e->begin > at)
            fail(ErrorKind::format, "tensor {}: {} unused bytes in front of its data", in_quotes(e->array.name),
                 e->begin - at);
        at = e->end;
    }
    if (at != data_size) fail(ErrorKind::format, "{} bytes behind the last tensor", data_size - at);
}

Header parse_header(std::string_view bytes) {
    if (bytes.empty()) fail(ErrorKind::format, "the file is empty");
    ByteReader r(bytes);
    const auto length = r.get<std::uint64_t>("the header length");
    if (length > kMaxHeader)
        fail(ErrorKind::format, "not a safetensors file (header of {} bytes; the limit is {})", length, kMaxHeader);
    const std::string_view text(r.take(length, "the header"), static_cast<std::size_t>(length));
    Header h;
    h.data_offset = r.offset();
    const std::uint64_t data_size = r.remaining();
    const Json json = parse_json(text);
    if (!json.is_object()) fail(ErrorKind::format, "the safetensors header is not an object");
    for (const auto& [name, value] : json.items()) {
        if (name == kMetadata) {
            if (!value.is_object()) fail(ErrorKind::format, "__metadata__ is not an object");
            for (const auto& [key, text_value] : value.items()) {
                if (!text_value.is_string()) fail(ErrorKind::format, "__metadata__ {}: not a string", in_quotes(key));
                h.metadata[key] = text_value.get<std::string>();
            }
            continue;
        }
        Entry entry = with_context("tensor " + in_quotes(name), [&, &v = value] { return parse_entry(v, data_size); });
        entry.array.name = name;
        h.entries.push_back(std::move(entry));
    }
    check_cover(h.entries, data_size);
    return h;
}

}  // namespace

TensorFile parse_safetensors(std::string_view bytes) {
    Header h = parse_header(bytes);
    TensorFile file;
    file.metadata = std::move(h.metadata);
    for (Entry& e : h.entries) {
        const auto* from = reinterpret_cast<const std::byte*>(bytes.data() + h.data_offset);
        e.array.bytes.assign(from + e.begin, from + e.end);
        file.arrays.push_back(std::move(e.array));
    }
    return file;
}

const TensorView* TensorFileView::find(std::string_view name) const {
    const auto it = std::find_if(arrays.begin(), arrays.end(), [&](const TensorView& a) { return a.name == name; });
    return it == arrays.end() ? nullptr : &*it;
}

TensorFileView view_safetensors(std::string_view bytes) {
    Header h = parse_header(bytes);
    TensorFileView file;
    file.metadata = std::move(h.metadata);
    for (Entry& e : h.entries) {
        const auto* from = reinterpret_cast<const std::byte*>(bytes.data() + h.data_offset);
        file.arrays.push_back({std::move(e.array.name),
                               e.array.dtype,
                               std::move(e.array.shape),
                               {from + e.begin, static_cast<std::size_t>(e.end - e.begin)}});
    }
    return file;
}

TensorFile read_safetensors(std::istream& in) {
    return read_stream(in, [](std::string_view b) { return parse_safetensors(b); });
}
TensorFile read_safetensors(const std::filesystem::path& path) {
    return read_path(path, [](std::string_view b) { return parse_safetensors(b); });
}
std::map<std::string, std::string> read_safetensors_metadata(const std::filesystem::path& path) {
    return read_path(path, [](std::string_view b) { return parse_header(b).metadata; });
}

std::string safetensors_header(std::span<const TensorView> arrays, const std::map<std::string, std::string>& metadata) {
    Json header = Json::object();
    if (!metadata.empty()) header[std::string(kMetadata)] = metadata;
    std::uint64_t at = 0;
    std::set<std::string_view> names{kMetadata};
    for (const TensorView& a : arrays) {
        if (!names.insert(a.name).second) fail(ErrorKind::input, "tensor name {} appears twice", in_quotes(a.name));
        const std::uint64_t size = checked_byte_count(a.shape, a.dtype);
        header[a.name] = {{"dtype", kTypes[static_cast<std::size_t>(a.dtype)]},
                          {"shape", a.shape},
                          {"data_offsets", {at, at + size}}};
        at += size;
    }
    std::string text;
    try {
        text = header.dump();
    } catch (const nlohmann::json::exception&) {
        fail(ErrorKind::input, "a tensor name or metadata is not UTF-8 text");
    }
    text.resize((text.size() + 7) / 8 * 8, ' ');
    const auto length = static_cast<std::uint64_t>(text.size());
    return std::string(reinterpret_cast<const char*>(&length), sizeof length) + text;
}

void write_safetensors(std::ostream& out, const TensorFile& file) {
    std::vector<TensorView> views;
    for (const NamedArray& a : file.arrays) {
        NIR_CHECK(checked_byte_count(a.shape, a.dtype) == a.bytes.size());
        views.push_back({a.name, a.dtype, a.shape, a.bytes});
    }
    ByteWriter to(out);
    to.put_bytes(safetensors_header(views, file.metadata));
    for (const NamedArray& a : file.arrays)
        to.put_bytes({reinterpret_cast<const char*>(a.bytes.data()), a.bytes.size()});
    to.flush();
}
void write_safetensors(const std::filesystem::path& path, const TensorFile& file) {
    write_path(path, [&](std::ostream& out) { write_safetensors(out, file); });
}

}  // namespace nir::io
