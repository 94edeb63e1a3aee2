// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/error.h"

namespace nir {

Error::Error(ErrorKind kind, std::string message, std::source_location where)
    : kind_(kind), message_(std::move(message)), text_(message_), where_(where) {}

Error& Error::add_context(std::string_view context) {
    context_.emplace_back(context);
    text_ = std::string(context) + ": " + text_;
    return *this;
}

int Error::exit_code() const noexcept {
    switch (kind_) {
        case ErrorKind::usage:
        case ErrorKind::config:
            return 2;
        case ErrorKind::input:
        case ErrorKind::format:
        case ErrorKind::io:
            return 3;
        case ErrorKind::numeric:
            return 4;
        case ErrorKind::cancelled:
            return 130;
        case ErrorKind::internal:
            break;
    }
    return 70;
}

void fail_v(ErrorKind kind, const FailFormat& format, fmt::format_args args) {
    throw Error(kind, fmt::vformat(format.text, args), format.where);
}

}  // namespace nir
