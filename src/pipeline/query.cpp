// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/query.h"

#include "nir/base/error.h"
#include "nir/base/output_file.h"
#include "nir/io/npy.h"

#include "pipeline/batch_fields.h"

#include <cmath>

namespace nir::pipeline {
namespace {

using geom::Vec3f;

struct Points {
    std::vector<Vec3f> all;
    std::size_t batch = 1;
    bool batched = false;  // the array had three dimensions
    std::size_t each() const { return all.size() / batch; }
};

Points read_points(const std::filesystem::path& file) {
    const io::NamedArray array = io::read_npy(file);
    const auto& shape = array.shape;
    if (shape.size() < 2 || shape.size() > 3 || shape.back() != 3)
        fail(ErrorKind::input, "{}: points are an array [T,3] or [B,T,3], this one is {}", file.string(),
             array.shape_text());
    Points out;
    out.batched = shape.size() == 3;
    out.batch = out.batched ? static_cast<std::size_t>(shape[0]) : 1;
    if (out.batch == 0) fail(ErrorKind::input, "{}: the array {} holds no points", file.string(), array.shape_text());
    const auto values = array.to_float();
    out.all.resize(values.size() / 3);
    for (std::size_t i = 0; i < out.all.size(); ++i) {
        out.all[i] = {values[3 * i], values[3 * i + 1], values[3 * i + 2]};
        if (!geom::is_finite(out.all[i])) fail(ErrorKind::input, "{}: point {} is not finite", file.string(), i);
    }
    return out;
}

/// Values of one field, n_components each, appended to `out`.
void evaluate(const OpenField& source, std::span<const Vec3f> points, QueryOutput output, Progress& progress,
              std::vector<float>& out) {
    constexpr std::size_t kChunk = 1 << 16;
    std::vector<float> values;
    std::vector<Vec3f> gradients;
    for (std::size_t at = 0; at < points.size(); at += kChunk) {
        const auto chunk = points.subspan(at, std::min(kChunk, points.size() - at));
        if (output == QueryOutput::gradient) {
            gradients.resize(chunk.size());
            source.field->gradients(chunk, gradients);
            for (const Vec3f& g : gradients) out.insert(out.end(), {g.x, g.y, g.z});
        } else {
            values.resize(chunk.size());
            source.field->values(chunk, values);
            if (output == QueryOutput::probability)
                for (float& v : values) v = static_cast<float>(1 / (1 + std::exp(-static_cast<double>(v))));
            out.insert(out.end(), values.begin(), values.end());
        }
        if (!progress.advance(chunk.size())) fail(ErrorKind::cancelled, "stopped; nothing was written");
    }
}

}  // namespace

QueryResult query(const QueryOptions& options, Progress& progress, PhaseTimer& timer) {
    check_writable(options.out);
    auto reading = timer.phase("read");
    const Points points = read_points(options.points);
    reading.close();

    const auto sources = open_fields(options.field, options.input, progress, timer);
    if (points.batch != 1 && points.batch != sources.size())
        fail(ErrorKind::input, "{} batches of points do not go with {} observations", points.batch, sources.size());
    if (options.output == QueryOutput::probability && !sources.front().logits)
        fail(ErrorKind::usage,
             "{} is a volume of any values, not of probabilities; use --output logit to read them as they are",
             options.field.string());

    const auto querying = timer.phase("query");
    std::vector<float> values;
    progress.begin("query", points.each() * sources.size(), "points");
    for (std::size_t b = 0; b < sources.size(); ++b) {
        const std::span<const Vec3f> all(points.all);
        const std::size_t from = points.batch == 1 ? 0 : b * points.each();
        evaluate(sources[b], all.subspan(from, points.each()), options.output, progress, values);
    }
    progress.end();

    QueryResult result;
    result.points = static_cast<std::int64_t>(points.each() * sources.size());
    result.kind = sources.front().kind;
    if (sources.size() > 1 || points.batched) result.shape.push_back(static_cast<std::int64_t>(sources.size()));
    result.shape.push_back(static_cast<std::int64_t>(points.each()));
    if (options.output == QueryOutput::gradient) result.shape.push_back(3);
    const auto writing = timer.phase("write");
    io::write_npy(options.out, io::NamedArray::from("", result.shape, values));
    return result;
}

}  // namespace nir::pipeline
