// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/mapped_file.h"

#include "nir/base/error.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace nir::io {

MappedFile::MappedFile(const std::filesystem::path& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        if (errno == ENOENT) fail(ErrorKind::input, "no such file");
        if (errno == EACCES) fail(ErrorKind::input, "no permission to read this file");
        fail(ErrorKind::input, "cannot open: {}", std::strerror(errno));
    }
    struct stat status {};
    const bool known = ::fstat(fd, &status) == 0;
    const int stat_error = errno;
    void* data = nullptr;
    int map_error = 0;
    const bool regular = known && S_ISREG(status.st_mode);
    if (regular && status.st_size > 0) {
        data = ::mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_SHARED, fd, 0);
        if (data == MAP_FAILED) map_error = errno;
    }
    ::close(fd);
    if (!known) fail(ErrorKind::input, "cannot open: {}", std::strerror(stat_error));
    if (S_ISDIR(status.st_mode)) fail(ErrorKind::input, "is a directory, not a file");
    if (!regular) fail(ErrorKind::input, "is a pipe or device; only a file can be mapped");
    if (map_error != 0) fail(ErrorKind::input, "cannot be mapped: {}", std::strerror(map_error));
    data_ = static_cast<const char*>(data);
    size_ = data_ != nullptr ? static_cast<std::size_t>(status.st_size) : 0;
}

MappedFile::~MappedFile() {
    if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
}

}  // namespace nir::io
