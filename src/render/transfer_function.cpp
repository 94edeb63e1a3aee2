// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/error.h"
#include "nir/render/volume.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace nir::render {
namespace {

struct Preset {
    std::string_view name;
    std::vector<TransferFunction::Point> points;  ///< values 0..1
};

const std::vector<Preset>& presets() {
    static const std::vector<Preset> all = {
        {"surface",
         {{0, .84, .80, .74, 0}, {.45, .84, .80, .74, 0}, {.55, .84, .80, .74, .9}, {1, .84, .80, .74, .95}}},
        {"smoke", {{0, 1, 1, 1, 0}, {.1, .9, .9, .92, .002}, {1, .75, .76, .8, .12}}},
        {"fire",
         {{0, .1, 0, 0, 0},
          {.15, .4, .02, 0, .004},
          {.4, .9, .2, .02, .03},
          {.7, 1, .65, .1, .08},
          {1, 1, 1, .85, .2}}},
        {"tissue",
         {{0, .5, .2, .15, 0},
          {.2, .75, .4, .3, 0},
          {.35, .85, .5, .4, .03},
          {.5, .9, .6, .5, .05},
          {.65, 1, .95, .85, .4},
          {1, 1, 1, .97, .9}}}};
    return all;
}

/// Numbers of a line up to a comment; false if a word is none.
bool numbers_of(std::string_view line, std::vector<double>& out) {
    line = line.substr(0, line.find('#'));
    const char *at = line.data(), *end = at + line.size();
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == ','; };
    for (;;) {
        while (at != end && blank(*at)) ++at;
        if (at == end) return true;
        double v = 0;
        const auto [stop, error] = std::from_chars(at, end, v);
        if (error != std::errc() || !std::isfinite(v) || (stop != end && !blank(*stop))) return false;
        out.push_back(v);
        at = stop;
    }
}

}  // namespace

std::vector<std::string> TransferFunction::preset_names() {
    std::vector<std::string> out;
    for (const Preset& p : presets()) out.emplace_back(p.name);
    return out;
}

TransferFunction TransferFunction::preset(std::string_view name, double lo, double hi) {
    for (const Preset& p : presets()) {
        if (p.name != name) continue;
        TransferFunction out{p.points};
        for (Point& point : out.points) point.value = lo + point.value * (hi - lo);
        return out;
    }
    fail(ErrorKind::usage, "there is no transfer function \"{}\"; those that are built in: {}", name,
         fmt::format("{}", fmt::join(preset_names(), ", ")));
}

TransferFunction TransferFunction::parse(std::string_view text) {
    TransferFunction out;
    std::size_t number = 0;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        ++number;
        std::vector<double> v;
        if (!numbers_of(line, v) || (!v.empty() && v.size() != 5))
            fail(ErrorKind::format, "line {}: five numbers are needed: value red green blue opacity", number);
        if (v.empty()) continue;
        for (std::size_t i = 1; i < 5; ++i)
            if (v[i] < 0 || v[i] > 1) fail(ErrorKind::format, "line {}: {} does not lie between 0 and 1", number, v[i]);
        if (!out.points.empty() && v[0] < out.points.back().value)
            fail(ErrorKind::format, "line {}: values must ascend", number);
        out.points.push_back({v[0], v[1], v[2], v[3], v[4]});
    }
    if (out.points.empty())
        fail(ErrorKind::format, "no control points: lines \"value red green blue opacity\" are needed");
    return out;
}

}  // namespace nir::render
