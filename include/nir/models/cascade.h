// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/progress.h"
#include "nir/extract/scalar_field.h"
#include "nir/geom/shapes.h"

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>

namespace nir::models {

/// The occupancy field that a Cascade makes of one scan. Values are logits, positive inside, in the frame of the
/// points.
class CascadeField : public extract::ScalarField {
public:
    /// Halvings of the coarse cell that were used, and the side of the finest cell.
    virtual int octaves() const = 0;
    virtual float finest_cell() const = 0;
    /// True if the surface is fitted to the points where they are dense; finest_cell() is that of the fit then.
    virtual bool fitted() const { return false; }
    /// Bytes held by the feature volumes.
    virtual std::size_t memory_bytes() const = 0;
};

/// A trained octave cascade (docs/methods/cascade.md): a coarse 3-D U-Net over the whole scan decides inside and
/// outside, a second one, applied once per halving of the cells near the surface, adds detail down to the spacing of
/// the points. Thread-compatible: encode() and the fields of one Cascade are used from one thread at a time.
class Cascade {
public:
    /// Where the finest detail comes from: from further octaves of the network, or from planes fitted to the points
    /// (docs/methods/cascade.md), which is many times faster and needs dense points. automatic: fitted where the finest
    /// octave would have more than 2.5 million cells (about 20,000 noise-free points; with noise, more).
    enum class Detail { automatic, learned, fitted };

    /// Reads a model written by nir train. @throws Error input/format: not a cascade, missing or unexpected tensors.
    static Cascade load(const std::filesystem::path& file);
    ~Cascade();
    Cascade(Cascade&&) noexcept;
    Cascade& operator=(Cascade&&) noexcept;

    struct EncodeOptions {
        double spacing = 0;  ///< distance of neighbouring points on the surface, in the frame of the points; > 0
        double noise = 0;    ///< standard deviation of the points along the normal, same frame; >= 0
        Detail detail = Detail::automatic;
    };
    /// @param points [N,3], any frame, finite; N >= 1. The longest side of their box must be positive.
    /// @throws Error cancelled if progress says so.
    std::unique_ptr<CascadeField> encode(std::span<const geom::Vec3f> points, const EncodeOptions& options,
                                         Progress& progress) const;

    /// The same for a cloud in any frame, with spacing and noise as geom::estimate_spacing() finds them.
    /// @throws Error input: points that are not finite, fewer than 4 different ones, or no surface that they span.
    std::unique_ptr<CascadeField> encode(const geom::PointCloud& cloud, Progress& progress) const;

    /// Metadata of the model file: version, licence, training range, ...
    const std::map<std::string, std::string>& metadata() const;

private:
    struct Impl;
    explicit Cascade(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace nir::models
