// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "io/lzf.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace nir::io {

// A control byte c < 32 is followed by c + 1 literal bytes. Otherwise its upper three bits are a length - 2 (7: one
// more byte is added), its lower five bits and the next byte a distance - 1 back into what is already unpacked.
bool lzf_unpack(std::string_view in, std::size_t size, std::string& out) {
    out.assign(size, '\0');
    std::size_t from = 0, to = 0;
    const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(in[i])); };
    while (from < in.size()) {
        const std::size_t control = byte(from++);
        if (control < 32) {
            const std::size_t n = control + 1;
            if (n > in.size() - from || n > size - to) return false;
            in.copy(out.data() + to, n, from);
            from += n, to += n;
            continue;
        }
        std::size_t length = control >> 5;
        if (length == 7) {
            if (from >= in.size()) return false;
            length += byte(from++);
        }
        length += 2;
        if (from >= in.size()) return false;
        const std::size_t distance = ((control & 31) << 8 | byte(from++)) + 1;
        if (distance > to || length > size - to) return false;
        for (std::size_t i = 0; i < length; ++i, ++to) out[to] = out[to - distance];
    }
    return to == size;
}

std::string lzf_pack(std::string_view in) {
    std::array<std::size_t, 4096> last{};  // position + 1 of the latest three bytes with this hash
    std::string out;
    std::size_t literal = 0, at = 0;
    const auto flush = [&](std::size_t end) {
        for (; literal < end; literal += std::min<std::size_t>(32, end - literal)) {
            const std::size_t n = std::min<std::size_t>(32, end - literal);
            out += static_cast<char>(n - 1);
            out.append(in.substr(literal, n));
        }
    };
    while (at + 3 <= in.size()) {
        const auto b = [&](std::size_t i) {
            return static_cast<std::uint32_t>(static_cast<unsigned char>(in[at + i]));
        };
        std::size_t& slot = last[((b(0) << 16 | b(1) << 8 | b(2)) * 2654435761u) >> 20];
        const std::size_t found = slot;
        slot = at + 1;
        if (found == 0 || at - (found - 1) > 8192 || in.substr(found - 1, 3) != in.substr(at, 3)) {
            ++at;
            continue;
        }
        const std::size_t distance = at - (found - 1) - 1;
        std::size_t n = 3;
        while (n < 264 && at + n < in.size() && in[found - 1 + n] == in[at + n]) ++n;
        flush(at);
        const std::size_t length = n - 2;
        out += static_cast<char>(std::min<std::size_t>(length, 7) << 5 | distance >> 8);
        if (length >= 7) out += static_cast<char>(length - 7);
        out += static_cast<char>(distance & 255);
        at += n, literal = at;
    }
    flush(in.size());
    return out;
}

}  // namespace nir::io
