// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Distortion formulas of camera.h on the normalised image plane (y down).
#pragma once

#include "nir/geom/camera.h"

#include <cmath>
#include <numbers>
#include <optional>

namespace nir::geom::lens {

struct Point2 {
    double x = 0, y = 0;
};

/// Radial factor s(r²) and ds / d(r²).
struct Radial {
    double s = 1, ds = 0;
};
inline Radial radial(const Lens& l, double q) {
    const double n = 1 + q * (l.k[0] + q * (l.k[1] + q * (l.k[2] + q * l.k[3])));
    const double dn = l.k[0] + q * (2 * l.k[1] + q * (3 * l.k[2] + q * 4 * l.k[3]));
    const double m = 1 + q * (l.d[0] + q * (l.d[1] + q * l.d[2]));
    const double dm = l.d[0] + q * (2 * l.d[1] + q * 3 * l.d[2]);
    return {n / m, (dn * m - n * dm) / (m * m)};
}

inline Point2 distort(const Lens& l, Point2 p) {
    const double q = p.x * p.x + p.y * p.y, s = radial(l, q).s;
    return {p.x * s + 2 * l.p1 * p.x * p.y + l.p2 * (q + 2 * p.x * p.x),
            p.y * s + l.p1 * (q + 2 * p.y * p.y) + 2 * l.p2 * p.x * p.y};
}

struct Jacobian {
    double xx, xy, yx, yy;
    double det() const { return xx * yy - xy * yx; }
};
inline Jacobian jacobian(const Lens& l, Point2 p) {
    const auto [s, ds] = radial(l, p.x * p.x + p.y * p.y);
    return {s + 2 * p.x * p.x * ds + 2 * l.p1 * p.y + 6 * l.p2 * p.x,
            2 * p.x * p.y * ds + 2 * l.p1 * p.x + 2 * l.p2 * p.y, 2 * p.x * p.y * ds + 2 * l.p1 * p.x + 2 * l.p2 * p.y,
            s + 2 * p.y * p.y * ds + 6 * l.p1 * p.y + 2 * l.p2 * p.x};
}

/// Steps at which the way from the optical axis is looked at for a fold.
constexpr int kFoldSteps = 24;

/// True if the lens does not fold over anywhere between the optical axis and p: beyond a fold, points outside the
/// picture would be seen inside it once more.
inline bool is_monotone(const Lens& l, Point2 p) {
    for (int i = 1; i <= kFoldSteps; ++i) {
        const double t = static_cast<double>(i) / kFoldSteps;
        const Jacobian j = jacobian(l, {t * p.x, t * p.y});
        if (!(j.det() > 0.0) || !(j.xx + j.yy > 0.0)) return false;
    }
    return true;
}

/// Newton's iteration with halved steps while the residual grows. Nothing if it does not get below 1e-12, or gets to
/// the far side of a fold.
inline std::optional<Point2> undistort(const Lens& l, Point2 target) {
    Point2 p = target;
    const auto residual = [&](Point2 at) {
        const Point2 d = distort(l, at);
        return Point2{d.x - target.x, d.y - target.y};
    };
    // Where the start itself lies beyond the fold, nearer to the axis it does not.
    for (int i = 0; i < 60 && !is_monotone(l, p); ++i) p = {0.8 * p.x, 0.8 * p.y};
    Point2 r = residual(p);
    for (int i = 0; i < 100; ++i) {
        const double size = std::hypot(r.x, r.y);
        if (size < 1e-12 * (1 + std::hypot(target.x, target.y))) {
            if (!is_monotone(l, p)) return std::nullopt;
            return p;
        }
        const Jacobian j = jacobian(l, p);
        const double det = j.det();
        if (!(std::abs(det) > 1e-12)) return std::nullopt;
        const Point2 step{(j.yy * r.x - j.xy * r.y) / det, (j.xx * r.y - j.yx * r.x) / det};
        double t = 1.0;
        bool better = false;
        for (int halving = 0; halving < 40 && !better; ++halving, t *= 0.5) {
            const Point2 next{p.x - t * step.x, p.y - t * step.y};
            const Point2 next_r = residual(next);
            if (std::hypot(next_r.x, next_r.y) < size) p = next, r = next_r, better = true;
        }
        if (!better) return std::nullopt;
    }
    return std::nullopt;
}

inline double fisheye_radius(const Lens& l, double theta) {
    const double q = theta * theta;
    return theta * (1 + q * (l.k[0] + q * (l.k[1] + q * (l.k[2] + q * l.k[3]))));
}
inline double fisheye_slope(const Lens& l, double theta) {
    const double q = theta * theta;
    return 1 + q * (3 * l.k[0] + q * (5 * l.k[1] + q * (7 * l.k[2] + q * 9 * l.k[3])));
}
inline bool fisheye_is_monotone(const Lens& l, double theta) {
    for (int i = 1; i <= kFoldSteps; ++i) {
        if (!(fisheye_slope(l, theta * i / kFoldSteps) > 0.0)) return false;
    }
    return true;
}

/// The angle whose image lies at radius r > 0: bracketed Newton on [0, pi].
inline std::optional<double> fisheye_angle(const Lens& l, double r) {
    // The end of the part of [0, pi] on which the radius grows.
    double hi = 0.0;
    constexpr int kSteps = 64;
    for (int i = 1; i <= kSteps && fisheye_slope(l, std::numbers::pi * i / kSteps) > 0.0; ++i)
        hi = std::numbers::pi * i / kSteps;
    if (!(hi > 0.0) || !(fisheye_radius(l, hi) >= r)) return std::nullopt;
    double lo = 0.0, theta = std::min(r, hi);
    for (int i = 0; i < 100; ++i) {
        const double f = fisheye_radius(l, theta) - r;
        if (std::abs(f) < 1e-13 * (1 + r) || hi - lo < 1e-15) return theta;
        (f > 0.0 ? hi : lo) = theta;
        const double next = theta - f / fisheye_slope(l, theta);
        theta = next > lo && next < hi ? next : 0.5 * (lo + hi);
    }
    return std::nullopt;
}

}  // namespace nir::geom::lens
