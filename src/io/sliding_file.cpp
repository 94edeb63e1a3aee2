// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "io/sliding_file.h"

#include "nir/base/error.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace nir::io {
namespace {

constexpr std::size_t kStep = std::size_t{4} << 20;  ///< bytes that are read and forgotten together

}  // namespace

SlidingFile::SlidingFile(const std::filesystem::path& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) {
        if (errno == ENOENT) fail(ErrorKind::input, "no such file");
        if (errno == EACCES) fail(ErrorKind::input, "no permission to read this file");
        fail(ErrorKind::input, "cannot open: {}", std::strerror(errno));
    }
    struct stat status {};
    const bool regular = ::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode);
    size_ = regular ? static_cast<std::size_t>(status.st_size) : 0;
    void* data = MAP_FAILED;
    // Addresses without memory behind them; need() puts the file's bytes there.
    if (size_ > 0)
        data = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (!regular || (size_ > 0 && data == MAP_FAILED)) {
        const int error = errno;
        ::close(fd_);
        if (!regular) fail(ErrorKind::input, "is no file that can be read in parts");
        fail(ErrorKind::input, "cannot be read in parts: {}", std::strerror(error));
    }
    if (size_ > 0) data_ = static_cast<char*>(data);
}

SlidingFile::~SlidingFile() {
    if (data_ != nullptr) ::munmap(data_, size_);
    ::close(fd_);
}

void SlidingFile::need(std::size_t from, std::size_t to) {
    to = std::min(size_, (to + kStep - 1) / kStep * kStep);
    while (loaded_ < to) {
        const ssize_t n = ::pread(fd_, data_ + loaded_, to - loaded_, static_cast<off_t>(loaded_));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) fail(ErrorKind::input, "cannot read: {}", std::strerror(errno));
        if (n == 0) fail(ErrorKind::input, "the file became shorter while it was read: {} of {} bytes", loaded_, size_);
        loaded_ += static_cast<std::size_t>(n);
    }
    const std::size_t gone = std::min(from, loaded_) / kStep * kStep;
    if (gone <= forgotten_) return;
    ::madvise(data_ + forgotten_, gone - forgotten_, MADV_DONTNEED);
    forgotten_ = gone;
}

void SlidingFile::rewind() {
    if (data_ != nullptr) ::madvise(data_, size_, MADV_DONTNEED);
    loaded_ = forgotten_ = 0;
}

void BlockSink::after_line(std::size_t end, std::size_t number) const {
    if (end > file.loaded()) fail(ErrorKind::format, "line {}: longer than {} bytes", number, kAhead);
}

}  // namespace nir::io
