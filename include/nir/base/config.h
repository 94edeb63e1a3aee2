// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/config_visitor.h"
#include "nir/base/diagnostics.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace nir {

/// A tree of TOML values, each of which remembers where it was written. Strictness comes with parse_config():
///
///     struct UnetConfig {
///         int depth = 4;                                   // the default is written here and nowhere else
///         void describe(ConfigVisitor& v) { v.field("depth", depth, {.min = 1, .max = 8}, "levels of the U-Net"); }
///     };
///     auto unet = parse_config<UnetConfig>(Config::load("unet.toml", {"depth=5"}));
class Config {
public:
    struct Entry;
    using Table = std::vector<Entry>;  // in the order of the file
    using List = std::vector<Config>;
    using Value = std::variant<Table, bool, std::int64_t, double, std::string, List>;

    Config();  // an empty table
    explicit Config(Value v, Place p = {});

    /// Reads a file with its `extends` chain (each relative to the file that names it), then applies `overrides`.
    /// @throws Error of kind config: unreadable file, TOML mistake (with file:line), `extends` that runs in a circle.
    static Config load(const std::filesystem::path& file, std::span<const std::string> overrides = {});
    static Config load(const std::filesystem::path& file, std::initializer_list<std::string> overrides);
    /// Reads TOML text; `name` stands for the file in messages. `extends` is refused here, as there is no folder.
    static Config parse(std::string_view toml, std::string name = "configuration");

    /// Applies one "a.b=1" of --set. The value is TOML; a plain word without quotes is taken as text.
    void set(std::string_view assignment);
    /// Lays `top` over this tree. Tables merge key by key, except that a table whose `name` changes is replaced:
    /// the options of another encoder mean nothing to the new one.
    void merge(const Config& top);

    bool is_table() const { return std::holds_alternative<Table>(value_); }
    const Value& value() const { return value_; }
    const Place& place() const { return place_; }
    /// Entry of a table, or nullptr if it is not there or this is no table.
    const Config* find(std::string_view key) const;
    /// Sub-table by key, empty if it is not there. @throws Error of kind config if it is there and is no table.
    Config table(std::string_view key) const;
    /// Adds or replaces an entry of a table.
    void put(std::string_view key, Config value);

    /// The tree as TOML text: values first, then sub-tables; numbers keep every bit.
    std::string to_toml() const;

private:
    Value value_;
    Place place_;
};

struct Config::Entry {
    std::string key;
    Config value;
    std::string comment = {};  // written behind the value by to_toml()
};

// Here, because clang wants to know Entry before it destroys a table.
inline Config::Config() = default;
inline Config::Config(Value v, Place p) : value_(std::move(v)), place_(std::move(p)) {}
inline Config Config::load(const std::filesystem::path& file, std::initializer_list<std::string> overrides) {
    return load(file, std::span<const std::string>(overrides.begin(), overrides.size()));
}

/// One option as `nir config show` lists it.
struct ConfigOption {
    std::string path, type, default_value, unit, range, sentence;
};

/// A markdown table of options: option, default, unit, range, meaning.
std::string options_markdown(std::span<const ConfigOption> options);

namespace detail {
using DescribeFn = std::function<void(ConfigVisitor&)>;
void parse_with(const Config& config, const DescribeFn& describe, Diagnostics& problems);
Config dump_with(const DescribeFn& describe, bool comments);
std::vector<ConfigOption> list_with(const DescribeFn& describe, std::string_view prefix);
}  // namespace detail

/// Fills a T from the tree, adding every mistake (unknown key, wrong type, out of range, failed check) to `problems`.
template <class T>
T parse_config(const Config& config, Diagnostics& problems) {
    T out{};
    detail::parse_with(
        config, [&](ConfigVisitor& v) { out.describe(v); }, problems);
    return out;
}

/// The same, and throws one Error of kind config that lists every mistake.
template <class T>
T parse_config(const Config& config) {
    Diagnostics problems(config.place().file);
    T out = parse_config<T>(config, problems);
    problems.throw_if_any(ErrorKind::config);
    return out;
}

/// The struct as a tree, every field present. With comments: unit, range and sentence behind each value.
template <class T>
Config to_config(T value, bool comments = false) {
    return detail::dump_with([&](ConfigVisitor& v) { value.describe(v); }, comments);
}

/// The struct as TOML text; parse_config() of it gives the same struct.
template <class T>
std::string dump_toml(const T& value, bool comments = false) {
    return to_config(value, comments).to_toml();
}

/// Checks ranges and describe()'s checks of a struct that was filled by code. @throws Error of kind config.
template <class T>
void validate_config(const T& value) {
    (void)parse_config<T>(to_config(value));
}

/// Every option of T with its default, as `prefix.key`.
template <class T>
std::vector<ConfigOption> list_options(std::string_view prefix = {}) {
    T value{};
    return detail::list_with([&](ConfigVisitor& v) { value.describe(v); }, prefix);
}

}  // namespace nir
