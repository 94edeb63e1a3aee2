// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/volume_march.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/volume_march.cpp"
#include <hwy/foreach_target.h>
// foreach_target comes first
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

// One ray a lane. All lanes take samples of their own lattice, so a lane that leaps over empty bricks comes back to the
// same places; a step in which every lane leaps costs no sample.
HWY_BEFORE_NAMESPACE();
namespace nir::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using DI = hn::RebindToSigned<D>;
using VF = hn::Vec<D>;
using VI = hn::Vec<DI>;
using MF = hn::Mask<D>;

struct Point {
    VF x, y, z;
};
struct Colour {
    VF r, g, b, tau;
};

/// The cell of a position and the place in it.
struct Cell {
    VI corner;  ///< index of its first sample
    VI brick;
    VI bx, by, bz;
    VI ix, iy, iz;
    VF fx, fy, fz;
};

/// Samples at the corners of a cell, digits for x, y, z.
struct Corners {
    VF c000, c001, c010, c011, c100, c101, c110, c111;
};

/// Everything a step needs, in registers or a cache line away.
class Marcher {
public:
    Marcher(const BrickVolume& v, const VolumeLook& look, const std::int32_t* leaps)
        : v_(v), look_(look), leaps_(leaps), n_lut_(static_cast<int>(look.lut.size() / 4)) {}

    void March(const VolumeRays& rays, std::size_t at, float* HWY_RESTRICT out, std::size_t stride) const {
        const D d;
        const Point o{hn::LoadU(d, &rays.ox[at]), hn::LoadU(d, &rays.oy[at]), hn::LoadU(d, &rays.oz[at])};
        const Point dir{hn::LoadU(d, &rays.dx[at]), hn::LoadU(d, &rays.dy[at]), hn::LoadU(d, &rays.dz[at])};
        const VF begin = hn::LoadU(d, &rays.begin[at]), dt = hn::LoadU(d, &rays.dt[at]);
        const VF steps = hn::LoadU(d, &rays.steps[at]);
        const Point inverse{Inverse(dir.x), Inverse(dir.y), Inverse(dir.z)};
        const VF one = hn::Set(d, 1.0f), half = hn::Set(d, 0.5f), stop = hn::Set(d, look_.stop);
        const Point view = ViewOf(dir);

        VF r = hn::Zero(d), g = r, b = r, sum_t = r, k = r, through = one;
        for (;;) {
            const MF active = hn::And(hn::Lt(k, steps), hn::Gt(through, stop));
            if (hn::AllFalse(d, active)) break;
            const VF t = hn::MulAdd(hn::Add(k, half), dt, begin);
            const Point p{hn::MulAdd(t, dir.x, o.x), hn::MulAdd(t, dir.y, o.y), hn::MulAdd(t, dir.z, o.z)};
            const Cell cell = CellOf(p);
            MF visible = active;
            VF next = hn::Add(k, one);
            if (leaps_ != nullptr) {
                const VI leap = hn::GatherIndex(DI(), leaps_, cell.brick);
                const MF empty = hn::RebindMask(d, hn::Gt(leap, hn::Zero(DI())));
                visible = hn::AndNot(empty, active);
                if (!hn::AllFalse(d, empty)) {
                    const VF exit = ExitOf(cell, leap, o, inverse);
                    // The first sample behind the exit; one that lies on it up to rounding is taken.
                    const VF behind = hn::Sub(hn::Div(hn::Sub(exit, begin), dt), hn::Set(d, 0.5f + 2e-3f));
                    next = hn::IfThenElse(empty, hn::Max(next, hn::Ceil(hn::Min(behind, steps))), next);
                }
            }
            k = hn::IfThenElse(active, next, k);
            if (hn::AllFalse(d, visible)) continue;

            const bool rgba = v_.channels == 4;
            const Corners corners = rgba ? Gather<4>(v_.samples.data() + 3, cell) : Gather<1>(v_.samples.data(), cell);
            Colour c = rgba ? ClassifyRgba(corners, cell) : Classify(Trilinear(corners, cell));
            VF alpha = hn::Sub(one, hn::Exp(d, hn::Neg(hn::Mul(c.tau, dt))));
            alpha = hn::IfThenElseZero(hn::And(visible, hn::Gt(c.tau, hn::Zero(d))), alpha);
            const MF seen = hn::Gt(alpha, hn::Zero(d));
            if (hn::AllFalse(d, seen)) continue;
            if (look_.shade) Light(rgba ? Gradient<4>(corners, cell) : Gradient<1>(corners, cell), view, c);
            const VF w = hn::Mul(through, alpha);
            r = hn::MulAdd(w, c.r, r), g = hn::MulAdd(w, c.g, g), b = hn::MulAdd(w, c.b, b);
            sum_t = hn::MulAdd(w, t, sum_t);
            through = hn::Sub(through, w);
        }
        const MF cut = hn::And(hn::Le(through, stop), hn::Gt(stop, hn::Zero(d)));
        const VF opacity = hn::Sub(one, through);
        const VF up = hn::IfThenElse(cut, hn::Div(one, opacity), one);
        hn::StoreU(hn::Mul(r, up), d, out);
        hn::StoreU(hn::Mul(g, up), d, out + stride);
        hn::StoreU(hn::Mul(b, up), d, out + 2 * stride);
        hn::StoreU(hn::IfThenElse(cut, one, opacity), d, out + 3 * stride);
        hn::StoreU(hn::Mul(sum_t, up), d, out + 4 * stride);
    }

private:
    HWY_INLINE VF Inverse(VF v) const {
        const D d;
        const VF tiny = hn::Set(d, 1e-20f);
        return hn::Div(hn::Set(d, 1.0f), hn::IfThenElse(hn::Lt(hn::Abs(v), tiny), hn::CopySign(tiny, v), v));
    }

    /// Towards the eye, unit vector of the world.
    HWY_INLINE Point ViewOf(Point dir) const {
        const D d;
        const Point v{hn::Mul(dir.x, hn::Set(d, -look_.spacing[0])), hn::Mul(dir.y, hn::Set(d, -look_.spacing[1])),
                      hn::Mul(dir.z, hn::Set(d, -look_.spacing[2]))};
        const VF n = hn::Sqrt(hn::Max(Dot(v, v), hn::Set(d, 1e-30f)));
        return {hn::Div(v.x, n), hn::Div(v.y, n), hn::Div(v.z, n)};
    }
    static HWY_INLINE VF Dot(Point a, Point b) { return hn::MulAdd(a.x, b.x, hn::MulAdd(a.y, b.y, hn::Mul(a.z, b.z))); }

    HWY_INLINE void Axis(VF p, int n, VI& i, VF& f) const {
        const D d;
        const VF x = hn::Min(hn::Max(p, hn::Zero(d)), hn::Set(d, static_cast<float>(n - 1)));
        i = hn::Min(hn::ConvertTo(DI(), x), hn::Set(DI(), n > 1 ? n - 2 : 0));
        f = hn::Sub(x, hn::ConvertTo(d, i));
    }
    HWY_INLINE Cell CellOf(Point p) const {
        const DI di;
        Cell c;
        Axis(p.x, v_.size[0], c.ix, c.fx);
        Axis(p.y, v_.size[1], c.iy, c.fy);
        Axis(p.z, v_.size[2], c.iz, c.fz);
        const VI ix = c.ix, iy = c.iy, iz = c.iz;
        c.bx = hn::ShiftRight<3>(ix), c.by = hn::ShiftRight<3>(iy), c.bz = hn::ShiftRight<3>(iz);
        const VI seven = hn::Set(di, 7);
        c.brick =
            hn::Add(hn::Mul(hn::Add(hn::Mul(c.bx, hn::Set(di, v_.bricks[1])), c.by), hn::Set(di, v_.bricks[2])), c.bz);
        const VI lx = hn::And(ix, seven), ly = hn::And(iy, seven), lz = hn::And(iz, seven);
        const VI nine = hn::Set(di, kVolumeBrickSide);
        c.corner = hn::Add(hn::Mul(c.brick, hn::Set(di, kVolumeBrickSamples)),
                           hn::Add(hn::Mul(hn::Add(hn::Mul(lx, nine), ly), nine), lz));
        return c;
    }

    /// Where a ray leaves the cube of empty bricks around its brick.
    HWY_INLINE VF ExitOf(const Cell& c, VI leap, Point o, Point inverse) const {
        const VF x = ExitOfAxis(c.bx, leap, v_.bricks[0], v_.size[0], o.x, inverse.x);
        const VF y = ExitOfAxis(c.by, leap, v_.bricks[1], v_.size[1], o.y, inverse.y);
        const VF z = ExitOfAxis(c.bz, leap, v_.bricks[2], v_.size[2], o.z, inverse.z);
        return hn::Min(x, hn::Min(y, z));
    }
    HWY_INLINE VF ExitOfAxis(VI brick, VI leap, int bricks, int size, VF o, VF inverse) const {
        const D d;
        const DI di;
        const VI one = hn::Set(di, 1);
        const VI lo = hn::Sub(brick, hn::Sub(leap, one)), hi = hn::Add(brick, leap);
        // The bricks at the border reach beyond it.
        const VF beyond = hn::Set(d, static_cast<float>(size) + 1.0f),
                 side = hn::Set(d, static_cast<float>(kVolumeBrick));
        const VF lo_at =
            hn::IfThenElse(hn::RebindMask(d, hn::Lt(lo, one)), hn::Set(d, -2.0f), hn::Mul(hn::ConvertTo(d, lo), side));
        const VF hi_at = hn::IfThenElse(hn::RebindMask(d, hn::Lt(hn::Set(di, bricks - 1), hi)), beyond,
                                        hn::Mul(hn::ConvertTo(d, hi), side));
        const VF bound = hn::IfThenElse(hn::Lt(inverse, hn::Zero(d)), lo_at, hi_at);
        return hn::Mul(hn::Sub(bound, o), inverse);
    }

    /// The samples at the corners of a cell. @param base samples + channel; indices are multiplied by the channels.
    template <int kChannels>
    HWY_INLINE Corners Gather(const float* HWY_RESTRICT base, const Cell& c) const {
        const D d;
        const DI di;
        VI at = c.corner;
        if constexpr (kChannels == 4) at = hn::ShiftLeft<2>(at);
        constexpr int kY = kVolumeBrickSide * kChannels, kX = kVolumeBrickSide * kY;
        const auto get = [&](int offset)
                             HWY_ATTR { return hn::GatherIndex(d, base, hn::Add(at, hn::Set(di, offset))); };
        return {get(0),  get(kChannels),      get(kY),      get(kY + kChannels),
                get(kX), get(kX + kChannels), get(kX + kY), get(kX + kY + kChannels)};
    }
    static HWY_INLINE VF Mix(VF a, VF b, VF f) { return hn::MulAdd(hn::Sub(b, a), f, a); }
    static HWY_INLINE VF Bilinear(VF a, VF b, VF c, VF e, VF outer, VF inner) {
        return Mix(Mix(a, b, inner), Mix(c, e, inner), outer);
    }
    static HWY_INLINE VF Trilinear(const Corners& v, const Cell& c) {
        return Mix(Bilinear(v.c000, v.c001, v.c010, v.c011, c.fy, c.fz),
                   Bilinear(v.c100, v.c101, v.c110, v.c111, c.fy, c.fz), c.fx);
    }
    template <int kChannels>
    HWY_INLINE VF Sample(int channel, const Cell& c) const {
        return Trilinear(Gather<kChannels>(v_.samples.data() + channel, c), c);
    }

    HWY_INLINE Colour Classify(VF value) const {
        const D d;
        const DI di;
        const VF last = hn::Set(d, static_cast<float>(n_lut_ - 1));
        const VF scale = hn::Set(d, static_cast<float>(n_lut_ - 1) / (look_.hi - look_.lo));
        const VF u = hn::Min(hn::Max(hn::Mul(hn::Sub(value, hn::Set(d, look_.lo)), scale), hn::Zero(d)), last);
        const VI i = hn::Min(hn::ConvertTo(di, u), hn::Set(di, n_lut_ - 2));
        const VF f = hn::Sub(u, hn::ConvertTo(d, i));
        const VI at = hn::ShiftLeft<2>(i);
        const auto row = [&](int c) HWY_ATTR {
            const VF a = hn::GatherIndex(d, look_.lut.data() + c, at);
            const VF b = hn::GatherIndex(d, look_.lut.data() + c + 4, at);
            return hn::MulAdd(hn::Sub(b, a), f, a);
        };
        return {row(0), row(1), row(2), row(3)};
    }

    /// @param alpha the corners of the opacity.
    HWY_INLINE Colour ClassifyRgba(const Corners& alpha, const Cell& cell) const {
        const D d;
        const VF one = hn::Set(d, 1.0f);
        const VF a = hn::Min(Trilinear(alpha, cell), hn::Set(d, 0.9999f));
        const MF there = hn::Gt(a, hn::Set(d, 1e-6f));
        const VF un = hn::IfThenElseZero(there, hn::Div(one, hn::Max(a, hn::Set(d, 1e-6f))));
        const VF tau =
            hn::Div(hn::Neg(hn::Log1p(d, hn::Neg(hn::IfThenElseZero(there, a)))), hn::Set(d, look_.reference_length));
        return {hn::Mul(Sample<4>(0, cell), un), hn::Mul(Sample<4>(1, cell), un), hn::Mul(Sample<4>(2, cell), un),
                hn::IfThenElseZero(there, tau)};
    }

    /// f(p + 1/2) - f(p - 1/2) along one axis: inside the cell, and towards the plane of samples beyond it that is
    /// nearer. @param lower, upper the cell's planes; @param plane gives the outer plane from its place along the axis.
    template <class Plane>
    HWY_INLINE VF Difference(VF f, VI i, int size, VF lower, VF upper, Plane&& plane) const {
        const D d;
        const DI di;
        const VF half = hn::Set(d, 0.5f);
        const MF below = hn::Lt(f, half);
        const VI last = hn::Set(di, size - 1), one = hn::Set(di, 1);
        const VI e = hn::IfThenElse(hn::RebindMask(di, below), hn::Max(hn::Sub(i, one), hn::Zero(di)),
                                    hn::Min(hn::Add(i, hn::Set(di, 2)), last));
        const VF outer = plane(e);
        const VF beyond = hn::IfThenElse(below, hn::Sub(lower, outer), hn::Sub(outer, upper));
        return Mix(hn::Sub(upper, lower), beyond, hn::Abs(hn::Sub(f, half)));
    }

    /// Brick of a sample along an axis and its place there.
    struct Place {
        VI brick, local;
    };
    static HWY_INLINE Place PlaceOf(VI sample, int bricks) {
        const VI brick = hn::Min(hn::ShiftRight<3>(sample), hn::Set(DI(), bricks - 1));
        return {brick, hn::Sub(sample, hn::ShiftLeft<3>(brick))};
    }
    /// Index of a sample given its bricks and places in them.
    HWY_INLINE VI IndexOf(Place x, Place y, Place z) const {
        const DI di;
        const VI brick = hn::Add(
            hn::Mul(hn::Add(hn::Mul(x.brick, hn::Set(di, v_.bricks[1])), y.brick), hn::Set(di, v_.bricks[2])), z.brick);
        const VI nine = hn::Set(di, kVolumeBrickSide);
        return hn::Add(hn::Mul(brick, hn::Set(di, kVolumeBrickSamples)),
                       hn::Add(hn::Mul(hn::Add(hn::Mul(x.local, nine), y.local), nine), z.local));
    }

    /// Central differences of half a sample, in world units: 12 samples beside those of the cell.
    template <int kChannels>
    HWY_INLINE Point Gradient(const Corners& v, const Cell& c) const {
        const D d;
        const DI di;
        const float* HWY_RESTRICT base = v_.samples.data() + (kChannels - 1);
        constexpr int kZ = kChannels, kY = kVolumeBrickSide * kZ, kX = kVolumeBrickSide * kY;
        const VI seven = hn::Set(di, 7);
        const Place x{c.bx, hn::And(c.ix, seven)}, y{c.by, hn::And(c.iy, seven)}, z{c.bz, hn::And(c.iz, seven)};
        const auto plane = [&](VI index, int a, int b, VF outer, VF inner) HWY_ATTR {
            if constexpr (kChannels == 4) index = hn::ShiftLeft<2>(index);
            const auto get = [&](int offset)
                                 HWY_ATTR { return hn::GatherIndex(d, base, hn::Add(index, hn::Set(di, offset))); };
            return Bilinear(get(0), get(b), get(a), get(a + b), outer, inner);
        };
        Point g;
        g.x = Difference(c.fx, c.ix, v_.size[0], Bilinear(v.c000, v.c001, v.c010, v.c011, c.fy, c.fz),
                         Bilinear(v.c100, v.c101, v.c110, v.c111, c.fy, c.fz), [&](VI e) HWY_ATTR {
                             return plane(IndexOf(PlaceOf(e, v_.bricks[0]), y, z), kY, kZ, c.fy, c.fz);
                         });
        g.y = Difference(c.fy, c.iy, v_.size[1], Bilinear(v.c000, v.c001, v.c100, v.c101, c.fx, c.fz),
                         Bilinear(v.c010, v.c011, v.c110, v.c111, c.fx, c.fz), [&](VI e) HWY_ATTR {
                             return plane(IndexOf(x, PlaceOf(e, v_.bricks[1]), z), kX, kZ, c.fx, c.fz);
                         });
        g.z = Difference(c.fz, c.iz, v_.size[2], Bilinear(v.c000, v.c010, v.c100, v.c110, c.fx, c.fy),
                         Bilinear(v.c001, v.c011, v.c101, v.c111, c.fx, c.fy), [&](VI e) HWY_ATTR {
                             return plane(IndexOf(x, y, PlaceOf(e, v_.bricks[2])), kX, kY, c.fx, c.fy);
                         });
        g.x = hn::Div(g.x, hn::Set(d, look_.spacing[0]));
        g.y = hn::Div(g.y, hn::Set(d, look_.spacing[1]));
        g.z = hn::Div(g.z, hn::Set(d, look_.spacing[2]));
        return g;
    }

    /// Two-sided Blinn-Phong light; the normal is the gradient.
    HWY_INLINE void Light(Point g, Point view, Colour& c) const {
        const D d;
        const VF one = hn::Set(d, 1.0f);
        const VF length = hn::Sqrt(Dot(g, g));
        const MF there = hn::Gt(length, hn::Set(d, 1e-12f));
        const VF inverse = hn::Div(one, hn::Max(length, hn::Set(d, 1e-12f)));
        const Point light{hn::Set(d, look_.light[0]), hn::Set(d, look_.light[1]), hn::Set(d, look_.light[2])};
        const Point h{hn::Add(light.x, view.x), hn::Add(light.y, view.y), hn::Add(light.z, view.z)};
        const VF h_length = hn::Max(hn::Sqrt(Dot(h, h)), hn::Set(d, 1e-6f));
        VF s = hn::Div(hn::Mul(hn::Abs(Dot(g, h)), inverse), h_length);
        s = hn::Mul(s, s), s = hn::Mul(s, s), s = hn::Mul(s, s), s = hn::Mul(s, s), s = hn::Mul(s, s);
        const VF lambert = hn::Mul(hn::Abs(Dot(g, light)), inverse);
        const VF factor =
            hn::IfThenElse(there, hn::MulAdd(hn::Set(d, look_.diffuse), lambert, hn::Set(d, look_.ambient)), one);
        const VF white = hn::IfThenElseZero(there, hn::Mul(hn::Set(d, look_.specular), s));
        c.r = hn::MulAdd(c.r, factor, white), c.g = hn::MulAdd(c.g, factor, white),
        c.b = hn::MulAdd(c.b, factor, white);
    }

    const BrickVolume& v_;
    const VolumeLook& look_;
    const std::int32_t* leaps_;
    int n_lut_;
};

void MarchVolume(const BrickVolume& volume, const VolumeLook& look, const std::int32_t* leaps, const VolumeRays& rays,
                 VolumeSums& out) {
    const std::size_t lanes = hn::Lanes(D()), n = rays.size(), whole = n - n % lanes;
    const Marcher marcher(volume, look, leaps);
    HWY_ALIGN float sums[5 * hn::MaxLanes(D())];
    const auto store = [&](std::size_t at, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            out.r[at + i] = sums[i], out.g[at + i] = sums[lanes + i], out.b[at + i] = sums[2 * lanes + i];
            out.a[at + i] = sums[3 * lanes + i], out.t[at + i] = sums[4 * lanes + i];
        }
    };
    for (std::size_t at = 0; at < whole; at += lanes) {
        marcher.March(rays, at, sums, lanes);
        store(at, lanes);
    }
    if (whole == n) return;
    // The rest with rays of no step.
    VolumeRays rest;
    rest.resize(lanes);
    const auto copy = [&](const std::vector<float>& from, std::vector<float>& to) {
        for (std::size_t i = whole; i < n; ++i) to[i - whole] = from[i];
    };
    copy(rays.ox, rest.ox), copy(rays.oy, rest.oy), copy(rays.oz, rest.oz);
    copy(rays.dx, rest.dx), copy(rays.dy, rest.dy), copy(rays.dz, rest.dz);
    copy(rays.begin, rest.begin), copy(rays.dt, rest.dt), copy(rays.steps, rest.steps);
    marcher.March(rest, 0, sums, lanes);
    store(whole, n - whole);
}

}  // namespace HWY_NAMESPACE
}  // namespace nir::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include "kernels/volume_march_ref.h"

namespace nir::kernels {
HWY_EXPORT(MarchVolume);

void march_volume(const BrickVolume& volume, const VolumeLook& look, std::span<const std::int32_t> leaps,
                  const VolumeRays& rays, VolumeSums& out) {
    out.resize(rays.size());
    HWY_DYNAMIC_DISPATCH(MarchVolume)(volume, look, leaps.empty() ? nullptr : leaps.data(), rays, out);
}

void march_volume_ref(std::span<const float> grid, std::array<int, 3> size, int channels, const VolumeLook& look,
                      const VolumeRays& rays, VolumeSums& out) {
    out.resize(rays.size());
    const PlainVolume<double> volume{grid.data(), size, channels};
    for (std::size_t i = 0; i < rays.size(); ++i) march_one(volume, look, rays, i, out);
}

}  // namespace nir::kernels
#endif  // HWY_ONCE
