// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/error.h"

#include <any>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace nir {

class ConfigVisitor;

/// What a field may be. `min` and `max` are inclusive, `above` is not; for lists they hold for every element.
struct Limits {
    double min = -std::numeric_limits<double>::infinity();
    double max = std::numeric_limits<double>::infinity();
    double above = -std::numeric_limits<double>::infinity();
    std::string_view unit = {};  // "points", "s", "cells", "relative to the longest side"
    std::size_t min_count = 0;   // lists only
    std::size_t max_count = std::numeric_limits<std::size_t>::max();
};

/// The types a field can have.
using ConfigSlot = std::variant<bool*, int*, std::int64_t*, float*, double*, std::string*, std::vector<int>*,
                                std::vector<double>*, std::vector<std::string>*>;

/// One field as a visitor sees it: parsing writes through the slot, dumping reads from it.
struct ConfigField {
    std::string_view key;
    ConfigSlot slot;
    Limits limits = {};
    std::string_view sentence;
    std::vector<std::string> choices = {};  // the only values a text (or each text of a list) may have; empty = any
};

/// One thing a table with a `name` key can be: a row of a registry. Made by config_alternative<T>().
struct ConfigAlternative {
    std::string name, summary;
    std::any (*make_default)();
    void (*describe)(std::any&, ConfigVisitor&);
};

template <class T>
ConfigAlternative config_alternative(std::string name, std::string summary) {
    return {std::move(name), std::move(summary), [] { return std::any(T{}); },
            [](std::any& any, ConfigVisitor& v) { std::any_cast<T&>(any).describe(v); }};
}

/// A table whose key `name` picks one of several structs, for instance the encoder of a model:
///
///     AnyConfig encoder{encoder_alternatives(), "pointnet_local"};
///     …
///     if (const auto* c = encoder.get_if<PointnetLocalConfig>()) …
class AnyConfig {
public:
    /// `alternatives` must outlive this object (a registry's static array). An empty name means: the file must say.
    AnyConfig(std::span<const ConfigAlternative> alternatives, std::string_view name);

    const std::string& name() const { return name_; }
    std::span<const ConfigAlternative> alternatives() const { return alternatives_; }
    /// Picks another alternative, with its defaults. False if there is none of this name.
    bool select(std::string_view name);
    /// Picks T's alternative with these values. @throws Error of kind internal if name is no alternative.
    template <class T>
    AnyConfig& assign(std::string_view name, T value) {
        if (!select(name) || value_.type() != typeid(T))
            fail(ErrorKind::internal, "no alternative \"{}\" of this type", name);
        value_ = std::move(value);
        return *this;
    }
    template <class T>
    const T* get_if() const {
        return std::any_cast<T>(&value_);
    }
    template <class T>
    const T& get() const {
        const T* t = get_if<T>();
        if (!t) fail(ErrorKind::internal, "the configuration holds \"{}\", another type was asked for", name_);
        return *t;
    }
    /// Visits the fields of the chosen alternative.
    void describe(ConfigVisitor& v);

private:
    std::span<const ConfigAlternative> alternatives_;
    std::string name_;
    const ConfigAlternative* chosen_ = nullptr;
    std::any value_;
};

/// Each config struct lists each field once, in describe(ConfigVisitor&); parsing, validation, dumping and the
/// reference page are visitors over that list.
class ConfigVisitor {
public:
    virtual ~ConfigVisitor() = default;

    template <class T>
    void field(std::string_view key, T& value, std::string_view sentence) {
        visit({.key = key, .slot = &value, .sentence = sentence});
    }
    template <class T>
    void field(std::string_view key, T& value, const Limits& limits, std::string_view sentence) {
        visit({.key = key, .slot = &value, .limits = limits, .sentence = sentence});
    }
    /// A text (or list of texts) that must be one of `choices`.
    template <class T>
        requires(!std::is_enum_v<T>)
    void choice(std::string_view key, T& value, std::initializer_list<std::string> choices, std::string_view sentence) {
        visit({.key = key, .slot = &value, .sentence = sentence, .choices = choices});
    }
    /// An enum, written as text.
    template <class E>
        requires std::is_enum_v<E>
    void choice(std::string_view key, E& value, std::initializer_list<std::pair<std::string_view, E>> names,
                std::string_view sentence) {
        std::string text;
        std::vector<std::string> choices;
        for (const auto& [name, e] : names) {
            choices.emplace_back(name);
            if (e == value) text = name;
        }
        visit({.key = key, .slot = &text, .sentence = sentence, .choices = std::move(choices)});
        for (const auto& [name, e] : names)
            if (name == text) value = e;
    }
    /// A sub-table, described by its own struct.
    template <class T>
    void table(std::string_view key, T& value, std::string_view sentence) {
        begin_table(key, sentence);
        value.describe(*this);
        end_table();
    }
    /// A sub-table whose key `name` picks the struct.
    void table(std::string_view key, AnyConfig& value, std::string_view sentence) {
        begin_table(key, sentence);
        pick(value);
        value.describe(*this);
        end_table();
    }
    /// A condition between fields that were listed before; `key` is the field to point at. The message says what to do.
    virtual void check(bool /*holds*/, std::string_view /*key*/, std::string_view /*message*/) {}

protected:
    virtual void visit(const ConfigField& field) = 0;
    virtual void begin_table(std::string_view key, std::string_view sentence) = 0;
    virtual void end_table() = 0;
    virtual void pick(AnyConfig& value) = 0;
};

}  // namespace nir
