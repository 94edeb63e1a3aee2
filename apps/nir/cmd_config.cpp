// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// nir config show, nir config check: what can be set, and whether a file sets it right.
#include "nir/base/config.h"
#include "nir/models/registry.h"
#include "nir/pipeline/function.h"
#include "nir/pipeline/radiance_config.h"
#include "nir/pipeline/train_config.h"

#include "verb.h"

#include <memory>

namespace nir::app {
namespace {

/// All that a configuration file may hold; those of a radiance field ([model] name = "radiance") and of a function
/// ("function") stand by themselves.
using RootConfig = pipeline::RunConfig;
using pipeline::FunctionConfig;
using pipeline::RadianceConfig;

struct ConfigOptions {
    std::string file;
    std::vector<std::string> set;
    bool markdown = false;
};

Config load(const ConfigOptions& options) {
    Config config = options.file.empty() ? Config::parse("") : Config::load(options.file);
    for (const auto& assignment : options.set) config.set(assignment);
    return config;
}

nlohmann::ordered_json to_json(const std::vector<ConfigOption>& options) {
    auto json = nlohmann::ordered_json::array();
    for (const auto& o : options)
        json.push_back({{"option", o.path},
                        {"type", o.type},
                        {"default", o.default_value},
                        {"unit", o.unit},
                        {"range", o.range},
                        {"meaning", o.sentence}});
    return json;
}

void show(const ConfigOptions& options, VerbContext& context) {
    const auto all = list_options<RootConfig>(), radiance = list_options<RadianceConfig>(),
               function = list_options<FunctionConfig>();
    context.json["options"] = to_json(all);
    context.json["radiance_options"] = to_json(radiance);
    context.json["function_options"] = to_json(function);
    if (options.markdown) {
        context.print("{}\nRadiance fields (`model.name = \"radiance\"`):\n\n{}", options_markdown(all),
                      options_markdown(radiance));
        context.print("\nPictures and meshes (`model.name = \"function\"`):\n\n{}", options_markdown(function));
    } else if (!options.file.empty() || !options.set.empty()) {
        const Config tree = load(options);
        const std::string text =
            pipeline::is_radiance_config(tree)   ? dump_toml(parse_config<RadianceConfig>(tree), true)
            : pipeline::is_function_config(tree) ? dump_toml(parse_config<FunctionConfig>(tree), true)
                                                 : dump_toml(parse_config<RootConfig>(tree), true);
        context.json["resolved"] = text;
        context.print("{}", text);
    } else {
        bool first = true;
        for (const auto& model : models::model_alternatives()) {
            RootConfig root;
            root.model.select(model.name);
            context.print("{}# {}: {}\n{}", std::exchange(first, false) ? "" : "\n\n", model.name, model.summary,
                          dump_toml(root, true));
        }
        context.print("\n\n# radiance: density and colour learned from posed photos\n{}",
                      dump_toml(RadianceConfig{}, true));
        context.print("\n\n# function: a picture or the signed distance of a mesh\n{}",
                      dump_toml(FunctionConfig{}, true));
    }
}

void check(const ConfigOptions& options, VerbContext& context) {
    const Config tree = load(options);
    if (pipeline::is_radiance_config(tree))
        (void)parse_config<RadianceConfig>(tree);
    else if (pipeline::is_function_config(tree))
        (void)parse_config<FunctionConfig>(tree);
    else
        (void)parse_config<RootConfig>(tree);
    context.json["file"] = options.file;
    context.json["problems"] = 0;
    context.print("{}: no problems\n", options.file);
}

}  // namespace

VerbRun add_config(CLI::App& app) {
    auto options = std::make_shared<ConfigOptions>();
    auto* show_app = app.add_subcommand("show", "Prints every option with default, unit, range and meaning, as TOML");
    show_app->add_option("FILE", options->file, "Print what this file resolves to");
    show_app->add_flag("--markdown", options->markdown, "One table of all options, as in docs/config.md");
    auto* check_app = app.add_subcommand("check", "Reads a configuration and lists every mistake in it");
    check_app->add_option("FILE", options->file, "The configuration")->required();
    for (auto* sub : {show_app, check_app}) {
        add_set_option(*sub, options->set);
        sub->fallthrough();
    }
    app.require_subcommand(1);
    return [options, show_app](VerbContext& context) {
        show_app->parsed() ? show(*options, context) : check(*options, context);
    };
}

}  // namespace nir::app
