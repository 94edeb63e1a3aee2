// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/lights_file.h"

#include "nir/base/error.h"
#include "nir/io/file_bytes.h"
#include "nir/io/formats.h"
#include "nir/render/posed_view.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <numbers>

namespace nir::pipeline {
namespace {

using Json = nlohmann::json;
using geom::Vec3d;

constexpr int kMostFrames = 100000, kMostSamples = 65536;

/// Reads the fields of one object; what nobody asked for is a mistake.
class Reader {
public:
    Reader(const Json& object, std::string place, std::initializer_list<const char*> known)
        : object_(object), place_(std::move(place)) {
        if (!object.is_object()) fail(ErrorKind::format, "{}: expected an object", place_);
        for (const auto& [key, value] : object.items())
            if (std::find(known.begin(), known.end(), key) == known.end())
                fail(ErrorKind::format, "{}.{}: there is no such field", place_, key);
    }

    bool has(const char* key) const { return object_.contains(key); }
    const Json& at(const char* key) const { return object_.at(key); }
    std::string place(const char* key) const { return place_ + "." + key; }

    double number(const char* key, double otherwise, double least, double most) const {
        if (!has(key)) return otherwise;
        const Json& j = at(key);
        if (!j.is_number() || !(j.get<double>() >= least && j.get<double>() <= most))
            fail(ErrorKind::format, "{}: expected a number from {} to {}", place(key), least, most);
        return j.get<double>();
    }
    bool flag(const char* key) const {
        if (!has(key)) return false;
        if (!at(key).is_boolean()) fail(ErrorKind::format, "{}: expected true or false", place(key));
        return at(key).get<bool>();
    }
    Vec3d vector(const Json& j, const std::string& where) const {
        Vec3d out;
        if (!j.is_array() || j.size() != 3) fail(ErrorKind::format, "{}: expected three numbers", where);
        for (std::size_t k = 0; k < 3; ++k) {
            if (!j[k].is_number()) fail(ErrorKind::format, "{}: expected three numbers", where);
            out[static_cast<int>(k)] = j[k].get<double>();
        }
        if (!is_finite(out)) fail(ErrorKind::format, "{}: a number is not finite", where);
        return out;
    }

private:
    const Json& object_;
    std::string place_;
};

MovingLamp lamp_from(const Json& j, const std::string& place, double radius) {
    const Reader r(
        j, place, {"type", "position", "positions", "direction", "directions", "color", "intensity", "radius", "loop"});
    MovingLamp out;
    const std::string type = r.has("type") && r.at("type").is_string() ? r.at("type").get<std::string>() : "point";
    if (type != "point" && type != "distant")
        fail(ErrorKind::format, "{}: \"{}\" is neither point nor distant", r.place("type"), type);
    out.lamp.distant = type == "distant";
    const char* one = out.lamp.distant ? "direction" : "position";
    const char* many = out.lamp.distant ? "directions" : "positions";
    if (r.has(one) == r.has(many)) fail(ErrorKind::format, "{}: give either {} or {}", place, one, many);
    if (r.has(one)) {
        out.positions.push_back(r.vector(r.at(one), r.place(one)));
    } else {
        const Json& list = r.at(many);
        if (!list.is_array() || list.empty())
            fail(ErrorKind::format, "{}: expected a list of three numbers each", r.place(many));
        for (std::size_t i = 0; i < list.size(); ++i)
            out.positions.push_back(r.vector(list[i], fmt::format("{}[{}]", r.place(many), i)));
    }
    for (const Vec3d& p : out.positions)
        if (out.lamp.distant && !(norm(p) > 0)) fail(ErrorKind::format, "{}: a direction is 0", place);
    if (r.has("color")) {
        const Vec3d c = r.vector(r.at("color"), r.place("color"));
        if (c.x < 0 || c.y < 0 || c.z < 0) fail(ErrorKind::format, "{}: must not be negative", r.place("color"));
        out.lamp.color = {static_cast<float>(c.x), static_cast<float>(c.y), static_cast<float>(c.z)};
    }
    const auto intensity = static_cast<float>(r.number("intensity", 1, 0, 1e6));
    for (float& c : out.lamp.color) c *= intensity;
    out.lamp.radius = r.number("radius", out.lamp.distant ? 0 : radius, 0, 1e6);
    out.lamp.position = out.positions.front(), out.loop = r.flag("loop");
    return out;
}

EnvironmentLight environment_from(const Json& j, const std::string& place, const std::filesystem::path& folder) {
    const Reader r(j, place, {"image", "samples", "scale", "turn"});
    if (!r.has("image") || !r.at("image").is_string())
        fail(ErrorKind::format, "{}: expected the name of a picture", r.place("image"));
    EnvironmentLight out;
    out.image = folder / r.at("image").get<std::string>();
    out.samples = static_cast<int>(r.number("samples", out.samples, 1, kMostSamples));
    out.scale = r.number("scale", 1, 0, 1e6), out.turn_rad = r.number("turn", 0, -1e6, 1e6) * std::numbers::pi / 180;
    return out;
}

Vec3d place_at(const MovingLamp& lamp, double share) {
    const std::size_t n = lamp.positions.size();
    const double at = share * static_cast<double>(lamp.loop ? n : n - 1);
    const auto i = std::min(static_cast<std::size_t>(at), n - 1);
    const double t = at - static_cast<double>(i);
    const Vec3d a = lamp.positions[i], b = lamp.positions[lamp.loop ? (i + 1) % n : std::min(i + 1, n - 1)];
    return a + (b - a) * t;
}

}  // namespace

std::vector<render::LightSource> Lights::at(int frame) const {
    std::vector<render::LightSource> out;
    for (const MovingLamp& lamp : lamps) {
        out.push_back(lamp.lamp);
        const int span = lamp.loop ? frames : frames - 1;
        out.back().position = place_at(lamp, span > 0 ? static_cast<double>(frame) / span : 0.0);
    }
    out.insert(out.end(), fixed.begin(), fixed.end());
    return out;
}

Lights parse_lights(std::string_view text, const std::filesystem::path& folder, double radius) {
    const Json json = Json::parse(text, nullptr, false);
    if (json.is_discarded()) fail(ErrorKind::format, "this is no JSON");
    const Reader r(json, "lights", {"lights", "environment", "ambient", "frames", "fps"});
    Lights out;
    out.ambient = static_cast<float>(r.number("ambient", 1, 0, 1e6));
    out.frames = static_cast<int>(r.number("frames", 1, 1, kMostFrames));
    out.fps = r.number("fps", 30, 0.1, 1000);
    if (r.has("lights")) {
        if (!r.at("lights").is_array()) fail(ErrorKind::format, "lights: expected a list");
        for (std::size_t i = 0; i < r.at("lights").size(); ++i)
            out.lamps.push_back(lamp_from(r.at("lights")[i], fmt::format("lights[{}]", i), radius));
    }
    if (r.has("environment")) {
        const EnvironmentLight e = environment_from(r.at("environment"), "environment", folder);
        const auto file = io::read_scene_file(e.image);
        const auto* map = std::get_if<geom::Image8>(&file.content);
        if (!map || map->channels < 3) fail(ErrorKind::input, "{}: this is no colour picture", e.image.string());
        out.fixed = environment_lamps(*map, e.samples, e.scale, e.turn_rad);
        out.environments.push_back(e);
    }
    return out;
}

Lights read_lights(const std::filesystem::path& path, double radius) {
    return io::read_path(path, [&](std::string_view json) { return parse_lights(json, path.parent_path(), radius); });
}

std::vector<render::LightSource> environment_lamps(const geom::Image8& map, int count, double scale, double turn_rad) {
    const auto w = static_cast<std::size_t>(map.width), h = static_cast<std::size_t>(map.height),
               channels = static_cast<std::size_t>(map.channels);
    std::vector<double> sum(w * h + 1, 0.0);
    std::vector<std::array<float, 3>> light(w * h);
    const auto solid_angle = [&](std::size_t y) {
        const double top = std::cos(std::numbers::pi * static_cast<double>(y) / static_cast<double>(h)),
                     bottom = std::cos(std::numbers::pi * static_cast<double>(y + 1) / static_cast<double>(h));
        return (top - bottom) * 2 * std::numbers::pi / static_cast<double>(w);
    };
    for (std::size_t p = 0; p < w * h; ++p) {
        for (std::size_t k = 0; k < 3; ++k)
            light[p][k] = render::linear_from_srgb(static_cast<float>(map.data[p * channels + k]) / 255);
        const double y = 0.2126 * static_cast<double>(light[p][0]) + 0.7152 * static_cast<double>(light[p][1]) +
                         0.0722 * static_cast<double>(light[p][2]);
        sum[p + 1] = sum[p] + y * solid_angle(p / w);
    }
    std::vector<render::LightSource> out;
    if (!(sum.back() > 0)) return out;  // a black sky
    for (int i = 0; i < count; ++i) {
        const double target = sum.back() * (i + 0.5) / count;
        const auto p = static_cast<std::size_t>(
            std::min<std::ptrdiff_t>(std::upper_bound(sum.begin(), sum.end(), target) - sum.begin() - 1,
                                     static_cast<std::ptrdiff_t>(w * h) - 1));
        const double inside = (target - sum[p]) / std::max(sum[p + 1] - sum[p], 1e-300);
        const double density = (sum[p + 1] - sum[p]) / solid_angle(p / w) / sum.back();  // per solid angle
        const double a = (static_cast<double>(p % w) + inside) / static_cast<double>(w) * 2 * std::numbers::pi +
                         turn_rad,
                     b = (static_cast<double>(p / w) + 0.5) / static_cast<double>(h) * std::numbers::pi;
        render::LightSource lamp;
        lamp.distant = true;
        lamp.position = {std::sin(b) * std::cos(a), std::sin(b) * std::sin(a), std::cos(b)};
        for (std::size_t k = 0; k < 3; ++k)
            lamp.color[k] = static_cast<float>(scale * static_cast<double>(light[p][k]) / (density * count));
        out.push_back(lamp);
    }
    return out;
}

}  // namespace nir::pipeline
