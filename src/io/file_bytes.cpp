// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/file_bytes.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <istream>
#include <new>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace nir::io {
namespace {

constexpr std::size_t kStreamLimit = std::size_t{4} << 30;

struct Descriptor {
    int fd = -1;
    explicit Descriptor(int f) : fd(f) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd >= 0) ::close(fd);
    }
};

std::size_t read_some(int fd, char* to, std::size_t n) {
    for (;;) {
        const ssize_t got = ::read(fd, to, std::min<std::size_t>(n, std::size_t{1} << 30));
        if (got >= 0) return static_cast<std::size_t>(got);
        if (errno != EINTR) fail(ErrorKind::input, "cannot read: {}", std::strerror(errno));
    }
}

// Grows a buffer until `more(to, n)` returns 0.
template <class F>
FileBytes read_growing(F&& more) {
    std::size_t size = 0, capacity = std::size_t{1} << 16;
    auto data = std::make_unique_for_overwrite<char[]>(capacity);
    for (;;) {
        const std::size_t got = more(data.get() + size, capacity - size);
        if (got == 0) return {std::move(data), size};
        size += got;
        if (size < capacity) continue;
        if (capacity >= kStreamLimit) fail(ErrorKind::input, "more than 4 GiB came from a pipe or device");
        capacity *= 2;
        auto larger = std::make_unique_for_overwrite<char[]>(capacity);
        std::memcpy(larger.get(), data.get(), size);
        data = std::move(larger);
    }
}

}  // namespace

FileBytes read_file(const std::filesystem::path& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.fd < 0) {
        if (errno == ENOENT) fail(ErrorKind::input, "no such file");
        if (errno == EACCES) fail(ErrorKind::input, "no permission to read this file");
        fail(ErrorKind::input, "cannot open: {}", std::strerror(errno));
    }
    struct stat status {};
    if (::fstat(file.fd, &status) != 0) fail(ErrorKind::input, "cannot open: {}", std::strerror(errno));
    if (S_ISDIR(status.st_mode)) fail(ErrorKind::input, "is a directory, not a file");
    if (!S_ISREG(status.st_mode)) {
        return read_growing([&](char* to, std::size_t n) { return read_some(file.fd, to, n); });
    }
    const auto size = static_cast<std::size_t>(status.st_size);
    // Files in /proc and the like have size 0 and contents.
    if (size == 0) return read_growing([&](char* to, std::size_t n) { return read_some(file.fd, to, n); });
    std::unique_ptr<char[]> data;
    try {
        data = std::make_unique_for_overwrite<char[]>(size);
    } catch (const std::bad_alloc&) {
        fail(ErrorKind::input, "is {} bytes long, more than this machine's memory", size);
    }
    std::size_t done = 0;
    while (done < size) {
        const std::size_t got = read_some(file.fd, data.get() + done, size - done);
        if (got == 0) break;
        done += got;
    }
    return {std::move(data), done};
}

FileBytes read_stream(std::istream& in) {
    FileBytes bytes = read_growing([&](char* to, std::size_t n) {
        in.read(to, static_cast<std::streamsize>(n));
        return static_cast<std::size_t>(in.gcount());
    });
    if (in.bad()) fail(ErrorKind::input, "cannot read the stream");
    return bytes;
}

}  // namespace nir::io
