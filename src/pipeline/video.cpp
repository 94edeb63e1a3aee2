// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/video.h"

#include "nir/base/error.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <spawn.h>
#include <sstream>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

extern char** environ;  // NOLINT: POSIX declares it nowhere

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;

bool in_path(const std::string& program) {
    const char* path = std::getenv("PATH");
    std::istringstream folders(path ? path : "");
    for (std::string folder; std::getline(folders, folder, ':');)
        if (::access((fs::path(folder.empty() ? "." : folder) / program).c_str(), X_OK) == 0) return true;
    return false;
}

/// The last line of a text that is not empty.
std::string last_line(const fs::path& file) {
    std::ifstream in(file);
    std::string last;
    for (std::string line; std::getline(in, line);)
        if (line.find_first_not_of(" \t\r") != std::string::npos) last = line;
    return last.empty() ? "it said nothing" : last;
}

}  // namespace

struct VideoWriter::Impl {
    fs::path out, unfinished, log;
    int width, height, pipe = -1;
    pid_t process = -1;

    void start(double fps) {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0)
            fail(ErrorKind::io, "cannot talk to ffmpeg: {}", std::generic_category().message(errno));
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        std::vector<std::string> words{"ffmpeg",
                                       "-y",
                                       "-loglevel",
                                       "error",
                                       "-f",
                                       "rawvideo",
                                       "-pix_fmt",
                                       "rgb24",
                                       "-s",
                                       fmt::format("{}x{}", width, height),
                                       "-r",
                                       fmt::format("{}", fps),
                                       "-i",
                                       "-",
                                       "-vf",
                                       "pad=ceil(iw/2)*2:ceil(ih/2)*2",
                                       "-c:v",
                                       "libx264",
                                       "-crf",
                                       "18",
                                       "-pix_fmt",
                                       "yuv420p",
                                       "-movflags",
                                       "+faststart",
                                       "-f",
                                       "mp4",
                                       unfinished.string()};
        std::vector<char*> arguments;
        for (std::string& word : words) arguments.push_back(word.data());
        arguments.push_back(nullptr);
        // Of its own group: Ctrl-C is for nir, which then ends the pipe.
        posix_spawnattr_t attributes;
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
        const int failed = ::posix_spawnp(&process, "ffmpeg", &actions, &attributes, arguments.data(), environ);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        ::close(ends[0]);
        pipe = ends[1];
        if (failed != 0) {
            process = -1;
            fail(ErrorKind::io, "ffmpeg cannot be started: {}", std::generic_category().message(failed));
        }
    }

    /// Ends the input and waits. @return true if ffmpeg was content.
    bool end() {
        if (pipe >= 0) ::close(std::exchange(pipe, -1));
        if (process < 0) return false;
        int status = 0;
        while (::waitpid(process, &status, 0) < 0 && errno == EINTR) continue;
        process = -1;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }

    [[noreturn]] void give_up() {
        end();
        fail(ErrorKind::io, "{}: ffmpeg could not make the video: {}", out.string(), last_line(log));
    }

    ~Impl() {
        end();
        std::error_code ignored;
        fs::remove(unfinished, ignored);
        fs::remove(log, ignored);
    }
};

void VideoWriter::require_ffmpeg() {
    if (!in_path("ffmpeg"))
        fail(ErrorKind::input,
             "videos are made by the program ffmpeg, which is not in the PATH (apt install ffmpeg); pictures need "
             "nothing");
}

VideoWriter::VideoWriter(const fs::path& out, int width, int height, double fps) : impl_(std::make_unique<Impl>()) {
    require_ffmpeg();
    impl_->out = out, impl_->width = width, impl_->height = height;
    const std::string hidden = fmt::format(".{}.{}", out.filename().string(), ::getpid());
    impl_->unfinished = out.parent_path() / (hidden + ".mp4"), impl_->log = out.parent_path() / (hidden + ".log");
    impl_->start(fps);
}
VideoWriter::~VideoWriter() = default;

void VideoWriter::add(const geom::Image8& image) {
    NIR_CHECK(image.width == impl_->width && image.height == impl_->height && image.channels == 3);
    for (std::size_t at = 0; at < image.data.size();) {
        const ssize_t n = ::write(impl_->pipe, image.data.data() + at, image.data.size() - at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) impl_->give_up();
        at += static_cast<std::size_t>(n);
    }
}

void VideoWriter::finish() {
    std::error_code error;
    if (!impl_->end() || !fs::exists(impl_->unfinished, error)) impl_->give_up();
    fs::rename(impl_->unfinished, impl_->out, error);
    if (error) fail(ErrorKind::io, "{}: cannot be written: {}", impl_->out.string(), error.message());
}

}  // namespace nir::pipeline
