// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/spill_file.h"

#include "nir/base/error.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <utility>

namespace nir {
namespace {

[[noreturn]] void fail_io(const std::filesystem::path& folder, int error) {
    if (error == ENOSPC || error == EDQUOT)
        fail(ErrorKind::io, "{}: the disk is full; intermediate results go there", folder.string());
    fail(ErrorKind::io, "{}: cannot keep intermediate results there ({})", folder.string(), std::strerror(error));
}

int open_nameless(const std::filesystem::path& folder) {
    int fd = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return fd;
    // A file system that cannot: the name goes as soon as the file is open.
    std::string name = (folder / ".nir-XXXXXX").string();
    fd = ::mkostemp(name.data(), O_CLOEXEC);
    if (fd >= 0) ::unlink(name.c_str());
    return fd;
}

}  // namespace

SpillFile::SpillFile(const std::filesystem::path& folder)
    : folder_(folder.empty() ? "." : folder), fd_(open_nameless(folder_)) {
    if (fd_ < 0) fail_io(folder_, errno);
}

SpillFile::~SpillFile() {
    if (fd_ >= 0) ::close(fd_);
}

SpillFile::SpillFile(SpillFile&& other) noexcept
    : folder_(std::move(other.folder_)), fd_(std::exchange(other.fd_, -1)), size_(other.size_) {}

std::uint64_t SpillFile::append(std::span<const std::byte> bytes) {
    const std::uint64_t begin = size_;
    while (!bytes.empty()) {
        const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) fail_io(folder_, n < 0 ? errno : EIO);
        size_ += static_cast<std::uint64_t>(n);
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return begin;
}

void SpillFile::read(std::uint64_t offset, std::span<std::byte> out) const {
    NIR_CHECK(offset + out.size() <= size_);
    while (!out.empty()) {
        const ssize_t n = ::pread(fd_, out.data(), out.size(), static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) fail_io(folder_, n < 0 ? errno : EIO);
        offset += static_cast<std::uint64_t>(n);
        out = out.subspan(static_cast<std::size_t>(n));
    }
}

}  // namespace nir
