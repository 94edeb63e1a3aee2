// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// nir: argv -> verb -> exit code. One verb a file (cmd_<verb>.cpp), all in the table of verbs.cpp.
#include "nir/base/diagnostics.h"
#include "nir/base/error.h"
#include "nir/base/interrupt.h"
#include "nir/base/log.h"
#include "nir/base/parallel.h"
#include "nir/base/terminal_progress.h"
#include "nir/nn/runtime.h"
#include "nir/nn/torch_guard.h"

#include "verb.h"

#include <exception>
#include <filesystem>
#include <malloc.h>
#include <new>

namespace nir::app {
namespace {

constexpr const char* kFullStdout = "the result could not be written to stdout";

/// Networks allocate and free the same large temporaries again and again. glibc maps and unmaps each of them, and the
/// page faults cost more than the arithmetic; keeping them on the heap halves the faults of a reconstruction (1.08 to
/// 0.50 million) for a quarter more memory (1.67 to 2.08 GB).
void keep_large_blocks() {
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_TOP_PAD, 16 << 20);
}

void add_global_options(CLI::App& app, GlobalOptions& o) {
    app.add_option("--threads", o.threads, "Threads to compute with; 0 = all cores")
        ->check(CLI::Range(0, 4096))
        ->capture_default_str();
    app.add_option("--device", o.device, "Where networks run")
        ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
        ->capture_default_str();
    app.add_option("--seed", o.seed, "First state of every random number")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    app.add_flag("-q,--quiet", o.quiet, "Only warnings and errors on stderr");
    app.add_flag("-v,--verbose", o.verbose, "More on stderr");
    app.add_flag("--json", o.json, "One JSON object on stdout instead of text");
}

/// CLI11's complaint as one line of ours, with the nearest name where something is misspelled.
std::string usage_message(const CLI::App& app, const CLI::ParseError& e) {
    const CLI::App* active = &app;
    if (const auto parsed = app.get_subcommands(); !parsed.empty()) active = parsed.front();
    const std::string help = active == &app ? "nir --help" : fmt::format("nir {} --help", active->get_name());
    if (dynamic_cast<const CLI::ExtrasError*>(&e)) {
        const auto extra = app.remaining(true);
        const std::string word = extra.empty() ? "" : extra.front();
        std::vector<std::string> names;
        if (word.starts_with("-")) {
            for (const CLI::App* a : {active, &app})
                for (const auto* option : a->get_options())
                    for (const auto& l : option->get_lnames()) names.push_back("--" + l);
        } else if (active == &app) {
            for (const auto& v : verbs()) names.emplace_back(v.name);
        }
        const std::string nearest = nearest_name(word.substr(0, word.find('=')), names);
        const char* what = word.starts_with("-") ? "unknown option"
                           : active == &app      ? "unknown verb"
                                                 : "unexpected argument";
        return fmt::format("{} \"{}\"{}; see {}", what, word,
                           nearest.empty() ? "" : fmt::format(" – did you mean \"{}\"?", nearest), help);
    }
    std::string text = e.what();
    for (char& c : text)
        if (c == '\n') c = ' ';
    return fmt::format("{}; see {}", text, help);
}

void print_report(const VerbContext& context) {
    nlohmann::ordered_json report = {
        {"version", NIR_VERSION}, {"device", context.device}, {"threads", threads()}, {"seed", context.seed}};
    auto& seconds = report["seconds"] = nlohmann::ordered_json::object();
    for (const auto& [phase, s] : context.timer.seconds()) seconds[phase] = s;
    seconds["total"] = context.timer.total_seconds();
    report["peak_memory_bytes"] = peak_memory_bytes();
    for (const auto& [key, value] : context.json.items()) report[key] = value;
    // Names from files may hold bytes that are no UTF-8; they must not stop a report.
    fmt::print("{}\n", report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

void run_verb(const GlobalOptions& options, const VerbRun& run, PhaseTimer& timer) {
    TerminalProgress bar;
    set_log_level(options.quiet ? LogLevel::warning : options.verbose ? LogLevel::debug : LogLevel::info);
    struct SinkGuard {
        LogSink former;
        ~SinkGuard() { set_log_sink(std::move(former)); }
    } guard{set_log_sink([&bar](LogLevel level, std::string_view text) { bar.message(level, text); })};
    install_interrupt_handler();
    nn::init_torch(options.threads);

    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    // Ctrl-C must work under -q too, so the silent progress asks as well.
    struct QuietProgress final : Progress {
        void begin(std::string_view, std::uint64_t, std::string_view) override {}
        bool advance(std::uint64_t) override { return !interrupted(); }
        void end() override {}
    } quiet;
    VerbContext context{options,
                        nn::resolve_device(options.device),
                        static_cast<std::uint64_t>(options.seed),
                        options.quiet ? static_cast<Progress&>(quiet) : bar,
                        timer,
                        json};
    run(context);
    if (options.json) print_report(context);
    if (std::fflush(stdout) != 0) fail(ErrorKind::io, kFullStdout);
    if (!context.incomplete.empty()) fail(ErrorKind::input, "{}", context.incomplete);
}

int report(const Error& e) {
    if (e.kind() == ErrorKind::internal)
        fmt::print(stderr, "error: a bug in nir: {} ({}:{}); please report it\n", e.what(),
                   std::filesystem::path(e.where().file_name()).filename().string(), e.where().line());
    else
        fmt::print(stderr, "{}{}\n", e.kind() == ErrorKind::cancelled ? "" : "error: ", e.what());
    return e.exit_code();
}

int run_main(int argc, char** argv) {
    PhaseTimer timer;
    CLI::App app{"nir turns scans, images and photos into neural implicit surfaces, and those into meshes.", "nir"};
    GlobalOptions options;
    add_global_options(app, options);
    app.set_version_flag("--version", std::string("nir " NIR_VERSION));
    app.get_formatter()->column_width(34);
    app.fallthrough()->footer("nir VERB --help shows the options of a verb.");

    VerbRun run;
    for (const auto& verb : verbs()) {
        auto* sub = app.add_subcommand(verb.name, verb.summary);
        sub->fallthrough();
        auto verb_run = verb.add(*sub);
        sub->final_callback([&run, verb_run = std::move(verb_run)] { run = verb_run; });
    }
    app.require_subcommand(0, 1);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        if (e.get_exit_code() == 0) return app.exit(e);  // --help, --version
        fmt::print(stderr, "error: {}\n", usage_message(app, e));
        return 2;
    }
    if (!run) {
        fmt::print(stderr, "{}\nerror: a verb is needed\n", app.help());
        return 2;
    }
    nn::torch_guard("nir " + app.get_subcommands().front()->get_name(), [&] { run_verb(options, run, timer); });
    return interrupted() ? 130 : 0;
}

int guarded_main(int argc, char** argv) {
    try {
        return run_main(argc, argv);
    } catch (const Error& e) {
        return report(e);
    } catch (const std::bad_alloc&) {
        fmt::print(stderr, "error: not enough memory for this task on this machine\n");
        return 3;
    } catch (const std::exception& e) {
        if (std::ferror(stdout)) return report(Error(ErrorKind::io, kFullStdout));  // fmt::print fails by an exception
        const std::string text = e.what();
        return report(Error(ErrorKind::internal, text.substr(0, text.find('\n'))));
    } catch (...) {
        return report(Error(ErrorKind::internal, "an exception of an unknown type"));
    }
}

/// At exit libtorch takes every operator out of its tables again, which costs a fifth of a second and helps nobody.
int leave(int code) {
#ifdef __SANITIZE_ADDRESS__
    return code;  // leaks are looked for at a normal exit
#else
    std::fflush(nullptr);
    std::_Exit(code);
#endif
}

}  // namespace
}  // namespace nir::app

int main(int argc, char** argv) {
    nir::app::hand_over(argc, argv);
    nir::app::keep_large_blocks();
    return nir::app::leave(nir::app::guarded_main(argc, argv));
}
