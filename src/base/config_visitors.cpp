// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The visitors over describe(): parsing with all its checks, dumping, listing.
#include "nir/base/config.h"

#include <algorithm>
#include <cmath>

namespace nir {
namespace {

const char* type_name(const ConfigSlot& slot) {
    struct Namer {
        const char* operator()(bool*) const { return "true or false"; }
        const char* operator()(int*) const { return "integer"; }
        const char* operator()(std::int64_t*) const { return "integer"; }
        const char* operator()(float*) const { return "number"; }
        const char* operator()(double*) const { return "number"; }
        const char* operator()(std::string*) const { return "text"; }
        const char* operator()(std::vector<int>*) const { return "list of integers"; }
        const char* operator()(std::vector<double>*) const { return "list of numbers"; }
        const char* operator()(std::vector<std::string>*) const { return "list of texts"; }
    };
    return std::visit(Namer{}, slot);
}

/// With the article, for messages: "needs an integer".
std::string a_type(const ConfigSlot& slot) {
    const std::string name = type_name(slot);
    return name[0] == 't' && name[1] == 'r' ? name : (name[0] == 'i' ? "an " : "a ") + name;
}

std::string range_text(const Limits& l) {
    const double lo = std::max(l.min, l.above);
    const bool open = l.above >= l.min && std::isfinite(l.above), has_lo = std::isfinite(lo),
               has_hi = std::isfinite(l.max);
    if (has_lo && has_hi)
        return open ? fmt::format("above {}, at most {}", lo, l.max) : fmt::format("{}..{}", lo, l.max);
    if (has_lo) return open ? fmt::format("above {}", lo) : fmt::format("at least {}", lo);
    if (has_hi) return fmt::format("at most {}", l.max);
    return "";
}

std::string quoted_list(const std::vector<std::string>& names) {
    std::string out;
    for (const auto& n : names) out += fmt::format("{}\"{}\"", out.empty() ? "" : ", ", n);
    return out;
}

std::string did_you_mean(const std::string& nearest) {
    return nearest.empty() ? "" : fmt::format(" – did you mean \"{}\"?", nearest);
}

// ---------------------------------------------------------------------------------------------------------- parsing

class ParseVisitor final : public ConfigVisitor {
public:
    ParseVisitor(const Config& root, Diagnostics& problems) : problems_(problems) {
        if (!root.is_table()) problems_.add(root.place(), "a table is needed here");
        levels_.push_back({root.is_table() ? &root : nullptr, "", {}, root.place()});
    }

    /// Reports what no field asked for; call after the last field.
    void finish() {
        close(levels_.back());
        for (const auto& u : unknown_) {
            std::string nearest = nearest_name(u.key, u.siblings);
            if (nearest != u.key && nearest.empty())
                for (const auto& [path, key] : all_known_)
                    if (key == u.key) {
                        problems_.add(u.place,
                                      fmt::format("{}unknown key \"{}\" – it belongs to {}", label(u.path), u.key,
                                                  path.empty() ? "the top of the file" : "[" + path + "]"));
                        nearest = "!";
                        break;
                    }
            if (nearest == "!") continue;
            std::string hint = did_you_mean(nearest);
            if (hint.empty() && !u.siblings.empty()) hint = fmt::format("; known here: {}", quoted_list(u.siblings));
            problems_.add(u.place, fmt::format("{}unknown key \"{}\"{}", label(u.path), u.key, hint));
        }
    }

    void check(bool holds, std::string_view key, std::string_view message) override {
        if (holds || failed_) return;  // a field that could not be read has been reported already
        const Config* at = find(key);
        problems_.add(at ? at->place() : levels_.back().place, fmt::format("{}{}", label(), message));
    }

protected:
    void visit(const ConfigField& field) override {
        know(field.key);
        const Config* value = find(field.key);
        if (!value) return;
        std::string problem = std::visit([&](auto* slot) { return read(*value, field, *slot); }, field.slot);
        if (problem.empty()) return;
        problems_.add(value->place(), fmt::format("{}{} {}", label(), field.key, problem));
        failed_ = true;
    }

    void begin_table(std::string_view key, std::string_view) override {
        know(key);
        const Config* value = find(key);
        const std::string path =
            levels_.back().path.empty() ? std::string(key) : levels_.back().path + "." + std::string(key);
        const Place place = value ? value->place() : levels_.back().place;
        if (value && !value->is_table()) {
            problems_.add(place, fmt::format("{}{} must be a table, as in [{}]", label(), key, path));
            value = nullptr;
        }
        levels_.push_back({value, path, {}, place});
    }

    void end_table() override {
        close(levels_.back());
        levels_.pop_back();
    }

    void pick(AnyConfig& any) override {
        know("name");
        std::vector<std::string> names;
        for (const auto& a : any.alternatives()) names.push_back(a.name);
        const Config* value = find("name");
        if (!value) {
            if (any.name().empty())
                problems_.add(levels_.back().place,
                              fmt::format("{}name is missing; choose one of {}", label(), quoted_list(names)));
            return;
        }
        const auto* name = std::get_if<std::string>(&value->value());
        if (!name) {
            problems_.add(value->place(), fmt::format("{}name needs a text, one of {}", label(), quoted_list(names)));
        } else if (*name != any.name() && !any.select(*name)) {
            problems_.add(value->place(), fmt::format("{}name = \"{}\" is not one of {}{}", label(), *name,
                                                      quoted_list(names), did_you_mean(nearest_name(*name, names))));
            levels_.back().table = nullptr;  // its other keys belong to nobody we know
        }
    }

private:
    struct Level {
        const Config* table;  // nullptr: absent, all defaults
        std::string path;
        std::vector<std::string> known;
        Place place;
    };
    struct Unknown {
        std::string key, path;
        std::vector<std::string> siblings;
        Place place;
    };

    static std::string label(const std::string& path) { return path.empty() ? "" : "[" + path + "] "; }
    std::string label() const { return label(levels_.back().path); }
    const Config* find(std::string_view key) const {
        return levels_.back().table ? levels_.back().table->find(key) : nullptr;
    }
    void know(std::string_view key) {
        auto& known = levels_.back().known;
        if (std::find(known.begin(), known.end(), key) != known.end())
            fail(ErrorKind::internal, "the field {}{} is described twice", label(), key);
        known.emplace_back(key);
        all_known_.emplace_back(levels_.back().path, std::string(key));
    }
    void close(const Level& level) {
        if (!level.table) return;
        for (const auto& e : std::get<Config::Table>(level.table->value()))
            if (std::find(level.known.begin(), level.known.end(), e.key) == level.known.end())
                unknown_.push_back({e.key, level.path, level.known, e.value.place()});
    }

    // Each read() returns "" or the end of the sentence "<key> …".
    static std::string wrong_type(const ConfigField& f, const Config& v) {
        return fmt::format("needs {}, not {}", a_type(f.slot), v.to_toml());
    }
    static std::string outside(const Config& v, const Limits& l) {
        return fmt::format("= {} is outside {}", v.to_toml(), range_text(l));
    }
    static bool inside(double v, const Limits& l) { return v >= l.min && v <= l.max && v > l.above; }

    static std::string read(const Config& v, const ConfigField& f, bool& out) {
        const auto* b = std::get_if<bool>(&v.value());
        if (!b) return wrong_type(f, v);
        out = *b;
        return "";
    }
    static std::string read(const Config& v, const ConfigField& f, std::int64_t& out) {
        const auto* i = std::get_if<std::int64_t>(&v.value());
        if (!i) return wrong_type(f, v);
        if (!inside(static_cast<double>(*i), f.limits)) return outside(v, f.limits);
        out = *i;
        return "";
    }
    static std::string read(const Config& v, const ConfigField& f, int& out) {
        std::int64_t wide = 0;
        if (auto problem = read(v, f, wide); !problem.empty()) return problem;
        if (wide != static_cast<int>(wide)) return fmt::format("= {} is too large", wide);
        out = static_cast<int>(wide);
        return "";
    }
    static std::string read(const Config& v, const ConfigField& f, double& out) {
        double number = 0;
        if (const auto* d = std::get_if<double>(&v.value()))
            number = *d;
        else if (const auto* i = std::get_if<std::int64_t>(&v.value()))
            number = static_cast<double>(*i);
        else
            return wrong_type(f, v);
        if (!std::isfinite(number)) return fmt::format("= {} is not a finite number", number);
        if (!inside(number, f.limits)) return outside(v, f.limits);
        out = number;
        return "";
    }
    static std::string read(const Config& v, const ConfigField& f, float& out) {
        double wide = 0;
        if (auto problem = read(v, f, wide); !problem.empty()) return problem;
        if (!std::isfinite(static_cast<float>(wide))) return fmt::format("= {} is too large", wide);
        out = static_cast<float>(wide);
        return "";
    }
    static std::string read(const Config& v, const ConfigField& f, std::string& out) {
        const auto* s = std::get_if<std::string>(&v.value());
        if (!s) return wrong_type(f, v) + (f.choices.empty() ? "" : "; one of " + quoted_list(f.choices));
        if (!f.choices.empty() && std::find(f.choices.begin(), f.choices.end(), *s) == f.choices.end())
            return fmt::format("= \"{}\" is not one of {}{}", *s, quoted_list(f.choices),
                               did_you_mean(nearest_name(*s, f.choices)));
        out = *s;
        return "";
    }
    template <class T>
    static std::string read(const Config& v, const ConfigField& f, std::vector<T>& out) {
        const auto* list = std::get_if<Config::List>(&v.value());
        if (!list) return wrong_type(f, v);
        if (list->size() < f.limits.min_count || list->size() > f.limits.max_count) {
            if (f.limits.min_count == f.limits.max_count)
                return fmt::format("needs {} values, not {}", f.limits.min_count, list->size());
            if (list->size() < f.limits.min_count)
                return fmt::format("needs at least {} values, not {}", f.limits.min_count, list->size());
            return fmt::format("may have {} values at most, not {}", f.limits.max_count, list->size());
        }
        std::vector<T> values(list->size());
        for (std::size_t i = 0; i < list->size(); ++i)
            if (auto problem = read((*list)[i], f, values[i]); !problem.empty())
                return fmt::format("[{}] {}", i, problem);
        out = std::move(values);
        return "";
    }

    Diagnostics& problems_;
    std::vector<Level> levels_;
    std::vector<Unknown> unknown_;
    std::vector<std::pair<std::string, std::string>> all_known_;  // path of the table, key
    bool failed_ = false;
};

// ---------------------------------------------------------------------------------------------- dumping and listing

Config to_value(bool v) { return Config(v); }
Config to_value(int v) { return Config(std::int64_t{v}); }
Config to_value(std::int64_t v) { return Config(v); }
Config to_value(double v) { return Config(v); }
// 0.1f is written 0.1, not 0.10000000149011612; reading it back as float gives the same bits.
Config to_value(float v) { return Config(std::stod(fmt::format("{}", v))); }
Config to_value(const std::string& v) { return Config(v); }
template <class T>
Config to_value(const std::vector<T>& values) {
    Config::List out;
    for (const T& v : values) out.push_back(to_value(v));
    return Config(std::move(out));
}
Config to_value(const ConfigSlot& slot) {
    return std::visit([](const auto* v) { return to_value(*v); }, slot);
}

std::string range_of(const ConfigField& f) { return f.choices.empty() ? range_text(f.limits) : quoted_list(f.choices); }

class DumpVisitor final : public ConfigVisitor {
public:
    explicit DumpVisitor(bool comments) : comments_(comments) { stack_.push_back({{}, {}, {}}); }
    Config take() { return Config(std::move(stack_.back().table)); }

protected:
    void visit(const ConfigField& f) override {
        std::string comment;
        if (comments_) {
            comment = f.sentence;
            const std::string range = range_of(f);
            if (!range.empty() || !f.limits.unit.empty())
                comment +=
                    fmt::format(" ({}{}{})", range, range.empty() || f.limits.unit.empty() ? "" : " ", f.limits.unit);
        }
        stack_.back().table.push_back({std::string(f.key), to_value(f.slot), std::move(comment)});
    }
    void begin_table(std::string_view key, std::string_view sentence) override {
        stack_.push_back({{}, std::string(key), comments_ ? std::string(sentence) : ""});
    }
    void end_table() override {
        Level level = std::move(stack_.back());
        stack_.pop_back();
        stack_.back().table.push_back({level.key, Config(std::move(level.table)), level.comment});
    }
    void pick(AnyConfig& any) override {
        std::string comment;
        if (comments_)
            for (const auto& a : any.alternatives())
                comment += (comment.empty() ? "one of \"" : ", \"") + a.name + "\"";
        if (!any.name().empty()) stack_.back().table.push_back({"name", Config(any.name()), std::move(comment)});
    }

private:
    struct Level {
        Config::Table table;
        std::string key, comment;
    };
    bool comments_;
    std::vector<Level> stack_;
};

class ListVisitor final : public ConfigVisitor {
public:
    explicit ListVisitor(std::string_view prefix) : path_{std::string(prefix)} {}
    std::vector<ConfigOption> options;

protected:
    void visit(const ConfigField& f) override {
        options.push_back({join(f.key), type_name(f.slot), to_value(f.slot).to_toml(), std::string(f.limits.unit),
                           range_of(f), std::string(f.sentence)});
    }
    void begin_table(std::string_view key, std::string_view) override { path_.push_back(join(key)); }
    void end_table() override { path_.pop_back(); }
    void pick(AnyConfig& any) override {
        std::vector<std::string> names;
        for (const auto& a : any.alternatives()) names.push_back(a.name);
        options.push_back({join("name"), "text", any.name().empty() ? "" : fmt::format("\"{}\"", any.name()), "",
                           quoted_list(names), "which one; its options follow"});
        // Every alternative with its own defaults, so that the reference page is complete.
        for (const auto& a : any.alternatives()) {
            if (a.name == any.name()) continue;  // described by the caller
            AnyConfig other(any.alternatives(), a.name);
            path_.push_back(fmt::format("{}({})", path_.back(), a.name));
            other.describe(*this);
            path_.pop_back();
        }
    }

private:
    std::string join(std::string_view key) const {
        return path_.back().empty() ? std::string(key) : path_.back() + "." + std::string(key);
    }
    std::vector<std::string> path_;
};

}  // namespace

AnyConfig::AnyConfig(std::span<const ConfigAlternative> alternatives, std::string_view name)
    : alternatives_(alternatives) {
    if (!name.empty() && !select(name)) fail(ErrorKind::internal, "the default \"{}\" is no alternative", name);
}

bool AnyConfig::select(std::string_view name) {
    for (const auto& a : alternatives_)
        if (a.name == name) {
            chosen_ = &a;
            name_ = a.name;
            value_ = a.make_default();
            return true;
        }
    return false;
}

void AnyConfig::describe(ConfigVisitor& v) {
    if (chosen_) chosen_->describe(value_, v);
}

std::string options_markdown(std::span<const ConfigOption> options) {
    const auto cell = [](std::string s) {
        for (std::size_t i = 0; (i = s.find('|', i)) != std::string::npos; i += 2) s.insert(i, "\\");
        return s;
    };
    std::string out = "| option | default | unit | range | meaning |\n|---|---|---|---|---|\n";
    for (const auto& o : options)
        out += fmt::format("| `{}` | {} | {} | {} | {} |\n", o.path,
                           o.default_value.empty() ? "" : "`" + cell(o.default_value) + "`", cell(o.unit),
                           o.range.empty() ? o.type : cell(o.range), cell(o.sentence));
    return out;
}

namespace detail {

void parse_with(const Config& config, const DescribeFn& describe, Diagnostics& problems) {
    ParseVisitor v(config, problems);
    describe(v);
    v.finish();
}

Config dump_with(const DescribeFn& describe, bool comments) {
    DumpVisitor v(comments);
    describe(v);
    return v.take();
}

std::vector<ConfigOption> list_with(const DescribeFn& describe, std::string_view prefix) {
    ListVisitor v(prefix);
    describe(v);
    return std::move(v.options);
}

}  // namespace detail
}  // namespace nir
