// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/output_file.h"

#include "nir/base/error.h"

#include "base/temporary_files.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <streambuf>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace nir {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_io(const fs::path& target, int error) {
    const std::string name = target.string(), folder = target.has_parent_path() ? target.parent_path().string() : ".";
    switch (error) {
        case ENOSPC:
        case EDQUOT:
            fail(ErrorKind::io, "{}: the disk is full; nothing was written", name);
        case EACCES:
        case EPERM:
            fail(ErrorKind::io, "{}: no permission to write there", name);
        case EROFS:
            fail(ErrorKind::io, "{}: the disk is read-only", name);
        case ENOENT:
        case ENOTDIR:
            fail(ErrorKind::io, "{}: there is no folder \"{}\"", name, folder);
        case EFBIG:
            fail(ErrorKind::io, "{}: the file grows larger than the system allows", name);
        case EISDIR:
            fail(ErrorKind::io, "{}: this is a folder, a file name is needed", name);
        default:
            fail(ErrorKind::io, "{}: cannot be written ({})", name, std::strerror(error));
    }
}

/// Where the bytes really go: links are followed, so that a link stays a link.
fs::path resolve(const fs::path& target) {
    std::error_code ec;
    if (target.empty()) fail(ErrorKind::io, "an empty name cannot be written");
    if (fs::is_directory(target, ec) || !target.has_filename()) fail_io(target, EISDIR);
    if (fs::is_symlink(target, ec)) {
        fs::path real = fs::weakly_canonical(target, ec);
        if (!ec) return real;
    }
    return target;
}

bool is_special(const fs::path& path) {
    std::error_code ec;
    const auto status = fs::status(path, ec);
    return !ec && fs::exists(status) && !fs::is_regular_file(status);
}

/// A name in the same folder that nobody else uses: process number and a counter, opened exclusively.
fs::path temporary_name(const fs::path& target) {
    static std::atomic<unsigned> counter{0};
    std::string name = target.filename().string();
    if (name.size() > 200) name.resize(200);  // file names end at 255 bytes
    return target.parent_path() / fmt::format(".{}.{}-{}.tmp", name, ::getpid(), counter++);
}

}  // namespace

class OutputFile::Impl final : public std::streambuf {
public:
    explicit Impl(const fs::path& wanted) : target_(resolve(wanted)), named_(wanted), stream_(this) {
        stream_.exceptions(std::ios::badbit);
        if (is_special(target_)) {
            fd_ = ::open(target_.c_str(), O_WRONLY | O_CLOEXEC);
            if (fd_ < 0) fail_io(named_, errno);
        } else {
            struct stat old {};
            const bool exists = ::stat(target_.c_str(), &old) == 0;
            if (exists && ::faccessat(AT_FDCWD, target_.c_str(), W_OK, AT_EACCESS) != 0) fail_io(named_, errno);
            temporary_ = temporary_name(target_);
            fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
            if (fd_ < 0) fail_io(named_, errno);
            slot_ = remember_temporary(temporary_.c_str());
            if (exists) (void)::fchmod(fd_, old.st_mode & 07777);  // keeps the permissions of the file it replaces
        }
        setp(buffer_.data(), buffer_.data() + buffer_.size());
    }

    ~Impl() override {
        if (fd_ >= 0) ::close(fd_);
        if (!temporary_.empty()) ::unlink(temporary_.c_str());
        forget_temporary(slot_);
    }

    void write_all(const char* data, std::size_t n) {
        while (n > 0) {
            const ssize_t done = ::write(fd_, data, n);
            if (done < 0 && errno == EINTR) continue;
            if (done <= 0) fail_io(named_, done < 0 ? errno : EIO);
            data += done;
            n -= static_cast<std::size_t>(done);
        }
    }

    void flush() {
        const auto n = static_cast<std::size_t>(pptr() - pbase());
        setp(buffer_.data(), buffer_.data() + buffer_.size());
        write_all(buffer_.data(), n);
    }

    void commit() {
        NIR_CHECK(fd_ >= 0);
        flush();
        if (!temporary_.empty()) {
            if (::fsync(fd_) != 0) fail_io(named_, errno);
            if (::close(std::exchange(fd_, -1)) != 0) fail_io(named_, errno);
            if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail_io(named_, errno);
            temporary_.clear();
        } else if (::close(std::exchange(fd_, -1)) != 0) {
            fail_io(named_, errno);
        }
    }

    const fs::path target_, named_;
    std::ostream stream_;

protected:
    int_type overflow(int_type c) override {
        flush();
        if (!traits_type::eq_int_type(c, traits_type::eof())) sputc(traits_type::to_char_type(c));
        return traits_type::not_eof(c);
    }
    std::streamsize xsputn(const char* data, std::streamsize n) override {
        const auto size = static_cast<std::size_t>(n);
        if (size > static_cast<std::size_t>(epptr() - pptr())) flush();
        if (size >= buffer_.size()) {
            write_all(data, size);
        } else {
            std::memcpy(pptr(), data, size);
            pbump(static_cast<int>(size));
        }
        return n;
    }
    int sync() override {
        flush();
        return 0;
    }

private:
    fs::path temporary_;
    int fd_ = -1, slot_ = -1;
    std::array<char, 1 << 16> buffer_;
};

OutputFile::OutputFile(const fs::path& target) : impl_(std::make_unique<Impl>(target)) {}
OutputFile::~OutputFile() = default;
std::ostream& OutputFile::stream() { return impl_->stream_; }
const fs::path& OutputFile::target() const { return impl_->named_; }
void OutputFile::commit() { impl_->commit(); }

void OutputFile::write(std::span<const std::byte> bytes) {
    impl_->stream_.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

void check_writable(const fs::path& target) { const OutputFile probe(target); }

}  // namespace nir
