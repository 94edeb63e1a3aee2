// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// nir list: everything that stands in a registry.
#include "nir/base/component.h"
#include "nir/base/error.h"
#include "nir/data/training_data.h"
#include "nir/io/formats.h"
#include "nir/models/registry.h"
#include "nir/nn/registry.h"

#include "verb.h"

#include <algorithm>
#include <memory>

namespace nir::app {
namespace {

std::vector<Component> verb_components() {
    std::vector<Component> out;
    for (const auto& v : verbs()) out.push_back({"verb", v.name, v.summary, ""});
    return out;
}

// One row a registry.
constexpr std::vector<Component> (*kRegistries[])() = {verb_components,
                                                       io::format_components,
                                                       nn::local_encoder_components,
                                                       nn::global_encoder_components,
                                                       nn::local_decoder_components,
                                                       nn::global_decoder_components,
                                                       models::model_components,
                                                       data::data_components};

}  // namespace

VerbRun add_list(CLI::App& app) {
    auto kind = std::make_shared<std::string>();
    app.add_option("KIND", *kind, "Only this kind: verb, format, model, …");
    return [kind](VerbContext& context) {
        std::vector<Component> all;
        for (const auto registry : kRegistries)
            for (auto& c : registry()) all.push_back(std::move(c));
        std::vector<std::string> kinds;
        for (const auto& c : all)
            if (std::find(kinds.begin(), kinds.end(), c.kind) == kinds.end()) kinds.push_back(c.kind);
        if (!kind->empty() && std::find(kinds.begin(), kinds.end(), *kind) == kinds.end())
            fail(ErrorKind::usage, "nothing of the kind \"{}\" is built in; there is: {}", *kind,
                 fmt::join(kinds, ", "));

        auto& components = context.json["components"] = nlohmann::ordered_json::array();
        std::string heading;
        for (const auto& c : all) {
            if (!kind->empty() && c.kind != *kind) continue;
            components.push_back(
                {{"kind", c.kind}, {"name", c.name}, {"summary", c.summary}, {"reference", c.reference}});
            if (std::exchange(heading, c.kind) != c.kind) context.print("{}s\n", c.kind);
            context.print("  {:<18} {}{}\n", c.name, c.summary,
                          c.reference.empty() ? "" : fmt::format(" [{}]", c.reference));
        }
    };
}

}  // namespace nir::app
