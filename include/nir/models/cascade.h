// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/progress.h"
#include "nir/extract/scalar_field.h"
#include "nir/geom/point_source.h"
#include "nir/geom/sensors.h"
#include "nir/geom/shapes.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace nir::models {

/// How far a scan of so many points counts as large: 0 up to 300,000 points, 1 from a million on. Planes on the points
/// of large scans are half again as wide, which takes less than half the time and memory.
double largeness(std::size_t points);

/// When CascadeField::refine() ends. One of seconds and steps must be above 0; with both, the first one reached counts.
struct RefineOptions {
    double seconds = 0;  ///< wall clock, 0 = no limit. The last bits of the result depend on it; on steps they do not
    int steps = 0;       ///< tries of a correction, 0 = no limit
    double spacing = 0;  ///< of the points on the surface, in their frame; > 0
    double noise = 0;    ///< standard deviation of the points along the normal, in their frame: no closer than that
    float level = 0;     ///< logit of the surface
    std::uint64_t seed = 1;  ///< chooses the points that are held out, and the points used if there are very many
};

/// What CascadeField::refine() did. Distances are those of points to where the field crosses the level on the line
/// along their normal, at most two finest cells, averaged, in the frame of the points.
struct RefineReport {
    enum class Stop {
        nothing_to_gain,  ///< the points lay within the noise already, or the first corrections made it worse
        noise_reached,    ///< the points used lie within the noise now
        no_more_gain,     ///< the points held out come no closer
        steps,
        seconds
    };
    int steps = 0;                                   ///< corrections tried ...
    int kept = 0;                                    ///< ... and kept, because the points held out came closer
    std::size_t points = 0, held_out = 0;            ///< used for the corrections; used to judge them
    double residual_before = 0, residual_after = 0;  ///< of the points used
    double held_out_before = 0, held_out_after = 0;  ///< of the points held out; never goes up
    double seconds = 0;
    Stop stopped_by = Stop::nothing_to_gain;
};
/// "no more gain", ...: as written in JSON and in the log.
std::string_view to_string(RefineReport::Stop stop);

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
    /// Moves the surface towards points of the scan that the field was made of (docs/methods/cascade.md). Only
    /// corrections after which points held out lie closer are kept, so that noise is not followed.
    /// @param points [N,3], the frame of the field; fewer than 50 usable ones change nothing
    /// @throws Error usage: no limit given, or this kind of field cannot be refined; cancelled: what was gained by then
    /// stays.
    virtual RefineReport refine(std::span<const geom::Vec3f> points, const RefineOptions& options, Progress& progress);
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
        /// Where the sensors stood, same frame, one entry per point; null or empty: not known. Space that was looked
        /// through is outside, and fitted planes get their outside from the sensors. Read while encoding only.
        const geom::Sensors* sensors = nullptr;
    };
    /// @param points [N,3], any frame, finite; N >= 1. The longest side of their box must be positive.
    /// @throws Error cancelled if progress says so.
    std::unique_ptr<CascadeField> encode(std::span<const geom::Vec3f> points, const EncodeOptions& options,
                                         Progress& progress) const;

    /// Bounds for encode_windows().
    struct WindowOptions {
        double finest_cells = 2.5e7;  ///< cells of the finest octave of the network over the whole scan, about
        double resident_cells =
            2.5e6;  ///< as many cells are kept for the whole scan, finer octaves are made by windows
        std::size_t most_bricks = 10000;  ///< that are computed together, each about 130 KB of memory
        double mesh_cell = 0;  ///< of the mesh to come, frame of the points: fits are no finer; 0 = not known
    };
    /// The field of a large scan, made window by window: the coarser octaves are encoded here, the finer ones and the
    /// fit by prepare(box) of the field, which must come before any question and holds for boxes inside it too. Inside
    /// its box the field is that of the whole scan whatever the box. The detail
    /// is fitted unless the options say learned.
    /// @param points  looked at here and by every prepare(); may lie on disk
    std::unique_ptr<CascadeField> encode_windows(std::shared_ptr<const geom::PointSource> points,
                                                 const EncodeOptions& options, const WindowOptions& windows,
                                                 Progress& progress) const;
    /// The same for a copy of points.
    std::unique_ptr<CascadeField> encode_windows(std::span<const geom::Vec3f> points, const EncodeOptions& options,
                                                 const WindowOptions& windows, Progress& progress) const;

    /// encode() for a cloud in any frame, with spacing and noise as geom::estimate_spacing() finds them.
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
