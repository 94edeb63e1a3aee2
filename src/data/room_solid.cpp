// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Boards, objects and whole rooms as solids.
#include "nir/data/room_generator.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace nir::data {

using geom::Box3f;

namespace {

constexpr std::size_t kBlock = 256;

/// Signed distance of a box around 0.
float box_distance(Vec3f p, Vec3f half) {
    const Vec3f q{std::abs(p.x) - half.x, std::abs(p.y) - half.y, std::abs(p.z) - half.z};
    return norm(max(q, Vec3f{})) + std::min(std::max({q.x, q.y, q.z}), 0.0f);
}

class BoardSolid final : public Solid {
public:
    explicit BoardSolid(const RoomBoard& board)
        : board_(board), cos_(std::cos(board.yaw_rad)), sin_(std::sin(board.yaw_rad)) {}
    void eval(const Vec3f* points, std::size_t n, float* out) const override {
        const Vec3f half = board_.half;
        for (std::size_t i = 0; i < n; ++i) {
            const Vec3f p = turn_y(points[i] - board_.center, cos_, -sin_);
            if (board_.round) {
                const float a = std::hypot(p.x, p.z) - half.x, b = std::abs(p.y) - half.y;
                out[i] = std::min(std::max(a, b), 0.0f) + std::hypot(std::max(a, 0.0f), std::max(b, 0.0f));
            } else {
                out[i] = box_distance(p, half);
            }
            for (const Box3f& hole : board_.openings)
                out[i] = std::max(out[i], -box_distance(points[i] - hole.center(), hole.size() * 0.5f));
        }
    }

private:
    RoomBoard board_;
    float cos_, sin_;
};

/// All pieces at once. A piece is asked only where its box is nearer than what was found before, and its distance
/// counts as at least that of the box, so that what is left out could not have changed the result.
class RoomSolid final : public Solid {
public:
    explicit RoomSolid(const std::vector<RoomPiece>& pieces) : pieces_(pieces) {
        for (const auto& p : pieces_) lipschitz_ = std::max(lipschitz_, p.solid->lipschitz());
    }
    float lipschitz() const override { return lipschitz_; }
    void eval(const Vec3f* points, std::size_t n, float* out) const override {
        for (std::size_t b = 0; b < n; b += kBlock) block(points + b, std::min(kBlock, n - b), out + b);
    }

private:
    void block(const Vec3f* points, std::size_t n, float* out) const {
        std::array<Vec3f, kBlock> asked;
        std::array<float, kBlock> squared, d;
        std::array<std::uint16_t, kBlock> index;
        std::fill(out, out + n, 1e30f);
        for (const auto& piece : pieces_) {
            const Vec3f lo = piece.box.lo, hi = piece.box.hi;
            for (std::size_t i = 0; i < n; ++i) {
                const Vec3f q = max(max(lo - points[i], points[i] - hi), Vec3f{});
                squared[i] = squared_norm(q);
            }
            std::size_t m = 0;
            for (std::size_t i = 0; i < n; ++i) {
                const float most = out[i] > 0 ? out[i] * out[i] : std::numeric_limits<float>::min();
                if (squared[i] < most) index[m] = static_cast<std::uint16_t>(i), asked[m++] = points[i];
            }
            if (m == 0) continue;
            piece.solid->eval(asked.data(), m, d.data());
            for (std::size_t k = 0; k < m; ++k) {
                const std::size_t i = index[k];
                out[i] = std::min(out[i], squared[i] > 0 ? std::max(d[k], std::sqrt(squared[i])) : d[k]);
            }
        }
    }

    std::vector<RoomPiece> pieces_;
    float lipschitz_ = 1.0f;
};

}  // namespace

SolidPtr solid_of(const RoomBoard& board) { return std::make_shared<BoardSolid>(board); }

Room::Room(RoomPlan plan, std::vector<RoomPiece> pieces)
    : plan_(std::move(plan)), pieces_(std::move(pieces)), solid_(std::make_shared<RoomSolid>(pieces_)) {
    for (const auto& p : pieces_) box_.extend(p.box.lo), box_.extend(p.box.hi);
}

void Room::nearest_pieces(std::span<const Vec3f> points, std::span<std::uint32_t> out) const {
    std::vector<float> best(points.size(), std::numeric_limits<float>::max()), d(points.size());
    for (std::uint32_t k = 0; k < pieces_.size(); ++k) {
        pieces_[k].solid->eval(points.data(), points.size(), d.data());
        for (std::size_t i = 0; i < d.size(); ++i)
            if (d[i] < best[i]) best[i] = d[i], out[i] = k;
    }
}

Vec3f Room::to_shape(Vec3f p) const {
    const Pose& m = shape_from_room_;
    return (m.axis_x * p.x + m.axis_y * p.y + m.axis_z * p.z) * m.scale + m.translation;
}

Vec3f Room::to_room(Vec3f p) const {
    const Pose& m = shape_from_room_;
    const Vec3f q = (p - m.translation) / m.scale;
    return {dot(q, m.axis_x), dot(q, m.axis_y), dot(q, m.axis_z)};
}

std::shared_ptr<const Room> Room::moved(Vec3f translation, float scale) const {
    auto out = std::make_shared<Room>(*this);
    out->shape_from_room_.translation = translation + shape_from_room_.translation * scale;
    out->shape_from_room_.scale *= scale;
    return out;
}

}  // namespace nir::data
