// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Options that several verbs share.
#include "nir/base/error.h"

#include "verb.h"

#include <charconv>
#include <cmath>

namespace nir::app {
namespace {

struct Unit {
    std::string_view name;
    double factor;
};

/// The number times its unit, or NaN if the text is something else.
double parse_number_with_unit(std::string_view text, std::span<const Unit> units) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || !std::isfinite(number) || number < 0) return std::nan("");
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    for (const auto& u : units)
        if (u.name == unit) return number * u.factor;
    return std::nan("");
}

}  // namespace

std::uint64_t parse_size(const std::string& option, const std::string& text) {
    static constexpr Unit kUnits[] = {
        {"", 1},         {"B", 1},       {"k", 1e3},      {"kB", 1e3},    {"K", 1e3},
        {"KB", 1e3},     {"M", 1e6},     {"MB", 1e6},     {"G", 1e9},     {"GB", 1e9},
        {"T", 1e12},     {"TB", 1e12},   {"Ki", 1024.},   {"KiB", 1024.}, {"Mi", 0x1p20},
        {"MiB", 0x1p20}, {"Gi", 0x1p30}, {"GiB", 0x1p30}, {"Ti", 0x1p40}, {"TiB", 0x1p40},
    };
    const double bytes = parse_number_with_unit(text, kUnits);
    if (!(bytes < 0x1p63)) fail(ErrorKind::usage, "{} {}: write a size like 800M, 2GB or 1.5GiB", option, text);
    return static_cast<std::uint64_t>(bytes);
}

double parse_duration(const std::string& option, const std::string& text) {
    static constexpr Unit kUnits[] = {{"", 1}, {"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}, {"d", 86400}};
    const double seconds = parse_number_with_unit(text, kUnits);
    if (!std::isfinite(seconds)) fail(ErrorKind::usage, "{} {}: write a time like 45s, 90m or 1.5h", option, text);
    return seconds;
}

CLI::Option* add_size_option(CLI::App& app, const std::string& name, std::uint64_t& bytes, const std::string& text) {
    const auto read = [name, &bytes](const std::string& value) { bytes = parse_size(name, value); };
    return app.add_option_function<std::string>(name, read, text)->type_name("SIZE");
}

CLI::Option* add_duration_option(CLI::App& app, const std::string& name, double& seconds, const std::string& text) {
    const auto read = [name, &seconds](const std::string& value) { seconds = parse_duration(name, value); };
    return app.add_option_function<std::string>(name, read, text)->type_name("TIME");
}

CLI::Option* add_set_option(CLI::App& app, std::vector<std::string>& assignments) {
    return app.add_option("--set", assignments, "Sets one option of the configuration, as in --set train.lr=1e-4")
        ->type_name("KEY=VALUE")
        ->take_all()
        ->allow_extra_args(false);
}

}  // namespace nir::app
