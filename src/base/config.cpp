// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/config.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

namespace nir {
namespace {

namespace fs = std::filesystem;
constexpr std::uintmax_t kMaxFileBytes = 16u << 20;

Config from_toml(const toml::node& node, const std::string& file);

Config::Table from_toml(const toml::table& table, const std::string& file) {
    struct Item {
        toml::source_position at;
        std::string_view key;
        const toml::node* node;
    };
    std::vector<Item> items;  // toml++ sorts by name; we keep the order of the file
    for (auto&& [key, node] : table) items.push_back({key.source().begin, key.str(), &node});
    std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.at < b.at; });
    Config::Table out;
    for (const auto& item : items) {
        Config value = from_toml(*item.node, file);
        out.push_back({std::string(item.key), Config(value.value(), {file, static_cast<int>(item.at.line)})});
    }
    return out;
}

Config from_toml(const toml::node& node, const std::string& file) {
    const Place place{file, static_cast<int>(node.source().begin.line)};
    if (const auto* v = node.as_table()) return Config(from_toml(*v, file), place);
    if (const auto* v = node.as_boolean()) return Config(v->get(), place);
    if (const auto* v = node.as_integer()) return Config(std::int64_t{v->get()}, place);
    if (const auto* v = node.as_floating_point()) return Config(v->get(), place);
    if (const auto* v = node.as_string()) return Config(v->get(), place);
    if (const auto* v = node.as_array()) {
        Config::List list;
        for (const auto& element : *v) list.push_back(from_toml(element, file));
        return Config(std::move(list), place);
    }
    fail(ErrorKind::config, "{}:{}: dates and times mean nothing here; write them in quotes", file, place.line);
}

Config parse_text(std::string_view text, const std::string& file) {
    try {
        const toml::table table = toml::parse(text, file);
        return Config(from_toml(table, file), {file, 0});
    } catch (const toml::parse_error& e) {
        fail(ErrorKind::config, "{}:{}: {}", file, e.source().begin.line, e.description());
    }
}

std::string read_text(const fs::path& file) {
    std::error_code ec;
    if (fs::is_directory(file, ec))
        fail(ErrorKind::config, "{}: this is a folder, a TOML file is needed", file.string());
    if (!fs::exists(file, ec)) fail(ErrorKind::config, "{}: no such configuration file", file.string());
    if (const auto size = fs::file_size(file, ec); !ec && size > kMaxFileBytes)
        fail(ErrorKind::config, "{}: {} bytes are too many for a configuration", file.string(), size);
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    if (!in || !(text << in.rdbuf())) {
        if (in && fs::is_empty(file, ec)) return {};
        fail(ErrorKind::config, "{}: cannot be read (check its permissions)", file.string());
    }
    return std::move(text).str();
}

/// Loads `file` over its chain of parents. `chain` holds the files that are being loaded, outermost first.
Config load_chain(const fs::path& file, std::vector<fs::path>& chain) {
    const fs::path canonical = fs::weakly_canonical(file);
    if (std::find(chain.begin(), chain.end(), canonical) != chain.end()) {
        std::string circle;
        for (const auto& c : chain) circle += c.filename().string() + " -> ";
        fail(ErrorKind::config, "{}: `extends` runs in a circle: {}{}", file.string(), circle,
             canonical.filename().string());
    }
    chain.push_back(canonical);
    Config own = parse_text(read_text(file), file.string());
    const Config* parent = own.find("extends");
    Config result;
    if (parent) {
        const auto* name = std::get_if<std::string>(&parent->value());
        const Place at = parent->place();
        if (!name) fail(ErrorKind::config, "{}:{}: extends must be the name of a file, in quotes", at.file, at.line);
        const fs::path base = file.parent_path() / *name;
        result = with_context(fmt::format("{}:{}: extends", at.file, at.line), [&] { return load_chain(base, chain); });
        auto table = std::get<Config::Table>(own.value());
        std::erase_if(table, [](const Config::Entry& e) { return e.key == "extends"; });
        own = Config(std::move(table), own.place());
    }
    chain.pop_back();
    result.merge(own);
    return Config(result.value(), {file.string(), 0});
}

bool is_bare_key(std::string_view key) {
    return !key.empty() &&
           std::all_of(key.begin(), key.end(), [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; });
}

std::string toml_quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) switch (c) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\t':
                out += "\\t";
                break;
            case '\r':
                out += "\\r";
                break;
            default:
                if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
                    out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
                else
                    out += c;
        }
    return out + '"';
}

std::string key_text(std::string_view key) { return is_bare_key(key) ? std::string(key) : toml_quoted(key); }

std::string value_text(const Config& config) {
    struct Writer {
        std::string operator()(const Config::Table& table) const {
            std::string out = "{";
            for (const auto& e : table)
                out += fmt::format("{}{} = {}", out.size() > 1 ? ", " : " ", key_text(e.key), value_text(e.value));
            return out + (table.empty() ? "}" : " }");
        }
        std::string operator()(bool v) const { return v ? "true" : "false"; }
        std::string operator()(std::int64_t v) const { return fmt::format("{}", v); }
        std::string operator()(double v) const {
            std::string s = fmt::format("{}", v);  // shortest text that reads back to the same bits
            return std::isfinite(v) && s.find_first_of(".e") == std::string::npos ? s + ".0" : s;
        }
        std::string operator()(const std::string& v) const { return toml_quoted(v); }
        std::string operator()(const Config::List& list) const {
            std::string out = "[";
            for (const auto& e : list) out += (out.size() > 1 ? ", " : "") + value_text(e);
            return out + "]";
        }
    };
    return std::visit(Writer{}, config.value());
}

void write_table(const Config::Table& table, const std::string& path, std::string& out) {
    std::vector<std::pair<std::string, const std::string*>> lines;
    std::size_t widest = 0;
    for (const auto& e : table) {
        if (e.value.is_table()) continue;
        lines.emplace_back(key_text(e.key) + " = " + value_text(e.value), &e.comment);
        if (lines.back().first.size() <= 48) widest = std::max(widest, lines.back().first.size());
    }
    for (const auto& [line, comment] : lines)
        out += comment->empty() ? line + "\n" : fmt::format("{:<{}}  # {}\n", line, widest, *comment);
    for (const auto& e : table) {
        const auto* sub = std::get_if<Config::Table>(&e.value.value());
        if (!sub) continue;
        const std::string sub_path = path.empty() ? key_text(e.key) : path + "." + key_text(e.key);
        if (!out.empty()) out += "\n";
        if (!e.comment.empty()) out += fmt::format("# {}\n", e.comment);
        out += fmt::format("[{}]\n", sub_path);
        write_table(*sub, sub_path, out);
    }
}

const std::string* name_of(const Config& table) {
    const Config* name = table.find("name");
    return name ? std::get_if<std::string>(&name->value()) : nullptr;
}

void merge_tables(Config& base, const Config& top, bool is_root) {
    const auto *old_name = name_of(base), *new_name = name_of(top);
    if (!is_root && old_name && new_name && *old_name != *new_name) {
        base = top;
        return;
    }
    for (const auto& e : std::get<Config::Table>(top.value())) {
        const Config* existing = base.find(e.key);
        if (existing && existing->is_table() && e.value.is_table()) {
            Config merged = *existing;
            merge_tables(merged, e.value, false);
            base.put(e.key, std::move(merged));
        } else {
            base.put(e.key, e.value);
        }
    }
}

}  // namespace

Config Config::load(const fs::path& file, std::span<const std::string> overrides) {
    std::vector<fs::path> chain;
    Config config = load_chain(file, chain);
    for (const auto& o : overrides) config.set(o);
    return config;
}

Config Config::parse(std::string_view text, std::string name) {
    Config config = parse_text(text, name);
    if (const Config* e = config.find("extends"))
        fail(ErrorKind::config, "{}:{}: extends needs a file, this text has none", name, e->place().line);
    return config;
}

void Config::set(std::string_view assignment) {
    const auto equals = assignment.find('=');
    const std::string place = fmt::format("--set {}", assignment);
    if (equals == std::string_view::npos || equals == 0)
        fail(ErrorKind::config, "{}: write it as --set table.key=value", place);
    std::string_view path = assignment.substr(0, equals), text = assignment.substr(equals + 1);

    Value value = std::string(text);
    try {
        const toml::table parsed = toml::parse(fmt::format("v = {}", text), place);
        if (parsed.size() != 1) fail(ErrorKind::config, "{}: one value is needed", place);
        value = from_toml(*parsed.get("v"), place).value();
    } catch (const toml::parse_error& e) {
        const bool quoted_or_list = text.find_first_of("\"'[]{}\n") != std::string_view::npos;
        if (text.empty() || quoted_or_list) fail(ErrorKind::config, "{}: {}", place, e.description());
    }

    Config top{Value(std::move(value)), {place, 0}};
    for (;;) {  // from the last key outwards: a.b=1 becomes {a = {b = 1}}
        const auto dot = path.rfind('.');
        const std::string_view key = dot == std::string_view::npos ? path : path.substr(dot + 1);
        if (!is_bare_key(key)) fail(ErrorKind::config, "{}: \"{}\" is no key", place, key);
        if (key == "extends") fail(ErrorKind::config, "{}: extends can only stand in a file", place);
        Config outer{Table{}, {place, 0}};
        outer.put(key, std::move(top));
        top = std::move(outer);
        if (dot == std::string_view::npos) break;
        path = path.substr(0, dot);
    }
    merge(top);
}

void Config::merge(const Config& top) {
    NIR_CHECK(is_table() && top.is_table());
    merge_tables(*this, top, true);
}

const Config* Config::find(std::string_view key) const {
    if (const auto* table = std::get_if<Table>(&value_))
        for (const auto& e : *table)
            if (e.key == key) return &e.value;
    return nullptr;
}

Config Config::table(std::string_view key) const {
    const Config* found = find(key);
    if (!found) return Config(Table{}, place_);
    if (!found->is_table()) {
        Diagnostics d(place_.file);
        d.add(found->place(), fmt::format("{} must be a table", key));
        d.throw_if_any(ErrorKind::config);
    }
    // Messages name the whole file, and the line of each entry is kept by the entry.
    return *found;
}

void Config::put(std::string_view key, Config value) {
    auto* table = std::get_if<Table>(&value_);
    NIR_CHECK(table);
    for (auto& e : *table)
        if (e.key == key) {
            e.value = std::move(value);
            return;
        }
    table->push_back({std::string(key), std::move(value)});
}

std::string Config::to_toml() const {
    const auto* table = std::get_if<Table>(&value_);
    if (!table) return value_text(*this);
    std::string out;
    write_table(*table, "", out);
    return out;
}

}  // namespace nir
