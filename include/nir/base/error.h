// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <fmt/format.h>

#include <exception>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace nir {

/// What went wrong, in the words of the exit codes of docs/contract: usage and config end with 2, input, format and io
/// with 3, numeric with 4, internal (a bug of ours) with 70, cancelled (Ctrl-C after saving) with 130.
enum class ErrorKind { usage, config, input, format, numeric, io, internal, cancelled };

/// The one exception type of nir. Outer layers add context ("reading scan.ply") while it passes by.
class Error : public std::exception {
public:
    Error(ErrorKind kind, std::string message, std::source_location where = std::source_location::current());

    ErrorKind kind() const noexcept { return kind_; }
    const std::string& message() const noexcept { return message_; }
    const std::source_location& where() const noexcept { return where_; }
    const std::vector<std::string>& context() const noexcept { return context_; }

    /// Adds an outer context; the outermost is printed first: "scan.ply: vertex 1037: x is not a number".
    Error& add_context(std::string_view context);
    const char* what() const noexcept override { return text_.c_str(); }
    int exit_code() const noexcept;

private:
    ErrorKind kind_;
    std::string message_, text_;
    std::vector<std::string> context_;
    std::source_location where_;
};

/// A format string that remembers where it was written.
struct FailFormat {
    fmt::string_view text;
    std::source_location where;
    template <class S>
    FailFormat(const S& s, std::source_location w = std::source_location::current()) : text(s), where(w) {}
};

[[noreturn]] void fail_v(ErrorKind kind, const FailFormat& format, fmt::format_args args);

/// Throws nir::Error. Example: fail(ErrorKind::format, "{} faces promised, {} found", n, m).
template <class... Args>
[[noreturn]] void fail(ErrorKind kind, FailFormat format, const Args&... args) {
    fail_v(kind, format, fmt::make_format_args(args...));
}

/// Calls f and adds `context` to any nir::Error that passes.
template <class F>
decltype(auto) with_context(std::string_view context, F&& f) {
    try {
        return f();
    } catch (Error& e) {
        e.add_context(context);
        throw;
    }
}

}  // namespace nir

/// Broken invariants are bugs of ours and are checked in release builds too.
#define NIR_CHECK(condition)                                                                       \
    do {                                                                                           \
        if (!(condition)) ::nir::fail(::nir::ErrorKind::internal, "check failed: {}", #condition); \
    } while (false)
