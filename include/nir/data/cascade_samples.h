// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/config.h"
#include "nir/data/scan_simulator.h"

#include <array>
#include <memory>

namespace nir::data {

/// What the generated training set of the octave cascade looks like.
struct CascadeDataConfig {
    int cells = 32;                  ///< side of the coarse grid and of every finer window, cells
    int octaves = 2;                 ///< finer windows per sample, at most
    int queries = 1536;              ///< labelled points per octave
    double max_spacing_cells = 2.2;  ///< an octave is trained while the point spacing is below this many of its cells
    double label_softness = 0.1;     ///< width of the occupancy label's sigmoid, cells
    int min_points = 300, max_points = 20000;
    double max_noise_spacings = 0.6;
    double views_share = 0.25;
    double rooms = 0;  ///< share of samples of the family "room"; 0 gives what runs without this option gave
    void describe(ConfigVisitor& v);
};

/// One octave of a sample, all lengths in its own cells.
struct OctaveSample {
    std::vector<float> points;     ///< [N,3] the scan, in cells of the window
    std::vector<float> moments;    ///< [kSplatChannels, cells^3]
    std::vector<float> openness;   ///< [kOpennessChannels, cells^3], coarse grid only
    std::array<int, 3> offset{};   ///< (x, y, z) of the window in its parent window, parent cells
    std::vector<float> queries;    ///< [Q,3]
    std::vector<float> occupancy;  ///< [Q] soft label in 0..1
    std::vector<char> inside;      ///< [Q] exact label
};

/// The whole object on the coarse grid, then windows of half, a quarter, ... the cell size around a point of the
/// surface.
struct CascadeSample {
    std::vector<OctaveSample> octaves;  ///< at least the coarse one
    std::string_view family;
    float spacing_cells = 0;  ///< point spacing in coarse cells
};

/// The next shape: a room with the probability config.rooms, else one of generate_shape(). Which of the two does not
/// touch rng, so that the other shapes are those of config.rooms = 0.
GeneratedShape draw_shape(const CascadeDataConfig& config, Rng& rng, std::size_t n_surface);

/// How the next scan is taken: the number of points is drawn in favour of large ones.
ScanOptions draw_scan_options(const CascadeDataConfig& config, Rng& rng);

CascadeSample make_cascade_sample(const CascadeDataConfig& config, Rng rng);

/// Endless samples, made ahead by worker threads. Sample i depends on (seed, i) only.
class CascadeSampleStream {
public:
    CascadeSampleStream(const CascadeDataConfig& config, std::uint64_t seed, std::uint64_t first, int workers);
    ~CascadeSampleStream();
    CascadeSample next();
    std::uint64_t position() const;  ///< index of the sample that next() gives

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace nir::data
