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
    VF fx, fy, fz;
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

            Colour c = v_.channels == 4 ? ClassifyRgba(cell) : Classify(Trilinear(v_.samples.data(), cell));
            VF alpha = hn::Sub(one, hn::Exp(d, hn::Neg(hn::Mul(c.tau, dt))));
            alpha = hn::IfThenElseZero(hn::And(visible, hn::Gt(c.tau, hn::Zero(d))), alpha);
            const MF seen = hn::Gt(alpha, hn::Zero(d));
            if (hn::AllFalse(d, seen)) continue;
            if (look_.shade) Light(p, view, c);
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
        VI ix, iy, iz;
        Axis(p.x, v_.size[0], ix, c.fx);
        Axis(p.y, v_.size[1], iy, c.fy);
        Axis(p.z, v_.size[2], iz, c.fz);
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

    /// @param base samples + channel; indices are multiplied by the channels.
    template <int kChannels = 1>
    HWY_INLINE VF Trilinear(const float* HWY_RESTRICT base, const Cell& c) const {
        const D d;
        const DI di;
        VI at = c.corner;
        if constexpr (kChannels == 4) at = hn::ShiftLeft<2>(at);
        constexpr int kY = kVolumeBrickSide * kChannels, kX = kVolumeBrickSide * kY;
        const auto get = [&](int offset)
                             HWY_ATTR { return hn::GatherIndex(d, base, hn::Add(at, hn::Set(di, offset))); };
        const auto mix = [](VF a, VF b, VF f) HWY_ATTR { return hn::MulAdd(hn::Sub(b, a), f, a); };
        const VF a = mix(get(0), get(kChannels), c.fz), b = mix(get(kY), get(kY + kChannels), c.fz);
        const VF e = mix(get(kX), get(kX + kChannels), c.fz), f = mix(get(kX + kY), get(kX + kY + kChannels), c.fz);
        return mix(mix(a, b, c.fy), mix(e, f, c.fy), c.fx);
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

    HWY_INLINE Colour ClassifyRgba(const Cell& cell) const {
        const D d;
        const float* base = v_.samples.data();
        const VF one = hn::Set(d, 1.0f);
        const VF a = hn::Min(Trilinear<4>(base + 3, cell), hn::Set(d, 0.9999f));
        const MF there = hn::Gt(a, hn::Set(d, 1e-6f));
        const VF un = hn::IfThenElseZero(there, hn::Div(one, hn::Max(a, hn::Set(d, 1e-6f))));
        const VF tau =
            hn::Div(hn::Neg(hn::Log1p(d, hn::Neg(hn::IfThenElseZero(there, a)))), hn::Set(d, look_.reference_length));
        return {hn::Mul(Trilinear<4>(base, cell), un), hn::Mul(Trilinear<4>(base + 1, cell), un),
                hn::Mul(Trilinear<4>(base + 2, cell), un), hn::IfThenElseZero(there, tau)};
    }

    HWY_INLINE VF Scalar(Point p) const {
        const Cell cell = CellOf(p);
        return v_.channels == 4 ? Trilinear<4>(v_.samples.data() + 3, cell) : Trilinear(v_.samples.data(), cell);
    }

    /// Two-sided Blinn-Phong light; the normal is the gradient by central differences of half a sample.
    HWY_NOINLINE void Light(Point p, Point view, Colour& c) const {
        const D d;
        const VF half = hn::Set(d, 0.5f), one = hn::Set(d, 1.0f);
        Point g;
        g.x = hn::Sub(Scalar({hn::Add(p.x, half), p.y, p.z}), Scalar({hn::Sub(p.x, half), p.y, p.z}));
        g.y = hn::Sub(Scalar({p.x, hn::Add(p.y, half), p.z}), Scalar({p.x, hn::Sub(p.y, half), p.z}));
        g.z = hn::Sub(Scalar({p.x, p.y, hn::Add(p.z, half)}), Scalar({p.x, p.y, hn::Sub(p.z, half)}));
        g.x = hn::Div(g.x, hn::Set(d, look_.spacing[0]));
        g.y = hn::Div(g.y, hn::Set(d, look_.spacing[1]));
        g.z = hn::Div(g.z, hn::Set(d, look_.spacing[2]));
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
